"""Say how steady bar lengths are: turned, mirrored, shifted and rescaled copies of real galaxies.

    python scripts/bar_stability.py --data ../shared/data [--set sdss_64] [--limit 12]

Each galaxy of a set whose bar fits the frame is measured as it is and as copies; printed per change
are the median of |ln ratio| of the angular length to that of the picture itself, and the largest.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from galaxyscope.classify.store import load_model
from galaxyscope.measure.algorithms import ALGORITHMS
from galaxyscope.measure.bars import BarSettings
from galaxyscope.pipeline import DEFAULT_BAR, MeasureSettings, explain_image, measure_attribution
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.readers import open_image
from galaxyscope.sky.resample import resample


def changes(shape: tuple[int, int]) -> dict[str, tuple[Affine, tuple[int, int], float]]:
    """Make copies: pixel of the copy → pixel of the picture, shape, and pixels per pixel."""
    rows, columns = shape
    to_middle = Affine.translation((columns - 1) / 2, (rows - 1) / 2)
    from_middle = Affine.translation(-(columns - 1) / 2, -(rows - 1) / 2)
    found = {}
    for degrees in (15, 30, 45, 60, 90):
        turn = Affine.rotation(degrees, ((columns - 1) / 2, (rows - 1) / 2))
        found[f"turned by {degrees}°"] = turn, shape, 1.0
    found["mirrored"] = to_middle @ Affine.scaling(-1, 1) @ from_middle, shape, 1.0
    found["shifted by 10 %"] = Affine.translation(0.1 * columns, -0.07 * rows), shape, 1.0
    for scale in (0.5, 0.7, 1.4, 2.0):
        size = round(rows * scale), round(columns * scale)
        found[f"{scale:g}× the pixels"] = Affine.resize(shape, size), size, size[1] / columns
    return found


def main(argv: list[str] | None = None) -> int:
    """Measure copies of some galaxies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--set", default="galaxyzoo_424", choices=["galaxyzoo_424", "sdss_64"])
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--algorithm", choices=ALGORITHMS, default=DEFAULT_BAR.algorithm)
    arguments = parser.parse_args(argv)
    table = arguments.data / "bar_lengths" / f"{arguments.set}.csv"
    with table.open(newline="", encoding="utf-8") as file:
        whole = [r for r in csv.DictReader(file) if r.get("fits_in_frame", "True") == "True"]
    names = [row["image"] for row in whole][: arguments.limit]
    classifier = load_model()
    settings = MeasureSettings(samples=arguments.samples)

    def length(image: SkyImage) -> float:
        made = explain_image(image, classifier, settings)
        found = measure_attribution(image, made, BarSettings(arguments.algorithm)).length_px
        return float("nan") if found is None else found

    ratios: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(table.with_suffix(".zip")) as archive,
    ):
        there = {Path(n).name: n for n in archive.namelist()}
        for name in tqdm(names, disable=not sys.stderr.isatty()):
            image = open_image(Path(archive.extract(there[name], folder)))
            own = length(image)
            for what, (to_picture, shape, scale) in changes(image.shape).items():
                copy = image.replace(data=resample(image.data, to_picture, shape))
                ratios.setdefault(what, []).append(np.log(length(copy) / scale / own))
    for what, found in ratios.items():
        away = np.abs(found)
        lost = int(np.isnan(away).sum())
        print(
            f"{what:18s} median {np.nanmedian(away):.3f}  largest {np.nanmax(away):.3f}"
            f"  bias {np.nanmedian(found):+.3f}  no bar {lost} of {len(found)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
