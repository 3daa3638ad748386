"""The viewport: hands Qt's events to the pilot, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QMimeData, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QWheelEvent,
)

from galaxyscope.gui.theme import CANVAS

if TYPE_CHECKING:
    from galaxyscope.gui.canvas.camera import Point
    from galaxyscope.gui.canvas.widget import Canvas

_SHIFT = Qt.KeyboardModifier.ShiftModifier


def local_files(data: QMimeData) -> list[Path]:
    """Local files and folders that are being dragged."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


class CanvasView(pg.GraphicsView):
    """Raster-painted view whose scene coordinates are the widget's own pixels."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas, useOpenGL=False, background=CANVAS)
        self._canvas = canvas
        self.setCentralItem(None)
        self.setAcceptDrops(True)
        self.viewport().setAcceptDrops(True)
        self.viewport().setMouseTracking(True)
        self.setAccessibleName("Galaxy")

    def _pointer(self, event: QMouseEvent) -> tuple[Point, bool]:
        at = event.position()
        return (at.x(), at.y()), bool(event.modifiers() & _SHIFT)

    def _after(self) -> None:
        shape = self._canvas.pilot.cursor
        if self.viewport().cursor().shape() != shape:
            self.viewport().setCursor(shape)

    # -- pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a gesture."""
        at, shift = self._pointer(event)
        self._canvas.pilot.press(at, event.button(), shift)
        self._after()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Double-right-click resets contrast and bias; else the second press is a press."""
        if event.button() == Qt.MouseButton.RightButton:
            self._canvas.reset_display()
            event.accept()
        else:
            self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        at, shift = self._pointer(event)
        self._canvas.pilot.move(at, shift)
        self._canvas.pointer_moved(at)
        self._after()
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a gesture."""
        at, shift = self._pointer(event)
        self._canvas.pilot.release(at, event.button(), shift)
        self._after()
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom, keeping what lies under the pointer."""
        turn = event.angleDelta().y() or event.angleDelta().x()
        at = event.position()
        self._canvas.zoom_by(1.2 ** (turn / 120), (at.x(), at.y()))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that the pointer is gone."""
        self._canvas.pilot.leave()
        self._canvas.pointer_moved(None)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Right-drag is contrast and bias: no menu."""
        event.accept()

    # -- keys

    def event(self, event: QEvent) -> bool:
        """Take keys that the canvas answers now before a shortcut of the window does."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            blocked = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
            if not event.modifiers() & blocked and self._canvas.pilot.wants(event.key()):
                event.accept()
                return True
        return bool(super().event(event))

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Let Tab reach the canvas while it has two ends to switch between."""
        key = Qt.Key.Key_Tab if forward else Qt.Key.Key_Backtab
        if self._canvas.pilot.wants(key):
            return False
        return bool(super().focusNextPrevChild(forward))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Answer a key or pass it on."""
        event.setAccepted(self._canvas.pilot.key(event))
        self._after()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End space-drag and snapping, or pass the key on."""
        event.setAccepted(self._canvas.pilot.key_up(event))
        self._after()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget keys whose release will go to another widget."""
        self._canvas.pilot.focus_lost()
        super().focusOutEvent(event)

    # -- size and drops

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep scene coordinates equal to widget pixels."""
        super().resizeEvent(event)
        if event is not None:
            self._canvas.view_resized(event.size().width(), event.size().height())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Welcome local files."""
        welcome = bool(local_files(event.mimeData()))
        self._canvas.set_dropping(welcome)
        if welcome:
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Go on as the drag began."""
        event.setAccepted(bool(local_files(event.mimeData())))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Show that nothing is going to be dropped."""
        self._canvas.set_dropping(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand the files over."""
        self._canvas.set_dropping(False)
        files = local_files(event.mimeData())
        if files:
            event.acceptProposedAction()
            self._canvas.files_dropped.emit(files)
