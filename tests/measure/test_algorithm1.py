from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from galaxyscope.measure.algorithm1 import farthest_pair, published, scaled_by_range
from galaxyscope.measure.search import THRESHOLDS, NoBarError, nested_masks

finite32 = st.floats(-1e3, 1e3, width=32)
any_map = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=finite32
)
# Few distinct values: ties everywhere, plateaus, masks of one row.
tied_map = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.sampled_from([0, 0.25, 0.5, 0.75, 0.9, 1]),
)


def smooth_map(seed, shape=(48, 48), sigma=3.0, elongated=1.0):
    noise = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(noise, (sigma, sigma * elongated)).astype(np.float32)


def length(search):
    """The authors call the length of zero or one pixel 1."""
    if search.ends is None:
        return 1.0
    return float(np.sqrt(np.square(np.subtract(*search.ends)).sum()))


def assert_equals_oracle(oracle, values, correlation=0.85, min_pixels=40):
    mask, threshold, r = oracle.barlength_mask(
        oracle.scaled_by_range(values), correlation, min_pixels
    )
    search = published(values, correlation, min_pixels)
    assert np.array_equal(search.mask, mask)
    assert search.threshold == float(threshold)
    assert length(search) == oracle.barlength(mask)
    if np.isnan(r):
        assert search.elongation is None
    else:
        assert search.elongation == r


@settings(max_examples=40, deadline=None)
@given(values=any_map, min_pixels=st.integers(1, 40), correlation=st.floats(0.1, 1))
def test_equals_the_literal_algorithm_on_any_map(oracle, values, min_pixels, correlation):
    if np.ptp(values) == 0:
        with pytest.raises(NoBarError):
            published(values, correlation, min_pixels)
    else:
        assert_equals_oracle(oracle, values, correlation, min_pixels)


@settings(max_examples=40, deadline=None)
@given(values=tied_map, min_pixels=st.integers(1, 6), correlation=st.sampled_from([0.5, 0.85, 1]))
def test_equals_the_literal_algorithm_on_ties(oracle, values, min_pixels, correlation):
    if np.ptp(values) > 0:
        assert_equals_oracle(oracle, values, correlation, min_pixels)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("correlation", [0.3, 0.85])
def test_equals_the_literal_algorithm_on_smooth_maps(oracle, seed, correlation):
    values = smooth_map(seed, elongated=1 + seed % 3)
    turned = ndimage.rotate(values, 13 * seed, reshape=False, order=1)
    assert_equals_oracle(oracle, turned, correlation)


def test_a_correlation_exactly_at_the_limit_does_not_stop(oracle):
    """Seven pixels with r = 1/2 exactly, up to rounding either way."""
    values = np.zeros((3, 3), np.float32)
    values[[0, 1, 2], [0, 1, 2]] = 1
    values[0, 2] = 0.5
    for correlation in (0.5, 1.0, np.nextafter(1.0, 0)):
        assert_equals_oracle(oracle, values, correlation, 1)


def test_pixels_that_are_not_finite_belong_to_no_mask(oracle):
    values = smooth_map(3)
    values[:6] = np.nan
    values[20, 20] = np.inf
    assert_equals_oracle(oracle, values)
    assert not published(values).mask[~np.isfinite(values)].any()


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (np.full((8, 8), 3.0), "same value"),
        (np.zeros((8, 8)), "same value"),
        (np.full((8, 8), np.nan), "no finite pixel"),
        (np.empty((0, 4)), "no finite pixel"),
    ],
)
def test_maps_without_contrast_have_no_bar(values, word):
    with pytest.raises(NoBarError, match=word):
        published(values)


@pytest.mark.parametrize("values", [np.zeros(5), np.zeros((2, 3, 3)), np.zeros((4, 4), complex)])
def test_what_is_not_a_map_is_refused(values):
    with pytest.raises(ValueError, match="a map must"):
        published(values)


def test_a_single_hot_pixel_has_no_ends():
    values = np.zeros((9, 9), np.float32)
    values[4, 4] = 1
    search = published(values)
    assert search.ends is None
    assert search.elongation is None
    assert search.stopped_by == "min-pixels"


