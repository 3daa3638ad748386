"""Sessions: what is shown is kept while one works; saving as, opening, coming back at start."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox

from galaxyscope.gui import chores, chores_session, look
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.desk import one_line
from galaxyscope.gui.model import Galaxy
from galaxyscope.records.opening import open_own, open_shared
from galaxyscope.records.places import find_again
from galaxyscope.records.schema import SessionError
from galaxyscope.records.store import SUFFIX, Session, SessionFile, file_at, is_session_name
from galaxyscope.work.jobs import Failure

if TYPE_CHECKING:
    from galaxyscope.gui.window import MainWindow

KEEP_MS = 600
FILTER = f"GalaxyScope sessions (*{SUFFIX});;All files (*)"
STATE = "window"
_DELETE = Qt.WidgetAttribute.WA_DeleteOnClose


class Sessions(QObject):
    """See the module.

    Parameters
    ----------
    window : MainWindow
        Whose parts are looked at and set.

    Signals
    -------
    changed : Path or None, the shared session that is open; None for the user's own
    """

    changed = Signal(object)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._desk = window, window.desk
        self._own = window.session.path
        self._kept: Any = None  # the state as it was kept last
        self._looks: WeakKeyDictionary[Galaxy, Any] = WeakKeyDictionary()
        self._started = self._showing = False
        self._keep = QTimer(self, interval=KEEP_MS)
        self._keep.timeout.connect(self.keep_look)
        self._desk.workspace.listed.connect(self._keep_list)

    @property
    def shared(self) -> Path | None:
        """The shared session that is open; None for the user's own."""
        path = self._desk.session.path
        return None if path == self._own else path

    # -- keeping what is shown

    def start(self) -> None:
        """Look from now on what has changed of what is shown, and keep it."""
        self._started = True
        self._keep.start()

    def stop(self) -> None:
        """Keep what is shown a last time."""
        if self._started:
            self._keep.stop()
            self.keep_look()

    def keep_look(self) -> None:
        """Keep what has changed of what is shown."""
        session, galaxy = self._desk.session, self._desk.workspace.current
        if not self._started:
            return
        state = look.of_window(self._window)
        if state != self._kept:
            self._kept = state
            self._quietly(functools.partial(session.keep_state, STATE, state))
        if galaxy is not None and galaxy.image is not None:
            seen = look.of_galaxy(galaxy, self._window.canvas)
            if seen != self._looks.get(galaxy):
                self._looks[galaxy] = seen
                self._quietly(
                    functools.partial(_keep_file, session, galaxy.path, galaxy.image.sha256, seen)
                )

    def _keep_list(self) -> None:
        if not self._started or self._showing:
            return
        session = self._desk.session
        paths = [str(galaxy.path) for galaxy in self._desk.workspace.galaxies]

        def work() -> None:
            session.keep_files(file_at(path, session.path) for path in paths)

        self._quietly(work)

    def _quietly(self, work: Any) -> None:
        """Keep what is shown; should that fail, the rows matter more than the view."""
        self._window.keeping.queue("Keep view", work, failed=lambda _failure: None)

    # -- saving as

    def ask_save(self) -> None:
        """Let the user choose a file and save the session there."""
        folder = self._desk.workspace.folder or Path.home()
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save session as", str(folder / f"galaxies{SUFFIX}"), FILTER
        )
        if name:
            path = Path(name)
            self.save(path if is_session_name(path) else path.with_name(path.name + SUFFIX))

    def save(self, path: Path) -> None:
        """Save the session as a file to share, and go on working in that file."""
        if path.resolve() == self._desk.session.path.resolve():
            self._desk.say(f"{path.name} is the session that is open; it is always saved")
            return
        self.keep_look()
        session = self._desk.session
        files = [
            (str(galaxy.path), "" if galaxy.image is None else galaxy.image.sha256)
            for galaxy in self._desk.workspace.galaxies
        ]
        self._desk.bridge.run(
            Task(
                "Save session",
                path,
                chores.SESSION,
                functools.partial(_save, session, path, files),
                done=lambda saved: self._go_on(saved, f"Saved; you now work in {path.name}"),
                failed=self._tell_failure,
            )
        )

    # -- opening

    def ask_open(self) -> None:
        """Let the user choose a session."""
        folder = self._desk.workspace.folder
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open session", str(folder or ""), FILTER
        )
        if name:
            self.open(Path(name))

    def open(self, path: Path, places: tuple[Path, ...] = ()) -> None:
        """Open a session file; what is shown now is kept in its own session."""
        self._change(functools.partial(_open, path.absolute(), places), path)

    def close_shared(self) -> None:
        """Go back from a shared session to the user's own."""
        if self.shared is not None:
            self._change(functools.partial(_open_own, self._own), self._own)

    def restore(self) -> None:
        """Bring back what was shown last, at start."""
        last = self._desk.settings.text("session")
        if last and Path(last) != self._own and Path(last).is_file():
            self.open(Path(last))
            return
        session = self._desk.session
        self._window.keeping.queue(
            "Open session",
            functools.partial(_found, session, "", ()),
            done=lambda found: self._show(found),
        )

    def _change(self, work: Any, path: Path) -> None:
        self.keep_look()
        self._desk.bridge.run(
            Task(
                "Open session",
                path,
                chores.SESSION,
                work,
                done=self._opened,
                failed=self._tell_failure,
            )
        )

    def _opened(self, found: chores_session.FoundSession) -> None:
        self._showing = True
        try:
            # First, so that nothing of the one is kept in the other.
            self._desk.workspace.forget()
            self._desk.undo.clear()
            self._go_on(found.session, found.note)
            self._show(found)
        finally:
            self._showing = False

    def _go_on(self, session: Session, note: str) -> None:
        """Work in another session from now on."""
        before = self._desk.session
        self._desk.session = self._window.session = session
        self._kept = None
        self._looks.clear()
        self._desk.settings.set("session", "" if session.path == self._own else str(session.path))
        if before is not session:
            # Behind what is still to be kept in it.
            self._window.keeping.queue("Close session", before.close)
        self.changed.emit(self.shared)
        self._window.keeping.look()
        if self.shared is not None:
            self._desk.settings.add_recent(session.path)
        if note:
            self._desk.say(one_line(note))

    def _show(self, found: chores_session.FoundSession) -> None:
        """Show the files of a session as they were looked at."""
        workspace, state = self._desk.workspace, found.state or {}
        look.set_window(self._window, state)
        if not found.files:
            return
        missing = set(found.missing)
        files = {Path(file.path): file for file in found.files}
        folder = state.get("folder")
        workspace.list(files, Path(folder) if isinstance(folder, str) and folder else None)
        for galaxy in workspace.galaxies:
            look.set_galaxy(galaxy, files[galaxy.path].look)
            if str(galaxy.path) in missing:
                galaxy.error = f"{one_line(galaxy.path.name)}: there is no such file"
        there = [g for g in workspace.galaxies if str(g.path) not in missing]
        current = found.moved.get(str(state.get("current")), state.get("current"))
        shown = next((g for g in there if str(g.path) == current), None)
        self._window.browsing.look_up_measured()
        workspace.select(shown or (there or workspace.galaxies)[0])
        if missing and self.shared is not None:
            self._ask_place(len(missing), len(files))

    def _ask_place(self, missing: int, files: int) -> None:
        """Say that pictures were not found and let the user say where they are."""
        box = QMessageBox(self._window)
        box.setWindowTitle("Open session")
        were = "was" if missing == 1 else "were"
        box.setText(f"{missing} of {files} pictures {were} not found.")
        box.setInformativeText(
            "Their measurements are there. If the pictures were moved, choose the folder that"
            " they are in now."
        )
        choose = box.addButton("Choose folder…", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Go on without them", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(choose)
        box.buttonClicked.connect(lambda button: self._look_there(button is choose))
        box.setAttribute(_DELETE)
        box.open()

    def _look_there(self, wanted: bool) -> None:
        if not wanted:
            return
        name = QFileDialog.getExistingDirectory(self._window, "Folder of the pictures")
        if name and self.shared is not None:
            self.open(self.shared, (Path(name),))

    def _tell_failure(self, failure: Failure) -> None:
        text = one_line(str(failure))
        self._desk.say(text)
        if isinstance(failure.exception, SessionError):
            box = QMessageBox(QMessageBox.Icon.Warning, "Session", text, parent=self._window)
            box.setAttribute(_DELETE)
            box.open()


def _save(session: Session, path: Path, files: list[tuple[str, str]]) -> Session:
    """Save as, with the hash and size of every listed file, by which it is found again."""
    known = {file.path: file for file in session.files()}
    for name, sha256 in files:
        file = known.get(name) or SessionFile(name)
        if not file.sha256:
            _keep_file(session, Path(name), sha256 or chores.hash_of(Path(name)), file.look)
    session.save_as(path)
    return Session(path)


def _keep_file(session: Session, path: Path, sha256: str, seen: Any) -> None:
    try:
        size = path.stat().st_size
    except OSError:
        size = None
    session.keep_file(file_at(path, session.path, sha256=sha256, size=size, look=seen))


def _open(path: Path, places: tuple[Path, ...]) -> chores_session.FoundSession:
    session, note = open_shared(path)
    return _found(session, note, places)


def _open_own(path: Path) -> chores_session.FoundSession:
    session, note = open_own(path)
    return _found(session, note, ())


def _found(session: Session, note: str, places: tuple[Path, ...]) -> chores_session.FoundSession:
    """Find the files of a session where they are now."""
    moved, missing = find_again(session.files(), session.path, places)
    session.relocate(moved)
    state = session.state(STATE)
    return chores_session.FoundSession(
        session,
        note,
        tuple(session.files()),
        state if isinstance(state, dict) else {},
        moved,
        tuple(missing),
    )
