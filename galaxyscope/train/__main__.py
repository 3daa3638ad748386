"""``python -m galaxyscope.train RECIPE.toml --data FOLDER -o MODEL_FOLDER``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

from galaxyscope.train.recipe import read_recipe

SOURCE = (
    "Galaxy Zoo 2 vote fractions (Willett et al. 2013) on SDSS pictures, training set of the "
    "Galaxy Zoo Challenge"
)
LIMITS = (
    "Galaxies whose r90 is not well found from the light (mergers, crowded fields), fields of "
    "several galaxies, radio maps, spectra; bars shorter than the seeing. Vote fractions are what "
    "people answered, not what is true."
)


def main(argv: list[str] | None = None) -> int:
    """Train, evaluate and publish a network; run again to go on after an interruption."""
    parser = argparse.ArgumentParser(prog="python -m galaxyscope.train", description=main.__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training data")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder to write")
    parser.add_argument("--run", type=Path, help="working folder (default: runs/NAME)")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    arguments = parser.parse_args(argv)
    try:
        recipe = read_recipe(arguments.recipe, arguments.data)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    run = arguments.run or Path("runs") / recipe.name

    from galaxyscope.train.data import read_pictures
    from galaxyscope.train.evaluate import evaluate
    from galaxyscope.train.loop import train
    from galaxyscope.train.publish import publish

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    network = train(recipe, run, say, compiled=arguments.compile)
    metrics = evaluate(network, read_pictures(recipe, "val"), recipe, "val")
    training = {
        "source": SOURCE,
        "licence of the data": "no licence of their own is stated; cite Galaxy Zoo and SDSS",
        "command": f"python -m galaxyscope.train {arguments.recipe} --data DATA -o "
        f"models/{recipe.name}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }
    publish(network, recipe, metrics, run, arguments.output, training, LIMITS)
    for metric in metrics:
        say(f"{metric.name}: {metric.value} ({metric.split}, {metric.count})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
