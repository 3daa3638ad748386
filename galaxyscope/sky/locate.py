"""Find the galaxy in the middle of a cutout, and how far its light reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.padding import steps_noise, without_padding
from galaxyscope.sky.stretch import sky_level

Array = NDArray[np.float64]

#: Radius given where no galaxy stands out, as a fraction of the shorter side: that of the
#: Galaxy Zoo cutouts of 424 px, whose petroR90 is 50 px.
FALLBACK_FRACTION = 50.0 / 424.0
#: Pictures such as JPEGs were stretched before; sinh(6 × grey level) takes that back. Chosen
#: so that on 60 SDSS cutouts of Galaxy Zoo the median of r90 over the true petroR90 is 1.00.
UNSTRETCH = 6.0
#: The sky of such pictures is no brighter than this share of the full scale.
DARK_SKY = 0.05

_WORK_SIZE = 144  # pixels along the longer side, so that the time taken is bounded
_SMOOTHING = 1.0
_DETECTION = 9.0  # times the noise of the smoothed picture
_ROUNDS = 50  # at most, until the centre stands still
_REACH = 0.1  # how far from the middle the galaxy may well be, in shorter sides


@dataclass(frozen=True)
class GalaxyExtent:
    """Where the galaxy of a cutout is, and how large.

    Parameters
    ----------
    x, y : float
        Centre in cutout pixels.
    r90_px : float
        Radius of the circle with 90 % of the light, in cutout pixels, comparable to the
        petroR90 of SDSS. Positive.
    """

    x: float
    y: float
    r90_px: float


def locate_galaxy(image: SkyImage) -> GalaxyExtent:
    """Find the galaxy at or nearest the middle of an image.

    Parameters
    ----------
    image : SkyImage
        Of any size; colour, stretched, noisy or partly without values.

    Returns
    -------
    GalaxyExtent
        Where nothing stands out: the middle of the frame and
        :data:`FALLBACK_FRACTION` of its shorter side. This function does not fail.

    Notes
    -----
    The sky comes from the border. Of the patches of light above it, the one that is
    brightest near the middle is taken and its centre found as a windowed centroid.
    Neighbours are taken away by symmetry: each pixel counts no more than its opposite
    across the centre (as in the SDSS deblender, Lupton et al. 2001, ASP 238, 269). A galaxy
    that is larger than its frame gets the radius of the light inside. Of a double radio
    source that is bright in its lobes only, one lobe is found.
    """
    rows, columns = image.shape
    step = max(1, -(-max(rows, columns) // _WORK_SIZE))
    if min(rows, columns) >= 3 * step:
        light = without_padding(image.light, image.full_scale)
        found = _locate(_shrunk(light, step), image.full_scale)
        if found is not None:
            x, y, r90 = found
            to_cutout = Affine.resize((step, step), (1, 1))
            centre = to_cutout([x, y])
            return GalaxyExtent(float(centre[0]), float(centre[1]), r90 * step)
    return GalaxyExtent((columns - 1) / 2, (rows - 1) / 2, FALLBACK_FRACTION * min(rows, columns))


def _shrunk(light: NDArray[np.float32], step: int) -> Array:
    """Average blocks of step × step pixels; NaN where a block has no value."""
    rows, columns = light.shape[0] // step, light.shape[1] // step
    blocks = light[: rows * step, : columns * step].reshape(rows, step, columns, step)
    finite = np.isfinite(blocks)
    count = finite.sum(axis=(1, 3))
    total = np.where(finite, blocks, 0).sum(axis=(1, 3), dtype=float)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _locate(light: Array, full_scale: float | None) -> tuple[float, float, float] | None:
    """Return x, y and r90 in pixels of `light`, or None where nothing stands out."""
    if np.count_nonzero(np.isfinite(light)) < 9:
        return None
    sky, noise = _sky(light, full_scale)
    flux = np.where(np.isfinite(light), light - sky, 0.0)
    patch = _central_patch(flux, noise)
    if patch is None:
        return None
    own = np.where(patch, flux, 0.0)
    x, y = _centre(own)
    own = np.maximum(_symmetric(own, np.isfinite(light), x, y), 0.0)
    if full_scale is not None:
        own = np.sinh(UNSTRETCH * np.minimum(own / full_scale, 1.0))
    row, column = np.indices(own.shape)
    distance = np.hypot(column - x, row - y).ravel()
    order = np.argsort(distance)
    grown = np.cumsum(own.ravel()[order])
    if not grown[-1] > 0:
        return None
    r90 = float(np.interp(0.9 * grown[-1], grown, distance[order]))
    return x, y, max(r90, 1.0)


def _sky(light: Array, full_scale: float | None) -> tuple[float, float]:
    """Return level and noise of the sky; the border, unless the galaxy shines there too."""
    edge = max(1, min(light.shape) // 12)
    inner = np.zeros(light.shape, bool)
    inner[edge:-edge, edge:-edge] = True
    border = light[~inner & np.isfinite(light)]
    everywhere = sky_level(light[np.isfinite(light)])
    sky, noise = sky_level(border) if border.size >= 9 else everywhere
    if everywhere[0] < sky:
        sky, noise = everywhere[0], min(noise, everywhere[1])
    noise = float(np.fmin(noise, steps_noise(light)))
    if full_scale is not None:
        # Stretched pictures have a dark sky: what is brighter is a galaxy beyond the frame.
        sky, noise = min(sky, DARK_SKY * full_scale), max(noise, full_scale / 255.0)
    return sky, noise


def _central_patch(flux: Array, noise: float) -> NDArray[np.bool_] | None:
    """Return the connected patch above the noise that is brightest near the middle."""
    from scipy.ndimage import gaussian_filter, label, sum_labels

    smooth = gaussian_filter(flux, _SMOOTHING)
    smoothed_noise = noise / (2.0 * np.sqrt(np.pi) * _SMOOTHING)
    labels, count = label(smooth > _DETECTION * smoothed_noise)
    if count == 0:
        return None
    light = sum_labels(smooth * _nearness(flux.shape), labels, np.arange(1, count + 1))
    return np.asarray(labels == 1 + int(np.argmax(light)))


def _nearness(shape: tuple[int, ...]) -> Array:
    """Weigh pixels by their distance from the middle of the frame."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    squared = (x - (shape[1] - 1) / 2) ** 2 + (y - (shape[0] - 1) / 2) ** 2
    return np.asarray(np.exp(-0.5 * squared / (_REACH * min(shape)) ** 2))


