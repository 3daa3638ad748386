"""Files that come while the program runs: from a second start, from a double click on macOS."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

OpenFiles = Callable[[Sequence[str]], None]


class Arrivals:
    """Keeps what comes before the window is ready, in order; hands on what comes later."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._open: OpenFiles | None = None

    def take(self, paths: Sequence[str]) -> None:
        """Open files, or keep them until somebody can."""
        if self._open is None:
            self._waiting += paths
        elif paths:
            self._open(paths)

    def hand_to(self, open_files: OpenFiles | None) -> None:
        """From now on somebody can open files, or (None) nobody; what has waited is opened."""
        self._open = open_files
        if open_files is not None:
            waiting, self._waiting = self._waiting, []
            self.take(waiting)


class Application(QApplication):
    """The application, which macOS asks to open files: double-clicked, dropped on its icon."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arrivals = Arrivals()
        super().__init__(list(arguments))

    def event(self, event: QEvent) -> bool:
        """Take files to open; they may come before there is a window."""
        if event.type() == QEvent.Type.FileOpen and isinstance(event, QFileOpenEvent):
            # Qt gives a path for local files, else only an address, which cannot be opened.
            self.arrivals.take([path] if (path := event.file()) else [])
            return True
        return super().event(event)
