"""What all controllers of the window share."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QWidget

from galaxyscope.gui.bridge import Bridge
from galaxyscope.gui.model import Workspace
from galaxyscope.gui.settings import Settings
from galaxyscope.records.store import Session


@dataclass(eq=False)
class Desk:
    """What lies on the table for everybody.

    Parameters
    ----------
    window : QWidget
        Parent of dialogs.
    bridge : Bridge
    workspace : Workspace
    session : Session
        Ask for it anew each time: the user may open another one.
    settings : Settings
    undo : QUndoStack
    say : callable
        Shows one sentence in the status bar for a while.
    """

    window: QWidget
    bridge: Bridge
    workspace: Workspace
    session: Session
    settings: Settings
    undo: QUndoStack
    say: Callable[[str], None]


def one_line(text: str) -> str:
    """Text from a file or an error that is shown as it is, without control characters."""
    return "".join(
        " " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text
    )
