"""From image, display and overlay to the picture item; many changes cost one rendering."""

from __future__ import annotations

import dataclasses
import functools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage, QPainterPath

from galaxyscope.gui.canvas import overlay as overlays
from galaxyscope.gui.canvas.overlay import Overlay
from galaxyscope.gui.canvas.picture import PictureItem, argb_to_qimage, halved, to_qimage

if TYPE_CHECKING:
    from galaxyscope.sky.image import SkyImage
    from galaxyscope.sky.stretch import Display


#: Larger pictures are drawn away from the GUI thread, a few times each second at most.
INLINE_PIXELS = 1_500_000

Later = Callable[[Callable[[], Any], Callable[[Any], None]], None]


def at_once(work: Callable[[], Any], done: Callable[[Any], None]) -> None:
    """Do work here and now: what a canvas does that nobody has given a worker."""
    done(work())


class Newest:
    """Has one piece of work done at a time; of those that wait only the newest counts.

    Parameters
    ----------
    later : callable
        ``later(work, done)`` calls ``work()`` on another thread and ``done(result)`` here;
        the result is None where the work could not be done.
    """

    def __init__(self, later: Later) -> None:
        self._later = later
        self._waiting: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self._busy = False
        self._wanted = object()

    def forget(self) -> None:
        """Drop what waits, and the result of what is under way."""
        self._waiting, self._wanted = None, object()

    def do(self, work: Callable[[], Any], done: Callable[[Any], None], *, here: bool) -> None:
        """Have work done, or do it here."""
        if here:
            self.forget()
            done(work())
            return
        self._waiting = (work, done)
        if not self._busy:
            self._start()

    def _start(self) -> None:
        if self._waiting is None:
            return
        (work, done), self._waiting = self._waiting, None
        self._busy, wanted = True, self._wanted

        def ended(result: Any) -> None:
            self._busy = False
            if result is not None and wanted is self._wanted:
                done(result)
            self._start()

        self._later(work, ended)


class Renderer(QObject):
    """Keeps the picture item in step with what it is to show.

    Parameters
    ----------
    parent : QObject
        Owns the timer that waits for the end of a burst of changes.
    later : callable
        Who draws large pictures, see `Newest`.
    """

    def __init__(self, parent: QObject, later: Later = at_once) -> None:
        super().__init__(parent)
        self.item = PictureItem()
        self.image: SkyImage | None = None
        self.display: Display | None = None
        self.overlay: Overlay | None = None
        self.visible = True
        self._limits: tuple[object, tuple[object, ...], tuple[float, float]] | None = None
        self._base_stale = self._overlay_stale = False
        self._base, self._over = Newest(later), Newest(later)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.timeout.connect(self.render_now)

    def set_image(self, image: SkyImage | None, display: Display | None) -> None:
        """Show another image at once (a large one as soon as it is drawn)."""
        if same_picture(self.image, image) and display == self.display:
            self.image = image  # only its scale or redshift changed
            return
        if not same_picture(self.image, image):
            self._limits = None
            self._base.forget()
            self._over.forget()
            rows, columns = image.shape if image is not None else (0, 0)
            self.item.clear(columns, rows)
        self.image, self.display = image, display
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
        image, display = self.image, self.display
        here = image is None or image.shape[0] * image.shape[1] <= INLINE_PIXELS
        if self._base_stale and image is not None and display is not None:
            limits = functools.partial(self._fixed, image, display)
            self._base.do(
                lambda: _newest_picture.levels(image, display, limits),
                self.item.set_base,
                here=here,
            )
        if self._overlay_stale:
            shown = self.overlay if self.visible else None
            if shown is None or image is None:
                self._over.forget()
                self.item.set_overlay([])
            else:
                self._over.do(
                    lambda: draw_overlay(image, shown),
                    lambda drawn: self.item.set_overlay(*drawn),
                    here=here,
                )
        self._base_stale = self._overlay_stale = False

    def _fixed(self, image: SkyImage, display: Display) -> Display:
        """Fix black and white, so that dragging contrast does not look for them each time."""
        from galaxyscope.sky.stretch import limits

        key = (display.limits, display.percentile, display.vmin, display.vmax)
        kept = self._limits
        if kept is None or kept[0] is not image.data or kept[1] != key:
            kept = self._limits = (image.data, key, limits(image, display))
        lo, hi = kept[2]
        return dataclasses.replace(display, limits="manual", vmin=lo, vmax=hi)


class NewestPicture:
    """Picture that was drawn last, for canvases side by side that show the same; any thread."""

    def __init__(self) -> None:
        self._kept: tuple[weakref.ref[Any], bool, Display, list[QImage]] | None = None

    def levels(
        self, image: SkyImage, display: Display, limits: Callable[[], Display]
    ) -> list[QImage]:
        """Return what `draw_picture` gives, drawn only where it is not there yet.

        Parameters
        ----------
        image : SkyImage
        display : Display
            As it was asked for.
        limits : callable
            The same with its limits found, see `Renderer`.
        """
        kept = self._kept
        if kept is not None and kept[0]() is image.data and kept[1:3] == (image.y_up, display):
            return kept[3]
        levels = draw_picture(image, limits())
        self._kept = (weakref.ref(image.data), image.y_up, display, levels)
        return levels


_newest_picture = NewestPicture()


def draw_picture(image: SkyImage, display: Display) -> list[QImage]:
    """Draw an image, and halves of it for when it is seen from far; any thread."""
    from galaxyscope.sky.stretch import display_buffer

    buffer = display_buffer(image, display)
    return halved(to_qimage(buffer[:: -1 if image.y_up else 1]))


def draw_overlay(
    image: SkyImage, overlay: Overlay
) -> tuple[list[QImage], QPainterPath | None, QPainterPath | None]:
    """Draw a map as `draw_picture` does, with contour and outline; any thread."""
    argb = overlays.colours(overlay)[:: -1 if image.y_up else 1]
    contour = overlays.readable_contour(overlay) if overlay.contour else None
    levels = halved(argb_to_qimage(argb))
    return levels, _path(image, contour), _path(image, overlay.outline)


def _path(image: SkyImage, lines: NDArray[np.float64] | None) -> QPainterPath | None:
    """Lines of cutout pixels as a path in screen units; None where none are wanted."""
    if lines is None:
        return None
    points = image.to_screen(lines).reshape(-1, 2)
    path: QPainterPath = pg.arrayToQPath(points[:, 0], points[:, 1], connect="pairs")
    return path


def same_picture(a: SkyImage | None, b: SkyImage | None) -> bool:
    """Whether two images show the same pixels (one may have a scale that the other lacks)."""
    if a is None or b is None or a.shape != b.shape or a.y_up != b.y_up:
        return False
    same_file = bool(a.sha256) and (a.sha256, a.plane) == (b.sha256, b.plane)
    return np.shares_memory(a.data, b.data) or same_file
