from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from galaxyscope.measure.bars import GRID_ERROR_PX
from galaxyscope.measure.invariant import invariant, scaled_by_maximum, scaled_min_pixels
from galaxyscope.measure.search import THRESHOLDS, NoBarError


def smooth_map(seed, shape=(48, 48)):
    noise = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(noise, 3).astype(np.float32)


def length(search):
    return float(np.hypot(*np.subtract(*search.ends)))


def angle(search):
    dx, dy = np.subtract(search.ends[1], search.ends[0])
    return float(np.degrees(np.arctan2(dy, dx)))


@settings(max_examples=80, deadline=None)
@given(
    degrees=st.floats(0, 180),
    width=st.floats(2, 20),
    dx=st.floats(-0.5, 0.5),
    dy=st.floats(-0.5, 0.5),
)
def test_a_bar_drawn_40_px_long_measures_40_at_every_angle(oracle, degrees, width, dx, dy):
    centre = (31.5 + dx, 31.5 + dy)
    search = invariant(oracle.drawn_bar(40, width, degrees, centre))
    assert length(search) == pytest.approx(40, rel=0.01)
    assert (angle(search) - degrees + 90) % 180 - 90 == pytest.approx(0, abs=0.8)
    assert np.allclose(np.mean(search.ends, axis=0), centre, atol=0.25)


@pytest.mark.parametrize("width", [11.5, 12])
@pytest.mark.parametrize("degrees", [0, 20, 45, 77])
def test_a_bar_just_too_wide_keeps_its_length(oracle, width, degrees):
    """Rising levels move the contour across the drawn edge, which must not make it thinner."""
    search = invariant(oracle.drawn_bar(40, width, degrees, (31.6, 31.3)))
    assert length(search) == pytest.approx(40, rel=0.01)
    assert search.threshold == 0.5
    assert search.elongation == pytest.approx(0.84, abs=0.02)


def test_the_grid_error_is_that_of_drawn_bars(oracle):
    rng = np.random.default_rng(5)
    errors = [
        length(
            invariant(
                oracle.drawn_bar(
                    40, rng.uniform(3, 11), rng.uniform(0, 180), rng.uniform(31, 32, 2)
                )
            )
        )
        - 40
        for _ in range(60)
    ]
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(
        GRID_ERROR_PX["invariant"], abs=0.05
    )


@settings(max_examples=40, deadline=None)
@given(degrees=st.floats(0, 180), dx=st.floats(-0.5, 0.5))
def test_a_gaussian_bar_measures_its_full_width_at_half_maximum(oracle, degrees, dx):
    search = invariant(oracle.gaussian_bar(16, 0.25, degrees, (63.5 + dx, 63.2)))
    assert search.threshold == 0.5
    assert length(search) == pytest.approx(2 * 16 * np.sqrt(2 * np.log(2)), rel=0.01)
    # A filled bar of axis ratio q has R = (1 − q²)/(1 + q²).
    assert search.elongation == pytest.approx((1 - 0.25**2) / (1 + 0.25**2), abs=0.01)


def test_a_bar_that_is_thin_only_inside_stops_where_it_is_thin(oracle):
    """A round disc of brightness 0.7 under a bar: the search stops above the disc."""
    bar = oracle.drawn_bar(40, 6, 30, (47.5, 47.5), (96, 96))
    disc = oracle.drawn_bar(70, 70, 0, (47.5, 47.5), (96, 96), kind="ellipse")
    search = invariant(np.maximum(bar, 0.7 * disc))
    assert search.stopped_by == "elongation"
    assert search.threshold == pytest.approx(0.7, abs=2e-4)
    # The level lies at the foot of the drawn edge, half a pixel outside its middle.
    assert length(search) == pytest.approx(41, abs=0.5)


def literal_search(oracle, relative, correlation, min_pixels):
    for threshold in THRESHOLDS:
        mask = relative > threshold
        r = oracle.lambda_ratio(mask)
        if r > correlation or mask.sum() < min_pixels:
            break
    return mask, threshold, r


@pytest.mark.parametrize("seed", range(10))
def test_stops_where_the_literal_search_stops(oracle, seed):
    values = smooth_map(seed)
    relative = scaled_by_maximum(values)
    mask, threshold, r = literal_search(oracle, relative, 0.85, scaled_min_pixels(40, values.shape))
    search = invariant(values)
    assert search.threshold == threshold
    assert np.array_equal(search.mask, mask)
    assert search.elongation == pytest.approx(r, abs=1e-9)


