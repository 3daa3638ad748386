"""`Classifier` with networks that answer in other ways than ours."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.classify.calibrate import calibrate
from galaxyscope.classify.card import ModelError
from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.sky.frame import Affine

from .conftest import CARD

CPU = torch.device("cpu")


@pytest.fixture
def net_input() -> NetworkInput:
    return NetworkInput(np.random.default_rng(0).random((3, 16, 16), np.float32), Affine())


class Saying(nn.Module):
    """Gives the mean of each channel, made into something else."""

    def __init__(self, made) -> None:
        super().__init__()
        self.made = made

    def forward(self, x: torch.Tensor):
        return self.made(x.mean((2, 3)))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda y: {"logits": y}, "answers with a dict"),
        (lambda y: (y, y), "answers with a tuple"),
        (lambda y: y[:, :2], r"the shape \(8, 2\), not \(8, 3\)"),
        (lambda y: y[:, :, None], r"the shape \(8, 3, 1\)"),
        (lambda y: y[0], r"the shape \(3,\)"),
    ],
)
def test_an_answer_of_another_kind_is_refused_in_one_sentence(net_input, made, message) -> None:
    with pytest.raises(ModelError, match=message):
        Classifier(CARD, Saying(made), CPU).predict(net_input)


def test_one_logit_needs_no_second_dimension(net_input) -> None:
    card = dataclasses.replace(CARD, classes=("a",), targets={})
    flat = Classifier(card, Saying(lambda y: y[:, 0]), CPU).predict(net_input)
    column = Classifier(card, Saying(lambda y: y[:, :1]), CPU).predict(net_input)
    assert flat.logits == column.logits


class WithoutDoubles(torch.Tensor):
    """As on MPS: there are no numbers of 64 bits until it is brought to the CPU."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        said = (*args, *(kwargs or {}).values())
        if func is torch.Tensor.double or any(one is torch.float64 for one in said):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        found = super().__torch_function__(func, types, args, kwargs)
        return found.as_subclass(torch.Tensor) if func is torch.Tensor.cpu else found


def test_doubles_are_made_on_the_cpu(net_input) -> None:
    as_there = Saying(lambda y: y.as_subclass(WithoutDoubles))
    with pytest.raises(TypeError, match="MPS"):
        as_there(torch.rand(1, 3, 4, 4)).double()
    classifier = Classifier(CARD, as_there, CPU)
    plain = Classifier(CARD, Saying(lambda y: y), CPU)
    calibrate(classifier, seconds=0.01)
    # To rounding: what was measured to be the best batch is not the plain network's.
    expected = plain.predict(net_input).logits
    assert classifier.predict(net_input).logits == pytest.approx(expected, rel=1e-6)
