"""The session: nothing shown is lost, nothing damaged is overwritten, everything can be undone."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.records.opening import open_own
from galaxyscope.records.record import Record
from galaxyscope.records.store import (
    APPLICATION_ID,
    DamagedSessionError,
    ImageSettings,
    Session,
    SessionError,
    default_session_path,
)


def row(number: int = 0, sha: str = "a" * 64, **fields: object) -> Record:
    return Record(path=f"g{number}.fits", image_sha256=sha, length_px=40.0 + number, **fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "session.sqlite"


def test_rows_come_back_in_order_after_reopening(path: Path) -> None:
    rows = [row(n, sha=str(n % 2) * 64) for n in range(5)]
    with Session(path) as session:
        for one in rows[:3]:
            session.add(one)
        session.add(*rows[3:])
    with Session(path) as session:
        assert session.records() == rows
        assert [r.id for r in session.records()] == [r.id for r in rows]
        assert session.records("1" * 64) == rows[1::2]
        assert session.records("2" * 64) == []


def test_planes_of_one_file_are_told_apart(path: Path) -> None:
    first, second = row(1, plane="1"), row(1, plane="2:0")
    with Session(path) as session:
        session.add(first, second)
        assert session.records("a" * 64, "2:0") == [second]
        assert session.records("a" * 64) == [first, second]


def test_delete_and_restore_keep_the_place(path: Path) -> None:
    rows = [row(n) for n in range(3)]
    with Session(path) as session:
        session.add(*rows)
        session.delete(rows[1].id)
        assert session.records() == [rows[0], rows[2]]
        with pytest.raises(KeyError):
            session.delete(rows[0].id, rows[1].id)
        assert session.records() == [rows[0], rows[2]], "all or nothing"
        session.restore(rows[1].id)
        assert session.records() == rows
        with pytest.raises(KeyError):
            session.restore(rows[1].id)


def test_replacing_gives_what_undoes_it(path: Path) -> None:
    before = row(1, observer="one")
    after = dataclasses.replace(before, observer="two", image_sha256="b" * 64)
    with Session(path) as session:
        session.add(before)
        assert session.replace(after) == before
        assert session.records("b" * 64) == [after]
        session.replace(before)
        assert session.records() == [before]
        with pytest.raises(KeyError):
            session.replace(row(2))


def test_a_row_is_added_once(path: Path) -> None:
    one, two = row(1), row(2)
    with Session(path) as session:
        session.add(one)
        with pytest.raises(KeyError):
            session.add(two, one)
        assert session.records() == [one], "all or nothing"


def test_settings_of_images(path: Path) -> None:
    with Session(path) as session:
        assert session.settings("a") == ImageSettings()
        assert session.set_settings("a", ImageSettings(0.6, 0.03)) == ImageSettings()
        assert session.set_settings("a", ImageSettings(None, 0.03)) == ImageSettings(0.6, 0.03)
    with Session(path) as session:
        assert session.settings("a") == ImageSettings(None, 0.03)
        assert session.settings("b") == ImageSettings()


@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters()), number=st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_any_number_survive(text: str, number: float) -> None:
    # Lone surrogates are how Python holds file names that are not UTF-8.
    one = Record(path=text, observer=text, x1=number)
    with Session(Path(":memory:")) as session:
        session.add(one)
        assert session.records() == [one]


def test_many_threads_share_a_session(path: Path) -> None:
    with Session(path) as session:

        def work(thread: int) -> None:
            for n in range(10):
                one = row(n, sha=str(thread))
                session.add(one)
                assert one in session.records(str(thread))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for n in range(4):
            assert session.records(str(n)) == [row(k, sha=str(n)) for k in range(10)]


def test_two_windows_share_a_session(path: Path) -> None:
    with Session(path) as one, Session(path) as two:
        one.add(row(1))
        two.add(row(2))
        assert one.records() == two.records() == [row(1), row(2)]


def test_a_closed_session_says_so(path: Path) -> None:
    session = Session(path)
    session.close()
    with pytest.raises(SessionError, match="closed"):
        session.add(row())


WRITER = """
import sys
from pathlib import Path
from galaxyscope.records.opening import open_own
from galaxyscope.records.record import Record
from galaxyscope.records.store import Session
with Session(Path(sys.argv[1])) as session:
    n = 0
    while True:
        session.add(Record(path=f"{n}.fits", image_sha256="a"))
        print(n, flush=True)
        n += 1
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_kill_9_loses_nothing_that_was_shown(path: Path) -> None:
    chance = random.Random(7)
    shown = 0
    for _ in range(8):
        with Session(path) as session:
            before = len(session.records())
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(chance.randint(1, 20))]
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.readlines()
        whole = [line for line in lines if line.endswith("\n")]
        with Session(path) as session:
            kept = [r.path for r in session.records()][before:]
        assert kept[: len(whole)] == [f"{line.strip()}.fits" for line in whole]
        # One row may have been committed in the moment before it was shown, never two.
        assert len(kept) <= len(whole) + 1
        shown += len(whole)
    assert shown > 20


