"""Length against threshold: where the length of a map hardly depends on the level chosen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.invariant import axis_ends, scaled_by_maximum, scaled_min_pixels
from galaxyscope.measure.search import NoBarError
from galaxyscope.sky.frame import Affine

Floats = NDArray[np.float64]

#: Levels that are tried.
LEVELS: Floats = np.round(np.arange(0.05, 0.96, 0.01), 2)
#: A plateau changes by less than this share of its length from end to end …
FLAT = 0.05
#: … over at least this range of thresholds.
WIDE = 0.05


@dataclass(frozen=True)
class Plateau:
    """The widest range of thresholds over which the length stays within `FLAT`."""

    low: float
    high: float
    length_px: float


@dataclass(frozen=True, eq=False)
class LengthCurve:
    """Length of a map's iso-contours.

    Parameters
    ----------
    threshold : ndarray, shape (n,)
        Relative to the map's maximum.
    length_px : ndarray, shape (n,)
        Full length along the principal axis of the area above the level, in cutout pixels; NaN
        where fewer pixels than T_1 are left.
    plateau : Plateau or None
        None where the length changes everywhere.
    """

    threshold: Floats
    length_px: Floats
    plateau: Plateau | None

    def at(self, threshold: float) -> float | None:
        """Length at a threshold, interpolated; None outside the curve."""
        known = np.isfinite(self.length_px)
        x, y = self.threshold[known], self.length_px[known]
        if not len(x) or not x[0] <= threshold <= x[-1]:
            return None
        return float(np.interp(threshold, x, y))


def length_curve(
    values: NDArray[np.floating],
    to_cutout: Affine,
    min_pixels: int = 40,
    check: Callable[[], None] | None = None,
) -> LengthCurve:
    """Follow the length of a map through the thresholds.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Attribution map; only its positive part counts.
    to_cutout : Affine
        Map pixel → cutout pixel.
    min_pixels : int
        T_1 for a map of 224 × 224 pixels.
    check : callable, optional
        Called between levels; what it raises ends the work (`Watch.check`).

    Notes
    -----
    Ends as in `galaxyscope.measure.invariant.axis_ends`. A map that shows nothing gives a curve
    without lengths.
    """
    lengths = np.full(len(LEVELS), np.nan)
    try:
        relative = scaled_by_maximum(values)
    except NoBarError:
        return LengthCurve(LEVELS, lengths, None)
    fewest = scaled_min_pixels(min_pixels, relative.shape)
    for i, level in enumerate(LEVELS):
        if check is not None:
            check()
        mask = relative > level
        if np.count_nonzero(mask) < fewest:
            break
        ends = axis_ends(relative, float(level), mask)
        if ends is not None:
            lengths[i] = math.dist(*to_cutout(ends).tolist())
    return LengthCurve(LEVELS, lengths, plateau_of(LEVELS, lengths))


def plateau_of(threshold: Floats, length: Floats) -> Plateau | None:
    """Find the widest run of thresholds over which lengths stay within `FLAT` of their mean.

    Of runs equally wide the one with the lower thresholds; None where no run is as wide as `WIDE`.
    """
    best: tuple[int, int] | None = None
    start = 0
    for stop in range(len(threshold)):
        if not np.isfinite(length[stop]):
            start = stop + 1
            continue
        while np.ptp(length[start : stop + 1]) > FLAT * float(length[start : stop + 1].mean()):
            start += 1
        if best is None or stop - start > best[1] - best[0]:
            best = start, stop
    if best is None or threshold[best[1]] - threshold[best[0]] < WIDE - 1e-9:
        return None
    run = slice(best[0], best[1] + 1)
    return Plateau(
        float(threshold[best[0]]), float(threshold[best[1]]), float(np.median(length[run]))
    )
