"""Axes of the small plots in the panels: where a value lies on the widget, ticks and titles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from galaxyscope.gui.panels.common import quiet_color, small_font
from galaxyscope.gui.rows import MINUS
from galaxyscope.gui.theme import tabular_font

Floats = NDArray[np.float64]
TICK = 4
# Pixels that a tick with its number needs.
TICK_EVERY = (50, 26)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) in a range, at most `most` of them."""
    span = high - low
    if not (math.isfinite(span) and span > 0) or most < 1:
        return []
    step = 10.0 ** math.floor(math.log10(span / most))
    for factor in (1, 2, 5, 10, 20):
        first, last = math.ceil(low / (step * factor)), math.floor(high / (step * factor))
        if last - first + 1 <= most:
            return [i * step * factor for i in range(first, last + 1)]
    return []


def tick_texts(values: list[float]) -> list[str]:
    """Numbers beside ticks, all with as many decimals as their step needs."""
    if len(values) < 2:
        return [f"{v:g}".replace("-", MINUS) for v in values]
    places = max(0, -math.floor(math.log10(abs(values[1] - values[0])) + 1e-9))
    return [f"{0.0 if abs(v) < 1e-12 else v:.{places}f}".replace("-", MINUS) for v in values]


@dataclass(frozen=True)
class Axes:
    """A range of values on a rectangle of the widget; y grows upwards."""

    place: QRectF
    x: tuple[float, float]
    y: tuple[float, float]

    def to_widget(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Where values lie, in widget pixels."""
        across = self.place.width() / ((self.x[1] - self.x[0]) or 1.0)
        up = self.place.height() / ((self.y[1] - self.y[0]) or 1.0)
        return (
            self.place.left() + (np.asarray(x) - self.x[0]) * across,
            self.place.bottom() - (np.asarray(y) - self.y[0]) * up,
        )

    def point(self, x: float, y: float) -> QPointF:
        """Where one value lies."""
        wx, wy = self.to_widget(np.array(x), np.array(y))
        return QPointF(float(wx), float(wy))

    def x_at(self, widget_x: float) -> float:
        """Return the value under a widget pixel."""
        share = (widget_x - self.place.left()) / max(self.place.width(), 1.0)
        return self.x[0] + share * (self.x[1] - self.x[0])

    def polyline(self, x: Floats, y: Floats) -> QPolygonF:
        """Return a line through values."""
        wx, wy = self.to_widget(x, y)
        return QPolygonF([QPointF(a, b) for a, b in zip(wx.tolist(), wy.tolist(), strict=True)])


def faint(colour: QColor, alpha: float) -> QColor:
    """Return a colour that lets the ground through."""
    found = QColor(colour)
    found.setAlphaF(alpha)
    return found


def room(widget: QWidget, x_title: bool = True, y_title: bool = True) -> tuple[int, int, int, int]:
    """Pixels that numbers and titles need: left, top, right, bottom."""
    metrics = QFontMetrics(small_font(widget.font()))
    line = metrics.height()
    left = metrics.horizontalAdvance("0.00") + TICK + 4 + (line + 2 if y_title else 0)
    return left, 6, 10, line + TICK + 4 + (line if x_title else 0)


def draw_axes(
    painter: QPainter, widget: QWidget, axes: Axes, x_title: str = "", y_title: str = ""
) -> None:
    """Draw hairlines, ticks, numbers and titles; nothing of the data."""
    font = tabular_font(small_font(widget.font()))
    painter.setFont(font)
    metrics, quiet, place = QFontMetrics(font), quiet_color(widget), axes.place
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    line = QPen(faint(quiet, 0.5), 1)
    painter.setPen(line)
    painter.drawLine(place.bottomLeft(), place.bottomRight())
    painter.drawLine(place.topLeft(), place.bottomLeft())
    center, right = Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight
    height = metrics.height()
    across = ticks(*axes.x, max(2, int(place.width() / TICK_EVERY[0])))
    for value, text in zip(across, tick_texts(across), strict=True):
        at = axes.point(value, axes.y[0])
        painter.setPen(line)
        painter.drawLine(at, at + QPointF(0, TICK))
        painter.setPen(quiet)
        painter.drawText(QRectF(at.x() - 40, at.y() + TICK + 1, 80, height), center, text)
    up = ticks(*axes.y, max(2, int(place.height() / TICK_EVERY[1])))
    for value, text in zip(up, tick_texts(up), strict=True):
        at = axes.point(axes.x[0], value)
        painter.setPen(line)
        painter.drawLine(at, at - QPointF(TICK, 0))
        painter.setPen(quiet)
        box = QRectF(at.x() - TICK - 62, at.y() - height / 2, 60, height)
        painter.drawText(box, right | Qt.AlignmentFlag.AlignVCenter, text)
    if x_title:
        box = QRectF(place.left(), place.bottom() + TICK + height + 1, place.width(), height)
        painter.drawText(box, center, x_title)
    if y_title:
        painter.save()
        painter.translate(height / 2 + 1, place.center().y())
        painter.rotate(-90)
        span = max(place.height(), metrics.horizontalAdvance(y_title) + 4.0)
        painter.drawText(
            QRectF(-span / 2, -height / 2, span, height),
            center | Qt.AlignmentFlag.AlignVCenter,
            y_title,
        )
        painter.restore()
