"""Compiled networks are explained as they were written: rules see nothing of compiled code."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch._dynamo import eval_frame
from torch.nn import functional

from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.steady import steady
from tests.explain.networks import Call, convolutions, run

RULED = ["guided-backprop", "deconvolution", "deeplift", "lrp"]


def plain() -> nn.Sequential:
    torch.manual_seed(5)
    second = nn.Conv2d(8, 8, 3, 1, 1)
    found = convolutions(Call(functional.relu), nn.MaxPool2d(2), second, Call(functional.relu))
    with torch.no_grad():
        found[-1].weight.abs_()  # so that no map is cut to nothing
    return found


def whole() -> nn.Module:
    return torch.compile(plain(), backend="eager")


def in_place() -> nn.Module:
    network = plain()
    network.compile(backend="eager")
    return network


def a_layer() -> nn.Module:
    network = plain()
    network[1] = torch.compile(network[1], backend="eager")
    return network


def a_function() -> nn.Module:
    network = plain()
    network[1] = Call(torch.compile(lambda x: functional.relu(x), backend="eager"))
    return network


def stance() -> str:
    return eval_frame._stance.stance


@pytest.fixture(autouse=True)
def fresh():
    """Forget what other tests have compiled."""
    torch.compiler.reset()
    yield
    assert stance() == "default"
    torch.compiler.reset()


@pytest.mark.parametrize("build", [whole, in_place, a_layer, a_function])
def test_maps_of_a_compiled_network_are_those_of_the_network(classify, make_input, build) -> None:
    """One method after another, and after a prediction: what one has compiled is no other's."""
    compiled = classify(build())
    with torch.no_grad():
        compiled.logits(torch.rand(1, 3, 24, 24))
    for name in ("gradient", *RULED, *RULED):
        expected = run(name, classify(plain()), make_input()).values
        assert preflight(name, compiled, make_input()).verdict == "fits"
        found = run(name, compiled, make_input()).values
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_a_stance_of_the_users_own_is_put_back() -> None:
    seen = []

    def broken() -> None:
        with steady(plain()), steady(plain()):
            seen.append(stance())
            raise OSError("lost")

    with torch.compiler.set_stance("eager_on_recompile"):
        with pytest.raises(OSError, match="lost"):
            broken()
        seen.append(stance())
    assert seen == ["force_eager", "eager_on_recompile"]


def test_of_several_at_once_the_last_to_leave_puts_it_back() -> None:
    """It holds for all threads: the first to leave must not compile under the other's feet."""
    entered, leave = threading.Event(), threading.Event()
    seen = []

    def first() -> None:
        with steady(plain()):
            entered.set()
            assert leave.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(10)
    with steady(plain()):
        leave.set()
        thread.join(10)
        seen.append(stance())
    seen.append(stance())
    assert seen == ["force_eager", "default"]


def test_without_compiled_code_nobody_waits_for_the_compiler(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "torch._dynamo")
    with steady(plain()):
        assert "torch._dynamo" not in sys.modules
