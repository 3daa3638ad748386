"""Activations that are written out of several operations are those activations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.preflight import preflight
from tests.explain.networks import Call, convolutions, run

GELU_TANH = 0.7978845608


def in_place(x: Tensor) -> Tensor:
    x = x * 1
    x *= torch.sigmoid(x)
    return x


def number_by_mask(x: Tensor) -> Tensor:
    x = x * 1
    x[x < 0] = 0
    return x


def ones_by_mask(x: Tensor) -> Tensor:
    gate = torch.zeros_like(x)
    gate[x > 0] = 1
    return x * gate


def without_gradient(x: Tensor) -> Tensor:
    with torch.no_grad():
        mask = (x > 0).float()
    return x * mask


def masked_in_place(x: Tensor) -> Tensor:
    x = x + 0
    return x.masked_fill_(x < 0, 0)


RELU = functional.relu
WRITTEN_OUT = {
    "x * sigmoid(x)": (functional.silu, lambda x: x * torch.sigmoid(x)),
    "sigmoid(x).mul(other=x)": (functional.silu, lambda x: torch.sigmoid(x).mul(other=x)),
    "x *= sigmoid(x)": (functional.silu, in_place),
    "x / (1 + exp(-x))": (functional.silu, lambda x: x / (1 + torch.exp(-x))),
    "x * expit(x)": (functional.silu, lambda x: x * torch.special.expit(x)),
    "x * relu6(x + 3) / 6": (functional.hardswish, lambda x: x * functional.relu6(x + 3) / 6),
    "gelu with erf": (functional.gelu, lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5))),
    "gelu with tanh": (
        lambda x: functional.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + torch.tanh(GELU_TANH * (x + 0.044715 * x**3))),
    ),
    "gelu(input=x)": (functional.gelu, lambda x: functional.gelu(input=x)),
    "threshold": (RELU, nn.Threshold(0, 0)),
    "maximum": (RELU, lambda x: torch.maximum(x, torch.zeros(()))),
    "max of two": (RELU, lambda x: torch.max(torch.zeros_like(x), x)),
    "where": (RELU, lambda x: torch.where(x > 0, x, 0.0)),
    "masked_fill": (RELU, lambda x: x.masked_fill(x < 0, 0)),
    "masked_fill_": (RELU, masked_in_place),
    "x * (x > 0)": (RELU, lambda x: x * (x > 0)),
    "x * ~(x <= 0) as numbers": (RELU, lambda x: (~(x <= 0)).float() * x),
    "x[x < 0] = 0": (RELU, number_by_mask),
    "gate[x > 0] = 1": (RELU, ones_by_mask),
    "mask without gradient": (RELU, without_gradient),
    "x * (x.detach() > 0)": (RELU, lambda x: x * (x.detach() > 0)),
    "x * (x.data > 0)": (RELU, lambda x: x * (x.data > 0)),
    "x * (x > 0).float().detach()": (RELU, lambda x: x * (x > 0).float().detach()),
    "x * (x > 0).int()": (RELU, lambda x: x * (x > 0).int()),
    "where(x.detach() > 0)": (RELU, lambda x: torch.where(x.detach() > 0, x, 0.0)),
    "mask.view(x.shape)": (RELU, lambda x: x * (x > 0).view(x.shape)),
    "where by keyword": (RELU, lambda x: torch.where(condition=x > 0, input=x, other=0.0)),
    "clip": (RELU, lambda x: torch.clip(x, min=0)),
    "(x + |x|) / 2": (RELU, lambda x: (x + x.abs()) / 2),
    "leaky relu of two": (
        lambda x: functional.leaky_relu(x, 0.1),
        lambda x: functional.relu(x) - 0.1 * functional.relu(-x),
    ),
    "rectifier of -x": (lambda x: RELU(-x), lambda x: torch.where(x < 0, -x, 0.0)),
    "silu of -x": (lambda x: functional.silu(-x), lambda x: -x * torch.sigmoid(-x)),
    "glu": (
        lambda x: (x[:, :4] * torch.sigmoid(x[:, 4:])).repeat(1, 2, 1, 1),
        lambda x: functional.glu(x, 1).repeat(1, 2, 1, 1),
    ),
}


@pytest.mark.parametrize("name", ["guided-backprop", "deeplift", "lrp"])
@pytest.mark.parametrize("kind", WRITTEN_OUT)
def test_an_activation_that_is_written_out_is_that_activation(
    classify, make_input, kind, name
) -> None:
    maps, verdicts = [], []
    for function in WRITTEN_OUT[kind]:
        act = Call(function)
        torch.manual_seed(0)
        classifier = classify(convolutions(act, nn.Conv2d(8, 8, 3, 1, 1), act, nn.MaxPool2d(2)))
        verdicts.append(preflight(name, classifier, make_input()).verdict)
        maps.append(run(name, classifier, make_input()).values)
    assert np.ptp(maps[0]) > 0
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-4 * np.abs(maps[0]).max())
    if name == "guided-backprop":
        assert verdicts[0] == "fits" if WRITTEN_OUT[kind][0] is RELU else "adapted"
        assert "refused" not in verdicts


def test_what_was_written_over_is_not_taken_for_what_it_was(classify, make_input) -> None:
    """The gate belongs to the tensor as it was before one was added."""

    def gate(x: Tensor) -> Tensor:
        s = torch.sigmoid(x)
        x += 1
        return x * s

    found = run("deeplift", classify(convolutions(Call(gate))), make_input())
    same = run(
        "deeplift", classify(convolutions(Call(lambda x: (x + 1) * torch.sigmoid(x)))), make_input()
    )
    assert found.completeness_error < 1e-3
    assert same.completeness_error < 1e-3
    assert "products of two activations" in found.notes[0]
    assert same.notes == ()


class Frozen(nn.Module):
    """A frozen batch normalisation, as detectors write it."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(1)
        for name in ("weight", "bias"):
            self.register_buffer(name, torch.randn(1, 8, 1, 1, generator=draw))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight + self.bias


