"""One line on the canvas: what it is (`CanvasLine`) and how it looks (`LineItem`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QGraphicsObject, QStyleOptionGraphicsItem, QWidget

from galaxyscope.gui.canvas.camera import Ends, Point
from galaxyscope.gui.canvas.text import EDGE, draw_text, text_size
from galaxyscope.gui.theme import DATA
from galaxyscope.sky.frame import Affine

Role = Literal["automatic", "drawn", "ruler"]
Part = Literal[0, 1, "body"]

HANDLE_REACH = 10.0
BODY_REACH = 6.0
_HANDLE = 5.0
_COLOURS = {"automatic": DATA["automatic"], "drawn": DATA["drawn"], "ruler": "#F2F2F4"}


@dataclass(frozen=True)
class CanvasLine:
    """A line to show.

    Parameters
    ----------
    key : str
        Names the line in signals.
    ends : ((x1, y1), (x2, y2))
        Cutout pixels.
    role : {"automatic", "drawn", "ruler"}
    label : str
        Empty for none.
    editable : bool
        Whether it can be moved and deleted here.
    error_px : float or None
        One standard deviation of the length, in cutout pixels, shown as whiskers.
    """

    key: str
    ends: Ends
    role: Role = "drawn"
    label: str = ""
    editable: bool = False
    error_px: float | None = None


class LineItem(QGraphicsObject):
    """A line in widget pixels, so that its widths and handles do not depend on the zoom."""

    def __init__(self, line: CanvasLine, font: QFont) -> None:
        super().__init__()
        self.line = line
        self.selected = False
        self.hovered = False
        self.end = 1
        self.live_label: str | None = None
        self._font = font
        self._points: Ends = ((0.0, 0.0), (0.0, 0.0))
        self._whisker = 0.0
        self._label_box = QRectF()

    @property
    def points(self) -> Ends:
        """Ends in widget pixels."""
        return self._points

    @property
    def label(self) -> str:
        """What the label says now: the live length while the line is being changed."""
        return self.line.label if self.live_label is None else self.live_label

    @property
    def label_size(self) -> tuple[float, float]:
        """Width and height of the label."""
        return text_size(self.label, self._font)

    def place(self, to_widget: Affine) -> None:
        """Take the place that the camera gives the line."""
        self.prepareGeometryChange()
        (x1, y1), (x2, y2) = to_widget(self.line.ends).tolist()
        self._points = ((x1, y1), (x2, y2))
        # The two ends share the error of the length.
        error = self.line.error_px or 0.0
        self._whisker = 0.5 * error * to_widget.pixel_size if math.isfinite(error) else 0.0

    def set_label_box(self, box: QRectF) -> None:
        """Take the place that the layout gives the label."""
        self.prepareGeometryChange()
        self._label_box = box

    def set_look(self, *, selected: bool, hovered: bool, end: int) -> None:
        """Show handles on a line that is selected or under the pointer."""
        if (selected, hovered, end) != (self.selected, self.hovered, self.end):
            self.selected, self.hovered, self.end = selected, hovered, end
            self.update()

    def part_at(self, point: Point) -> Part | None:
        """Which part of the line lies under a widget pixel, the nearer end first."""
        distances = [math.dist(point, end) for end in self._points]
        nearest: Literal[0, 1] = 0 if distances[0] < distances[1] else 1
        if distances[nearest] <= HANDLE_REACH:
            return nearest
        (x1, y1), (x2, y2) = self._points
        dx, dy = x2 - x1, y2 - y1
        square = dx * dx + dy * dy
        if square == 0:
            return None
        t = ((point[0] - x1) * dx + (point[1] - y1) * dy) / square
        foot = (x1 + t * dx, y1 + t * dy)
        return "body" if 0 <= t <= 1 and math.dist(point, foot) <= BODY_REACH else None

    def boundingRect(self) -> QRectF:
        """Line with handles, whiskers and label, in widget pixels."""
        reach = HANDLE_REACH + self._whisker
        first, second = (QPointF(*end) for end in self._points)
        box = QRectF(first, second).normalized().adjusted(-reach, -reach, reach, reach)
        if self.label and not self._label_box.isNull():
            box = box.united(self._label_box.adjusted(-3, -3, 3, 3))
        return box

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,
        widget: QWidget | None = None,
    ) -> None:
        """Dark edge first, colour on top, then handles and label."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        colour = QColor(_COLOURS[self.line.role])
        strokes = self._strokes()
        for pen in (self._pen(EDGE, 2.0), self._pen(colour, 0.0)):
            for line, width, dashed in strokes:
                pen_here = QPen(pen)
                pen_here.setWidthF(pen.widthF() + width)
                if dashed:
                    pen_here.setDashPattern([6 / pen_here.widthF(), 5 / pen_here.widthF()])
                    pen_here.setCapStyle(Qt.PenCapStyle.FlatCap)
                painter.setPen(pen_here)
                painter.drawLine(line)
        if self.line.editable and (self.selected or self.hovered):
            self._paint_handles(painter, colour)
        if self.label and not self._label_box.isNull():
            draw_text(painter, self._label_box, self.label, self._font, colour)

    @staticmethod
    def _pen(colour: QColor, extra: float) -> QPen:
        pen = QPen(colour, extra)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        return pen

    def _strokes(self) -> list[tuple[QLineF, float, bool]]:
        """Straight pieces with their widths and whether they are dashed."""
        first, second = (QPointF(*end) for end in self._points)
        ruler = self.line.role == "ruler"
        pieces = [(QLineF(first, second), 2.5 if self.selected else 1.75, ruler)]
        size = math.dist(*self._points)
        if size < 1:
            return pieces
        along = (second - first) / size
        across = QPointF(-along.y(), along.x())
        caps = [first, second]
        if self._whisker >= 3:
            for end in (first, second):
                low, high = end - along * self._whisker, end + along * self._whisker
                pieces.append((QLineF(low, high), 1.0, False))
                pieces += [
                    (QLineF(p - across * 3, p + across * 3), 1.0, False) for p in (low, high)
                ]
        elif not (self.line.editable and (self.selected or self.hovered)):
            pieces += [(QLineF(p - across * 6, p + across * 6), 1.5, False) for p in caps]
        return pieces

    def _paint_handles(self, painter: QPainter, colour: QColor) -> None:
        for number, end in enumerate(self._points):
            centre = QPointF(*end)
            focused = self.selected and number == self.end
            painter.setPen(QPen(EDGE, 4.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(centre, _HANDLE, _HANDLE)
            painter.setPen(QPen(colour, 1.75))
            painter.drawEllipse(centre, _HANDLE, _HANDLE)
            if focused:
                # A dot and a second ring mark the end that the arrow keys move, and hide nothing.
                painter.drawEllipse(centre, _HANDLE + 3, _HANDLE + 3)
                painter.setBrush(colour)
                painter.drawEllipse(centre, 1.0, 1.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
