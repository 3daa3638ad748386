"""`Database`: one SQLite file; where it cannot be written, memory takes over until it can.

A change is on disk when :meth:`Database.change` returns: write-ahead log, and
``synchronous=FULL`` (an fsync per commit, a few milliseconds a few times a minute) so that not
only ``kill -9`` but a power cut too loses nothing that was shown.

A full disk, a folder that became read-only, a share that went away: none of them may cost
work. The rows are copied into memory, changes go there, and every statement is kept until it
could be written to the file, which :meth:`Database.flush` tries.

One lock guards it: any thread may call any method.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from galaxyscope.records.schema import (
    APPLICATION_ID,
    MIGRATIONS,
    SCHEMA_VERSION,
    DamagedSessionError,
    ForeignFileError,
    SessionError,
)
from galaxyscope.records.tables import plain_text, replacing

T = TypeVar("T")
Parameters = Sequence[Any]
Execute = Callable[..., sqlite3.Cursor]
_MAGIC = b"SQLite format 3\0"
BUSY_S = 5.0


class Database:
    """The tables of one session file, which is made if it does not exist.

    Parameters
    ----------
    path : Path
    patient : bool
        Begin in memory where the file cannot be opened, instead of raising.

    Attributes
    ----------
    trouble : str
        Why changes wait in memory, one sentence; empty while all is on disk.

    Raises
    ------
    DamagedSessionError
        If the file is damaged or not a session. It is left as it is.
    SessionError
        If the file was written by a newer GalaxyScope or, unless `patient`, cannot be opened.
    """

    def __init__(self, path: Path, patient: bool = False) -> None:
        self.path = path
        self.trouble = ""
        self._lock = threading.RLock()
        self._waiting: list[list[tuple[str, Parameters]]] = []
        self._log: list[tuple[str, Parameters]] | None = None  # of the change under way
        self._file: sqlite3.Connection | None = None
        try:
            self._db = self._file = self._open_file()
        except DamagedSessionError:
            raise
        except SessionError as error:
            if not patient or "newer" in str(error):
                raise
            self._db = self._copy_of_unwritable()
            self.trouble = str(error)

    # -- reading and changing

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        with self._lock, self.errors():
            return self._db.execute(sql, parameters).fetchall()

    def change(self, work: Callable[[Execute], T]) -> T:
        """Make a change, all or nothing; it is on disk, or kept in memory, on return.

        Parameters
        ----------
        work : callable
            Gets a function like ``Connection.execute``. It may be called twice, so it must
            have no effect but through that. A change inside a change is part of it.
        """
        with self._lock:
            if self._log is not None:
                return work(self._execute)
            if self._file is not None:
                try:
                    return self._try(work)
                except sqlite3.OperationalError as error:
                    # Full, read-only, locked, gone: the rows that are there are fine.
                    self._into_memory(error)
                except (sqlite3.Error, ValueError, TypeError):
                    with self.errors():
                        raise
            with self.errors():
                return self._try(work)

    @property
    def waiting(self) -> int:
        """Number of changes that are not on disk."""
        return len(self._waiting)

    @property
    def on_disk(self) -> bool:
        """Whether changes go to the file at once."""
        return self._file is not None

    def flush(self) -> bool:
        """Try to write what waits in memory; True if nothing waits any more."""
        with self._lock:
            if self._file is not None:
                return True
            file = None
            try:
                file = self._open_file()
                file.execute("BEGIN IMMEDIATE")
                for statements in self._waiting:
                    for sql, parameters in statements:
                        file.execute(sql, parameters)
                file.execute("COMMIT")
            except (SessionError, sqlite3.Error) as error:
                if file is not None:
                    _close(file)
                said = str(error)
                named = said.startswith(self.path.name)
                self.trouble = said if named else f"{self.path.name}: {said}"
                return False
            memory, self._db = self._db, file
            self._file, self.trouble = file, ""
            self._waiting.clear()
            memory.close()
            return True

    def save_copy(self, target: Path) -> None:
        """Write everything, what waits included, as one file that stands for itself.

        Raises
        ------
        SessionError
            If it cannot be written, or is the file of this session; what stood there still does.
        """
        if self.on_disk and target.exists() and target.samefile(self.path):
            raise SessionError(f"{target.name}: is the session that is open")
        try:
            with self._lock, replacing(target) as temporary:
                copy = sqlite3.connect(temporary, isolation_level=None)
                try:
                    self._db.backup(copy)
                    copy.execute("PRAGMA journal_mode = DELETE")
                finally:
                    copy.close()
                # What a killed program left beside the old file would be taken for part of this.
                whole = target.resolve()
                for journal in ("-wal", "-shm", "-journal"):
                    whole.with_name(whole.name + journal).unlink(missing_ok=True)
        except (OSError, sqlite3.Error) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise SessionError(f"{target.name}: cannot be written ({why})") from error

    def close(self) -> None:
        """Try once more to write what waits, and close; it cannot be used afterwards."""
        with self._lock:
            if self._waiting:
                self.flush()
            self._db.close()

    # -- the two places

    def _try(self, work: Callable[[Execute], T]) -> T:
        """Run a change in a transaction where the rows are now."""
        self._db.execute("BEGIN IMMEDIATE")
        self._log = []
        try:
            done = work(self._execute)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk has rolled back already
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
            raise
        else:
            if self._file is None and self._log:
                self._waiting.append(self._log)
            return done
        finally:
            self._log = None

    def _execute(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        assert self._log is not None
        cursor = self._db.execute(sql, parameters)
        if not sql.lstrip().upper().startswith("SELECT"):
            self._log.append((sql, parameters))
        return cursor

    def _into_memory(self, error: sqlite3.OperationalError) -> None:
        """Go on in memory with the rows that are on disk."""
        assert self._file is not None
        memory = _connect(":memory:")
        try:
            self._file.backup(memory)
        except sqlite3.Error:
            memory.close()
            raise SessionError(f"{self.path.name}: {error}") from error
        _close(self._file)
        self._db, self._file = memory, None
        self.trouble = f"{self.path.name}: {error}"

    def _copy_of_unwritable(self) -> sqlite3.Connection:
        """Rows in memory of a file that can at best be read; empty where there is none."""
        memory = _connect(":memory:")
        if self.path.is_file():
            with tempfile.TemporaryDirectory() as folder, suppress(OSError, SessionError):
                copy = Path(folder) / self.path.name
                copy_with_log(self.path, copy)
                beside = Database(copy)
                try:
                    beside._db.backup(memory)
                finally:
                    beside.close()
        _migrate(memory)
        return memory

    def _open_file(self) -> sqlite3.Connection:
        """Open, check and migrate the file; nothing foreign is written to."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.is_file():
                # Refused before SQLite looks, which would drop the log beside it.
                with self.path.open("rb") as stream:
                    if stream.read(16) not in (b"", _MAGIC):
                        raise DamagedSessionError(
                            f"{self.path.name}: damaged session (no SQLite file)"
                        )
            elif self.path.exists() and str(self.path) != ":memory:":
                raise SessionError(f"{self.path.name}: cannot be opened (not a file)")
            db = _connect(self.path)
        except (OSError, sqlite3.Error) as error:
            raise SessionError(f"{self.path.name}: cannot be opened ({error})") from error
        try:
            with self.errors():
                self._check(db)
        except BaseException:
            db.close()
            raise
        return db

    def _check(self, db: sqlite3.Connection) -> None:
        version, application = _pragma(db, "user_version"), _pragma(db, "application_id")
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != APPLICATION_ID and (tables or application or version):
            raise ForeignFileError(f"{self.path.name}: not a GalaxyScope session")
        if version > SCHEMA_VERSION:
            raise SessionError(f"{self.path.name}: written by a newer GalaxyScope")
        if db.execute("SELECT 1 FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchone():
            # GalaxyScope makes none: whoever put them there wants to have something run.
            raise ForeignFileError(f"{self.path.name}: holds triggers or views; it is not opened")
        if (problem := _pragma(db, "quick_check(1)")) != "ok":
            raise DamagedSessionError(f"{self.path.name}: damaged session ({_line(problem)})")
        _pragma(db, "journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if version < SCHEMA_VERSION:
            _migrate(db)
        else:  # a file that can be read but not written to is noticed now, not at the first row
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn SQLite's errors, and those of rows that make no sense, into named sentences."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
                # What the file says of its own format or tables makes no sense.
                said = f"{self.path.name}: damaged session ({_line(error)})"
                raise DamagedSessionError(said) from error
            # Locked, read-only, disk full: the file itself is fine.
            raise SessionError(f"{self.path.name}: {error}") from error
        except sqlite3.ProgrammingError as error:
            raise SessionError(f"{self.path.name}: the session is closed") from error
        except (sqlite3.DatabaseError, ValueError, TypeError, RecursionError) as error:
            said = f"{self.path.name}: damaged session ({_line(error)})"
            raise DamagedSessionError(said) from error


def copy_with_log(path: Path, target: Path) -> None:
    """Copy a database with the log beside it, in which the newest rows may stand."""
    for suffix in ("", "-wal"):
        part = path.with_name(path.name + suffix)
        if part.is_file():
            shutil.copyfile(part, target.with_name(target.name + suffix))


def _connect(path: Path | str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_S)
    # Python's own decoder: SQLite's reports damaged text like a locked file.
    db.text_factory = lambda raw: raw.decode("utf-8")
    # A file that was tampered with cannot make SQLite call functions.
    db.execute("PRAGMA trusted_schema = OFF")
    return db


def _close(db: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        db.close()


def _migrate(db: sqlite3.Connection) -> None:
    """Bring the schema up to date, in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    try:
        # Asked inside the transaction: another process may have been faster.
        for script in MIGRATIONS[_pragma(db, "user_version") :]:
            for statement in script.split(";"):
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _line(error: object) -> str:
    """One line of what SQLite, or a damaged row, has to say."""
    return plain_text(" ".join(str(error).split()))[:160]


def _pragma(db: sqlite3.Connection, text: str) -> Any:
    return db.execute(f"PRAGMA {text}").fetchone()[0]
