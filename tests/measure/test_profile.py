"""Profiles along lines, against pictures whose profiles are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.measure.profile import BEYOND, line_profile, moved_end
from galaxyscope.sky.frame import Affine

Y, X = np.mgrid[:101, :121].astype(np.float32)
ENDS = ((40.0, 30.0), (70.0, 65.0))


@settings(deadline=None, max_examples=25)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0, 180), st.floats(0.5, 9))
def test_a_plane_is_met_exactly_at_every_angle(
    a: float, b: float, degrees: float, width: float
) -> None:
    half = 14.25
    ux, uy = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    ends = ((60.3 - half * ux, 50.7 - half * uy), (60.3 + half * ux, 50.7 + half * uy))
    found = line_profile(a * X + b * Y, ends, width)
    there = a * (60.3 + found.along * ux) + b * (50.7 + found.along * uy)
    assert found.values == pytest.approx(there, abs=1e-3)
    assert found.length_px == pytest.approx(2 * half)
    reach = half * (1 + 2 * BEYOND)
    assert found.along[[0, -1]] == pytest.approx([-reach, reach])


def test_a_ridge_is_averaged_over_the_width() -> None:
    """A Gaussian ridge along the line: its mean over ±2 σ is 0.598 of its top."""
    (x1, y1), (x2, y2) = ENDS
    length = math.dist(*ENDS)
    across = ((X - x1) * (y2 - y1) - (Y - y1) * (x2 - x1)) / length
    found = line_profile(np.exp(-(across**2) / (2 * 4.0**2)).astype(np.float32), ENDS, 16.0)
    middle = np.abs(found.along) < 10
    expected = math.sqrt(2 * math.pi) * math.erf(math.sqrt(2)) / 4
    assert found.values[middle] == pytest.approx(expected, rel=0.01)


def test_a_map_is_sampled_on_its_own_grid() -> None:
    """Half as many pixels over the same field: the same places on the cutout."""
    rows, columns = 50, 60
    to_cutout = Affine.resize((100, 120), (rows, columns))
    y, x = np.mgrid[:rows, :columns]
    points = to_cutout(np.stack([x, y], axis=-1).astype(float))
    found = line_profile(points[..., 0].astype(np.float32), ENDS, 2.0, to_cutout)
    ux = (ENDS[1][0] - ENDS[0][0]) / math.dist(*ENDS)
    assert found.values == pytest.approx(55.0 + found.along * ux, abs=1e-3)


def test_pixels_without_a_value_have_no_weight() -> None:
    light = np.full((40, 40), 3.0, np.float32)
    light[:, 25:] = np.nan
    found = line_profile(light, ((10.0, 20.0), (30.0, 20.0)), 4.0)
    left = found.along + 20 < 23.5
    assert np.all(found.values[left] == pytest.approx(3.0))
    assert np.isnan(found.values[found.along + 20 > 26]).all()
    assert found.peak == pytest.approx(3.0)
    assert found.at(-5.0) == pytest.approx(3.0)
    assert found.at(10.0) is None
    assert found.at(100.0) is None


@pytest.mark.parametrize(
    ("ends", "width"),
    [(((3.0, 3.0), (3.0, 3.0)), 3.0), (ENDS, 0.0), (((0.0, 0.0), (1e999, 0.0)), 1)],
)
def test_what_has_no_profile(ends: tuple, width: float) -> None:
    with pytest.raises(ValueError, match="profile"):
        line_profile(np.ones((9, 9)), ends, width)


def test_an_end_moves_along_its_line() -> None:
    ends = ((10.0, 10.0), (16.0, 18.0))
    (x1, y1), second = moved_end(ends, 0, -10.0)
    assert second == ends[1]
    assert (x1, y1) == pytest.approx((7.0, 6.0))
    first, (x2, y2) = moved_end(ends, 1, 7.5)
    assert first == ends[0]
    assert (x2, y2) == pytest.approx((17.5, 20.0))
    assert moved_end(ends, 1, 5.0)[1] == pytest.approx(ends[1])
