"""Outlines go between the segments and nowhere else; maps of superpixels carry their segments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from galaxyscope.explain.outline import outline
from galaxyscope.explain.registry import method
from galaxyscope.explain.xrai import partition, spread
from galaxyscope.work.watch import Watch

segments = arrays(
    np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)
)


def borders(numbers: np.ndarray) -> set[tuple[float, float]]:
    """Middle of the border between any two neighbours that differ."""
    rows, columns = numbers.shape
    found = set()
    for y in range(rows):
        for x in range(columns):
            if x + 1 < columns and numbers[y, x] != numbers[y, x + 1]:
                found.add((x + 0.5, float(y)))
            if y + 1 < rows and numbers[y, x] != numbers[y + 1, x]:
                found.add((float(x), y + 0.5))
    return found


@settings(deadline=None)
@given(segments)
def test_every_border_once(numbers: np.ndarray) -> None:
    seen = []
    for (x1, y1), (x2, y2) in outline(numbers).tolist():
        assert (x1 == x2) != (y1 == y2), "upright or level, and not a point"
        steps = round(abs(x2 - x1) + abs(y2 - y1))
        along = ((np.arange(steps) + 0.5) / steps).tolist()
        seen += [(x1 + t * (x2 - x1), y1 + t * (y2 - y1)) for t in along]
    rounded = [(round(x, 6), round(y, 6)) for x, y in seen]
    assert len(rounded) == len(set(rounded))
    assert set(rounded) == borders(numbers)


def test_pieces_that_continue_each_other_are_one_line() -> None:
    numbers = np.zeros((5, 4), np.int32)
    numbers[:, 2:] = 1
    assert outline(numbers).tolist() == [[[1.5, -0.5], [1.5, 4.5]]]


@pytest.mark.parametrize("name", ["lime", "lime/fine", "e-lime", "kernel-shap", "xrai"])
def test_maps_are_constant_in_each_of_their_segments(name, small, make_input, few) -> None:
    chosen = few(name, evaluations=8)
    found = method(name).explain(small, make_input(32), "bar", chosen, Watch())
    numbers = found.segments
    assert numbers is not None
    assert numbers.shape == found.values.shape
    means = np.bincount(numbers.ravel(), found.values.ravel()) / np.maximum(
        np.bincount(numbers.ravel()), 1
    )
    np.testing.assert_allclose(means[numbers], found.values, atol=1e-6)


def test_others_have_none(small, make_input) -> None:
    assert method("gradient").explain(small, make_input(24), "bar", {}, Watch()).segments is None


def test_xrai_numbers_its_regions_from_the_best() -> None:
    rng = np.random.default_rng(0)
    density = rng.normal(size=(12, 12))
    regions = np.array([np.add.outer(np.arange(12) // 4 == i, np.zeros(12)) > 0 for i in range(3)])
    numbers = partition(density, regions, 1)
    means = [density[numbers == n].mean() for n in range(numbers.max() + 1)]
    assert means == sorted(means, reverse=True)
    assert spread(density, numbers).sum() == pytest.approx(density.sum())
