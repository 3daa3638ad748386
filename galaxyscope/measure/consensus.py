"""`consensus`: the axis from the map, the length from map, light and a network's answer.

A third witness beside the two of :mod:`galaxyscope.measure.joint`: a network that is asked for
the length itself (the control of Bhambra, Joachimi & Lahav 2022). It has learnt from measured
bars what they look like at any scale, so it knows them also where the galaxy overflows its frame
and neither map nor light has room; but it does not show what it saw. The length is the weighted
geometric mean of both answers. Measured on real galaxies in docs/bar-lengths.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.joint import SHARE, joint_half
from galaxyscope.measure.phase import AMPLITUDE, LightRings, bar_along
from galaxyscope.measure.search import BarSearch

#: Weight of the network's answer; the rest is that of map and light.
WEIGHT = 0.9


def consensus(
    values: NDArray[np.floating],
    light: LightRings,
    said: float,
    amplitude: float = AMPLITUDE,
    share: float = SHARE,
) -> BarSearch:
    """Find the bar: axis from the map, length from map, light and network.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    light : LightRings
    said : float
        Full length that a network answers, in map pixels.
    amplitude, share : float
        As for `galaxyscope.measure.joint.joint`.

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
    both = half ** (1 - WEIGHT) * (said / 2) ** WEIGHT
    return bar_along(values, light, angle, elongation, both)
