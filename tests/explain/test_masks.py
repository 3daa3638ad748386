"""Masks that are made of the picture, however they are written: known, or refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.preflight import preflight
from tests.explain.networks import Call, convolutions, run

RULED = ["guided-backprop", "deconvolution", "deeplift", "lrp"]
ZERO = torch.zeros(())


def network(act) -> nn.Sequential:
    """The activation is behind a convolution and a pooling too."""
    torch.manual_seed(5)
    second = nn.Conv2d(8, 8, 3, 1, 1)
    found = convolutions(Call(act), nn.MaxPool2d(2), second, Call(act))
    with torch.no_grad():
        found[-1].weight.abs_()  # so that no map is cut to nothing
    return found


RECTIFIERS = {
    "to(bool)": lambda x: x * functional.relu(x).to(torch.bool),
    "to(dtype=int)": lambda x: x * torch.sigmoid(1e6 * x).to(dtype=torch.int),
    "type(bool)": lambda x: x * functional.relu(x).type(torch.bool),
    "view(int)": lambda x: x * functional.relu(x).view(torch.int32).clamp(max=1),
    "isclose": lambda x: x * ~torch.isclose(functional.relu(x), ZERO, rtol=0, atol=0),
    "signbit": lambda x: x * ~torch.signbit(x),
    "where(signbit)": lambda x: torch.where(torch.signbit(x), 0.0, x),
    "sign": lambda x: x * torch.sign(x.detach()).clamp(min=0),
    "sgn": lambda x: x * torch.sgn(x.detach()).clamp(min=0),
    "ceil": lambda x: x * torch.ceil(torch.tanh(x.detach())).clamp(0, 1),
    "round": lambda x: x * torch.round(torch.sigmoid(1e6 * x.detach())),
    "heaviside": lambda x: x * torch.heaviside(x.detach(), ZERO),
    "bucketize": lambda x: x * torch.bucketize(x, torch.zeros(1)),
}


@pytest.mark.parametrize("name", RULED)
@pytest.mark.parametrize("kind", RECTIFIERS)
def test_a_rectifier_is_one_whatever_makes_its_mask(classify, make_input, kind, name) -> None:
    maps = [
        run(name, classify(network(act)), make_input()).values
        for act in (functional.relu, RECTIFIERS[kind])
    ]
    size = np.abs(maps[0]).max()
    assert size > 0
    np.testing.assert_allclose(maps[1], maps[0], rtol=0, atol=1e-4 * size)
    fit = preflight(name, classify(network(RECTIFIERS[kind])), make_input())
    assert fit.verdict == ("fits" if name in {"deeplift", "lrp"} else "adapted")


def centred(x: Tensor) -> Tensor:
    return x.detach() - x.detach().mean()


@pytest.mark.parametrize("name", RULED)
@pytest.mark.parametrize(
    "act",
    [
        lambda x: x * functional.relu(x - x.mean()).to(torch.bool),
        lambda x: x * torch.sign(centred(x)).clamp(min=0),
        lambda x: x * torch.bucketize(x, x.detach().mean().view(1)),
        lambda x: x * torch.searchsorted(torch.zeros(1), x),
        lambda x: x * torch.isin((1e3 * x.detach()).round(), torch.arange(9.0)),
    ],
    ids=["to(bool)", "sign", "bucketize", "searchsorted", "isin"],
)
def test_masks_of_more_than_one_tensor_or_unknown_ones_are_refused(
    classify, make_input, act, name
) -> None:
    fit = preflight(name, classify(network(lambda x: act(functional.relu(x) - 0.1))), make_input())
    assert fit.verdict == "refused"
    assert fit.reason.endswith("has no rule for a mask that depends on the picture")


KEEP = torch.arange(12) % 2 == 0


def pooled_places(x: Tensor) -> Tensor:
    n, c = x.shape[:2]
    places = functional.relu(x).flatten(2).argmax(-1, keepdim=True)
    return functional.relu(x).flatten(2).gather(-1, places).view(n, c, 1, 1)


CONSTANT = {
    "expand_as": lambda x: x * KEEP.expand_as(x),
    "view_as": lambda x: x * (torch.ones(x.numel()) > 0).view_as(x),
    "type_as": lambda x: x * KEEP.type_as(x),
    "to": lambda x: x * KEEP.to(x),
    "new_tensor": lambda x: x * x.new_tensor([2], dtype=torch.int),
    "isfinite": lambda x: x * torch.isfinite(x),
}


@pytest.mark.parametrize("name", RULED)
@pytest.mark.parametrize("kind", CONSTANT)
def test_a_constant_mask_stays_one_beside_the_picture(classify, make_input, kind, name) -> None:
    between = nn.ReLU(), Call(CONSTANT[kind]), nn.MaxPool2d(2)
    fit = preflight(name, classify(convolutions(*between)), make_input())
    assert fit.verdict == "fits"


@pytest.mark.parametrize("name", ["guided-backprop", "deeplift", "lrp"])
def test_the_place_of_the_largest_is_no_mask(classify, make_input, name) -> None:
    fit = preflight(name, classify(convolutions(Call(pooled_places))), make_input())
    assert fit.verdict == "fits"


MADE = {
    "scale": lambda x: x / x.detach().abs().mean(),
    "without gradient": lambda x: x + torch.no_grad()(torch.mean)(x),
    "softmax": lambda x: x * x.detach().softmax(1),
}


@pytest.mark.parametrize("act", MADE.values(), ids=MADE)
def test_deeplift_refuses_constants_that_the_picture_changes(classify, make_input, act) -> None:
    fit = preflight(
        "deeplift", classify(convolutions(Call(act), nn.ReLU(), nn.MaxPool2d(2))), make_input()
    )
    assert fit.verdict == "refused"
    assert "no rule for what is made of the picture and hidden from the gradient" in fit.reason
    others = [
        preflight(name, classify(convolutions(Call(act), nn.ReLU())), make_input()).verdict
        for name in ("guided-backprop", "lrp")
    ]
    assert "refused" not in others


@pytest.mark.parametrize(
    "act",
    [
        lambda x: x * (2 + 0 * x.detach().mean()),
        lambda x: x.view_as(x.detach() * 2),
    ],
    ids=["zero", "shape"],
)
def test_deeplift_takes_constants_that_the_picture_leaves_alone(classify, make_input, act) -> None:
    found = run("deeplift", classify(convolutions(nn.ReLU(), Call(act))), make_input())
    assert found.completeness_error < 1e-3
