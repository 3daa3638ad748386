from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from galaxyscope.measure.bars import BarSettings, measure_bar
from galaxyscope.measure.joint import FACTOR, SHARE, STRETCH, joint, map_length
from galaxyscope.measure.phase import reach, rings
from galaxyscope.measure.search import NoBarError
from galaxyscope.sky.frame import Affine

SIDE = 128


def strip(degrees: float, half: float, side: int = SIDE) -> np.ndarray:
    """A map that is 1 along a narrow bar with soft edges."""
    y, x = np.indices((side, side)) - (side - 1) / 2
    angle = np.radians(degrees)
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    return 1 / (1 + np.exp(np.abs(along) - half)) * np.exp(-((across / (side / 40)) ** 2))


def barred(degrees: float, half: float, side: int = SIDE) -> np.ndarray:
    y, x = np.indices((side, side)) - (side - 1) / 2
    disc = np.exp(-np.hypot(x, y) / (side / 5)) + np.exp(-((np.hypot(x, y) * 40 / side) ** 2))
    return disc + 1.2 * strip(degrees, half, side)


def length(values: np.ndarray, light: np.ndarray) -> float:
    ends = joint(values, rings(light)).ends
    assert ends is not None
    return float(np.hypot(*np.subtract(*ends)))


def test_length_of_the_map_is_what_holds_three_quarters() -> None:
    values = np.zeros((101, 101))
    values[50, 10:91] = 1  # 81 pixels: −40 … 40
    assert map_length(values, 0.0) == pytest.approx(2 * 0.75 * 40, abs=1.5)
    assert map_length(values, np.pi / 2) == pytest.approx(0, abs=1)


def test_what_speaks_against_a_bar_and_what_has_no_value_do_not_count() -> None:
    values = np.zeros((101, 101))
    values[50, 30:71] = 1
    plain = map_length(values, 0.0)
    values[50, :10] = -5
    values[0, 0] = np.nan
    assert map_length(values, 0.0) == plain
    with pytest.raises(NoBarError, match="nothing that speaks for a bar"):
        map_length(-np.ones((9, 9)), 0.0)


def test_length_is_the_formula() -> None:
    """A literal version of the docstring."""
    values, light = strip(30.0, 16.0), barred(30.0, 22.0)
    angle = np.radians(30.0)
    on_map = map_length(values, angle, SHARE)
    around = dataclasses.replace(rings(light), inner=1.2 * on_map / 2)
    on_light = 2 * reach(around, angle)
    wanted = FACTOR * (on_light * SIDE * (on_map / SIDE) ** STRETCH) ** 0.5
    assert length(values, light) == pytest.approx(wanted, rel=0.01)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 180), st.floats(15, 24))
@example(0.5, 20.0)  # 5.2 %, the largest that was met
def test_every_angle_measures_alike(degrees: float, half: float) -> None:
    turned = length(strip(degrees, half), barred(degrees, half))
    assert turned == pytest.approx(length(strip(0.0, half), barred(0.0, half)), rel=0.06)


@pytest.mark.parametrize("times", [2, 3])
def test_finer_pixels_measure_alike(times: int) -> None:
    coarse = length(strip(20.0, 18.0), barred(20.0, 18.0))
    side = SIDE * times
    y, x = (np.indices((side, side)) + 0.5) / times - 0.5
    fine = [np.asarray(f(20.0, 18.0)) for f in (strip, barred)]
    from scipy.ndimage import map_coordinates

    fine = [map_coordinates(one, [y, x], order=1, mode="nearest") for one in fine]
    assert length(*fine) == pytest.approx(times * coarse, rel=0.03)


def test_longer_bars_are_measured_longer_in_proportion() -> None:
    """Where map and light both show half as much, the length grows by the sum of their powers."""
    one, two = (length(strip(0.0, h), barred(0.0, h)) for h in (12.0, 24.0))
    assert np.log2(two / one) == pytest.approx((1 + STRETCH) / 2, rel=0.1)


def test_light_that_goes_too_far_is_held_back_by_the_map() -> None:
    oval = barred(0.0, 40.0)
    alone = 2 * reach(rings(oval), 0.0)
    assert length(strip(0.0, 14.0), oval) < 0.8 * alone


def test_error_knows_both_definitions() -> None:
    blocks = np.stack([strip(0.0, 16.0)] * 8)
    light = barred(0.0, 20.0)
    found = measure_bar(blocks[0], Affine.scaling(2.0), blocks, BarSettings("joint"), light)
    around = rings(light)
    ends = [joint(blocks[0], around, a, s).ends for a, s in ((0.5, 0.8), (0.85, 0.7))]
    longer, shorter = (np.hypot(*np.subtract(*pair)) for pair in ends if pair is not None)
    assert longer > shorter
    assert found.errors.threshold == pytest.approx(longer - shorter, rel=1e-6)
    assert found.parameters["stretch"] == STRETCH


def test_light_is_needed() -> None:
    with pytest.raises(ValueError, match="'joint' needs the light"):
        measure_bar(strip(0.0, 16.0), Affine(), None, BarSettings("joint"))
