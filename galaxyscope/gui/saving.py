"""Where files are saved: the folder that a dialog proposes first."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QWidget

from galaxyscope.gui.desk import Desk
from galaxyscope.gui.settings import Settings
from galaxyscope.resources import samples_folder

SETTING = "save_folder"


def ask_where(
    ask: Callable[[QWidget, Path], Path | None], desk: Desk, suggestion: Path
) -> Path | None:
    """Ask where a file goes, in the folder of the last one if there was one.

    Parameters
    ----------
    ask : callable
        A question of `galaxyscope.gui.dialogs`: window and suggestion to path.
    desk : Desk
    suggestion : Path
        File name, beside the galaxies it tells of.
    """
    path = ask(desk.window, proposed(desk.settings, suggestion))
    if path is not None:
        desk.settings.set(SETTING, str(path.parent))
    return path


def proposed(settings: Settings, suggestion: Path) -> Path:
    """Return the suggestion, elsewhere if its folder is the program's own or cannot be written."""
    last, beside = settings.text(SETTING), suggestion.parent
    if last and _writable(Path(last)):
        return Path(last) / suggestion.name
    if _writable(beside) and not beside.resolve().is_relative_to(samples_folder().resolve()):
        return suggestion
    place = QStandardPaths.StandardLocation.DocumentsLocation
    documents = QStandardPaths.writableLocation(place)
    usual = documents and _writable(Path(documents))
    return (Path(documents) if usual else Path.home()) / suggestion.name


def _writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK)
