"""Choose the settings of the measuring step on galaxies whose bars people have measured.

Maps are made once and kept, so that a search that was interrupted goes on where it was. Prints a
table like table 2 of Bhambra, Joachimi & Lahav 2022, with the baselines beside every correlation.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from galaxyscope.cli.common import (
    UsageError,
    add_model,
    check_method,
    load_classifier,
    number,
    refuse_input,
    sentence,
)
from galaxyscope.cli.progress import Progress
from galaxyscope.measure.algorithms import ALGORITHMS
from galaxyscope.measure.variants import X_INPUTS
from galaxyscope.records.tables import check_suffix, write_rows
from galaxyscope.sky.image import ImageError
from galaxyscope.work.watch import Watch

NAME, HELP = "tune", "settings of the measuring step, against human lengths"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("pictures", metavar="PICTURES", type=Path, help="folder or zip file")
    parser.add_argument(
        "table",
        metavar="TABLE",
        type=Path,
        help="CSV: image, bar_full_length_px (or _arcsec), scale_arcsec_per_px, r90_arcsec",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", type=Path, required=True, help="table of all trials"
    )
    parser.add_argument(
        "--maps", metavar="FOLDER", type=Path, help="where maps are kept (default: OUT.maps)"
    )
    parser.add_argument("--limit", metavar="N", type=number(1, whole=True), help="first N galaxies")
    parser.add_argument(
        "--algorithm", choices=ALGORITHMS, default="published", help="default: published"
    )
    parser.add_argument("--method", metavar="M", help="default: SmoothGrad as the paper ran it")
    parser.add_argument(
        "--samples",
        metavar="N",
        type=number(1, whole=True),
        default=256,
        help="noise samples of each network; default: 256",
    )
    parser.add_argument(
        "--seed", type=number(0, 2**31 - 1, whole=True), default=0, help="default: 0"
    )
    share, count = number(0, 1), number(1, whole=True)
    for name, metavar, one, what in (
        ("--noise", "S", share, "values of S_noise"),
        ("--correlation", "T_C", number(0, 1, above=True), "values of T_c"),
        ("--min-pixels", "T_1", count, "values of T_1"),
    ):
        parser.add_argument(
            name, metavar=f"{metavar},…", type=several(one), help=f"{what} (default: the paper's)"
        )
    parser.add_argument(
        "--x-input",
        metavar="X,…",
        type=several(_x_input),
        help=f"of {', '.join(X_INPUTS)}; default: no,plain",
    )
    parser.add_argument(
        "--by", choices=("relative", "paper"), default="relative", help="default: relative"
    )
    parser.add_argument(
        "--folds", metavar="K", type=number(2, whole=True), default=5, help="default: 5"
    )
    add_model(parser)


def several(one: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """Type for argparse: values separated by commas."""

    def parse(text: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(one(part.strip()) for part in text.split(",")))

    return parse


def _x_input(text: str) -> str:
    if text not in X_INPUTS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(X_INPUTS)}")
    return text


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.tune.grid import Grid
    from galaxyscope.tune.search import METHOD, tune
    from galaxyscope.tune.subjects import opened, read_subjects
    from galaxyscope.tune.table import TRIAL_COLUMNS, summary, trial_rows

    check_suffix(args.output)
    refuse_input(args.output, args.table)
    check_method(args.method)
    asked = ("noise", "x_input", "correlation", "min_pixels", "algorithm")
    given = {name: getattr(args, name) for name in asked}
    grid = Grid(**{name: value for name, value in given.items() if value is not None})
    subjects = read_subjects(args.table)[: args.limit]
    args.target = None
    try:
        with opened(args.pictures, subjects) as pictures:
            classifier = load_classifier(args)
            # torch is loaded by now
            from galaxyscope.pipeline import MeasureSettings
            from galaxyscope.tune.maps import MapCache

            settings = MeasureSettings(
                args.method or METHOD, args.samples, None, args.seed, args.target
            )
            cache = MapCache(args.maps or args.output.with_suffix(".maps"))
            with Progress(1) as progress:
                progress.begin("maps and lengths")
                watch: Watch = progress.watch()
                found = tune(
                    subjects, pictures.open, classifier, cache, grid, settings, args.by,
                    args.folds, watch=watch,
                )  # fmt: skip
    except ImageError as error:
        raise UsageError(str(error)) from error
    except ValueError as error:
        raise UsageError(sentence(error)) from error
    write_rows(args.output, TRIAL_COLUMNS, trial_rows(found), "trials of a search")
    print(summary(found))
    return 0
