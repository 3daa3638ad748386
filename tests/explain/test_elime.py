"""E-LIME on problems whose best mask is known, and its parts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.classify.ensemble import MeanLogits
from galaxyscope.explain import elime
from galaxyscope.explain.elime import founders, offspring, ranked
from galaxyscope.explain.registry import method
from galaxyscope.explain.segments import hidden_picture
from galaxyscope.work.watch import Watch


def cells(size: int, side: int) -> np.ndarray:
    cell = np.arange(size) * side // size
    return (cell[:, None] * side + cell[None]).astype(np.int32)


class PerCell(nn.Module):
    """Logit = Σ weight of cell × its mean brightness + weight of a pair of cells kept together."""

    def __init__(self, weights: np.ndarray, segments: np.ndarray, pair: float = 0.0) -> None:
        super().__init__()
        onehot = (segments[None] == np.arange(len(weights))[:, None, None]).astype(np.float32)
        self.cells = torch.from_numpy(onehot / onehot.sum((1, 2), keepdims=True))
        self.weights = torch.from_numpy(weights.astype(np.float32))
        self.pair = pair

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        light = torch.einsum("nhw,chw->nc", x.mean(1), self.cells)
        score = light @ self.weights + self.pair * light[:, 0] * light[:, 5] - 1
        return torch.stack([score, -score], dim=1)


@pytest.fixture
def picture(make_input):
    return make_input(np.full((3, 24, 24), 0.8, np.float32))


def explain(classifier, picture, monkeypatch, segments, **parameters):
    monkeypatch.setattr(elime, "segments_of", lambda *_: segments)
    reports = []
    watch = Watch(lambda *report: reports.append(report))
    ask = {"sky": False, **parameters}
    found = method("e-lime").explain(classifier, picture, "Class3.1", ask, watch)
    kept = np.array([found.values[segments == n][0] for n in range(segments.max() + 1)])
    assert set(np.unique(kept)) <= {0.0, 1.0}
    return found, kept.astype(bool), reports


@pytest.mark.parametrize("seed", range(5))
def test_finds_the_best_mask_of_an_additive_answer(classify, picture, monkeypatch, seed) -> None:
    """What speaks for is kept, what speaks against is not: 2^16 masks, 600 evaluations."""
    segments = cells(24, 4)
    weights = np.random.default_rng(seed).choice([-0.4, 0.4], 16)
    network = classify(PerCell(weights, segments))
    found, kept, _ = explain(network, picture, monkeypatch, segments, seed=seed, evaluations=600)
    np.testing.assert_array_equal(kept, weights > 0)
    assert found.samples_done <= 600


def test_equals_exhaustive_search_with_an_interaction(classify, picture, monkeypatch) -> None:
    segments = cells(24, 3)
    weights = np.array([-1.0, 1, 2, -2, 0.5, -1, 1, -0.5, 1])
    network = classify(PerCell(weights, segments, pair=6.0))
    hidden = hidden_picture(picture.pixels, {})
    best, best_answer = None, -np.inf
    for mask in itertools.product([False, True], repeat=9):
        x = np.where(np.array(mask)[segments], picture.pixels, hidden).astype(np.float32)
        answer = float(network.logits(torch.from_numpy(x)[None])[0, 0])
        if answer > best_answer:
            best, best_answer = np.array(mask), answer
    assert best[0]
    assert best[5], "alone both speak against; together they speak for"
    found, kept, reports = explain(network, picture, monkeypatch, segments, evaluations=512)
    np.testing.assert_array_equal(kept, best)
    assert reports[-1][0] == reports[-1][1] == found.samples_done <= 512


def test_an_ensemble_is_asked_as_one(classify, picture, monkeypatch) -> None:
    """What two networks say together no average of masks says that suit one of them each."""
    segments = cells(24, 3)
    weights = [
        np.array([3.0, -2, -2, 1, -1, 1, 1, -1, 1]),
        np.array([-2.0, 3, -2, 1, -1, 1, 1, -1, 1]),
    ]
    networks = [PerCell(one, segments) for one in weights]
    members = tuple(classify(network) for network in networks)
    zoo = classify(MeanLogits(networks))
    zoo._members = members
    found, kept, _ = explain(zoo, picture, monkeypatch, segments, evaluations=512)
    np.testing.assert_array_equal(kept, sum(weights) > 0)
    assert found.samples_done <= 512
    assert not found.members
    alone = explain(members[0], picture, monkeypatch, segments, evaluations=512)[1]
    assert not alone[1]


def test_each_mask_is_evaluated_once_and_the_budget_kept(classify, picture, monkeypatch) -> None:
    segments = cells(24, 4)
    network = classify(PerCell(np.ones(16), segments))
    network.random = False  # tried out before
    seen: list[bytes] = []
    logits = network.logits

    def counted(x: torch.Tensor) -> torch.Tensor:
        seen.extend(one.numpy().tobytes() for one in x)
        return logits(x)

    monkeypatch.setattr(network, "logits", counted)
    for evaluations in (1, 2, 77):
        seen.clear()
        found, _, _ = explain(network, picture, monkeypatch, segments, evaluations=evaluations)
        assert len(seen) == len(set(seen)) == evaluations == found.samples_done


def test_the_best_never_gets_worse_and_is_never_below_the_whole_picture(
    small, make_input, monkeypatch
) -> None:
    """Elitism, seen through the streamed maps."""
    segments, picture = cells(24, 5), make_input()
    answers = []
    _, _, reports = explain(small, picture, monkeypatch, segments, evaluations=120)
    for _, _, partial in reports[1:]:
        x = picture.pixels * partial.values
        answers.append(float(small.logits(torch.from_numpy(x)[None]).sigmoid()[0, 0]))
    whole = float(small.logits(torch.from_numpy(picture.pixels)[None]).sigmoid()[0, 0])
    assert np.diff(answers).min() > -1e-5
    assert answers[0] > whole - 1e-5
    assert answers[-1] > answers[0]


def test_parsimony_drops_what_does_not_matter(classify, picture, monkeypatch) -> None:
    segments = cells(24, 4)
    weights = np.zeros(16)
    weights[:3] = 3.0
    network = classify(PerCell(weights, segments))
    ask = {"evaluations": 800, "parsimony": 0.2}
    _, kept, _ = explain(network, picture, monkeypatch, segments, **ask)
    np.testing.assert_array_equal(kept, weights > 0)


def test_ranking_prefers_fitness_then_small_masks() -> None:
    masks = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]], bool)
    assert ranked(masks, np.array([0.5, 0.5, 0.5]), 0.0).tolist() == [1, 2, 0]
    assert ranked(masks, np.array([0.5, 0.4, 0.5 - 1e-8]), 0.0).tolist() == [2, 0, 1]
    assert ranked(masks, np.array([0.5, 0.4, 0.5]), 0.3).tolist() == [1, 2, 0]


def test_children_mix_their_parents_and_are_new() -> None:
    rng = np.random.default_rng(0)
    population = founders(8, 30, rng)
    assert population[0].all()
    children = offspring(population, 20, 0.0, lambda mask: mask.all(), rng)
    assert len(children) == len(np.unique(children, axis=0)) == 20
    both = population[:2]
    assert (children[:, both[0] == both[1]] == both[0][both[0] == both[1]]).all()
    flipped = offspring(population[:1], 200, 3.0, lambda _: False, rng)
    assert (~flipped).sum(1).mean() == pytest.approx(3.0, abs=0.5)
    assert offspring(population, 5, 1.0, lambda _: True, rng).shape == (0, 30)
    assert offspring(population, 0, 1.0, lambda _: False, rng).shape == (0, 30)
