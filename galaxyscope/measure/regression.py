"""Straight lines through pairs of lengths: through the origin, and orthogonal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.bootstrap import moments

Floats = NDArray[np.float64]

_ROUNDS = 50
_SETTLED = 1e-12


@dataclass(frozen=True)
class OriginFit:
    """``y = slope · x``.

    Parameters
    ----------
    slope : float
    error : float
        One standard deviation, widened by √χ²ᵣ: the scatter about the line decides, not the
        quoted errors, of which only the ratios count.
    chi2 : float
        Reduced χ² (n − 1 degrees of freedom); about 1 where the errors explain the scatter.
        Of equal weights it is a variance, in the units of y².
    weighted : bool
        Whether there were errors to weight with.
    """

    slope: float
    error: float
    chi2: float
    weighted: bool


@dataclass(frozen=True)
class LineFit:
    """``y = slope · x + intercept``."""

    slope: float
    intercept: float


def through_origin(
    x: Floats, y: Floats, x_err: Floats | None = None, y_err: Floats | None = None
) -> OriginFit | None:
    """Fit a line through the origin, weighted by errors as in figure 4 of Bhambra et al. (2022).

    The weight of a pair is ``1 / (σ_y² + slope² σ_x²)`` ("effective variance", Orear 1982,
    Am. J. Phys. 50, 912), found by iteration. With no `x_err` this is weighted least squares.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    x_err, y_err : ndarray, shape (n,), optional
        One standard deviation. Where not all pairs have a positive one, the known ones decide
        the median that stands in for the others.

    Returns
    -------
    OriginFit or None
        None for fewer than two pairs, or if all x are 0.
    """
    if len(x) < 2 or not np.any(x):
        return None
    sx, sy = _filled(x_err), _filled(y_err)
    weighted = sx is not None or sy is not None
    slope = float(x @ y / (x @ x))
    weights = np.ones(len(x))
    for _ in range(_ROUNDS if weighted else 0):
        variance = np.zeros(len(x))
        if sy is not None:
            variance += sy**2
        if sx is not None:
            variance += slope**2 * sx**2
        if not (variance > 0).all():  # a slope of exactly 0 has no x error
            break
        weights = 1 / variance
        before, slope = slope, float((weights * x) @ y / ((weights * x) @ x))
        if abs(slope - before) <= _SETTLED * abs(slope) or sx is None:
            break
    chi2 = float(weights @ (y - slope * x) ** 2) / (len(x) - 1)
    error = float(np.sqrt(chi2 / ((weights * x) @ x)))
    return OriginFit(slope, error, chi2, weighted)


def orthogonal(x: Floats, y: Floats) -> LineFit | None:
    """Line with the least squared distances at right angles to it (total least squares).

    The major axis of the pairs (Pearson 1901, Phil. Mag. 2, 559); x and y in the same unit.

    Returns
    -------
    LineFit or None
        None for fewer than three pairs, or where no direction stands out.
    """
    if len(x) < 3:
        return None
    m = moments(x, y)
    slope = float(m.orthogonal_slope[0])
    if not np.isfinite(slope):
        return None
    return LineFit(slope, float(m.mean_y[0] - slope * m.mean_x[0]))


def _filled(errors: Floats | None) -> Floats | None:
    """Errors of all pairs, the median where one is unknown; None where none is known."""
    if errors is None:
        return None
    known = np.isfinite(errors) & (np.nan_to_num(errors) > 0)
    if not known.any():
        return None
    return np.where(known, errors, np.median(errors[known]))
