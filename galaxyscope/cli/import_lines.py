"""Turn lines and lengths from elsewhere into a table of GalaxyScope."""

from __future__ import annotations

import argparse
from pathlib import Path

from galaxyscope.cli.common import UsageError, number, refuse_input
from galaxyscope.records.importing.catalogue import MEANINGS
from galaxyscope.records.tables import RECORD_SUFFIXES, check_suffix, write_records

NAME, HELP = "import", "lines of other programs, catalogues and volunteers as a table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="catalogue (CSV), Zooniverse classifications, DS9 regions",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        type=Path,
        required=True,
        help=f"table to write ({', '.join(RECORD_SUFFIXES)})",
    )
    parser.add_argument(
        "--map",
        metavar="MEANING=COLUMN[:UNIT]",
        action="append",
        default=[],
        type=_pair,
        help="what a column of a catalogue means, as in length_arcsec=bar:arcmin;"
        f" meanings: {', '.join(MEANINGS)}; tool=LABEL names the line tool of a Zooniverse export",
    )
    parser.add_argument(
        "--scale", metavar="ARCSEC_PER_PX", type=number(0, above=True), help="size of a pixel"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.records.importing import read_any

    check_suffix(args.output, RECORD_SUFFIXES)
    refuse_input(args.output, *args.files)
    columns = dict(args.map)
    if len(columns) < len(args.map):
        raise UsageError("--map: a meaning is given twice")
    records = [row for path in args.files for row in read_any(path, columns, args.scale)]
    write_records(args.output, records)
    galaxies = len({row.path for row in records})
    print(f"{len(records)} rows of {galaxies} galaxies in {args.output}")
    return 0


def _pair(text: str) -> tuple[str, str]:
    meaning, equals, column = text.partition("=")
    if not equals or not meaning or not column:
        raise argparse.ArgumentTypeError(f"{text!r} is not MEANING=COLUMN")
    return meaning, column
