"""How well automatic bar lengths agree with those that people drew.

The paper multiplies a relative length (in pixels of images that are scaled to each galaxy)
by the galaxy's size and correlates the products. Both axes then hold the same size, and that
alone correlates them. Two baselines that know nothing of bars say by how much, and stand
beside every correlation: one and the same relative length for all galaxies, and the measured
relative lengths dealt out at random.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Statistics over pairs of automatic and human lengths.

    "Relative" compares relative lengths; "paper" their products with the size of the galaxy.
    A statistic is None where it is undefined (fewer than three pairs, or no variance).

    Parameters
    ----------
    n : int
        Pairs with both lengths.
    missing : int
        Galaxies left out because a length is missing or not positive.
    rho_relative, rho_paper : float or None
        Pearson's correlation.
    rho_relative_interval, rho_paper_interval : (low, high) or None
        Central 95 % of bootstrap resamples of the galaxies.
    rank_relative, rank_paper : float or None
        Spearman's correlation.
    rmse_relative, rmse_paper : float or None
        Root mean square of automatic − human, in the units handed in (times size).
    median_ratio : float or None
        Median of automatic / human.
    log_scatter : float or None
        1.4826 · median absolute deviation of ln(automatic / human); 0.17 is about 17 %.
    outliers : int
        Pairs that differ by more than a factor of 2.
    constant_rho_paper : float or None
        Baseline: ρ (paper) when every galaxy is given the same relative length. The relative
        ρ of a constant is undefined.
    shuffled_rho_paper, shuffled_rho_relative : float or None
        Baseline: mean ρ over random shuffles of the automatic relative lengths.
    """

    n: int
    missing: int
    rho_relative: float | None
    rho_paper: float | None
    rho_relative_interval: tuple[float, float] | None
    rho_paper_interval: tuple[float, float] | None
    rank_relative: float | None
    rank_paper: float | None
    rmse_relative: float | None
    rmse_paper: float | None
    median_ratio: float | None
    log_scatter: float | None
    outliers: int
    constant_rho_paper: float | None
    shuffled_rho_paper: float | None
    shuffled_rho_relative: float | None


def agree(
    automatic_relative: ArrayLike,
    human_relative: ArrayLike,
    size: ArrayLike,
    seed: int = 0,
    resamples: int = 1000,
) -> Agreement:
    """Compare automatic with human bar lengths of the same galaxies.

    Parameters
    ----------
    automatic_relative, human_relative : array_like, shape (galaxies,)
        Relative lengths, both in the same unit: length ÷ (2 · petroR90), or pixels of the
        424-pixel images, whose scale follows petroR90. NaN or None: not measured.
    size : array_like, shape (galaxies,)
        What turns a relative length into the paper's length: 2 · petroR90 in arcsec or kpc
        (a common factor changes only `rmse_paper`).
    seed : int
        Of the shuffles and resamples.
    resamples : int
        Number of shuffles and of bootstrap resamples.

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        If the three do not have one entry for each galaxy.
    """
    arrays = [np.asarray(a, np.float64) for a in (automatic_relative, human_relative, size)]
    if arrays[0].ndim != 1 or any(a.shape != arrays[0].shape for a in arrays):
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise ValueError(f"lengths and sizes need one entry for each galaxy, not shapes {shapes}")
    known = np.logical_and.reduce([np.isfinite(a) & (np.nan_to_num(a) > 0) for a in arrays])
    automatic, human, size = (a[known] for a in arrays)
    n = len(human)
    log_ratio = np.log(automatic / human)
    rng = np.random.default_rng(seed)
    shuffles = [rng.permutation(n) for _ in range(resamples)]
    draws = rng.integers(n, size=(resamples, n)) if n else np.empty((0, 0), np.int64)
    return Agreement(
        n=n,
        missing=int((~known).sum()),
        rho_relative=pearson(automatic, human),
        rho_paper=pearson(automatic * size, human * size),
        rho_relative_interval=_interval(automatic, human, draws),
        rho_paper_interval=_interval(automatic * size, human * size, draws),
        rank_relative=pearson(ranks(automatic), ranks(human)),
        rank_paper=pearson(ranks(automatic * size), ranks(human * size)),
        rmse_relative=_rmse(automatic - human),
        rmse_paper=_rmse((automatic - human) * size),
        median_ratio=float(np.exp(np.median(log_ratio))) if n else None,
        log_scatter=_robust_scatter(log_ratio),
        outliers=int((np.abs(log_ratio) > np.log(2)).sum()),
        constant_rho_paper=pearson(size, human * size),
        shuffled_rho_paper=_mean(pearson(automatic[s] * size, human * size) for s in shuffles),
        shuffled_rho_relative=_mean(pearson(automatic[s], human) for s in shuffles),
    )


def pearson(x: Floats, y: Floats) -> float | None:
    """Pearson's correlation; None for fewer than three pairs or where one side is constant."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    dx, dy = x - x.mean(), y - y.mean()
    return float(np.clip(dx @ dy / np.sqrt((dx @ dx) * (dy @ dy)), -1, 1))


def ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Floats = last - (counts - 1) / 2
    return shared[inverse]


def _interval(x: Floats, y: Floats, draws: NDArray[np.int64]) -> tuple[float, float] | None:
    """Central 95 % of ρ over bootstrap resamples."""
    resampled = [rho for d in draws if (rho := pearson(x[d], y[d])) is not None]
    if pearson(x, y) is None or not resampled:
        return None
    low, high = np.percentile(resampled, [2.5, 97.5])
    return float(low), float(high)


def _mean(correlations: Iterable[float | None]) -> float | None:
    known = [rho for rho in correlations if rho is not None]
    return float(np.mean(known)) if known else None


def _rmse(differences: Floats) -> float | None:
    return float(np.sqrt(np.mean(differences**2))) if len(differences) else None


def _robust_scatter(log_ratio: Floats) -> float | None:
    if not len(log_ratio):
        return None
    return float(1.4826 * np.median(np.abs(log_ratio - np.median(log_ratio))))
