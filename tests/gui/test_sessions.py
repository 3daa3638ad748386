"""Sessions in the window: saved as, opened, moved, damaged, back at start; a disk that refuses."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QMessageBox

from galaxyscope.gui import app
from galaxyscope.gui.app import Request
from galaxyscope.gui.panels.overlay import OverlayStyle
from galaxyscope.records.store import Session

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")
ENDS = ((20.25, 30.0), (60.5, 31.0))


def wait_idle(drive: Any) -> None:
    drive.until(lambda: not drive.window.bridge.running)


def saved(drive: Any, path: Path) -> None:
    drive.window.sessions.save(path)
    drive.until(lambda: drive.window.sessions.shared == path)
    wait_idle(drive)


def test_save_as_and_open_brings_everything_back(
    drive: Any, folder: Path, tmp_path: Path, network: Any
) -> None:
    window = drive.window
    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    window.overlay_panel.set_overlay_style(OverlayStyle(0.25, "viridis", True, False))
    window.explaining.set_algorithm("invariant")
    window.canvas.zoom(3)
    own = window.session.path
    path = tmp_path / "week.galaxyscope"
    saved(drive, path)
    assert window.windowTitle() == "week – GalaxyScope"
    assert window.session.path == path
    drive.draw(((1.0, 2.0), (30.0, 40.0)))  # goes to the new file alone
    view = window.canvas.view_state()
    window.sessions.close_shared()
    drive.until(lambda: window.sessions.shared is None and drive.shown() == "a.fits")
    wait_idle(drive)
    assert len(drive.rows()) == 1
    window.overlay_panel.set_overlay_style(OverlayStyle())
    window.explaining.set_algorithm("phase")
    window.canvas.fit()
    window.open([path])
    drive.until(lambda: window.sessions.shared == path and len(drive.rows()) == 2)
    wait_idle(drive)
    assert [g.path.name for g in window.workspace.galaxies] == ["a.fits", "b.fits", "c.fits"]
    assert window.overlay_panel.overlay_style() == OverlayStyle(0.25, "viridis", True, False)
    assert window.explaining.algorithm == "invariant"
    assert window.canvas.view_state() == view
    with Session(own) as mine:
        assert len(mine.records()) == 1


def test_undo_survives_saving_as_and_not_opening(drive: Any, folder: Path, tmp_path: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    saved(drive, tmp_path / "w.galaxyscope")
    drive.trigger("undo")
    drive.until(lambda: drive.rows() == [])
    drive.window.sessions.close_shared()
    drive.until(lambda: len(drive.rows()) == 1)
    assert not drive.window.actions_["undo"].isEnabled()


def test_a_moved_folder_is_found_again(drive: Any, folder: Path, tmp_path: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    saved(drive, folder / "week.galaxyscope")
    drive.window.sessions.close_shared()
    drive.until(lambda: drive.window.sessions.shared is None)
    wait_idle(drive)
    moved = tmp_path / "elsewhere" / "deep"
    moved.parent.mkdir()
    shutil.move(folder, moved)
    drive.window.open([moved / "week.galaxyscope"])
    drive.until(lambda: drive.window.sessions.shared == moved / "week.galaxyscope")
    drive.until(lambda: drive.shown() == "a.fits" and len(drive.rows()) == 1)
    assert drive.window.workspace.current.path == moved / "a.fits"
    assert drive.rows()[0].path == str(moved / "a.fits")


def test_what_is_missing_is_asked_for(
    drive: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxyscope.gui import sessions

    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    (tmp_path / "other").mkdir()
    path = tmp_path / "other" / "week.galaxyscope"
    saved(drive, path)
    drive.window.sessions.close_shared()
    drive.until(lambda: drive.window.sessions.shared is None)
    wait_idle(drive)
    moved = tmp_path / "x" / "renamed"
    moved.parent.mkdir()
    shutil.move(folder, moved)
    monkeypatch.setattr(sessions.QFileDialog, "getExistingDirectory", lambda *_: str(moved))
    drive.window.open([path])
    drive.until(lambda: bool(drive.window.findChildren(QMessageBox)))
    (box,) = drive.window.findChildren(QMessageBox)
    assert "3 of 3 pictures were not found" in box.text()
    next(b for b in box.buttons() if "Choose" in b.text()).click()
    drive.until(lambda: drive.shown() == "a.fits" and len(drive.rows()) == 1)


def test_the_last_session_comes_back_at_start(
    make_window: Any, qtbot: Any, network: Any, folder: Path
) -> None:
    first = make_window()
    app.begin(first, Request.of([str(folder)]))
    qtbot.waitUntil(lambda: first.canvas.image is not None, timeout=30_000)
    first.browsing.next()
    qtbot.waitUntil(lambda: first.canvas.image.name == "b.fits", timeout=30_000)
    first.close()
    second = make_window()
    app.begin(second, Request.of([]), comes_back=True)
    qtbot.waitUntil(lambda: second.canvas.image is not None, timeout=30_000)
    assert second.canvas.image.name == "b.fits"
    assert len(second.workspace.galaxies) == 3


def test_a_damaged_shared_session_stays_and_its_rows_are_read(
    drive: Any, folder: Path, tmp_path: Path
) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(ENDS)
    path = tmp_path / "week.galaxyscope"
    saved(drive, path)
    drive.window.sessions.close_shared()
    drive.until(lambda: drive.window.sessions.shared is None)
    wait_idle(drive)
    broken = b"\xee" * 4096 + path.read_bytes()[4096:]
    path.write_bytes(broken)
    drive.window.open([path])
    beside = tmp_path / "week-recovered-1.galaxyscope"
    drive.until(lambda: drive.window.sessions.shared == beside)
    assert "it stays as it is" in drive.window.status.currentMessage()
    assert path.read_bytes() == broken
    assert len(drive.window.session.records()) == 1


def test_what_is_no_session_is_refused_in_one_sentence(
    drive: Any, folder: Path, tmp_path: Path
) -> None:
    drive.open(folder, shows="a.fits")
    path = tmp_path / "x.galaxyscope"
    path.write_text("no session")
    drive.window.open([path])
    drive.until(lambda: bool(drive.window.findChildren(QMessageBox)))
    (box,) = drive.window.findChildren(QMessageBox)
    assert box.text().startswith("x.galaxyscope: ")
    box.close()
    assert drive.window.sessions.shared is None
    assert drive.shown() == "a.fits"
    assert path.read_text() == "no session"


def test_a_full_disk_costs_nothing(drive: Any, folder: Path, monkeypatch: Any) -> None:
    """SQLite's own error: the file may not grow; then it may again."""
    window = drive.window
    drive.open(folder, shows="a.fits")
    wait_idle(drive)
    window.sessions._keep.stop()
    data = window.session._data
    data._db.execute("PRAGMA max_page_count = 1")
    grown = data._db.execute("PRAGMA max_page_count").fetchone()[0]
    assert grown == data._db.execute("PRAGMA page_count").fetchone()[0]
    opened = data._open_file
    monkeypatch.setattr(data, "_open_file", _refusing)
    for n in range(40):  # until the pages that are there are full
        drive.draw(((20.25, 30.0 + n), (60.5, 31.0)))
        if window.session.trouble:
            break
    drive.until(lambda: window.status.trouble.isVisible())
    assert "not on disk" in window.status.trouble.text()
    assert "full" in window.session.trouble
    rows = len(drive.rows())
    drive.trigger("undo")  # goes on in memory
    drive.until(lambda: len(drive.rows()) == rows - 1)
    monkeypatch.setattr(data, "_open_file", opened)
    drive.until(lambda: not window.status.trouble.isVisible())
    assert window.session.waiting == 0
    with Session(window.session.path) as there:
        assert len(there.records()) == rows - 1


def _refusing() -> Any:
    import sqlite3

    raise sqlite3.OperationalError("database or disk is full")
