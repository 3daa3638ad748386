"""Changes of rows that were drawn: other ends, and the line across the bar."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from galaxyscope.measure.results import LineMeasurement, Point
from galaxyscope.records.making import record_of_line
from galaxyscope.records.record import Record
from galaxyscope.sky.image import SkyImage

WIDTH_ENDS = ("width_x1", "width_y1", "width_x2", "width_y2")
#: What a drawn row has beside its line.
KEPT = ("blind_look", "blind_series", "width_px", *WIDTH_ENDS)


def redrawn(before: Record, image: SkyImage, line: LineMeasurement) -> Record:
    """`before` with other ends: the same row of the same look, its width line with it."""
    changes = {name: getattr(before, name) for name in ("id", *KEPT)}
    return dataclasses.replace(record_of_line(image, line), **changes)


def with_width(record: Record, ends: tuple[Point, Point] | None) -> Record:
    """`record` with a line across the bar; None takes it away."""
    changes: dict[str, Any] = dict.fromkeys(("width_px", *WIDTH_ENDS))
    if ends is not None:
        values = [float(v) for end in ends for v in end]
        changes = {"width_px": math.dist(*ends), **dict(zip(WIDTH_ENDS, values, strict=True))}
    return dataclasses.replace(record, **changes)
