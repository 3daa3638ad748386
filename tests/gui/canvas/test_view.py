"""Looking around: zoom, pan, contrast, what stays and what goes with a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PySide6
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from galaxyscope.gui.canvas import CanvasLine, Overlay
from galaxyscope.sky.image import SkyImage

LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)


def wheel(canvas, at, turn):
    viewport = canvas.viewport()
    event = QWheelEvent(
        at,
        QPointF(viewport.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, turn),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


# Qt 6.12 takes the one and warns of the other, older ones know only the other.
Place = QPointF if PySide6.__version_info__ >= (6, 12) else QPoint


def drop(canvas, urls):
    data = QMimeData()
    data.setUrls(urls)
    action, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(Place(50, 50), action, data, LEFT, none)
    QApplication.sendEvent(canvas.viewport(), enter)
    welcome = canvas.marks.dropping
    event = QDropEvent(QPointF(50, 50), action, data, LEFT, none)
    if enter.isAccepted():
        QApplication.sendEvent(canvas.viewport(), event)
    assert not canvas.marks.dropping
    return welcome


@pytest.mark.parametrize("y_up", [False, True])
@pytest.mark.parametrize("turn", [120, -120, 480, 15])
def test_wheel_keeps_the_point_under_the_cursor(canvas, make_image, y_up, turn):
    canvas.set_image(make_image(y_up=y_up))
    at = QPointF(123.4, 77.7)
    before, scale = canvas.to_cutout((at.x(), at.y())), canvas.zoom_level
    wheel(canvas, at, turn)
    assert np.allclose(canvas.to_cutout((at.x(), at.y())), before, atol=1e-9)
    assert (canvas.zoom_level > scale) == (turn > 0)


def test_number_zooms_are_exact_and_fit_follows_the_size(canvas, make_image, qtbot):
    canvas.set_image(make_image())
    assert canvas.zoom_level == pytest.approx(400 / 90)
    canvas.resize(500, 270)
    qtbot.waitUntil(lambda: canvas.zoom_level == pytest.approx(3.0))
    for n in range(1, 10):
        canvas.zoom(n)
        a, b = canvas.to_widget([(0, 0), (1, 0)])
        assert (b - a).tolist() == pytest.approx([n, 0])
    canvas.resize(500, 400)
    QApplication.processEvents()
    assert canvas.zoom_level == 9
    canvas.fit()
    assert canvas.zoom_level == pytest.approx(400 / 90)
    canvas.one_to_one()
    assert canvas.zoom_level == 1


@pytest.mark.parametrize("way", ["left", "middle", "space"])
def test_dragging_pans(canvas, mouse, make_image, way):
    canvas.set_image(make_image())
    canvas.set_tool("pan" if way == "left" else "line")
    point = (30.0, 40.0)
    start = mouse.at(point)
    if way == "space":
        QTest.keyPress(canvas, Qt.Key.Key_Space)
    mouse.drag(start, start + QPointF(40, -25), MIDDLE if way == "middle" else LEFT)
    if way == "space":
        QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert np.allclose(mouse.at(point).toTuple(), (start + QPointF(40, -25)).toTuple())
    assert canvas.lines.draft is None
    canvas.centre()
    assert np.allclose(mouse.at((34.5, 44.5)).toTuple(), (250, 200))


def test_camera_and_display_survive_the_next_picture_of_the_same_shape(canvas, make_image):
    canvas.set_image(make_image())
    canvas.zoom(5)
    canvas.pan_by(11, 7)
    canvas.change_display(_with(canvas.display, contrast=2.0))
    state = canvas.view_state()
    canvas.set_image(make_image(y_up=True))
    assert canvas.view_state() == state
    assert canvas.display.contrast == 2.0
    canvas.set_image(make_image(), keep_view=False)
    assert canvas.view_state().fitted
    canvas.zoom(5)
    canvas.set_image(make_image(100, 120))
    assert canvas.view_state().fitted
    canvas.set_view_state(state)
    assert canvas.view_state() == state


def _with(display, **changes):
    import dataclasses

    return dataclasses.replace(display, **changes)


def test_right_drag_changes_contrast_and_bias_and_double_right_click_resets(
    canvas, mouse, heard, make_image
):
    canvas.set_image(make_image())
    first = canvas.display
    mouse.drag(QPointF(200, 200), QPointF(250, 160), RIGHT)
    told = heard["display_changed"][-1][0]
    assert told == canvas.display
    assert told.bias == pytest.approx(0.6)
    assert told.contrast > 1
    assert (told.limits, told.stretch) == (first.limits, first.stretch)
    QTest.mouseDClick(canvas.viewport(), RIGHT, pos=QPoint(200, 200))
    assert canvas.display == first == heard["display_changed"][-1][0]


def test_contrast_is_seen(canvas, make_image, qtbot):
    canvas.set_image(make_image())
    x, y = canvas.to_widget((14, 30)).tolist()
    before = canvas.grab_image().pixelColor(int(x), int(y)).lightness()
    canvas.set_display(_with(canvas.display, bias=0.9))
    assert canvas.grab_image().pixelColor(int(x), int(y)).lightness() < before


def test_overlay_and_lines_go_with_their_picture_but_not_with_a_new_scale(canvas, make_image):
    from galaxyscope.sky.image import PixelScale

    image = make_image()
    line = CanvasLine("a", ((1, 1), (9, 9)), "automatic")
    canvas.set_image(image)
    canvas.set_overlay(Overlay(np.ones(image.shape, np.float32)))
    canvas.set_lines([line])
    canvas.set_image(image.replace(scale=PixelScale(0.4, "user")))
    assert canvas.overlay is not None
    assert canvas.lines.lines == (line,)
    canvas.set_image(make_image())
    assert canvas.overlay is None
    assert canvas.lines.lines == ()
    with pytest.raises(ValueError, match="overlay"):
        canvas.set_overlay(Overlay(np.ones((4, 5), np.float32)))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_nan_and_of_one_pixel_are_shown(canvas, channels):
    for shape in ((40, 30), (1, 1), (1, 200)):
        data = np.full((channels, *shape), np.nan, np.float32)
        canvas.set_image(SkyImage(data=data, name="empty", y_up=True))
        canvas.set_overlay(Overlay(data[0], contour=True))
        assert not canvas.grab_image().isNull()
        canvas.zoom(1)
        canvas.zoom_by(1e-9)
        assert not canvas.grab_image().isNull()
    canvas.set_image(None)
    assert canvas.image is None
    assert not canvas.grab_image().isNull()


def test_cursor_is_told_inside_and_none_outside_and_can_be_frozen(canvas, mouse, heard, make_image):
    canvas.set_image(make_image())
    inside_and_outside = [
        ((-0.49, -0.49), True),
        ((-0.51, 3), False),
        ((69.49, 89.49), True),
        ((3, 89.51), False),
    ]
    for point, inside in inside_and_outside:
        mouse.move(mouse.at(point))
        told = heard["cursor_moved"][-1][0]
        assert (told is not None) == inside
        if inside:
            assert told == pytest.approx(point, abs=1e-6)
    mouse.move(mouse.at((20, 20)))
    canvas.set_frozen(True)
    count = len(heard["cursor_moved"])
    mouse.move(mouse.at((40, 40)))
    assert len(heard["cursor_moved"]) == count
    canvas.set_image(make_image())  # the same place of the next picture
    assert heard["cursor_moved"][-1][0] == pytest.approx((20, 20))
    canvas.set_frozen(False)
    assert heard["cursor_moved"][-1][0] == pytest.approx((40, 40))


def test_local_files_are_dropped_and_nothing_else(canvas, heard, tmp_path):
    web = QUrl("https://example.org/x.fits")
    assert drop(canvas, [QUrl.fromLocalFile(str(tmp_path / "ü.fits")), web])
    assert not drop(canvas, [web])
    assert heard["files_dropped"] == [([Path(tmp_path / "ü.fits")],)]


def test_compass_follows_the_sky(canvas):
    from astropy.wcs import WCS

    for y_up in (True, False):
        for mirror in (1, -1):
            wcs = WCS(naxis=2)
            wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
            wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [20.5, 20.5]
            wcs.wcs.cdelt = [-1e-4 * mirror, 1e-4]
            angle = np.deg2rad(30)
            wcs.wcs.pc = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
            image = SkyImage(np.ones((1, 40, 40), np.float32), "sky", wcs=wcs, y_up=y_up)
            canvas.set_image(image)
            marks = canvas.marks
            for arm, step in ((marks.north, (0, 1e-4)), (marks.east, (1e-4, 0))):
                x, y = wcs.all_world2pix([[150.0 + step[0], 2.0 + step[1]]], 0)[0] - 19.5
                shown = np.array([x, -y if y_up else y])
                assert np.allclose(arm, shown / np.hypot(*shown), atol=1e-3)
    canvas.set_image(image.replace(wcs=None, data=np.zeros((1, 40, 40), np.float32)))
    assert canvas.marks.north is None
    assert canvas.marks.bar[1].endswith("px")


def test_scale_bar_has_the_length_it_says(canvas, make_image):
    from galaxyscope.sky.image import PixelScale

    canvas.set_image(make_image().replace(scale=PixelScale(0.5, "user")))
    for zoom in (1, 3, 8):
        canvas.zoom(zoom)
        length, label = canvas.marks.bar
        arcsec = float(label[:-1]) * {"″": 1, "′": 60}[label[-1]]
        assert length == pytest.approx(arcsec / 0.5 * zoom)
        assert length <= 240


def test_states_are_told_and_go_when_a_picture_comes(canvas, make_image):
    for kind in ("empty", "loading", "failed", "info"):
        canvas.set_message("Title", "What to do. " * 20, kind)
        assert canvas.marks.message.kind == kind
        assert not canvas.grab_image().isNull()
    canvas.set_image(make_image())
    assert canvas.marks.message.title == ""
    canvas.set_chips(["no WCS: pixels only"])
    assert canvas.marks.chips == ("no WCS: pixels only",)


def test_unknown_tools_and_lines_are_refused(canvas, heard):
    with pytest.raises(ValueError, match="tool"):
        canvas.set_tool("brush")
    with pytest.raises(KeyError):
        canvas.select_line("nobody")
    canvas.set_tool("line")
    canvas.set_tool("line")
    assert heard["tool_changed"] == [("line",)]
