"""Resample pictures between pixel grids: bilinear, area-averaging where it shrinks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.frame import Affine

_STRIP = 1 << 20


def resample(
    data: NDArray[np.floating], to_source: Affine, shape: tuple[int, int], fill: float = 0.0
) -> NDArray[np.float32]:
    """Draw `data` on another pixel grid.

    Parameters
    ----------
    data : ndarray, shape (..., rows, columns)
        NaN stands for "no value": such pixels get no weight.
    to_source : Affine
        From pixel centres of the new grid to pixel coordinates of `data`.
    shape : (rows, columns)
        Of the new grid.
    fill : float
        Value of pixels that see nothing of `data`, or nothing but NaN.

    Returns
    -------
    ndarray, shape (..., *shape), float32

    Notes
    -----
    Where a new pixel covers more than one old pixel, its value is the mean of bilinear
    samples on a sub-grid that is as fine as the old one: shrinking by a whole number
    averages blocks exactly, for a turned grid it is the area mean to good accuracy.
    Surface brightness is kept, not flux. The old picture reaches to the edges of its
    outer pixels, half a pixel beyond their centres.
    """
    rows, columns = shape
    if rows < 1 or columns < 1:
        raise ValueError("a new grid needs at least one pixel")
    fine_x = max(1, math.ceil(math.hypot(to_source.a, to_source.d) - 1e-6))
    fine_y = max(1, math.ceil(math.hypot(to_source.b, to_source.e) - 1e-6))
    fine = to_source @ Affine.resize(shape, (rows * fine_y, columns * fine_x))
    planes = np.asarray(data, np.float32).reshape(-1, *data.shape[-2:])
    out = np.empty((len(planes), rows, columns), np.float32)
    strip = max(1, _STRIP // (columns * fine_x * fine_y))  # bounds memory
    for first in range(0, rows, strip):
        some = min(strip, rows - first)
        here = fine @ Affine.translation(0, first * fine_y)
        inside = _inside(here, (some * fine_y, columns * fine_x), data.shape[-2:])
        for plane, target in zip(planes, out, strict=True):
            target[first : first + some] = _strip(plane, here, inside, (fine_y, fine_x), fill)
    return out.reshape(*data.shape[:-2], rows, columns)


def _inside(
    to_source: Affine, shape: tuple[int, int], source: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Tell which samples lie on the source, its outer pixels counted to their edges."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    column = to_source.a * x + to_source.b * y + to_source.c
    row = to_source.d * x + to_source.e * y + to_source.f
    low, slack = -0.5, 1e-9
    return np.asarray(
        (column >= low - slack)
        & (column <= source[1] + low + slack)
        & (row >= low - slack)
        & (row <= source[0] + low + slack)
    )


def _strip(
    plane: NDArray[np.float32],
    to_source: Affine,
    inside: NDArray[np.bool_],
    fine: tuple[int, int],
    fill: float,
) -> NDArray[np.float32]:
    """Sample some rows of the new grid and average their sub-grid."""
    from scipy.ndimage import affine_transform

    matrix = np.array([[to_source.e, to_source.d], [to_source.b, to_source.a]])
    offset = (to_source.f, to_source.c)

    def sampled(values: NDArray[np.float32]) -> NDArray[np.float32]:
        found = affine_transform(
            values, matrix, offset, inside.shape, np.float32, order=1, mode="nearest"
        )
        return np.asarray(found)

    finite = np.isfinite(plane)
    if finite.all():
        values, weights = sampled(plane), inside.astype(np.float32)
    else:
        values = sampled(np.where(finite, plane, np.float32(0)))
        weights = sampled(finite.astype(np.float32)) * inside
    total, weight = _block_sum(values * inside, fine), _block_sum(weights, fine)
    seen = weight > 1e-6
    return np.where(seen, total / np.where(seen, weight, 1), np.float32(fill))


def _block_sum(values: NDArray[np.float32], fine: tuple[int, int]) -> NDArray[np.float32]:
    if fine == (1, 1):
        return values
    rows, columns = values.shape[0] // fine[0], values.shape[1] // fine[1]
    blocks = values.reshape(rows, fine[0], columns, fine[1])
    return np.asarray(blocks.sum(axis=(1, 3), dtype=np.float32))
