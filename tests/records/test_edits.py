"""Edits: every change of a session has a command, and every command takes itself back."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from galaxyscope.measure.results import BarMeasurement, LineMeasurement
from galaxyscope.records import edits
from galaxyscope.records.edits import (
    EDITS,
    Add,
    Delete,
    DrawLine,
    KeepBar,
    Replace,
    Restore,
    SeeNoBar,
    SetSettings,
    SetWidth,
    Several,
    Tell,
    compare_again,
)
from galaxyscope.records.making import record_of_line
from galaxyscope.records.record import Provenance, Record
from galaxyscope.records.steps import Step
from galaxyscope.records.store import ImageSettings, Session, SessionFile
from galaxyscope.sky.image import PixelScale, SkyImage

# What a session keeps by itself; no user made it, so no user takes it back.
BY_ITSELF = {
    "keep_files": "which files are on the list: opening others is no measurement",
    "keep_file": "camera, display and hash of a file",
    "keep_state": "what the window shows",
    "add_step": "the log of what was done, undoing included",
    "relocate": "where files are now",
}
LINE = LineMeasurement(((1.0, 2.0), (31.0, 42.0)), "Ada", "2026-01-01T00:00:00Z")


@pytest.fixture
def session(tmp_path: Path) -> Any:
    with Session(tmp_path / "s.sqlite") as made:
        yield made


def everything(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """All that a user made, down to deleted rows' places."""
    rows = session._data.rows
    return {
        "rows": rows("SELECT id, content FROM record WHERE NOT deleted ORDER BY number"),
        "settings": [(r.image_sha256, session.settings(r.image_sha256)) for r in session.records()],
    }


def calls(session: Session) -> dict[str, Callable[[], object]]:
    """One call of every public method that takes part in the test below."""
    one, two = Record("a.fits", id="1" * 32), Record("b.fits", id="2" * 32)
    return {
        "add": lambda: session.add(one, two),
        "replace": lambda: session.replace(dataclasses.replace(one, observer="x")),
        "delete": lambda: session.delete(one.id),
        "restore": lambda: session.restore(one.id),
        "set_settings": lambda: session.set_settings("a", ImageSettings(0.5)),
        "keep_files": lambda: session.keep_files([SessionFile("a.fits")]),
        "keep_file": lambda: session.keep_file(SessionFile("a.fits", look={"a": 1})),
        "keep_state": lambda: session.keep_state("a", 1),
        "add_step": lambda: session.add_step(Step("a")),
        "relocate": lambda: session.relocate({"a.fits": "/c.fits"}),
        "records": session.records,
        "settings": lambda: session.settings("a"),
        "files": session.files,
        "state": lambda: session.state("a"),
        "steps": session.steps,
        "flush": session.flush,
        "save_as": lambda: session.save_as(session.path.with_name("copy.galaxyscope")),
        "together": lambda: session.together(lambda: None),
    }


def test_every_mutator_has_a_command(session: Session) -> None:
    """Which methods change the file is measured, not listed."""
    public = {
        name
        for name, member in inspect.getmembers(Session, inspect.isfunction)
        if not name.startswith("_")
    }
    tried = calls(session)
    assert public == {*tried, "close"}
    mutators = set()
    for name, call in tried.items():
        before = session._data._db.total_changes
        call()
        if session._data._db.total_changes != before:
            mutators.add(name)
    assert mutators == EDITS.keys() | BY_ITSELF.keys()
    assert not EDITS.keys() & BY_ITSELF.keys()


def make_image(image: Callable[..., SkyImage]) -> SkyImage:
    return image(sha256="e" * 64, path=Path("/x/e.fits"), scale=PixelScale(0.5, "header"))


def bar_of(length: float) -> BarMeasurement:
    ends = ((5.0, 5.0), (5.0 + length, 5.0))
    return BarMeasurement("phase", ends, length, 1.0, 0.5, 0.9, 50)


def cases(picture: SkyImage) -> dict[str, Any]:
    line = dataclasses.replace(record_of_line(picture, LINE), id="3" * 32)
    bar = bar_of(20.0)
    source = Provenance("net", "f" * 64, "grad", "bar", 0.9)
    return {
        "Add": Add((line,)),
        "Delete": Delete(("1" * 32,)),
        "Restore": Restore(("2" * 32,)),
        "Replace": Replace((Record("/x/e.fits", "drawn", image_sha256="e" * 64, id="1" * 32),)),
        "SetSettings": SetSettings("e" * 64, ImageSettings(0.7, 0.1)),
        "Several": Several((Delete(("1" * 32,)), Restore(("2" * 32,)))),
        "DrawLine": DrawLine(picture, LINE, "4" * 32),
        "SetWidth": SetWidth("e" * 64, line.plane, "1" * 32, ((5.0, 9.0), (9.0, 5.0))),
        "SeeNoBar": SeeNoBar(picture, "Ada", "2026-01-01T00:00:00Z", {}),
        "KeepBar": KeepBar(picture, bar, source),
        "Tell": Tell(picture, "", {"scale_arcsec_per_px": 2.0}),
    }


def filled(session: Session, picture: SkyImage) -> None:
    base = record_of_line(picture, LINE)
    session.add(
        dataclasses.replace(base, id="1" * 32), dataclasses.replace(base, id="2" * 32, observer="B")
    )
    session.delete("2" * 32)


KINDS = sorted(
    name
    for name, kind in inspect.getmembers(edits, inspect.isclass)
    if kind.__module__ == edits.__name__ and name != "Edit"
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_takes_itself_back(session: Session, image: Any, kind: str) -> None:
    picture = make_image(image)
    filled(session, picture)
    edit = cases(picture)[kind]
    before = everything(session)
    back = edit.apply(session)
    done = everything(session)
    assert done != before
    for _ in range(3):
        forth = back.apply(session)
        assert everything(session) == before
        back = forth.apply(session)
        assert everything(session) == done


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_that_fails_changes_nothing(session: Session, image: Any, kind: str) -> None:
    picture = make_image(image)
    filled(session, picture)
    both = Several((cases(picture)[kind], Delete(("no such row",))))
    before = everything(session)
    with pytest.raises(KeyError):
        both.apply(session)
    assert everything(session) == before


def test_an_error_in_arcsec_follows_a_new_scale(session: Session, image: Any) -> None:
    """It kept that of the old scale."""
    picture = make_image(image)
    bar = bar_of(20.0)
    KeepBar(picture, bar, Provenance()).apply(session)
    assert session.records()[0].length_err_arcsec == 0.5
    Tell(picture, "", {"scale_arcsec_per_px": 2.0}).apply(session)
    (row,) = session.records()
    assert (row.length_arcsec, row.length_err_arcsec) == (40.0, 2.0)


def test_a_bar_measured_the_same_way_takes_the_place_of_the_old_one(
    session: Session, image: Any
) -> None:
    picture = make_image(image)
    for length in (20.0, 22.0):
        bar = bar_of(length)
        KeepBar(picture, bar, Provenance("net", "f" * 64, "grad", "bar")).apply(session)
    DrawLine(picture, LINE, "4" * 32).apply(session)
    bars, line = compare_again(session, "e" * 64, "")
    assert bars.length_px == 22.0
    assert line.difference_percent == pytest.approx(100 * (50 - 22) / 22)
