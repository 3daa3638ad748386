"""From image, display and overlay to the picture item; many changes cost one rendering."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage, QPainterPath

from galaxyscope.gui.canvas import overlay as overlays
from galaxyscope.gui.canvas.overlay import Overlay
from galaxyscope.gui.canvas.picture import PictureItem, argb_to_qimage, to_qimage

if TYPE_CHECKING:
    from galaxyscope.sky.image import SkyImage
    from galaxyscope.sky.stretch import Display


class Renderer(QObject):
    """Keeps the picture item in step with what it is to show.

    Parameters
    ----------
    parent : QObject
        Owns the timer that waits for the end of a burst of changes.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.item = PictureItem()
        self.image: SkyImage | None = None
        self.display: Display | None = None
        self.overlay: Overlay | None = None
        self.visible = True
        self._limits: tuple[SkyImage, tuple[object, ...], tuple[float, float]] | None = None
        self._base_stale = self._overlay_stale = False
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.timeout.connect(self.render_now)

    def set_image(self, image: SkyImage | None, display: Display | None) -> None:
        """Show another image at once."""
        self.image, self.display = image, display
        self._limits = None
        self._base_stale = True
        self.render_now()

    def set_display(self, display: Display) -> None:
        """Show it with other limits or another stretch."""
        self.display = display
        self._base_stale = True
        self._wait.start(0)

    def set_overlay(self, overlay: Overlay | None, visible: bool) -> None:
        """Lay a map over it, or take the map away.

        Raises
        ------
        ValueError
            If the map has not the shape of the image, or its colour map is unknown.
        """
        if overlay is not None:
            shape = None if self.image is None else self.image.shape
            if overlay.values.shape != shape:
                raise ValueError(f"an overlay of {overlay.values.shape} on an image of {shape}")
            if overlay.colormap not in overlays.COLORMAPS:
                raise ValueError(f"no colour map {overlay.colormap!r}")
        self.overlay, self.visible = overlay, visible
        self._overlay_stale = True
        self._wait.start(0)

    def render_now(self) -> None:
        """Build what has become stale: the display buffer, the colours of the overlay."""
        self._wait.stop()
        image = self.image
        if self._base_stale:
            base = QImage()
            if image is not None and self.display is not None:
                from galaxyscope.sky.stretch import display_buffer

                buffer = display_buffer(image, self._with_limits(image, self.display))
                base = to_qimage(buffer[:: -1 if image.y_up else 1])
            self.item.set_base(base)
        if self._overlay_stale:
            shown = self.overlay if self.visible else None
            if shown is None or image is None:
                self.item.set_overlay(None)
            else:
                argb = overlays.colours(shown)[:: -1 if image.y_up else 1]
                self.item.set_overlay(argb_to_qimage(argb), _contour(image, shown))
        self._base_stale = self._overlay_stale = False

    def _with_limits(self, image: SkyImage, display: Display) -> Display:
        """Fix black and white, so that dragging contrast does not look for them each time."""
        from galaxyscope.sky.stretch import limits

        key = (display.limits, display.percentile, display.vmin, display.vmax)
        if self._limits is None or self._limits[0] is not image or self._limits[1] != key:
            self._limits = (image, key, limits(image, display))
        lo, hi = self._limits[2]
        return dataclasses.replace(display, limits="manual", vmin=lo, vmax=hi)


def _contour(image: SkyImage, overlay: Overlay) -> QPainterPath | None:
    """Contour in screen units, None where it is not wanted."""
    if not overlay.contour:
        return None
    points = image.to_screen(overlays.readable_contour(overlay)).reshape(-1, 2)
    path: QPainterPath = pg.arrayToQPath(points[:, 0], points[:, 1], connect="pairs")
    return path


def same_picture(a: SkyImage | None, b: SkyImage | None) -> bool:
    """Whether two images show the same pixels (one may have a scale that the other lacks)."""
    if a is None or b is None or a.shape != b.shape or a.y_up != b.y_up:
        return False
    same_file = bool(a.sha256) and (a.sha256, a.plane) == (b.sha256, b.plane)
    return np.shares_memory(a.data, b.data) or same_file
