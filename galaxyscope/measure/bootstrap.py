"""Bootstrap of correlations: whole galaxies are drawn with replacement, many times at once.

What a resample says of means, variances, correlation and concordance follows from weighted sums, so
that a thousand resamples of ten thousand pairs are a few matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

#: Cells of one batch of resamples: bounds the memory (8 bytes each).
_BATCH_CELLS = 200_000


@dataclass(frozen=True, eq=False)
class Moments:
    """Means and (co)variances of pairs, one entry per resample; ÷ n, not n − 1.

    Parameters
    ----------
    mean_x, mean_y, var_x, var_y, cov : ndarray, shape (resamples,)
    """

    mean_x: Floats
    mean_y: Floats
    var_x: Floats
    var_y: Floats
    cov: Floats

    @property
    def turned(self) -> Moments:
        """The same with x and y exchanged."""
        return Moments(self.mean_y, self.mean_x, self.var_y, self.var_x, self.cov)

    @property
    def correlation(self) -> Floats:
        """Pearson's ρ; NaN where one side is constant."""
        with np.errstate(invalid="ignore", divide="ignore"):
            product = self.var_x * self.var_y
            return np.where(product > 0, self.cov / np.sqrt(product), np.nan)

    @property
    def concordance(self) -> Floats:
        """Lin's coefficient (Lin 1989, Biometrics 45, 255, equation 4)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = self.var_x + self.var_y + (self.mean_x - self.mean_y) ** 2
            return np.where(apart > 0, 2 * self.cov / apart, np.nan)

    @property
    def orthogonal_slope(self) -> Floats:
        """Slope of the major axis of the pairs; NaN where there is none."""
        with np.errstate(invalid="ignore", divide="ignore"):
            d = self.var_y - self.var_x
            return np.where(self.cov != 0, (d + np.hypot(d, 2 * self.cov)) / (2 * self.cov), np.nan)


def moments(x: Floats, y: Floats, weights: Floats | None = None) -> Moments:
    """Weighted moments of pairs.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    weights : ndarray, shape (resamples, n), optional
        How often each resample drew each pair; once each by default.
    """
    w = np.ones((1, len(x))) if weights is None else weights
    # Far from zero the difference of squares would lose digits: centred first.
    cx, cy = float(x.mean()), float(y.mean())
    dx, dy = x - cx, y - cy
    n = w.sum(axis=1)
    sums = w @ np.stack([dx, dy, dx * dx, dy * dy, dx * dy], axis=1) / n[:, None]
    mx, my, xx, yy, xy = sums.T
    return Moments(cx + mx, cy + my, xx - mx * mx, yy - my * my, xy - mx * my)


def draws(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Batches of resamples, shape (batch, n): how often each of `n` galaxies was drawn."""
    rng = np.random.default_rng(seed)
    batch = max(1, _BATCH_CELLS // max(n, 1))
    for start in range(0, resamples, batch):
        size = min(batch, resamples - start)
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def mid_ranks(values: Floats) -> Callable[[Floats], Floats]:
    """Prepare ranks of resamples of `values`.

    Returns
    -------
    callable
        From weights, shape (resamples, n), to the rank that each value has in each resample
        (from 1; equal values share the mean of their ranks), same shape.
    """
    unique, inverse = np.unique(values, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[order], np.arange(len(unique)))
    ties = len(unique) < len(values)

    def ranked(weights: Floats) -> Floats:
        groups = np.take(weights, order, axis=1)
        if ties:
            groups = np.add.reduceat(groups, starts, axis=1)
        shared: Floats = np.cumsum(groups, axis=1)
        groups -= 1
        groups *= 0.5
        shared -= groups
        return np.take(shared, inverse, axis=1)

    return ranked


def rank_correlation(weights: Floats, x: Floats, y: Floats) -> Floats:
    """Pearson's ρ between ranks of resamples: Spearman's. All of shape (resamples, n)."""
    n = weights.shape[1]
    middle = (n + 1) / 2  # of any ranks, ties or not
    x, y = x - middle, y - middle
    wx, wy = weights * x, weights * y
    cov, var_x, var_y = (np.einsum("ij,ij->i", a, b) for a, b in ((wx, y), (wx, x), (wy, y)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(var_x * var_y > 0, cov / np.sqrt(var_x * var_y), np.nan)


def central(values: Floats) -> Interval | None:
    """Central 95 % of what resamples gave; None where none of them is defined."""
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
