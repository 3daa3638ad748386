"""Predicted numbers of passes are those that run, for every method."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.classify.architectures import build
from galaxyscope.explain import cost
from galaxyscope.explain.cost import Passes, Unit, passes, predicted_seconds
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import METHODS, PRESETS, method, methods
from galaxyscope.work.watch import Watch


class Counting:
    """Counts the pictures that go through a network, with and without a way back."""

    def __init__(self, network: nn.Module) -> None:
        self.forward = self.backward = 0
        network.register_forward_pre_hook(self._seen)

    def _seen(self, _module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        (x,) = inputs
        if x.requires_grad:
            self.backward += len(x)
        else:
            self.forward += len(x)


OWN_WAY = {
    "lrp": "counts as four passes back",
    "deeplift": "its run for the reference looks like one with a way back",
    "deeplift-shap": "the same",
    "ablation-cam": "one picture and many maps",
}


@pytest.mark.parametrize("name", METHODS)
def test_the_number_of_passes_is_what_runs(small, classify, make_input, few, name) -> None:
    if METHODS[name].card.family == "Transformers":
        small = classify(
            build("vit", 2, {"size": 24, "patch": 8, "features": 8, "depth": 1, "heads": 2})
        )
    small.network.features = getattr(small.network, "features", nn.Sequential())
    small.network.features.append(nn.MaxPool2d(3, stride=1, padding=1))
    settings, picture = few(name, evaluations=12), make_input()
    preflight(name, small, picture)  # once in a network's life it is tried out
    before = Counting(small.network)
    assert preflight(name, small, picture).verdict != "refused"
    trial = (before.forward, before.backward)
    expected = passes(name, small, picture, settings)
    before.forward = before.backward = 0
    method(name).explain(small, picture, "bar", settings, Watch())
    ran = before.forward + before.backward - sum(trial)
    told = expected.forward + expected.backward
    if name in OWN_WAY:
        assert told >= ran
    elif name in {"lime", "lime/fine", "kernel-shap", "e-lime"}:
        assert 0 < ran <= told, "repeated masks are asked about once"
    else:
        assert abs(told - ran) <= 3, f"predicted {told}, ran {ran}"


def test_the_time_is_passes_times_their_cost(small, make_input, monkeypatch) -> None:
    monkeypatch.setattr(cost, "units_of", lambda *_: {"small": Unit(0.5, 2.0)})
    told = predicted_seconds("integrated-gradients", small, make_input(), {"steps": 10})
    assert told == pytest.approx(2 * 0.5 + 10 * 2.0, abs=0.01)
    assert passes("gradient", small, make_input(), {}) == Passes(0, 1)


def test_units_are_measured(small, make_input) -> None:
    (unit,) = cost.units_of(small, make_input()).values()
    assert 0 < unit.forward < 1
    assert 0 < unit.backward < 1
    assert np.isfinite(predicted_seconds("rise", small, make_input(), {"samples": 8}))


def test_presets() -> None:
    assert methods("all") == tuple(METHODS)
    assert len(methods("benchmark")) == 10
    assert set(PRESETS["benchmark"]) <= set(METHODS)
    assert methods("cam") == ("cam",)
    with pytest.raises(KeyError, match="there is no method"):
        methods("magic")
