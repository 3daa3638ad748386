"""What perturbation methods cost over what they must cost; LIME against its package; E-LIME."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from lime.lime_image import LimeImageExplainer

from galaxyscope.classify.store import load_model
from galaxyscope.explain.engine import batch_size, tensor
from galaxyscope.explain.forward import MaskedAnswers, forward
from galaxyscope.explain.registry import method
from galaxyscope.explain.segments import hidden_picture, segments_of
from galaxyscope.resources import samples_folder
from galaxyscope.sky.readers import list_images, open_image
from galaxyscope.work.watch import Watch

ASK = {
    "occlusion": {"stride": 8},
    "rise": {"samples": 300},
    "kernel-shap": {"samples": 300},
    "lime/fine": {"samples": 300},
    "e-lime": {"evaluations": 300},
}


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


@pytest.mark.benchmark
@pytest.mark.timeout(600)
def test_methods_against_their_unit_cost() -> None:
    """Efficiency: evaluations × cost of one forward pass at the best batch over wall time."""
    classifier = load_model(device="cpu")
    net_input = classifier.prepare(open_image(list_images(samples_folder())[0]))
    image = tensor(classifier, net_input)
    batches = sorted({1, 2, 4, 8, 16, 32, batch_size(classifier, image.shape[-1])})
    stacks = {batch: image.repeat(batch, 1, 1, 1) for batch in batches}
    evaluations = [0]
    logits = classifier.logits

    def unit(batch: int) -> float:
        def forwards() -> None:
            with torch.inference_mode():
                for _ in range(0, 32, batch):
                    logits(stacks[batch])

        return seconds(forwards) / max(32, batch)

    def counted(x: torch.Tensor) -> torch.Tensor:
        evaluations[0] += len(x)
        return logits(x)

    classifier.logits = counted  # type: ignore[method-assign]  # counts what the network sees
    units: dict[int, list[float]] = {batch: [] for batch in batches}
    efficiency: dict[str, list[float]] = {name: [] for name in ASK}
    for name, ask in ASK.items():
        method(name).explain(classifier, net_input, "bar", ask, Watch())
    for _ in range(3):
        for name, ask in ASK.items():
            for batch in batches:
                units[batch].append(unit(batch))
            best = min(times[-1] for times in units.values())
            evaluations[0] = 0
            taken = seconds(
                lambda: method(name).explain(classifier, net_input, "bar", ask, Watch())  # noqa: B023 - called at once
            )
            efficiency[name].append(evaluations[0] * best / taken)
    for batch, times in units.items():
        print(f"\nbatch {batch}: {1000 * statistics.median(times):.2f} ms a picture", end="")
    for name, found in efficiency.items():
        print(f"\n{name}: efficiency {statistics.median(found):.2f}", end="")
    print()
    assert min(map(statistics.median, efficiency.values())) > 0.7


@pytest.mark.benchmark
@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", [128, 424])
def test_lime_against_the_package(size: int) -> None:
    """1000 samples; the package sees the cutout at `size` px and shrinks each picture."""
    classifier = load_model(device="cpu")
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
            return classifier.logits(x).sigmoid().numpy()

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
def test_e_lime_against_limes_best_superpixels() -> None:
    """Same superpixels, hidden alike; LIME 1000 samples, E-LIME 100 evaluations.

    LIME's superpixels: its five best (the package's picture), and the best of all numbers of
    them, for which LIME asks the network once more per superpixel.
    """
    classifier = load_model(device="cpu")
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
