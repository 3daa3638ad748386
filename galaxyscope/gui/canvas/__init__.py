"""The canvas: a galaxy, what lies over it, and the tools to look and to draw."""

from galaxyscope.gui.canvas.camera import Ends, Point, ViewState
from galaxyscope.gui.canvas.line import CanvasLine
from galaxyscope.gui.canvas.overlay import COLORMAPS, Overlay, over_threshold
from galaxyscope.gui.canvas.widget import Canvas

__all__ = [
    "COLORMAPS",
    "Canvas",
    "CanvasLine",
    "Ends",
    "Overlay",
    "Point",
    "ViewState",
    "over_threshold",
]
