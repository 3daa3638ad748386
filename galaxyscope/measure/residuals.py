"""Whether the disagreement depends on something: residuals against angle, size and the like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trend:
    """How residuals follow a quantity.

    Parameters
    ----------
    name : str
    n : int
        Pairs for which both are known.
    strength : float
        Spearman's ρ; of an angle of lines (period 180°) the multiple correlation R with cos 2θ
        and sin 2θ, which has no sign.
    p : float
        Probability that pairs without any relation give as much.
    """

    name: str
    n: int
    strength: float
    p: float


def trend(name: str, residual: Floats, quantity: Floats, axial: bool = False) -> Trend | None:
    """Test residuals for a trend.

    Parameters
    ----------
    name : str
    residual, quantity : ndarray, shape (n,)
        NaN: unknown.
    axial : bool
        The quantity is an angle of lines in degrees: 179° lies beside 0°.

    Returns
    -------
    Trend or None
        None for fewer than five pairs, or where one side is constant.

    Notes
    -----
    p of ρ: Student's t with n − 2 degrees of freedom, as in `scipy.stats.spearmanr`. p of R:
    the F test of two regressors, which is ``(1 − R²)^((n − 3) / 2)``.
    """
    known = np.isfinite(residual) & np.isfinite(quantity)
    r, q = residual[known], quantity[known]
    n = len(r)
    if n < 5 or np.ptp(r) == 0 or np.ptp(q) == 0:
        return None
    if axial:
        angle = 2 * np.deg2rad(q)
        design = np.stack([np.ones(n), np.cos(angle), np.sin(angle)], axis=1)
        coefficients, *_ = np.linalg.lstsq(design, r, rcond=None)
        left = float(((r - design @ coefficients) ** 2).sum() / ((r - r.mean()) ** 2).sum())
        left = min(max(left, 0.0), 1.0)
        return Trend(name, n, float(np.sqrt(1 - left)), float(left ** ((n - 3) / 2)))
    from scipy.stats import spearmanr  # heavy; only where a trend is asked for

    found = spearmanr(q, r)
    return Trend(name, n, float(found.statistic), float(found.pvalue))
