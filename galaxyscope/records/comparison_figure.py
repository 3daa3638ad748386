"""A comparison as a figure: scatter, Bland–Altman, residuals, with caption and provenance."""

from __future__ import annotations

import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope import __version__
from galaxyscope.measure.residuals import Trend
from galaxyscope.records.comparing import Comparison, quantities, residuals
from galaxyscope.records.comparison_text import interval, number
from galaxyscope.records.tables import replacing

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
Floats = NDArray[np.float64]

_BLUE, _AMBER, _GREY = "#0072b2", "#d55e00", "#666666"  # Wong (2011), for all kinds of eyes
_CONTOURS_FROM = 30  # pairs


def draw_comparison(found: Comparison, path: Path, sources: tuple[str, ...] = ()) -> None:
    """Draw a comparison to a file.

    Scatter of lengths with the one-to-one line, both regressions and density contours; relative
    lengths where sizes are known; ln(A/B) against the mean length with bias and limits (Bland &
    Altman 1986); and against all that might explain it.

    Parameters
    ----------
    found : Comparison
    path : Path
        ``.png``, ``.svg`` or ``.pdf``; replaced only when the new one is whole. The same
        comparison gives the same bytes.
    sources : tuple of str
        The files that were compared, for caption and metadata.
    """
    import matplotlib  # heavy; only who asks for a figure waits for it
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = _panels(found)
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    caption = textwrap.wrap(caption_of(found, sources), 46 * columns)
    height = 3.4 * rows + 0.17 * len(caption) + 0.4
    style: Any = {"svg.hashsalt": "galaxyscope", "font.size": 9, "svg.fonttype": "none"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(3.6 * columns, height))
        FigureCanvasAgg(figure)
        below = (0.17 * len(caption) + 0.25) / height
        figure.set_layout_engine("constrained", rect=(0, below, 1, 1 - below))
        for number_, draw in enumerate(panels):
            draw(figure.add_subplot(rows, columns, number_ + 1))
        figure.text(0.02, 0.1 / height, "\n".join(caption), fontsize=8, va="bottom")
        with replacing(path) as temporary:
            figure.savefig(
                temporary, format=path.suffix[1:].lower(), dpi=150, metadata=_metadata(found, path)
            )


def caption_of(found: Comparison, sources: tuple[str, ...] = ()) -> str:
    """Say in one paragraph what the figure shows, with the numbers that matter."""
    agreement, (a, b) = found.agreement, found.names
    text = f"Full bar lengths of {agreement.n} galaxies: {a} (A) against {b} (B). "
    if found.relative:
        text += (
            f"Relative length (over 2 petroR90): ρ = {number(agreement.rho_relative)}"
            f" {interval(agreement.rho_relative_interval)}, shuffled lengths give"
            f" {number(agreement.shuffled_rho_relative)}. Paper-style:"
            f" ρ = {number(agreement.rho_paper)} {interval(agreement.rho_paper_interval)},"
            f" one relative length for all gives {number(agreement.constant_rho_paper)}, shuffled"
            f" ones {number(agreement.shuffled_rho_paper)}. "
        )
    else:
        text += (
            f"ρ = {number(agreement.rho_relative)} {interval(agreement.rho_relative_interval)};"
            " sizes of the galaxies are not known, so that part of it may be theirs. "
        )
    text += (
        f"Bias A/B {number(agreement.bias)} {interval(agreement.bias_interval)}, 95 % limits"
        f" {interval(agreement.limits)}. Dashed: one to one; solid: through the origin, weighted"
        " by the errors where known; dotted: orthogonal regression; contours hold 50 and 90 % of a"
        " smoothed density. Brackets: 95 % of bootstrap resamples. "
    )
    if sources:
        text += f"From {', '.join(sources)}. "
    return text + f"GalaxyScope {__version__}."


def _metadata(found: Comparison, path: Path) -> dict[str, Any]:
    title = f"Bar lengths: {found.names[0]} against {found.names[1]}"
    maker = f"GalaxyScope {__version__}"
    caption = caption_of(found)
    # No date: the same comparison gives the same bytes.
    by_suffix: dict[str, dict[str, Any]] = {
        ".png": {"Title": title, "Description": caption, "Software": maker},
        ".svg": {"Title": title, "Description": caption, "Creator": maker, "Date": None},
        ".pdf": {"Title": title, "Subject": caption, "Creator": maker, "CreationDate": None},
    }
    return by_suffix[path.suffix.lower()]


