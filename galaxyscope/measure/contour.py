"""Where a map lies above a level, to a fraction of a pixel.

Between pixel centres the map is taken as linear, beyond its frame as zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.search import Floats

# Points per pixel and axis at which the area above a level is sampled.
_SAMPLES = 4


def crossings(values: NDArray[np.floating], level: float) -> Floats:
    """Points where the lines between neighbouring pixel centres cross a level.

    These are the vertices of the marching-squares contour. At the frame the contour closes
    between the outermost pixel centres and the zeros beyond.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Finite everywhere.
    level : float
        Above zero.

    Returns
    -------
    ndarray, shape (n, 2)
        ``(x, y)`` in pixels.
    """
    grid: Floats = np.pad(np.asarray(values, np.float64), 1)

    def along_rows(v: Floats) -> Floats:
        above = v > level
        row, column = np.nonzero(above[:, 1:] != above[:, :-1])
        left, right = v[row, column], v[row, column + 1]
        return np.column_stack([column + (level - left) / (right - left), row])

    return np.concatenate([along_rows(grid), along_rows(grid.T)[:, ::-1]]) - 1


def area_above(values: NDArray[np.floating], level: float) -> Floats:
    """Sample the area inside the contour on a grid finer than the pixels.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Finite everywhere.
    level : float
        Above zero.

    Returns
    -------
    ndarray, shape (n, 2)
        ``(x, y)`` in pixels of all samples at which the bilinear map is above the level.
    """
    above = values > level
    rows, columns = np.flatnonzero(above.any(axis=1)), np.flatnonzero(above.any(axis=0))
    if not rows.size:
        return np.empty((0, 2))
    y0, x0 = rows[0] - 1, columns[0] - 1
    box: Floats = np.pad(np.asarray(values, np.float64), 1)[
        rows[0] : rows[-1] + 3, columns[0] : columns[-1] + 3
    ]
    fine = _between_rows(_between_rows(box).T).T
    y, x = np.nonzero(fine > level)
    points: Floats = (np.column_stack([x, y]) + 0.5) / _SAMPLES + (x0, y0)
    return points


def _between_rows(v: Floats) -> Floats:
    """Interpolate linearly between neighbouring rows, ``_SAMPLES`` values each."""
    weight = ((np.arange(_SAMPLES) + 0.5) / _SAMPLES)[:, None]
    fine: Floats = np.concatenate(list(v[:-1, None] * (1 - weight) + v[1:, None] * weight))
    return fine
