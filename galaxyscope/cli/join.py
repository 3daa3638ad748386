"""Join trained networks into an ensemble that answers with the mean of their predictions."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from galaxyscope.cli.progress import complain

NAME, HELP = "join", "networks into an ensemble"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("members", metavar="MODEL", nargs="+", type=Path, help="model folder")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, required=True, help="model folder to write"
    )
    parser.add_argument("--title", help="what the menu shows (default: the folder's name)")


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.classify.card import ModelError
    from galaxyscope.train.join import join

    words = ["galaxyscope", NAME, *map(str, args.members), "-o", str(args.output)]
    words += ["--title", args.title] if args.title else []
    try:
        card = join(args.members, args.output, args.title or args.output.name, shlex.join(words))
    except ModelError as error:
        complain(f"galaxyscope: {error}")
        return 1
    print(f"{args.output}: {', '.join(card.members)}")
    return 0
