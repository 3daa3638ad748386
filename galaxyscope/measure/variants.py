"""The paper's variants of one measurement: several networks, and maps times the picture.

Bhambra, Joachimi & Lahav 2022, MNRAS 511, 5032, and the program that they published. *Average
map*: each network's map is scaled to its own range and the mean is measured without scaling it
again. *Average length*: each network's map is measured, and the mean of the lengths counts.
*X_input*: the scaled map times the grey picture in 0 … 1, which their program does not scale
again, so that the bar of a faint picture may hold few pixels above half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.algorithm1 import scaled_by_range
from galaxyscope.measure.invariant import scaled_by_maximum
from galaxyscope.measure.search import Ends, Floats, Levels, point_pair

Average = Literal["map", "scaled-maps", "lengths"]
AVERAGES: tuple[Average, ...] = ("map", "scaled-maps", "lengths")

XInput = Literal["no", "plain", "renormalised"]
X_INPUTS: tuple[XInput, ...] = ("no", "plain", "renormalised")


def scaled(values: NDArray[np.floating], algorithm: str) -> Levels:
    """Scale a map to 0 … 1 as the algorithm does.

    Raises
    ------
    NoBarError
        If the map shows nothing.
    """
    return scaled_by_range(values) if algorithm == "published" else scaled_by_maximum(values)


def mean_of_scaled(maps: Sequence[NDArray[np.floating]], algorithm: str) -> Floats:
    """Mean of maps that are scaled one by one.

    Parameters
    ----------
    maps : sequence of ndarray, shape (rows, columns)
    algorithm : str
        Scales in its own way, see `scaled`.
    """
    return np.asarray(np.mean([scaled(one, algorithm) for one in maps], axis=0, dtype=np.float64))


def mean_of_ends(bars: Sequence[Ends]) -> Ends:
    """Give the ends of the mean bar: mean middle, mean length, and the mean of the axes.

    The axes are averaged as doubled angles, weighted by length: a bar has no head. The length is
    exactly the mean of the lengths.

    Parameters
    ----------
    bars : sequence of ((x1, y1), (x2, y2))
        At least one, in one frame with square pixels.
    """
    ends: Floats = np.asarray(bars, np.float64)
    along = ends[:, 1] - ends[:, 0]
    lengths = np.hypot(along[:, 0], along[:, 1])
    twice = 2 * np.arctan2(along[:, 1], along[:, 0])
    angle = 0.5 * math.atan2(lengths @ np.sin(twice), lengths @ np.cos(twice))
    half = lengths.mean() / 2 * np.array([math.cos(angle), math.sin(angle)])
    middle = ends.mean(axis=(0, 1))
    return point_pair(middle - half, middle + half)
