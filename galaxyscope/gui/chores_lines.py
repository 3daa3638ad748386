"""What the window has done on lanes with lines: profiles, curves, imports, figures.

As in `galaxyscope.gui.chores`: plain functions for worker threads, heavy packages inside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyscope.records.record import Record
from galaxyscope.records.store import Session
from galaxyscope.sky.image import SkyImage
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.explain.protocol import Attribution
    from galaxyscope.measure.curve import LengthCurve
    from galaxyscope.measure.profile import LineProfile
    from galaxyscope.measure.results import Point
    from galaxyscope.records.comparing import Comparison


def follow_lengths(attribution: Attribution, watch: Watch) -> LengthCurve:
    """Length of a map over the threshold.

    Raises
    ------
    Cancelled
    """
    from galaxyscope.measure.curve import length_curve

    return length_curve(attribution.values, attribution.to_cutout, check=watch.check)


@dataclass(frozen=True, eq=False)
class Profiles:
    """Light and map along a line; None where there is no map."""

    light: LineProfile
    map: LineProfile | None


def profiles(
    image: SkyImage, attribution: Attribution | None, ends: tuple[Point, Point], width_px: float
) -> Profiles:
    """Average light and map across a line."""
    from galaxyscope.measure.profile import line_profile

    light = line_profile(image.light, ends, width_px)
    if attribution is None:
        return Profiles(light, None)
    of_map = line_profile(attribution.values, ends, width_px, attribution.to_cutout)
    return Profiles(light, of_map)


def draw_figure(found: Comparison, path: Path, session: Path) -> None:
    """Draw a comparison of rows of a session.

    Raises
    ------
    OSError, TableError
        If it cannot be written.
    """
    from galaxyscope.records.comparison_figure import FIGURE_SUFFIXES, draw_comparison
    from galaxyscope.records.tables import check_suffix

    check_suffix(path, FIGURE_SUFFIXES)
    rows = {row.id for pair in found.pairs for row in (*pair.a.rows, *pair.b.rows)}
    newest = max((r.created_at for p in found.pairs for r in (*p.a.rows, *p.b.rows)), default="")
    draw_comparison(found, path, (f"{len(rows)} rows of {session.name}, newest of {newest}",))


@dataclass(frozen=True)
class Imported:
    """What an import is going to add, and what it says of itself."""

    rows: tuple[Record, ...]
    sentence: str


def read_lines(
    session: Session,
    paths: Sequence[Path],
    columns: Mapping[str, str],
    scale: float | None,
    pictures: Sequence[Path],
    watch: Watch,
) -> Imported:
    """Read lines from elsewhere and find the pictures that they are of; keeps nothing.

    Parameters
    ----------
    session : Session
    paths : sequence of Path
    columns, scale
        As in `galaxyscope.records.importing.read_any`.
    pictures : sequence of Path
        Files on the list; those whose name some row has are read for their hash.

    Raises
    ------
    TableError
        One sentence that names the file and the line.
    Cancelled
    """
    from galaxyscope.records.importing import read_any
    from galaxyscope.records.importing.attach import attach, sentence_of
    from galaxyscope.records.joining import picture_name

    rows: list[Record] = []
    for path in paths:
        watch.check()
        rows += read_any(path, columns, scale)
    names = {picture_name(row) for row in rows}
    named = [path for path in pictures if picture_name(Record(str(path))) in names]
    files = {}
    for done, path in enumerate(named):
        watch.report(done, len(named))
        with suppress(OSError):  # it may be gone by now
            files[str(path)] = sha256_of(path)
    known = session.records()
    # What GalaxyScope wrote names no source; such rows are known by what they say.
    there, same = {row.source for row in known if row.source}, set(known)
    new = [r for r in rows if r.source not in there and r not in same]
    attached, count = attach(new, known, files)
    sentence = sentence_of(attached, len(rows) - len(new), count, [path.name for path in paths])
    return Imported(tuple(attached), sentence)


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes, as records have it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
