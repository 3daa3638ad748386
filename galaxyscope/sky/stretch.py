"""From flux to grey levels: limits, stretch, contrast and bias.

Limits and stretches are those of :mod:`astropy.visualization`, contrast and bias those of
SAOImage DS9. The stretch is tabulated once per :class:`Display`, so that drawing a large
image costs one pass through a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.image import SkyImage

Limits = Literal["galaxy", "zscale", "percentile", "minmax", "manual"]
Stretch = Literal["linear", "sqrt", "log", "asinh"]

LIMITS: tuple[Limits, ...] = ("galaxy", "zscale", "percentile", "minmax", "manual")
STRETCHES: tuple[Stretch, ...] = ("linear", "sqrt", "log", "asinh")
#: Grey level of pixels without a value, whatever the limits, contrast and inversion.
NAN_LEVEL = 0

_LOG_A = 1000.0
_ASINH_A = 0.05
_TABLE = 1 << 16
_CHUNK = 1 << 17
_SAMPLES = 120_000


@dataclass(frozen=True)
class Display:
    """How an image is drawn.

    Parameters
    ----------
    limits : {"galaxy", "zscale", "percentile", "minmax", "manual"}
        Where black and white come from. "galaxy" puts black one and a half times the noise
        below the sky and white at the 99.9th percentile, or at 40 times the noise.
    percentile : float
        Central share of the pixels that "percentile" keeps between black and white.
    vmin, vmax : float or None
        Black and white for "manual"; None takes the image's own extreme.
    stretch : {"linear", "sqrt", "log", "asinh"}
        log has a = 1000 as in DS9; asinh has a = 0.05.
    contrast, bias : float
        Slope and centre of the grey scale; 1 and 0.5 change nothing.
    invert : bool
        Bright galaxies dark on white.
    """

    limits: Limits = "zscale"
    percentile: float = 99.5
    vmin: float | None = None
    vmax: float | None = None
    stretch: Stretch = "linear"
    contrast: float = 1.0
    bias: float = 0.5
    invert: bool = False


def default_display(image: SkyImage) -> Display:
    """Return a display that suits the image.

    A picture that was stretched before (JPEG, PNG) is shown as it is; flux is shown with
    an asinh stretch between limits that keep the core from burning out and lift the disc.
    """
    if image.full_scale is not None:
        return Display(limits="manual", vmin=0.0, vmax=image.full_scale)
    return Display(limits="galaxy", stretch="asinh")


def limits(image: SkyImage, display: Display) -> tuple[float, float]:
    """Return the values drawn black and white.

    Parameters
    ----------
    image : SkyImage
        All channels get the same limits. Large images are sampled on a regular grid,
        except for "minmax".
    display : Display

    Returns
    -------
    lo, hi : float
        Finite, ``lo < hi``, also where the image is constant or has no value at all.
    """
    if display.limits in ("minmax", "manual"):
        lo, hi = _extremes(image.data)
        if display.limits == "manual":
            lo = lo if display.vmin is None else display.vmin
            hi = hi if display.vmax is None else display.vmax
    else:
        sample = _sample(image)
        if sample.size == 0:
            lo, hi = 0.0, 1.0
        elif display.limits == "galaxy":
            lo, hi = _galaxy_limits(sample)
        else:
            from astropy.visualization import PercentileInterval, ZScaleInterval

            interval = (
                ZScaleInterval()
                if display.limits == "zscale"
                else PercentileInterval(min(max(display.percentile, 0.0), 100.0))
            )
            lo, hi = (float(v) for v in interval.get_limits(sample))
    if not (np.isfinite(lo) and np.isfinite(hi)):
        return 0.0, 1.0
    if hi <= lo:
        hi = lo + max(abs(lo) * 1e-6, 1e-30)
    return lo, hi


def display_buffer(image: SkyImage, display: Display) -> NDArray[np.uint8]:
    """Draw an image.

    Parameters
    ----------
    image : SkyImage
    display : Display

    Returns
    -------
    ndarray, uint8, shape (rows, columns) or (rows, columns, 3)
        In the row order of the file. Pixels without a value are :data:`NAN_LEVEL`.

    Notes
    -----
    Colour images of linear flux keep their hues: the stretch acts on the mean of the
    channels, and all three are multiplied by the same factor (Lupton et al. 2004, PASP
    116, 133). Already stretched ones are drawn channel by channel.
    """
    lo, hi = limits(image, display)
    table = _table(display.stretch, display.contrast, display.bias, display.invert)
    channels = image.data.shape[0]
    if channels == 3 and image.full_scale is None:
        return _draw_colour(image, lo, hi, display)
    out = np.empty((*image.shape, channels), np.uint8)
    for channel, plane in enumerate(image.data):
        out[..., channel] = _draw(plane, lo, hi, table)
    return out[..., 0] if channels == 1 else out


def warm_up() -> None:
    """Import what drawing needs; call it from a worker, for it takes a third of a second."""
    _table("asinh", 1.0, 0.5, False)


def _extremes(data: NDArray[np.float32]) -> tuple[float, float]:
    lo, hi = np.fmin.reduce(data, axis=None), np.fmax.reduce(data, axis=None)
    return float(lo), float(hi)


def _sample(image: SkyImage) -> NDArray[np.float64]:
    """Return finite values of the light, on a regular grid of at most _SAMPLES pixels.

    In float64, for differences of float32 values can be beyond float32.
    """
    rows, columns = image.shape
    step = max(1, int(np.ceil(np.sqrt(rows * columns / _SAMPLES))))
    sample = image.replace(data=image.data[:, ::step, ::step]).light
    return sample[np.isfinite(sample)].astype(np.float64)


def _galaxy_limits(sample: NDArray[np.float64]) -> tuple[float, float]:
    sky, noise = sky_level(sample)
    greatest = float(sample.max())
    # A lone radio source fills less than a thousandth of its cutout: ask for contrast too.
    top = max(float(np.percentile(sample, 99.9)), min(greatest, sky + 40.0 * noise))
    return max(sky - 1.5 * noise, float(sample.min())), top


def sky_level(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the sky and its noise by clipping at 3 sigma about the median.

    Parameters
    ----------
    values : ndarray
        Finite values, at least one.

    Returns
    -------
    sky, noise : float
        Median and standard deviation (from the median absolute deviation) of what is left
        after at most ten clippings.
    """
    kept = np.asarray(values, float)
    sky = noise = 0.0
    for _ in range(10):
        sky = float(np.median(kept))
        noise = 1.4826 * float(np.median(np.abs(kept - sky)))
        inside = kept[np.abs(kept - sky) <= 3.0 * noise]
        if inside.size in (0, kept.size):
            break
        kept = inside
    return sky, noise


