"""Measure a network on labelled pictures: figures, a table of predictions, pictures.

DATA is a recipe (its first source is used, with --data), or a table (.csv) with the
pictures beside it: a zip file or folder of the same name, or the table's own folder. What was
asked already is kept in the output folder: run the same command again to go on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyscope.classify.store import DEVICES
from galaxyscope.cli.common import UsageError
from galaxyscope.cli.progress import Progress, complain

if TYPE_CHECKING:
    from galaxyscope.train.recipe import Recipe

NAME, HELP = "evaluate", "what a network is worth"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("model", metavar="MODEL", help="network, by name or folder")
    parser.add_argument("source", metavar="DATA", type=Path, help="recipe (.toml) or table (.csv)")
    parser.add_argument(
        "--data", metavar="FOLDER", type=Path, help="of the recipe's data (default: here)"
    )
    parser.add_argument("--split", metavar="NAME", help="default: the one the recipe is judged on")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, help="default: evaluation/MODEL/DATA-SPLIT"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default: auto")
    parser.add_argument("--fast", action="store_true", help="no zooms, no grey, nothing opened")
    parser.add_argument(
        "--write-card", action="store_true", help="put the figures on the model's card"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.classify.card import ModelError
    from galaxyscope.train.evaluate import evaluate
    from galaxyscope.train.publish import write_metrics
    from galaxyscope.train.table import DataError, left_out

    folder = _model_folder(args.model)
    recipe = _recipe(args, folder)
    of_what = f"{args.source.absolute().stem}-{args.split or recipe.judged}"
    output = args.output or Path("evaluation") / folder.name / of_what
    try:
        for line in left_out(recipe):
            complain(f"galaxyscope: {line}")
        with Progress(1) as progress:
            progress.begin(folder.name)
            metrics = evaluate(
                folder,
                recipe,
                output,
                args.split or "",
                device=args.device,
                fast=args.fast,
                watch=progress.watch(),
            )
        if args.write_card:
            write_metrics(folder, metrics)
    except (DataError, ModelError) as error:
        complain(f"galaxyscope: {error}")
        return 1
    for metric in metrics:
        print(f"{metric.name}: {metric.value} ({metric.split}, {metric.count})")
    return 0


def _model_folder(name: str) -> Path:
    from galaxyscope.classify.card import CARD_FILE
    from galaxyscope.classify.store import model_folders

    known = model_folders()
    if name in known:
        return known[name]
    if (Path(name) / CARD_FILE).is_file():
        return Path(name)
    raise UsageError(f"there is no model {name}; there are: {', '.join(known) or 'none'}")


def _recipe(args: argparse.Namespace, folder: Path) -> Recipe:
    from galaxyscope.classify.card import ModelError, read_card
    from galaxyscope.train.plain_table import table_recipe
    from galaxyscope.train.recipe import read_recipe

    try:
        if args.source.suffix.lower() == ".toml":
            return read_recipe(args.source, args.data or Path())
        return table_recipe(args.source, read_card(folder))
    except (ModelError, ValueError) as error:
        raise UsageError(str(error)) from error
