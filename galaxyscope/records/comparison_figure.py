"""A comparison as a figure: scatter, Bland–Altman, residuals, with caption and provenance."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from galaxyscope import __version__
from galaxyscope.records.comparing import Comparison
from galaxyscope.records.comparison_plots import Kind, Plot, plots, top_of
from galaxyscope.records.comparison_text import SIZES, interval, number
from galaxyscope.records.tables import replacing

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")

_BLUE, _AMBER, _GREY = "#0072b2", "#d55e00", "#666666"  # Wong (2011), for all kinds of eyes
_STYLES: dict[Kind, dict[str, Any]] = {
    "reference": {"ls": "--", "color": _GREY, "lw": 1},
    "origin": {"ls": "-", "color": _AMBER, "lw": 1.2},
    "orthogonal": {"ls": ":", "color": _AMBER, "lw": 1.4},
    "bias": {"ls": "-", "color": _AMBER, "lw": 1.2},
    "limit": {"ls": ":", "color": _AMBER, "lw": 1.4},
}


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
        for place, plot in enumerate(panels, start=1):
            _draw(figure.add_subplot(rows, columns, place), plot)
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
            f"Relative length (over twice the {SIZES[found.sizes]}):"
            f" ρ = {number(agreement.rho_relative)}"
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


def _panels(found: Comparison) -> list[Plot]:
    views = plots(found)
    if found.relative:
        views = (views[0], plots(found, relative=True)[0], *views[1:])
    return list(views)


def _draw(axes: Any, plot: Plot) -> None:
    known = plot.known
    x, y = plot.x[known], plot.y[known]
    if plot.x_err is not None and plot.y_err is not None:
        axes.errorbar(
            x, y, yerr=plot.y_err[known], xerr=plot.x_err[known], fmt="none", ecolor=_GREY,
            elinewidth=0.5, alpha=0.3,
        )  # fmt: skip
    axes.plot(x, y, ".", color=_BLUE, ms=4, alpha=0.6)
    for line in plot.contours:
        axes.plot(*line.T, color=_BLUE, lw=0.8)
    ends = np.array([0.0, top_of(plot)]) if plot.square else None
    for straight in plot.lines:
        style = _STYLES[straight.kind]
        if ends is None:
            axes.axhline(straight.intercept, **style)
        else:
            axes.plot(ends, straight.slope * ends + straight.intercept, **style)
    if ends is not None:
        axes.set(xlim=ends, ylim=ends)
    axes.set_title(plot.note, fontsize=8)
    axes.set(xlabel=plot.x_title, ylabel=plot.y_title)
