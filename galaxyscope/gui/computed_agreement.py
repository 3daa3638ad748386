"""How was this computed? The figures of the agreement panel."""

from __future__ import annotations

from galaxyscope.gui.computed import Computation
from galaxyscope.gui.rows import MINUS, UNKNOWN
from galaxyscope.records.comparing import Comparison
from galaxyscope.records.comparison_statistics import Statistic
from galaxyscope.records.comparison_text import SIZES

_RESAMPLED = "[ ]: central 95 % of 1000 bootstrap resamples of the galaxies (seed 0)."
_BASELINES = (
    "Constant: the same with one relative length for all galaxies; it has no correlation of "
    "relative lengths. Shuffled: mean over 200 random deals of the relative lengths of A. What a "
    "correlation of lengths has above these two is due to the bars, the rest to the sizes of "
    "the galaxies."
)
_BLAND = "Bland & Altman 1986, Lancet 327, 307; 1999, Stat. Methods Med. Res. 8, 135 (ratios)"
_ICC = "Shrout & Fleiss 1979, Psychol. Bull. 86, 420"
_RATIO = "limits = exp(mean ± 1.96 standard deviations of ln(A / B))"
# Formula and reference by the key of a statistic.
_HOW: dict[str, tuple[str, str]] = {
    "n": ("Galaxies that both sides have, with a length on both", ""),
    "rho": ("ρ = Σ (a − ā)(b − b̄) / √(Σ (a − ā)² Σ (b − b̄)²)", "Pearson's correlation"),
    "rank": ("Pearson's ρ of the ranks, equal values share theirs", "Spearman 1904"),
    "concordance": (
        "ρc = 2 cov(a, b) / (var a + var b + (ā − b̄)²): 1 only on the one-to-one line",
        "Lin 1989, Biometrics 45, 255",
    ),
    "rmse": ("√(mean (a − b)²)", "Bhambra, Joachimi & Lahav 2022, MNRAS 511, 5032, section 5"),
    "bias": ("exp(mean ln(A / B)), the geometric mean of the ratios", _BLAND),
    "limits": (_RATIO, _BLAND),
    "median": ("Median of A / B", ""),
    "scatter": ("1.4826 × median |ln(A / B) − its median|; 0.17 is about 17 %", ""),
    "outliers": ("Galaxies with A / B above 2 or below ½", ""),
    "origin": (
        "A = slope × B, each galaxy with the weight 1 / (σ_A² + slope² σ_B²)",
        "Figure 4 of Bhambra, Joachimi & Lahav 2022; effective variance: Orear 1982, "
        "Am. J. Phys. 50, 912",
    ),
    "orthogonal": (
        "Major axis of the points: least squared distances at right angles to the line",
        "Pearson 1901, Phil. Mag. 2, 559",
    ),
    "icc": (
        "Share of the variance of ln length that lies between galaxies and not between lines of "
        "one galaxy",
        _ICC,
    ),
}
_ERRORS = {
    "origin": "± is one standard deviation, widened by √χ²/ν: the scatter about the line decides.",
}
_STYLES = {
    "relative": "Relative lengths: each over twice the {sizes}.",
    "paper": "Lengths as the paper compares them: relative length × size of the galaxy, "
    "so that both axes carry the same size.",
}


def figure(value: float | None, decimals: int = 2) -> str:
    """Write one figure; a dash where it is undefined."""
    return UNKNOWN if value is None else f"{value:.{decimals}f}".replace("-", MINUS)


def spread(statistic: Statistic) -> str:
    """Return the interval or error of a statistic, empty where it has none."""
    if statistic.interval is not None:
        return " … ".join(figure(end, statistic.decimals) for end in statistic.interval)
    return f"± {figure(statistic.error, statistic.decimals)}" if statistic.error else ""


def value_text(statistic: Statistic) -> str:
    """Return the value; limits are an interval and nothing else."""
    if statistic.key == "limits":
        return ""
    text = figure(statistic.value, statistic.decimals)
    return f"{text} {statistic.about}" if statistic.key == "outliers" else text


def how_agreed(statistic: Statistic, found: Comparison) -> Computation:
    """Say how a figure was computed."""
    formula, reference = _HOW[statistic.key]
    correlation = statistic.key in ("rho", "rank", "concordance")
    sizes = SIZES[found.sizes]
    inputs = [
        ("A", found.names[0]),
        ("B", found.names[1]),
        ("Galaxies", f"{found.agreement.n}, found again by {found.by}"),
        ("Unit", found.unit),
        ("Sizes", sizes),
    ]
    about = _STYLES.get(statistic.about, statistic.about).format(sizes=sizes)
    if about:
        inputs.append(("Here", about))
    if correlation:
        inputs += [
            ("Constant length", figure(statistic.constant)),
            ("Shuffled", figure(statistic.shuffled)),
        ]
    resampled = statistic.interval is not None and statistic.key != "limits"
    cautions = (
        _BASELINES if correlation else "",
        _RESAMPLED if resampled else "",
        _ERRORS.get(statistic.key, ""),
    )
    value = f"{value_text(statistic)} {spread(statistic)}".strip()
    return Computation(
        statistic.name,
        value,
        formula,
        tuple(inputs),
        " ".join(caution for caution in cautions if caution),
        reference,
    )
