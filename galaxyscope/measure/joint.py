"""`joint`: the axis from the map, the length from map and light together.

Map and light are two witnesses of how long a bar is, and they fail in different galaxies. The
light (:mod:`galaxyscope.measure.phase`) goes too far where a disc, an oval or arms happen to lie
along the bar. The map does not, but it is drawn towards the scale at which the network looks:
over real galaxies its length grows by the power 0.57 of the bar's only. So the map's length is
first stretched about that scale, and the geometric mean of both is taken. Measured on real
galaxies in docs/bar-lengths.md; the constants are those of the rotation-averaged SmoothGrad of
`galaxyzoo`, chosen on the development galaxies alone.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.phase import AMPLITUDE, LightRings, axis_of, bar_along, reach
from galaxyscope.measure.search import BarSearch, NoBarError

#: Share of the map's positive part that lies within its length along the axis …
SHARE = 0.75
#: … and shares that bracket it, for the error of the definition.
SHARES = (0.7, 0.8)
#: The light's peak is looked for within this many of the map's half lengths: a bar that the
#: network sees has its light there, whatever the galaxy's size and the frame's.
PEAK_WITHIN = 1.2
#: Power of the map's length over the side of its field that undoes the network's preference.
STRETCH = 1.75
#: Puts the median ratio to the lengths of people at 1.02 on the development galaxies at 424 px, and
#: at 0.97 on their stamps of 64 px.
FACTOR = 1.55


def map_length(values: NDArray[np.floating], angle: float, share: float = SHARE) -> float:
    """Full length along an axis that holds a share of a map's positive part.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Attribution map; the middle of the map is the middle of the galaxy.
    angle : float
        Axis in radians from +x towards +y.
    share : float
        Of the sum of the positive part.

    Returns
    -------
    float
        In map pixels.

    Raises
    ------
    NoBarError
        If nothing on the map is positive.
    """
    positive = np.maximum(np.where(np.isfinite(values), values, 0), 0).astype(np.float64)
    if not positive.any():
        raise NoBarError("The map shows nothing that speaks for a bar.")
    rows, columns = values.shape
    y, x = np.indices(values.shape)
    along = np.abs(
        (x - (columns - 1) / 2) * math.cos(angle) + (y - (rows - 1) / 2) * math.sin(angle)
    ).ravel()
    order = np.argsort(along)
    grown = np.cumsum(positive.ravel()[order])
    return 2 * float(np.interp(share * grown[-1], grown, along[order]))


def joint(
    values: NDArray[np.floating],
    light: LightRings,
    amplitude: float = AMPLITUDE,
    share: float = SHARE,
) -> BarSearch:
    """Find the bar: axis from the map, length from map and light.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    light : LightRings
    amplitude : float
        Share of the light's peak at which the bar ends there.
    share : float
        Share of the map that lies within its length.

    Returns
    -------
    BarSearch
        Its mask is the map above half its maximum, its elongation that of the inner map.

    Raises
    ------
    NoBarError
        With the reason.
    """
    angle, elongation, half = joint_half(values, light, amplitude, share)
    return bar_along(values, light, angle, elongation, half)


def joint_half(
    values: NDArray[np.floating],
    light: LightRings,
    amplitude: float = AMPLITUDE,
    share: float = SHARE,
    angle: float | None = None,
) -> tuple[float, float, float]:
    """Angle in radians, elongation of the inner map and half length in map pixels.

    Parameters and errors are those of `joint`; the axis can be given.
    """
    own, elongation = axis_of(values)
    angle = own if angle is None else angle
    # What counts as the inner part must not change with the definition of the map's length.
    inner = PEAK_WITHIN * map_length(values, angle) / 2
    on_light = 2 * reach(dataclasses.replace(light, inner=inner), angle, amplitude)
    side = float(min(values.shape))
    on_map = side * (map_length(values, angle, share) / side) ** STRETCH
    return angle, elongation, FACTOR * math.sqrt(on_light * on_map) / 2
