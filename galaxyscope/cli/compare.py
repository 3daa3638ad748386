"""Say how well two tables of bar lengths agree, or the automatic and drawn rows of one."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from galaxyscope.cli.common import UsageError, number, refuse_input, sentence
from galaxyscope.records.comparing import compare_records
from galaxyscope.records.joining import KEYS, TOLERANCE_ARCSEC, JoinError
from galaxyscope.records.record import Record
from galaxyscope.records.tables import TABLE_SUFFIXES, check_suffix, write_rows

NAME, HELP = "compare", "how well two tables of bar lengths agree"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "tables",
        metavar="TABLE",
        nargs="+",
        type=Path,
        help="A and B: GalaxyScope's CSV, a catalogue, a Zooniverse export, DS9 regions; one"
        " table: its automatic rows (A) against its drawn ones (B)",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", type=Path,
        help=f"table of the pairs ({', '.join(TABLE_SUFFIXES)})",
    )  # fmt: skip
    parser.add_argument(
        "--figure",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="figure with caption (.png, .svg, .pdf); may be given several times",
    )
    parser.add_argument(
        "--by", choices=KEYS, help="how galaxies are found again (default: what finds most)"
    )
    parser.add_argument(
        "--tolerance",
        metavar="ARCSEC",
        type=number(0, above=True),
        default=TOLERANCE_ARCSEC,
        help=f"for --by position; default: {TOLERANCE_ARCSEC:g}",
    )
    parser.add_argument("--observer", metavar="NAME", help="only the lines of this observer")
    parser.add_argument(
        "--seed", type=number(0, 2**31 - 1, whole=True), default=0, help="default: 0"
    )
    parser.add_argument(
        "--resamples",
        metavar="N",
        type=number(1, 1_000_000, whole=True),
        default=1000,
        help="bootstrap resamples; default: 1000",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.records.comparison_figure import FIGURE_SUFFIXES, draw_comparison
    from galaxyscope.records.comparison_text import pair_columns, pair_rows, statistics

    if len(args.tables) > 2:
        raise UsageError(f"two tables can be compared, not {len(args.tables)}")
    if args.output is not None:
        check_suffix(args.output)
        refuse_input(args.output, *args.tables)
    for figure in args.figure:
        check_suffix(figure, FIGURE_SUFFIXES)
    (a, name_a), (b, name_b) = _sides(args)
    try:
        found = compare_records(
            a, b, (name_a, name_b), args.by, args.tolerance, args.seed, args.resamples
        )
    except JoinError as error:
        raise UsageError(sentence(error)) from error
    for line in statistics(found):
        print(line)
    if args.output is not None:
        title = f"Full bar lengths: {name_a} (A) and {name_b} (B)"
        write_rows(args.output, pair_columns(found.unit), pair_rows(found), title)
    for figure in args.figure:
        draw_comparison(found, figure, tuple(_source(path) for path in args.tables))
    return 0


Side = tuple[list[Record], str]


def _sides(args: argparse.Namespace) -> tuple[Side, Side]:
    """Rows of both sides, and what they are called.

    Of a table that holds both kinds, A is the automatic one and B the drawn one.
    """
    from galaxyscope.records.importing import read_any

    tables = [read_any(path) for path in args.tables]
    names = [path.name for path in args.tables]
    if len(tables) == 1:
        tables, names = tables * 2, names * 2
    if args.observer is not None:
        seen = sorted({r.observer for rows in tables for r in rows if r.observer})
        if args.observer not in seen:
            raise UsageError(f"no line is by {args.observer!r}; there are {', '.join(seen[:20])}")
        tables = [
            [r for r in rows if r.kind == "automatic" or r.observer == args.observer]
            for rows in tables
        ]
    a, b = _of_kind(tables[0], "automatic", names[0]), _of_kind(tables[1], "drawn", names[1])
    if len(args.tables) == 1 and {r.kind for r in a[0]} == {r.kind for r in b[0]}:
        raise UsageError(
            f"{names[0]}: holds no automatic rows beside drawn ones; give a second table"
        )
    return a, b


def _of_kind(rows: list[Record], kind: str, name: str) -> Side:
    some = [r for r in rows if r.kind == kind]
    if not some or len(some) == len(rows):
        return rows, name
    return some, f"{name} ({kind})"


def _source(path: Path) -> str:
    with path.open("rb") as file:
        return f"{path.name} (sha256 {hashlib.file_digest(file, 'sha256').hexdigest()[:12]})"
