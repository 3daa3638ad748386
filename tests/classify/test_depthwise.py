"""The way back through depthwise convolutions: the same gradients, by a faster way."""

from __future__ import annotations

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from galaxyscope.classify import depthwise
from galaxyscope.classify.depthwise import BackInFloat32


def gradient(layer, x: torch.Tensor) -> torch.Tensor:
    x = x.detach().requires_grad_(True)
    found = layer(x).float()
    weights = torch.linspace(-1, 1, found.numel()).reshape(found.shape)
    return torch.autograd.grad((found * weights).sum(), x)[0]


@pytest.fixture
def taken(monkeypatch) -> list[torch.Size]:
    """Shapes of what went through the way that this module is for."""
    found = []
    apply = depthwise._Depthwise.apply

    def note(x: torch.Tensor, *others: object) -> torch.Tensor:
        found.append(x.shape)
        return apply(x, *others)

    monkeypatch.setattr(depthwise._Depthwise, "apply", note)
    return found


@settings(max_examples=40, deadline=None)
@given(
    channels=st.integers(2, 5),
    kernel=st.integers(1, 4),
    stride=st.sampled_from([2, 3, (1, 2), (2, 1)]),
    padding=st.sampled_from([0, 1, (2, 0)]),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
    sides=st.tuples(st.integers(9, 14), st.integers(9, 14)),
)
def test_gradients_are_those_of_torch(
    channels, kernel, stride, padding, dilation, bias, sides
) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(
        channels, channels, kernel, stride, padding, dilation, groups=channels, bias=bias
    ).requires_grad_(False)
    x = torch.randn(2, channels, *sides)
    expected, plain = gradient(layer, x), layer(x)
    with BackInFloat32():
        torch.testing.assert_close(gradient(layer, x), expected)
        torch.testing.assert_close(layer(x), plain)


def test_in_bfloat16_gradients_are_as_near_as_its_digits(taken) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.SiLU(),
        nn.Conv2d(16, 16, 4, stride=2, padding=1, groups=16, bias=False),
        nn.Conv2d(16, 4, 3),
    ).requires_grad_(False)
    x = torch.randn(2, 3, 24, 24)
    expected = gradient(network, x)
    with torch.autocast("cpu", torch.bfloat16), BackInFloat32():
        found = gradient(network, x)
    assert taken[0] == (2, 16, 24, 24)
    assert float((found - expected).norm() / expected.norm()) < 0.02


@pytest.mark.parametrize(
    ("layer", "used"),
    [
        (nn.Conv2d(4, 4, 3, stride=2, groups=4), True),
        (nn.Conv2d(4, 4, 3, stride=1, groups=4), False),
        (nn.Conv2d(4, 4, 3, stride=2), False),
        (nn.Conv2d(1, 1, 3, stride=2), False),
        (nn.Conv2d(4, 8, 3, stride=2, groups=4), False),
        (nn.Conv2d(4, 4, 3, stride=2, groups=2), False),
        (nn.Conv2d(4, 4, 3, stride=2, groups=4, padding="valid"), False),
    ],
    ids=["strided", "no stride", "dense", "one channel", "more channels", "groups", "words"],
)
def test_only_depthwise_convolutions_with_a_stride_go_this_way(layer, used, taken) -> None:
    x = torch.randn(1, layer.in_channels, 9, 9)
    expected = gradient(layer.requires_grad_(False), x)
    with BackInFloat32():
        torch.testing.assert_close(gradient(layer, x), expected)
    assert bool(taken) is used


def test_a_plain_call_with_names_goes_this_way(taken) -> None:
    x, weight = torch.randn(1, 4, 9, 9), torch.randn(4, 1, 3, 3)
    with BackInFloat32():
        functional.conv2d(input=x, weight=weight, groups=4, stride=[2, 2])
    assert len(taken) == 1


def test_a_picture_without_a_batch_and_a_stride_of_one_in_a_list_are_left_to_torch(taken) -> None:
    weight = torch.randn(4, 1, 3, 3)
    one = functools.partial(functional.conv2d, weight=weight, groups=4, stride=2)
    x = torch.randn(4, 9, 9)
    expected = gradient(one, x)
    with BackInFloat32():
        torch.testing.assert_close(gradient(one, x), expected)
        functional.conv2d(x[None], weight, None, [1, 1], groups=4)
    assert not taken


def test_weights_that_learn_keep_their_gradient(taken) -> None:
    layer = nn.Conv2d(4, 4, 3, stride=2, groups=4)
    with BackInFloat32():
        layer(torch.randn(1, 4, 9, 9)).sum().backward()
    assert layer.weight.grad is not None
    assert not taken
