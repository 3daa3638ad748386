"""Find the galaxy in the middle of a cutout, and how far its light reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.stretch import sky_level

Array = NDArray[np.float64]

#: Radius given where no galaxy stands out, as a fraction of the shorter side: that of the
#: Galaxy Zoo cutouts of 424 px, whose petroR90 is 50 px.
FALLBACK_FRACTION = 50.0 / 424.0
STRETCHED_RATIO = 1.0
_WORK_SIZE = 144
_BETA = 0.0
_THRESH = 3.0
_SMOOTH = 1.0
_SYM = True


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
    rows, columns = image.shape
    step = max(1, -(-max(rows, columns) // _WORK_SIZE))
    light = _shrink(image.light, step)
    to_cutout = Affine(a=step, c=(step - 1) / 2, e=step, f=(step - 1) / 2)
    found = _locate(light, image.full_scale)
    middle = (columns - 1) / 2, (rows - 1) / 2
    if found is None:
        return GalaxyExtent(*middle, FALLBACK_FRACTION * min(rows, columns))
    x, y, r90 = found
    cx, cy = to_cutout([x, y])
    r90 = r90 / (STRETCHED_RATIO if image.full_scale is not None else 1.0)
    return GalaxyExtent(float(cx), float(cy), r90 * step)


def _shrink(light, step):
    rows, columns = light.shape[0] // step, light.shape[1] // step
    b = light[: rows * step, : columns * step].reshape(rows, step, columns, step)
    ok = np.isfinite(b)
    n = ok.sum((1, 3))
    s = np.where(ok, b, 0).sum((1, 3), dtype=float)
    return np.where(n > 0, s / np.maximum(n, 1), np.nan)


def _locate(light, full_scale):
    from scipy import ndimage

    rows, columns = light.shape
    finite = np.isfinite(light)
    if finite.sum() < 9:
        return None
    size = min(rows, columns)
    edge = max(1, size // 12)
    border = np.ones_like(finite)
    border[edge:-edge, edge:-edge] = False
    values = light[border & finite]
    if values.size < 9:
        values = light[finite]
    sky, noise = sky_level(values)
    s2, n2 = sky_level(light[finite])
    if s2 < sky:
        sky, noise = s2, min(noise, n2)
    if full_scale:
        sky = min(sky, 0.05 * full_scale)
        noise = max(noise, full_scale / 255)
    flux = np.where(finite, light - sky, 0.0)
    smooth = ndimage.gaussian_filter(flux, _SMOOTH)
    mask = smooth > _THRESH * noise / (2 * np.sqrt(np.pi) * _SMOOTH) ** 0.5
    labels, count = ndimage.label(mask)
    if count == 0:
        return None
    y, x = np.ogrid[:rows, :columns]
    cx, cy = (columns - 1) / 2, (rows - 1) / 2
    d2 = (x - cx) ** 2 + (y - cy) ** 2
    prior = np.exp(-0.5 * d2 / (0.1 * size) ** 2)
    score = ndimage.sum_labels(np.maximum(smooth, 0) * prior, labels, np.arange(1, count + 1))
    chosen = labels == 1 + int(np.argmax(score))
    # centre
    core = np.where(chosen, ndimage.gaussian_filter(flux, 2.0), 0) * prior
    py, px = np.unravel_index(int(np.argmax(core)), core.shape)
    gx, gy = float(px), float(py)
    own = np.where(chosen, np.maximum(flux, 0), 0)
    for _ in range(5):
        r = np.hypot(x - gx, y - gy)
        w = own * np.exp(-0.5 * (r / max(2.0, 0.03 * size)) ** 2)
        t = w.sum()
        if t <= 0:
            break
        gx, gy = float((w * x).sum() / t), float((w * y).sum() / t)
    own = np.where(chosen, flux, 0)
    if _SYM:
        other = ndimage.affine_transform(own, [-1, -1], [2 * gy, 2 * gx], order=1, mode="constant")
        off = ~((2 * gx - x >= 0) & (2 * gx - x <= columns - 1) & (2 * gy - y >= 0) & (2 * gy - y <= rows - 1))
        own = np.where(off, own, np.minimum(own, other))
    own = np.maximum(own, 0)
    if _BETA and full_scale:
        own = np.sinh(_BETA * own / full_scale)
    r = np.hypot(x - gx, y - gy).ravel()
    o = np.argsort(r)
    cum = np.cumsum(own.ravel()[o])
    if cum[-1] <= 0:
        return None
    return gx, gy, float(max(1.0, np.interp(0.9 * cum[-1], cum, r[o])))
