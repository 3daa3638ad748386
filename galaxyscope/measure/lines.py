"""Lines that people draw, and how they differ from the automatic measurement."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from galaxyscope.measure.results import BarMeasurement, LineMeasurement, Point


@dataclass(frozen=True)
class LineDifference:
    """A drawn line minus the automatic bar of the same galaxy.

    Parameters
    ----------
    length_percent : float
        100 · (drawn − automatic) / automatic.
    angle_deg : float
        Drawn minus automatic, in [−90, 90): a line has no head.
    """

    length_percent: float
    angle_deg: float


def draw_line(p1: Point, p2: Point, observer: str, now: datetime | None = None) -> LineMeasurement:
    """Make a measurement from the two ends that an observer drew.

    Parameters
    ----------
    p1, p2 : (x, y)
        Ends in cutout pixels, in the order drawn.
    observer : str
        Who drew it.
    now : datetime, optional
        When, with a time zone; the present by default. Kept as UTC to the second.

    Raises
    ------
    ValueError
        If the line has no length or an end is not finite, if the observer has no name, or if
        `now` has no time zone.
    """
    ends = ((float(p1[0]), float(p1[1])), (float(p2[0]), float(p2[1])))
    if not all(math.isfinite(v) for end in ends for v in end):
        raise ValueError("the ends of a line must be finite")
    if ends[0] == ends[1]:
        raise ValueError("a line needs two different ends")
    if not observer.strip():
        raise ValueError("a drawn line needs the name of its observer")
    now = datetime.now(UTC) if now is None else now
    if now.tzinfo is None:
        raise ValueError("the time of a drawn line needs a time zone")
    return LineMeasurement(
        ends, observer.strip(), now.astimezone(UTC).isoformat(timespec="seconds")
    )


def pixel_angle(p1: Point, p2: Point) -> float:
    """Direction of a line in degrees from +x towards +y, in [0, 180)."""
    angle = math.degrees(math.atan2(p2[1] - p1[1], p2[0] - p1[0])) % 180
    return 0.0 if angle == 180 else angle


def angle_difference(first_deg: float, second_deg: float) -> float:
    """First minus second direction of two lines, in degrees in [−90, 90)."""
    difference = (first_deg - second_deg + 90) % 180 - 90
    return -90.0 if difference == 90 else difference


def line_difference(
    automatic: BarMeasurement,
    drawn: LineMeasurement,
    angle: Callable[[Point, Point], float] = pixel_angle,
) -> LineDifference | None:
    """Compare a drawn line with the automatic bar.

    Parameters
    ----------
    automatic : BarMeasurement
    drawn : LineMeasurement
    angle : callable, optional
        Direction in degrees of the line between two cutout points, and with it the sense in
        which the difference is counted; pass the position angle on the sky where the cutout
        has one. By default pixel directions from +x towards +y.

    Returns
    -------
    LineDifference or None
        None where no bar was found.
    """
    if automatic.ends is None or not automatic.length_px:
        return None
    return LineDifference(
        100 * (drawn.length_px / automatic.length_px - 1),
        angle_difference(angle(*drawn.ends), angle(*automatic.ends)),
    )
