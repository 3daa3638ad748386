"""Rows of observers who drew blind, and width lines."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from galaxyscope.measure.lines import draw_line
from galaxyscope.measure.observers import one_way
from galaxyscope.records.blind_series import result_of
from galaxyscope.records.drawn import redrawn, with_width
from galaxyscope.records.making import record_of_line, record_of_no_bar
from galaxyscope.records.record import Record
from galaxyscope.records.tables import read_records, write_records
from galaxyscope.sky.image import SkyImage

IMAGE = SkyImage(np.ones((1, 40, 40), np.float32), "a.png", sha256="a" * 64)


def look(i: int, number: int, length: float, series: str = "s") -> Record:
    return Record(
        f"g{i}", "drawn", "line", length_px=length, observer="Ada", image_sha256=f"{i:064x}",
        blind_look=number, blind_series=series,
    )  # fmt: skip


def test_repeats_tell_how_well_an_observer_agrees_with_himself() -> None:
    pairs = [(10.0, 11.0), (20.0, 19.0), (35.0, 36.0)]
    rows = [look(i, n + 1, v) for i, pair in enumerate(pairs) for n, v in enumerate(pair)]
    rows += [
        look(7, 1, 50.0),
        look(0, 1, 99.0, "another"),
        dataclasses.replace(rows[0], blind_look=None),
    ]
    none = record_of_no_bar(IMAGE, "Ada", "2026-01-01T00:00:00Z")
    rows.append(dataclasses.replace(none, blind_look=1, blind_series="s"))
    found = result_of(rows, "s")
    assert (found.lines, found.without, found.galaxies, found.repeated) == (7, 1, 5, 3)
    assert found.within == one_way([[math.log(v) for v in pair] for pair in pairs])


def test_one_repeat_has_no_correlation() -> None:
    found = result_of([look(0, 1, 10.0), look(0, 2, 11.0)], "s")
    assert found.repeated == 1
    assert found.within is None


def test_a_line_that_is_moved_stays_the_same_look_with_its_width(tmp_path: Path) -> None:
    drawn = record_of_line(IMAGE, draw_line((5, 5), (25, 5), "Ada"))
    drawn = dataclasses.replace(drawn, blind_look=2, blind_series="now seed 3")
    drawn = with_width(drawn, ((10.0, 2.0), (10.0, 8.5)))
    moved = redrawn(drawn, IMAGE, draw_line((5, 5), (30, 5), "Ada"))
    assert moved.length_px == 25.0
    assert moved.id == drawn.id
    assert (moved.blind_look, moved.blind_series) == (2, "now seed 3")
    assert moved.width_px == 6.5
    assert moved.width_ends == ((10.0, 2.0), (10.0, 8.5))
    write_records(tmp_path / "t.csv", [moved])
    assert read_records(tmp_path / "t.csv") == [moved]
    bare = with_width(moved, None)
    assert bare.width_px is None
    assert bare.width_ends is None
    assert bare.length_px == 25.0


def test_no_bar_is_a_row_of_its_own() -> None:
    row = record_of_no_bar(IMAGE, "Ada", "2026-01-01T00:00:00Z")
    assert row.length_px is None
    assert row.ends is None
    assert row.reason == "The observer saw no bar."
    assert row.image_sha256 == "a" * 64
    assert row.light_r90_px == pytest.approx(40 * 50 / 424, rel=0.5)
