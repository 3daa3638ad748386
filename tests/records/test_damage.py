"""Sessions that were damaged or tampered with: what can be read is saved, nothing is lost."""

from __future__ import annotations

import os
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from galaxyscope.records.opening import open_shared
from galaxyscope.records.record import Record
from galaxyscope.records.steps import Step
from galaxyscope.records.store import (
    DamagedSessionError,
    ImageSettings,
    Session,
    SessionError,
    SessionFile,
)
from tests.records.test_sessions import row


def full_session(path: Path, count: int = 60) -> list[Record]:
    rows = [row(n, sha=str(n % 7) * 64, parameters="y" * 200) for n in range(count)]
    with Session(path) as session:
        session.add(*rows)
        session.delete(rows[5].id)
        session.set_settings("a" * 64, ImageSettings(0.5, None))
        session.keep_files([SessionFile("/x/a.fits"), SessionFile("/x/b.fits")])
        session.keep_state("window", {"current": "/x/b.fits"})
        session.add_step(Step("draw line"))
    del rows[5]
    return rows


def test_a_lost_first_page_costs_no_row(tmp_path: Path) -> None:
    path = tmp_path / "week.galaxyscope"
    rows = full_session(path)
    broken = random.Random(1).randbytes(4096) + path.read_bytes()[4096:]
    path.write_bytes(broken)
    session, note = open_shared(path)
    with session:
        assert session.records() == rows, "the deleted row stays deleted"
        assert session.settings("a" * 64) == ImageSettings(0.5, None)
        assert [f.path for f in session.files()] == ["/x/a.fits", "/x/b.fits"]
        assert session.state("window") == {"current": "/x/b.fits"}
        assert [step.title for step in session.steps()] == ["draw line"]
        assert session.path.name == "week-recovered-1.galaxyscope"
    assert path.read_bytes() == broken
    assert "it stays as it is" in note
    assert f"{len(rows)} rows" in note


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
@example(seed=4161)  # damage in the schema that SQLite's own message cannot quote
@example(seed=26111)  # a format that SQLite says it does not support
def test_any_damage_is_survived(tmp_path_factory: Any, seed: int) -> None:
    folder, chance = tmp_path_factory.mktemp("damage"), random.Random(seed)
    path = folder / "s.galaxyscope"
    rows = full_session(path, 20)
    content = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content))
        content[at : at + chance.choice((1, 20, 900))] = chance.randbytes(chance.choice((1, 20)))
    path.write_bytes(content)
    said = ""
    try:
        session, note = open_shared(path)
    except SessionError as error:
        said, note = str(error), ""
    else:
        with session:
            # A row that comes back is a row that was there (damage inside a text is not seen).
            assert len(session.records()) <= len(rows) + 1
            assert bool(note) == (session.path != path)
    for text in filter(None, (said, note)):
        assert text.startswith("s.galaxyscope: ")
        assert "\n" not in text
        assert path.read_bytes() == content


def test_what_is_not_a_session_is_named_and_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "bookmarks.galaxyscope"
    db = sqlite3.connect(foreign)
    db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.close()
    (tmp_path / "empty.galaxyscope").touch()
    (tmp_path / "text.galaxyscope").write_text("no session at all")
    os.mkfifo(tmp_path / "pipe.galaxyscope")
    before = foreign.read_bytes()
    for name, says in {
        "bookmarks": "not a GalaxyScope session",
        "empty": "the file is empty",
        "text": "nothing in it can be read",
        "pipe": "is no file",
        "absent": "there is no such file",
    }.items():
        with pytest.raises(SessionError, match=says):
            open_shared(tmp_path / f"{name}.galaxyscope")
    assert foreign.read_bytes() == before
    assert not list(tmp_path.glob("*recovered*"))
    assert not (tmp_path / "absent.galaxyscope").exists()


def test_triggers_of_a_hostile_session_reach_nothing(tmp_path: Path) -> None:
    """A session is data: it opens or is refused, whatever SQL somebody put into it."""
    path = tmp_path / "s.galaxyscope"
    full_session(path)
    db = sqlite3.connect(path)
    db.execute("CREATE TRIGGER t AFTER INSERT ON step BEGIN SELECT load_extension('evil'); END")
    db.commit()
    db.close()
    with pytest.raises(DamagedSessionError, match="triggers"):
        open_shared(path)
