"""Measure bars: one row per image with the full length, its error and the position angle."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from galaxyscope.cli.common import (
    Row,
    add_explainer,
    add_model,
    add_paths,
    check_method,
    check_table,
    each_image,
    load_classifier,
    number,
    settings_of,
)
from galaxyscope.measure.bars import ALGORITHMS
from galaxyscope.records.columns import RECORD_COLUMNS
from galaxyscope.records.record import record_of_error
from galaxyscope.records.tables import record_row
from galaxyscope.sky.image import PixelScale, SkyImage
from galaxyscope.work.watch import Watch

NAME, HELP = "measure", "bar lengths, one row per image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_paths(parser)
    add_bar(parser)
    add_scale(parser)
    add_explainer(parser)
    add_model(parser)


def add_bar(parser: argparse.ArgumentParser, algorithms: Sequence[str] = ALGORITHMS) -> None:
    """Options of the measuring step."""
    parser.add_argument(
        "--algorithm",
        choices=algorithms,
        help="default: phase, the one that agrees best with people",
    )
    parser.add_argument(
        "--correlation",
        metavar="T_C",
        type=number(0, 1, above=True),
        help="elongation at which to stop",
    )
    parser.add_argument(
        "--min-pixels", metavar="T_1", type=number(1, whole=True), help="fewest pixels of a bar"
    )


def add_scale(parser: argparse.ArgumentParser) -> None:
    """Add what the user knows better than the file."""
    parser.add_argument(
        "--scale",
        metavar="ARCSEC_PER_PX",
        type=number(0, above=True),
        help="size of a pixel; wins over the file's own",
    )
    parser.add_argument(
        "--redshift", metavar="Z", type=number(0, 1000, above=True), help="for lengths in kpc"
    )


def with_scale(image: SkyImage, args: argparse.Namespace) -> SkyImage:
    """`image` with the scale and redshift that were given."""
    if args.scale is not None:
        image = image.replace(scale=PixelScale(args.scale, "user"))
    return image if args.redshift is None else image.replace(redshift=args.redshift)


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    check_table(args.output)
    check_method(args.method)
    settings_of(args)  # refused before torch is loaded
    classifier = load_classifier(args)
    settings = settings_of(args)
    # torch is loaded by now, so the pipeline costs nothing more
    from galaxyscope.pipeline import measure_image

    def work(image: SkyImage, watch: Watch) -> Row:
        # No time of day in the row: the same command on the same files gives the same bytes.
        found = measure_image(with_scale(image, args), classifier, settings, watch, created_at="")
        return record_row(found.record)

    def failed(path: Path, error: str) -> Row:
        return record_row(record_of_error(path, error))

    return each_image(args, RECORD_COLUMNS, work, failed)
