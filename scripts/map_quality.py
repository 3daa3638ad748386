"""Say how good the maps of networks are: how much lies on the bar, and how much is a grid.

    python scripts/map_quality.py MODEL [MODEL ...] --data ../shared/data

For the development galaxies, whose bars people have measured, each network's map of *bar* is
made with plain SmoothGrad and with the rotation-averaged one. Printed per network and method:

share   of the positive relevance inside the circle spanned by the human bar, median over galaxies
light   the same share of the light: what a map that follows the light would have
enrich  median ratio of the two: above 1 the map prefers the bar to the rest of the galaxy
grid    power at the periods 2, 4 and 8 px of subsampling layers over that of the neighbouring
        frequencies, mean over galaxies: 1 means that no grid is seen
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.store import load_model
from galaxyscope.pipeline import MeasureSettings, explain_image
from galaxyscope.sky.image import PixelScale
from galaxyscope.sky.readers import open_image

METHODS = ("smoothgrad/tf-keras-vis", "smoothgrad/rotation-averaged")
PERIODS = (2, 4, 8)


def main(argv: list[str] | None = None) -> int:
    """Judge the maps of some networks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--limit", type=int, help="only the first so many galaxies")
    arguments = parser.parse_args(argv)
    table = arguments.data / "bar_lengths" / "galaxyzoo_424.csv"
    with table.open(newline="", encoding="utf-8") as file:
        truths = list(csv.DictReader(file))[: arguments.limit]
    print(f"{'network':24s} {'method':32s} share  light  enrich  grid2  grid4  grid8")
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(table.with_suffix(".zip")) as archive,
    ):
        names = {Path(n).name: n for n in archive.namelist()}
        galaxies = [
            (truth, Path(archive.extract(names[truth["image"]], folder))) for truth in truths
        ]
        for model in arguments.models:
            classifier = load_model(model)
            for method in arguments.methods:
                settings = MeasureSettings(method=method, samples=arguments.samples)
                found = np.array(
                    [
                        judge(path, truth, classifier, settings)
                        for truth, path in tqdm(galaxies, disable=not sys.stderr.isatty())
                    ]
                )
                share, light = np.median(found[:, :2], axis=0)
                enriched = np.median(found[:, 0] / found[:, 1])
                grids = "  ".join(f"{g:5.1f}" for g in found[:, 2:].mean(axis=0))
                figures = f"{share:.3f}  {light:.3f}  {enriched:6.2f}  {grids}"
                print(f"{model:24s} {method:32s} {figures}", flush=True)
    return 0


def judge(
    path: Path, truth: dict[str, str], classifier: Classifier, settings: MeasureSettings
) -> list[float]:
    """Share of the relevance and of the light inside the bar's circle, power of the grids."""
    scale = PixelScale(float(truth["scale_arcsec_per_px"]), "catalogue")
    image = open_image(path).replace(scale=scale)
    attribution = explain_image(image, classifier, settings)
    light = classifier.prepare(image).pixels.mean(axis=0)
    step = attribution.to_cutout.pixel_size * scale.arcsec_per_px
    diameter = float(truth["bar_full_length_arcsec"]) / step
    return [
        share_inside(np.maximum(attribution.values, 0), diameter),
        share_inside(light, diameter),
        *(grid_power(attribution.values, period) for period in PERIODS),
    ]


def share_inside(values: NDArray[np.floating], diameter: float) -> float:
    """Share of the sum of a map that lies within a circle around its centre."""
    rows, columns = np.indices(values.shape)
    middle = (values.shape[0] - 1) / 2, (values.shape[1] - 1) / 2
    inside = np.hypot(rows - middle[0], columns - middle[1]) <= diameter / 2
    total = float(values.sum())
    return float(values[inside].sum()) / total if total > 0 else float("nan")


def grid_power(values: NDArray[np.floating], period: int) -> float:
    """Power at the multiples of 1/period on either axis over that of the frequencies around.

    The frequencies around are those up to three steps away, the window's own spread (one
    step) left out.
    """
    window = np.hanning(values.shape[0])[:, None] * np.hanning(values.shape[1])
    power = np.abs(np.fft.fft2((values - values.mean()) * window)) ** 2
    size = values.shape[0]
    step = size // period
    ratios = []
    for i in range(0, size, step):
        for j in range(0, size, step):
            if i == j == 0:
                continue
            rows = np.arange(i - 3, i + 4) % size
            columns = np.arange(j - 3, j + 4) % size
            patch = power[np.ix_(rows, columns)]
            around = patch.copy()
            around[2:5, 2:5] = np.nan
            ratios.append(patch[2:5, 2:5].mean() / np.nanmean(around))
    return float(np.median(ratios))


if __name__ == "__main__":
    sys.exit(main())
