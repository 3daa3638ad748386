"""A comparison in words and as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from galaxyscope.measure.agreement import Agreement
from galaxyscope.measure.bootstrap import Interval
from galaxyscope.measure.observers import Intraclass
from galaxyscope.records.columns import Column
from galaxyscope.records.comparing import Comparison

_BY = {
    "hash": "the hash of the picture",
    "id": "catalogue name",
    "name": "file name",
    "position": "position",
}
#: What relative lengths are relative to.
SIZES = {
    "catalogue": "petroR90 as the tables give it",
    "light": "radius of 90 % of the light, measured on the pictures",
    "": "unknown",
}
UNKNOWN = "–"


def statistics(found: Comparison) -> Iterator[str]:
    """Lines of text with every statistic; the baselines stand beside the correlations."""
    agreement, (a, b) = found.agreement, found.names
    yield f"A: {a}"
    yield f"B: {b}"
    yield (
        f"{agreement.n} galaxies with both lengths, joined by {_BY[found.by]};"
        f" {agreement.missing} more without one of the lengths"
        f"{' or a size' if found.relative else ''};"
        f" {found.only[0]} only in A, {found.only[1]} only in B"
    )
    yield f"sizes: {SIZES[found.sizes]}"
    yield ""
    yield from _correlations(found)
    yield ""
    unit = found.unit
    if found.relative:
        relative, lengths = number(agreement.rmse_relative), number(agreement.rmse_paper)
        yield f"RMSE                 {relative} relative, {lengths} {unit}"
    else:
        yield f"RMSE                 {number(agreement.rmse_relative)} {unit}"
    yield f"bias A/B             {number(agreement.bias)} {interval(agreement.bias_interval)}"
    yield f"95 % limits of A/B   {interval(agreement.limits)}"
    yield f"median A/B           {number(agreement.median_ratio)}"
    yield f"robust scatter       {number(agreement.log_scatter)} of ln(A/B)"
    yield f"beyond a factor 2    {agreement.outliers} of {agreement.n}"
    yield from _fits(agreement, unit)
    if found.trends:
        yield ""
        yield "Residual ln(A/B) against"
        for t in found.trends:
            letter = "R" if t.name.startswith("position angle") else "ρ"
            yield f"  {t.name:24s} {letter} = {t.strength:+.2f}, p = {t.p:.2g} ({t.n})"
    if found.observers is not None:
        yield ""
        yield from _observers(found)


def _correlations(found: Comparison) -> Iterator[str]:
    agreement = found.agreement
    yield f"{'':21s}{'':28s}constant   shuffled"
    rows = [("ρ (Pearson)", "rho"), ("ρ (Spearman)", "rank"), ("concordance (Lin)", "concordance")]
    styles = [("relative", "relative"), ("paper-style", "paper")]
    for title, style in styles if found.relative else [(f"lengths in {found.unit}", "relative")]:
        yield title
        for name, statistic in rows:
            value = getattr(agreement, f"{statistic}_{style}")
            spread = getattr(agreement, f"{statistic}_{style}_interval")
            text = f"  {name:19s}{number(value)} {interval(spread)}"
            if statistic != "concordance":
                constant = getattr(agreement, f"constant_{statistic}_paper")
                shuffled = getattr(agreement, f"shuffled_{statistic}_{style}")
                # The same relative length for all galaxies has no relative correlation.
                known = constant if style == "paper" else None
                text = f"{text:49s}{number(known):11s}{number(shuffled)}"
            yield text
    if not found.relative:
        yield "  (No sizes: lengths of large and small galaxies correlate by their size alone; a"
        yield "  column r90_arcsec in either table gives relative lengths and the baseline.)"


def _fits(agreement: Agreement, unit: str) -> Iterator[str]:
    if (origin := agreement.origin) is not None:
        how = "weighted by the errors" if origin.weighted else "equal weights"
        yield (
            f"through the origin   A = ({origin.slope:.3f} ± {origin.error:.3f}) B, {how}"
            + (f", χ²/ν = {origin.chi2:.2f}" if origin.weighted else "")
        )
    if (line := agreement.orthogonal) is not None:
        yield (
            f"orthogonal           A = {line.slope:.3f} B {line.intercept:+.3f} {unit},"
            f" slope {interval(agreement.orthogonal_slope_interval)}"
        )


def _observers(found: Comparison) -> Iterator[str]:
    people = found.observers
    assert people is not None
    names = people.names if len(people.names) < 9 else (*people.names[:8], "…")
    yield f"Observers ({len(people.names)}: {', '.join(names)}), ln length, Shrout & Fleiss (1979)"
    for title, icc in (
        ("within observers (repeats)", people.within),
        ("between observers, all galaxies", people.between),
        ("between observers, complete ones", people.complete),
    ):
        yield f"  {title:33s}{_icc(icc)}"


def _icc(icc: Intraclass | None) -> str:
    if icc is None:
        return UNKNOWN
    return (
        f"{icc.form} = {icc.value:.3f}, scatter {100 * icc.scatter:.1f} %"
        f" ({icc.ratings} values of {icc.targets} galaxies)"
    )


def number(value: float | None) -> str:
    """Three decimals, a dash where nothing is known."""
    return UNKNOWN if value is None else f"{value:.3f}"


def interval(ends: Interval | None) -> str:
    """``[0.612, 0.713]``, empty where nothing is known."""
    return "" if ends is None else f"[{ends[0]:.3f}, {ends[1]:.3f}]"


def pair_columns(unit: str) -> tuple[Column, ...]:
    """Columns of the table of pairs; pixels have astropy's own name."""
    name = {"px": "pix"}.get(unit, unit)
    return (
        Column("galaxy", "text", "file or galaxy"),
        Column(f"a_{unit}", "float", "full length by A", name),
        Column(f"a_err_{unit}", "float", "one standard deviation", name),
        Column(f"b_{unit}", "float", "full length by B", name),
        Column(f"b_err_{unit}", "float", "one standard deviation", name),
        Column("ratio", "float", "A over B"),
        Column("a_relative", "float", "full length by A over 2 petroR90"),
        Column("b_relative", "float", "full length by B over 2 petroR90"),
        Column("a_rows", "int", "rows that A is the mean of"),
        Column("b_rows", "int", "rows that B is the mean of"),
        Column("ra_deg", "float", "ICRS right ascension", "deg"),
        Column("dec_deg", "float", "ICRS declination", "deg"),
    )


def pair_rows(found: Comparison) -> Iterator[dict[str, Any]]:
    """One row for each galaxy that both sides have."""
    for pair in found.pairs:
        a, b, size = pair.a.length, pair.b.length, pair.r90
        yield {
            "galaxy": pair.name,
            f"a_{found.unit}": a,
            f"a_err_{found.unit}": pair.a.error,
            f"b_{found.unit}": b,
            f"b_err_{found.unit}": pair.b.error,
            "ratio": a / b if a and b else None,
            "a_relative": a / (2 * size) if a and size else None,
            "b_relative": b / (2 * size) if b and size else None,
            "a_rows": len(pair.a.rows),
            "b_rows": len(pair.b.rows),
            "ra_deg": pair.first("ra_deg"),
            "dec_deg": pair.first("dec_deg"),
        }
