"""One parser, one small module per command."""

from __future__ import annotations

import argparse
import io
import os
import sys

from galaxyscope.cli import (
    compare,
    concepts,
    evaluate,
    explain,
    import_lines,
    join,
    line,
    measure,
    measure_map,
    models,
    predict,
    sanity,
    simulate,
    train,
    tune,
)
from galaxyscope.cli.common import UsageError, sentence
from galaxyscope.cli.progress import complain
from galaxyscope.records.tables import TableError

COMMANDS = (
    predict,
    explain,
    concepts,
    sanity,
    measure,
    measure_map,
    line,
    import_lines,
    compare,
    tune,
    simulate,
    models,
    train,
    join,
    evaluate,
)


def build_parser() -> argparse.ArgumentParser:
    """Parser with a subparser for each command."""
    parser = argparse.ArgumentParser(prog="galaxyscope", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        command = commands.add_parser(
            module.NAME, help=module.HELP, description=module.__doc__, allow_abbrev=False
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run a command.

    Returns
    -------
    int
        Exit status, see `galaxyscope.launch.main`.
    """
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:  # --help, or a usage error that argparse has explained
        return int(stop.code or 0)
    _speak_any_encoding()
    try:
        return int(args.run(args))
    except (UsageError, TableError) as error:
        complain(f"galaxyscope: {error}")
        return 2
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        complain(f"galaxyscope: {sentence(error)}")
        return 1
    except KeyboardInterrupt:
        complain("galaxyscope: interrupted")
        return 130


def _speak_any_encoding() -> None:
    """Where a terminal knows no ρ or ☉ it gets its number, and the command goes on."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
