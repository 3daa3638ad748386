"""What SmoothGrad costs over what it must cost, and against captum's NoiseTunnel."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch
from captum.attr import NoiseTunnel, Saliency

from galaxyscope.classify.store import load_model
from galaxyscope.explain.engine import batch_size, gradients, tensor
from galaxyscope.explain.registry import method
from galaxyscope.explain.target import Score
from galaxyscope.resources import samples_folder
from galaxyscope.sky.readers import list_images, open_image
from galaxyscope.work.watch import Watch

SAMPLES = 64


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


@pytest.mark.benchmark
@pytest.mark.timeout(300)
def test_smoothgrad_against_its_unit_cost_and_captum() -> None:
    classifier = load_model(device="cpu")
    net_input = classifier.prepare(open_image(list_images(samples_folder())[0]))
    image = tensor(classifier, net_input)
    target = classifier.class_index("bar")
    settings = {"samples": SAMPLES, "noise": 0.1, "seed": 0}
    batch = batch_size(classifier, image.shape[-1])
    stack = image.repeat(batch, 1, 1, 1)

    def captums() -> torch.Tensor:
        tunnel = NoiseTunnel(Saliency(classifier.logits))
        return tunnel.attribute(
            image.clone().requires_grad_(),
            nt_type="smoothgrad",
            nt_samples=SAMPLES,
            nt_samples_batch_size=batch,
            stdevs=0.1,
            target=target,
        )

    def ours(name: str) -> Callable[[], object]:
        return lambda: method(name).explain(classifier, net_input, "bar", settings, Watch())

    unit, noise_tunnel = [], []
    found: dict[str, list[float]] = {
        "smoothgrad/tf-keras-vis": [],
        "smoothgrad/rotation-averaged": [],
    }
    gradients(classifier, stack, Score(target))
    for _ in range(5):
        unit.append(seconds(lambda: gradients(classifier, stack, Score(target))) / batch)
        noise_tunnel.append(seconds(captums))
        for name in found:
            found[name].append(seconds(ours(name)))
    cost = SAMPLES * statistics.median(unit)
    print(f"\nforward and backward: {1000 * cost / SAMPLES:.1f} ms a sample in batches of {batch}")
    for name, times in found.items():
        taken = statistics.median(times)
        print(
            f"{name}, N = {SAMPLES}: {taken:.2f} s, efficiency {cost / taken:.2f}, "
            f"{statistics.median(noise_tunnel) / taken:.2f} × as fast as captum's NoiseTunnel"
        )
        assert cost / taken > 0.7
