"""The picture on the canvas: display buffer and overlay, composed once, painted as one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

#: Above this many screen pixels per image pixel the pixels themselves are shown.
CRISP = 3.0
#: Halving ends below this many pixels a side: smaller ones cost nothing to paint.
SMALL = 256
#: Picture and overlay of more pixels are painted one after the other, not composed.
LARGE = 2_000_000


def to_qimage(buffer: NDArray[np.uint8]) -> QImage:
    """Copy a display buffer, shape (rows, columns) or (rows, columns, 3), into a QImage.

    The format is the one that Qt's raster painter scales fastest, 32 bits per pixel.
    """
    buffer = np.ascontiguousarray(buffer)
    rows, columns = buffer.shape[:2]
    grey = buffer.ndim == 2
    pixel = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGB888
    stride = columns * (1 if grey else 3)
    view = QImage(buffer.data, columns, rows, stride, pixel)
    return view.convertToFormat(QImage.Format.Format_RGB32)


def argb_to_qimage(argb: NDArray[np.uint32]) -> QImage:
    """Copy premultiplied ARGB colours, shape (rows, columns), into a QImage."""
    argb = np.ascontiguousarray(argb)
    rows, columns = argb.shape
    view = QImage(argb.data, columns, rows, 4 * columns, QImage.Format.Format_ARGB32_Premultiplied)
    return view.copy()


def halved(picture: QImage) -> list[QImage]:
    """Return a picture and its halves, quarters … down to some `SMALL` pixels."""
    levels = [picture]
    while max(levels[-1].width(), levels[-1].height()) >= SMALL:
        last = levels[-1]
        levels.append(
            last.scaled(
                max(last.width() // 2, 1),
                max(last.height() // 2, 1),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        )
    return levels


class PictureItem(QGraphicsItem):
    """Picture in its own screen units; the canvas sets the transform to the widget."""

    def __init__(self) -> None:
        super().__init__()
        self._size = (0, 0)
        self._base: list[QImage] = []
        self._overlay: list[QImage] = []
        self._contour: QPainterPath | None = None
        self._outline: QPainterPath | None = None
        self._composed: dict[int, QImage] = {}

    def clear(self, columns: int, rows: int) -> None:
        """Show nothing, in the size of the picture that will come."""
        self.prepareGeometryChange()
        self._size = (columns, rows)
        self._base, self._overlay, self._composed = [], [], {}
        self._contour = self._outline = None
        self.update()

    def set_base(self, levels: list[QImage]) -> None:
        """Show a picture, its rows in screen order, as `halved` gives it."""
        self._base, self._composed = levels, {}
        self.update()

    def set_overlay(
        self,
        levels: list[QImage],
        contour: QPainterPath | None = None,
        outline: QPainterPath | None = None,
    ) -> None:
        """Lay colours (rows in screen order), contour and outline (screen units) over it."""
        self._overlay, self._composed = levels, {}
        self._contour, self._outline = contour, outline
        self.update()

    def boundingRect(self) -> QRectF:
        """Picture area in screen units."""
        return QRectF(0, 0, *self._size)

    def _layers(self, scale: float) -> list[QImage]:
        """Return what to paint one on the other, halved as often as is finer than the screen."""
        depth = min(max(math.floor(-math.log2(scale)), 0), len(self._base) - 1)
        base = self._base[depth]
        if not self._overlay:
            return [base]
        if base.width() * base.height() > LARGE:
            return [base, self._overlay[depth]]
        # Painting one picture is faster while it is dragged about.
        if depth not in self._composed:
            both = QImage(base)
            painter = QPainter(both)
            painter.drawImage(0, 0, self._overlay[depth])
            painter.end()
            self._composed[depth] = both
        return [self._composed[depth]]

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,
        widget: QWidget | None = None,
    ) -> None:
        """Draw pixels as squares where they are large, smoothly where they are small."""
        if not self._base:
            return
        view = painter.deviceTransform()
        scale = math.hypot(view.m11(), view.m12())
        smooth = scale < CRISP
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        for layer in self._layers(scale):
            painter.drawImage(self.boundingRect(), layer)
        # Both are quieter than any line that was measured: they only say where something lies.
        _draw(
            painter, self._outline, ((QColor(0, 0, 0, 70), 1.8), (QColor(255, 255, 255, 80), 0.7))
        )
        _draw(
            painter, self._contour, ((QColor(0, 0, 0, 90), 2.0), (QColor(255, 255, 255, 150), 0.9))
        )


def _draw(
    painter: QPainter, path: QPainterPath | None, strokes: tuple[tuple[QColor, float], ...]
) -> None:
    if path is None:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in strokes:
        pen = QPen(colour, width)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.drawPath(path)