def test_the_ratio_is_the_largest_correlation_over_rotations(oracle):
    mask = oracle.drawn_bar(40, 12, 17, (31.5, 31.5)) > 0.5
    y, x = np.nonzero(mask)
    turned = [oracle.turned(x, y, degrees) for degrees in np.arange(0, 180, 0.05)]
    largest = max(abs(np.corrcoef(u, v)[0, 1]) for u, v in turned)
    search = invariant(mask.astype(np.float32))
    assert search.elongation == pytest.approx(largest, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("turn", [np.rot90, np.flipud, np.fliplr, np.transpose])
def test_quarter_turns_and_mirrors_change_nothing(seed, turn):
    values = smooth_map(seed, (44, 60))
    first, second = invariant(values), invariant(turn(values))
    assert second.threshold == first.threshold
    assert np.array_equal(second.mask, turn(first.mask))
    assert length(second) == pytest.approx(length(first), rel=1e-9)


@given(dx=st.integers(-20, 20), dy=st.integers(-20, 20))
@settings(max_examples=30, deadline=None)
def test_translation_moves_the_ends(oracle, dx, dy):
    values = oracle.drawn_bar(30, 5, 25, (40.2, 39.7), (80, 80))
    first = invariant(values)
    second = invariant(np.roll(values, (dy, dx), (0, 1)))
    assert np.allclose(np.subtract(second.ends, first.ends), (dx, dy), atol=1e-9)


@given(factor=st.floats(1e-20, 1e20))
def test_scaling_the_values_changes_nothing(oracle, factor):
    values = oracle.gaussian_bar(10, 0.2, 33, (31, 32), (64, 64)).astype(np.float64)
    first, second = invariant(values), invariant(values * factor)
    assert first.threshold == second.threshold
    assert np.allclose(first.ends, second.ends, atol=1e-4)


def test_negative_values_count_as_nothing(oracle):
    values = oracle.drawn_bar(40, 6, 10, (31.5, 31.5))
    assert invariant(np.where(values == 0, -3, values)).ends == invariant(values).ends


def test_a_bar_across_the_frame_ends_at_the_frame():
    values = np.zeros((32, 32), np.float32)
    values[14:18] = 1
    (x1, y1), (x2, y2) = invariant(values).ends
    assert (x1, x2) == pytest.approx((-0.5, 31.5), abs=1e-3)
    assert (y1, y2) == pytest.approx((15.5, 15.5), abs=1e-9)


def test_a_round_plateau_is_measured_at_half_maximum(oracle):
    search = invariant(oracle.drawn_bar(20, 20, 0, (31.5, 31.5), kind="ellipse"))
    assert search.stopped_by == "last-level"
    assert search.threshold == 0.5
    assert length(search) == pytest.approx(20, rel=0.02)


def test_t1_is_a_share_of_the_map():
    assert scaled_min_pixels(40, (224, 224)) == 40
    assert scaled_min_pixels(40, (448, 448)) == 160
    assert scaled_min_pixels(40, (128, 128)) == 13
    assert scaled_min_pixels(40, (16, 16)) == 5


def test_a_neighbour_is_left_out_when_asked(oracle):
    bar = oracle.drawn_bar(40, 6, 20, (63.5, 63.5), (128, 128))
    neighbour = oracle.drawn_bar(8, 8, 0, (20, 110), (128, 128), kind="ellipse")
    assert length(invariant(bar + neighbour)) > 60
    assert length(invariant(bar + neighbour, nucleus_radius=0.1)) == pytest.approx(40, rel=0.01)
    with pytest.raises(NoBarError, match="nucleus"):
        invariant(neighbour, nucleus_radius=0.1)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (np.zeros((8, 8)), "same value"),
        (np.full((8, 8), 5.0), "same value"),
        (np.array([[-1.0, -2.0]]), "no positive"),
        (np.full((8, 8), np.nan), "no finite"),
    ],
)
def test_maps_without_a_bar_say_why(values, word):
    with pytest.raises(NoBarError, match=word):
        invariant(values)
