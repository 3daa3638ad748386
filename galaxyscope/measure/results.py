"""What a measurement is: `BarMeasurement` (automatic) and `LineMeasurement` (drawn)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Point = tuple[float, float]


@dataclass(frozen=True)
class BarMeasurement:
    """A bar found on an attribution map, in pixels of the cutout.

    Parameters
    ----------
    algorithm : str
        ``"phase"``, ``"invariant"`` or ``"published"``.
    ends : ((x1, y1), (x2, y2)) or None
        Ends of the bar in cutout pixels; None where no bar was found.
    length_px : float or None
        Full length in cutout pixels.
    length_err_px : float or None
        One standard deviation, None where the map has no blocks to estimate it from.
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
