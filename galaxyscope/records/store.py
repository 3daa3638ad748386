"""`Session`: the SQLite file in which each measurement is kept at the moment it is made.

A row is committed before the call that added it returns, so whoever shows rows that were
added has them on disk: write-ahead log, and ``synchronous=FULL`` (an fsync per commit, a
few milliseconds a few times a minute) so that not only ``kill -9`` but a power cut too
loses nothing that was shown.

One connection guarded by one lock: any thread may call any method. The window calls from
its I/O pool, because an fsync on a slow disk takes longer than a frame.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import appdirs

from galaxyscope.records.record import Record

# "GSs1": tells a session from every other SQLite file, so that none of those is written to.
APPLICATION_ID = 0x47537331
SCHEMA_VERSION = 1
# Each entry lifts the schema by one version; version N has run the first N entries.
_MIGRATIONS = (
    """
    CREATE TABLE record (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        image_sha256 TEXT NOT NULL,
        plane TEXT NOT NULL,
        kind TEXT NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0,
        content TEXT NOT NULL
    );
    CREATE INDEX record_of_image ON record (image_sha256, plane);
    CREATE TABLE image (
        image_sha256 TEXT PRIMARY KEY,
        content TEXT NOT NULL
    );
    """,
)
_FIELDS = frozenset(f.name for f in dataclasses.fields(Record))
_DEFAULTS = {f.name: f.default for f in dataclasses.fields(Record) if f.name not in ("path", "id")}


class SessionError(Exception):
    """A session that cannot be used; ``str()`` is one sentence naming the file."""


class DamagedSessionError(SessionError):
    """A session file that is damaged, or no session at all."""


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


def default_session_path() -> Path:
    """Where the session of this user lies."""
    return Path(appdirs.user_data_dir("galaxyscope", appauthor=False)) / "session.sqlite"


def open_or_set_aside(path: Path) -> tuple[Session, str]:
    """Open a session; a damaged file is renamed, never overwritten, and a new one begun.

    Returns
    -------
    session : Session
    note : str
        One sentence for the user if a damaged file was set aside, else empty.

    Raises
    ------
    SessionError
        If the file is fine but cannot be used (locked, no permission, newer version).
    """
    try:
        return Session(path), ""
    except DamagedSessionError as damage:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        number = 0
        while (aside := path.with_name(f"{path.name}.damaged-{stamp}-{number}")).exists():
            number += 1
        try:
            # The log belongs to its database: a new file must not find the old one's.
            for suffix in ("-wal", "-shm", ""):
                part = path.with_name(path.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
        except OSError as error:
            raise SessionError(f"{damage}; it cannot be renamed ({error.strerror})") from error
        return Session(path), f"{damage}; it is kept as {aside.name} and a new session begun"


class Session:
    """Rows and settings of one session file, which is made if it does not exist.

    Pictures are known by the hash of their file's bytes and the plane inside it: a file
    that is moved keeps its rows, a file that is changed does not inherit them.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DamagedSessionError
        If the file is damaged or not a session. It is left as it is.
    SessionError
        If the file cannot be opened or was written by a newer GalaxyScope.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._check_header()
            self._db = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, timeout=5
            )
        except (OSError, sqlite3.Error) as error:
            raise SessionError(f"{self.path.name}: cannot be opened ({error})") from error
        # Python's own decoder: SQLite's reports damaged text like a locked file.
        self._db.text_factory = lambda raw: raw.decode("utf-8")
        try:
            with self._errors():
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file; the session cannot be used afterwards."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, *records: Record) -> None:
        """Keep new rows, all or none of them; they are on disk when this returns.

        Raises
        ------
        KeyError
            If the session has a row with the same id, deleted ones included.
        """
        rows = [(r.id, r.image_sha256, r.plane, r.kind, _to_json(r)) for r in records]
        with self._transaction() as db:
            for row in rows:
                added = db.execute(
                    "INSERT OR IGNORE INTO record (id, image_sha256, plane, kind, content)"
                    " VALUES (?, ?, ?, ?, ?)",
                    row,
                ).rowcount
                if not added:
                    raise KeyError(row[0])

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
        with self._transaction() as db:
            before = db.execute(
                "SELECT id, content FROM record WHERE id = ? AND NOT deleted", (record.id,)
            ).fetchone()
            if before is None:
                raise KeyError(record.id)
            db.execute(
                "UPDATE record SET image_sha256 = ?, plane = ?, kind = ?, content = ? WHERE id = ?",
                (record.image_sha256, record.plane, record.kind, _to_json(record), record.id),
            )
        return _record(*before)

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
        with self._lock, self._errors():
            rows = self._db.execute(
                "SELECT id, content FROM record WHERE NOT deleted"
                " AND (?1 IS NULL OR image_sha256 = ?1) AND (?2 IS NULL OR plane = ?2)"
                " ORDER BY number",
                (image_sha256, plane),
            ).fetchall()
            return [_record(*row) for row in rows]

    def settings(self, image_sha256: str) -> ImageSettings:
        """Return what the user said of a file; all None if nothing."""
        with self._lock, self._errors():
            return self._settings(image_sha256)

    def set_settings(self, image_sha256: str, settings: ImageSettings) -> ImageSettings:
        """Keep what the user says of a file and return what stood there (for undo)."""
        with self._transaction() as db:
            before = self._settings(image_sha256)
            db.execute(
                "INSERT INTO image VALUES (?1, ?2)"
                " ON CONFLICT (image_sha256) DO UPDATE SET content = ?2",
                (image_sha256, json.dumps(dataclasses.asdict(settings))),
            )
        return before

    def _settings(self, image_sha256: str) -> ImageSettings:
        row = self._db.execute(
            "SELECT content FROM image WHERE image_sha256 = ?", (image_sha256,)
        ).fetchone()
        return ImageSettings() if row is None else ImageSettings(**json.loads(row[0]))

    def _mark(self, ids: tuple[str, ...], deleted: bool) -> None:
        with self._transaction() as db:
            for one in ids:
                changed = db.execute(
                    "UPDATE record SET deleted = ?1 WHERE id = ?2 AND deleted <> ?1", (deleted, one)
                ).rowcount
                if not changed:
                    raise KeyError(one)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on disk at the end."""
        with self._lock, self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk has rolled back already
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn SQLite's errors into sentences that name the file."""
        try:
            yield
        except sqlite3.OperationalError as error:
            # Locked, read-only, disk full: the file itself is fine.
            raise SessionError(f"{self.path.name}: {error}") from error
        except sqlite3.ProgrammingError as error:
            raise SessionError(f"{self.path.name}: the session is closed") from error
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:  # no text, no JSON, no row
            raise DamagedSessionError(f"{self.path.name}: damaged session ({error})") from error

    def _check_header(self) -> None:
        """Refuse what is no SQLite file before SQLite, which would drop the log beside it."""
        if self.path.is_file():
            with self.path.open("rb") as file:
                if file.read(16) not in (b"", b"SQLite format 3\0"):
                    raise DamagedSessionError(f"{self.path.name}: damaged session (no SQLite file)")

    def _prepare(self) -> None:
        """Check the file and bring its schema up to date; nothing foreign is written to."""
        db = self._db
        version, application = self._pragma("user_version"), self._pragma("application_id")
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != APPLICATION_ID and (tables or application or version):
            raise DamagedSessionError(f"{self.path.name}: not a GalaxyScope session")
        if version > SCHEMA_VERSION:
            raise SessionError(f"{self.path.name}: written by a newer GalaxyScope")
        if (problem := self._pragma("quick_check(1)")) != "ok":
            raise DamagedSessionError(f"{self.path.name}: damaged session ({problem})")
        self._pragma("journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if version < SCHEMA_VERSION:
            self._migrate()
        # SQLite's check does not look at what a damaged page says in its place.
        self.records()

    def _migrate(self) -> None:
        with self._transaction() as db:
            # Asked again inside the transaction: another process may have been faster.
            for script in _MIGRATIONS[self._pragma("user_version") :]:
                for statement in script.split(";"):
                    db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _pragma(self, text: str) -> Any:
        return self._db.execute(f"PRAGMA {text}").fetchone()[0]


def _to_json(record: Record) -> str:
    # JSON in ASCII holds file names that are not valid UTF-8, which SQLite's text does not.
    # Absent fields read as their defaults: most of the eighty are unknown in any one row. What was
    # written by another version must go on saying so.
    values = vars(record)
    content = {k: v for k, v in values.items() if k not in _DEFAULTS or v != _DEFAULTS[k]}
    del content["id"]
    return json.dumps(content | {"version": record.version}, allow_nan=False)


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
