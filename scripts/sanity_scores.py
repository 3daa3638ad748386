"""Randomisation scores of the shipped networks, method by method; goes on where it stopped.

The two galaxies are bundled; the radio sources are those of FIRST's published test split that come
first (one FR I, one FR II).
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import zipfile
from pathlib import Path

from galaxyscope.classify.card import read_card
from galaxyscope.classify.store import model_folders
from galaxyscope.cli.main import main as galaxyscope
from galaxyscope.explain.randomisation import read_scores
from galaxyscope.explain.registry import METHODS
from galaxyscope.resources import samples_folder

GALAXIES = ("GS-01 barred face-on.fits", "GS-04 inclined barred spiral.fits")
# Fewer samples than the methods' own defaults, so that two cores need an hour and not a day.
SAMPLES = {"xrai": 16, "lime": 300, "lime/fine": 300, "kernel-shap": 300, "rise": 300}
OTHERWISE = 16


def radio_sources(data: Path, folder: Path) -> list[Path]:
    """Unpack the first FR I and the first FR II of the test split."""
    with (data / "first_300.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    names = [next(row["image"] for row in rows if row["class"] == kind) for kind in ("FRI", "FRII")]
    with zipfile.ZipFile(data / "first_300.zip") as packed:
        return [Path(packed.extract(name, folder)) for name in names]


def main(argv: list[str] | None = None) -> int:
    """Score every method that is not scored yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the radio sources")
    parser.add_argument("models", nargs="*", help="default: all that are no ensembles")
    args = parser.parse_args(argv)
    folders = model_folders()
    cards = {name: read_card(folder) for name, folder in folders.items()}
    names = args.models or [name for name, card in cards.items() if not card.members]
    status = 0
    with tempfile.TemporaryDirectory() as place:
        radio = radio_sources(args.data, Path(place)) if args.data else []
        galaxies = [samples_folder() / name for name in GALAXIES]
        for method in METHODS:
            for name in names:
                pictures = radio if cards[name].stretch == "radio" else galaxies
                known = read_scores(folders[name], cards[name].sha256)
                scored = set() if known is None else {*known.methods, *known.refused}
                if method in scored or not pictures:
                    continue
                samples = str(SAMPLES.get(method, OTHERWISE))
                ask = ["sanity", *map(str, pictures), "--model", name, "--method", method]
                status |= galaxyscope([*ask, "--samples", samples, "--write-card"])
    return status


if __name__ == "__main__":
    sys.exit(main())
