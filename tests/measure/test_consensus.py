"""Map, light and the length that a network answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.measure.bars import BarSettings, measure_bar
from galaxyscope.measure.consensus import LIGHT, WEIGHT, axis_with_light, consensus, map_share
from galaxyscope.measure.joint import joint
from galaxyscope.measure.lines import angle_difference
from galaxyscope.measure.phase import axis_of, elongation_of, rings
from galaxyscope.measure.search import NoBarError
from galaxyscope.measure.uncertainty import AXIS_ERROR_DEG
from galaxyscope.sky.frame import Affine

SIDE = 128
SETTINGS = BarSettings("consensus")


def bar(degrees: float, half: float) -> np.ndarray:
    """A narrow bar with soft ends: the map, and with a disc the light."""
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    angle = np.radians(degrees)
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    return 1 / (1 + np.exp(np.abs(along) - half)) * np.exp(-((across / 3) ** 2))


def light(degrees: float, half: float, strength: float = 1.2) -> np.ndarray:
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    return np.exp(-np.hypot(x, y) / 25) + strength * bar(degrees, half)


def direction(ends: object) -> float:
    one, two = np.asarray(ends)
    return float(np.degrees(np.arctan2(*(two - one)[::-1])))


def length(ends: object) -> float:
    one, two = np.asarray(ends)
    return float(np.hypot(*(one - two)))


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 180), st.floats(5, 100))
def test_length_is_the_weighted_geometric_mean(degrees: float, said: float) -> None:
    values, around = bar(degrees, 16), rings(light(degrees, 20))
    both, alone = consensus(values, around, said), joint(values, around)
    wanted = length(alone.ends) ** (1 - WEIGHT) * said**WEIGHT
    # Map and light agree about the axis, but for their pixels.
    assert length(both.ends) == pytest.approx(wanted, rel=2e-3)
    assert angle_difference(direction(both.ends), direction(alone.ends)) == pytest.approx(0, abs=1)


def test_what_is_said_is_in_pixels_of_the_cutout() -> None:
    values, around = bar(20.0, 16), light(20.0, 20)
    to_cutout = Affine.scaling(3.0)
    found = measure_bar(values, to_cutout, None, SETTINGS, around, said=90.0)
    assert found.length_px == pytest.approx(3 * length(consensus(values, rings(around), 30.0).ends))
    assert (found.parameters["said_px"], found.parameters["weight"]) == (90.0, WEIGHT)
    assert found.parameters["stretch"] > 0, "what joint needs is kept too"
    twice = measure_bar(values, to_cutout, None, SETTINGS, around, said=180.0)
    assert twice.length_px == pytest.approx(found.length_px * 2**WEIGHT)


def test_errors_of_map_and_light_count_by_their_weight() -> None:
    rng = np.random.default_rng(0)
    blocks = np.stack([bar(20.0, half) for half in rng.uniform(12, 20, 8)])
    mean, around = blocks.mean(axis=0), light(20.0, 20)
    both = measure_bar(mean, Affine(), blocks, SETTINGS, around, said=40.0)
    alone = measure_bar(mean, Affine(), blocks, BarSettings("joint"), around)
    for name in ("sampling", "threshold"):
        share = getattr(both.errors, name) / both.length_px
        of_joint = getattr(alone.errors, name) / alone.length_px
        assert share == pytest.approx((1 - WEIGHT) * of_joint, rel=0.15), name


def test_without_an_answer_or_an_axis_there_is_no_length() -> None:
    values, around = bar(0.0, 16), light(0.0, 20)
    for said in (None, 0.0, float("nan")):
        with pytest.raises(ValueError, match="needs the length that a network answers"):
            measure_bar(values, Affine(), None, SETTINGS, around, said=said)
    faint = light(0.0, 20, 0.02)
    with pytest.raises(NoBarError, match="not elongated along the axis"):
        consensus(bar(90.0, 16), rings(faint), 30.0)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 0.6), st.floats(0, 180))
def test_the_elongation_of_light_has_a_known_answer(size: float, degrees: float) -> None:
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    angle = np.arctan2(y, x)
    drawn = np.exp(-np.hypot(x, y) / 25) * (1 + size * np.cos(2 * (angle - np.radians(degrees))))
    found = elongation_of(rings(drawn), 40.0)
    assert found == pytest.approx(size * np.exp(2j * np.radians(degrees)), abs=0.02)
    assert elongation_of(rings(drawn), 1.0) == 0, "no circle is so small"


def test_a_map_across_the_bar_does_not_turn_it() -> None:
    """Maps of bars that fill their field show the two flanks."""
    across, around = bar(110.0, 16), light(20.0, 20)
    found = measure_bar(across, Affine(), None, SETTINGS, around, said=40.0)
    assert "off-axis" in found.flags
    assert abs(angle_difference(direction(found.ends), 20.0)) < 5
    along = measure_bar(bar(20.0, 16), Affine(), None, SETTINGS, around, said=40.0)
    assert "off-axis" not in along.flags
    assert along.angle_err_deg == pytest.approx(AXIS_ERROR_DEG, rel=0.05)
    share = map_share(across, rings(around), 20.0)
    assert 0.05 < share < 0.5
    assert found.angle_err_deg == pytest.approx(np.hypot(AXIS_ERROR_DEG, 90 * share), rel=0.05)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 180), st.floats(0, 180))
def test_the_axis_is_the_sum_of_both_elongations(of_map: float, of_light: float) -> None:
    values, around = bar(of_map, 16), rings(light(of_light, 20))
    angle, elongation = axis_of(values)
    wanted = elongation * np.exp(2j * angle) + LIGHT * elongation_of(around, 20.0)
    found, told = axis_with_light(values, around, 20.0)
    assert told == pytest.approx(elongation)
    assert np.exp(2j * found) == pytest.approx(wanted / abs(wanted))