@lru_cache(maxsize=64)
def _curve(stretch: Stretch, contrast: float, bias: float, invert: bool) -> NDArray[np.float32]:
    """Tabulate brightness in [0, 1] at equal steps between black and white."""
    x = np.linspace(0.0, 1.0, _TABLE - 1)
    if stretch != "linear":
        from astropy.visualization import AsinhStretch, LogStretch, SqrtStretch

        functions = {
            "sqrt": SqrtStretch(),
            "log": LogStretch(_LOG_A),
            "asinh": AsinhStretch(_ASINH_A),
        }
        x = np.asarray(functions[stretch](x))
    y = np.clip((x - bias) * contrast + 0.5, 0.0, 1.0)
    return np.asarray(1.0 - y if invert else y, np.float32)


@lru_cache(maxsize=64)
def _table(stretch: Stretch, contrast: float, bias: float, invert: bool) -> NDArray[np.uint8]:
    """Tabulate grey levels; entry 0 is for pixels without a value."""
    levels = np.rint(_curve(stretch, contrast, bias, invert) * 255.0).astype(np.uint8)
    return np.concatenate([np.array([NAN_LEVEL], np.uint8), levels])


def _indices(values: NDArray[np.float32], lo: float, hi: float) -> NDArray[np.uint16]:
    """Return positions in the table: 0 for NaN, 1 for `lo` and below, the last for `hi`."""
    # Divided first: limits may lie so close that the factor alone has no float32.
    position = (values - np.float32(lo)) * np.float32((_TABLE - 2) / (hi - lo))
    position += np.float32(1.5)
    np.maximum(position, np.float32(1.0), out=position)
    np.minimum(position, np.float32(_TABLE - 1), out=position)
    np.fmax(position, np.float32(0.0), out=position)  # NaN becomes 0
    return position.astype(np.uint16)


def _draw(
    plane: NDArray[np.float32], lo: float, hi: float, table: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Look all pixels up, in pieces that stay in the processor's cache."""
    flat, out = plane.reshape(-1), np.empty(plane.size, np.uint8)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, flat.size, _CHUNK):
            piece = slice(start, start + _CHUNK)
            table.take(_indices(flat[piece], lo, hi), out=out[piece], mode="clip")
    return out.reshape(plane.shape)


def _draw_colour(image: SkyImage, lo: float, hi: float, display: Display) -> NDArray[np.uint8]:
    """Stretch the mean of the channels and give all three the same factor."""
    curve = _curve(display.stretch, display.contrast, display.bias, False)
    rows, columns = image.shape
    out = np.empty((rows, columns, 3), np.uint8)
    step = max(1, _CHUNK // columns)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for start in range(0, rows, step):
            flux = image.data[:, start : start + step] - np.float32(lo)
            np.maximum(flux, 0.0, out=flux)
            mean = flux.mean(axis=0)
            bright = curve.take(np.maximum(_indices(mean, 0.0, hi - lo), 1) - 1, mode="clip")
            colour = flux * np.where(mean > 0, bright / mean, 0.0)
            colour /= np.maximum(colour.max(axis=0), 1.0)
            if display.invert:
                colour = 1.0 - colour
            levels = np.rint(np.nan_to_num(colour) * 255.0).astype(np.uint8)
            levels[:, np.isnan(mean)] = NAN_LEVEL
            out[start : start + step] = np.moveaxis(levels, 0, -1)
    return out
