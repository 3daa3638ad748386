"""Methods with rules of their own, on networks written in unusual ways: right, or refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.work.watch import Watch


def run(name, classifier, net_input, target="bar", **parameters):
    return method(name).explain(classifier, net_input, target, parameters, Watch())


def convolutions(*between: nn.Module, channels: int = 8) -> nn.Sequential:
    """Convolution, what stands between, mean, linear."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1),
        *between,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, 2),
    )


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


# -- softmax


@pytest.mark.parametrize("target", ["p(bar)", "-p(bar)", "p(bar-vs-siblings)"])
def test_lrp_refuses_the_probability_of_a_softmax(classify, make_input, target) -> None:
    classifier, picture = classify(convolutions(nn.ReLU())), make_input()
    assert preflight("lrp", classifier, picture, target).verdict != "refused"  # of a sigmoid
    classifier.card.activation = "softmax"
    fit = preflight("lrp", classifier, picture, target)
    assert fit.verdict == "refused"
    assert "ask for the logit" in fit.reason
    with pytest.raises(ValueError, match="does not fit small: LRP has no rule for the probability"):
        run("lrp", classifier, picture, target)
    for logit in ("logit(bar)", "-bar", "bar-vs-siblings"):
        assert preflight("lrp", classifier, picture, logit).verdict == "fits"


def test_lrp_refuses_a_network_that_ends_in_softmax(classify, make_input) -> None:
    fit = preflight(
        "lrp", classify(nn.Sequential(convolutions(nn.ReLU()), nn.Softmax(1))), make_input()
    )
    assert fit.verdict == "refused"
    assert "ends in a softmax" in fit.reason
