"""What a search found, as a table of all trials and as a text like the paper's table 2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from galaxyscope.measure.agreement import Agreement
from galaxyscope.records.columns import Column
from galaxyscope.tune.search import Best, Trial, Tuning

_STATISTICS = (
    ("rho_relative", "Pearson's rho of relative lengths"),
    ("rank_relative", "Spearman's rho of relative lengths"),
    ("shuffled_rho_relative", "baseline of rho_relative: lengths dealt out at random"),
    ("rho_paper", "Pearson's rho of lengths times size, as in the paper"),
    ("constant_rho_paper", "baseline of rho_paper: one relative length for all galaxies"),
    ("shuffled_rho_paper", "baseline of rho_paper: relative lengths dealt out at random"),
    ("median_ratio", "median of automatic over human length"),
    ("log_scatter", "robust scatter of ln(automatic / human)"),
)

TRIAL_COLUMNS = (
    Column("networks", "text", "one network, average map or average length"),
    Column("x_input", "text", "X_input: no, plain (as in the paper) or renormalised"),
    Column("noise", "float", "S_noise"),
    Column("correlation", "float", "T_c"),
    Column("min_pixels", "int", "T_1"),
    Column("measured", "int", "galaxies with a length"),
    Column("missing", "int", "galaxies without a bar"),
    *(Column(name, "float", text) for name, text in _STATISTICS),
    Column("outliers", "int", "galaxies off by more than a factor 2"),
    Column("held_out_rho_relative", "float", "cross-validated; best of its networks only"),
    Column("held_out_rho_relative_low", "float", "its 95 % interval: lower end"),
    Column("held_out_rho_relative_high", "float", "its 95 % interval: upper end"),
    Column("held_out_rho_paper", "float", "cross-validated; best of its networks only"),
    Column("held_out_rho_paper_low", "float", "its 95 % interval: lower end"),
    Column("held_out_rho_paper_high", "float", "its 95 % interval: upper end"),
    Column("chosen", "float", "share of the folds that chose it"),
)


def trial_rows(tuning: Tuning) -> Iterator[dict[str, Any]]:
    """Rows for `TRIAL_COLUMNS`, in the order of the grid."""
    best = {best.trial.networks: best for best in tuning.best}
    for trial in tuning.trials:
        own = best[trial.networks]
        row = _row(trial)
        if trial is own.trial:
            for style in ("relative", "paper"):
                interval = getattr(own.held_out, f"rho_{style}_interval") or (None, None)
                name = f"held_out_rho_{style}"
                row[name] = getattr(own.held_out, f"rho_{style}")
                row[f"{name}_low"], row[f"{name}_high"] = interval
        yield row | {"chosen": own.chosen.get(trial.setting, 0.0)}


def _row(trial: Trial) -> dict[str, Any]:
    found = trial.agreement
    return {
        "networks": trial.networks,
        "x_input": trial.setting.x_input,
        "noise": trial.setting.noise,
        "correlation": trial.setting.correlation,
        "min_pixels": trial.setting.min_pixels,
        "measured": found.n,
        "missing": found.missing,
        "outliers": found.outliers,
    } | {name: getattr(found, name) for name, _ in _STATISTICS}


def summary(tuning: Tuning) -> str:
    """Table of the best settings per combination of networks, baselines beside every ρ."""
    head = (
        "networks", "X_input", "S_noise", "T_c", "T_1", "n",
        "relative ρ: best", "held out (95 %)", "shuffled",
        "paper ρ: best", "held out (95 %)", "constant", "shuffled",
        "ratio", "scatter", "> 2 ×",
    )  # fmt: skip
    rows = [head, *(_cells(best) for best in tuning.best)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    spreads = max(best.spread for best in tuning.best)
    return "\n".join(
        [
            *lines,
            "",
            f"{tuning.galaxies} galaxies. Best: largest {tuning.by} ρ among "
            f"{len(tuning.trials) // len(tuning.best)} settings on the same galaxies; it flatters.",
            "Held out: each galaxy with the settings that were best without it. Dividing the "
            f"galaxies otherwise moves that ρ by up to {spreads:.2f} (one standard deviation).",
            "A constant relative length has no relative ρ. Ratio, scatter, > 2 ×: held out.",
        ]
    )


def _cells(best: Best) -> tuple[str, ...]:
    setting, inside, outside = best.trial.setting, best.trial.agreement, best.held_out
    return (
        best.trial.networks,
        setting.x_input,
        f"{setting.noise:g}",
        f"{setting.correlation:g}",
        f"{setting.min_pixels}",
        f"{outside.n}",
        _number(inside.rho_relative),
        _with_interval(outside, "relative"),
        _number(outside.shuffled_rho_relative),
        _number(inside.rho_paper),
        _with_interval(outside, "paper"),
        _number(outside.constant_rho_paper),
        _number(outside.shuffled_rho_paper),
        _number(outside.median_ratio),
        _number(outside.log_scatter),
        f"{outside.outliers}",
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _with_interval(found: Agreement, style: str) -> str:
    rho = getattr(found, f"rho_{style}")
    interval = getattr(found, f"rho_{style}_interval")
    if rho is None or interval is None:
        return _number(rho)
    return f"{rho:.2f} ({interval[0]:.2f} … {interval[1]:.2f})"
