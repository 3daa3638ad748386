"""Measure bars that people have measured, and say how well the two agree.

    python scripts/bar_lengths.py --data ../shared/data [--set galaxyzoo_424|sdss_64] [-o TABLE.csv]

Runs the whole way (open, locate, explain, measure) unattended on every galaxy of a set and
prints the agreement with the human lengths, relative and as in the paper, with the baselines.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
import tempfile
import zipfile
from pathlib import Path

from tqdm import tqdm

from galaxyscope.classify.store import load_model
from galaxyscope.measure.agreement import Agreement, agree
from galaxyscope.measure.algorithms import ALGORITHMS
from galaxyscope.measure.bars import BarSettings
from galaxyscope.pipeline import MeasureSettings, explain_image, measure_attribution
from galaxyscope.sky.image import PixelScale
from galaxyscope.sky.readers import open_image

DEVELOPMENT = "galaxyzoo_424"


def main(argv: list[str] | None = None) -> int:
    """Measure one set of galaxies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--set", default="galaxyzoo_424", choices=["galaxyzoo_424", "sdss_64"])
    parser.add_argument("--model")
    parser.add_argument("--method", default=MeasureSettings().method)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="only the first so many galaxies")
    parser.add_argument(
        "--said",
        type=Path,
        help="lengths that `consensus` takes for the network's, from scripts/direct_lengths.py: by "
        "networks that have not seen these galaxies' lengths, as the shipped one has",
    )
    parser.add_argument("-o", "--output", type=Path, help="one row per galaxy")
    arguments = parser.parse_args(argv)

    table = arguments.data / "bar_lengths" / f"{arguments.set}.csv"
    truths = [row for row in rows_of(table) if row.get("fits_in_frame", "True") == "True"]
    if arguments.set != DEVELOPMENT:
        # What was chosen by looking at the development galaxies is judged on the others.
        development = rows_of(table.with_name(f"{DEVELOPMENT}.csv"))
        seen = {row["sdss_dr7_objid"] for row in development}
        truths = [row for row in truths if row["sdss_dr7_objid"] not in seen]
    truths = truths[: arguments.limit]
    told = rows_of(arguments.said) if arguments.said else []
    said = {row["image"]: float(row["said_px"]) for row in told}
    classifier = load_model(arguments.model)
    settings = MeasureSettings(
        method=arguments.method, samples=arguments.samples, seed=arguments.seed
    )
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(table.with_suffix(".zip")) as archive,
    ):
        names = {Path(n).name: n for n in archive.namelist()}
        for truth in tqdm(truths, disable=not sys.stderr.isatty()):
            path = Path(archive.extract(names[truth["image"]], folder))
            scale = PixelScale(float(truth["scale_arcsec_per_px"]), "catalogue")
            image = open_image(path).replace(scale=scale)
            attribution = explain_image(image, classifier, settings)
            bars = {
                a: measure_attribution(image, attribution, BarSettings(a), said.get(path.name))
                for a in ALGORITHMS
            }
            rows.append(
                {
                    "image": truth["image"],
                    "human_arcsec": float(truth["bar_full_length_arcsec"]),
                    "human_err_arcsec": float(truth["bar_full_length_err_arcsec"]),
                    "petroR90_arcsec": float(truth["petroR90_r_arcsec"]),
                }
                | {
                    f"{a}_arcsec": None
                    if b.length_px is None
                    else b.length_px * scale.arcsec_per_px
                    for a, b in bars.items()
                }
            )
    if arguments.output:
        with arguments.output.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    if not said:
        print("consensus asks a network that was trained on these very lengths: see --said")
    size = [2 * row["petroR90_arcsec"] for row in rows]
    human = [row["human_arcsec"] / s for row, s in zip(rows, size, strict=True)]
    for algorithm in ALGORITHMS:
        found = [
            float("nan") if row[f"{algorithm}_arcsec"] is None else row[f"{algorithm}_arcsec"] / s
            for row, s in zip(rows, size, strict=True)
        ]
        print(f"{arguments.set}, {classifier.card.name}, {settings.method}, {algorithm}")
        print(describe(agree(found, human, size)))
    return 0


def rows_of(table: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def describe(agreement: Agreement) -> str:
    """One line per statistic, baselines under the correlations."""
    lines = []
    for field in dataclasses.fields(agreement):
        value = getattr(agreement, field.name)
        if isinstance(value, tuple):
            value = " … ".join(f"{v:.3f}" for v in value)
        elif isinstance(value, float):
            value = f"{value:.3f}"
        lines.append(f"  {field.name:24s} {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
