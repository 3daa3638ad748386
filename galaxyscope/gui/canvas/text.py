"""Text that reads on anything: light letters with a thin dark edge."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

#: The edge under everything that is drawn on the picture.
EDGE = QColor(0, 0, 0, 170)
#: Compass, scale bar and chips: quieter than the data.
QUIET = QColor(236, 236, 238, 215)


@lru_cache(maxsize=64)
def _outline(text: str, font_key: str) -> QPainterPath:
    font = QFont()
    font.fromString(font_key)
    path = QPainterPath()
    path.addText(0, 0, font, text)
    return path


def text_size(text: str, font: QFont) -> tuple[float, float]:
    """Width and height of one line of text in logical pixels."""
    metrics = QFontMetricsF(font)
    return metrics.horizontalAdvance(text), metrics.height()


def draw_text(painter: QPainter, box: QRectF, text: str, font: QFont, colour: QColor) -> None:
    """Draw one line of text from the left of `box`, vertically in its middle."""
    metrics = QFontMetricsF(font)
    baseline = QPointF(box.left(), box.center().y() + (metrics.ascent() - metrics.descent()) / 2)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.translate(baseline)
    pen = QPen(EDGE, 3.0)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(_outline(text, font.toString()), pen)
    painter.restore()
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(baseline, text)
