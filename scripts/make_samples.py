"""Make the twelve sample galaxies in resources/samples, with their truth table.

Usage: python scripts/make_samples.py [FOLDER]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxyscope.sky.simulate import (
    Band,
    Colour,
    GalaxyTruth,
    Sample,
    draw_truth,
    write_fits,
    write_jpeg,
    write_truth_table,
)
from galaxyscope.sky.simulate.files import Layout

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "samples"
SEED = 2026


@dataclass(frozen=True)
class Recipe:
    """One sample: what to change in a drawn galaxy, and how to write it."""

    file: str
    size: int
    changes: dict[str, Any]
    barred: bool = True
    band: Band | None = None
    layout: Layout = "cube"
    north_deg: float = 0.0


RECIPES = (
    Recipe(
        "GS-01 barred face-on.fits",
        300,
        {"inclination_deg": 12.0, "bar_pa_deg": 35.0, "bar_length_arcsec": 26.0}
        | {"bar_axis_ratio": 0.22, "bar_edge": 7.0, "bulge_fraction": 0.08}
        | {"disc_h_arcsec": 6.6, "r_mag": 14.0, "bar_fraction": 0.2, "bulge_re_arcsec": 1.2}
        | {"young_fraction": 0.27, "arm_pitch_deg": 17.0, "arm_count": 2, "seed": 11},
        band="r",
    ),
    Recipe(
        "GS-02 strong bar and ring.fits",
        300,
        {"inclination_deg": 28.0, "disc_pa_deg": 110.0, "bar_pa_deg": 80.0, "arm_count": 2}
        | {"bar_length_arcsec": 30.0, "disc_h_arcsec": 6.5, "r_mag": 14.0, "arm_pitch_deg": 12.0}
        | {"bar_fraction": 0.2, "bar_axis_ratio": 0.22, "bulge_re_arcsec": 1.4, "seed": 12}
        | {"ring_fraction": 0.1, "ring_radius_arcsec": 16.0, "ring_width_arcsec": 1.5}
        | {"young_fraction": 0.2, "knot_fraction": 0.005},
        band="r",
    ),
    Recipe(
        "GS-03 weak bar, open arms.jpg",
        424,
        {"inclination_deg": 38.0, "disc_pa_deg": 20.0, "bar_pa_deg": 150.0, "arm_count": 2}
        | {"arm_pitch_deg": 25.0, "bar_fraction": 0.11, "young_fraction": 0.36},
    ),
    Recipe(
        "GS-04 inclined barred spiral.fits",
        256,
        {"inclination_deg": 56.0, "disc_pa_deg": 65.0, "bar_pa_deg": 100.0, "r_mag": 14.3}
        | {"bar_length_arcsec": 19.0, "disc_h_arcsec": 6.2, "arm_count": 2, "seed": 14}
        | {"bar_fraction": 0.17, "bar_axis_ratio": 0.25, "bulge_re_arcsec": 1.0},
        band="i",
    ),
    Recipe(
        "GS-05 short bar.fits.gz",
        240,
        {"inclination_deg": 24.0, "bar_pa_deg": 165.0, "bar_length_arcsec": 9.5}
        | {"disc_h_arcsec": 5.2, "r_mag": 14.6, "bulge_re_arcsec": 0.7, "arm_count": 4}
        | {"bar_fraction": 0.1, "arm_pitch_deg": 21.0, "seed": 15},
        band="r",
    ),
    Recipe(
        "GS-06 late barred spiral.jpg",
        424,
        {"inclination_deg": 30.0, "bar_pa_deg": 118.0, "young_fraction": 0.46, "arm_count": 2}
        | {"knot_fraction": 0.05, "knot_count": 60, "bulge_fraction": 0.04, "clumpiness": 0.85}
        | {"young_colour": Colour(0.2, 0.15), "arm_pitch_deg": 20.0, "bar_fraction": 0.12},
    ),
    Recipe(
        "GS-07 barred lenticular.fits",
        200,
        {"inclination_deg": 35.0, "disc_pa_deg": 140.0, "bar_pa_deg": 15.0, "r_mag": 14.5}
        | {"bar_length_arcsec": 17.0, "disc_h_arcsec": 5.5, "young_fraction": 0.0}
        | {"knot_fraction": 0.0, "bulge_fraction": 0.17, "bulge_re_arcsec": 1.0, "seed": 17}
        | {"bar_fraction": 0.24, "ring_fraction": 0.0, "bar_axis_ratio": 0.24},
    ),
    Recipe(
        "GS-08 long bar, three bands.fits",
        224,
        {"inclination_deg": 40.0, "disc_pa_deg": 85.0, "bar_pa_deg": 60.0, "r_mag": 13.9}
        | {"bar_length_arcsec": 34.0, "disc_h_arcsec": 7.0, "arm_count": 2, "seed": 18}
        | {"bar_fraction": 0.2, "bulge_re_arcsec": 1.2, "young_fraction": 0.25}
        | {"bar_axis_ratio": 0.2},
        layout="extensions",
        north_deg=40.0,
    ),
    Recipe(
        "GS-09 unbarred spiral.jpg",
        424,
        {"inclination_deg": 26.0, "arm_count": 2, "arm_pitch_deg": 19.0, "young_fraction": 0.4},
        barred=False,
    ),
    Recipe(
        "GS-10 elliptical.fits.fz",
        240,
        {"bulge_fraction": 1.0, "young_fraction": 0.0, "knot_fraction": 0.0, "arm_count": 0}
        | {"bulge_n": 3.8, "bulge_re_arcsec": 6.5, "bulge_q": 0.72, "disc_pa_deg": 55.0}
        | {"r_mag": 13.9, "seed": 20},
        barred=False,
        band="r",
        layout="compressed",
    ),
    Recipe(
        "GS-11 edge-on.fits",
        320,
        {"inclination_deg": 88.0, "disc_pa_deg": 72.0, "disc_thickness": 0.13, "r_mag": 14.3}
        | {"disc_h_arcsec": 9.5, "bulge_re_arcsec": 1.8, "bulge_q": 0.75, "bulge_fraction": 0.1}
        | {"arm_count": 0, "clumpiness": 0.5, "seed": 21},
        barred=False,
        band="r",
    ),
    Recipe(
        "GS-12 distant barred spiral.jpg",
        300,
        {"inclination_deg": 44.0, "disc_pa_deg": 10.0, "bar_pa_deg": 48.0, "r_mag": 16.0}
        | {"arcsec_per_px": 0.18, "bar_length_arcsec": 9.0, "disc_h_arcsec": 2.8}
        | {"bulge_re_arcsec": 0.6, "redshift": 0.062, "arm_count": 2, "bar_fraction": 0.2},
    ),
)


def make(folder: Path) -> list[Sample]:
    """Write every sample into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for index, recipe in enumerate(RECIPES):
        path = folder / recipe.file
        fits = not recipe.file.endswith(".jpg")
        drawn = draw_truth(SEED, index, recipe.barred)
        # FITS samples come straight from the detector; JPEGs are resampled, as Galaxy Zoo's.
        grid = {"arcsec_per_px": 0.396, "detector_arcsec_per_px": None} if fits else {}
        truth: GalaxyTruth = drawn.replace(
            **grid | recipe.changes | {"name": recipe.file.split(".")[0]},
            north_deg=recipe.north_deg,
        )
        if fits:
            write_fits(truth, path, recipe.band, size=recipe.size, layout=recipe.layout)
        else:
            write_jpeg(truth, path, size=recipe.size)
        samples.append(Sample(path.name, truth, recipe.size, fits))
    write_truth_table(samples, folder / "truth.csv")
    return samples


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for sample in make(target):
        print(f"{sample.file}: {(target / sample.file).stat().st_size / 1024:.0f} kB")
