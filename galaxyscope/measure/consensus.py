"""`consensus`: the axis from map and light, the length from these, a network's answer and a model.

A third witness beside the two of :mod:`galaxyscope.measure.joint`: a network that is asked for
the length itself (the control of Bhambra, Joachimi & Lahav 2022). It has learnt from measured
bars what they look like at any scale, so it knows them also where the galaxy overflows its frame
and neither map nor light has room; but it does not show what it saw. The length is the weighted
geometric mean of both answers. Measured on real galaxies in docs/bar-lengths.md.

Once it is known how long the bar is, the light knows its direction: that of its elongation where
the bar must be. Maps of bars that fill their field often show the two flanks, an axis across the
bar. So the axis is that of the sum of both elongations, see `axis_with_light`.

A fourth is heard where a galaxy is as smooth as a model of bulge, disc and bar
(:mod:`galaxyscope.measure.decompose`): there the model says where the bar ends, and how it lies.
Real galaxies are hardly ever so smooth; none of the 286 measured ones is.
"""

from __future__ import annotations

import cmath
import math

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.decompose import SMOOTH, Decomposition
from galaxyscope.measure.joint import SHARE, joint_half
from galaxyscope.measure.phase import AMPLITUDE, LightRings, axis_of, bar_along, elongation_of
from galaxyscope.measure.search import BarSearch, NoBarError

#: Weight of the network's answer; the rest is that of map and light.
WEIGHT = 0.9
#: Weight of the light's elongation beside the map's, for the axis.
LIGHT = 6.0
#: Where a model leaves this much of the bar's light it is not heard at all; where it leaves
#: `SMOOTH`, as much as its error allows.
ROUGH = 0.11
#: Error of the network in galaxies that smooth, as a share of the length: its root mean square over
#: 208 simulated bars of four kinds, each kind and noise (0.06 and 0.1) counted alike.
IN_SMOOTH = 0.19


def consensus(
    values: NDArray[np.floating],
    light: LightRings,
    said: float,
    amplitude: float = AMPLITUDE,
    share: float = SHARE,
    fitted: Decomposition | None = None,
) -> BarSearch:
    """Find the bar: axis from the map, length from map, light and network; both from a model too.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    light : LightRings
    said : float
        Full length that a network answers, in map pixels.
    amplitude, share : float
        As for `galaxyscope.measure.joint.joint`.
    fitted : Decomposition, optional
        In map pixels.

    Returns
    -------
    BarSearch
        Its mask is the map above half its maximum, its elongation that of the inner map.

    Raises
    ------
    NoBarError
        With the reason.
    """
    angle, elongation = axis_with_light(values, light, said / 2)
    heard = 0.0 if fitted is None else fitted_weight(fitted)
    try:
        _, _, half = joint_half(values, light, amplitude, share, angle)
        half = half ** (1 - WEIGHT) * (said / 2) ** WEIGHT
    except NoBarError:
        # A map can lie across a bar of which a model leaves no doubt.
        if heard <= 0.5:
            raise
        half = said / 2
    if fitted is not None:
        half = half ** (1 - heard) * (fitted.length / 2) ** heard
        angle = math.radians(fitted.angle_deg) if heard > 0.5 else angle
    return bar_along(values, light, angle, elongation, half)


def axis_with_light(
    values: NDArray[np.floating], light: LightRings, half: float
) -> tuple[float, float]:
    """Direction of a bar that is so long, by map and light together.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    light : LightRings
    half : float
        Half length in map pixels.

    Returns
    -------
    angle, elongation : float
        Radians from +x towards +y; elongation of the inner map, see `axis_of`.
    """
    own, others = _votes(values, light, half)
    return cmath.phase(own + others) / 2, abs(own)


def map_share(values: NDArray[np.floating], light: LightRings, half: float) -> float:
    """How much the map counts in `axis_with_light`, from 0 to 1; the parameters are the same."""
    own, others = (abs(vote) for vote in _votes(values, light, half))
    return own / (own + others) if own + others else 1.0


def _votes(values: NDArray[np.floating], light: LightRings, half: float) -> tuple[complex, complex]:
    """Elongations of map and light with their weights, as vectors of twice the angle."""
    angle, elongation = axis_of(values)
    return elongation * cmath.exp(2j * angle), LIGHT * elongation_of(light, half)


def fitted_weight(fitted: Decomposition) -> float:
    """Weight of a model beside all others: nothing is left over, and its error is the smaller.

    Which kind of bar it is the others cannot tell at all, so that part of the error does not count.
    """
    smooth = min(max((ROUGH - fitted.residual) / (ROUGH - SMOOTH), 0.0), 1.0)
    return smooth * IN_SMOOTH**2 / (IN_SMOOTH**2 + (fitted.fit_err / fitted.length) ** 2)
