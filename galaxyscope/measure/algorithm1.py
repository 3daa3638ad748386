"""`published`: the paper's Algorithm 1 as its authors ran it.

Bhambra, Joachimi & Lahav 2022, MNRAS 511, 5032 ("Explaining deep learning of galaxy
morphology with saliency mapping"), Algorithm 1, read together with the program the authors
published: pixels *above* the threshold are kept (the paper prints "<", a misprint), the map
is scaled to 0 … 1 by its minimum and maximum, thresholds and map are compared in float32.

The authors' program walks through 5,000 thresholds and all pairs of pixels. This one gives
the same answers to the last bit from one sort (:mod:`galaxyscope.measure.search`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.search import (
    THRESHOLDS,
    BarSearch,
    Ends,
    Ints,
    Levels,
    Mask,
    NoBarError,
    StoppedBy,
    as_map,
    nested_masks,
    point_pair,
)

# |r| from moments and |r| from numpy.corrcoef differ by rounding, far less than this. Masks
# within this distance of T_c are decided by numpy.corrcoef, as in the authors' program.
_ROUNDING = 1e-8


def scaled_by_range(values: NDArray[np.floating]) -> Levels:
    """Scale a map to 0 … 1: ``(x − min) / (max − min)``.

    As in tf-keras-vis (`normalize`) and the authors' program. Pixels that are not finite are
    left out of minimum and maximum and become NaN, which lies above no threshold.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Computed in the floating-point type of the map, then rounded to float32.

    Raises
    ------
    NoBarError
        If the map is constant or has no finite pixel.
    """
    values = as_map(values)
    finite = np.isfinite(values)
    low, high = values[finite].min(), values[finite].max()
    with np.errstate(over="ignore"):
        span = high - low
    if not np.isfinite(span):
        # The range itself overflows: halve everything first.
        return scaled_by_range(values / 2)
    if span == 0:
        raise NoBarError("The map has the same value everywhere.")
    relative: Levels = ((np.where(finite, values, np.nan) - low) / span).astype(np.float32)
    return relative


def published(
    values: NDArray[np.floating],
    correlation: float = 0.85,
    min_pixels: int = 40,
    *,
    scale: bool = True,
) -> BarSearch:
    """Find the bar on a saliency map with the paper's Algorithm 1.

    The threshold rises from 0.5 to 1.0 in steps of 0.0001 until the coordinates of the pixels
    above it are correlated, |Pearson r| > `correlation`, or fewer than `min_pixels` are left.
    The bar is the farthest pair of pixel centres of that mask.

    Degenerate masks behave as in the authors' program: r is undefined for a single pixel and
    for pixels in one row or one column, and an undefined r never ends the search; if nothing
    ends it, the mask of the last threshold counts. Where the authors' program calls the
    length of zero or one pixel "1", `ends` is None.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Saliency map. NaN and infinite pixels belong to no mask.
    correlation : float
        T_c of the paper.
    min_pixels : int
        T_1 of the paper, in pixels of this map.
    scale : bool
        Scale the map by :func:`scaled_by_range` first. The authors skip this for the mean of
        several scaled maps and for a map multiplied by the image (X_input).

    Returns
    -------
    BarSearch

    Raises
    ------
    NoBarError
        If the map is constant or has no finite pixel.
    ValueError
        If the map is not two-dimensional.
    """
    relative = scaled_by_range(values) if scale else as_map(values).astype(np.float32)
    masks = nested_masks(relative)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.abs(masks.xy) / np.sqrt(masks.xx) / np.sqrt(masks.yy)
    too_few = masks.pixels < min_pixels
    stopped_by: StoppedBy = "last-level"
    threshold = THRESHOLDS[-1]
    for k in np.flatnonzero(too_few | (r > correlation - _ROUNDING)):
        level = THRESHOLDS[masks.level[k]]
        exact = _pearson(relative > level)
        if too_few[k] or (exact is not None and exact > correlation):
            elongated = exact is not None and exact > correlation
            stopped_by = "elongation" if elongated else "min-pixels"
            threshold = level
            break
    mask = relative > threshold
    return BarSearch(float(threshold), _pearson(mask), mask, farthest_pair(mask), stopped_by)


def ends_above(
    values: NDArray[np.floating], levels: Sequence[float], *, scale: bool = True
) -> list[Ends | None]:
    """Farthest pair of pixel centres above each of some levels, wherever a search would stop.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    levels : sequence of float
        Relative to the map's range, 0 to 1.
    scale : bool
        As for `published`.
    """
    relative = scaled_by_range(values) if scale else as_map(values).astype(np.float32)
    return [farthest_pair(relative > np.float32(level)) for level in levels]


def farthest_pair(mask: Mask) -> Ends | None:
    """Find the two pixel centres of a mask that are farthest apart.

    Both are corners of the convex hull, and a corner of the hull is the first or the last
    pixel of its row and of its column. That leaves few pixels, whose distances are compared
    as exact integers, and no degenerate case.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)

    Returns
    -------
    ((x1, y1), (x2, y2)) or None
        Of several pairs equally far apart the first in row-major order; None where the mask
        has fewer than two pixels.
    """
    points = np.argwhere(_outermost(mask) & _outermost(mask.T).T)
    if len(points) < 2:
        return None
    best, pair = -1, (0, 0)
    for i in range(len(points) - 1):
        squared: Ints = ((points[i + 1 :] - points[i]) ** 2).sum(axis=1)
        j = int(squared.argmax())
        if squared[j] > best:
            best, pair = int(squared[j]), (i, i + 1 + j)
    return point_pair(points[pair[0], ::-1], points[pair[1], ::-1])


def _outermost(mask: Mask) -> Mask:
    """Keep the first and the last pixel of every row."""
    rows = np.flatnonzero(mask.any(axis=1))
    kept = np.zeros_like(mask)
    kept[rows, mask[rows].argmax(axis=1)] = True
    kept[rows, mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)] = True
    return kept


def _pearson(mask: Mask) -> float | None:
    """|r| of the pixel coordinates by numpy.corrcoef; None where it is undefined."""
    y, x = np.nonzero(mask)
    if len(x) < 2 or x.min() == x.max() or y.min() == y.max():
        return None
    return float(abs(np.corrcoef(y, x)[1, 0]))
