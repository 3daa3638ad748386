"""`Session`: what is kept of an astronomer's work, at the moment it is done.

Rows and the user's word on files, as before; what the window shows (files, look, state), so
that it comes back; and what was done, step by step. Where it lies and how it gets there is the
matter of `galaxyscope.records.database`.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import appdirs

from galaxyscope.records.database import Database, Execute
from galaxyscope.records.record import Record
from galaxyscope.records.schema import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    DamagedSessionError,
    ForeignFileError,
    SessionError,
)
from galaxyscope.records.steps import Step

__all__ = [
    "APPLICATION_ID",
    "SCHEMA_VERSION",
    "SUFFIX",
    "DamagedSessionError",
    "ForeignFileError",
    "ImageSettings",
    "Session",
    "SessionError",
    "SessionFile",
    "default_session_path",
]

#: Suffix of sessions that are files of their own, to share.
SUFFIX = ".galaxyscope"
T = TypeVar("T")
_FIELDS = frozenset(f.name for f in dataclasses.fields(Record))
_DEFAULTS = {f.name: f.default for f in dataclasses.fields(Record) if f.name not in ("path", "id")}


@dataclass(frozen=True)
class ImageSettings:
    """What the user said of one file.

    Parameters
    ----------
    scale_arcsec_per_px : float or None
        Size of a pixel, None where the file's own is used.
    redshift : float or None
    """

    scale_arcsec_per_px: float | None = None
    redshift: float | None = None


@dataclass(frozen=True)
class SessionFile:
    """One file of a session: where it is, how it is known again, how it was looked at.

    Parameters
    ----------
    path : str
        Absolute.
    relative : str
        The same seen from the session's folder, with ``/``; empty where that makes no sense
        (another drive). A folder that was moved together with its session is found by it.
    sha256 : str
        Hash of its bytes; empty if it was never opened.
    size : int or None
        In bytes.
    look : mapping
        What the window remembers of it (plane, camera, display, threshold), JSON types only.
    """

    path: str
    relative: str = ""
    sha256: str = ""
    size: int | None = None
    look: Mapping[str, Any] = field(default_factory=dict)


def default_session_path() -> Path:
    """Where the session of this user lies."""
    return Path(appdirs.user_data_dir("galaxyscope", appauthor=False)) / "session.sqlite"


def is_session_name(path: Path | str) -> bool:
    """Tell by its name whether a file is a session to be opened."""
    return Path(path).suffix.lower() == SUFFIX


class Session:
    """Rows, settings, files and steps of one session file, which is made if it does not exist.

    Pictures are known by the hash of their file's bytes and the plane inside it: a file
    that is moved keeps its rows, a file that is changed does not inherit them.

    Any thread may call any method. The window calls from its session lane, because an fsync
    on a slow disk takes longer than a frame.

    Parameters
    ----------
    path : Path
    patient : bool
        Begin in memory where the file cannot be opened (see `trouble`), instead of raising.

    Raises
    ------
    DamagedSessionError
        If the file is damaged or not a session. It is left as it is.
    SessionError
        If the file cannot be opened or was written by a newer GalaxyScope.
    """

    def __init__(self, path: Path, patient: bool = False) -> None:
        self.path = Path(path)
        self._data = Database(self.path, patient)
        try:
            # SQLite's check does not look at what a damaged page says in its place.
            self.records()
            self.files()
        except BaseException:
            self._data.close()
            raise

    def close(self) -> None:
        """Close the file; the session cannot be used afterwards."""
        self._data.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- where it lies

    @property
    def trouble(self) -> str:
        """Why changes wait in memory, one sentence; empty while all is on disk."""
        return self._data.trouble

    @property
    def waiting(self) -> int:
        """Number of changes that are not on disk."""
        return self._data.waiting

    def flush(self) -> bool:
        """Try to write what waits in memory; True if nothing waits any more."""
        return self._data.flush()

    def save_as(self, path: Path) -> None:
        """Write the whole session as one file to share, with paths relative to its folder.

        Raises
        ------
        SessionError
            If it cannot be written; what stood there still does.
        """
        self._data.save_copy(path)
        with Session(path) as copy:
            files = [_seen_from(file, path) for file in copy.files()]

            def work() -> None:
                for file in files:
                    copy.keep_file(file)

            copy.together(work)

    def together(self, work: Callable[[], T]) -> T:
        """Make several changes as one: all or none of them.

        Parameters
        ----------
        work : callable
            Calls this session, and has no other effect: it may be called twice.
        """
        return self._data.change(lambda _execute: work())

    # -- rows

    def add(self, *records: Record) -> None:
        """Keep new rows, all or none of them; they are on disk when this returns.

        Raises
        ------
        KeyError
            If the session has a row with the same id, deleted ones included.
        """
        rows = [(r.id, r.image_sha256, r.plane, r.kind, _to_json(r)) for r in records]

        def work(execute: Execute) -> None:
            for row in rows:
                added = execute(
                    "INSERT OR IGNORE INTO record (id, image_sha256, plane, kind, content)"
                    " VALUES (?, ?, ?, ?, ?)",
                    row,
                ).rowcount
                if not added:
                    raise KeyError(row[0])

        self._data.change(work)

    def replace(self, record: Record) -> Record:
        """Put `record` in the place of the row with its id.

        Returns
        -------
        Record
            What stood there: replacing by it undoes the change.

        Raises
        ------
        KeyError
            If no such row is kept.
        """
        values = (record.image_sha256, record.plane, record.kind, _to_json(record), record.id)

        def work(execute: Execute) -> Record:
            before = execute(
                "SELECT id, content FROM record WHERE id = ? AND NOT deleted", (record.id,)
            ).fetchone()
            if before is None:
                raise KeyError(record.id)
            execute(
                "UPDATE record SET image_sha256 = ?, plane = ?, kind = ?, content = ? WHERE id = ?",
                values,
            )
            return _record(*before)

        return self._data.change(work)

    def delete(self, *ids: str) -> None:
        """Take rows out of the table; :meth:`restore` brings them back.

        Raises
        ------
        KeyError
            If one of them is not in the table; then none is taken out.
        """
        self._mark(ids, deleted=True)

    def restore(self, *ids: str) -> None:
        """Bring deleted rows back to where they stood.

        Raises
        ------
        KeyError
            If one of them was not deleted; then none is brought back.
        """
        self._mark(ids, deleted=False)

    def records(self, image_sha256: str | None = None, plane: str | None = None) -> list[Record]:
        """Rows in the order in which they were added.

        Parameters
        ----------
        image_sha256, plane : str, optional
            Only rows of this file, or of this plane of it.
        """
        rows = self._data.rows(
            "SELECT id, content FROM record WHERE NOT deleted"
            " AND (?1 IS NULL OR image_sha256 = ?1) AND (?2 IS NULL OR plane = ?2)"
            " ORDER BY number",
            (image_sha256, plane),
        )
        with self._data.errors():
            return [_record(*row) for row in rows]

    def _mark(self, ids: tuple[str, ...], deleted: bool) -> None:
        def work(execute: Execute) -> None:
            for one in ids:
                changed = execute(
                    "UPDATE record SET deleted = ?1 WHERE id = ?2 AND deleted <> ?1", (deleted, one)
                ).rowcount
                if not changed:
                    raise KeyError(one)

        self._data.change(work)

    # -- what the user said of files

    def settings(self, image_sha256: str) -> ImageSettings:
        """Return what the user said of a file; all None if nothing."""
        rows = self._data.rows("SELECT content FROM image WHERE image_sha256 = ?", (image_sha256,))
        with self._data.errors():
            return ImageSettings(**json.loads(rows[0][0])) if rows else ImageSettings()

    def set_settings(self, image_sha256: str, settings: ImageSettings) -> ImageSettings:
        """Keep what the user says of a file and return what stood there (for undo)."""
        content = json.dumps(dataclasses.asdict(settings))

        def work(execute: Execute) -> ImageSettings:
            before = self.settings(image_sha256)
            execute("INSERT OR REPLACE INTO image VALUES (?, ?)", (image_sha256, content))
            return before

        return self._data.change(work)

    # -- what the window shows

    def files(self) -> list[SessionFile]:
        """Files on the list, in its order."""
        rows = self._data.rows("SELECT content FROM file WHERE place IS NOT NULL ORDER BY place")
        with self._data.errors():
            return [SessionFile(**json.loads(content)) for (content,) in rows]

    def keep_files(self, files: Iterable[SessionFile]) -> None:
        """Keep which files are on the list; of those known already the look stays."""
        rows = [(json.dumps(f.path), n, _file_json(f)) for n, f in enumerate(files)]

        def work(execute: Execute) -> None:
            execute("UPDATE file SET place = NULL")
            for row in rows:
                execute(
                    "INSERT INTO file VALUES (?1, ?2, ?3)"
                    " ON CONFLICT (path) DO UPDATE SET place = ?2",
                    row,
                )

        self._data.change(work)

    def keep_file(self, file: SessionFile) -> None:
        """Keep how one file is known again and was looked at."""
        row = (json.dumps(file.path), _file_json(file))
        self._data.change(
            lambda execute: execute(
                "INSERT INTO file VALUES (?1, NULL, ?2)"
                " ON CONFLICT (path) DO UPDATE SET content = ?2",
                row,
            )
        )

    def relocate(self, places: Mapping[str, str]) -> None:
        """Take over that files now lie elsewhere (path by old path), in rows and list."""

        def work(_execute: Execute) -> None:
            rows = self._data.rows("SELECT id, content FROM record")
            files = {file.path: file for file in self.files()}
            known = {path for (path,) in self._data.rows("SELECT path FROM file")}
            for record in (_record(*row) for row in rows):
                if record.path in places:
                    moved = dataclasses.replace(record, path=places[record.path])
                    _execute(
                        "UPDATE record SET content = ? WHERE id = ?", (_to_json(moved), moved.id)
                    )
            for old, new in places.items():
                if json.dumps(new) in known:
                    _execute("DELETE FROM file WHERE path = ?", (json.dumps(old),))
                elif old in files:
                    file = _seen_from(dataclasses.replace(files[old], path=new), self.path)
                    _execute(
                        "UPDATE file SET path = ?, content = ? WHERE path = ?",
                        (json.dumps(new), _file_json(file), json.dumps(old)),
                    )

        if places:
            self._data.change(work)

    def state(self, name: str) -> Any:
        """Return what was kept under a name, JSON types; None if nothing."""
        rows = self._data.rows("SELECT content FROM state WHERE name = ?", (name,))
        with self._data.errors():
            return json.loads(rows[0][0]) if rows else None

    def keep_state(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        row = (name, json.dumps(value, allow_nan=False))
        self._data.change(lambda do: do("INSERT OR REPLACE INTO state VALUES (?, ?)", row))

    # -- what was done

    def steps(self) -> list[Step]:
        """Return the steps, oldest first."""
        rows = self._data.rows("SELECT content FROM step ORDER BY number")
        with self._data.errors():
            return [Step.from_json(content) for (content,) in rows]

    def add_step(self, step: Step) -> None:
        """Note a step that was done."""
        row = (step.to_json(),)
        self._data.change(lambda do: do("INSERT INTO step (content) VALUES (?)", row))


def file_at(path: Path | str, session: Path, **known: Any) -> SessionFile:
    """Return a file as the session at `session` knows it."""
    return _seen_from(SessionFile(str(path), **known), session)


def _seen_from(file: SessionFile, session: Path) -> SessionFile:
    try:
        relative = Path(os.path.relpath(file.path, session.absolute().parent)).as_posix()
    except ValueError:  # another drive
        relative = ""
    return dataclasses.replace(file, relative=relative)


# JSON in ASCII holds file names that are not valid UTF-8, which SQLite's text does not.


def _file_json(file: SessionFile) -> str:
    return json.dumps(dataclasses.asdict(file), allow_nan=False)


def _to_json(record: Record) -> str:
    # Absent fields read as their defaults: most of the eighty are unknown in any one row. What was
    # written by another version must go on saying so.
    values = vars(record)
    content = {k: v for k, v in values.items() if k not in _DEFAULTS or v != _DEFAULTS[k]}
    del content["id"]
    return json.dumps(content | {"version": record.version}, allow_nan=False, sort_keys=True)


def _record(record_id: str, content: str) -> Record:
    values = {k: v for k, v in json.loads(content).items() if k in _FIELDS}
    if "path" not in values:
        raise TypeError("a row names no path")
    # Past the constructor, which sets eighty frozen fields one by one: ten thousand rows are read
    # whenever a session is opened or compared.
    record = object.__new__(Record)
    record.__dict__.update(_DEFAULTS)
    record.__dict__.update(values, id=record_id)
    record.__post_init__()
    return record
