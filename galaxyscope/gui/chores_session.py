"""What the window has done on the session's lane: keeping, exporting.

As in `galaxyscope.gui.chores`: plain functions for worker threads, heavy packages inside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from galaxyscope.records.edits import compare_again
from galaxyscope.records.record import Record
from galaxyscope.records.steps import Step
from galaxyscope.records.store import ImageSettings, Session, SessionFile


@dataclass(frozen=True)
class Kept:
    """What is on disk for one picture after a change."""

    settings: ImageSettings
    records: tuple[Record, ...]


@dataclass(frozen=True, eq=False)
class FoundSession:
    """A session that was opened, with its files where they are now.

    Parameters
    ----------
    session : Session
    note : str
        What the user should know of it, one sentence or nothing.
    files : tuple of SessionFile
    state : mapping
        What the window showed.
    moved : mapping
        Present path by the path of before.
    missing : tuple of str
        Files that were not found.
    """

    session: Session
    note: str
    files: tuple[SessionFile, ...]
    state: Mapping[str, Any]
    moved: Mapping[str, str]
    missing: tuple[str, ...]


def measured_files(session: Session) -> dict[str, frozenset[str]]:
    """Kinds of rows in the session by the file they belong to."""
    kinds: dict[str, set[str]] = {}
    for record in session.records():
        kinds.setdefault(record.path, set()).add(record.kind)
    return {path: frozenset(found) for path, found in kinds.items()}


class Turn(Protocol):
    """A change that can be made on the session's lane."""

    def apply(self, session: Session) -> None:
        """Make it."""


def keep(session: Session, sha256: str, plane: str, turn: Turn, step: Step) -> Kept:
    """Change what is kept for a picture, note the step and say how it stands then."""
    turn.apply(session)

    def follow() -> Kept:
        session.add_step(step)
        return kept(session, sha256, plane)

    return session.together(follow)


def kept(session: Session, sha256: str, plane: str) -> Kept:
    """Say what is kept for a picture, the differences of drawn rows brought up to date."""
    records = compare_again(session, sha256, plane)
    return Kept(session.settings(sha256), records)


def export(session: Session, files: list[str], path: Path) -> int:
    """Write the rows of some files, in the order of these files.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    TableError, OSError
        If the table cannot be written.
    """
    from galaxyscope.records.tables import write_records

    rows = rows_of(session, files)
    write_records(path, rows)
    return len(rows)


def export_script(session: Session, files: list[str], path: Path) -> int:
    """Write a script that makes the table of some files again.

    Returns
    -------
    int
        How many rows it makes.

    Raises
    ------
    TableError, OSError
        If it cannot be written.
    """
    from galaxyscope.records.script import recipe_of, write_script

    rows = rows_of(session, files)
    write_script(path, recipe_of(rows, session.settings, path.with_suffix(".csv").name))
    return len(rows)


def rows_of(session: Session, files: list[str]) -> list[Record]:
    """Rows of some files, in the order of these files."""
    place = {name: i for i, name in enumerate(files)}
    rows = [record for record in session.records() if record.path in place]
    return sorted(rows, key=lambda record: place[record.path])
