"""Lines drawn and changed by mouse and by keyboard."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget

from galaxyscope.gui.canvas import Canvas, CanvasLine

KEY, MOD = Qt.Key, Qt.KeyboardModifier
ENDS = ((20.3, 30.7), (51.6, 44.2))
DRAWN = CanvasLine("d", ENDS, "drawn", "drawn 34.1 px", editable=True)
AUTOMATIC = CanvasLine("a", ((15.0, 60.0), (55.0, 60.0)), "automatic", "automatic", error_px=3.0)


def close(a, b, tolerance=0.02):
    return np.allclose(np.asarray(a, float), np.asarray(b, float), atol=tolerance)


@pytest.mark.parametrize("y_up", [False, True])
@pytest.mark.parametrize("zoom", [None, 1, 2, 5, 9])
@pytest.mark.parametrize("way", ["drag", "clicks"])
def test_a_drawn_line_has_the_ends_under_the_mouse(
    canvas, mouse, heard, make_image, zoom, y_up, way
):
    canvas.set_image(make_image(y_up=y_up))
    if zoom:
        canvas.zoom(zoom)
    canvas.set_tool("line")
    start, stop = mouse.at(ENDS[0]), mouse.at(ENDS[1])
    if way == "drag":
        mouse.drag(start, stop)
    else:
        mouse.click(start)
        mouse.move(stop)
        mouse.click(stop)
    ((ends,),) = heard["line_drawn"]
    assert close(ends, ENDS)
    assert canvas.lines.draft is None


@pytest.mark.parametrize("y_up", [False, True])
def test_the_mouse_points_at_the_pixel_that_is_seen(canvas, mouse, heard, make_image, y_up, qtbot):
    canvas.set_image(make_image(y_up=y_up))
    for zoom in (2, 7):
        canvas.zoom(zoom)
        shot = canvas.grab_image()
        image = canvas.image.data[0]
        # Both sides of edges of the F, a tenth of a pixel away from them.
        for x, y in ((9.4, 30), (9.6, 30), (17.4, 60), (17.6, 60), (30, 39.4), (30, 39.6)):
            at = mouse.at((x, y))
            if not canvas.rect().contains(at.toPoint()):
                continue
            mouse.move(at)
            ((told,),) = heard["cursor_moved"][-1:]
            assert close(told, (x, y), 1e-6)
            if zoom == 7:
                bright = shot.pixelColor(int(at.x()), int(at.y())).lightness() > 80
                assert bright == (image[round(y), round(x)] > 0)


def test_first_row_is_drawn_where_the_file_says(canvas, make_image):
    canvas.zoom(4)
    for y_up in (False, True):
        canvas.set_image(make_image(y_up=y_up), keep_view=False)
        top = canvas.to_widget((12, 0))[1] < canvas.to_widget((12, 89))[1]
        assert top == (not y_up)
        shot = canvas.grab_image()
        x, y = canvas.to_widget((50, 14)).tolist()  # right end of the upper arm of the F
        assert shot.pixelColor(int(x), int(y)).lightness() > 80
        x, y = canvas.to_widget((50, 75)).tolist()
        assert shot.pixelColor(int(x), int(y)).lightness() < 20


def test_keyboard_alone_draws_a_line(canvas, heard, make_image):
    canvas.set_image(make_image())
    canvas.set_tool("line")
    QTest.keyClick(canvas, KEY.Key_Return)
    start = canvas.lines.draft[0]
    assert close(start, (34.5, 44.5))
    for _ in range(3):
        QTest.keyClick(canvas, KEY.Key_Right, MOD.ShiftModifier)
    QTest.keyClick(canvas, KEY.Key_Up)
    QTest.keyClick(canvas, KEY.Key_Up, MOD.AltModifier)
    QTest.keyClick(canvas, KEY.Key_Tab)
    QTest.keyClick(canvas, KEY.Key_Left)
    QTest.keyClick(canvas, KEY.Key_Return)
    ((ends,),) = heard["line_drawn"]
    assert close(ends, ((33.5, 44.5), (64.5, 43.4)), 1e-6)


def test_space_starts_and_ends_a_line_in_a_y_up_image(canvas, heard, make_image):
    canvas.set_image(make_image(y_up=True))
    canvas.set_tool("line")
    QTest.keyClick(canvas, KEY.Key_Space)
    QTest.keyClick(canvas, KEY.Key_Up, MOD.ShiftModifier)
    QTest.keyClick(canvas, KEY.Key_Space)
    ((ends,),) = heard["line_drawn"]
    assert close(ends, ((34.5, 44.5), (34.5, 54.5)), 1e-6)


def test_keyboard_line_starts_at_the_pointer_and_ignores_its_jitter(
    canvas, mouse, heard, make_image
):
    canvas.set_image(make_image())
    canvas.set_tool("line")
    mouse.move(mouse.at((20, 20)))
    QTest.keyClick(canvas, KEY.Key_Return)
    QTest.keyClick(canvas, KEY.Key_Down, MOD.ShiftModifier)
    mouse.move(mouse.at((60, 60)))
    QTest.keyClick(canvas, KEY.Key_Return)
    ((ends,),) = heard["line_drawn"]
    assert close(ends, ((20, 20), (20, 30)), 1e-6)


@pytest.mark.parametrize("y_up", [False, True])
def test_shift_snaps_the_angle_to_15_degrees(canvas, mouse, heard, make_image, y_up):
    canvas.set_image(make_image(y_up=y_up))
    canvas.set_tool("line")
    for degrees in (3, 20, 50, 128, 200, 299):
        angle = math.radians(degrees)
        end = (35 + 25 * math.cos(angle), 45 + 25 * math.sin(angle))
        mouse.drag(mouse.at((35, 45)), mouse.at(end), modifiers=MOD.ShiftModifier)
        (x1, y1), (x2, y2) = heard["line_drawn"][-1][0]
        drawn = math.degrees(math.atan2(y2 - y1, x2 - x1))
        nearest = round(degrees / 15) * 15
        assert abs((drawn - nearest + 180) % 360 - 180) < 1e-6
        assert math.dist((x1, y1), (35, 45)) < 0.02


def test_escape_cancels_and_a_slip_draws_nothing(canvas, mouse, heard, make_image):
    canvas.set_image(make_image())
    canvas.set_tool("line")
    mouse.click(mouse.at((20, 20)))
    mouse.move(mouse.at((40, 40)))
    assert canvas.lines.draft is not None
    QTest.keyClick(canvas, KEY.Key_Escape)
    assert canvas.lines.draft is None
    mouse.press(mouse.at((20, 20)))
    mouse.move(mouse.at((40, 40)), Qt.MouseButton.LeftButton)
    QTest.keyClick(canvas, KEY.Key_Escape)
    mouse.release(mouse.at((40, 40)))
    assert canvas.lines.draft is None
    mouse.click(mouse.at((20, 20)))
    mouse.click(mouse.at((20, 20)))
    assert canvas.lines.draft is not None  # still waits for a second end
    assert heard["line_drawn"] == []


def test_dragging_an_end_moves_that_end_only(canvas, mouse, heard, make_image):
    canvas.set_image(make_image(y_up=True))
    canvas.set_lines([AUTOMATIC, DRAWN])
    grip = mouse.at(ENDS[0]) + QPointF(4, -3)  # not exactly on the end: no jump
    mouse.drag(grip, grip + (mouse.at((30, 20)) - mouse.at(ENDS[0])))
    ((key, ends),) = heard["line_changed"]
    assert key == "d"
    assert close(ends, ((30, 20), ENDS[1]))
    assert canvas.selected_line == "d"


def test_dragging_the_middle_moves_the_line(canvas, mouse, heard, make_image):
    canvas.set_image(make_image())
    canvas.set_lines([DRAWN])
    middle, shift = np.mean(ENDS, axis=0), np.array([5, -7])
    mouse.drag(mouse.at(middle), mouse.at(middle + shift))
    ((_, ends),) = heard["line_changed"]
    assert close(ends, np.asarray(ENDS) + shift)


def test_escape_puts_a_dragged_line_back(canvas, mouse, heard, make_image):
    canvas.set_image(make_image())
    canvas.set_lines([DRAWN])
    mouse.press(mouse.at(ENDS[1]))
    mouse.move(mouse.at((10, 10)), Qt.MouseButton.LeftButton)
    assert close(canvas.lines.ends("d")[1], (10, 10))
    QTest.keyClick(canvas, KEY.Key_Escape)
    mouse.release(mouse.at((10, 10)))
    assert canvas.lines.ends("d") == ENDS
    assert heard["line_changed"] == []


def test_a_click_selects_and_changes_nothing(canvas, mouse, heard, make_image):
    canvas.set_image(make_image())
    canvas.set_lines([AUTOMATIC, DRAWN])
    mouse.click(mouse.at(np.mean(ENDS, axis=0)))
    mouse.click(mouse.at((35, 60)))
    mouse.click(mouse.at((60, 85)))
    assert [key for (key,) in heard["line_selected"]] == ["d", "a", None]
    assert heard["line_changed"] == []


def test_an_automatic_line_can_be_drawn_over_but_not_moved(canvas, mouse, heard, make_image):
    canvas.set_image(make_image())
    canvas.set_lines([AUTOMATIC])
    canvas.set_tool("line")
    mouse.drag(mouse.at(AUTOMATIC.ends[0]), mouse.at(AUTOMATIC.ends[1]))
    ((ends,),) = heard["line_drawn"]
    assert close(ends, AUTOMATIC.ends)
    canvas.set_tool("pan")
    mouse.drag(mouse.at(AUTOMATIC.ends[0]), mouse.at((30, 30)))
    canvas.select_line("a")
    QTest.keyClick(canvas, KEY.Key_Delete)
    QTest.keyClick(canvas, KEY.Key_Right)
    assert heard["line_changed"] == heard["line_delete_requested"] == []


def test_keys_move_the_focused_end_and_delete(canvas, heard, make_image):
    canvas.set_image(make_image())
    canvas.set_lines([DRAWN])
    canvas.select_line("d")
    QTest.keyClick(canvas, KEY.Key_Left)
    QTest.keyClick(canvas, KEY.Key_Tab)
    QTest.keyClick(canvas, KEY.Key_Down, MOD.ShiftModifier)
    QTest.keyClick(canvas, KEY.Key_Up, MOD.AltModifier)
    assert len(heard["line_changed"]) == 3
    (x1, y1), (x2, y2) = ENDS
    assert close(heard["line_changed"][-1][1], ((x1, y1 + 9.9), (x2 - 1, y2)), 1e-9)
    QTest.keyClick(canvas, KEY.Key_Delete)
    assert heard["line_delete_requested"] == [("d",)]


def test_lines_set_while_one_is_dragged_do_not_tear_it_away(canvas, mouse, heard, make_image):
    canvas.set_image(make_image())
    canvas.set_lines([DRAWN])
    mouse.press(mouse.at(ENDS[1]))
    mouse.move(mouse.at((60, 60)), Qt.MouseButton.LeftButton)
    canvas.set_lines([AUTOMATIC, DRAWN])
    assert close(canvas.lines.ends("d")[1], (60, 60))
    mouse.release(mouse.at((60, 60)))
    assert close(heard["line_changed"][-1][1], (ENDS[0], (60, 60)))
    mouse.press(mouse.at((60, 60)))
    mouse.move(mouse.at((50, 50)), Qt.MouseButton.LeftButton)
    canvas.set_lines([AUTOMATIC])
    mouse.release(mouse.at((50, 50)))
    assert len(heard["line_changed"]) == 1


def test_ruler_leaves_no_record_and_goes_with_escape_or_tool(canvas, mouse, heard, make_image):
    canvas.set_image(make_image())
    for leave in (
        lambda: QTest.keyClick(canvas, KEY.Key_Escape),
        lambda: canvas.set_tool("pan"),
    ):
        canvas.set_tool("ruler")
        mouse.drag(mouse.at(ENDS[0]), mouse.at(ENDS[1]))
        assert close(canvas.lines.ruler, ENDS)
        leave()
        assert canvas.lines.ruler is None
    assert heard["line_drawn"] == []


def test_live_length_is_what_the_window_says(canvas, mouse, make_image):
    canvas.set_image(make_image())
    canvas.set_length_formatter(lambda ends: f"{2 * math.dist(*ends):.1f}″")
    canvas.set_tool("line")
    mouse.press(mouse.at((10, 10)))
    mouse.move(mouse.at((40, 50)), Qt.MouseButton.LeftButton)
    assert canvas.lines.draft_label == "100.0″"
    mouse.release(mouse.at((40, 50)))


def test_shortcuts_get_the_keys_that_the_canvas_does_not_need(canvas, make_image):
    canvas.set_image(make_image())
    canvas.set_lines([DRAWN])
    for key in (KEY.Key_Left, KEY.Key_Delete, KEY.Key_Escape, KEY.Key_Return, KEY.Key_Tab):
        assert not canvas.pilot.wants(key)
    canvas.select_line("d")
    for key in (KEY.Key_Left, KEY.Key_Delete, KEY.Key_Escape, KEY.Key_Tab):
        assert canvas.pilot.wants(key)
    assert not canvas.pilot.wants(KEY.Key_J)


def test_a_selected_line_gets_arrows_and_tab_before_the_window(qtbot, make_image):
    window = QWidget()
    canvas, after = Canvas(window), QLineEdit(window)
    canvas.resize(300, 200)
    action = QAction("Next", window)
    action.setShortcut("Right")
    window.addAction(action)
    nexts, moves = [], []
    action.triggered.connect(lambda: nexts.append(1))
    canvas.line_changed.connect(lambda key, ends: moves.append(ends))
    qtbot.addWidget(window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    canvas.setFocus()
    canvas.set_image(make_image())
    canvas.set_lines([DRAWN])

    def press(key):
        QTest.keyClick(window.windowHandle(), key)

    press(KEY.Key_Right)
    assert (len(nexts), len(moves)) == (1, 0)
    canvas.select_line("d")
    press(KEY.Key_Right)
    assert (len(nexts), len(moves)) == (1, 1)
    press(KEY.Key_Tab)
    press(KEY.Key_Right)
    (x1, y1), (x2, y2) = ENDS
    assert close(moves[-1], ((x1 + 1, y1), (x2 + 1, y2)))
    press(KEY.Key_Escape)
    assert canvas.selected_line is None
    press(KEY.Key_Tab)
    assert after.hasFocus()


def test_two_lines_with_one_key_are_refused(canvas, make_image):
    canvas.set_image(make_image())
    with pytest.raises(ValueError, match="key of its own"):
        canvas.set_lines([DRAWN, DRAWN])


def test_of_two_lines_along_one_bar_both_are_seen(canvas, make_image):
    canvas.set_image(make_image())
    short = CanvasLine("short", ((30.0, 40.0), (50.0, 40.0)), "automatic", "automatic")
    long = CanvasLine("long", ((20.0, 40.0), (60.0, 40.0)), "drawn", "drawn", editable=True)
    canvas.set_lines([short, long])
    canvas.select_line("long")
    items = canvas.lines._items
    assert items["short"].zValue() > items["long"].zValue()
    assert canvas._marks.zValue() > items["short"].zValue() > canvas._renderer.item.zValue()
    canvas.lines.move("long", ((38.0, 40.0), (42.0, 40.0)))
    assert items["short"].zValue() < items["long"].zValue()
