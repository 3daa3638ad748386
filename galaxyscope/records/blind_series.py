"""What came of a blind series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from galaxyscope.measure.observers import Intraclass, one_way
from galaxyscope.records.record import Record


@dataclass(frozen=True)
class SeriesResult:
    """How a series went.

    Parameters
    ----------
    lines, without : int
        Lines that were drawn, and looks at which no bar was seen.
    galaxies : int
        Galaxies that were looked at.
    repeated : int
        Galaxies with a line at both looks.
    within : Intraclass or None
        Agreement of the observer with himself, in ln length; None for fewer than two repeats.
    """

    lines: int
    without: int
    galaxies: int
    repeated: int
    within: Intraclass | None


def result_of(records: Sequence[Record], series: str) -> SeriesResult:
    """Sum up the rows of one series."""
    rows = [r for r in records if r.blind_series == series and r.blind_look]
    lengths: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        of_galaxy = lengths.setdefault((row.image_sha256, row.plane), [])
        if row.length_px:
            of_galaxy.append(row.length_px)
    repeats = [found for found in lengths.values() if len(found) > 1]
    drawn = sum(len(found) for found in lengths.values())
    within = one_way([[math.log(v) for v in found] for found in repeats])
    return SeriesResult(drawn, len(rows) - drawn, len(lengths), len(repeats), within)
