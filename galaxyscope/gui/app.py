"""The window as a program: paint first, then load."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMessageBox

from galaxyscope import __version__
from galaxyscope.gui.arrivals import Application, Arrivals
from galaxyscope.gui.crashes import CrashLog, default_log_folder, take_crashes
from galaxyscope.gui.instance import Message, Place, claim, place_of
from galaxyscope.gui.settings import Settings, default_settings_file
from galaxyscope.gui.theme import apply_theme
from galaxyscope.gui.window import MainWindow
from galaxyscope.records.opening import open_own
from galaxyscope.records.store import SessionError, default_session_path
from galaxyscope.resources import icons_folder, samples_folder

SAMPLES, NEW_WINDOW, SAFE_MODE = "--samples", "--new-window", "--safe-mode"
NO_ANSWER = "The window that is open does not answer; this is another one"
UNCAUGHT = "Something went wrong and may not have been done; Help › Diagnostics tells more"


@dataclass(frozen=True)
class Request:
    """What the command line asks of the window.

    Parameters
    ----------
    paths : tuple of str
        Files and folders, absolute.
    samples : bool
        Open the simulated galaxies that ship with the program, and explain the first one.
    new_window : bool
        Open another window though there is one.
    safe_mode : bool
        Default settings, a session of its own, another window.
    """

    paths: tuple[str, ...] = ()
    samples: bool = False
    new_window: bool = False
    safe_mode: bool = False

    @classmethod
    def of(cls, words: Sequence[str]) -> Request:
        """Read the words behind the program's name."""
        options = (SAMPLES, NEW_WINDOW, SAFE_MODE)
        paths = (os.path.abspath(word) for word in words if word not in options)
        return cls(tuple(paths), *(option in words for option in options))


def main(words: Sequence[str] = ()) -> int:
    """Open the window, or hand files to the one that is open; run until it is closed.

    Parameters
    ----------
    words : sequence of str
        Files, folders and options of `galaxyscope.launch`.

    Returns
    -------
    int
        Exit status.
    """
    log = CrashLog(default_log_folder())
    log.begin()
    try:
        return _run(Request.of(words), log)
    except Exception as error:
        log.write(error)
        raise
    finally:
        log.end()


def _run(request: Request, log: CrashLog) -> int:
    app = QApplication.instance() or Application(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("GalaxyScope")
    app.setApplicationDisplayName("GalaxyScope")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("galaxyscope")
    app.setWindowIcon(QIcon(str(icons_folder() / "galaxyscope.svg")))
    path, notes = default_session_path(), []
    place, lock = place_of(path), None
    if not request.safe_mode:
        lock = claim(place)
        if lock is None and not request.new_window and place.lock.exists():
            if _hand_over(place, request):
                return 0
            notes.append(NO_ANSWER)
    settings = Settings(None if request.safe_mode else default_settings_file())
    apply_theme(app, settings.word("theme"))  # type: ignore[arg-type]  # one of the choices
    try:
        if request.safe_mode:
            path = path.with_name("safe-mode.sqlite")
            notes.append(f"Safe mode: measurements are kept in {path.name}")
        session, note = open_own(path)
    except SessionError as error:
        QMessageBox.critical(None, "GalaxyScope", f"Measurements cannot be kept: {error}.")
        return 1
    notes.append(note)
    window = MainWindow(session, settings)
    if request.safe_mode:
        window.setWindowTitle("Safe mode – GalaxyScope")
    arrivals = app.arrivals if isinstance(app, Application) else Arrivals()

    def start() -> None:
        gc.enable()  # see galaxyscope.launch
        comes_back = settings.flag("restore_session") and not request.safe_mode
        begin(window, request, ". ".join(filter(None, notes)), comes_back)
        arrivals.hand_to(window.open)
        if lock is not None:
            _listen(window, place, arrivals)
        _tell_errors(window, log)
        window.diagnosing.show_crashes(take_crashes(default_log_folder()))

    after_first_paint(window, start)
    window.show()
    status = app.exec()
    arrivals.hand_to(None)
    log.told = lambda: None
    return status


def begin(window: MainWindow, request: Request, note: str = "", comes_back: bool = False) -> None:
    """Load what was asked for; the window stands already.

    Parameters
    ----------
    window : MainWindow
    request : Request
    note : str
        What the user should know at once, one sentence.
    comes_back : bool
        Whether the last session comes back where no files are named.
    """
    given = [Path(path) for path in request.paths]
    if request.samples:
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


def _hand_over(place: Place, request: Request) -> bool:
    """Ask the window that is open to open what is asked for here."""
    from galaxyscope.gui.door import call

    token = os.environ.get("XDG_ACTIVATION_TOKEN", "")
    return call(place, Message(request.paths, request.samples, token))


def _listen(window: MainWindow, place: Place, arrivals: Arrivals) -> None:
    """Hear of second starts from now on."""
    from galaxyscope.gui.door import Door

    def answer(message: Message) -> None:
        paths = list(message.paths)
        if message.samples:
            window.explaining.explain_first()
            paths = paths or [str(samples_folder())]
        arrivals.take(paths)
        if message.token:  # Qt takes it from there when the window is activated
            os.environ["XDG_ACTIVATION_TOKEN"] = message.token
        window.come_forward()

    Door(place, window).called.connect(answer)


class _Errors(QObject):
    """Brings word of errors that nobody caught from any thread to the GUI thread."""

    happened = Signal()


def _tell_errors(window: MainWindow, log: CrashLog) -> None:
    errors = _Errors(window)
    errors.happened.connect(lambda: window.say(UNCAUGHT), Qt.ConnectionType.QueuedConnection)
    log.told = errors.happened.emit


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
