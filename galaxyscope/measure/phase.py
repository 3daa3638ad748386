"""`phase`: the map says where the bar is, the light says how far it reaches.

A network finds a bar by its inner part, and how far its map reaches depends more on the scale
at which the network looks than on the bar. The axis of the map is a better witness. Along it
the light is followed outwards: the second Fourier component of its surface brightness on
circles points along the bar as long as there is bar, and turns away or fades where arms, ring
or disc take over (Aguerri et al. 2000, A&A 361, 841, and 2009, A&A 495, 491, use amplitude and
phase in this way; the axis they must find from the light alone).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.invariant import scaled_by_maximum
from galaxyscope.measure.search import BarSearch, Floats, NoBarError, point_pair
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.locate import DARK_SKY, UNSTRETCH
from galaxyscope.sky.padding import without_padding

#: The bar ends where the component along its axis falls below this share of its peak …
AMPLITUDE = 0.7
#: … or where its direction leaves the axis by this many degrees.
DEGREES = 8.0
#: Shares that bracket `AMPLITUDE`; half the difference of their lengths is the error of a
#: definition that could as well have been another.
BRACKET = (0.5, 0.85)
#: Both the axis and the peak of the component are looked for this near the centre, as a
#: fraction of the map's side.
INNER = 0.17
#: The direction of the light is that of circles between these shares of a bar's half length: the
#: bulge is inside, arms are outside.
WITHIN = (0.4, 0.8)
#: Circles fainter than this share of the inner ones count as if they had that much light.
FAINT = 0.05

_STEP = 0.5  # pixels between circles
_DIRECTIONS = 72


@dataclass(frozen=True, eq=False)
class LightRings:
    """Second Fourier component of the light on circles around the galaxy's centre.

    Parameters
    ----------
    centre : (x, y)
        In map pixels.
    inner : float
        The component's peak is looked for up to this radius.
    radius : ndarray, shape (n,)
        In map pixels.
    component : ndarray of complex, shape (n,)
        Mean of I·exp(−2iθ) over mean of I; minus half its phase is the direction.
    """

    centre: tuple[float, float]
    inner: float
    radius: Floats
    component: NDArray[np.complex128]


def light_on_map(image: SkyImage, to_cutout: Affine, shape: tuple[int, int]) -> Floats:
    """Light of a cutout on the pixel grid of a map, sky subtracted, any unit.

    Pictures (JPEG, PNG) were stretched; sinh takes that back, see `galaxyscope.sky.locate`. The
    sky is the 20th percentile, but no brighter than the sky of a picture can be: a galaxy that
    fills its frame leaves no sky to see.

    Parameters
    ----------
    image : SkyImage
    to_cutout : Affine
        Map pixel → cutout pixel.
    shape : (rows, columns)
        Of the map.
    """
    from galaxyscope.sky.resample import resample

    light = without_padding(image.light, image.full_scale)
    if image.full_scale is not None:
        light = np.sinh(UNSTRETCH * np.clip(light / image.full_scale, 0, 1)).astype(np.float32)
    finite = light[np.isfinite(light)]
    if not finite.size:
        raise NoBarError("No pixel of the picture has a value.")
    sky = float(np.percentile(finite, 20))
    if image.full_scale is not None:
        sky = min(sky, float(np.sinh(UNSTRETCH * DARK_SKY)))
    return np.asarray(resample(light - np.float32(sky), to_cutout, shape), np.float64)


def rings(light: Floats) -> LightRings:
    """Fourier component of the light on circles; neighbours count on neither side.

    Parameters
    ----------
    light : ndarray, shape (rows, columns)
        See `light_on_map`.
    """
    from scipy import ndimage

    rows, columns = light.shape
    smooth = ndimage.gaussian_filter(light, 2.0)
    y, x = np.indices(light.shape)
    middle = (columns - 1) / 2, (rows - 1) / 2
    near = np.hypot(x - middle[0], y - middle[1]) < min(rows, columns) / 16
    weight = np.where(near, np.maximum(smooth, 0), 0) ** 2
    total = weight.sum()
    if total <= 0:
        raise NoBarError("There is no light at the middle of the map.")
    centre = float((weight * x).sum() / total), float((weight * y).sum() / total)
    radius = np.arange(1.0, 0.45 * min(rows, columns), _STEP)
    angle = np.linspace(0, 2 * np.pi, _DIRECTIONS, endpoint=False)
    at = [
        centre[1] + radius[:, None] * np.sin(angle),
        centre[0] + radius[:, None] * np.cos(angle),
    ]
    sampled = ndimage.map_coordinates(
        ndimage.gaussian_filter(light, 0.7), at, order=1, mode="nearest"
    )
    # A star or a neighbour stands on one side only: of two opposite points the fainter counts.
    sampled = np.minimum(sampled, np.roll(sampled, _DIRECTIONS // 2, axis=1))
    mean = sampled.mean(axis=1)
    inner = INNER * min(rows, columns)
    # Where hardly any light is left its direction means nothing: there the component fades.
    mean = np.maximum(mean, FAINT * max(float(mean[radius <= inner].mean()), 1e-30))
    component = (sampled * np.exp(-2j * angle)).mean(axis=1) / mean
    component = ndimage.gaussian_filter1d(component.real, 1 / _STEP) + 1j * (
        ndimage.gaussian_filter1d(component.imag, 1 / _STEP)
    )
    return LightRings(centre, inner, radius, component)


def axis_of(values: NDArray[np.floating]) -> tuple[float, float]:
    """Direction of a map's inner part, and how marked it is.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Attribution map; its positive part counts, squared so that noise does not.

    Returns
    -------
    angle, elongation : float
        Radians from +x towards +y; (λ1 − λ2) / (λ1 + λ2) of the second moments about the
        middle of the map.
    """
    relative = scaled_by_maximum(values).astype(np.float64)
    rows, columns = relative.shape
    y, x = np.indices(relative.shape, float)
    x, y = x - (columns - 1) / 2, y - (rows - 1) / 2
    weight = relative**2 * (np.hypot(x, y) < INNER * min(rows, columns))
    along, across = (weight * (x * x - y * y)).sum(), (weight * 2 * x * y).sum()
    total = (weight * (x * x + y * y)).sum()
    if total <= 0:
        raise NoBarError("The map shows nothing near the middle of the galaxy.")
    return 0.5 * float(np.arctan2(across, along)), float(np.hypot(along, across) / total)


def elongation_of(light: LightRings, half: float) -> complex:
    """Elongation of the light where a bar of a half length (map pixels) would be.

    Returns
    -------
    complex
        A2/A0, averaged over the circles within `WITHIN` of the half length, as exp(2iθ) times
        its size; 0 where there is no such circle.
    """
    low, high = (share * half for share in WITHIN)
    inside = light.component[(light.radius >= low) & (light.radius <= high)]
    return 2 * complex(np.conj(inside.mean())) if inside.size else 0j


def reach(light: LightRings, angle: float, amplitude: float = AMPLITUDE) -> float:
    """Radius in map pixels up to which the light stays elongated along an axis.

    Parameters
    ----------
    light : LightRings
    angle : float
        Axis in radians.
    amplitude : float
        Share of the peak at which the bar ends.

    Raises
    ------
    NoBarError
        If the light is not elongated along that axis.
    """
    turned = light.component * np.exp(2j * angle)
    peak = int(np.argmax(np.where(light.radius <= light.inner, turned.real, -np.inf)))
    if turned.real[peak] <= 0:
        raise NoBarError("The light is not elongated along the axis that was found.")
    degrees = np.degrees(np.abs(np.angle(turned))) / 2
    # Both margins are 1 on the axis at the peak and 0 where the bar ends.
    margin = np.minimum(
        (turned.real / turned.real[peak] - amplitude) / (1 - amplitude), 1 - degrees / DEGREES
    )[peak:]
    radius = light.radius[peak:]
    ended = np.flatnonzero(margin <= 0)
    if not ended.size:
        return float(radius[-1])
    k = int(ended[0])
    if k == 0:
        return float(radius[0])
    return float(np.interp(0.0, [margin[k], margin[k - 1]], [radius[k], radius[k - 1]]))


def phase(
    values: NDArray[np.floating], light: LightRings, amplitude: float = AMPLITUDE
) -> BarSearch:
    """Find the bar: axis from the map, ends from the light.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    light : LightRings
    amplitude : float

    Returns
    -------
    BarSearch
        Its mask is the map above half its maximum, its elongation that of the inner map.

    Raises
    ------
    NoBarError
        With the reason.
    """
    angle, elongation = axis_of(values)
    return bar_along(values, light, angle, elongation, reach(light, angle, amplitude))


def bar_along(
    values: NDArray[np.floating], light: LightRings, angle: float, elongation: float, half: float
) -> BarSearch:
    """Bar of a half length (map pixels) along an axis (radians) through the galaxy's centre."""
    arm = half * np.array([np.cos(angle), np.sin(angle)])
    middle = np.array(light.centre)
    mask = scaled_by_maximum(values) > 0.5
    return BarSearch(0.5, elongation, mask, point_pair(middle - arm, middle + arm), "light")
