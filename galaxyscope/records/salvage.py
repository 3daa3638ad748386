"""What can still be read of a damaged session, row by row, into a new one.

SQLite is asked for one row after the other, and steps over those that it cannot give. Where
the first page is lost, which says what stands where, that of a new session is put in its
place: the tables of rows begin at the same pages in every session.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from galaxyscope.records.database import Database, copy_with_log
from galaxyscope.records.steps import Step
from galaxyscope.records.store import ImageSettings, Session, SessionFile, _record

_MISSES = 200  # numbers of lost rows that are tried one after the other, then in longer steps
_LARGEST = 2**31


def salvage(damaged: Path, into: Session) -> int:
    """Copy all that can be read of a damaged session into a new one.

    Parameters
    ----------
    damaged : Path
        Only read.
    into : Session
        Empty.

    Returns
    -------
    int
        How many rows of measurements were brought over, those that the user has deleted not
        counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        try:
            copy_with_log(damaged, copy)
        except OSError:
            return 0
        found = into.together(lambda: _salvage(copy, into))
        if not found:
            with suppress(OSError):
                _new_first_page(copy, Path(folder) / "new")
                found = into.together(lambda: _salvage(copy, into))
    return found


def _salvage(copy: Path, into: Session) -> int:
    rows = deleted = 0
    try:
        db = sqlite3.connect(copy)
    except sqlite3.Error:
        return 0
    try:
        db.execute("SELECT count(*) FROM sqlite_master")
        db.text_factory = bytes
        for record_id, gone, content in _rows(db, "record", "id, deleted, content"):
            with suppress(KeyError, ValueError, TypeError):
                record = _record(_text(record_id), _text(content))
                _check(record.path, record.image_sha256, record.plane)
                into.add(record)
                rows += 1
                if gone:
                    into.delete(record.id)
                    deleted += 1
        for sha256, content in _rows(db, "image", "image_sha256, content"):
            with suppress(KeyError, ValueError, TypeError):
                settings = ImageSettings(**json.loads(_text(content)))
                into.set_settings(_text(sha256), settings)
        files = []
        for place, content in _rows(db, "file", "place, content"):
            with suppress(KeyError, ValueError, TypeError):
                file = SessionFile(**json.loads(_text(content)))
                _check(file.path)
                files.append((place if isinstance(place, int) else _LARGEST, file))
        into.keep_files(file for _, file in sorted(files, key=lambda one: one[0]))
        for name, content in _rows(db, "state", "name, content"):
            with suppress(KeyError, ValueError, TypeError):
                into.keep_state(_text(name), json.loads(_text(content)))
        for (content,) in _rows(db, "step", "content"):
            with suppress(KeyError, ValueError, TypeError):
                into.add_step(Step.from_json(_text(content)))
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        # No database at all, or no schema to be understood: SQLite's message quotes it.
        return 0
    finally:
        db.close()
    return rows - deleted


def _rows(db: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """Rows of a table in their order; what cannot be read is stepped over."""
    last, misses, step = 0, 0, 1
    query = f"SELECT rowid, {columns} FROM {table} NOT INDEXED WHERE rowid > ? ORDER BY rowid"
    while last < _LARGEST:
        try:
            for row in db.execute(query, (last,)):
                last, misses, step = row[0], 0, 1
                yield row[1:]
            return
        except sqlite3.OperationalError as error:
            if "no such" in str(error):
                return
            misses += 1
        except (sqlite3.Error, OverflowError, UnicodeDecodeError):
            misses += 1
        if misses > _MISSES:
            step *= 2
        last += step


def _new_first_page(copy: Path, new: Path) -> None:
    """Put the first page of a new session into a copy whose own is lost."""
    Database(new).close()
    page, size = new.read_bytes(), 4096
    whole = bytearray(copy.read_bytes())
    if len(whole) < 2 * size:
        return
    whole[:size] = page[:size]
    whole[28:32] = (len(whole) // size).to_bytes(4, "big")
    whole[32:40] = bytes(8)  # no free pages
    copy.write_bytes(whole)
    copy.with_name(copy.name + "-wal").unlink(missing_ok=True)


def _text(value: object) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _check(*values: object) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("no text")
