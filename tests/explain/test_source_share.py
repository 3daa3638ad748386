"""Share of relevance on the source: known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from galaxyscope.explain.source_share import positive_share, source_mask


@pytest.fixture
def sky() -> np.ndarray:
    light = np.random.default_rng(0).normal(10, 2, (64, 64))
    light[20:30, 40:45] += 50
    return light


def test_the_source_is_what_stands_out_of_the_noise(sky) -> None:
    mask = source_mask(sky)
    assert mask[20:30, 40:45].all()
    outside = mask.copy()
    outside[20:30, 40:45] = False
    assert outside.mean() < 0.005, "3σ of Gaussian noise: 0.13 %"
    np.testing.assert_array_equal(source_mask(1000 * sky - 5), mask), "whatever the unit"


def test_pixels_without_value_are_no_source(sky) -> None:
    sky[20, 40] = np.nan
    sky[0, 0] = np.inf
    mask = source_mask(sky)
    assert not mask[20, 40]
    assert not mask[0, 0]
    assert mask[21, 41]
    assert not source_mask(np.full((4, 4), np.nan)).any()


def test_shares_have_known_answers() -> None:
    mask = np.zeros((2, 2), bool)
    mask[0] = True
    assert positive_share(np.array([[1.0, 2.0], [3.0, -9.0]]), mask) == pytest.approx(0.5)
    assert positive_share(np.array([[0.0, 2.0], [0.0, -9.0]]), mask) == 1
    assert positive_share(np.array([[-5.0, 0.0], [1.0, 0.0]]), mask) == 0, "absolute would be 5/6"
    assert math.isnan(positive_share(-np.ones((2, 2)), mask))
    assert positive_share(np.ones((2, 2)), mask) == mask.mean(), "knowing nothing"
