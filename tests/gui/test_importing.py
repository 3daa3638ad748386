"""File › Import lines… in a window."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from galaxyscope.gui import importing


def table(place: Path, text: str, name: str = "lines.csv") -> Path:
    path = place / name
    path.write_text(text, encoding="utf-8")
    return path


LINES = (
    "image,observer,x1,y1,x2,y2\n"
    "a.fits,Eve,20,30,60,30\nb.fits,Eve,20,30,50,30\nz.fits,Eve,1,1,9,9\n"
)


def test_an_import_is_one_step_that_can_be_undone(drive: Any, folder: Path, tmp_path: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.window.importing.read([table(tmp_path, LINES)])
    drive.until(lambda: len(drive.rows()) == 1)
    (row,) = drive.rows()
    assert row.observer == "Eve"
    assert row.length_px == pytest.approx(40.0)
    assert row.image_sha256 == drive.window.workspace.current.image.sha256
    assert drive.cell(0, "From") == "line · imported"
    assert len(drive.window.session.records()) == 3
    said = drive.window.status.currentMessage()
    assert said.startswith("3 rows of 3 galaxies imported from lines.csv; 2 of pictures")
    marked = [g.path.name for g in drive.window.workspace.galaxies if "drawn" in g.measured_by]
    assert marked == ["a.fits", "b.fits"]
    drive.trigger("undo")
    drive.until(lambda: drive.rows() == [])
    assert drive.window.session.records() == []
    drive.trigger("redo")
    drive.until(lambda: len(drive.rows()) == 1)
    assert len(drive.window.session.records()) == 3
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits" and len(drive.rows()) == 1)


def test_a_galaxy_that_was_visited_shows_its_rows_without_being_read_again(
    drive: Any, folder: Path, tmp_path: Path
) -> None:
    drive.open(folder, shows="a.fits")
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits")
    drive.window.importing.read([table(tmp_path, LINES)])
    drive.until(lambda: len(drive.rows()) == 1)
    drive.trigger("previous")
    drive.until(lambda: drive.shown() == "a.fits" and len(drive.rows()) == 1)


def test_the_same_file_twice_brings_nothing_new(drive: Any, folder: Path, tmp_path: Path) -> None:
    drive.open(folder, shows="a.fits")
    path = table(tmp_path, LINES)
    drive.window.importing.read([path])
    drive.until(lambda: len(drive.rows()) == 1)
    drive.window.importing.read([path])
    drive.until(lambda: "Nothing new in lines.csv" in drive.window.status.currentMessage())
    assert len(drive.window.session.records()) == 3
    assert drive.window.undo.count() == 1


@pytest.mark.parametrize(
    ("name", "text", "observer", "arcsec"),
    [
        (
            "hoyle.csv",
            "objid,ra,dec,z,length_avg\n1,190.0,2.0,0.05,10\n",
            "Hoyle et al. (2011)",
            10.2,
        ),
        (
            "ds9.reg",
            "# Region file format: DS9\nfk5\nline(190.0,2.0,190.0,2.004)\n",
            "ds9",
            14.4,
        ),
        (
            "zoo.csv",
            "classification_id,user_name,created_at,annotations,subject_data\n7,Zed,,"
            + '"'
            + json.dumps(
                [
                    {
                        "task": "T0",
                        "value": [{"tool": 0, "x1": 20.5, "y1": 30.5, "x2": 60.5, "y2": 30.5}],
                    }
                ]
            ).replace('"', '""')
            + '","'
            + json.dumps({"5": {"filename": "a.fits"}}).replace('"', '""')
            + '"\n',
            "Zed",
            20.0,
        ),
    ],
)
def test_every_form_of_file(
    drive: Any, folder: Path, tmp_path: Path, name: str, text: str, observer: str, arcsec: float
) -> None:
    drive.open(folder, shows="a.fits")
    drive.draw(((20.0, 30.0), (60.0, 30.0)))  # so that its place on the sky is known
    drive.window.importing.read([table(tmp_path, text, name)])
    drive.until(lambda: len(drive.window.session.records()) == 2)
    row = drive.window.session.records()[1]
    assert row.observer == observer
    assert row.length_arcsec == pytest.approx(arcsec, rel=0.01)
    assert row.source.startswith(name)


def test_what_a_file_does_not_say_is_asked_for(
    drive: Any, folder: Path, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path, "image,bar\na.fits,0.5\n")
    monkeypatch.setattr(
        importing.QFileDialog, "getOpenFileNames", lambda *_: ([str(path)], importing.FILES)
    )
    drive.open(folder, shows="a.fits")
    drive.trigger("import_lines")
    controller = drive.window.importing
    drive.until(lambda: controller.dialog is not None)
    assert "lines.csv: no column is known to hold lengths" in controller.dialog.problem.text()
    for typed, problem in (
        ("bar", "is not MEANING=COLUMN"),
        ("length_arcsec=none", "no column 'none'"),
    ):
        controller.dialog.columns.setText(typed)
        qtbot.mouseClick(controller.dialog.again, Qt.MouseButton.LeftButton)
        drive.until(lambda problem=problem: problem in controller.dialog.problem.text())
    controller.dialog.columns.setText("length_arcsec=bar:arcmin")
    qtbot.mouseClick(controller.dialog.again, Qt.MouseButton.LeftButton)
    drive.until(lambda: len(drive.rows()) == 1)
    assert drive.rows()[0].length_arcsec == pytest.approx(30.0)
    drive.until(lambda: controller.dialog is None)
