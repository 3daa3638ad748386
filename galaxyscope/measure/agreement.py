"""How well automatic bar lengths agree with those that people drew.

The paper multiplies a relative length (in pixels of images that are scaled to each galaxy)
by the galaxy's size and correlates the products. Both axes then hold the same size, and that
alone correlates them. Two baselines that know nothing of bars say by how much, and stand
beside every correlation: one and the same relative length for all galaxies, and the measured
relative lengths dealt out at random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from galaxyscope.measure.bootstrap import (
    Interval,
    central,
    draws,
    mid_ranks,
    moments,
    rank_correlation,
)
from galaxyscope.measure.regression import LineFit, OriginFit, orthogonal, through_origin

Floats = NDArray[np.float64]

#: Shuffles that the baseline is the mean of.
SHUFFLES = 200


@dataclass(frozen=True)
class Agreement:
    """Statistics over pairs of automatic and human lengths.

    "Relative" compares relative lengths; "paper" their products with the size of the galaxy.
    A statistic is None where it is undefined (fewer than three pairs, no variance, or, for
    those of the paper, no sizes). "Lengths" are the products, or what was handed in where
    there are no sizes. Every interval holds the central 95 % of bootstrap resamples of the
    galaxies.

    Parameters
    ----------
    n : int
        Pairs with both lengths.
    missing : int
        Galaxies left out because a length is missing or not positive.
    rho_relative, rho_paper : float or None
        Pearson's correlation, with `..._interval`.
    rank_relative, rank_paper : float or None
        Spearman's correlation, with `..._interval`.
    rmse_relative, rmse_paper : float or None
        Root mean square of automatic − human, in the units handed in (times size).
    concordance_relative, concordance_paper : float or None
        Lin's coefficient (1989, Biometrics 45, 255), with `..._interval`: 1 only on the
        one-to-one line.
    median_ratio : float or None
        Median of automatic / human.
    log_scatter : float or None
        1.4826 · median absolute deviation of ln(automatic / human); 0.17 is about 17 %.
    outliers : int
        Pairs that differ by more than a factor of 2.
    bias : float or None
        Geometric mean of automatic / human, with `bias_interval`.
    limits : (low, high) or None
        95 % limits of agreement of the ratio: exp(mean ± 1.96 standard deviations of its
        logarithm) (Bland & Altman 1986, Lancet 327, 307; 1999 for ratios).
    origin : OriginFit or None
        Automatic = slope · human, of lengths, weighted by the errors that were given.
    orthogonal : LineFit or None
        Major axis of the lengths, with `orthogonal_slope_interval`.
    constant_rho_paper, constant_rank_paper : float or None
        Baseline: ρ (paper) when every galaxy is given the same relative length. The relative
        ρ of a constant is undefined.
    shuffled_rho_paper, shuffled_rho_relative, shuffled_rank_paper, shuffled_rank_relative
        Baseline: mean ρ over random shuffles of the automatic relative lengths.
    """

    n: int
    missing: int
    rho_relative: float | None
    rho_paper: float | None
    rho_relative_interval: Interval | None
    rho_paper_interval: Interval | None
    rank_relative: float | None
    rank_paper: float | None
    rank_relative_interval: Interval | None
    rank_paper_interval: Interval | None
    rmse_relative: float | None
    rmse_paper: float | None
    concordance_relative: float | None
    concordance_paper: float | None
    concordance_relative_interval: Interval | None
    concordance_paper_interval: Interval | None
    median_ratio: float | None
    log_scatter: float | None
    outliers: int
    bias: float | None
    bias_interval: Interval | None
    limits: Interval | None
    origin: OriginFit | None
    orthogonal: LineFit | None
    orthogonal_slope_interval: Interval | None
    constant_rho_paper: float | None
    constant_rank_paper: float | None
    shuffled_rho_paper: float | None
    shuffled_rho_relative: float | None
    shuffled_rank_paper: float | None
    shuffled_rank_relative: float | None


def agree(
    automatic_relative: ArrayLike,
    human_relative: ArrayLike,
    size: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = 1000,
    automatic_err: ArrayLike | None = None,
    human_err: ArrayLike | None = None,
    check: Callable[[], None] | None = None,
) -> Agreement:
    """Compare automatic with human bar lengths of the same galaxies.

    Parameters
    ----------
    automatic_relative, human_relative : array_like, shape (galaxies,)
        Relative lengths, both in the same unit: length ÷ (2 · petroR90), or pixels of the
        424-pixel images, whose scale follows petroR90. NaN or None: not measured.
    size : array_like, shape (galaxies,), optional
        What turns a relative length into the paper's length: 2 · petroR90 in arcsec or kpc
        (a common factor changes only what has a unit). Unknown for all galaxies: None.
    seed : int
        Of the shuffles and resamples.
    resamples : int
        Number of bootstrap resamples; at most `SHUFFLES` of as many shuffles.
    automatic_err, human_err : array_like, shape (galaxies,), optional
        One standard deviation of the relative lengths, NaN where unknown; for `origin` alone.
    check : callable, optional
        Called between batches; what it raises ends the work (`Watch.check`).

    Returns
    -------
    Agreement

    Raises
    ------
    ValueError
        If the arrays do not have one entry for each galaxy.
    """
    given = [automatic_relative, human_relative, size, automatic_err, human_err]
    arrays = [None if a is None else np.asarray(a, np.float64) for a in given]
    shapes = [a.shape for a in arrays if a is not None]
    if len(shapes[0]) != 1 or any(shape != shapes[0] for shape in shapes):
        raise ValueError(
            "lengths and sizes need one entry for each galaxy, not shapes "
            + ", ".join(map(str, shapes))
        )
    known = np.logical_and.reduce(
        [np.isfinite(a) & (np.nan_to_num(a) > 0) for a in arrays[:3] if a is not None]
    )
    kept = [None if a is None else a[known] for a in arrays]
    automatic, human, sizes, automatic_err, human_err = kept
    assert automatic is not None
    assert human is not None
    unit = np.ones(len(human)) if sizes is None else sizes
    lengths = automatic * unit, human * unit
    n = len(human)
    log_ratio = np.log(automatic / human)
    ratio_scatter = float(log_ratio.std(ddof=1)) if n > 1 else 0.0
    relative = _both(automatic, human)
    paper = relative if sizes is None else _both(*lengths)
    sampled = _resampled(automatic, human, sizes, log_ratio, resamples, seed, check)
    baselines = _shuffled(automatic, human, sizes, min(resamples, SHUFFLES), seed)
    mean = float(log_ratio.mean()) if n else 0.0
    return Agreement(
        n=n,
        missing=int((~known).sum()),
        rho_relative=relative[0],
        rho_paper=None if sizes is None else paper[0],
        rank_relative=relative[1],
        rank_paper=None if sizes is None else paper[1],
        rmse_relative=_rmse(automatic - human),
        rmse_paper=None if sizes is None else _rmse(lengths[0] - lengths[1]),
        concordance_relative=relative[2],
        concordance_paper=None if sizes is None else paper[2],
        median_ratio=float(np.exp(np.median(log_ratio))) if n else None,
        log_scatter=_robust_scatter(log_ratio),
        outliers=int((np.abs(log_ratio) > np.log(2)).sum()),
        bias=float(np.exp(mean)) if n else None,
        limits=None
        if n < 3
        else (
            float(np.exp(mean - 1.96 * ratio_scatter)),
            float(np.exp(mean + 1.96 * ratio_scatter)),
        ),
        origin=through_origin(
            lengths[1],
            lengths[0],
            None if human_err is None else human_err * unit,
            None if automatic_err is None else automatic_err * unit,
        ),
        orthogonal=orthogonal(lengths[1], lengths[0]),
        constant_rho_paper=None if sizes is None else pearson(sizes, lengths[1]),
        constant_rank_paper=None if sizes is None else pearson(ranks(sizes), ranks(lengths[1])),
        **sampled,  # type: ignore[arg-type]
        **baselines,  # type: ignore[arg-type]
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


def concordance(x: Floats, y: Floats) -> float | None:
    """Lin's concordance correlation; None for fewer than three pairs or where nothing varies."""
    if len(x) < 3:
        return None
    found = float(moments(x, y).concordance[0])
    return found if np.isfinite(found) else None


