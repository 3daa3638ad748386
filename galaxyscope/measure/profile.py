"""Profiles along a line: the mean across it of light or of a map, at even steps along it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.results import Point
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.resample import resample

Floats = NDArray[np.float64]

#: A line is followed beyond each end by this share of its length.
BEYOND = 0.4
#: Samples per pixel of the cutout, along and across.
FINE = 2
MOST_SAMPLES = 2000


@dataclass(frozen=True, eq=False)
class LineProfile:
    """Mean values across a line.

    Parameters
    ----------
    along : ndarray, shape (n,)
        Cutout pixels from the middle of the line, towards its second end.
    values : ndarray, shape (n,)
        Mean over the width; NaN where the picture has no value.
    length_px, width_px : float
        Of the line, and of the strip that was averaged.
    """

    along: Floats
    values: Floats
    length_px: float
    width_px: float

    @property
    def peak(self) -> float | None:
        """Greatest value on the line itself; None where it has none."""
        on_line = np.abs(self.along) <= self.length_px / 2 + 1e-9
        known = self.values[on_line & np.isfinite(self.values)]
        return float(known.max()) if len(known) else None

    def at(self, along: float) -> float | None:
        """Value at a place, interpolated; None where there is none."""
        if not self.along[0] <= along <= self.along[-1]:
            return None
        value = float(np.interp(along, self.along, self.values))
        return value if math.isfinite(value) else None


def line_profile(
    values: NDArray[np.floating],
    ends: tuple[Point, Point],
    width_px: float = 3.0,
    to_cutout: Affine | None = None,
    beyond: float = BEYOND,
) -> LineProfile:
    """Average a picture across a line.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Light, or a map with a pixel grid of its own.
    ends : ((x1, y1), (x2, y2))
        Cutout pixels.
    width_px : float
        Width of the strip around the line, in cutout pixels.
    to_cutout : Affine
        Pixel of `values` → cutout pixel; by default they are the same.
    beyond : float
        How far the profile goes on behind both ends, in lengths of the line.

    Returns
    -------
    LineProfile
        Bilinear samples, `FINE` per cutout pixel each way, on a grid that is turned with the line
        (`galaxyscope.sky.resample`): no pixel grid shows in it.

    Raises
    ------
    ValueError
        If the line has no length or the width is not positive.
    """
    (x1, y1), (x2, y2) = ends
    length = math.hypot(x2 - x1, y2 - y1)
    if not length > 0 or not math.isfinite(length):
        raise ValueError("a profile needs a line of some length")
    if not width_px > 0:
        raise ValueError(f"the width of a profile must be positive, not {width_px}")
    reach = length * (1 + 2 * beyond)
    columns = min(MOST_SAMPLES, max(2, math.ceil(reach * FINE))) + 1
    rows = max(1, math.ceil(width_px * FINE))
    step, across = reach / (columns - 1), width_px / rows
    # From samples (column along, row across) to cutout pixels.
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    grid = Affine(
        a=step * ux,
        b=-across * uy,
        c=(x1 + x2) / 2 - reach / 2 * ux + (rows - 1) / 2 * across * uy,
        d=step * uy,
        e=across * ux,
        f=(y1 + y2) / 2 - reach / 2 * uy - (rows - 1) / 2 * across * ux,
    )
    to_source = grid if to_cutout is None else to_cutout.inverse @ grid
    strip = resample(values, to_source, (rows, columns), np.nan).astype(np.float64)
    known = np.isfinite(strip)
    counts = known.sum(axis=0)
    sums = np.where(known, strip, 0.0).sum(axis=0)
    mean: Floats = np.full(columns, np.nan)
    np.divide(sums, counts, out=mean, where=counts > 0)
    along: Floats = np.arange(columns, dtype=np.float64) * step - reach / 2
    return LineProfile(along, mean, length, width_px)


def moved_end(ends: tuple[Point, Point], end: int, along: float) -> tuple[Point, Point]:
    """Move one end of a line along the line.

    Parameters
    ----------
    ends : ((x1, y1), (x2, y2))
    end : {0, 1}
        Which one.
    along : float
        Where it goes, in pixels from the middle of the line towards its second end.

    Returns
    -------
    ((x1, y1), (x2, y2))
    """
    (x1, y1), (x2, y2) = ends
    length = math.hypot(x2 - x1, y2 - y1)
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    there = ((x1 + x2) / 2 + along * ux, (y1 + y2) / 2 + along * uy)
    return (there, ends[1]) if end == 0 else (ends[0], there)
