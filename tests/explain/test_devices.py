"""Devices without float64, as Apple's are: what is precise is added up on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from galaxyscope.explain import engine
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.work.watch import Watch
from tests.explain.test_steady import picture_and_network

VALVES = {"guided-backprop", "deconvolution", "guided-grad-cam"}
"""Their own step of the way back takes no subclass of Tensor, which stands for the device here."""


class NoDoubles(Tensor):
    """On a device without float64 until it is brought to the CPU."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name == "cpu":
            with torch._C.DisableTorchFunction():
                return torch.Tensor.cpu(args[0]).as_subclass(Tensor)
        found = super().__torch_function__(func, types, args, kwargs or {})
        if name == "numpy" or (isinstance(found, Tensor) and found.dtype == torch.float64):
            raise TypeError("this device has no float64, and its memory is its own")
        return found


def test_the_stand_in_behaves_so() -> None:
    x = torch.rand(3).as_subclass(NoDoubles)
    for asked in (
        lambda: x.double(),
        lambda: x.to(torch.float64),
        lambda: torch.zeros(3, dtype=torch.float64).add_(x),
        lambda: x.numpy(),
    ):
        with pytest.raises(TypeError, match="no float64"):
            asked()
    assert type(x * 2) is NoDoubles
    assert type(nn.Linear(3, 2)(x)) is NoDoubles
    assert x.cpu().double().dtype == torch.float64


@pytest.mark.parametrize("name", sorted(set(METHODS) - VALVES))
def test_no_method_needs_float64_on_the_device(
    classify, make_input, monkeypatch, name, few
) -> None:
    network, picture = picture_and_network(name, make_input)
    ask = few(name, samples=16, agreement=0.5)
    expected = method(name).explain(classify(network), picture, "bar", ask, Watch()).values
    classifier = classify(network)
    logits = classifier.logits
    met: list[type] = []

    def elsewhere(x: Tensor) -> Tensor:
        found = logits(x if type(x) is NoDoubles else x.as_subclass(NoDoubles))
        met.append(type(found))
        return found

    monkeypatch.setattr(classifier, "logits", elsewhere)
    plain = engine.tensor
    monkeypatch.setattr(engine, "tensor", lambda *asked: plain(*asked).as_subclass(NoDoubles))
    found = method(name).explain(classifier, picture, "bar", ask, Watch()).values
    assert set(met) == {NoDoubles}
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