BEFORE = {
    "frozen norm": Frozen(),
    "-x": Call(lambda x: -x),
    "1 - x": Call(lambda x: 1 - x),
    "x / 2 + 1": Call(lambda x: x * 0.5 + 1),
    "in place": Call(lambda x: x.mul(-2).add_(1)),
    "silu": Call(lambda x: x * torch.sigmoid(x)),
}


@pytest.mark.parametrize("name", ["guided-backprop", "deeplift", "lrp"])
@pytest.mark.parametrize("kind", ["x * sigmoid(x)", "x * relu6(x + 3) / 6", "where"])
@pytest.mark.parametrize("before", BEFORE)
def test_it_is_one_behind_a_scale_and_shift_too(classify, make_input, before, kind, name) -> None:
    maps = []
    for function in WRITTEN_OUT[kind]:
        torch.manual_seed(7)
        second = nn.Conv2d(8, 8, 3, 1, 1)
        network = convolutions(BEFORE[before], Call(function), second, nn.ReLU(), nn.MaxPool2d(2))
        maps.append(run(name, classify(network), make_input()).values)
    assert np.ptp(maps[0]) > 0
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-4 * np.abs(maps[0]).max())


def test_a_sum_of_scaled_copies_is_no_activation(classify, make_input) -> None:
    fit = preflight(
        "guided-backprop", classify(convolutions(Call(lambda x: x / 2 + x))), make_input()
    )
    assert fit.verdict == "refused"
    assert "no activations" in fit.reason


def test_numbers_that_are_none_are_put_right_as_constants(classify, make_input) -> None:
    """For finite pictures nothing is done, and the sign of the gradient stays."""

    def repaired(x: Tensor) -> Tensor:
        x = x * 1
        x[torch.isnan(x)] = 0
        return x

    maps = [
        run(
            "guided-backprop",
            classify(nn.Sequential(*first, convolutions(nn.ReLU()))),
            make_input(),
        )
        for first in ((), (Call(repaired),))
    ]
    assert maps[0].values.min() < 0
    np.testing.assert_array_equal(maps[0].values, maps[1].values)


def at_places(x: Tensor) -> Tensor:
    x = x * 1
    x[torch.where(x < 0)] = 0
    return x


def chosen(x: Tensor) -> Tensor:
    found, mask = torch.zeros_like(x), x > 0
    found[mask] = x[mask]
    return found


def leaky(x: Tensor) -> Tensor:
    x = x * 1
    mask = x < 0
    x[mask] = x[mask] * 0.1
    return x


def from_elsewhere(x: Tensor) -> Tensor:
    x = x * 1
    x[x < x.mean()] = 0
    return x


def flattened(x: Tensor) -> Tensor:
    with torch.no_grad():
        mask = (x.flatten(1) > 0).float()
    return (x.flatten(1) * mask).view(x.shape)


@pytest.mark.parametrize("name", ["guided-backprop", "deconvolution", "deeplift", "lrp"])
@pytest.mark.parametrize(
    "function",
    [
        at_places,
        chosen,
        leaky,
        from_elsewhere,
        flattened,
        lambda x: x.flatten(1).mul((x > 0).flatten(1)).view(x.shape),
        lambda x: x * (x > 0).permute(0, 1, 3, 2),
        lambda x: x * (x.sum(1, keepdim=True) > 0).expand_as(x),
    ],
)
def test_other_masks_are_refused(classify, make_input, name, function) -> None:
    network = convolutions(nn.ReLU(), Call(function), nn.MaxPool2d(2))
    fit = preflight(name, classify(network), make_input())
    assert fit.verdict == "refused"
    assert fit.reason.endswith("has no rule for a mask that depends on the picture")


@pytest.mark.parametrize("name", ["guided-backprop", "deconvolution"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.stack([x, torch.zeros_like(x)]).max(0)[0],
        lambda x: torch.stack(tensors=[x, torch.zeros_like(x)]).amax(0),
    ],
)
def test_a_rectifier_that_is_a_winner_is_refused(classify, make_input, name, function) -> None:
    network = convolutions(nn.ReLU(), Call(function), nn.MaxPool2d(2))
    fit = preflight(name, classify(network), make_input())
    assert fit.verdict == "refused"
    assert fit.reason.endswith("has no rule for the largest of activations and constants")
