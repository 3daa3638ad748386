"""Constant corners of a turned or shifted picture: they are no sky."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CORNER = 5  # pixels along a constant corner that may be padding
_GROWN = 2  # pixels around padding that interpolation and JPEG blocks have mixed with it
_RING = 3  # width in pixels of the two rings beyond, where the picture is compared with it
_LEVELS = 2.5  # grey levels of 255 by which a picture stands off its padding
_NOISE = 0.3  # of the pixel-to-pixel noise by which flux does
_SMALLEST, _LARGEST = 0.002, 0.7  # share of the picture; what leaves less is itself the sky


def without_padding(
    light: NDArray[np.float32], full_scale: float | None = None
) -> NDArray[np.float32]:
    """Replace the constant that fills the corners of a turned or shifted picture by NaN.

    Parameters
    ----------
    light : ndarray, shape (rows, columns)
        One value per pixel; NaN where there is none.
    full_scale : float, optional
        White of an already stretched picture, whose padding may vary by one grey level; None
        for linear flux, where it is one number.

    Returns
    -------
    ndarray, shape (rows, columns)
        `light` itself where there is no padding.

    Notes
    -----
    What is connected to a constant corner counts as padding if the picture stands off it at
    once. A clipped or noiseless sky into which a galaxy fades does not; nor do whole numbers
    of linear flux: in a picture of photon counts most pixels may be equal.
    """
    from scipy.ndimage import binary_dilation, label

    finite = np.isfinite(light)
    clean = np.where(finite, light, np.nan).astype(np.float64)
    level = 0.0 if full_scale is None else full_scale / 255.0
    found = np.zeros(light.shape, bool)
    for rows in (slice(None, _CORNER), slice(-_CORNER, None)):
        for columns in (slice(None, _CORNER), slice(-_CORNER, None)):
            corner = clean[rows, columns]
            value = corner[0, 0]
            if found[rows, columns].any() or not np.abs(corner - value).max() <= level:
                continue  # not for NaN either
            labels, _ = label(np.abs(clean - value) <= level)
            same = labels == labels[rows, columns].flat[0]
            if not _SMALLEST < same.mean() < _LARGEST:
                continue
            if full_scale is None and _is_whole(clean[finite & ~same]):
                continue
            grown = binary_dilation(same, iterations=_GROWN)
            rest = np.where(grown, np.nan, clean)
            least = _NOISE * steps_noise(rest) if full_scale is None else _LEVELS * level
            if _step(np.abs(rest - value), grown) >= least:
                found |= grown
    return np.where(found, np.float32(np.nan), light) if found.any() else light


def _step(difference: NDArray[np.float64], grown: NDArray[np.bool_]) -> float:
    """Difference at the edge of a region, extrapolated from two rings around it; −∞ without."""
    from scipy.ndimage import binary_dilation

    near = binary_dilation(grown, iterations=_RING)
    far = binary_dilation(near, iterations=_RING) & ~near & np.isfinite(difference)
    near &= ~grown & np.isfinite(difference)
    if not near.any() or not far.any():
        return -np.inf
    first, second = float(np.median(difference[near])), float(np.median(difference[far]))
    return first - (second - first) * (_GROWN + _RING / 2) / _RING


def steps_noise(light: NDArray[np.floating]) -> float:
    """Noise from the steps between neighbours; NaN without any.

    Where a galaxy reaches the border its gradient is no noise.
    """
    steps = np.diff(light, axis=1)
    steps = steps[np.isfinite(steps)]
    if not steps.size:
        return float("nan")
    return 1.4826 * float(np.median(np.abs(steps))) / float(np.sqrt(2.0))


def _is_whole(values: NDArray[np.floating]) -> bool:
    return bool((values == np.rint(values)).all())
