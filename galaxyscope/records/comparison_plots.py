"""What a comparison looks like: points, lines and contours, for the window and for figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.regression import LineFit, OriginFit, orthogonal, through_origin
from galaxyscope.records.comparing import Comparison, quantities, residuals

Floats = NDArray[np.float64]
Kind = Literal["reference", "origin", "orthogonal", "bias", "limit"]

#: Fewer points have no density to speak of.
CONTOURS_FROM = 30
#: Shares of the density that the contours hold.
HELD = (0.9, 0.5)
_GRID = 72
_KERNELS = 1500  # a smooth density needs no more


@dataclass(frozen=True)
class Straight:
    """The line ``y = slope · x + intercept``, and what it stands for."""

    kind: Kind
    slope: float
    intercept: float
    title: str


@dataclass(frozen=True, eq=False)
class Plot:
    """One view of a comparison.

    Parameters
    ----------
    key, title : str
    x, y : ndarray, shape (n,)
        One entry for each pair, NaN where one of them is unknown.
    x_title, y_title : str
        Titles of the axes with their units.
    lines : tuple of Straight
    x_err, y_err : ndarray, shape (n,), or None
        One standard deviation; 0 where unknown.
    square : bool
        Both axes are the same, from 0.
    contours : tuple of ndarray, shape (points, 2)
        Lines that hold the shares `HELD` of a smoothed density.
    note : str
        What was found in it, in a few words.
    """

    key: str
    title: str
    x: Floats
    y: Floats
    x_title: str
    y_title: str
    lines: tuple[Straight, ...] = ()
    x_err: Floats | None = None
    y_err: Floats | None = None
    square: bool = False
    contours: tuple[Floats, ...] = ()
    note: str = ""

    @property
    def known(self) -> NDArray[np.bool_]:
        """Pairs that have a place."""
        return np.isfinite(self.x) & np.isfinite(self.y)


def plots(found: Comparison, relative: bool = False) -> tuple[Plot, ...]:
    """All views of a comparison.

    Parameters
    ----------
    found : Comparison
    relative : bool
        Show lengths over twice the galaxy's radius, where that is known, instead of in their unit.

    Returns
    -------
    tuple of Plot
        ``lengths`` (A against B), ``bland-altman``, and ``residual: …`` for each quantity that is
        known for some pair.
    """
    a, b = (_lengths(found, relative, side) for side in "ab")
    a_err, b_err = (_lengths(found, relative, side, "error") for side in "ab")
    unit = " / 2 r90" if relative else f" [{found.unit}]"
    left = residuals(found.pairs)
    views = [
        _scatter(found, relative, a, b, np.nan_to_num(a_err), np.nan_to_num(b_err), unit),
        _bland_altman(found, a, b, left, unit),
    ]
    trends = {trend.name: trend for trend in found.trends}
    for name, (values, axial) in quantities(found.pairs, found.unit).items():
        if not (np.isfinite(values) & np.isfinite(left)).any():
            continue
        trend = trends.get(name)
        letter = "R" if axial else "ρ"
        note = "" if trend is None else f"{letter} = {trend.strength:+.2f}, p = {trend.p:.2g}"
        zero = Straight("reference", 0.0, 0.0, "no difference")
        views.append(
            Plot(f"residual: {name}", f"Residuals: {name.partition(' [')[0]}",
                 values, left, name, "ln(A / B)", (zero,), note=note)
        )  # fmt: skip
    return tuple(views)


def with_contours(plot: Plot) -> Plot:
    """Add the contours of the density of a plot's points."""
    known = plot.known
    x, y = plot.x[known], plot.y[known]
    if len(x) < CONTOURS_FROM or np.linalg.matrix_rank(np.cov(x, y)) < 2:
        return plot
    from contourpy import contour_generator  # heavy
    from scipy.stats import gaussian_kde

    top = top_of(plot)
    grid = np.linspace(0, top, _GRID)
    mesh = np.stack(np.meshgrid(grid, grid)).reshape(2, -1)
    some = slice(None, None, -(-len(x) // _KERNELS))
    density = gaussian_kde(np.stack([x[some], y[some]]))(mesh).reshape(_GRID, _GRID)
    falling = np.sort(density.ravel())[::-1]
    held = np.cumsum(falling) / falling.sum()
    levels = sorted({float(falling[np.searchsorted(held, share)]) for share in HELD})
    around = contour_generator(grid, grid, density)
    return replace(
        plot, contours=tuple(np.asarray(line) for level in levels for line in around.lines(level))
    )


def top_of(plot: Plot) -> float:
    """Where both axes of a square plot end."""
    known = plot.known
    largest = max(plot.x[known].max(initial=0), plot.y[known].max(initial=0))
    return 1.05 * float(largest) or 1.0


def _lengths(found: Comparison, relative: bool, side: str, what: str = "length") -> Floats:
    values = [getattr(getattr(p, side), what) or np.nan for p in found.pairs]
    size = [2 * p.r90 if p.r90 else np.nan for p in found.pairs] if relative else 1.0
    return np.asarray(np.array(values, np.float64) / np.array(size, np.float64))


def fits(found: Comparison, relative: bool) -> tuple[OriginFit | None, LineFit | None]:
    """Lines through the origin and orthogonal, of lengths or of relative lengths."""
    if not relative:
        return found.agreement.origin, found.agreement.orthogonal
    a, b, a_err, b_err = (
        _lengths(found, True, side, what) for what in ("length", "error") for side in "ab"
    )
    known = np.isfinite(a) & np.isfinite(b)
    a, b, a_err, b_err = (values[known] for values in (a, b, a_err, b_err))
    return through_origin(b, a, b_err, a_err), orthogonal(b, a)


def _scatter(
    found: Comparison,
    relative: bool,
    a: Floats,
    b: Floats,
    a_err: Floats,
    b_err: Floats,
    unit: str,
) -> Plot:
    lines = [Straight("reference", 1.0, 0.0, "one to one")]
    origin, line = fits(found, relative)
    if origin is not None:
        how = "weighted by the errors" if origin.weighted else "equal weights"
        lines.append(Straight("origin", origin.slope, 0.0, f"through the origin, {how}"))
    if line is not None:
        lines.append(Straight("orthogonal", line.slope, line.intercept, "orthogonal regression"))
    return with_contours(
        Plot("lengths", "A against B", b, a, f"B{unit}", f"A{unit}", tuple(lines),
             b_err, a_err, square=True)
    )  # fmt: skip


def _bland_altman(found: Comparison, a: Floats, b: Floats, left: Floats, unit: str) -> Plot:
    agreement = found.agreement
    lines = [Straight("reference", 0.0, 0.0, "no difference")]
    if agreement.bias is not None:
        lines.append(Straight("bias", 0.0, float(np.log(agreement.bias)), "bias"))
    for limit in agreement.limits or ():
        lines.append(Straight("limit", 0.0, float(np.log(limit)), "95 % limits of agreement"))
    return Plot(
        "bland-altman", "Bland–Altman", np.sqrt(a * b), left, f"√(A B){unit}", "ln(A / B)",
        tuple(lines),
    )  # fmt: skip
