"""Measure a line that was drawn by hand: its length and angle as one row of a table."""

from __future__ import annotations

import argparse
from pathlib import Path

from galaxyscope.cli.common import (
    UsageError,
    add_plane,
    add_table,
    check_table,
    number,
    opened_table,
    read_image,
    sentence,
)
from galaxyscope.cli.measure import add_scale, with_scale
from galaxyscope.cli.progress import complain
from galaxyscope.records.columns import RECORD_COLUMNS
from galaxyscope.sky.image import ImageError

NAME, HELP = "line", "length and angle of a line that you drew"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("path", metavar="PATH", type=Path, help="image")
    for name in ("X1", "Y1", "X2", "Y2"):
        parser.add_argument(
            name.lower(), metavar=name, type=number(-1e6, 1e6), help="0-based, centres are whole"
        )
    parser.add_argument("--observer", metavar="NAME", default="", help="who drew it")
    add_table(parser)
    add_plane(parser)
    add_scale(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    check_table(args.output)
    from galaxyscope.measure.results import LineMeasurement
    from galaxyscope.records.making import record_of_line
    from galaxyscope.records.tables import record_row

    try:
        image = with_scale(read_image(args.path, args.plane), args)
    except ImageError as error:
        complain(f"galaxyscope: {args.path}: {sentence(error)}")
        return 1
    if (args.x1, args.y1) == (args.x2, args.y2):
        raise UsageError("a line needs two different ends")
    # No time of day in the row: the same command on the same file gives the same bytes.
    line = LineMeasurement(((args.x1, args.y1), (args.x2, args.y2)), args.observer, "")
    with opened_table(args.output, RECORD_COLUMNS) as add:
        add(record_row(record_of_line(image, line)))
    return 0
