"""Keeping: every change of the session goes through here: queued, undoable, noted, shown.

While the disk refuses (full, read-only, gone), changes wait in memory; this tells the user and
tries again until it succeeds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from galaxyscope.gui import chores, chores_session
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.undo import Change
from galaxyscope.records.edits import Edit, with_settings
from galaxyscope.records.record import now
from galaxyscope.records.steps import Step
from galaxyscope.work.jobs import Failure

RETRY_MS = 3000


class Turn:
    """An edit that turns into its own undoing each time it is applied (on the session's lane)."""

    def __init__(self, edit: Edit) -> None:
        self.edit: Edit | None = edit

    def apply(self, session: Any) -> None:
        """Do or undo it; what failed once is not undone."""
        edit, self.edit = self.edit, None
        if edit is not None:
            self.edit = edit.apply(session)


class Keeping(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk

    Signals
    -------
    trouble_changed : (number of changes that wait in memory, why), 0 once all is on disk
    """

    trouble_changed = Signal(int, str)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.window)
        self._desk = desk
        self._late: set[Galaxy] = set()
        self._told = ""
        self._again = QTimer(self, interval=RETRY_MS, singleShot=True)
        self._again.timeout.connect(self.flush)
        desk.workspace.changed.connect(self._changed)

    def do(
        self,
        galaxy: Galaxy,
        text: str,
        edit: Edit,
        merge_key: str = "",
        command: tuple[str, ...] = (),
    ) -> None:
        """Make an undoable change of what is kept for the shown picture of a galaxy.

        Parameters
        ----------
        galaxy : Galaxy
        text : str
            What the menu says after *Undo*.
        edit : Edit
        merge_key : str
            See `Change`.
        command : tuple of str
            The command line that does the same, for the workflow log.
        """
        image = galaxy.image
        assert image is not None
        if self._desk.workspace.find(galaxy.path) is not galaxy:
            return  # of another session, which was closed meanwhile
        picture = (image.sha256, galaxy.plane_key)
        turn = Turn(edit)
        done = Step(text, str(galaxy.path), command)
        undone = Step(f"undo {text}", str(galaxy.path))
        self._desk.undo.push(
            Change(
                text,
                functools.partial(self._run, galaxy, picture, turn, done),
                functools.partial(self._run, galaxy, picture, turn, undone),
                merge_key,
            )
        )

    def note(self, step: Step) -> None:
        """Note a step that changes nothing in the session."""
        session = self._desk.session
        step = Step(step.title, step.path, step.command, step.at or now())
        self.queue("Note step", functools.partial(session.add_step, step))

    def queue(
        self,
        title: str,
        work: Callable[[], Any],
        done: Callable[[Any], None] | None = None,
        failed: Callable[[Failure], None] | None = None,
    ) -> None:
        """Do something with the session behind all that is still to be kept."""
        self._desk.bridge.run(
            Task(
                title,
                None,
                chores.SESSION,
                work,
                done=functools.partial(self._after, done),
                failed=failed,
                quiet=True,
            )
        )

    def flush(self) -> None:
        """Try to write what waits in memory."""
        self.queue("Write to disk", self._desk.session.flush)

    def stop(self) -> None:
        """Try no more, because the window closes or changes to another session."""
        self._again.stop()

    def look(self) -> None:
        """Say how things stand."""
        session = self._desk.session
        trouble, waiting = session.trouble, session.waiting
        if trouble:
            self._again.start()
            if not self._told:
                self._desk.say(one_line(f"{trouble}; work is kept in memory"))
        elif self._told:
            self._again.stop()
            self._desk.say("All measurements are on disk again")
        self._told = trouble
        self.trouble_changed.emit(max(waiting, 1) if trouble else 0, one_line(trouble))

    def _after(self, done: Callable[[Any], None] | None, result: Any) -> None:
        if done is not None:
            done(result)
        if self._desk.session.trouble or self._told:
            self.look()

    def _run(self, galaxy: Galaxy, picture: tuple[str, str], turn: Turn, step: Step) -> None:
        """Queue a change behind the others and show what is kept after it."""
        workspace, session = self._desk.workspace, self._desk.session
        # Undoing something on another galaxy shows that galaxy, so that it is seen.
        if (
            step.title.startswith("undo ")
            and galaxy is not workspace.current
            and workspace.find(galaxy.path) is galaxy
        ):
            workspace.select(galaxy)
        step = Step(step.title, step.path, step.command, now())
        self._desk.bridge.run(
            Task(
                step.title.capitalize(),
                galaxy.path,
                chores.SESSION,
                functools.partial(chores_session.keep, session, *picture, turn, step),
                done=functools.partial(self._kept, galaxy, picture),
                quiet=True,
            )
        )

    def _kept(self, galaxy: Galaxy, picture: tuple[str, str], kept: chores_session.Kept) -> None:
        self._after(None, None)
        if galaxy.image is None:
            # Its pixels are being read again, perhaps with rows from before this change.
            self._late.add(galaxy)
            return
        if (galaxy.image.sha256, galaxy.plane_key) != picture:
            return
        if galaxy.file_image is not None:
            image = with_settings(galaxy.file_image, kept.settings)
            if (image.scale, image.redshift) != (galaxy.image.scale, galaxy.image.redshift):
                galaxy.image = image
                self._desk.workspace.tell(galaxy, "scale")
        self._desk.workspace.keep_records(galaxy, kept.records)

    def look_up(self, galaxy: Galaxy, picture: tuple[str, str]) -> None:
        """Look up what is kept for a picture (hash and plane) of a galaxy and show it."""
        self._desk.bridge.run(
            Task(
                "Look up measurements",
                galaxy.path,
                chores.SESSION,
                functools.partial(chores_session.kept, self._desk.session, *picture),
                done=functools.partial(self._kept, galaxy, picture),
                quiet=True,
            )
        )

    def _changed(self, galaxy: Galaxy, _what: str) -> None:
        if galaxy in self._late and galaxy.image is not None:
            self._late.discard(galaxy)
            self.look_up(galaxy, (galaxy.image.sha256, galaxy.plane_key))
