"""Outlines of the parts of a picture that a method works on; without torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def outline(segments: NDArray[np.int32]) -> NDArray[np.float64]:
    """Lines between pixels of different segments; none along the edge of the picture.

    Parameters
    ----------
    segments : ndarray, shape (rows, columns), int

    Returns
    -------
    ndarray, shape (lines, 2, 2)
        Both ends ``(x, y)`` of each line, in pixels with integer centres; pieces that continue
        each other are one line.
    """
    upright = _runs(segments[:, 1:] != segments[:, :-1])
    level = _runs((segments[1:] != segments[:-1]).T)[..., ::-1]
    return np.concatenate([upright, level])


def _runs(border: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Find the runs down each column; column j lies at x = j + 1/2."""
    padded = np.zeros((border.shape[0] + 2, border.shape[1]), np.int8)
    padded[1:-1] = border
    change = np.diff(padded, axis=0).T
    columns, starts = np.nonzero(change == 1)
    stops = np.nonzero(change == -1)[1]
    x = columns + 0.5
    return np.stack([np.stack([x, starts - 0.5], -1), np.stack([x, stops - 0.5], -1)], axis=1)
