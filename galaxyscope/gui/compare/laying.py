"""A map of the comparison over the galaxy of a canvas, in the style of the single one."""

from __future__ import annotations

from galaxyscope.gui.canvas import Canvas
from galaxyscope.gui.mapping import DEFAULT_THRESHOLD, Mapping, overlay_of
from galaxyscope.gui.model import Galaxy, ShownMap


def lay(canvas: Canvas, galaxy: Galaxy | None, shown: ShownMap | None, mapping: Mapping) -> None:
    """Lay a map over a canvas, or take away what lies there."""
    image = canvas.image
    if shown is None or galaxy is None or image is None or image.shape != shown.values.shape:
        canvas.set_overlay(None)
        return
    overlay = overlay_of(shown, mapping.style, threshold_of(galaxy))
    if canvas.overlay is None or not canvas.overlay.same_as(overlay):
        canvas.set_overlay(overlay)
    canvas.set_overlay_visible(mapping.visible)


def threshold_of(galaxy: Galaxy) -> float:
    """Return the threshold of a galaxy's maps, relative to their maximum."""
    return DEFAULT_THRESHOLD if galaxy.threshold is None else galaxy.threshold
