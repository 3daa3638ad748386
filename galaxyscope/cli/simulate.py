"""Make galaxies whose bars are known: FITS files with a WCS, and truth.csv."""

from __future__ import annotations

import argparse
from pathlib import Path

from galaxyscope.cli.common import UsageError, number
from galaxyscope.cli.progress import Progress
from galaxyscope.records.tables import replacing

NAME, HELP = "simulate", "galaxies of known truth"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, required=True, help="folder, made if needed"
    )
    parser.add_argument("--count", metavar="N", type=number(1, whole=True), default=12)
    parser.add_argument("--seed", metavar="S", type=number(0, whole=True), default=0)
    parser.add_argument(
        "--size", metavar="PX", type=number(32, 8192, whole=True), default=424, help="rows, columns"
    )
    parser.add_argument("--jpeg", action="store_true", help="a colour JPEG of each galaxy as well")


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.sky.simulate import (
        Sample,
        draw_truth,
        other_truths,
        simulate_galaxy,
        write_fits,
        write_jpeg,
        write_truth_table,
    )

    folder: Path = args.output
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "truth.csv"
    try:
        others = other_truths(table)
    except ValueError as error:
        raise UsageError(str(error)) from error
    samples: list[Sample] = []
    try:
        with Progress(args.count) as progress:
            for index in range(args.count):
                stem = f"simulated_{args.seed}_{index:04d}"
                progress.begin(stem)
                truth = draw_truth(args.seed, index)
                image = simulate_galaxy(truth, args.size)
                write_fits(image, folder / f"{stem}.fits")
                samples.append(Sample(f"{stem}.fits", truth, args.size, True))
                if args.jpeg:
                    write_jpeg(image, folder / f"{stem}.jpg")
                    samples.append(Sample(f"{stem}.jpg", truth, args.size, False))
                progress.end()
    finally:  # galaxies that were made before Ctrl-C keep their truth
        with replacing(table) as temporary:
            write_truth_table(samples, temporary, others)
    return 0
