"""Maps made on a graphics card are those made on the CPU, and the same again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch.nn import functional

from galaxyscope.classify.classifier import NetworkInput
from galaxyscope.classify.store import load_model
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.resources import samples_folder
from galaxyscope.sky.readers import list_images, open_image
from galaxyscope.work.watch import Cancelled, Watch
from tests.explain.test_awkward_networks import NETWORKS

SHIPPED = ("galaxyzoo/resnet", "galaxyzoo/vgg", "galaxyzoo/xception", "elliptical-vit", "radio-fr")
TOLERANCE = 2e-3
"""Of the root of the sum of squares. Where kinks decide (ReLU, max pooling, the strongest channel),
the last bit of a sum can choose another side in single pixels."""


@pytest.fixture(scope="session")
def loaded():
    """Networks by name and device, each loaded once."""
    known: dict[tuple[str, str], object] = {}

    def load(name: str, device: str):
        if (name, device) not in known:
            known[name, device] = load_model(name, device=device)
        return known[name, device]

    return load


def first_input(classifier) -> NetworkInput:
    return classifier.prepare(open_image(list_images(samples_folder())[0]))


def target_of(classifier) -> str:
    return next(iter(classifier.card.targets), classifier.card.classes[0])


def far_apart(one: np.ndarray, other: np.ndarray) -> float:
    """Relative difference of two maps, in the root of the sum of squares."""
    return float(np.linalg.norm(one - other) / max(np.linalg.norm(other), 1e-30))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("model", SHIPPED)
def test_maps_are_those_of_the_cpu(loaded, accelerator, few, model, name) -> None:
    here, there = loaded(model, "cpu"), loaded(model, accelerator)
    net_input, target = first_input(here), target_of(here)
    fit = preflight(name, there, net_input)
    assert fit.verdict == preflight(name, here, net_input).verdict
    if fit.verdict == "refused":
        return
    settings = few(name, evaluations=24)
    expected = method(name).explain(here, net_input, target, settings, Watch())
    found = method(name).explain(there, net_input, target, settings, Watch())
    assert far_apart(found.values, expected.values) < TOLERANCE
    assert found.notes == expected.notes
    again = method(name).explain(there, net_input, target, settings, Watch())
    assert far_apart(again.values, found.values) < 1e-5


@pytest.mark.parametrize("kind", NETWORKS)
def test_awkward_networks_too(classify, make_input, accelerator, few, kind) -> None:
    classifiers = []
    for device in ("cpu", accelerator):
        torch.manual_seed(0)
        one = classify(NETWORKS[kind]())
        one.move(device)
        classifiers.append(one)
    here, there = classifiers
    picture, wrong = make_input(), []
    for name in METHODS:
        fit = preflight(name, there, picture)
        assert fit.verdict == preflight(name, here, picture).verdict, name
        if fit.verdict == "refused":
            continue
        settings = few(name, evaluations=12)
        found, expected = (
            method(name).explain(one, picture, "bar", settings, Watch()).values
            for one in (there, here)
        )
        if np.ptp(expected) > 1e-12 and not far_apart(found, expected) < TOLERANCE:
            wrong.append((name, far_apart(found, expected)))
    assert not wrong


def test_the_batch_changes_nothing(loaded, accelerator) -> None:
    there = loaded("galaxyzoo/resnet", accelerator)
    net_input, maps = first_input(there), []
    for limit in (None, 7):
        there.batch_limit = limit
        try:
            ask = {"samples": 32}
            run = method("smoothgrad/rotation-averaged").explain
            maps.append(run(there, net_input, "bar", ask, Watch()).values)
        finally:
            there.batch_limit = None
    assert far_apart(maps[1], maps[0]) < TOLERANCE


def test_two_networks_at_once_on_one_card(accelerator) -> None:
    """Each has its lane, both share the card."""
    networks = [load_model(name, device=accelerator) for name in SHIPPED[:2]]

    def explained(classifier):
        net_input = first_input(classifier)
        ask = {"samples": 64, "seed": 3}
        return [
            method(name).explain(classifier, net_input, "bar", ask, Watch()).values
            for name in ("smoothgrad/signed", "rise")
        ]

    alone = [explained(one) for one in networks]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(explained, networks))
    for one, other in zip(alone, together, strict=True):
        for before, now in zip(one, other, strict=True):
            assert far_apart(now, before) < 1e-5


def test_a_cancel_is_heard_after_one_batch(loaded, accelerator) -> None:
    there = loaded("galaxyzoo/resnet", accelerator)
    reports = []

    def heard(done: int, total: int, partial: object) -> None:
        reports.append(done)
        if done:
            watch.cancel()

    watch = Watch(heard)
    with pytest.raises(Cancelled):
        method("smoothgrad/signed").explain(
            there, first_input(there), "bar", {"samples": 4096}, watch
        )
    assert len(reports) == 2


def test_float32_is_float32(accelerator) -> None:
    """Tensor cores would round what goes into a convolution to ten bits."""
    torch.manual_seed(0)
    x, kernel = torch.rand(2, 64, 32, 32), torch.randn(64, 64, 3, 3)
    exact = functional.conv2d(x.double(), kernel.double())
    found = functional.conv2d(x.to(accelerator), kernel.to(accelerator)).cpu()
    assert (found - exact).norm() / exact.norm() < 1e-5
