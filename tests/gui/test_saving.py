"""Which folder a save dialog proposes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QStandardPaths

from galaxyscope.gui import dialogs, saving
from galaxyscope.gui.settings import Settings
from galaxyscope.resources import samples_folder


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "Documents"
    folder.mkdir()
    monkeypatch.setattr(QStandardPaths, "writableLocation", lambda _place: str(folder))
    return folder


def test_the_folder_of_the_galaxies_unless_nothing_can_be_kept_there(
    tmp_path: Path, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(None)
    assert saving.proposed(settings, tmp_path / "a.csv") == tmp_path / "a.csv"
    assert saving.proposed(settings, samples_folder() / "a.csv") == documents / "a.csv"
    assert saving.proposed(settings, tmp_path / "gone" / "a.csv") == documents / "a.csv"
    monkeypatch.setattr(saving.os, "access", lambda place, _how: Path(place) != tmp_path)
    assert saving.proposed(settings, tmp_path / "a.csv") == documents / "a.csv"
    documents.rmdir()
    assert saving.proposed(settings, tmp_path / "a.csv") == Path.home() / "a.csv"


def test_all_dialogs_begin_where_something_was_saved_last(
    drive: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    proposed: list[Path] = []

    def answer(_parent: Any, suggestion: Path) -> Path | None:
        proposed.append(suggestion)
        return mine / "x.csv" if len(proposed) == 1 else None

    for name in ("ask_table_name", "ask_picture_name", "ask_figure_name"):
        monkeypatch.setattr(dialogs, name, answer)
    drive.open(folder, shows="a.fits")
    measuring = drive.window.measuring
    measuring.ask_export()
    measuring.ask_export_galaxy()
    measuring.ask_picture()
    drive.window.comparing.ask_export()
    names = ("a.csv", "a.png", "a-compared.png")
    assert proposed == [folder / "measurements.csv", *(mine / name for name in names)]
    drive.until(lambda: (mine / "x.csv").exists())


def test_the_galaxies_of_the_program_are_not_saved_beside(
    drive: Any, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed: list[Path] = []
    monkeypatch.setattr(dialogs, "ask_table_name", lambda _parent, path: proposed.append(path))
    drive.window.browsing.open_samples()
    drive.until(lambda: drive.shown() != "")
    drive.window.measuring.ask_export()
    assert proposed == [documents / "measurements.csv"]
