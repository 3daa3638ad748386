"""Sessions beyond their rows: past versions, files, steps, what refuses to be written."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from galaxyscope.records.opening import open_own
from galaxyscope.records.places import find_again
from galaxyscope.records.record import Record
from galaxyscope.records.schema import MIGRATIONS, SCHEMA_VERSION
from galaxyscope.records.steps import Step
from galaxyscope.records.store import (
    ImageSettings,
    Session,
    SessionError,
    SessionFile,
    file_at,
)

GOLDEN = Path(__file__).parent / "golden"


def row(number: int = 0, sha: str = "a" * 64, **fields: Any) -> Record:
    return Record(path=f"g{number}.fits", image_sha256=sha, length_px=40.0 + number, **fields)


# -- past versions


def test_there_is_a_golden_file_of_every_past_version() -> None:
    found = {path.stem for path in GOLDEN.glob("session-*.sqlite")}
    assert found == {f"session-{n}" for n in range(1, SCHEMA_VERSION)}


def test_released_migrations_do_not_change() -> None:
    """What a golden file holds was made by these words; a new version adds to them."""
    first = hashlib.sha256(MIGRATIONS[0].encode()).hexdigest()
    assert first == "48b9f055f94a9d802cb5b1c46cd9d0ae74636c490e0ea3a3c093a3db6db73d67"


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_a_past_version_opens_with_all_it_had(tmp_path: Path, version: int) -> None:
    path = tmp_path / "old.sqlite"
    shutil.copy(GOLDEN / f"session-{version}.sqlite", path)
    with Session(path) as session:
        first, second = session.records()
        assert (first.id, first.kind, first.length_px) == ("1" * 32, "automatic", 72.5)
        assert first.length_err_arcsec == pytest.approx(0.75)
        assert (second.observer, second.difference_deg) == ("Zoë", 1.5)
        assert session.settings("a" * 64) == ImageSettings(0.6, 0.004)
        assert session.files() == session.steps() == []
        session.restore("3" * 32)
        assert session.records()[2].path == "odd\udcff.fits"
        session.keep_state("window", {"current": "x"})
    with Session(path) as session:  # and stays open-able
        assert session.state("window") == {"current": "x"}
        assert len(session.records()) == 3
    version_now = sqlite3.connect(path).execute("PRAGMA user_version").fetchone()[0]
    assert version_now == SCHEMA_VERSION


# -- files, state, steps


def test_files_keep_their_order_and_their_look(tmp_path: Path) -> None:
    with Session(tmp_path / "s.sqlite") as session:
        files = [file_at(tmp_path / f"{n}.fits", session.path) for n in "cab"]
        session.keep_files(files)
        assert [f.relative for f in session.files()] == ["c.fits", "a.fits", "b.fits"]
        seen = dataclasses.replace(files[1], sha256="d" * 64, size=5, look={"view": [1, 2]})
        session.keep_file(seen)
        session.keep_files(files[::-1])
        assert session.files() == [files[2], seen, files[0]]
        session.keep_files(files[:1])
        assert session.files() == files[:1]
        session.keep_files(files)
        assert session.files()[1] == seen, "what was taken from the list is not forgotten"


def test_steps_and_state_come_back(tmp_path: Path) -> None:
    step = Step("draw line", "odd\udcff\n.fits", ("galaxyscope", "line", "a b"), "2026-01-01")
    with Session(tmp_path / "s.sqlite") as session:
        session.add_step(step)
        session.keep_state("window", {"a": [1, None, "ü"]})
        assert session.state("nothing") is None
    with Session(tmp_path / "s.sqlite") as session:
        assert session.steps() == [step]
        assert session.steps()[0].line == "galaxyscope line 'a b'"
        assert session.state("window") == {"a": [1, None, "ü"]}


def test_moved_files_take_their_rows_and_their_place_along(tmp_path: Path) -> None:
    with Session(tmp_path / "s.sqlite") as session:
        session.add(row(1), row(2))
        session.keep_files([SessionFile("g1.fits"), SessionFile("g2.fits")])
        session.relocate({"g1.fits": str(tmp_path / "new.fits")})
        assert [r.path for r in session.records()] == [str(tmp_path / "new.fits"), "g2.fits"]
        first, second = session.files()
        assert (first.path, first.relative) == (str(tmp_path / "new.fits"), "new.fits")
        session.relocate({"g2.fits": str(tmp_path / "new.fits")})  # it is on the list already
        assert [f.path for f in session.files()] == [first.path]
        assert second.path == "g2.fits"


def test_a_saved_session_stands_for_itself(tmp_path: Path) -> None:
    with Session(tmp_path / "own" / "s.sqlite") as session:
        session.add(row(1), row(2))
        session.delete(session.records()[1].id)
        session.keep_files([file_at(tmp_path / "pictures" / "a.fits", session.path)])
        (tmp_path / "pictures").mkdir()
        session.save_as(tmp_path / "pictures" / "week.galaxyscope")
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == ["week.galaxyscope"]
    with Session(tmp_path / "pictures" / "week.galaxyscope") as copy:
        assert copy.records() == [row(1)]
        assert copy.files()[0].relative == "a.fits"
        with pytest.raises(SessionError, match="cannot be written"):
            copy.save_as(tmp_path / "no folder" / "x.galaxyscope")


def test_a_saved_session_takes_nothing_from_the_one_it_replaces(tmp_path: Path) -> None:
    """A program that was killed leaves its last rows beside the file, for SQLite to read."""
    old = tmp_path / "old.galaxyscope"
    with Session(old) as other:
        other.add(row(1), row(2), row(3))
        for end in ("", "-wal"):
            shutil.copyfile(f"{old}{end}", tmp_path / f"week.galaxyscope{end}")
    with Session(tmp_path / "own.galaxyscope") as session:
        session.add(row(7))
        session.save_as(tmp_path / "week.galaxyscope")
    with Session(tmp_path / "week.galaxyscope") as copy:
        assert copy.records() == [row(7)]


def test_a_session_is_not_saved_over_itself_through_a_link(tmp_path: Path) -> None:
    with Session(tmp_path / "s.galaxyscope") as session:
        (tmp_path / "link.galaxyscope").symlink_to(session.path)
        with pytest.raises(SessionError, match="is the session that is open"):
            session.save_as(tmp_path / "link.galaxyscope")
        session.add(row(1))
    with Session(tmp_path / "s.galaxyscope") as session:
        assert session.records() == [row(1)]


# -- files found again


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, list[SessionFile]]:
    """Three files of a session beside them; two have one name."""
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    contents = {"a.fits": b"a" * 10, "b.fits": b"b" * 20, "sub/a.fits": b"c" * 10}
    files = []
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        files.append(
            file_at(
                folder / name,
                folder / "s.galaxyscope",
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
            )
        )
    return folder, files


def test_files_in_their_place_are_not_moved(pictures: Any) -> None:
    folder, files = pictures
    assert find_again(files, folder / "s.galaxyscope") == ({}, [])


def test_a_folder_that_moved_with_its_session(pictures: Any, tmp_path: Path) -> None:
    folder, files = pictures
    moved = tmp_path / "other place"
    shutil.move(folder, moved)
    found, missing = find_again(files, moved / "s.galaxyscope")
    assert missing == []
    assert found[files[2].path] == str(moved / "sub" / "a.fits")


def test_files_that_were_renamed_and_scattered_are_known_by_their_bytes(
    pictures: Any, tmp_path: Path
) -> None:
    folder, files = pictures
    away = tmp_path / "away"
    (away / "deep").mkdir(parents=True)
    shutil.move(folder / "a.fits", away / "deep" / "galaxy one.fits")
    shutil.move(folder / "sub" / "a.fits", away / "a.fits")
    session = tmp_path / "sessions" / "s.galaxyscope"
    found, missing = find_again(files, session, [away])
    assert missing == []
    assert found == {
        files[0].path: str(away / "deep" / "galaxy one.fits"),
        files[2].path: str(away / "a.fits"),
    }
    (away / "a.fits").write_bytes(b"x" * 10)  # the same name and size, another picture
    found, missing = find_again(files, session, [away])
    assert missing == [files[2].path]


def test_a_lying_session_finds_nothing_and_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.fits")
    (tmp_path / "loop").symlink_to(tmp_path)
    lies = [
        SessionFile("/nowhere/a.fits", "a.fits", "f" * 64, 0),
        SessionFile("/nowhere/\0.fits", "\0", "f" * 64, None),
        SessionFile("/nowhere/x", "../" * 50 + "etc/nothing", "", 5),
    ]
    found, missing = find_again(lies, tmp_path / "s.galaxyscope")
    assert found == {}
    assert len(missing) == 3


# -- what refuses to be written


def fill(session: Session) -> None:
    """Let the file not grow any more: SQLite then says what it says of a full disk."""
    session._data._db.execute("PRAGMA max_page_count = 1")


def test_on_a_full_disk_work_goes_on_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    session = Session(path)
    session.add(row(0))
    fill(session)
    rows = [row(n, parameters="x" * 3000) for n in range(1, 12)]
    for one in rows:
        session.add(one)
    assert "full" in session.trouble
    assert session.trouble.startswith("s.sqlite: ")
    waiting = session.waiting
    assert 0 < waiting <= len(rows)
    assert session.records() == [row(0), *rows]
    session.delete(rows[0].id)
    session.replace(dataclasses.replace(rows[1], observer="me"))
    with pytest.raises(KeyError):  # a mistake is not kept for later
        session.delete(rows[0].id)
    assert session.waiting == waiting + 2
    with Session(path) as there:
        assert len(there.records()) < len(rows), "nothing of it is on disk"
    assert session.flush()
    assert (session.waiting, session.trouble) == (0, "")
    expected = [row(0), dataclasses.replace(rows[1], observer="me"), *rows[2:]]
    with Session(path) as there:
        assert there.records() == session.records() == expected
    session.close()


def test_a_read_only_file_is_tried_again_until_it_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    session = Session(path)
    session._data._db.execute("PRAGMA query_only = ON")
    session.add(row(1))
    assert "readonly" in session.trouble
    opened = session._data._open_file

    def refuse() -> Any:
        db = opened()
        db.execute("PRAGMA query_only = ON")
        return db

    session._data._open_file = refuse  # type: ignore[method-assign]
    for _ in range(3):
        assert not session.flush()
        assert session.waiting == 1
        assert session.records() == [row(1)]
    session._data._open_file = opened  # type: ignore[method-assign]
    session.close()  # the last try
    with Session(path) as there:
        assert there.records() == [row(1)]


def test_a_locked_file_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from galaxyscope.records import database

    monkeypatch.setattr(database, "BUSY_S", 0.05)
    path = tmp_path / "s.sqlite"
    with Session(path) as session:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        session.add(row(1))
        assert "locked" in session.trouble
        assert not session.flush()
        other.execute("ROLLBACK")
        other.close()
        assert session.flush()
        assert session.records() == [row(1)]


def test_where_nothing_can_be_written_a_session_begins_in_memory(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file where the folder should be")
    session, note = open_own(tmp_path / "folder" / "session.sqlite")
    assert "kept in memory" in note
    session.add(row(1))
    session.together(lambda: (session.add(row(2)), session.keep_state("a", 1)))
    assert session.waiting == 2
    assert not session.flush()
    (tmp_path / "folder").unlink()
    assert session.flush()
    session.close()
    with Session(tmp_path / "folder" / "session.sqlite") as there:
        assert there.records() == [row(1), row(2)]
        assert there.state("a") == 1


def test_all_or_nothing_holds_in_memory_too(tmp_path: Path) -> None:
    session = Session(tmp_path / "s.sqlite")
    session._data._db.execute("PRAGMA query_only = ON")
    one = row(1)

    def work() -> None:
        session.add(one)
        session.delete("no such row")

    with pytest.raises(KeyError):
        session.together(work)
    assert session.records() == []
    session.close()
    with Session(tmp_path / "s.sqlite") as there:
        assert there.records() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 300 KiB, where this user may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("this user may not mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_real_full_disk(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 100_000)
    session = Session(small_disk / "s.sqlite")
    rows = [row(n, parameters="x" * 2000) for n in range(100)]
    for one in rows:
        session.add(one)
    assert "full" in session.trouble or "I/O" in session.trouble
    assert session.records() == rows
    assert not session.flush()
    assert session.waiting
    ballast.unlink()
    subprocess.run(
        ["mount", "-o", "remount,size=4m", str(small_disk)], check=True, capture_output=True
    )
    assert session.flush()
    session.close()
    with Session(small_disk / "s.sqlite") as there:
        assert there.records() == rows