def _both(x: Floats, y: Floats) -> tuple[float | None, float | None, float | None]:
    """Pearson's and Spearman's correlation and Lin's concordance."""
    return pearson(x, y), pearson(ranks(x), ranks(y)), concordance(x, y)


def _resampled(
    automatic: Floats,
    human: Floats,
    size: Floats | None,
    log_ratio: Floats,
    resamples: int,
    seed: int,
    check: Callable[[], None] | None,
) -> dict[str, Interval | None]:
    """Collect the intervals of all statistics that resamples give, by field of `Agreement`."""
    names = [
        f"{statistic}_{style}_interval"
        for statistic in ("rho", "rank", "concordance")
        for style in ("relative", "paper")
    ] + ["bias_interval", "orthogonal_slope_interval"]
    found: dict[str, list[Floats]] = {name: [] for name in names}
    styles = {"relative": (automatic, human)}
    if size is not None:
        styles["paper"] = (automatic * size, human * size)
    lengths_style = "relative" if size is None else "paper"
    ranked = {s: tuple(mid_ranks(v) for v in pair) for s, pair in styles.items()}
    for weights in draws(len(human), resamples if len(human) >= 3 else 0, seed):
        if check is not None:
            check()
        for style, (x, y) in styles.items():
            of_x, of_y = ranked[style]
            sums = moments(x, y, weights)
            found[f"rho_{style}_interval"].append(sums.correlation)
            found[f"concordance_{style}_interval"].append(sums.concordance)
            ranks_x, ranks_y = of_x(weights), of_y(weights)
            found[f"rank_{style}_interval"].append(rank_correlation(weights, ranks_x, ranks_y))
            if style == lengths_style:
                found["orthogonal_slope_interval"].append(sums.turned.orthogonal_slope)
        found["bias_interval"].append(np.exp(weights @ log_ratio / len(human)))
    varies = {
        style: pearson(*pair) is not None for style, pair in styles.items()
    }  # a constant has resamples, but no correlation
    return {
        name: central(np.concatenate(values))
        if values and varies.get(name.split("_")[1], True)
        else None
        for name, values in found.items()
    }


