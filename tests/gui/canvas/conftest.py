"""A canvas on a window of known size, an F-shaped image, and a mouse that is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from galaxyscope.gui.canvas import Canvas
from galaxyscope.sky.image import SkyImage

LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)
NONE = Qt.KeyboardModifier.NoModifier


def f_image(rows: int = 90, columns: int = 70, *, y_up: bool = False) -> SkyImage:
    """Letter F in array order, bright on black."""
    data = np.zeros((1, rows, columns), np.float32)
    data[0, 10:80, 10:18] = 200
    data[0, 10:18, 10:58] = 200
    data[0, 40:48, 10:42] = 200
    return SkyImage(data=data, name="F", y_up=y_up, full_scale=255.0)


class Mouse:
    """Sends events with sub-pixel positions, which QTest cannot."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas

    def at(self, point: tuple[float, float]) -> QPointF:
        x, y = self.canvas.to_widget(point).tolist()
        return QPointF(x, y)

    def send(
        self,
        kind: QEvent.Type,
        at: QPointF,
        button: Qt.MouseButton,
        buttons: Qt.MouseButton,
        modifiers: Qt.KeyboardModifier = NONE,
    ) -> None:
        viewport = self.canvas.viewport()
        everywhere = QPointF(viewport.mapToGlobal(at.toPoint()))
        QApplication.sendEvent(
            viewport, QMouseEvent(kind, at, everywhere, button, buttons, modifiers)
        )

    def press(
        self, at: QPointF, button: Qt.MouseButton = LEFT, modifiers: Qt.KeyboardModifier = NONE
    ) -> None:
        self.send(QEvent.Type.MouseButtonPress, at, button, button, modifiers)

    def release(
        self, at: QPointF, button: Qt.MouseButton = LEFT, modifiers: Qt.KeyboardModifier = NONE
    ) -> None:
        self.send(QEvent.Type.MouseButtonRelease, at, button, Qt.MouseButton.NoButton, modifiers)

    def move(
        self,
        at: QPointF,
        buttons: Qt.MouseButton = Qt.MouseButton.NoButton,
        modifiers: Qt.KeyboardModifier = NONE,
    ) -> None:
        self.send(QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, buttons, modifiers)

    def drag(
        self,
        start: QPointF,
        stop: QPointF,
        button: Qt.MouseButton = LEFT,
        modifiers: Qt.KeyboardModifier = NONE,
    ) -> None:
        self.press(start, button, modifiers)
        for part in (0.25, 0.5, 0.75, 1.0):
            self.move(start + (stop - start) * part, button, modifiers)
        self.release(stop, button, modifiers)

    def click(self, at: QPointF, button: Qt.MouseButton = LEFT) -> None:
        self.move(at)
        self.press(at, button)
        self.release(at, button)


@pytest.fixture
def canvas(qtbot) -> Canvas:
    widget = Canvas()
    qtbot.addWidget(widget)
    widget.resize(500, 400)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.fixture
def mouse(canvas: Canvas) -> Mouse:
    return Mouse(canvas)


@pytest.fixture
def make_image() -> Callable[..., SkyImage]:
    return f_image


@pytest.fixture
def heard(canvas: Canvas) -> dict[str, list]:
    """All that the canvas said, by signal."""
    said: dict[str, list] = {}
    for name in (
        "cursor_moved", "line_drawn", "line_changed", "line_delete_requested", "line_selected",
        "display_changed", "files_dropped", "tool_changed",
    ):  # fmt: skip
        said[name] = []
        getattr(canvas, name).connect(lambda *args, name=name: said[name].append(args))
    return said
