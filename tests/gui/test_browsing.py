"""Opening what is odd, damaged or hostile; choosing planes; the gallery."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from PySide6.QtCore import Qt

from galaxyscope.gui import chores
from galaxyscope.gui.panels.gallery import THUMBNAIL, shown_name

HOSTILE = [
    "<b>bold<b>&amp;.fits",
    "new\nline\ttab.fits",
    "\u202egnp.exe.fits",
    "%s%n{0}.fits",
    "ünïcödé 銀河.fits",
    "a" * 200 + ".fits",
    " .fits",
    "'; DROP TABLE record; --.fits",
]


def test_hostile_names_are_listed_shown_and_measured(
    drive: Any, tmp_path: Path, make_galaxy: Callable[..., Path]
) -> None:
    place = tmp_path / "odd"
    place.mkdir()
    for seed, name in enumerate(HOSTILE):
        make_galaxy(place / name, size=40, seed=seed)
    drive.window.open([place])
    drive.until(lambda: drive.shown() != "")
    assert len(drive.window.workspace.galaxies) == len(HOSTILE)
    for galaxy in drive.window.workspace.galaxies:
        drive.window.workspace.select(galaxy)
        drive.until(lambda g=galaxy: drive.shown() == g.path.name)
        drive.draw(((1.0, 1.0), (9.0, 5.0)))
    out = tmp_path / "out.csv"
    drive.window.measuring.export(out)
    drive.until(out.exists)
    assert "\n" not in shown_name(place / HOSTILE[1])
    assert "\u202e" not in shown_name(place / HOSTILE[2])


def test_damaged_file_is_one_sentence_and_loses_nothing(drive: Any, folder: Path) -> None:
    (folder / "ab.fits").write_bytes(b"SIMPLE  =                    T" + b"\xff" * 500)
    drive.open(folder, shows="a.fits")
    drive.draw(((10.0, 10.0), (50.0, 20.0)))
    drive.trigger("next")
    galaxy = drive.window.workspace.galaxies[1]
    drive.until(lambda: bool(galaxy.error))
    drive.until(lambda: drive.window.canvas.image is None)
    assert galaxy.error.startswith("ab.fits: ")
    assert "\n" not in galaxy.error
    assert not drive.window.actions_["explain"].isEnabled()
    drive.trigger("previous")
    drive.until(lambda: drive.shown() == "a.fits")
    assert len(drive.rows()) == 1


def test_missing_file_is_one_sentence(drive: Any, tmp_path: Path) -> None:
    drive.window.open([tmp_path / "gone.fits"])
    drive.until(lambda: drive.window.workspace.current is not None)
    drive.until(lambda: "gone.fits" in drive.window.workspace.current.error)


def test_folder_without_pictures_says_so(drive: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    drive.window.open([tmp_path / "empty"])
    drive.until(lambda: "no pictures" in drive.window.status.currentMessage())
    assert drive.window.workspace.current is None


def test_file_can_be_deleted_while_shown(drive: Any, folder: Path) -> None:
    drive.open(folder / "a.fits", shows="a.fits")
    (folder / "a.fits").unlink()
    drive.draw(((10.0, 10.0), (50.0, 20.0)))
    assert len(drive.rows()) == 1


def test_planes_are_offered_and_have_rows_of_their_own(drive: Any, tmp_path: Path) -> None:
    path = tmp_path / "two.fits"
    planes = [np.full((30, 40), value, np.float32) + np.eye(30, 40) for value in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(planes[0]), fits.ImageHDU(planes[1])]).writeto(path)
    drive.open(path, shows="two.fits")
    chooser = drive.window.top_bar._plane
    assert chooser.count() == 2
    drive.draw(((3.0, 3.0), (20.0, 9.0)))
    chooser.setCurrentIndex(1)
    chooser.activated.emit(1)
    drive.until(lambda: float(drive.window.canvas.image.data[0, 0, 1]) == 2.0)
    drive.until(lambda: drive.rows() == [])
    chooser.setCurrentIndex(0)
    chooser.activated.emit(0)
    drive.until(lambda: len(drive.rows()) == 1)


def test_a_long_plane_is_cut_with_an_ellipsis(drive: Any, tmp_path: Path) -> None:
    path = tmp_path / "two.fits"
    second = fits.ImageHDU(np.eye(30, 40), name="A NAME THAT IS MUCH LONGER THAN THE BOX")
    fits.HDUList([fits.PrimaryHDU(np.eye(30, 40)), second]).writeto(path)
    drive.open(path, shows="two.fits")
    chooser = drive.window.top_bar._plane
    chooser.setCurrentIndex(1)
    assert chooser.shown_text().endswith("…")
    assert chooser.currentText() in chooser.toolTip()
    assert not chooser.grab().isNull()


def test_thumbnails_are_made_in_the_background(drive: Any, folder: Path) -> None:
    Image.new("RGB", (300, 200), (200, 100, 50)).save(folder / "d.jpg")
    drive.open(folder, shows="a.fits")
    drive.until(lambda: len(drive.window.gallery.model.with_thumbnails()) == 4)
    made = chores.make_thumbnail(folder / "d.jpg", 96)
    assert (made.width(), made.height()) == (96, 64)


def test_the_thumbnail_of_a_replaced_file_is_made_again(
    drive: Any, folder: Path, make_galaxy: Any
) -> None:
    drive.open(folder, shows="a.fits")
    model = drive.window.gallery.model
    drive.until(lambda: len(model.with_thumbnails()) == 3)
    galaxy = drive.window.workspace.current

    def thumbnail() -> Any:
        return model.data(model.index(model.row_of(galaxy)), THUMBNAIL)

    before = thumbnail()
    galaxy.path.unlink()
    make_galaxy(galaxy.path, seed=7)
    drive.window.browsing.read_again()
    drive.until(lambda: thumbnail() != before)
    again: list[Any] = []
    model.thumbnail_wanted.connect(again.append)
    drive.window.browsing.read_again()
    drive.until(lambda: drive.shown() == "a.fits" and not drive.window.bridge.running)
    thumbnail()
    assert again == [], "the same file is not decoded twice"


def test_thumbnail_of_fits_has_its_first_row_at_the_bottom(tmp_path: Path) -> None:
    data = np.zeros((50, 50), np.float32)
    data[:25] = 100
    fits.PrimaryHDU(data).writeto(tmp_path / "half.fits")
    made = chores.make_thumbnail(tmp_path / "half.fits", 96)
    assert made.pixelColor(48, 90).lightness() > 200
    assert made.pixelColor(48, 5).lightness() < 50


def test_filter_and_order_keep_the_shown_galaxy(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    gallery = drive.window.gallery
    gallery._filter.setText("C")
    assert gallery.model.rowCount() == 1
    assert drive.shown() == "a.fits"
    gallery._filter.setText("")
    for galaxy, fraction in zip(drive.window.workspace.galaxies, (0.1, 0.9, 0.5), strict=True):
        galaxy.bar_fraction = fraction
    gallery._sort.setCurrentIndex(1)
    gallery._sort.activated.emit(1)
    names = [gallery.model.index(row, 0).data() for row in range(3)]
    assert names == ["b", "c", "a"]
    assert drive.window.workspace.current.path.name == "a.fits"
    assert gallery.view.currentIndex().data() == "a"


def test_camera_and_stretch_survive_the_walk(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    canvas = drive.window.canvas
    drive.trigger("zoom4")
    before = canvas.view_state()
    stretch = drive.window.display_panel._stretch
    stretch.setCurrentText("log")
    stretch.activated.emit(stretch.currentIndex())
    assert canvas.display.stretch == "log"
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits")
    assert canvas.view_state() == before
    assert canvas.display.stretch == "log"
    assert stretch.currentText() == "log"


def test_drop_opens(drive: Any, folder: Path) -> None:
    drive.window.canvas.files_dropped.emit([folder])
    drive.until(lambda: drive.shown() == "a.fits")


def test_start_page_offers_recent(drive: Any, folder: Path) -> None:
    from PySide6.QtWidgets import QPushButton

    window = drive.window
    assert window.middle.currentWidget() is window.start
    window.settings.add_recent(folder)
    window.start.show_recent(window.settings.recent)
    [button] = [b for b in window.start.findChildren(QPushButton) if b.toolTip() == str(folder)]
    button.click()
    drive.until(lambda: drive.shown() == "a.fits")
    assert window.middle.currentWidget() is window.canvas


@pytest.mark.parametrize("width", [1100])
def test_no_panel_is_squeezed_out_at_the_smallest_size(
    drive: Any, folder: Path, width: int
) -> None:
    window = drive.window
    drive.open(folder, shows="a.fits")
    window.resize(width, 700)
    drive.until(lambda: window.width() == width)
    panels = [
        window.gallery, window.classify_panel, window.explain_panel, window.overlay_panel,
        window.measurements,
    ]  # fmt: skip
    for panel in panels:
        assert panel.isVisible()
        assert panel.visibleRegion().boundingRect().size() == panel.size()
        assert panel.height() >= panel.minimumSizeHint().height()
    assert (window.width(), window.height()) == (width, 700)


def test_cursor_is_told_in_the_status_bar(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.window.canvas.cursor_moved.emit((60.0, 60.0))
    status = drive.window.status
    assert status.position.text() == "x 60.0  y 60.0"
    assert status.value.text() == f"value {drive.window.canvas.image.data[0, 60, 60]:.4g}"
    assert status.sky.text().startswith("12:40:00.0")  # RA 190°, half a pixel off the centre
    drive.window.canvas.cursor_moved.emit(None)
    assert status.position.text() == ""


def test_escape_of_nothing_and_all_menus_do_not_raise(drive: Any, qtbot: Any) -> None:
    qtbot.keyClick(drive.window, Qt.Key.Key_Escape)
    for title in ("File/Open recent", "Models"):
        drive.window.actions_.menus[title].aboutToShow.emit()
