"""`invariant`: the search of Algorithm 1 with an elongation that does not know directions.

Pearson's r of pixel coordinates depends on the direction of the bar: it is zero for a
horizontal bar however thin. With the eigenvalues λ1 ≥ λ2 of the pixels' covariance,

    R = (λ1 − λ2) / (λ1 + λ2)

is the largest |r| that the same pixels reach when turned (at 45°, where both coordinates
have variance (λ1 + λ2)/2 and covariance (λ1 − λ2)/2). A filled bar of axis ratio q has
R = (1 − q²)/(1 + q²), so that R > 0.85 means q < 0.285.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.contour import area_above, crossings
from galaxyscope.measure.search import (
    PAPER_SIDE,
    THRESHOLDS,
    BarSearch,
    Ends,
    Floats,
    Levels,
    Mask,
    NestedMasks,
    NoBarError,
    StoppedBy,
    as_map,
    nested_masks,
    point_pair,
)


def scaled_by_maximum(values: NDArray[np.floating]) -> Levels:
    """Positive part of a map, divided by its maximum.

    Negative attribution is evidence against the bar and zero is no evidence, so zero stays
    zero. Pixels that are not finite count as zero.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)

    Returns
    -------
    ndarray of float32, shape (rows, columns), in 0 … 1

    Raises
    ------
    NoBarError
        If no pixel is positive, or all have the same value.
    """
    values = as_map(values)
    finite = np.isfinite(values)
    peak = values[finite].max()
    if values[finite].min() == peak:
        raise NoBarError("The map has the same value everywhere.")
    if peak <= 0:
        raise NoBarError("The map has no positive pixel.")
    relative: Levels = (np.where(finite, values, 0).clip(min=0) / peak).astype(np.float32)
    return relative


def scaled_min_pixels(min_pixels: int, shape: tuple[int, ...]) -> int:
    """T_1 for a map of this shape.

    The paper's 40 pixels belong to maps of 224 × 224 pixels; the same share of the map's
    area is asked of any other map, and at least 5 pixels, fewer have no shape.

    Parameters
    ----------
    min_pixels : int
        T_1 for a map of 224 × 224 pixels.
    shape : (rows, columns)
    """
    return max(5, round(min_pixels * shape[0] * shape[1] / PAPER_SIDE**2))


def invariant(
    values: NDArray[np.floating],
    correlation: float = 0.85,
    min_pixels: int = 40,
    nucleus_radius: float | None = None,
) -> BarSearch:
    """Find the bar on a map, whatever its direction, with ends between the pixels.

    The threshold rises from 0.5 to 1.0 of the map's maximum in steps of 0.0001 until the
    mask is elongated, R > `correlation`, or fewer than T_1 pixels are left. The ends are the
    extremes of the iso-contour at that threshold along the principal axis of the area inside
    it, on the axis through its centroid.

    Levels say nothing on a flat-topped map, such as a drawn or saturated bar: they only move
    the contour across the one pixel of its edge. There, and on any other map that meets
    neither condition, the half-maximum contour is the edge and is used; where its mask is not
    elongated ``stopped_by`` is ``"last-level"``.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Attribution map; only its positive part counts.
    correlation : float
        T_c: the R at which the search stops.
    min_pixels : int
        T_1 for a map of 224 × 224 pixels, see :func:`scaled_min_pixels`.
    nucleus_radius : float, optional
        Keep only parts of the half-maximum mask that come within this distance of the map's
        centre, as a fraction of the shorter side. None keeps all.

    Returns
    -------
    BarSearch

    Raises
    ------
    NoBarError
        If the map is constant, has no positive pixel, or nothing lies near the nucleus.
    ValueError
        If the map is not two-dimensional.
    """
    relative = scaled_by_maximum(values)
    if nucleus_radius is not None:
        relative = near_nucleus(relative, nucleus_radius)
    masks = nested_masks(relative)
    elongation = _elongation(masks)
    too_few = masks.pixels < scaled_min_pixels(min_pixels, relative.shape)
    stops = np.flatnonzero(too_few | (elongation > correlation))
    if flat_topped(relative):
        stops = stops[stops == 0]
    stopped_by: StoppedBy = "last-level"
    k = 0
    if stops.size:
        k = int(stops[0])
        stopped_by = "elongation" if elongation[k] > correlation else "min-pixels"
    threshold = THRESHOLDS[masks.level[k]]
    mask = relative > threshold
    return BarSearch(
        float(threshold),
        None if np.isnan(elongation[k]) else float(elongation[k]),
        mask,
        axis_ends(relative, float(threshold), mask),
        stopped_by,
    )


def contour_ends(
    values: NDArray[np.floating], levels: Sequence[float], nucleus_radius: float | None = None
) -> list[Ends | None]:
    """Find the ends on the principal axis at each of some levels, wherever a search would stop.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    levels : sequence of float
        Relative to the map's maximum.
    nucleus_radius : float, optional
        As for `invariant`; what lies outside at half maximum is blank at every level.
    """
    relative = scaled_by_maximum(values)
    if nucleus_radius is not None:
        relative = near_nucleus(relative, nucleus_radius)
    return [axis_ends(relative, level, relative > level) for level in levels]


def axis_ends(relative: Levels, level: float, mask: Mask) -> Ends | None:
    """Find the ends of a mask on its principal axis, from the iso-contour at its level.

    Parameters
    ----------
    relative : ndarray, shape (rows, columns)
    level : float
    mask : ndarray of bool, shape (rows, columns)
        Pixels above `level`.

    Returns
    -------
    ((x1, y1), (x2, y2)) or None
        None where the mask has fewer than two pixels.
    """
    if np.count_nonzero(mask) < 2:
        return None
    # Moments of the area, not of the mask's pixels: half a pixel more or less along one edge
    # turns the axis of a wide bar by a degree or two.
    area = area_above(relative, level)
    if not len(area):  # single pixels that only just rise above the level
        return None
    centroid = area.mean(axis=0)
    dx, dy = (area - centroid).T
    angle = 0.5 * np.arctan2(2 * (dx @ dy), dx @ dx - dy @ dy)
    axis: Floats = np.array([np.cos(angle), np.sin(angle)])
    along = (crossings(relative, level) - centroid) @ axis
    return point_pair(centroid + along.min() * axis, centroid + along.max() * axis)


def flat_topped(relative: Levels) -> bool:
    """Tell whether every pixel above half maximum is, or touches, a pixel at the maximum."""
    peak, half = relative > THRESHOLDS[-1], relative > THRESHOLDS[0]
    if np.count_nonzero(half) > 9 * np.count_nonzero(peak):
        return False  # so it is on every map but drawn ones: nothing more to look at
    around = np.lib.stride_tricks.sliding_window_view(np.pad(peak, 1), (3, 3))
    near_peak: Mask = np.asarray(around.any(axis=(2, 3)))
    return bool(near_peak[half].all())


def near_nucleus(relative: Levels, radius: float) -> Levels:
    """Blank the parts of the half-maximum mask that stay away from the map's centre.

    Parts are connected over edges and corners, at the lowest level, so that what splits at
    a higher level (the two ends of one bar) is still one part.

    Raises
    ------
    NoBarError
        If no part comes within the radius.
    """
    from scipy import ndimage

    mask = relative > THRESHOLDS[0]
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    rows, columns = relative.shape
    y, x = np.nonzero(mask)
    distance = np.hypot(x - (columns - 1) / 2, y - (rows - 1) / 2)
    kept = np.zeros(count + 1, bool)
    kept[labels[y, x][distance <= radius * min(rows, columns)]] = True
    if not kept.any():
        raise NoBarError("Nothing above half the map's maximum lies near the nucleus.")
    return np.where(mask & ~kept[labels], np.float32(0), relative)


def _elongation(masks: NestedMasks) -> Floats:
    """R of every mask; NaN for a single pixel."""
    with np.errstate(invalid="ignore"):
        r: Floats = np.hypot(masks.xx - masks.yy, 2 * masks.xy) / (masks.xx + masks.yy)
    return r