@pytest.mark.parametrize(
    "content", [b"not a database" * 500, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_a_damaged_file_is_set_aside_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DamagedSessionError, match=r"session\.sqlite: damaged session"):
        Session(path)
    assert path.read_bytes() == content
    session, note = open_own(path)
    with session:
        session.add(row())
    (aside,) = path.parent.glob("session.sqlite.damaged-*")
    assert aside.read_bytes() == content
    assert "session.sqlite" in note
    assert aside.name in note


def test_a_session_with_its_pages_overwritten_is_never_used(path: Path) -> None:
    chance = random.Random(3)
    with Session(path) as session:
        session.add(*[row(n, parameters="x" * 300) for n in range(200)])
    whole = path.read_bytes()
    damaged = recovered = 0
    for _ in range(25):
        content = bytearray(whole)
        start = chance.randrange(0, len(content) - 600)
        content[start : start + 600] = chance.randbytes(600)
        path.write_bytes(content)
        session, note = open_own(path)
        with session:
            rows = session.records()
        if note:
            damaged += 1
            recovered += len(rows)
            assert all(one.length_px == 40 + int(one.path[1:-5]) for one in rows)
            (aside,) = path.parent.glob("*damaged*")
            assert aside.read_bytes() == bytes(content)
            aside.unlink()
        for leftover in path.parent.glob("session.sqlite*"):
            leftover.unlink()
    assert damaged > 15, "damage inside texts alone cannot be seen"
    assert recovered > 0.9 * 200 * damaged


def test_a_truncated_session_is_set_aside(path: Path) -> None:
    with Session(path) as session:
        session.add(*[row(n) for n in range(200)])
    path.write_bytes(path.read_bytes()[:-5000])
    session, note = open_own(path)
    session.close()
    assert "damaged" in note


def test_the_log_of_a_damaged_session_goes_with_it(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"x" * 5000)
    log = path.with_name(path.name + "-wal")
    log.write_bytes(b"rows that were not merged yet")
    session, _ = open_own(path)
    with session:
        assert session.records() == []
    (aside,) = path.parent.glob("*.damaged-*-wal")
    assert aside.read_bytes() == b"rows that were not merged yet"


def test_a_foreign_database_is_not_written_to(path: Path) -> None:
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(DamagedSessionError, match="not a GalaxyScope session"):
        Session(path)
    assert path.read_bytes() == before


def test_a_newer_session_is_refused_and_stays(path: Path) -> None:
    Session(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(SessionError, match="newer GalaxyScope"):
        open_own(path)
    assert path.exists()


def test_a_place_that_cannot_be_written_to_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match=r"session\.sqlite: cannot be opened"):
        Session(tmp_path / "file" / "session.sqlite")
    with pytest.raises(SessionError):
        Session(tmp_path)


def test_the_file_is_a_durable_one(path: Path) -> None:
    with Session(path) as session:
        db = session._data._db
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def test_the_default_session_is_the_users_own() -> None:
    path = default_session_path()
    assert path.is_absolute()
    assert "galaxyscope" in path.parts
