"""Measure the bars of Galaxy Zoo's pictures, for a network that learns lengths from them.

    python scripts/measured_lengths.py --data ../shared/data

Nobody has drawn lines on these galaxies. Their bars are measured with `joint` (map and light),
and `recipes/bar-length.toml` trains a network on what is found: it learns what the measurements
have in common and not the accidents of each. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import zipfile
from pathlib import Path

from bar_lengths import rows_of
from tqdm import tqdm

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.store import load_model
from galaxyscope.measure.bars import BarSettings
from galaxyscope.pipeline import MeasureSettings, explain_image, measure_attribution
from galaxyscope.sky.readers import open_image

#: Galaxies that this share of the people call barred.
BARRED = 0.4
SAMPLES = 24
BAR = "Class3.1"
HEADER = ("GalaxyID", "split", "bar_fraction", "length_px")


def main(argv: list[str] | None = None) -> int:
    """Measure all galaxies that are not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("recipes/bar-length/votes_224.csv")
    )
    parser.add_argument("--limit", type=int, help="only the first so many")
    arguments = parser.parse_args(argv)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    # People have measured these: they are to judge by.
    people = arguments.data / "bar_lengths" / "galaxyzoo_424.csv"
    known = {row["kaggle_galaxy_id"] for row in rows_of(people)}
    source = arguments.data / "galaxyzoo" / "votes_224.csv"
    wanted = [row for row in rows_of(source) if float(row[BAR]) >= BARRED]
    wanted = [row for row in wanted if row["GalaxyID"] not in known][: arguments.limit]
    classifier = load_model("galaxyzoo", "cpu")
    measure(source.with_suffix(".zip"), wanted, arguments.output, classifier)
    return 0


def measure(
    pictures: Path, wanted: list[dict[str, str]], out: Path, classifier: Classifier
) -> None:
    """Add the galaxies that a table lacks; those without a bar get no length."""
    done = {row["GalaxyID"] for row in rows_of(out)} if out.exists() else set()
    left = [row for row in wanted if row["GalaxyID"] not in done]
    settings = MeasureSettings(samples=SAMPLES, bar=BarSettings("joint"))
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(pictures) as archive,
        out.open("a", newline="", encoding="utf-8") as file,
    ):
        names = {Path(name).stem: name for name in archive.namelist()}
        writer = csv.writer(file, lineterminator="\n")
        if not done:
            writer.writerow(HEADER)
        for row in tqdm(left, out.stem, disable=not sys.stderr.isatty()):
            image = open_image(Path(archive.extract(names[row["GalaxyID"]], folder)))
            found = explain_image(image, classifier, settings)
            length = measure_attribution(image, found, settings.bar).length_px
            told = "" if length is None else f"{length:.2f}"
            writer.writerow([row["GalaxyID"], row["split"], f"{float(row[BAR]):.3f}", told])
            file.flush()


if __name__ == "__main__":
    sys.exit(main())