def test_a_single_row_has_no_r_and_runs_to_the_last_threshold():
    values = np.zeros((60, 60), np.float32)
    values[30, 5:55] = 1
    search = published(values)
    assert search.elongation is None
    assert search.stopped_by == "last-level"
    assert search.threshold == float(THRESHOLDS[-1])
    assert search.ends == ((5, 30), (54, 30))


def test_there_are_five_thousand_thresholds():
    assert len(THRESHOLDS) == 5000
    assert THRESHOLDS.dtype == np.float32


def test_an_already_scaled_map_is_taken_as_it_is():
    """The mean of scaled maps has a maximum below 1, which the authors leave there."""
    values = scaled_by_range(smooth_map(1)) * np.float32(0.7)
    assert published(values, scale=False).threshold <= 0.7
    assert published(values * np.float32(0.5), scale=False).ends is None


def test_a_range_that_overflows_is_scaled():
    values = np.array([[-3e38, 3e38], [0, 1]], np.float32)
    assert np.array_equal(scaled_by_range(values), np.array([[0, 1], [0.5, 0.5]], np.float32))


def test_large_maps_do_not_overflow():
    """A diagonal band whose moments would not fit into 64-bit integers."""
    y, x = np.ogrid[:3000, :3000]
    band = np.abs(x - y) < 900
    masks = nested_masks(band.astype(np.float32))
    y, x = np.nonzero(band)
    n = len(x)
    assert masks.pixels[0] == n
    for moment, covariance in ((masks.xx, x.var()), (masks.yy, y.var())):
        assert moment[0] / n**2 == pytest.approx(covariance, rel=1e-12)
    r = masks.xy[0] / np.sqrt(masks.xx[0] * masks.yy[0])
    assert r == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-12)


@given(mask=hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_the_farthest_pair_is_the_farthest(oracle, mask):
    ends = farthest_pair(mask)
    if mask.sum() < 2:
        assert ends is None
    else:
        (x1, y1), (x2, y2) = ends
        assert np.sqrt((x1 - x2) ** 2 + (y1 - y2) ** 2) == oracle.barlength(mask)
        assert all(mask[int(y), int(x)] for x, y in ends)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("turn", [np.rot90, np.flipud, np.fliplr, np.transpose])
def test_quarter_turns_and_mirrors_change_nothing(seed, turn):
    values = smooth_map(seed, (40, 56))
    first, second = published(values), published(turn(values))
    assert second.threshold == first.threshold
    assert np.array_equal(second.mask, turn(first.mask))
    assert length(second) == length(first)


@given(power=st.integers(-20, 20))
def test_scaling_the_values_changes_nothing(power):
    values = smooth_map(7)
    first, second = published(values), published(np.ldexp(values, power))
    assert (first.threshold, first.ends) == (second.threshold, second.ends)


def test_translation_moves_the_ends():
    values = np.zeros((80, 80), np.float32)
    blob = smooth_map(2, (30, 30))
    values[5:35, 7:37] = blob - blob.min()
    moved = np.roll(values, (21, 16), (0, 1))
    first, second = published(values), published(moved)
    assert np.allclose(np.subtract(second.ends, first.ends), (16, 21))
    assert first.threshold == second.threshold


def test_a_horizontal_bar_measures_a_third_of_a_diagonal_one(oracle):
    """The fault of Pearson's r that `invariant` mends: r is 0 for a bar along an axis."""
    diagonal = published(oracle.gaussian_bar(15, 0.25, 45, (63.5, 63.5)))
    horizontal = published(oracle.gaussian_bar(15, 0.25, 0, (63.5, 63.5)))
    assert diagonal.stopped_by == "elongation"
    assert horizontal.stopped_by == "min-pixels"
    # Pixel centres fall short of the half-maximum contour by up to a pixel.
    assert length(diagonal) == pytest.approx(2 * 15 * np.sqrt(2 * np.log(2)) - 1, abs=1)
    assert length(horizontal) / length(diagonal) == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize("degrees", range(0, 180, 15))
def test_a_filled_bar_wider_than_0_285_is_never_elongated(oracle, degrees):
    wide = published(oracle.drawn_bar(40, 13, degrees, (31.5, 31.5)))
    assert wide.stopped_by == "last-level"
    assert wide.elongation is None or wide.elongation < 0.85
