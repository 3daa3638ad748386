"""How often the stated error covers the truth, on simulated bars.

    python scripts/error_coverage.py --maps /tmp/maps [--calibrate 101] [--judge 102] [--count 40]

Runs the whole way on galaxies of known truth and prints, for each algorithm, which share of the
truths lies within one standard deviation (68 % is right). The part of the error that stands for
the algorithm itself (`METHOD_ERROR`) is determined on the galaxies of some seeds and judged on
those of others, then the other way round; galaxies of the one never count in the other. What all
of them together give belongs into the code, and is to be judged on a third seed with --judge. Maps
are kept in a folder, so that the script can be interrupted and run again.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from galaxyscope.classify.store import load_model
from galaxyscope.measure.algorithms import ALGORITHMS
from galaxyscope.measure.bars import BarSettings
from galaxyscope.measure.deproject import STEEP_DEG
from galaxyscope.measure.uncertainty import METHOD_ERROR
from galaxyscope.pipeline import MeasureSettings, measure_attribution
from galaxyscope.sky.simulate import draw_truth, simulate_galaxy
from galaxyscope.tune.maps import MapCache

#: Share of a normal distribution within one standard deviation.
RIGHT = 0.683


@dataclass(frozen=True)
class Judged:
    """A simulated bar: its length over the true one, and the error without the algorithm's part.

    Parameters
    ----------
    ratio : float
    parts : tuple of float
        Of `LengthErrors` but the last, over the measured length; 0 where not known.
    """

    ratio: float
    parts: tuple[float, ...]

    @property
    def error(self) -> float:
        """Relative error without the algorithm's part."""
        return math.hypot(*self.parts)

    @property
    def needed(self) -> float:
        """Smallest part for the algorithm that makes the error cover the truth."""
        off = abs(1 - 1 / self.ratio)
        return math.sqrt(max(off**2 - self.error**2, 0.0))

    def covered(self, method: float) -> bool:
        """Whether the truth lies within the error."""
        return self.needed <= method


def main(argv: list[str] | None = None) -> int:
    """Measure, calibrate on some seeds, judge on others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=Path, required=True, help="folder where maps are kept")
    parser.add_argument("--calibrate", type=int, nargs="+", default=[101], metavar="SEED")
    parser.add_argument("--judge", type=int, nargs="+", default=[102], metavar="SEED")
    parser.add_argument("--count", type=int, default=40, help="galaxies of each seed")
    parser.add_argument("--model")
    parser.add_argument("--samples", type=int, default=96)
    parser.add_argument("--algorithms", nargs="+", choices=ALGORITHMS, default=ALGORITHMS)
    arguments = parser.parse_args(argv)
    if set(arguments.calibrate) & set(arguments.judge):
        parser.error("no galaxy may both calibrate and judge")

    classifier, cache = load_model(arguments.model), MapCache(arguments.maps)
    settings = MeasureSettings(samples=arguments.samples)
    found: dict[tuple[str, bool], list[Judged | None]] = {}
    seeds = [*arguments.calibrate, *arguments.judge]
    draws = [(seed, index) for index in range(arguments.count) for seed in seeds]
    for seed, index in tqdm(draws, disable=not sys.stderr.isatty()):
        truth = draw_truth(seed, index, barred=True)
        if truth.inclination_deg > STEEP_DEG:
            continue
        image = simulate_galaxy(truth)
        attribution = cache.explained(image, classifier, settings)
        for algorithm in arguments.algorithms:
            bar = measure_attribution(image, attribution, BarSettings(algorithm))
            judged = None
            if bar.length_px is not None:
                parts = astuple(replace(bar.errors, method=None))
                judged = Judged(
                    bar.length_px / truth.bar_length_px,
                    tuple((part or 0.0) / bar.length_px for part in parts),
                )
            found.setdefault((algorithm, seed in arguments.judge), []).append(judged)
    print(f"{classifier.card.name}, {settings.method}, {arguments.samples} samples; seeds", end=" ")
    print(f"{arguments.calibrate} calibrate, {arguments.judge} judge; up to {STEEP_DEG:g}°")
    for algorithm in arguments.algorithms:
        print(describe(algorithm, found[algorithm, False], found[algorithm, True]))
    return 0


def describe(
    algorithm: str, calibrating: Sequence[Judged | None], judging: Sequence[Judged | None]
) -> str:
    """Lines for one algorithm."""
    first = [one for one in calibrating if one is not None]
    second = [one for one in judging if one is not None]
    everyone = [*first, *second]
    ratio = np.array([one.ratio for one in everyone])
    shipped = METHOD_ERROR.get(algorithm, 0.0)
    lines = [
        f"{algorithm}: {len(everyone)} of {len(calibrating) + len(judging)} measured, median ratio "
        f"{np.median(ratio):.2f}, scatter of ln ratio {scatter(np.log(ratio)):.2f}",
        f"  algorithm's part: {part_of(first):.3f} by the {len(first)} that calibrate, "
        f"{part_of(second):.3f} by the {len(second)} that judge, {part_of(everyone):.3f} by all; "
        f"in the code {shipped:.3f}",
        f"  covered without it: {interval([one.covered(0.0) for one in everyone])}",
        "  covered with that of the other seeds: "
        + interval(
            [one.covered(part_of(first)) for one in second]
            + [one.covered(part_of(second)) for one in first]
        ),
        "  covered with that of the code: those that judge "
        f"{interval([one.covered(shipped) for one in second])}, all "
        f"{interval([one.covered(shipped) for one in everyone])}",
    ]
    medians = np.median([one.parts for one in everyone], axis=0)
    names = ("sampling", "networks", "threshold", "grid")
    told = ", ".join(f"{n} {100 * m:.1f} %" for n, m in zip(names, medians, strict=False))
    return "\n".join([*lines, f"  median parts of the length: {told}"])


def part_of(judged: Sequence[Judged]) -> float:
    """Part for the algorithm with which the right share of these galaxies is covered."""
    return float(np.quantile([one.needed for one in judged], RIGHT))


def interval(covered: Sequence[bool]) -> str:
    """Share covered, with the standard error of a share."""
    share = float(np.mean(covered))
    error = math.sqrt(share * (1 - share) / len(covered))
    return f"{100 * share:.0f} ± {100 * error:.0f} %"


def scatter(values: np.ndarray) -> float:
    """Robust standard deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


if __name__ == "__main__":
    sys.exit(main())
