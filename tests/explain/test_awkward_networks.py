"""Networks with which explainers go wrong silently elsewhere: fits, adapted, or refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.work.watch import Watch


class Residual(nn.Module):
    """One activation module for all layers, a sum in place, max pooling."""

    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.act = act
        self.first = nn.Conv2d(3, 6, 3, 2, 1)
        self.second = nn.Conv2d(6, 6, 3, 1, 1)
        self.norm, self.head = nn.BatchNorm2d(6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.first(x))
        y = self.norm(self.second(x))
        y += x
        return self.head(functional.max_pool2d(self.act(y), 2).mean((2, 3)))


class Gated(nn.Module):
    """Squeeze and excitation: an activation times an activation, as function calls."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.gate = nn.Conv2d(3, 6, 3, 2, 1), nn.Linear(6, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.silu(self.first(x))
        x = x * torch.sigmoid(self.gate(x.mean((2, 3))))[:, :, None, None]
        return self.head(functional.gelu(x, approximate="tanh").mean((2, 3)))


class Attentive(nn.Module):
    """Attention as torch's own module has it, used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, 8, 6, 6), nn.Parameter(torch.randn(1, 1, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm, self.dense, self.head = nn.LayerNorm(8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).mT
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        for _ in range(2):
            y = self.norm(x)
            x = x + self.attention(y, y, y, need_weights=False)[0]
            x = x + functional.gelu(self.dense(self.norm(x)))
        return self.head(self.norm(x)[:, 0])


NETWORKS = {
    "relu reused": lambda: Residual(nn.ReLU()),
    "relu reused in place": lambda: Residual(nn.ReLU(inplace=True)),
    "silu in place": lambda: Residual(nn.SiLU(inplace=True)),
    "gelu": lambda: Residual(nn.GELU()),
    "gates": Gated,
    "attention": Attentive,
}
FAST = [name for name in METHODS if name not in {"xrai", "lime", "lime/fine", "kernel-shap"}]
COMPLETE = {"deeplift", "deeplift-shap", "integrated-gradients"}


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_method_fits_is_adapted_or_refused(classify, make_input, few, kind) -> None:
    torch.manual_seed(0)
    classifier, picture = classify(NETWORKS[kind]()), make_input()
    x = torch.from_numpy(picture.pixels)[None].requires_grad_(True)
    plain = torch.autograd.grad(classifier.network(x)[0, 0], x)[0].sum(1)[0].numpy()
    verdicts = {}
    for name in FAST:
        fit = preflight(name, classifier, picture)
        verdicts[name] = fit.verdict
        assert bool(fit.reason) is (fit.verdict != "fits"), name
        if fit.verdict == "refused":
            continue
        settings = few(name, steps=256, evaluations=12)
        found = method(name).explain(classifier, picture, "bar", settings, Watch())
        assert np.isfinite(found.values).all(), name
        if np.ptp(found.values) == 0:
            assert "points nowhere" in " ".join(found.notes), name
        if name in COMPLETE:
            assert found.completeness_error < 0.02, name
        if name in {"guided-backprop", "deconvolution"}:
            apart = np.abs(found.values - plain).max()
            assert apart > 1e-2 * np.abs(plain).max(), f"{name} is the plain gradient"
    relu = kind.startswith("relu")
    assert verdicts["guided-backprop"] == ("fits" if relu else "adapted")
    assert verdicts["attention-relevance"] == ("fits" if kind == "attention" else "refused")
    assert verdicts["gradient"] == verdicts["rise"] == "fits"


@pytest.mark.parametrize("name", ["guided-backprop", "deeplift", "lrp", "grad-cam", "score-cam"])
def test_in_place_or_not_is_the_same(classify, make_input, few, name) -> None:
    maps = []
    for kind in ("relu reused", "relu reused in place"):
        torch.manual_seed(0)
        classifier = classify(NETWORKS[kind]())
        maps.append(
            method(name).explain(classifier, make_input(), "bar", few(name), Watch()).values
        )
    np.testing.assert_allclose(maps[0], maps[1], atol=1e-6 * np.abs(maps[0]).max())


def test_eigen_cam_of_negative_features_is_a_map(classify, make_input) -> None:
    """With GELU most features are below zero; the map is not cut to nothing."""
    torch.manual_seed(0)
    found = method("eigen-cam").explain(
        classify(NETWORKS["gelu"]()), make_input(), "bar", {}, Watch()
    )
    assert found.notes == ()
    assert np.ptp(found.values) > 0
