"""North up: the camera turns, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication

from galaxyscope.gui.canvas.camera import Camera, north_up

angles = st.floats(-180, 180)
places = st.tuples(st.floats(0, 400), st.floats(0, 300))


@settings(deadline=None)
@given(angles)
def test_north_points_up_at_any_angle(angle: float) -> None:
    north = (math.sin(math.radians(angle)), -math.cos(math.radians(angle)))
    camera = Camera((3, 4), 2.5, (100, 80), north_up(north))
    x, y = camera.to_widget(north) - camera.to_widget((0, 0))
    assert (x, y) == (pytest.approx(0, abs=0.003), pytest.approx(-2.5, abs=1e-5))


@settings(deadline=None)
@given(angles, places, st.floats(0.1, 20), st.floats(-50, 50))
def test_zoom_and_pan_keep_what_is_under_the_cursor(angle, at, scale, step) -> None:
    camera = Camera((30, 40), 1.5, (400, 300), angle)
    point = camera.to_widget.inverse(at)
    assert np.allclose(camera.zoomed(scale, at).to_widget(point), at, atol=1e-6)
    moved = camera.panned(step, -step).to_widget(point)
    assert np.allclose(moved, (at[0] + step, at[1] - step), atol=1e-6)


@settings(deadline=None)
@given(angles, st.integers(1, 500), st.integers(1, 500))
def test_fit_shows_all_corners_and_no_less(angle, rows, columns) -> None:
    camera = Camera(size=(400, 300), angle=angle).fitting(rows, columns)
    corners = camera.to_widget([(0, 0), (columns, 0), (0, rows), (columns, rows)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    assert (low >= -1e-6).all()
    assert (high <= (400 + 1e-6, 300 + 1e-6)).all()
    if camera.scale < 128:  # the largest there is
        assert ((high - low) / (400, 300)).max() == pytest.approx(1)


def test_no_angle_leaves_the_camera_exactly_as_it_was() -> None:
    affine = Camera((3.3, 4.7), 1.7, (401, 299)).to_widget
    assert (affine.a, affine.b, affine.d, affine.e) == (1.7, 0, 0, 1.7)
    assert affine.c == 401 / 2 - 1.7 * 3.3


def turned_wcs(degrees: float) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [190, 2], [35, 45]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    wcs.wcs.cd = np.array([[-cos, sin], [sin, cos]]) * 0.5 / 3600
    return wcs


@pytest.mark.parametrize("degrees", [30.0, -110.0])
@pytest.mark.parametrize("y_up", [True, False])
def test_canvas_turns_and_lines_stay_where_they_are(
    canvas, mouse, make_image, degrees, y_up
) -> None:
    image = make_image(y_up=y_up).replace(wcs=turned_wcs(degrees))
    canvas.set_image(image)
    QApplication.processEvents()
    plain = canvas.marks.north
    assert abs(plain[0]) > 0.4
    drawn: list[object] = []
    canvas.line_drawn.connect(drawn.append)
    canvas.set_tool("line")
    canvas.set_north_up(True)
    assert canvas.marks.north == (pytest.approx(0, abs=1e-6), pytest.approx(-1, abs=1e-6))
    ends = (14.0, 12.0), (50.0, 70.0)
    mouse.drag(mouse.at(ends[0]), mouse.at(ends[1]))
    assert np.allclose(drawn, [ends], atol=0.05)
    canvas.set_north_up(False)
    assert canvas.marks.north == plain


def test_without_wcs_nothing_turns(canvas, make_image) -> None:
    canvas.set_image(make_image())
    before = canvas.to_widget
    canvas.set_north_up(True)
    assert canvas.to_widget == before
