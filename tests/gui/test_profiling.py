"""Profile panel, profile tool and the curve of lengths in a window."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from galaxyscope.gui.panels.computed import ComputedPopover
from galaxyscope.gui.profiling import _at_ends
from galaxyscope.gui.rows import length_of
from galaxyscope.measure.curve import length_curve
from galaxyscope.measure.profile import line_profile

LINE = ((30.0, 30.0), (90.0, 90.0))


@pytest.fixture
def profile(drive: Any, folder: Path) -> Any:
    """The panel in front, with a line drawn along the oval."""
    drive.open(folder, shows="a.fits")
    drive.window.tables.show_panel("Profile")
    panel = drive.window.profile
    assert "press P" in panel._empty.text()
    drive.draw(LINE)
    drive.until(lambda: panel._stack.currentIndex() == 1)
    return panel


def handle(panel: Any, end: int) -> QPoint:
    axes = panel.plot.axes()
    along = panel.plot.ends[end] * panel.plot._per_px
    return axes.point(along, float(np.mean(axes.y))).toPoint()


def test_the_profile_is_that_of_the_light_along_the_line(drive: Any, profile: Any) -> None:
    image = drive.window.canvas.image
    expected = line_profile(image.light, LINE, 3.0)
    found = profile.plot._found
    assert found.map is None
    assert found.light.values == pytest.approx(expected.values, nan_ok=True)
    assert profile.name.text() == "Ada"
    assert profile.readout.text().startswith("42.43″ long; at the ends light ")
    profile.width_px.setValue(9.0)
    drive.until(lambda: profile.plot._found.light.width_px == 9.0)
    assert np.nanstd(np.diff(profile.plot._found.light.values)) < np.nanstd(
        np.diff(expected.values)
    )


def test_a_dragged_end_moves_the_line_of_the_same_row(drive: Any, profile: Any, qtbot: Any) -> None:
    (row,) = drive.rows()
    start, axes = handle(profile, 1), profile.plot.axes()
    middle = axes.point(0.0, float(np.mean(axes.y))).toPoint()
    target = QPoint((start.x() + middle.x()) // 2, start.y())
    qtbot.mousePress(profile.plot, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(profile.plot, target)
    live = drive.window.canvas.lines.ends(row.id)
    assert live[0] == row.ends[0]
    assert live[1][0] < row.ends[1][0] - 10
    assert drive.rows()[0].ends == row.ends, "nothing is kept while it is dragged"
    qtbot.mouseRelease(profile.plot, Qt.MouseButton.LeftButton, pos=target)
    drive.until(lambda: drive.rows()[0].ends != row.ends)
    (moved,) = drive.rows()
    assert moved.id == row.id
    assert moved.length_px == pytest.approx(row.length_px * 0.75, rel=0.02)
    (x1, y1), (x2, y2) = moved.ends
    assert (x2 - x1, y2 - y1) == pytest.approx((x2 - x1, x2 - x1)), "along the line"
    assert drive.window.session.records() == [moved]
    drive.until(lambda: profile.plot._found.light.length_px == pytest.approx(moved.length_px))
    drive.trigger("undo")
    drive.until(lambda: drive.rows()[0].ends == row.ends)
    drive.until(lambda: profile.plot._found.light.length_px == pytest.approx(row.length_px))


def test_arrow_keys_move_an_end(drive: Any, profile: Any, qtbot: Any) -> None:
    before = drive.rows()[0].length_px
    profile.plot.setFocus()
    qtbot.keyClick(profile.plot, Qt.Key.Key_Right)
    drive.until(lambda: drive.rows()[0].length_px == pytest.approx(before + 1))
    drive.until(lambda: profile.plot._found.light.length_px == pytest.approx(before + 1))
    qtbot.keyClick(profile.plot, Qt.Key.Key_Up)
    qtbot.keyClick(profile.plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    drive.until(lambda: drive.rows()[0].length_px == pytest.approx(before + 11))


def test_the_tool_needs_no_record(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    window = drive.window
    window.canvas.set_tool("profile")
    window.canvas.lines.begin((20.0, 60.0), ruler=True)
    window.canvas.lines.stretch(((20.0, 60.0), (100.0, 60.0)))
    window.canvas.lines.finish()
    panel = window.profile
    drive.until(lambda: panel._stack.currentIndex() == 1)
    assert window.tables.names[window.tables.tabs.currentIndex()] == "Profile"
    assert "no record" in panel.name.text()
    panel.plot.end_moved.emit(1, 20.0)
    drive.until(lambda: panel.plot._found.light.length_px == pytest.approx(60.0))
    assert window.canvas.lines.ruler == ((20.0, 60.0), (80.0, 60.0))
    assert window.session.records() == []
    window.canvas.pilot.stop()
    drive.until(lambda: panel._stack.currentIndex() == 0)


def test_map_and_bar(drive: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ComputedPopover, "open_above", lambda *_: None)
    drive.open(folder, shows="a.fits")
    drive.window.tables.show_panel("Profile")
    drive.until(lambda: drive.window.actions_["measure_bar"].isEnabled())
    drive.trigger("measure_bar")
    panel = drive.window.profile
    drive.until(lambda: panel.plot._found is not None and panel.plot._found.map is not None)
    drive.until(lambda: panel.name.text() == "automatic")
    attribution = drive.window.workspace.current.map.attribution
    ends = drive.rows()[0].ends
    expected = line_profile(attribution.values, ends, 3.0, attribution.to_cutout)
    drive.until(
        lambda: panel.plot._found.light.length_px == pytest.approx(drive.rows()[0].length_px)
    )
    assert panel.plot._found.map.values == pytest.approx(expected.values, nan_ok=True)
    assert panel.plot.handle_at(handle(panel, 1).toPointF()) is None, "a measured bar stays"
    panel.grab()
    panel.readout.asked.emit()
    (popover,) = panel.findChildren(ComputedPopover)
    assert "Mean across the line" in str(popover.computation)
    popover.close()


def test_curve_under_the_threshold(drive: Any, folder: Path, qtbot: Any) -> None:
    drive.open(folder, shows="a.fits")
    drive.until(lambda: drive.window.actions_["measure_bar"].isEnabled())
    drive.trigger("measure_bar")
    mapping, panel = drive.window.mapping, drive.window.overlay_panel
    drive.until(lambda: mapping.curve is not None)
    galaxy = drive.window.workspace.current
    expected = length_curve(galaxy.map.attribution.values, galaxy.map.attribution.to_cutout)
    assert mapping.curve.length_px == pytest.approx(expected.length_px, nan_ok=True)
    mapping.set_threshold(0.5)
    length = length_of(drive.window.canvas.image, expected.at(0.5))
    assert panel.readout.text().startswith(f"{length} · ")
    before = panel.readout.text()
    drive.trigger("higher")
    assert panel.readout.text() != before
    assert panel._histogram._curve is mapping.curve
    panel.grab()
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits")
    assert mapping.curve is None
    assert panel._histogram._curve is None


def test_the_tool_shows_the_profile_of_the_selected_line(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(LINE)
    panel = drive.window.profile
    assert not panel.isVisible()
    drive.trigger("tool_profile")
    assert panel.isVisible()
    drive.until(lambda: panel.name.text() == "Ada")


def test_what_rounds_to_nothing_has_no_sign() -> None:
    edge = SimpleNamespace(peak=1.0, length_px=10.0, at=lambda along: -0.003 if along < 0 else -0.2)
    said = _at_ends(SimpleNamespace(light=edge, map=None))  # type: ignore[arg-type]
    assert said == "; at the ends light 0 % and −20 % of the peak"
