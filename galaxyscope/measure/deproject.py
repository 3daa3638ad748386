"""Lengths in the plane of an inclined disc.

A thin disc seen at inclination i is shortened by cos i across its line of nodes. A bar at the angle
Δ from the line of nodes (on the sky) of seen length L has the length
``L √(cos²Δ + sin²Δ / cos²i)`` in the disc (Martin 1995, AJ 109, 2428).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from galaxyscope.measure.lines import angle_difference

#: Beyond this inclination a bar is mostly guessed.
STEEP_DEG = 60.0
#: Intrinsic axis ratio of an edge-on disc (Hubble 1926, ApJ 64, 321, as used ever since).
THICKNESS = 0.2


@dataclass(frozen=True)
class Disc:
    """How a disc lies on the sky.

    Parameters
    ----------
    inclination_deg : float
        0 is face-on; in [0, 90).
    pa_deg : float
        Direction of the line of nodes (the major axis), counted like that of the bar.
    inclination_err_deg, pa_err_deg : float
        One standard deviation.
    source : str
        ``user`` or ``isophotes``.
    """

    inclination_deg: float
    pa_deg: float
    inclination_err_deg: float = 0.0
    pa_err_deg: float = 0.0
    source: str = "user"

    def __post_init__(self) -> None:
        if not 0 <= self.inclination_deg < 90:
            raise ValueError(f"the inclination lies in [0, 90), not {self.inclination_deg:g}")
        if not math.isfinite(self.pa_deg):
            raise ValueError("the position angle of the disc must be finite")
        if not (self.inclination_err_deg >= 0 and self.pa_err_deg >= 0):
            raise ValueError("errors are not negative")


@dataclass(frozen=True)
class Deprojected:
    """A length in the plane of its disc, in the unit that was handed in.

    Parameters
    ----------
    length : float
    error : float or None
        One standard deviation; None where that of the seen length is not known.
    factor : float
        Over the seen length, at least 1.
    steep : bool
        The inclination is above `STEEP_DEG`.
    """

    length: float
    error: float | None
    factor: float
    steep: bool


def deproject(
    length: float,
    pa_deg: float,
    disc: Disc,
    length_err: float | None = None,
    pa_err_deg: float = 0.0,
) -> Deprojected:
    """Lay a bar flat.

    The error is propagated to first order from the errors of length, directions and inclination,
    taken as independent.

    Parameters
    ----------
    length : float
        Seen, any unit.
    pa_deg : float
        Of the bar, counted like that of the disc.
    disc : Disc
    length_err : float, optional
        One standard deviation.
    pa_err_deg : float
        One standard deviation of the bar's direction.

    Returns
    -------
    Deprojected
    """
    delta = math.radians(angle_difference(pa_deg, disc.pa_deg))
    cos_i = math.cos(math.radians(disc.inclination_deg))
    stretch = 1 / cos_i**2
    factor = math.sqrt(math.cos(delta) ** 2 + math.sin(delta) ** 2 * stretch)
    error = None
    if length_err is not None:
        # Derivatives of the factor; an angle in radians.
        by_delta = math.sin(delta) * math.cos(delta) * (stretch - 1) / factor
        by_i = math.sin(delta) ** 2 * math.tan(math.radians(disc.inclination_deg)) * stretch
        turn = math.radians(math.hypot(pa_err_deg, disc.pa_err_deg))
        tilt = math.radians(disc.inclination_err_deg)
        error = math.hypot(
            factor * length_err, length * by_delta * turn, length * by_i / factor * tilt
        )
    return Deprojected(factor * length, error, factor, disc.inclination_deg > STEEP_DEG)


def inclination_of(axis_ratio: float, thickness: float = THICKNESS) -> float:
    """Inclination in degrees of a disc with that apparent axis ratio.

    ``cos² i = (q² − q₀²) / (1 − q₀²)`` (Hubble 1926); flatter than q₀ counts as 89°, just short
    of edge-on, where nothing can be laid flat.

    Raises
    ------
    ValueError
        If the axis ratio is not in (0, 1].
    """
    if not 0 < axis_ratio <= 1:
        raise ValueError(f"an axis ratio lies in (0, 1], not {axis_ratio:g}")
    squared = (axis_ratio**2 - thickness**2) / (1 - thickness**2)
    return min(math.degrees(math.acos(math.sqrt(max(squared, 0.0)))), 89.0)
