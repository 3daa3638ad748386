"""Simulated galaxies to learn lengths from: the ends of their bars are known, not judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.preprocess import stretch
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.locate import locate_galaxy
from galaxyscope.sky.simulate import draw_varied, lupton_colour, simulate_galaxy

#: Of all galaxies that are learnt from; those that the project judges by have other seeds.
SEED = 7100
#: Side of the picture in units of the field, so that larger zooms find something outside.
MARGIN = 1.4


def simulated_bars(
    count: int, field_px: float, folder: Path | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Draw barred galaxies of any kind, half of them as survey pictures, half as linear FITS.

    Parameters
    ----------
    count : int
    field_px : float
        Side of the field at zoom 1; 160 px are 3.2 r90 of a galaxy as Galaxy Zoo shows it.
    folder : Path, optional
        Where the pictures are kept and looked for: a thousand take minutes to draw.

    Returns
    -------
    pixels : ndarray, shape (count, 3, side, side), uint8
        First row on top.
    lengths : ndarray, shape (count,), float32
        Full lengths as seen, in pixels (`galaxyscope.sky.simulate.GalaxyTruth` has the
        definition).
    """
    side = round(MARGIN * field_px)
    kept = None if folder is None else folder / f"simulated-{SEED}-{count}-{side}.npz"
    if kept is not None and kept.exists():
        with np.load(kept, allow_pickle=False) as file:
            return file["pixels"], file["lengths"]
    pixels = np.empty((count, 3, side, side), np.uint8)
    lengths = np.empty(count, np.float32)
    for index in range(count):
        truth = draw_varied(SEED, index)
        pixels[index] = _shown(simulate_galaxy(truth, side), np.random.default_rng([SEED, index]))
        lengths[index] = truth.bar_length_px
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".part")
        with partial.open("wb") as out:
            np.savez(out, pixels=pixels, lengths=lengths)
        partial.replace(kept)
    return pixels, lengths


def _shown(image: SkyImage, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Picture as a survey shows it, or as the program shows linear flux to a network."""
    if rng.random() < 0.5:
        return lupton_colour(image, float(np.exp(rng.uniform(-0.9, 0.9)))).transpose(2, 0, 1)
    values = stretch(image, locate_galaxy(image))
    return np.rint(255 * values[:, ::-1]).astype(np.uint8)
