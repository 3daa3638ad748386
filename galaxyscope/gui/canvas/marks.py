"""Quiet marks in screen space: compass, scale bar, chips, frozen position, states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from galaxyscope.gui.canvas.camera import Point
from galaxyscope.gui.canvas.text import EDGE, QUIET, draw_text, text_size
from galaxyscope.gui.theme import DATA
from galaxyscope.sky.frame import Affine

if TYPE_CHECKING:
    from galaxyscope.sky.image import SkyImage

_MARGIN = 16.0
_ARM = 26.0
_ROOMY = 240.0  # a compass would cover the galaxy on a narrower picture
_GLYPHS = ("empty", "loading", "failed")


@dataclass(frozen=True)
class Message:
    """A state of the canvas, told in the middle of it.

    Parameters
    ----------
    title, text : str
        One short line, and what to do about it.
    kind : {"empty", "loading", "failed", "info"}
    """

    title: str = ""
    text: str = ""
    kind: str = "info"


@dataclass(frozen=True)
class Marks:
    """What to show; directions and lengths in widget pixels, y down.

    Parameters
    ----------
    north, east : (dx, dy) or None
        Unit vectors on the screen.
    bar : (length, label) or None
        Scale bar.
    chips : tuple of str
    message : Message
    frozen : (x, y) or None
        Where the coordinates are frozen.
    dropping : bool
        True while files hover over the canvas.
    picture : bool
        Whether there is a picture under the marks.
    """

    north: Point | None = None
    east: Point | None = None
    bar: tuple[float, str] | None = None
    chips: tuple[str, ...] = ()
    message: Message = Message()
    frozen: Point | None = None
    dropping: bool = False
    picture: bool = False


def picture_marks(
    image: SkyImage,
    compass: tuple[Point, Point] | None,
    to_widget: Affine,
    width: float,
    frozen: Point | None,
) -> Marks:
    """Return compass, scale bar and frozen position for a picture.

    Parameters
    ----------
    image : SkyImage
    compass : ((nx, ny), (ex, ey)) or None
        North and east in cutout pixels.
    to_widget : Affine
        Cutout pixels → widget pixels.
    width : float
        Of the widget.
    frozen : (x, y) or None
        In cutout pixels.
    """
    from galaxyscope.sky.coordinates import scale_bar

    scale = to_widget.pixel_size
    bar_px, label = scale_bar(image, min(width / 4, 240.0) / scale)
    arms: list[Point | None] = [None, None]
    if compass is not None:
        # A direction is what is left of an affine map without its shift, in units of length.
        arms = [_pair((to_widget(arm) - to_widget((0, 0))) / scale) for arm in compass]
    return Marks(
        north=arms[0],
        east=arms[1],
        bar=(bar_px * scale, label),
        frozen=None if frozen is None else _pair(to_widget(frozen)),
        picture=True,
    )


def _pair(point: NDArray[np.float64]) -> Point:
    x, y = point.tolist()
    return x, y


class MarksItem(QGraphicsItem):
    """Paints `Marks` over the whole widget."""

    def __init__(self, font: QFont) -> None:
        super().__init__()
        self.marks = Marks()
        self._font = QFont(font)
        self._small = QFont(font)
        self._small.setPointSizeF(max(font.pointSizeF() - 1, 7))
        self._title = QFont(font)
        self._title.setPointSizeF(font.pointSizeF() + 5)
        self._area = QRectF(0, 0, 1, 1)
        self.setZValue(10)

    def set_marks(self, marks: Marks) -> None:
        """Show other marks."""
        if marks != self.marks:
            self.marks = marks
            self.update()

    def set_size(self, width: float, height: float) -> None:
        """Fill the widget."""
        self.prepareGeometryChange()
        self._area = QRectF(0, 0, width, height)

    def boundingRect(self) -> QRectF:
        """Return the whole widget."""
        return self._area

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,
        widget: QWidget | None = None,
    ) -> None:
        """Draw what there is."""
        marks = self.marks
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        roomy = self._area.width() >= _ROOMY
        if marks.north is not None and marks.east is not None and roomy:
            self._compass(painter, marks.north, marks.east)
        if marks.bar is not None:
            self._bar(painter, *marks.bar)
        if marks.frozen is not None:
            self._cross(painter, QPointF(*marks.frozen))
        self._chips(painter, marks.chips)
        if marks.message.title or marks.message.text:
            self._message(painter, marks.message)
        if marks.dropping:
            painter.setPen(QPen(QUIET, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self._area.adjusted(8, 8, -8, -8), 6, 6)

    def _stroke(self, painter: QPainter, path: QPainterPath, width: float = 1.5) -> None:
        for colour, extra in ((EDGE, 2.0), (QUIET, 0.0)):
            pen = QPen(colour, width + extra)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.strokePath(path, pen)

    def _compass(self, painter: QPainter, north: Point, east: Point) -> None:
        # The two arms are centred as one figure, so that it stays in its corner at any angle.
        reach = _ARM + 14
        middle = QPointF(self._area.right() - _MARGIN - reach, self._area.top() + _MARGIN + reach)
        n, e = QPointF(*north), QPointF(*east)
        origin = middle - (n + e) * (_ARM / 2)
        path = QPainterPath()
        for arm in (n, e):
            path.moveTo(origin)
            path.lineTo(origin + arm * _ARM)
        tip = origin + n * _ARM
        side = QPointF(-n.y(), n.x())
        path.moveTo(tip - n * 6 + side * 3.5)
        path.lineTo(tip)
        path.lineTo(tip - n * 6 - side * 3.5)
        self._stroke(painter, path)
        for letter, arm in (("N", n), ("E", e)):
            w, h = text_size(letter, self._small)
            at = origin + arm * (_ARM + 10)
            box = QRectF(at.x() - w / 2, at.y() - h / 2, w, h)
            draw_text(painter, box, letter, self._small, QUIET)

    def _bar(self, painter: QPainter, length: float, label: str) -> None:
        left, base = self._area.left() + _MARGIN, self._area.bottom() - _MARGIN
        path = QPainterPath(QPointF(left, base - 6))
        for point in ((left, base), (left + length, base), (left + length, base - 6)):
            path.lineTo(*point)
        self._stroke(painter, path)
        w, h = text_size(label, self._small)
        box = QRectF(left + max((length - w) / 2, 0), base - 6 - h, w, h)
        draw_text(painter, box, label, self._small, QUIET)

    def _cross(self, painter: QPainter, at: QPointF) -> None:
        path = QPainterPath()
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            path.moveTo(at + QPointF(dx, dy) * 4)
            path.lineTo(at + QPointF(dx, dy) * 11)
        self._stroke(painter, path, 1.25)

    def _chips(self, painter: QPainter, chips: tuple[str, ...]) -> None:
        left, top = self._area.left() + 12, self._area.top() + 12
        for chip in chips:
            w, h = text_size(chip, self._small)
            box = QRectF(left, top, w + 16, h + 6)
            if box.right() > self._area.right() - 96 and left > self._area.left() + 12:
                left, top = self._area.left() + 12, top + h + 14
                box.moveTo(left, top)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(20, 20, 22, 190))
            painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
            painter.setFont(self._small)
            painter.setPen(QUIET)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, chip)
            left = box.right() + 8

    def _message(self, painter: QPainter, message: Message) -> None:
        width = min(440.0, self._area.width() - 2 * _MARGIN)
        title, text = QFontMetricsF(self._title), QFontMetricsF(self._font)
        flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap)
        wide = QRectF(0, 0, width, 1e4)
        head = title.boundingRect(wide, flags, message.title).height() if message.title else 0
        body = text.boundingRect(wide, flags, message.text).height() if message.text else 0
        glyph = 64 if message.kind in _GLYPHS else 0
        gap = 8 if head and body else 0
        left = self._area.center().x() - width / 2
        top = self._area.center().y() - (glyph + head + gap + body) / 2
        if self.marks.picture:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(14, 14, 15, 205))
            around = QRectF(left, top, width, glyph + head + gap + body)
            painter.drawRoundedRect(around.adjusted(-24, -24, 24, 24), 8, 8)
        if glyph:
            self._glyph(painter, message.kind, QPointF(self._area.center().x(), top + 24))
        top += glyph
        painter.setFont(self._title)
        painter.setPen(QColor(236, 236, 238))
        painter.drawText(QRectF(left, top, width, head), flags, message.title)
        top += head + gap
        painter.setFont(self._font)
        painter.setPen(QColor(160, 160, 166))
        painter.drawText(QRectF(left, top, width, body), flags, message.text)

    def _glyph(self, painter: QPainter, kind: str, at: QPointF) -> None:
        """Sign of a state, about 40 px: a tray to drop on, three dots, an exclamation."""
        colour = QColor(DATA["warning"]) if kind == "failed" else QColor(120, 120, 126)
        pen = QPen(colour, 2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if kind == "failed":
            painter.drawEllipse(at, 18, 18)
            painter.drawLine(QLineF(at.x(), at.y() - 9, at.x(), at.y() + 3))
            painter.drawPoint(at + QPointF(0, 9))
        elif kind == "loading":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            for step in (-1, 0, 1):
                painter.drawEllipse(at + QPointF(14 * step, 0), 3, 3)
        elif kind == "empty":
            tray = QPainterPath(at + QPointF(-18, 8))
            for x, y in ((-18, 18), (18, 18), (18, 8)):
                tray.lineTo(at + QPointF(x, y))
            tray.moveTo(at + QPointF(0, -20))
            tray.lineTo(at + QPointF(0, 8))
            tray.moveTo(at + QPointF(-8, 0))
            tray.lineTo(at + QPointF(0, 8))
            tray.lineTo(at + QPointF(8, 0))
            painter.drawPath(tray)
