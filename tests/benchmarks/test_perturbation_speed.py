"""LIME against its package, and E-LIME against LIME."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lime.lime_image import LimeImageExplainer

from galaxyscope.classify.store import load_model
from galaxyscope.explain.engine import tensor
from galaxyscope.explain.forward import MaskedAnswers, forward
from galaxyscope.explain.registry import method
from galaxyscope.explain.segments import hidden_picture, segments_of
from galaxyscope.resources import samples_folder
from galaxyscope.sky.readers import list_images, open_image
from galaxyscope.work.watch import Watch
from tests.benchmarks.timing import seconds


@pytest.mark.benchmark
@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", [128, 424])
def test_lime_against_the_package(size: int, device: str) -> None:
    """1000 samples; the package sees the cutout at `size` px and shrinks each picture."""
    classifier = load_model(device=device)
    net_input = classifier.prepare(open_image(list_images(samples_folder())[0]))
    image = tensor(classifier, net_input)
    side = image.shape[-1]
    large = torch.nn.functional.interpolate(image, size=(size, size), mode="bilinear")[0]
    picture = large.permute(1, 2, 0).double().numpy()

    def probabilities(images: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.asarray(images, np.float32).transpose(0, 3, 1, 2))
        if size != side:
            x = torch.nn.functional.interpolate(x, size=(side, side), mode="area")
        with torch.inference_mode():
            return classifier.logits(x).sigmoid().cpu().numpy()

    def packages() -> None:
        LimeImageExplainer(random_state=0).explain_instance(
            picture, probabilities, labels=(5,), top_labels=None, num_samples=1000
        )

    taken = {"package": seconds(packages)}
    for name in ("lime", "lime/fine"):
        run = method(name).explain
        taken[name] = seconds(lambda: run(classifier, net_input, "bar", {}, Watch()))  # noqa: B023 - called at once
    print(f"\nLIME, 1000 samples; package at {size} px: {taken['package']:.1f} s", end="")
    for name in ("lime", "lime/fine"):
        print(f"; {name}: {taken[name]:.1f} s, {taken['package'] / taken[name]:.1f} ×", end="")
    print()
    if size == 424:
        assert taken["package"] > 2 * taken["lime"]


@pytest.mark.benchmark
@pytest.mark.timeout(900)
def test_e_lime_against_limes_best_superpixels(device: str) -> None:
    """Same superpixels, hidden alike; LIME 1000 samples, E-LIME 100 evaluations.

    LIME's superpixels: its five best (the package's picture), and the best of all numbers of
    them, for which LIME asks the network once more per superpixel.
    """
    classifier = load_model(device=device)
    rows = []
    print()
    for path in list_images(samples_folder()):
        net_input = classifier.prepare(open_image(path))
        evolved = method("e-lime").explain(classifier, net_input, "bar", {}, Watch())
        segments = segments_of(net_input, evolved.parameters)
        count = int(segments.max()) + 1
        ask = {"mean": False, "sky": True}
        linear = method("lime/fine").explain(classifier, net_input, "bar", ask, Watch())
        weights = [linear.values[segments == n][0] for n in range(count)]
        best = np.argsort(weights)[::-1]
        masks = np.array([np.isin(np.arange(count), best[:k]) for k in range(1, count + 1)])
        ours = np.array([evolved.values[segments == n][0] > 0 for n in range(count)])
        with forward(classifier, net_input, "bar", "probability", Watch()) as asking:
            hidden = hidden_picture(net_input.pixels, {"sky": True})
            answers = MaskedAnswers(asking, hidden, segments)(np.vstack([ours, masks]))
        mine, five, any_number = answers[0], answers[5], answers[1:].max()
        rows.append((mine > five, mine > any_number))
        print(
            f"{path.name}: {count} superpixels; E-LIME {mine:.3f} with {ours.sum()} after "
            f"{evolved.samples_done}; LIME's five {five:.3f}, best number {any_number:.3f}"
        )
    wins = np.mean(rows, axis=0)
    print(f"E-LIME is higher: {wins[0]:.0%} against five, {wins[1]:.0%} against the best number")
    assert wins[0] == 1
