"""What a measurement is: `BarMeasurement` (automatic) and `LineMeasurement` (drawn)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

Point = tuple[float, float]


@dataclass(frozen=True)
class LengthErrors:
    """What the error of a length is made of: one standard deviation each, in cutout pixels.

    None is not known, or does not apply. See `galaxyscope.measure.uncertainty`.

    Parameters
    ----------
    sampling : float or None
        From the finite number of samples of the map: jackknife over its blocks.
    networks : float or None
        From the choice of networks: standard error of the mean over an ensemble's members.
    threshold : float or None
        From the definition of the end: half the difference of the lengths at a level (or share
        of the light's peak) a little lower and a little higher.
    grid : float or None
        From the pixel grid of the map.
    method : float or None
        What the others leave: scatter of this algorithm about the truth on simulated bars.
    """

    sampling: float | None = None
    networks: float | None = None
    threshold: float | None = None
    grid: float | None = None
    method: float | None = None

    @property
    def total(self) -> float | None:
        """All that is known in quadrature; None where the map's own error is not known."""
        if self.sampling is None and self.networks is None:
            return None
        return math.hypot(*(part for part in astuple(self) if part is not None))


@dataclass(frozen=True)
class BarMeasurement:
    """A bar found on an attribution map, in pixels of the cutout.

    Parameters
    ----------
    algorithm : str
        ``"consensus"``, ``"joint"``, ``"phase"``, ``"invariant"`` or ``"published"``.
    ends : ((x1, y1), (x2, y2)) or None
        Ends of the bar in cutout pixels; None where no bar was found.
    length_px : float or None
        Full length in cutout pixels.
    length_err_px : float or None
        One standard deviation: the total of `errors`. None where the map has neither blocks nor
        members to estimate it from.
    threshold : float or None
        Level, relative to the map's maximum, at which the search stopped.
    elongation : float or None
        |Pearson r| (published) or (λ1−λ2)/(λ1+λ2) (invariant) at the stop.
    pixels : int
        Map pixels above the threshold at the stop.
    flags : tuple of str
        Short words for what a reader should know: ``"no-bar"``, ``"min-pixels"``,
        ``"touches-frame"`` …
    reason : str
        One sentence where no bar was found, else empty.
    parameters : mapping
        Settings of the algorithm.
    errors : LengthErrors
        The parts of `length_err_px`.
    angle_err_deg : float or None
        One standard deviation of the bar's direction, from blocks and members; for `consensus`
        also from how far map and light differ.
    """

    algorithm: str
    ends: tuple[Point, Point] | None
    length_px: float | None
    length_err_px: float | None
    threshold: float | None
    elongation: float | None
    pixels: int
    flags: tuple[str, ...] = ()
    reason: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    errors: LengthErrors = LengthErrors()
    angle_err_deg: float | None = None


@dataclass(frozen=True)
class LineMeasurement:
    """A line that a person drew along the bar, in pixels of the cutout.

    Parameters
    ----------
    ends : ((x1, y1), (x2, y2))
    observer : str
    drawn_at : str
        UTC, ISO 8601.
    """

    ends: tuple[Point, Point]
    observer: str
    drawn_at: str

    @property
    def length_px(self) -> float:
        """Full length in cutout pixels."""
        (x1, y1), (x2, y2) = self.ends
        return float(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5)
