"""The parts of a length's error, and how each is estimated.

*sampling*: delete-one jackknife over the blocks of a map, ``sqrt((B−1)/B Σ (L_i − L̄)²)`` with
L_i measured on the mean of all blocks but i (Efron & Stein 1981, Ann. Statist. 9, 586).
*networks*: standard error of the mean length over the members of an ensemble, each measured
alone. Members have fewer samples each, so this holds some of their sampling noise too.
*threshold*: half the difference between the lengths at the stop ± `LEVEL_STEP`, which is
|dL/dlevel| · `LEVEL_STEP` where the curve is straight; for algorithms that follow the light,
between two shares of its peak.
*grid*: `GRID_ERROR_PX`. *method*: `METHOD_ERROR` times the length. As far as `consensus` takes the
length from a model of the light, both give way to that model's own error.

They are taken as independent and added in quadrature.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.lines import angle_difference

#: Standard deviation of a length from the pixel grid alone, in map pixels. Published ends sit
#: on pixel centres: each is off by up to half a pixel, √2 · 1/√12. Invariant ends come from a
#: contour between the pixels: the root mean square error of antialiased rectangles over
#: angles, offsets and widths, see tests/measure/test_invariant.py. The step of 0.0001 between
#: levels adds less than 0.01 px to either where the map falls by half over less than 50 px,
#: and is neglected. For `phase`, `joint` and `consensus`, whose light is smoothed and interpolated
#: like a contour, the value of `invariant` stands in; the doubt about their definition is far
#: larger.
GRID_ERROR_PX = {
    "published": 0.41,
    "invariant": 0.15,
    "phase": 0.15,
    "joint": 0.15,
    "consensus": 0.15,
}

#: Scatter of the length about the truth, as a share of the length, that the other parts do not
#: explain: chosen by `scripts/error_coverage.py` so that 68 % of simulated truths lie within one
#: standard deviation; see docs/decisions/0021.
METHOD_ERROR = {
    "consensus": 0.11,
    "joint": 0.25,
    "phase": 0.21,
    "invariant": 0.58,
    "published": 0.61,
}

#: Scatter in degrees of the direction that `consensus` takes from map and light together; the angle
#: between it and the map's own axis is added, as far as the map counts. Of simulated bars to which
#: the network gives more than 0.4, 68 % lie within both (78 % of galaxies of any kind).
AXIS_ERROR_DEG = 3.5

#: How far the level is moved up and down for the error of its choice, relative to the maximum.
LEVEL_STEP = 0.05


def jackknife_error(estimates: NDArray[np.floating] | Sequence[float]) -> float:
    """Combine delete-one estimates to a standard error: ``sqrt((B−1)/B Σ (L_i − L̄)²)``.

    Parameters
    ----------
    estimates : array_like, shape (B,)
        Estimate without block i, for every i.
    """
    e = np.asarray(estimates, np.float64)
    return float(np.sqrt((len(e) - 1) * e.var()))


def standard_error(estimates: NDArray[np.floating] | Sequence[float]) -> float:
    """Error of the mean of independent estimates, ``s / sqrt(K)``; at least two."""
    e = np.asarray(estimates, np.float64)
    return float(e.std(ddof=1) / np.sqrt(len(e)))


def about(angles_deg: Sequence[float], centre_deg: float) -> list[float]:
    """Directions of bars as differences from one of them, in (−90, 90]: free of the seam."""
    return [angle_difference(angle, centre_deg) for angle in angles_deg]
