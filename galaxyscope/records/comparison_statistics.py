"""The figures of a comparison, one after the other, each with what knows nothing of bars."""

from __future__ import annotations

from dataclasses import dataclass

from galaxyscope.measure.bootstrap import Interval
from galaxyscope.measure.observers import Intraclass
from galaxyscope.records.comparing import Comparison
from galaxyscope.records.comparison_plots import fits


@dataclass(frozen=True)
class Statistic:
    """One figure.

    Parameters
    ----------
    key : str
        Name of the statistic: ``"rho"``, ``"bias"``, ``"icc"`` …
    name : str
        For the reader.
    value : float or None
        None where it is undefined.
    interval : (low, high) or None
        95 %.
    constant, shuffled : float or None
        The same of one relative length for all galaxies, and of shuffled ones.
    error : float or None
        One standard deviation, where there is no interval.
    decimals : int
        Digits behind the point that mean something.
    about : str
        What a reader should know: counts, weights.
    """

    key: str
    name: str
    value: float | None
    interval: Interval | None = None
    constant: float | None = None
    shuffled: float | None = None
    error: float | None = None
    decimals: int = 2
    about: str = ""


def statistics_of(found: Comparison, relative: bool = False) -> tuple[Statistic, ...]:
    """All figures of a comparison.

    Parameters
    ----------
    found : Comparison
    relative : bool
        Give RMSE and regressions of relative lengths instead of lengths in their unit.
    """
    agreement = found.agreement
    return (
        Statistic("n", "Galaxies", agreement.n, decimals=0, about=_counts(found)),
        *_correlations(found),
        _rmse(found, relative),
        Statistic("bias", "Bias A / B", agreement.bias, agreement.bias_interval),
        Statistic("limits", "Limits of A / B", agreement.bias, agreement.limits),
        Statistic("median", "Median A / B", agreement.median_ratio),
        Statistic("scatter", "Scatter of ln(A / B)", agreement.log_scatter),
        Statistic(
            "outliers", "Beyond a factor of 2", agreement.outliers, decimals=0,
            about=f"of {agreement.n}",
        ),
        *_fits(found, relative),
        *_people(found),
    )  # fmt: skip


def _counts(found: Comparison) -> str:
    missing = found.agreement.missing
    without = f"{missing} more without a length{' or a size' if found.sizes else ''}"
    return f"{without}; {found.only[0]} only in A, {found.only[1]} only in B"


def _correlations(found: Comparison) -> list[Statistic]:
    """Correlations of relative lengths, and of lengths with both baselines."""
    agreement = found.agreement
    rows = []
    for key, name in (("rho", "Pearson ρ"), ("rank", "Spearman ρ"), ("concordance", "Lin ρc")):
        for style, title in (("relative", "relative"), ("paper", "lengths")):
            if style == "paper" and not found.sizes:
                continue
            rows.append(
                Statistic(
                    key,
                    f"{name}, {title if found.sizes else 'lengths'}",
                    getattr(agreement, f"{key}_{style}"),
                    getattr(agreement, f"{key}_{style}_interval"),
                    getattr(agreement, f"constant_{key}_paper", None) if style == "paper" else None,
                    getattr(agreement, f"shuffled_{key}_{style}", None),
                    about=style,
                )
            )
    return rows


def _rmse(found: Comparison, relative: bool) -> Statistic:
    agreement = found.agreement
    if relative or not found.sizes:
        unit = "over 2 r90" if relative else found.unit
        return Statistic("rmse", f"RMSE, {unit}", agreement.rmse_relative, decimals=3)
    return Statistic("rmse", f"RMSE, {found.unit}", agreement.rmse_paper)


def _fits(found: Comparison, relative: bool) -> list[Statistic]:
    origin, line = fits(found, relative)
    rows = []
    if origin is not None:
        how = "weighted by the errors" if origin.weighted else "equal weights"
        about = f"{how}, χ²/ν = {origin.chi2:.2f}" if origin.weighted else how
        rows.append(
            Statistic("origin", "Slope through 0", origin.slope, error=origin.error,
                      about=about)
        )  # fmt: skip
    if line is not None:
        unit = "over 2 r90" if relative else found.unit
        spread = None if relative else found.agreement.orthogonal_slope_interval
        rows.append(
            Statistic("orthogonal", "Orthogonal slope", line.slope, spread,
                      about=f"intercept {line.intercept:+.3g} {unit}")
        )  # fmt: skip
    return rows


def _people(found: Comparison) -> list[Statistic]:
    people = found.observers
    if people is None:
        return []
    named: tuple[tuple[str, Intraclass | None], ...] = (
        ("Within observers", people.within),
        ("Between observers", people.between),
        ("Between, complete", people.complete),
    )
    return [
        Statistic(
            "icc",
            name,
            icc.value,
            about=f"{icc.form}, scatter {100 * icc.scatter:.0f} %,"
            f" {icc.ratings} values of {icc.targets} galaxies",
        )
        for name, icc in named
        if icc is not None
    ]
