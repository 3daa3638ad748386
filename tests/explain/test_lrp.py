"""LRP, on networks written in unusual ways: right, or refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.lrp import LrpRules
from galaxyscope.explain.operations import NoRule
from galaxyscope.explain.preflight import preflight
from tests.explain.networks import convolutions, run


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


def test_lrp_takes_attention_by_keyword(classify, make_input) -> None:
    class Attentive(nn.Module):
        def __init__(self, keywords: bool) -> None:
            super().__init__()
            self.patches, self.head = nn.Conv2d(3, 8, 6, 6), nn.Linear(8, 2)
            self.keywords = keywords

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).flatten(2).mT
            attend = functional.scaled_dot_product_attention
            y = (
                attend(query=x, key=2 * x, value=3 * x)
                if self.keywords
                else attend(x, 2 * x, 3 * x)
            )
            return self.head(functional.gelu(x + y).mean(1))

    maps = []
    for keywords in (False, True):
        torch.manual_seed(0)
        maps.append(run("lrp", classify(Attentive(keywords)), make_input()).values)
    assert np.ptp(maps[0]) > 0
    np.testing.assert_array_equal(*maps)


class Experts(nn.Module):
    """Weights of a convolution that depend on the picture."""

    def __init__(self, keyword: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.head = nn.Conv2d(3, 4, 3, 2, 1), nn.Linear(4, 2)
        self.route = nn.Linear(4, 4 * 4 * 9)
        self.keyword = keyword

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x))
        weight = self.route(x.mean((0, 2, 3))).view(4, 4, 3, 3)
        y = functional.conv2d(x, weight=weight) if self.keyword else functional.conv2d(x, weight)
        return self.head(functional.relu(y).mean((2, 3)))


@pytest.mark.parametrize("keyword", [False, True])
@pytest.mark.parametrize("gamma", [0.0, 0.25])
def test_lrp_does_not_take_weights_that_depend_on_the_picture(
    classify, make_input, keyword, gamma
) -> None:
    x = torch.from_numpy(make_input().pixels)[None].requires_grad_(True)
    network = Experts(keyword).requires_grad_(False)
    rules = LrpRules(gamma)
    if keyword:
        with pytest.raises(NoRule, match="conv2d of two activations"), rules:
            network(x)
        return
    with rules:
        network(x)
    assert "products of two activations" in rules.beyond


def test_lrp_of_many_heads_is_that_of_the_attention_written_out(classify, make_input) -> None:
    class Tokens(nn.Module):
        def __init__(self, fused: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.patches, self.head = nn.Conv2d(3, 8, 6, 6), nn.Linear(8, 2)
            self.heads = nn.MultiheadAttention(8, 2, batch_first=True)
            self.fused = fused

        def attend(self, x: Tensor) -> Tensor:
            if self.fused:
                return self.heads(x, x, x, need_weights=False)[0]
            both = functional.linear(x, self.heads.in_proj_weight, self.heads.in_proj_bias)
            q, k, v = (one.unflatten(-1, (2, -1)).transpose(1, 2) for one in both.chunk(3, -1))
            mixed = (q @ k.mT / 2).softmax(-1) @ v
            return self.heads.out_proj(mixed.transpose(1, 2).flatten(2))

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).flatten(2).mT
            return self.head(functional.gelu(x + self.attend(x)).mean(1))

    maps = [run("lrp", classify(Tokens(fused)), make_input()).values for fused in (False, True)]
    assert np.ptp(maps[0]) > 0
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-5 * np.abs(maps[0]).max())
