"""One camera, one display and one cursor for several canvases of the same picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from galaxyscope.gui.canvas import Canvas, Point

if TYPE_CHECKING:
    from galaxyscope.sky.stretch import Display


class Linked(QObject):
    """Lets all canvases look where one of them looks.

    Signals
    -------
    cursor_moved : canvas and cutout pixel under the pointer, or canvas and None
    """

    cursor_moved = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvases: list[Canvas] = []
        self._links: list[tuple[Canvas, tuple[Callable[..., None], ...]]] = []
        self._following = False
        #: Where the pointer rests, and on which canvas.
        self.pointer: tuple[Canvas, Point] | None = None

    @property
    def canvases(self) -> tuple[Canvas, ...]:
        """Those that are linked."""
        return tuple(self._canvases)

    def link(self, canvases: Sequence[Canvas]) -> None:
        """Link these canvases and no others; they take the view of the first."""
        for canvas, (camera, display, cursor) in self._links:
            canvas.view_changed.disconnect(camera)
            canvas.display_changed.disconnect(display)
            canvas.cursor_moved.disconnect(cursor)
        self._canvases, self._links = list(canvases), []
        if self.pointer is not None and self.pointer[0] not in canvases:
            self.pointer = None
        for canvas in canvases:
            slots = self._slots(canvas)
            canvas.view_changed.connect(slots[0])
            canvas.display_changed.connect(slots[1])
            canvas.cursor_moved.connect(slots[2])
            self._links.append((canvas, slots))
        if canvases:
            self._follow(canvases[0])
            if canvases[0].display is not None:
                self._follow_display(canvases[0], canvases[0].display)

    def _slots(self, canvas: Canvas) -> tuple[Callable[..., None], ...]:
        return (
            lambda: self._follow(canvas),
            lambda display: self._follow_display(canvas, display),
            lambda at: self._point(canvas, at),
        )

    def _others(self, canvas: Canvas) -> list[Canvas]:
        return [one for one in self._canvases if one is not canvas and one.image is not None]

    def _follow(self, canvas: Canvas) -> None:
        if self._following or canvas.image is None:
            return
        self._following = True
        try:
            state = canvas.view_state()
            for other in self._others(canvas):
                other.set_north_up(canvas.north_up)
                if other.view_state() != state or state.fitted:
                    other.set_view_state(state)
        finally:
            self._following = False

    def _follow_display(self, canvas: Canvas, display: Display) -> None:
        if self._following:
            return
        self._following = True
        try:
            for other in self._others(canvas):
                other.change_display(display)
        finally:
            self._following = False

    def _point(self, canvas: Canvas, at: Point | None) -> None:
        """Show the pointer of one canvas as a cross on the others."""
        if self._following:
            return
        for one in self._canvases:
            one.set_cross(None if one is canvas and not canvas.frozen else at)
        self.pointer = None if at is None else (canvas, at)
        self.cursor_moved.emit(canvas, at)
