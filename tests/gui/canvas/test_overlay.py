"""Colours, mask and contour of an overlay."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.gui.canvas import COLORMAPS, Overlay, over_threshold
from galaxyscope.gui.canvas.overlay import colours, contour, readable_contour


def bell(size: int = 41, sigma: float = 8.0) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size // 2
    return np.exp(-(x**2 + y**2) / (2 * sigma**2)).astype(np.float32)


def alpha(argb):
    return argb >> 24


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_mask_shows_exactly_the_pixels_over_the_threshold(seed, threshold):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(17, 13)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    top = np.nanmax(values)
    expected = sum(
        bool(v > np.float32(threshold * float(top))) for v in values.ravel() if math.isfinite(v)
    )
    shown = colours(Overlay(values, threshold=threshold, mask=True, opacity=1.0))
    assert np.count_nonzero(alpha(shown)) == expected == over_threshold(values, threshold).sum()


def test_a_pixel_at_the_threshold_is_not_over_it():
    values = np.array([[0.0, 0.5, 1.0, 0.75]], np.float32)
    assert over_threshold(values, 0.5).tolist() == [[False, False, True, True]]
    assert not over_threshold(values, 1.0).any()


@pytest.mark.parametrize("values", [np.full((5, 5), np.nan), np.zeros((5, 5)), -np.ones((5, 5))])
def test_maps_without_positive_values_have_no_mask_and_no_contour(values):
    values = values.astype(np.float32)
    assert not over_threshold(values, 0.0).any()
    assert len(readable_contour(Overlay(values))) == 0
    assert not alpha(colours(Overlay(values))).any()


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_alpha_grows_with_the_value_and_never_hides_an_empty_map(colormap):
    ramp = np.linspace(0, 1, 200, dtype=np.float32)[None]
    shown = alpha(colours(Overlay(ramp, colormap=colormap, opacity=0.6)))[0].astype(int)
    assert shown[0] <= 2
    assert (np.diff(shown) >= 0).all()
    assert shown[-1] == round(0.6 * 255)


def test_signed_maps_are_centred_on_zero():
    ramp = np.array([[-4.0, -2.0, 0.0, 2.0, 4.0, np.nan]], np.float32)
    argb = colours(Overlay(ramp, colormap="RdBu", opacity=1.0))[0].astype(int)
    red, blue, a = argb >> 16 & 255, argb & 255, argb >> 24
    assert blue[0] > red[0]
    assert red[4] > blue[4]
    assert a[2] == 0
    assert a[0] == a[4] == 255
    assert abs(a[1] - a[3]) <= 2
    assert a[5] == 0


def test_unknown_colour_map_is_refused():
    with pytest.raises(ValueError, match="colour map"):
        colours(Overlay(bell(), colormap="jet"))


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_contour_is_the_circle_where_the_map_has_the_level(threshold):
    segments = contour(bell(), threshold)
    radius = 8.0 * math.sqrt(-2 * math.log(threshold))
    distance = np.hypot(*(segments.reshape(-1, 2) - 20).T)
    assert np.abs(distance - radius).max() < 0.05
    length = np.hypot(*(segments[:, 1] - segments[:, 0]).T).sum()
    assert length == pytest.approx(2 * math.pi * radius, rel=0.01)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_contours_are_closed_inside_the_map(seed):
    values = np.random.default_rng(seed).random((9, 11)).astype(np.float32)
    values[[0, -1]] = 0
    values[:, [0, -1]] = 0
    ends = contour(values, 0.5).reshape(-1, 2).round(9)
    _, counts = np.unique(ends, axis=0, return_counts=True)
    assert (counts % 2 == 0).all()


def test_a_thicket_is_drawn_of_a_coarser_map_in_the_same_place():
    rng = np.random.default_rng(3)
    values = bell(401, 60.0) + rng.normal(0, 0.2, (401, 401)).astype(np.float32)
    segments = readable_contour(Overlay(values, threshold=0.3), most=600)
    assert 0 < len(segments) < 700
    # The maximum is that of the noisy map, and the bell has its centre at pixel 200.
    radius = 60.0 * math.sqrt(-2 * math.log(0.3 * float(values.max())))
    distance = np.hypot(*(segments.reshape(-1, 2) - 200).T)
    assert abs(np.median(distance) - radius) < 3
    assert np.allclose(segments.mean(axis=(0, 1)), 200, atol=6)
    smooth = Overlay(bell(), threshold=0.5)
    level = 0.5 * float(smooth.values.max())
    assert np.array_equal(readable_contour(smooth), contour(smooth.values, level))


def test_overlay_is_seen_on_the_right_pixel(canvas, make_image):
    for y_up in (False, True):
        image = make_image(y_up=y_up)
        values = np.zeros(image.shape, np.float32)
        values[70, 50] = 1
        canvas.set_image(image, keep_view=False)
        canvas.zoom(20)
        canvas.pan_by(*(canvas.middle() - canvas.to_widget((50, 70))))
        canvas.set_overlay(Overlay(values, colormap="viridis", opacity=1.0, contour=True))
        shot = canvas.grab_image()
        x, y = canvas.to_widget((50, 70)).tolist()
        colour = shot.pixelColor(int(x), int(y))
        assert (colour.red(), colour.green(), colour.blue()) == (253, 231, 37)
        canvas.set_overlay_visible(False)
        assert canvas.grab_image().pixelColor(int(x), int(y)).lightness() == 0
        canvas.set_overlay_visible(True)


def test_overlay_updates_at_least_twenty_times_a_second(canvas):
    from galaxyscope.sky.image import SkyImage

    rng = np.random.default_rng(0)
    canvas.set_image(SkyImage(rng.random((3, 424, 424), np.float32), "x", full_scale=1.0))
    maps = [rng.random((424, 424), np.float32) for _ in range(10)]
    times = []
    for values in maps:
        start = time.perf_counter()
        canvas.set_overlay(Overlay(values, threshold=0.5, mask=True))
        canvas.grab_image()
        times.append(time.perf_counter() - start)
    assert sorted(times)[len(times) // 2] < 0.05
