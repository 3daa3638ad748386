"""A learning curve: two small lines over the epochs, each on its own scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from galaxyscope.gui.panels.common import GAP, small_font
from galaxyscope.gui.theme import tabular_font

EPOCH = "epoch"
TRAINING, JUDGED = "train", "val"
HEIGHT = 96


class LearningCurve(QWidget):
    """Shows the loss in training and the figure that was watched, from ``history.csv``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines: list[tuple[str, Sequence[float]]] = []
        self.setFixedHeight(HEIGHT)

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(360, HEIGHT)

    def show_curve(self, curve: Mapping[str, Sequence[float]]) -> bool:
        """Show the columns of a history; False, and nothing to see, if there is nothing in it."""
        self.lines = [
            (name, values)
            for kind in (TRAINING, JUDGED)
            for name, values in curve.items()
            if name.startswith(kind) and len(values) > 1
        ][:2]
        said = "; ".join(f"{n}: {v[0]:#.3g} to {v[-1]:#.3g}" for n, v in self.lines)
        self.setAccessibleName(f"Learning curve, {said}" if said else "")
        self.setToolTip(said)
        self.setVisible(bool(self.lines))
        self.update()
        return bool(self.lines)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines with their names and last values at their right ends."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = tabular_font(small_font(self.font()))
        painter.setFont(font)
        metrics, palette = QFontMetrics(font), self.palette()
        quiet = palette.color(QPalette.ColorRole.PlaceholderText)
        labels = [f"{_words(name)} {values[-1]:#.3g}" for name, values in self.lines]
        right = max((metrics.horizontalAdvance(label) for label in labels), default=0) + GAP
        place = QRectF(0, 6, self.width() - right, self.height() - metrics.height() - 12)
        painter.setPen(QPen(_faint(quiet), 1))
        painter.drawLine(place.bottomLeft(), place.bottomRight())
        colours = (quiet, palette.color(QPalette.ColorRole.Accent))
        heights: list[float] = []
        for (_, values), label, colour in zip(self.lines, labels, colours, strict=False):
            low, high = min(values), max(values)
            span, last = (high - low) or 1.0, len(values) - 1
            points = [
                QPointF(
                    place.left() + place.width() * i / last,
                    place.bottom() - 2 - (place.height() - 4) * (value - low) / span,
                )
                for i, value in enumerate(values)
            ]
            painter.setPen(QPen(colour, 1.5))
            painter.drawPolyline(QPolygonF(points))
            y = points[-1].y()
            if any(abs(y - other) < metrics.height() for other in heights):
                y = heights[0] - metrics.height()
            heights.append(y)
            box = QRectF(place.right() + GAP, y - metrics.height() / 2, right, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, label)
        epochs = max((len(values) for _, values in self.lines), default=0)
        below = QRectF(place.left(), place.bottom() + 3, place.width(), metrics.height())
        painter.setPen(quiet)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "epoch 1")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, str(epochs))
        painter.end()


def _words(name: str) -> str:
    return name.replace("train_", "training ").replace("val_", "validation ").replace("_", " ")


def _faint(color: QColor) -> QColor:
    faint = QColor(color)
    faint.setAlphaF(0.4)
    return faint
