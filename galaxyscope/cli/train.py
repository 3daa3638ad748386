"""Train a network from a recipe, evaluate it and write a model folder.

The state is kept after every epoch: run the same command again to go on after an interruption.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from pathlib import Path

from galaxyscope.classify.store import DEVICES
from galaxyscope.cli.common import UsageError, number
from galaxyscope.cli.progress import Progress, complain

NAME, HELP = "train", "a network from a recipe"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("recipe", metavar="RECIPE", type=Path, help="TOML file, see recipes/")
    parser.add_argument(
        "--data", metavar="FOLDER", type=Path, required=True, help="the recipe's data are in it"
    )
    parser.add_argument(
        "-o", "--output", metavar="MODEL", type=Path, help="model folder (default: runs/NAME/model)"
    )
    parser.add_argument(
        "--run",
        dest="working",
        metavar="FOLDER",
        type=Path,
        help="working folder (default: runs/NAME)",
    )
    parser.add_argument(
        "--epochs",
        metavar="N",
        type=number(1, whole=True),
        help="stop when N are done (default: all of the recipe)",
    )
    parser.add_argument(
        "--seed", metavar="S", type=number(0, 2**31 - 1, whole=True), help="another than the recipe"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default: auto")
    parser.add_argument("--compile", action="store_true", help="with torch.compile: less time")


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.classify.card import ModelError
    from galaxyscope.train.recipe import read_recipe
    from galaxyscope.train.table import DataError

    try:
        recipe = read_recipe(args.recipe, args.data)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if args.seed is not None:
        recipe = dataclasses.replace(recipe, seed=args.seed)
    working = args.working or Path("runs") / recipe.name
    output = args.output or working / "model"

    from galaxyscope.train.evaluate import evaluate
    from galaxyscope.train.loop import train
    from galaxyscope.train.publish import check_replaceable, publish, write_metrics

    try:
        check_replaceable(output)
        with Progress(1) as progress:
            progress.begin(recipe.name)
            network = train(
                recipe,
                working,
                complain,
                epochs=args.epochs,
                compiled=args.compile,
                device=args.device,
                watch=progress.watch(),
            )
        publish(network, recipe, working, output, command(args), args.device)
        with Progress(1) as progress:
            progress.begin("evaluation")
            metrics = evaluate(
                output,
                recipe,
                working / "evaluation",
                device=args.device,
                watch=progress.watch(),
            )
        write_metrics(output, metrics)
    except (DataError, ModelError, ValueError) as error:
        complain(f"galaxyscope: {error}")
        return 1
    for metric in metrics:
        print(f"{metric.name}: {metric.value} ({metric.split}, {metric.count})")
    return 0


def command(args: argparse.Namespace) -> str:
    """Write the command for the card, without the folders of this machine."""
    words = ["galaxyscope", "train", _short(args.recipe), "--data", "DATA"]
    if args.output is not None:
        words += ["-o", _short(args.output)]
    if args.epochs is not None:
        words += ["--epochs", str(args.epochs)]
    if args.seed is not None:
        words += ["--seed", str(args.seed)]
    return shlex.join(words)


def _short(path: Path) -> str:
    return path.as_posix() if not path.is_absolute() else path.name