def _shuffled(
    automatic: Floats, human: Floats, size: Floats | None, shuffles: int, seed: int
) -> dict[str, float | None]:
    """Mean correlations of relative lengths that were dealt out at random."""
    rng = np.random.default_rng([seed, 1])
    dealt = [automatic[rng.permutation(len(human))] for _ in range(shuffles)]
    ranks_human, ranks_automatic = ranks(human), ranks(automatic)
    found: dict[str, float | None] = {
        "shuffled_rho_relative": _mean(pearson(a, human) for a in dealt),
        "shuffled_rank_relative": _mean(
            pearson(ranks_automatic[rng.permutation(len(human))], ranks_human)
            for _ in range(shuffles)
        ),
        "shuffled_rho_paper": None,
        "shuffled_rank_paper": None,
    }
    if size is not None:
        lengths = human * size
        ranks_lengths = ranks(lengths)
        found["shuffled_rho_paper"] = _mean(pearson(a * size, lengths) for a in dealt)
        found["shuffled_rank_paper"] = _mean(pearson(ranks(a * size), ranks_lengths) for a in dealt)
    return found


def _mean(correlations: Iterable[float | None]) -> float | None:
    known = [rho for rho in correlations if rho is not None]
    return float(np.mean(known)) if known else None


def _rmse(differences: Floats) -> float | None:
    return float(np.sqrt(np.mean(differences**2))) if len(differences) else None


def _robust_scatter(log_ratio: Floats) -> float | None:
    if not len(log_ratio):
        return None
    return float(1.4826 * np.median(np.abs(log_ratio - np.median(log_ratio))))