def _panels(found: Comparison) -> list[Any]:
    pairs = found.pairs
    a = np.array([p.a.length or np.nan for p in pairs])
    b = np.array([p.b.length or np.nan for p in pairs])
    size = np.array([2 * p.r90 if p.r90 else np.nan for p in pairs])
    left = residuals(pairs)
    panels: list[Any] = [partial(_scatter, found=found, a=a, b=b)]
    if found.relative:
        panels.append(partial(_relative, a=a / size, b=b / size))
    panels.append(partial(_bland_altman, found=found, mean=np.sqrt(a * b), left=left))
    values = quantities(pairs)
    panels += [
        partial(_residual, trend=t, values=values[t.name][0], left=left) for t in found.trends
    ]
    return panels


def _scatter(axes: Any, found: Comparison, a: Floats, b: Floats) -> None:
    agreement = found.agreement
    known = np.isfinite(a) & np.isfinite(b)
    errors = [
        np.array([getattr(p, side).error or 0 for p in found.pairs])[known] for side in ("a", "b")
    ]
    axes.errorbar(
        b[known], a[known], yerr=errors[0], xerr=errors[1], fmt="none", ecolor=_GREY,
        elinewidth=0.5, alpha=0.3,
    )  # fmt: skip
    top = _cloud(axes, b[known], a[known])
    ends = np.array([0.0, top])
    axes.plot(ends, ends, "--", color=_GREY, lw=1)
    if agreement.origin is not None:
        axes.plot(ends, agreement.origin.slope * ends, color=_AMBER, lw=1.2)
    if agreement.orthogonal is not None:
        line = agreement.orthogonal
        axes.plot(ends, line.slope * ends + line.intercept, ":", color=_AMBER, lw=1.4)
    axes.set(xlim=ends, ylim=ends, xlabel=f"B [{found.unit}]", ylabel=f"A [{found.unit}]")


def _relative(axes: Any, a: Floats, b: Floats) -> None:
    known = np.isfinite(a) & np.isfinite(b)
    top = _cloud(axes, b[known], a[known])
    axes.plot([0, top], [0, top], "--", color=_GREY, lw=1)
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="B / 2 petroR90", ylabel="A / 2 petroR90")


def _bland_altman(axes: Any, found: Comparison, mean: Floats, left: Floats) -> None:
    axes.plot(mean, left, ".", color=_BLUE, ms=4, alpha=0.6)
    agreement = found.agreement
    axes.axhline(0, ls="--", color=_GREY, lw=1)
    if agreement.bias is not None:
        axes.axhline(np.log(agreement.bias), color=_AMBER, lw=1.2)
    for limit in agreement.limits or ():
        axes.axhline(np.log(limit), ls=":", color=_AMBER, lw=1.4)
    axes.set(xlabel=f"√(A B) [{found.unit}]", ylabel="ln(A / B)")


def _residual(axes: Any, trend: Trend, values: Floats, left: Floats) -> None:
    axes.plot(values, left, ".", color=_BLUE, ms=4, alpha=0.6)
    axes.axhline(0, ls="--", color=_GREY, lw=1)
    axes.set_title(f"strength {trend.strength:+.2f}, p = {trend.p:.2g}", fontsize=8)
    axes.set(xlabel=trend.name, ylabel="ln(A / B)")


def _cloud(axes: Any, x: Floats, y: Floats) -> float:
    """Points with contours that hold 50 and 90 % of their smoothed density; where both end."""
    axes.plot(x, y, ".", color=_BLUE, ms=4, alpha=0.6)
    top = 1.05 * float(max(x.max(initial=0), y.max(initial=0))) or 1.0
    if len(x) < _CONTOURS_FROM or np.linalg.matrix_rank(np.cov(x, y)) < 2:
        return top
    from scipy.stats import gaussian_kde

    grid = np.linspace(0, top, 80)
    mesh = np.stack(np.meshgrid(grid, grid)).reshape(2, -1)
    some = slice(None, None, -(-len(x) // 2000))  # a density needs no more points
    density = gaussian_kde(np.stack([x[some], y[some]]))(mesh).reshape(80, 80)
    falling = np.sort(density.ravel())[::-1]
    held = np.cumsum(falling) / falling.sum()
    levels = [float(falling[np.searchsorted(held, share)]) for share in (0.9, 0.5)]
    if levels[0] < levels[1]:
        axes.contour(grid, grid, density, levels=levels, colors=_BLUE, linewidths=0.8)
    return top
