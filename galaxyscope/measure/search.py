"""What both bar searches share: levels, nested masks and their moments.

A mask is the set of map pixels above a level. As the level rises the masks shrink, each
inside the one before, so one sort of the pixels holds them all: mask *k* is the brightest
``n_k`` pixels. Running sums of x, y, x², y² and xy in that order give the second moments of
every mask at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.results import Point

Levels = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Ends = tuple[Point, Point]

#: The levels that are tried, rising: 5,000 of them, compared in float32 as the paper's authors did.
THRESHOLDS: Levels = np.arange(0.5, 1.0, 0.0001).astype(np.float32)
THRESHOLDS.setflags(write=False)

#: Side in pixels of the maps for which the paper states its ``T_1`` = 40 pixels.
PAPER_SIDE = 224

StoppedBy = Literal["elongation", "min-pixels", "last-level", "light"]


class NoBarError(ValueError):
    """No bar can be measured on this map; the message is one sentence that says why."""


@dataclass(frozen=True, eq=False)
class BarSearch:
    """Where a search stopped and the bar it found there, in pixels of the map.

    Parameters
    ----------
    threshold : float
        Level at which the search stopped, relative to the map's range (0 to 1).
    elongation : float or None
        |Pearson r| or (λ1−λ2)/(λ1+λ2) of the mask; None where it is undefined, which is so
        for a single pixel and, for r, for a straight row or column of pixels.
    mask : ndarray of bool, shape (rows, columns)
        Pixels above the level.
    ends : ((x1, y1), (x2, y2)) or None
        Ends of the bar, the one with the smaller x (then y) first; None where fewer than
        two pixels are left.
    stopped_by : {"elongation", "min-pixels", "last-level", "light"}
        Which condition ended the search; ``light``: the map gave the axis only.
    """

    threshold: float
    elongation: float | None
    mask: Mask
    ends: Ends | None
    stopped_by: StoppedBy


@dataclass(frozen=True, eq=False)
class NestedMasks:
    """Pixel counts and second moments of every distinct mask, largest mask first.

    Parameters
    ----------
    level : ndarray of int
        Index into `THRESHOLDS` of the first level that gives this mask.
    pixels : ndarray of int
        Pixels in the mask.
    xx, yy, xy : ndarray
        ``n Σx² − (Σx)²`` and so on: n² times the covariances.
    """

    level: Ints
    pixels: Ints
    xx: Floats
    yy: Floats
    xy: Floats


def nested_masks(relative: Levels) -> NestedMasks:
    """Count pixels and second moments above every threshold at once.

    Parameters
    ----------
    relative : ndarray of float32, shape (rows, columns)
        Map scaled to a maximum of 1. NaN is above no level.

    Returns
    -------
    NestedMasks
        The moments are exact integers for maps up to about 2000 × 2000 pixels; above that
        the last product is taken in floating point.
    """
    rows, columns = relative.shape
    flat = relative.ravel()
    above = np.flatnonzero(flat > THRESHOLDS[0])
    order = np.argsort(flat[above], kind="stable")[::-1]
    brightest = above[order]
    rising = flat[brightest][::-1]
    counts = rising.size - np.searchsorted(rising, THRESHOLDS, side="right")
    level = np.flatnonzero(np.diff(counts, prepend=-1))
    n = counts[level].astype(np.int64)

    # Coordinates from the middle of the map keep the sums, and so the products, small.
    y, x = np.divmod(brightest.astype(np.int64), columns)
    x -= columns // 2
    y -= rows // 2

    fits = int(n[0]) ** 2 * max(rows, columns) ** 2 < 2**62

    def total(values: Ints) -> Ints | Floats:
        sums: Ints = np.concatenate([[0], np.cumsum(values)])[n]
        return sums if fits else sums.astype(np.float64)

    sx, sy = total(x), total(y)

    def moment(products: Ints, a: Ints | Floats, b: Ints | Floats) -> Floats:
        return np.asarray(n * total(products) - a * b, np.float64)

    return NestedMasks(
        level, n, moment(x * x, sx, sx), moment(y * y, sy, sy), moment(x * y, sx, sy)
    )


def as_map(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Check a map and bring it to native floating point (integers become float64).

    Raises
    ------
    ValueError
        If `values` is not a two-dimensional array of real numbers.
    NoBarError
        If the map is empty or has no finite pixel.
    """
    values = np.asarray(values)
    if values.ndim != 2:
        raise ValueError(f"a map must have two dimensions, not shape {values.shape}")
    if values.dtype.kind not in "fiub":
        raise ValueError(f"a map must hold real numbers, not {values.dtype}")
    kind = np.float32 if values.dtype.kind == "f" and values.dtype.itemsize <= 4 else np.float64
    values = values.astype(kind)
    if not np.isfinite(values).any():
        raise NoBarError("The map has no finite pixel.")
    return values


def point_pair(first: NDArray[np.number], second: NDArray[np.number]) -> Ends:
    """Order two points by x, then y, as plain floats."""
    a = (float(first[0]), float(first[1]))
    b = (float(second[0]), float(second[1]))
    return (a, b) if a <= b else (b, a)