def _centre(own: Array) -> tuple[float, float]:
    """Return the centroid in a window that follows it from the brightest place."""
    from scipy.ndimage import gaussian_filter

    bright = gaussian_filter(own, 2.0) * _nearness(own.shape)
    peak = np.unravel_index(int(np.argmax(bright)), own.shape)
    y, x = float(peak[0]), float(peak[1])
    row, column = np.ogrid[: own.shape[0], : own.shape[1]]
    width = max(2.0, 0.03 * min(own.shape))
    positive = np.maximum(own, 0.0)
    for _ in range(_ROUNDS):
        squared = (column - x) ** 2 + (row - y) ** 2
        weights = positive * np.exp(-0.5 * squared / width**2)
        total = float(weights.sum())
        if not total > 0:
            break
        before = x, y
        x, y = float((weights * column).sum() / total), float((weights * row).sum() / total)
        if np.hypot(x - before[0], y - before[1]) < 0.01:
            break
    return x, y


def _symmetric(own: Array, has_value: NDArray[np.bool_], x: float, y: float) -> Array:
    """Take for each pixel the fainter of itself and its opposite across the centre.

    Where one of the two lies beyond the frame or has no value, the mean of the whole pairs at
    that radius stands in for it: else a neighbour would count as soon as the galaxy does not
    stand in the middle.
    """
    from scipy.ndimage import affine_transform

    def across(values: Array) -> Array:
        return np.asarray(
            affine_transform(values, [-1.0, -1.0], [2 * y, 2 * x], order=1, mode="constant")
        )

    paired = has_value & (across(has_value.astype(float)) > 0.99)
    fainter = np.minimum(own, across(own))
    row, column = np.ogrid[: own.shape[0], : own.shape[1]]
    ring = np.rint(np.hypot(column - x, row - y)).astype(int)
    count = np.bincount(ring[paired], minlength=ring.max() + 1)
    total = np.bincount(ring[paired], fainter[paired], minlength=len(count))
    known = np.flatnonzero(count)
    if not known.size:
        return own
    mean = np.interp(ring, known, total[known] / count[known])
    return np.where(paired, fainter, np.where(has_value, np.minimum(own, mean), mean))
