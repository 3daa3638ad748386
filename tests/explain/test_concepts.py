"""TCAV on features with known answers, and on a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.explain.concepts import (
    FEWEST,
    compared,
    concept_direction,
    concept_scores,
    p_value,
    tcav,
)
from galaxyscope.work.watch import Cancelled, Watch


def clouds(shift: float, count: int, seed: int, axis: int = 0, size: int = 6) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    x[:, axis] += shift
    return x


def test_the_direction_is_that_in_which_the_clouds_differ() -> None:
    direction, accuracy = concept_direction(clouds(6, 200, 0), clouds(0, 200, 1))
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert direction[0] > 0.9, "toward the concept"
    assert accuracy > 0.95
    back, _ = concept_direction(clouds(0, 200, 1), clouds(6, 200, 0))
    assert back[0] < -0.9
    _, chance = concept_direction(clouds(0, 200, 0), clouds(0, 200, 1))
    assert 0.3 < chance < 0.7


def test_the_score_is_the_share_of_rising_answers() -> None:
    slopes = np.array([[1, 0], [2, -5], [-1, 3], [0, 1]], np.float32)
    assert tcav(slopes, np.array([1.0, 0.0])) == 0.5
    assert tcav(slopes, np.array([0.0, 1.0])) == 0.5
    assert tcav(slopes, np.array([-1.0, 0.0])) == 0.25, "zero is not a rise"


def test_the_test_has_known_answers() -> None:
    rng = np.random.default_rng(0)
    assert p_value(np.full(5, 0.5), np.full(5, 0.5)) == 1
    assert p_value(np.full(5, 1.0), np.full(5, 0.5)) == 0
    one, other = rng.normal(size=9), rng.normal(size=9) + 3
    from scipy.stats import ttest_ind

    assert p_value(one, other) == pytest.approx(ttest_ind(one, other, equal_var=False).pvalue)


@pytest.mark.parametrize(
    ("slope", "score", "significant"), [(1.0, 1.0, True), (-1.0, 0.0, True), (0.0, None, False)]
)
def test_a_used_concept_is_told_from_an_unused_one(slope, score, significant) -> None:
    """Derivatives of either sign along the concept's axis, or along another one."""
    slopes = 0.1 * np.random.default_rng(3).normal(size=(40, 6)).astype(np.float32)
    slopes[:, 0] += slope
    if slope == 0:  # as many answers rise as fall, in any direction
        slopes = np.concatenate([slopes, -slopes])
    found = compared(clouds(6, 40, 0), clouds(0, 100, 1), slopes, 30, seed=0, watch=None)
    p = p_value(found.scores, found.random_scores)
    assert (p < 0.01) is significant
    if score is not None:
        assert found.scores.mean() == pytest.approx(score, abs=0.02)
    again = compared(clouds(6, 40, 0), clouds(0, 100, 1), slopes, 30, seed=0, watch=None)
    np.testing.assert_array_equal(found.scores, again.scores)


class Colours(nn.Module):
    """The answer rises with red and falls with blue; green does not matter."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 3, 1), nn.Linear(3, 2)
        with torch.no_grad():
            self.conv.weight.copy_(torch.eye(3)[..., None, None])
            self.conv.bias.zero_()
            self.head.weight.copy_(torch.tensor([[5.0, 0.0, -5.0], [0.0, 0.0, 0.0]]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.tanh(self.conv(x).mean((2, 3))))


@pytest.fixture
def coloured(make_input):
    def make(channel: int | None, count: int, seed: int):
        rng = np.random.default_rng(seed)
        made = []
        for _ in range(count):
            pixels = rng.random((3, 8, 8)).astype(np.float32) * 0.5
            if channel is not None:
                pixels[channel] += 0.5
            made.append(make_input(pixels))
        return made

    return make


def test_the_network_uses_the_colours_it_was_built_to_use(classify, coloured) -> None:
    classifier = classify(Colours())
    seen: list[tuple[int, int]] = []
    found = concept_scores(
        classifier,
        {"red": coloured(0, 15, 1), "blue": coloured(2, 15, 2)},
        coloured(None, 40, 3),
        coloured(None, 10, 4),
        "bar",
        counterparts=40,  # alone, a random direction has all answers rise or none
        watch=Watch(lambda done, total, _: seen.append((done, total))),
    )
    red, blue = found
    assert (red.concept, red.target, red.model, red.examples) == ("red", "Class3.1", "small", 15)
    assert red.score == 1
    assert blue.score == 0
    assert max(red.p_value, blue.p_value) < 0.01
    assert min(red.accuracy, blue.accuracy) > 0.9
    assert seen[-1] == (80, 80)
    (against,) = concept_scores(
        classifier, {"red": coloured(0, 15, 1)}, coloured(None, 40, 3), coloured(None, 10, 4),
        "-bar", counterparts=10,
    )  # fmt: skip
    assert (against.target, against.score) == ("-Class3.1", 0)


def test_too_few_pictures_are_refused_and_it_can_be_cancelled(classify, coloured) -> None:
    classifier, few, many = classify(Colours()), coloured(0, FEWEST - 1, 1), coloured(0, 30, 1)
    for examples, random, pictures, says in (
        (few, many, many, "5 pictures of the concept red are too few: 6"),
        (many, few, many, "5 pictures of random are too few: 12"),
        (many, many, [], "0 pictures of explained are too few: 1"),
    ):
        with pytest.raises(ValueError, match=says):
            concept_scores(classifier, {"red": examples}, random, pictures, "bar")
    watch = Watch()
    watch.cancel()
    with pytest.raises(Cancelled):
        concept_scores(classifier, {"red": many}, many, many, "bar", watch=watch)


class Keeping(nn.Module):
    """Builds a mask in its first run."""

    mask: torch.Tensor | None = None

    def __init__(self, random: bool = False) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.a, self.b, self.head = (
            nn.Conv2d(3, 8, 3, 2, 1),
            nn.Conv2d(8, 6, 3, 2, 1),
            nn.Linear(6, 2),
        )
        self.random = random

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.b(torch.relu(self.a(x))))
        if self.mask is None:
            self.mask = y[0, 0].detach() * 0 + 0.5
        return self.head((y * self.mask).mean((2, 3))) + self.random * torch.rand(len(x), 1)


def test_what_a_network_builds_in_its_first_run_does_not_matter(classify, coloured) -> None:
    first, later = classify(Keeping()), classify(Keeping())
    later.logits(torch.rand(1, 3, 8, 8))
    asked = ({"red": coloured(0, 8, 1)}, coloured(None, 14, 3), coloured(None, 4, 4), "bar", 3)
    found = concept_scores(first, *asked)
    assert not first.network.mask.requires_grad
    assert found == concept_scores(later, *asked)


def test_a_random_network_is_refused(classify, coloured) -> None:
    many = coloured(0, 14, 1)
    with pytest.raises(ValueError, match="the network is random"):
        concept_scores(classify(Keeping(random=True)), {"red": many}, many, many, "bar")


def test_pictures_whose_last_feature_maps_differ_are_refused(classify, coloured) -> None:
    class Switching(Colours):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x)
            if float(y.detach()[:, 0].mean() - y.detach()[:, 2].mean()) > 0.3:
                y = y[:, :, ::2, ::2].tanh()
            return self.head(y.mean((2, 3)))

    with pytest.raises(ValueError, match="not the same one for all pictures"):
        concept_scores(
            classify(Switching()), {"red": coloured(0, 8, 1)}, coloured(None, 14, 3),
            coloured(None, 4, 4), "bar", 3,
        )  # fmt: skip
