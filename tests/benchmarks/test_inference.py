"""Throughput of `Classifier.predict_many` over the best plain-torch loop at the same batch size."""

from __future__ import annotations

import statistics
import time

import pytest
import torch

from galaxyscope.classify.calibrate import calibrate
from galaxyscope.classify.store import load_model
from galaxyscope.resources import samples_folder
from galaxyscope.sky.readers import list_images, open_image
from tests.benchmarks.timing import seconds

CUTOUTS = 24
ROUNDS = 7


@pytest.mark.benchmark
@pytest.mark.timeout(600)
@pytest.mark.parametrize("precision", [None, "fp32", "auto"])
def test_predict_many_against_a_plain_loop(precision: str | None, device: str) -> None:
    """Each cutout in eight turned copies; timings in pairs, so that other work hits both.

    ``None``: without calibration. Else both are compared with the plain network in fp32, so
    the calibrated ratio says what calibration brings.
    """
    classifier = load_model(device=device, precision=precision or "fp32")
    for member in classifier.members:
        member.calibrated({})
    if precision:
        began = time.perf_counter()
        calibrate(classifier)
        print(f"\ncalibrated in {time.perf_counter() - began:.1f} s")
        for member in classifier.members:
            print(f"{member.card.name}: {member.mode('forward')}; {member.mode('backward')}")
    inputs = [classifier.prepare(open_image(path)) for path in list_images(samples_folder())]
    inputs = (inputs * CUTOUTS)[:CUTOUTS]
    x = torch.stack([torch.from_numpy(one.pixels) for one in inputs])
    turned = [torch.rot90(x, k, (2, 3)) for k in range(4)]
    copies = torch.cat(turned + [one.flip(3) for one in turned]).to(classifier.device)

    def plain() -> None:
        with torch.inference_mode():
            for member in classifier.members:
                for some in torch.split(copies, member.batch):
                    member.network(some)

    def ours() -> None:
        assert sum(1 for _ in classifier.predict_many(inputs)) == CUTOUTS

    def one_by_one() -> None:
        for one in inputs:
            classifier.predict(one)

    plain(), ours(), one_by_one()
    ratios, singles = [], []
    for _ in range(ROUNDS):
        reference = seconds(plain)
        ratios.append(reference / seconds(ours))
        singles.append(reference / seconds(one_by_one))
    batches = [member.batch for member in classifier.members]
    print(
        f"\ncalibration {precision or 'none'}, batches {batches}: predict_many has "
        f"{statistics.median(ratios):.2f} × the throughput of the plain loop, predict one by one "
        f"{statistics.median(singles):.2f} ×; {reference / len(copies) * 1000:.1f} ms a picture"
    )
    assert statistics.median(ratios) >= 0.95
