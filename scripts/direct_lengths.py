"""Bar lengths straight from a network, each by one that has not seen what people say of it.

    python scripts/direct_lengths.py --data ../shared/data -o said.csv

Bhambra, Joachimi & Lahav 2022 train a network to answer the bar length itself, as a control that
measuring on maps must beat. `recipes/bar-length.toml` does so, and `consensus` asks that network
beside map and light. It is trained on all galaxies that people have measured; so that it can be
judged on the same galaxies, this trains it several times, each time without the human lengths of
one part of them, and asks it for that part. `scripts/bar_lengths.py --said said.csv` then judges
`consensus`. What comes before people's lengths is the same for all and is trained once. Runs go on
where they were stopped; several can run at once, a part each (--part), once that is done.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import itertools
import math
import sys
from pathlib import Path

import numpy as np
from bar_lengths import describe, rows_of
from tqdm import tqdm

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.store import DEVICES, load_model
from galaxyscope.measure.agreement import agree
from galaxyscope.pipeline import answered_length
from galaxyscope.train.loop import train
from galaxyscope.train.publish import publish
from galaxyscope.train.recipe import Recipe, read_recipe
from galaxyscope.train.state import branch
from galaxyscope.tune.subjects import opened, read_subjects

PARTS = 4
SETS = ("galaxyzoo_424", "sdss_64")
GALAXY = "sdss_dr7_objid"  # the column that both tables have


def main(argv: list[str] | None = None) -> int:
    """Train on all parts but one, for each; print how well what is answered agrees with people."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--recipe", type=Path, default=Path("recipes/bar-length.toml"))
    parser.add_argument("--runs", type=Path, default=Path("runs/direct-lengths"))
    parser.add_argument("--part", type=int, choices=range(PARTS), help="train for this one alone")
    parser.add_argument("--epochs", type=int, help="default: those of the recipe")
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="default: cpu")
    parser.add_argument("-o", "--output", type=Path, help="image and what is said of it, in pixels")
    arguments = parser.parse_args(argv)
    recipe = read_recipe(arguments.recipe, arguments.data)
    tables = {name: arguments.data / "bar_lengths" / f"{name}.csv" for name in SETS}
    asked = range(PARTS) if arguments.part is None else (arguments.part,)
    networks = {}
    for part in asked:
        folder = arguments.runs / f"without-{part}"
        mine = without(recipe, tables, part)
        if not folder.exists() and (before := before_people(recipe, tables, arguments.epochs)):
            train(recipe, arguments.runs / "shared", epochs=before, device=arguments.device)
            branch(arguments.runs / "shared", folder / "run", mine)
        network = train(mine, folder / "run", epochs=arguments.epochs, device=arguments.device)
        publish(network, mine, folder / "run", folder / "model")
        networks[part] = load_model(folder / "model", "cpu")
    if arguments.part is not None:
        return 0
    said: dict[str, float] = {}
    for name, table in tables.items():
        found = answers(table, networks)
        said |= found
        subjects = [one for one in read_subjects(table) if one.name in found]
        sizes = np.array([one.diameter_px or math.nan for one in subjects])
        lengths = np.array([found[one.name] for one in subjects])
        human = np.array([one.human_px for one in subjects])
        arcsec = np.array([2 * (one.r90_arcsec or math.nan) for one in subjects])
        print(f"{name}: {len(subjects)} galaxies, each by a network that has not seen its length")
        print(describe(agree(lengths / sizes, human / sizes, arcsec)))
    if arguments.output:
        with arguments.output.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("image", "said_px"))
            writer.writerows((image, f"{length:.3f}") for image, length in said.items())
    return 0


def part_of(galaxy: str) -> int:
    """Part of a galaxy; by a hash, so that it stays the same for ever."""
    return hashlib.sha256(galaxy.encode()).digest()[0] % PARTS


def before_people(recipe: Recipe, tables: dict[str, Path], most: int | None) -> int:
    """Epochs of the first stages, as far as no length that people measured takes part in them."""
    people = [i for i, source in enumerate(recipe.sources) if source.table in tables.values()]
    first = min(people, default=0)
    own = itertools.takewhile(lambda stage: 0 < stage.sources <= first, recipe.stages)
    epochs = sum(stage.epochs for stage in own)
    return epochs if most is None else min(epochs, most)


def without(recipe: Recipe, tables: dict[str, Path], part: int) -> Recipe:
    """Return the recipe without the human lengths of one part of the galaxies."""
    sources = []
    for source in recipe.sources:
        if source.table in tables.values():
            galaxies = [row[GALAXY] for row in rows_of(source.table)]
            left = {GALAXY: [one for one in galaxies if part_of(one) == part]}
            source = dataclasses.replace(source, unless={**source.unless, **left})
        sources.append(source)
    return dataclasses.replace(recipe, sources=tuple(sources))


def answers(table: Path, networks: dict[int, Classifier]) -> dict[str, float]:
    """Length in pixels of every picture, by the network that was trained without it."""
    parts = {row["image"]: part_of(row[GALAXY]) for row in rows_of(table)}
    subjects = read_subjects(table)
    found = {}
    with opened(table.with_suffix(".zip"), subjects) as pictures:
        for subject in tqdm(subjects, table.stem, disable=not sys.stderr.isatty()):
            network = networks[parts[subject.name]]
            found[subject.name] = answered_length(pictures.open(subject), network)
    return found


if __name__ == "__main__":
    sys.exit(main())
