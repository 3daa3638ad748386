"""Where the canvas looks: one exact affine from the picture to the widget's pixels."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from galaxyscope.sky.frame import Affine

Point = tuple[float, float]
Ends = tuple[Point, Point]

SMALLEST, LARGEST = 1 / 64, 128.0
#: Degrees; a picture of 500 pixels is off by less than half a pixel at its edge.
LEVEL = 0.05


@dataclass(frozen=True)
class ViewState:
    """What is kept of a view so that it can be had again.

    Parameters
    ----------
    centre : (float, float)
        Point in the middle of the canvas, in the units of ``SkyImage.to_screen``.
    scale : float
        Logical screen pixels per image pixel.
    fitted : bool
        True while the picture follows the size of the canvas.
    """

    centre: Point
    scale: float
    fitted: bool


@dataclass(frozen=True)
class Camera:
    """A view of one picture in a widget of a given size.

    Parameters
    ----------
    centre : (float, float)
        Point in the middle of the widget, in the units of ``SkyImage.to_screen``.
    scale : float
        Logical screen pixels per image pixel.
    size : (float, float)
        Width and height of the widget in logical pixels.
    angle : float
        Degrees by which the picture is turned about the middle, clockwise on the screen.
    """

    centre: Point = (0.0, 0.0)
    scale: float = 1.0
    size: tuple[float, float] = (1.0, 1.0)
    angle: float = 0.0

    @property
    def to_widget(self) -> Affine:
        """``SkyImage.to_screen`` units → logical pixels of the widget."""
        (cx, cy), (width, height), s = self.centre, self.size, self.scale
        cos, sin = self._cos_sin
        a, b, d, e = s * cos, -s * sin, s * sin, s * cos
        return Affine(a, b, width / 2 - a * cx - b * cy, d, e, height / 2 - d * cx - e * cy)

    @property
    def _cos_sin(self) -> tuple[float, float]:
        radians = math.radians(self.angle)
        return math.cos(radians), math.sin(radians)

    def unturned(self, dx: float, dy: float) -> Point:
        """Step of the widget as a step along the picture's own rows and columns."""
        cos, sin = self._cos_sin
        return cos * dx + sin * dy, cos * dy - sin * dx

    def turned(self, angle: float) -> Camera:
        """Turn the picture about what lies in the middle."""
        return dataclasses.replace(self, angle=angle)

    def fitting(self, rows: int, columns: int) -> Camera:
        """Return the view that shows the whole of a picture, as large as possible."""
        cos, sin = (abs(one) for one in self._cos_sin)
        width, height = columns * cos + rows * sin, columns * sin + rows * cos
        scale = min(self.size[0] / width, self.size[1] / height)
        return dataclasses.replace(
            self, centre=(columns / 2, rows / 2), scale=min(max(scale, SMALLEST), LARGEST)
        )

    def zoomed(self, scale: float, at: Point | None = None) -> Camera:
        """Change the scale; what lies at widget pixel `at` (the middle by default) stays."""
        scale = min(max(scale, SMALLEST), LARGEST)
        if at is None:
            return dataclasses.replace(self, scale=scale)
        dx, dy = self.unturned(at[0] - self.size[0] / 2, at[1] - self.size[1] / 2)
        change = 1 / self.scale - 1 / scale
        centre = (self.centre[0] + dx * change, self.centre[1] + dy * change)
        return dataclasses.replace(self, centre=centre, scale=scale)

    def panned(self, dx: float, dy: float) -> Camera:
        """Drag the picture by ``(dx, dy)`` widget pixels."""
        dx, dy = self.unturned(dx, dy)
        centre = (self.centre[0] - dx / self.scale, self.centre[1] - dy / self.scale)
        return dataclasses.replace(self, centre=centre)

    def resized(self, width: float, height: float) -> Camera:
        """Keep the middle and the scale in a widget of another size."""
        return dataclasses.replace(self, size=(max(width, 1.0), max(height, 1.0)))


def north_up(north: Point) -> float:
    """Angle of a `Camera` that shows a direction straight up.

    Parameters
    ----------
    north : (float, float)
        In the units of ``SkyImage.to_screen``, any length.

    Returns
    -------
    float
        Degrees in (-180, 180]; 0 below `LEVEL`, so that pictures whose north is up anyhow
        stay on the pixels of the screen.
    """
    angle = math.degrees(math.atan2(-north[0], -north[1]))
    return 0.0 if abs(angle) < LEVEL else angle


def snapped(anchor: Point, point: Point, step: float = 15.0) -> Point:
    """Project `point` onto the nearest ray from `anchor` at a multiple of `step` degrees."""
    dx, dy = point[0] - anchor[0], point[1] - anchor[1]
    angle = math.radians(round(math.degrees(math.atan2(dy, dx)) / step) * step)
    along = dx * math.cos(angle) + dy * math.sin(angle)
    return anchor[0] + along * math.cos(angle), anchor[1] + along * math.sin(angle)


def length(ends: Ends) -> float:
    """Distance between two points."""
    return math.dist(*ends)
