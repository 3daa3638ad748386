"""File › Import lines…: lines of catalogues, volunteers and DS9 into the session, as one step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from galaxyscope.gui import chores, chores_lines, chores_session
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.keeping import Turn
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.imports import ImportDialog
from galaxyscope.gui.undo import Change
from galaxyscope.records.edits import Add, compare_again
from galaxyscope.records.record import Record
from galaxyscope.records.store import Session
from galaxyscope.work.jobs import Failure

_Found = tuple[dict[tuple[str, str], tuple[Record, ...]], dict[str, frozenset[str]]]
FILES = "Lines (*.csv *.tsv *.txt *.reg);;All files (*)"


class Importing(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    refresh : callable
        Called when rows have come or gone that are not those of the shown galaxy alone.
    """

    def __init__(self, desk: Desk, refresh: Callable[[], None]) -> None:
        super().__init__(desk.window)
        self._desk, self._refresh = desk, refresh
        self.dialog: ImportDialog | None = None

    def ask(self) -> None:
        """Let the user choose files."""
        if self._desk.workspace.blind:
            return
        folder = self._desk.workspace.folder or Path.home()
        names, _ = QFileDialog.getOpenFileNames(
            self._desk.window, "Import lines", str(folder), FILES
        )
        if names:
            self.read([Path(name) for name in names])

    def read(
        self,
        paths: Sequence[Path],
        columns: dict[str, str] | None = None,
        scale: float | None = None,
    ) -> None:
        """Read files away from the GUI thread and keep their lines, undoable as one step."""
        pictures = [galaxy.path for galaxy in self._desk.workspace.galaxies]
        self._desk.bridge.run(
            Task(
                "Import lines",
                paths[0],
                chores.SESSION,
                functools.partial(
                    chores_lines.read_lines,
                    self._desk.session,
                    paths,
                    columns or {},
                    scale,
                    pictures,
                ),
                done=functools.partial(self._keep, paths),
                failed=functools.partial(self._ask_again, paths),
            )
        )

    def _keep(self, paths: Sequence[Path], imported: chores_lines.Imported) -> None:
        if self.dialog is not None:
            self.dialog.accept()
        rows = imported.rows
        if not rows:
            self._desk.say(one_line(f"Nothing new in {', '.join(p.name for p in paths)}"))
            return
        turn = Turn(Add(rows))
        title = f"import of {len(rows)} {'row' if len(rows) == 1 else 'rows'}"
        self._desk.undo.push(
            Change(
                title,
                functools.partial(self._run, title, turn, imported.sentence),
                functools.partial(self._run, f"undo {title}", turn, ""),
            )
        )

    def _run(self, title: str, turn: Turn, sentence: str) -> None:
        """Change the session, then show what is on disk."""
        loaded = [g for g in self._desk.workspace.galaxies if g.image is not None]
        pictures = [(g.image.sha256, g.plane_key) for g in loaded if g.image is not None]
        self._desk.bridge.run(
            Task(
                title.capitalize(),
                None,
                chores.SESSION,
                functools.partial(_keep_all, self._desk.session, turn, pictures),
                done=functools.partial(
                    self._show, dict(zip(loaded, pictures, strict=True)), sentence
                ),
                quiet=True,
            )
        )

    def _show(self, loaded: dict[Galaxy, tuple[str, str]], sentence: str, found: _Found) -> None:
        records, files = found
        workspace = self._desk.workspace
        for galaxy in workspace.galaxies:
            kinds = files.get(str(galaxy.path), frozenset())
            if kinds != galaxy.measured_by:
                galaxy.measured_by = kinds
                workspace.tell(galaxy, "state")
        for galaxy, picture in loaded.items():
            image = galaxy.image
            if image is not None and (image.sha256, galaxy.plane_key) == picture:
                workspace.keep_records(galaxy, records[picture])
        self._refresh()
        if sentence:
            self._desk.say(one_line(sentence))

    def _ask_again(self, paths: Sequence[Path], failure: Failure) -> None:
        """Say what is wrong, and let the user say what the file does not."""
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.show_problem(one_line(str(failure)))
            return
        dialog = self.dialog = ImportDialog(self._desk.window, one_line(str(failure)))
        dialog.read_requested.connect(functools.partial(self.read, paths))
        dialog.finished.connect(self._forget)
        dialog.open()

    def _forget(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None


def _keep_all(session: Session, turn: Turn, pictures: Sequence[tuple[str, str]]) -> _Found:
    turn.apply(session)
    records = {picture: compare_again(session, *picture) for picture in pictures}
    return records, chores_session.measured_files(session)
