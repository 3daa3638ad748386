"""The window as a program: paint first, then load."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMessageBox

from galaxyscope import __version__
from galaxyscope.gui.settings import Settings, default_settings_file
from galaxyscope.gui.theme import apply_theme
from galaxyscope.gui.window import MainWindow
from galaxyscope.records.opening import open_own
from galaxyscope.records.store import SessionError, default_session_path
from galaxyscope.resources import icons_folder, samples_folder

SAMPLES = "--samples"


def main(paths: Sequence[str] = ()) -> int:
    """Open the window on files or folders and run until it is closed.

    Parameters
    ----------
    paths : sequence of str
        Files and folders; ``--samples`` opens the simulated galaxies that ship with the
        program and explains the first one.

    Returns
    -------
    int
        Exit status.
    """
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("GalaxyScope")
    app.setApplicationDisplayName("GalaxyScope")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("galaxyscope")
    app.setWindowIcon(QIcon(str(icons_folder() / "galaxyscope.svg")))
    settings = Settings(default_settings_file())
    mode = settings.text("theme", "system")
    apply_theme(app, mode if mode in ("light", "dark") else "system")  # type: ignore[arg-type]  # checked
    try:
        session, note = open_own(default_session_path())
    except SessionError as error:
        QMessageBox.critical(None, "GalaxyScope", f"Measurements cannot be kept: {error}.")
        return 1
    window = MainWindow(session, settings)
    after_first_paint(window, lambda: begin(window, paths, note))
    window.show()
    return app.exec()


def begin(
    window: MainWindow, paths: Sequence[str], note: str = "", comes_back: bool = True
) -> None:
    """Load what was asked for; the window stands already.

    Parameters
    ----------
    window : MainWindow
    paths : sequence of str
        As in `main`.
    note : str
        What the user should know about the session, one sentence.
    comes_back : bool
        Whether the last session comes back where no files are named.
    """
    given = [Path(path) for path in paths if path != SAMPLES]
    if len(given) < len(paths):
        window.explaining.explain_first()
        given = given or [samples_folder()]
    # The picture first: the network takes seconds to come.
    if given:
        window.open(given)
    elif comes_back:
        window.sessions.restore()
    window.start_work()
    if note:
        window.say(note)


class _FirstPaint(QObject):
    """Calls something once, after a widget was painted for the first time."""

    def __init__(self, widget: MainWindow, call: Callable[[], None]) -> None:
        super().__init__(widget)
        self._call = call
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, watched, self._call)
            self.deleteLater()
        return False


def after_first_paint(widget: MainWindow, call: Callable[[], None]) -> None:
    """Call something once, after a widget was painted for the first time."""
    _FirstPaint(widget, call)
