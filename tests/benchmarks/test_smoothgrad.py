"""SmoothGrad with 256 samples against captum's NoiseTunnel at its best batch, in one run."""

from __future__ import annotations

import statistics

import pytest
from captum.attr import NoiseTunnel, Saliency

from galaxyscope.classify.calibrate import calibrate
from galaxyscope.classify.store import load_model
from galaxyscope.explain.engine import tensor
from galaxyscope.explain.registry import method
from galaxyscope.resources import samples_folder
from galaxyscope.sky.readers import list_images, open_image
from galaxyscope.work.watch import Watch
from tests.benchmarks.timing import seconds

SAMPLES = 256
BATCHES = {"cpu": (2, 4, 8, 16, 32)}
BATCHES_ELSEWHERE = (32, 64, 128, 256)
ROUNDS = 3


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["galaxyzoo/resnet", "galaxyzoo/vgg", "galaxyzoo/xception"])
def test_smoothgrad_against_captum(name: str, device: str) -> None:
    """Ours as it is, as calibration has it run in float32, and in the fastest number format."""
    plain = load_model(name, device=device)
    plain.calibrated({})
    calibrated = load_model(name, device=device)
    quickest = load_model(name, device=device, precision="auto")
    calibrate(calibrated)
    quickest.calibrated(calibrated.modes)
    net_input = plain.prepare(open_image(list_images(samples_folder())[0]))
    image, target = tensor(plain, net_input), plain.class_index("bar")

    def captums(samples: int, batch: int) -> object:
        return NoiseTunnel(Saliency(plain.logits)).attribute(
            image.clone().requires_grad_(),
            nt_type="smoothgrad",
            nt_samples=samples,
            nt_samples_batch_size=batch,
            stdevs=0.1,
            target=target,
        )

    settings = {"samples": SAMPLES, "noise": 0.1, "seed": 0}
    ours = {"as it is": plain, "fp32 calibrated": calibrated, "fastest": quickest}
    explain = method("smoothgrad/tf-keras-vis").explain
    tried = BATCHES.get(device, BATCHES_ELSEWHERE)
    most = max(64, tried[-1])
    best = min(tried, key=lambda batch: min(seconds(lambda: captums(most, batch)) for _ in "12"))
    found: dict[str, list[float]] = {label: [] for label in ours}
    for _ in range(ROUNDS):
        before = seconds(lambda: captums(SAMPLES, best))
        times = {
            label: seconds(lambda: explain(one, net_input, "bar", settings, Watch()))  # noqa: B023 - called at once
            for label, one in ours.items()
        }
        after = seconds(lambda: captums(SAMPLES, best))
        for label, taken in times.items():
            found[label].append((before + after) / 2 / taken)
    print(f"\n{name}, N = {SAMPLES}; captum's NoiseTunnel in batches of {best}: {after:.3f} s")
    for label, ratios in found.items():
        mode = ours[label].mode("backward")
        print(f"  {label} ({mode or 'plain'}): {statistics.median(ratios):.2f} × as fast")
    if device != "cpu":  # there captum draws its noise on the card
        return
    assert statistics.median(found["fp32 calibrated"]) > 0.9
    if quickest.mode("backward").precision == "bf16":  # only where the processor knows it
        assert statistics.median(found["fastest"]) > 1.5
