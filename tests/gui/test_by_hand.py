"""What a careful user found while working in the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QCheckBox, QToolButton

from galaxyscope.gui import dialogs
from galaxyscope.gui.theme import apply_theme
from galaxyscope.records.regions import read_regions
from galaxyscope.records.tables import RECORD_SUFFIXES


def test_a_line_is_drawn_by_keys_wherever_they_went_before(
    drive: Any, folder: Path, qtbot: Any
) -> None:
    drive.open(folder, shows="a.fits")
    drive.window.measurements.view.setFocus()
    drive.trigger("tool_line")
    key = Qt.Key
    for code in (key.Key_Return, *[key.Key_Right] * 7, key.Key_Return):
        qtbot.keyClick(QApplication.focusWidget(), code)
    drive.until(lambda: len(drive.rows()) == 1)
    assert drive.rows()[0].length_px == pytest.approx(7.0)


def test_undo_on_a_galaxy_whose_pixels_were_given_back(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(((20.0, 30.0), (60.0, 30.0)))
    first = drive.window.workspace.current
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits")
    first.forget_pixels()
    drive.trigger("undo")
    drive.until(lambda: drive.shown() == "a.fits" and drive.rows() == [])
    drive.until(lambda: not drive.window.bridge.running)
    assert drive.rows() == []
    drive.trigger("redo")
    drive.until(lambda: len(drive.rows()) == 1)


def test_rows_read_before_an_undo_do_not_outlive_it(drive: Any, folder: Path) -> None:
    """The undo may be done while the pixels are still being read, with the old rows."""
    drive.open(folder, shows="a.fits")
    drive.draw(((20.0, 30.0), (60.0, 30.0)))
    galaxy, stale = drive.window.workspace.current, tuple(drive.rows())
    image, picture = galaxy.image, (galaxy.image.sha256, galaxy.plane_key)
    session = drive.window.session
    session.delete(stale[0].id)
    galaxy.image = None
    drive.window.keeping.look_up(galaxy, picture)
    drive.until(lambda: not drive.window.bridge.running)
    galaxy.image = image
    drive.window.workspace.keep_records(galaxy, stale)
    drive.window.workspace.tell(galaxy, "image")
    drive.until(lambda: drive.rows() == [])


def test_regions_are_offered_and_written(
    drive: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for suffix in RECORD_SUFFIXES:
        assert f"*{suffix}" in dialogs.TABLES
    answers = iter([("lines", "DS9 regions (*.reg)"), ("lines.reg", "CSV (*.csv)")])
    monkeypatch.setattr(dialogs.QFileDialog, "getSaveFileName", lambda *_: next(answers))
    for _ in range(2):
        chosen = dialogs.ask_table_name(drive.window, tmp_path / "x.csv")
        assert chosen is not None
        assert chosen.name == "lines.reg"
    drive.open(folder, shows="a.fits")
    drive.draw(((20.25, 30.0), (60.5, 31.0)))
    drive.window.measuring.export(tmp_path / "lines.reg")
    drive.until((tmp_path / "lines.reg").exists)
    (found,) = read_regions(tmp_path / "lines.reg")
    assert found == (pytest.approx((20.25, 30.0, 60.5, 31.0)), "Ada")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_an_empty_check_box_is_seen(qtbot: Any, qapp: QApplication, mode: Any) -> None:
    apply_theme(qapp, mode)
    box = QCheckBox("")
    qtbot.addWidget(box)
    box.resize(24, 24)
    box.show()
    picture = box.grab().toImage()
    ground = lightness(box.palette().window().color())
    found = [
        lightness(picture.pixelColor(x, y))
        for x in range(picture.width())
        for y in range(picture.height())
    ]
    contrast = max((max(a, ground) + 0.05) / (min(a, ground) + 0.05) for a in found)
    apply_theme(qapp, "system")
    assert contrast > 1.3


def lightness(colour: QColor) -> float:
    """Relative luminance as WCAG has it."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_button_has_a_name(drive: Any) -> None:
    buttons = drive.window.findChildren(QToolButton)
    own = [button for button in buttons if button.property("icon_name") or button.isVisible()]
    assert len(own) > 10
    names = [button.accessibleName() or button.text() for button in own]
    assert all(name.strip() and name.isascii() for name in names)
    assert sorted(set(names)) == sorted(names)


def test_a_redshift_of_the_header_is_no_warning(drive: Any, make_galaxy: Any, folder: Path) -> None:
    from astropy.io import fits

    path = make_galaxy(folder / "z.fits")
    fits.setval(path, "REDSHIFT", value=0.0123)
    drive.open(path, shows="z.fits")
    assert drive.window.canvas.marks.chips == ()
    assert "z 0.0123" in drive.window.status.scale.text()
    assert "REDSHIFT" in drive.window.status.scale.toolTip()


def test_the_status_bar_tells_that_the_network_is_coming(make_window: Any, network: Any) -> None:
    made = make_window()
    assert made.status.device.text() == "no network"
    made.start_work()
    assert made.status.device.text() == "loading network"


def test_the_window_is_gone_before_its_work_has_stopped(
    drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    close = drive.window.bridge.close
    monkeypatch.setattr(
        drive.window.bridge,
        "close",
        lambda **how: (seen.append(drive.window.isVisible()), close(**how)),
    )
    drive.window.close()
    assert seen == [False]
