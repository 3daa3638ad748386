"""Measure the bars of Galaxy Zoo's pictures, for a network that learns lengths from them.

    python scripts/measured_lengths.py --data ../shared/data

Galaxies that people call barred (votes_224), and the spirals that a network finds most barred
among those of which people's votes are not known (classes_128). Nobody has drawn lines on them.
Their bars are measured with `joint` (map and light), and `recipes/bar-length.toml` trains a network
on what is found: it learns what the measurements have in common and not the accidents of each. A
run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from pathlib import Path

from bar_lengths import rows_of
from tqdm import tqdm

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.store import load_model
from galaxyscope.measure.bars import BarSettings
from galaxyscope.pipeline import MeasureSettings, explain_image, measure_attribution
from galaxyscope.tune.subjects import Subject, opened

#: Galaxies that this share of the people call barred.
BARRED = 0.4
#: So many more, of which a network says so.
MORE = 364
RANKING = "galaxyzoo/resnet"
SAMPLES = 24
BAR = "Class3.1"
HEADER = ("GalaxyID", "split", "bar_fraction", "length_px")


def main(argv: list[str] | None = None) -> int:
    """Measure all galaxies that are not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("-o", "--output", type=Path, default=Path("recipes/bar-length"))
    parser.add_argument("--limit", type=int, help="only the first so many of each table")
    arguments = parser.parse_args(argv)
    arguments.output.mkdir(parents=True, exist_ok=True)
    # People have measured these: they are to judge by.
    people = arguments.data / "bar_lengths" / "galaxyzoo_424.csv"
    known = {row["kaggle_galaxy_id"] for row in rows_of(people)}
    classifier = load_model("galaxyzoo", "cpu")
    for name, wanted in (("votes_224", voted), ("classes_128", ranked)):
        source = arguments.data / "galaxyzoo" / f"{name}.csv"
        rows = [row for row in rows_of(source) if row["GalaxyID"] not in known]
        pictures = source.with_suffix(".zip")
        some = wanted(pictures, rows)[: arguments.limit]
        measure(pictures, some, arguments.output / source.name, classifier)
    return 0


def voted(_pictures: Path, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Galaxies that people call barred."""
    return [row for row in rows if float(row[BAR]) >= BARRED]


def ranked(pictures: Path, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Spirals that a network finds most barred, with what it says and all in the split train."""
    spirals = [row for row in rows if row["class5"] == "spiral"]
    network, found = load_model(RANKING, "cpu"), []
    with opened(pictures) as archive:
        for row in tqdm(spirals, "ranking", disable=not sys.stderr.isatty()):
            said = network.predict(network.prepare(archive.open(subject(row))))
            found.append({**row, "split": "train", BAR: str(said.probabilities[BAR])})
    return sorted(found, key=lambda row: -float(row[BAR]))[:MORE]


def measure(
    pictures: Path, wanted: list[dict[str, str]], out: Path, classifier: Classifier
) -> None:
    """Add the galaxies that a table lacks; those without a bar get no length."""
    done = {row["GalaxyID"] for row in rows_of(out)} if out.exists() else set()
    left = [row for row in wanted if row["GalaxyID"] not in done]
    settings = MeasureSettings(samples=SAMPLES, bar=BarSettings("joint"))
    with opened(pictures) as archive, out.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not done:
            writer.writerow(HEADER)
        for row in tqdm(left, out.stem, disable=not sys.stderr.isatty()):
            image = archive.open(subject(row))
            found = explain_image(image, classifier, settings)
            length = measure_attribution(image, found, settings.bar).length_px
            told = "" if length is None else f"{length:.2f}"
            writer.writerow([row["GalaxyID"], row["split"], f"{float(row[BAR]):.3f}", told])
            file.flush()


def subject(row: dict[str, str]) -> Subject:
    """Galaxy of a row, of whose length nothing is known yet."""
    return Subject(f"{row['GalaxyID']}.jpg", math.nan)


if __name__ == "__main__":
    sys.exit(main())
