"""XRAI: fast joining against the literal algorithm, and conservation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.explain.registry import method
from galaxyscope.explain.xrai import joined, regions_of
from galaxyscope.work.watch import Watch


def literal(attribution: np.ndarray, regions: np.ndarray, smallest: float) -> np.ndarray:
    """The published algorithm: look at every remaining region again after each one joined."""
    values = np.full(attribution.shape, -np.inf)
    mask = np.zeros(attribution.shape, bool)
    left = dict(enumerate(regions))
    while True:
        left = {k: r for k, r in left.items() if (r & ~mask).sum() >= smallest}
        if not left:
            break
        best = max(left, key=lambda k: attribution[left[k] & ~mask].mean())
        new = left.pop(best) & ~mask
        values[new] = attribution[new].mean()
        mask |= new
    if not mask.all():
        values[~mask] = attribution[~mask].mean()
    return values


@pytest.mark.parametrize("seed", range(4))
def test_joining_equals_the_literal_algorithm(seed) -> None:
    rng = np.random.default_rng(seed)
    attribution = rng.normal(size=(20, 20))
    regions = np.zeros((40, 20, 20), bool)
    for region in regions:
        (v, u), (h, w) = rng.integers(0, 15, 2), rng.integers(2, 10, 2)
        region[v : v + h, u : u + w] = True
    for smallest in (1, 12):
        found = joined(attribution, regions, smallest)
        np.testing.assert_allclose(found, literal(attribution, regions, smallest), atol=1e-10)
        assert found.sum() == pytest.approx(attribution.sum())
    in_order = np.zeros((20, 20))
    for region in regions[::-1]:
        in_order[region] = attribution[region].mean()
    assert np.abs(in_order - found).max() > 0.01, "the order of joining must matter"


def test_regions_go_from_fine_to_coarse_and_cover_everything(make_input) -> None:
    regions = regions_of(make_input(48).pixels)
    assert regions.shape[1:] == (48, 48)
    assert regions.any(0).all()
    assert regions[-1].sum() >= regions[0].sum()
    flat = regions_of(np.full((3, 24, 24), 0.5, np.float32))
    assert flat.all()


class Linear(nn.Module):
    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = (self.weight * x).sum((1, 2, 3))
        return torch.stack([score, -score], dim=1)


@pytest.mark.parametrize("white", [False, True])
@pytest.mark.parametrize("samples", [1, 5, 12])
def test_a_linear_network_is_known(classify, make_input, white, samples) -> None:
    """Integrated Gradients are weight × (picture − start), so the regions' means are known."""
    picture = make_input()
    weight = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 24, 24)).astype(np.float32))
    ask = {"samples": samples, "white": white}
    found = method("xrai").explain(classify(Linear(weight)), picture, "Class3.1", ask, Watch())
    start = 0.5 if white else 0.0
    exact = (weight.numpy() * (picture.pixels - start)).sum(0)
    oracle = literal(exact, regions_of(picture.pixels), 50 * (24 / 224) ** 2)
    np.testing.assert_allclose(found.values, oracle, atol=1e-4 * np.abs(oracle).max())
    assert found.completeness_error < 1e-3


def test_a_network_that_takes_one_picture_gets_one(classify, make_input) -> None:
    class OnlyOne(Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x[:1])

    classifier = classify(OnlyOne(torch.ones(3, 24, 24)))
    classifier.batch_limit = 1
    found = method("xrai").explain(classifier, make_input(), "Class3.1", {"samples": 3}, Watch())
    assert found.completeness_error < 1e-3


def test_the_map_sums_to_the_change_of_the_answer(small, make_input) -> None:
    found = method("xrai").explain(
        small, make_input(), "Class3.1", {"samples": 256, "white": False}, Watch()
    )
    assert found.completeness_error < 0.02
    assert len(np.unique(found.values)) < 200
