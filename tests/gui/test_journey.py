"""Open a folder, look, draw, undo, export, come back: the main job by hand."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt

from galaxyscope.gui.window import MainWindow

ENDS = ((30.25, 40.5), (70.75, 80.125))
LENGTH = math.hypot(40.5, 39.625)


def test_folder_is_listed_and_walked_through(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    assert [g.path.name for g in drive.window.workspace.galaxies] == ["a.fits", "b.fits", "c.fits"]
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits")
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "c.fits")
    drive.trigger("next")  # the last one stays
    drive.trigger("previous")
    drive.until(lambda: drive.shown() == "b.fits")
    current = drive.window.gallery.view.currentIndex()
    assert current.data() == "b"


def test_a_file_brings_its_folder_and_is_shown(drive: Any, folder: Path) -> None:
    drive.open(folder / "b.fits", shows="b.fits")
    assert len(drive.window.workspace.galaxies) == 3
    assert drive.window.workspace.folder == folder


def test_keys_and_arrows_go_through_the_list(drive: Any, folder: Path, qtbot: Any) -> None:
    drive.open(folder, shows="a.fits")
    drive.window.activateWindow()
    drive.window.canvas.setFocus()
    qtbot.keyClick(drive.window, Qt.Key.Key_J)
    drive.until(lambda: drive.shown() == "b.fits")
    qtbot.keyClick(drive.window, Qt.Key.Key_Right)
    drive.until(lambda: drive.shown() == "c.fits")
    qtbot.keyClick(drive.window, Qt.Key.Key_K)
    drive.until(lambda: drive.shown() == "b.fits")


def test_drawn_line_is_kept_shown_and_undone(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    window = drive.window
    [record] = drive.rows()
    assert window.session.records() == [record]
    assert record.ends == ENDS
    assert record.observer == "Ada"
    assert drive.cell(0, "Who") == "Ada"
    assert drive.cell(0, "px") == f"{LENGTH:.1f}"
    assert float(drive.cell(0, "Length ″")) == pytest.approx(LENGTH * 0.5, abs=0.06)
    assert window.canvas.selected_line == record.id
    assert window.actions_["undo"].text() == "Undo draw line"

    drive.trigger("undo")
    drive.until(lambda: not drive.rows())
    assert window.session.records() == []
    assert window.actions_["redo"].text() == "Redo draw line"
    drive.trigger("redo")
    drive.until(lambda: len(drive.rows()) == 1)
    assert drive.rows()[0].id == record.id


def test_changed_ends_are_one_step_back(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    key = drive.rows()[0].id
    for step in (1, 2, 3):  # three presses of an arrow key
        drive.window.canvas.line_changed.emit(key, (ENDS[0], (70.75 + step, 80.125)))
        drive.until(lambda s=step: drive.rows()[0].x2 == 70.75 + s)
    drive.trigger("undo")
    drive.until(lambda: drive.rows()[0].x2 == 70.75)
    drive.trigger("redo")
    drive.until(lambda: drive.rows()[0].x2 == 73.75)


def test_delete_and_undo(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    drive.draw(((10.0, 10.0), (20.0, 10.0)))
    first = drive.rows()[0].id
    drive.window.measurements.view.selectRow(0)
    assert drive.window.canvas.selected_line == first
    drive.trigger("delete")
    drive.until(lambda: len(drive.rows()) == 1)
    drive.trigger("undo")
    drive.until(lambda: drive.rows()[0].id == first)


def test_undo_elsewhere_shows_where_it_happened(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits")
    assert drive.rows() == []
    drive.trigger("undo")
    drive.until(lambda: drive.shown() == "a.fits" and not drive.rows())


def test_scale_and_redshift_change_the_rows_and_can_be_undone(drive: Any, folder: Path) -> None:
    drive.open(folder / "c.fits", shows="c.fits")
    drive.draw(ENDS)
    assert drive.cell(0, "Length ″") == "–"
    assert drive.window.status.scale.text() == "no pixel scale"
    drive.window.measuring.set_scale(0.4)
    drive.until(lambda: drive.rows()[0].length_arcsec is not None)
    assert drive.rows()[0].length_arcsec == pytest.approx(0.4 * LENGTH)
    assert drive.rows()[0].scale_source == "user"
    assert "0.4″/px (user)" in drive.window.status.scale.text()
    drive.window.measuring.set_redshift(0.03)
    drive.until(lambda: drive.rows()[0].length_kpc is not None)
    # 1″ at z = 0.03 is 0.601 kpc with H0 = 70, Ωm = 0.3.
    assert drive.rows()[0].length_kpc == pytest.approx(0.601 * 0.4 * LENGTH, rel=2e-3)
    drive.trigger("undo")
    drive.until(lambda: drive.rows()[0].length_kpc is None)
    drive.trigger("undo")
    drive.until(lambda: drive.rows()[0].length_arcsec is None)
    assert drive.window.canvas.image is drive.window.workspace.current.image


def test_export_holds_what_was_drawn(
    drive: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxyscope.gui import dialogs

    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits")
    drive.draw(((1.0, 2.0), (11.0, 2.0)))
    out = tmp_path / "table.csv"
    monkeypatch.setattr(
        dialogs.QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "table"), "CSV (*.csv)")
    )
    drive.trigger("export")
    drive.until(out.exists)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["path"]).name for row in rows] == ["a.fits", "b.fits"]
    found = [float(rows[0][name]) for name in ("x1", "y1", "x2", "y2")]
    assert found == pytest.approx([30.25, 40.5, 70.75, 80.125], abs=1e-9)


def test_a_new_window_has_the_lines_again(
    make_window: Callable[[], MainWindow], network: Any, folder: Path, qtbot: Any
) -> None:
    first = make_window()
    first.open([folder])
    qtbot.waitUntil(lambda: first.canvas.image is not None)
    first.canvas.line_drawn.emit(ENDS)
    first.close()  # at once: what was drawn is kept all the same

    second = make_window()
    second.open([folder])
    qtbot.waitUntil(lambda: second.canvas.image is not None)
    qtbot.waitUntil(lambda: len(second.measurements.table.records) == 1)
    record = second.measurements.table.records[0]
    assert record.ends == ENDS
    assert [item.key for item in second.canvas.lines.lines] == [record.id]
    assert second.settings.recent == [folder]
    qtbot.waitUntil(lambda: second.workspace.galaxies[0].measured_by == frozenset({"drawn"}))


def test_a_line_drawn_with_the_mouse_is_where_the_mouse_was(
    drive: Any, folder: Path, qtbot: Any
) -> None:
    drive.open(folder, shows="a.fits")
    drive.trigger("tool_line")
    canvas = drive.window.canvas
    port = canvas.viewport()
    spots = [QPoint(port.width() // 2 - 60, port.height() // 2 + 30),
             QPoint(port.width() // 2 + 70, port.height() // 2 - 45)]  # fmt: skip
    qtbot.mousePress(port, Qt.MouseButton.LeftButton, pos=spots[0])
    qtbot.mouseMove(port, spots[1])
    qtbot.mouseRelease(port, Qt.MouseButton.LeftButton, pos=spots[1])
    drive.until(lambda: len(drive.rows()) == 1)
    for end, spot in zip(drive.rows()[0].ends, spots, strict=True):
        assert end == pytest.approx(canvas.to_cutout((spot.x(), spot.y())), abs=0.1)
