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


class PictureItem(QGraphicsItem):
    """Picture in its own screen units; the canvas sets the transform to the widget."""

    def __init__(self) -> None:
        super().__init__()
        self._base = QImage()
        self._overlay: QImage | None = None
        self._contour: QPainterPath | None = None
        self._levels: list[QImage] = []

    def set_base(self, base: QImage) -> None:
        """Show a picture, its rows in screen order."""
        if base.size() != self._base.size():
            self.prepareGeometryChange()
        self._base, self._levels = base, []
        self.update()

    def set_overlay(self, overlay: QImage | None, contour: QPainterPath | None = None) -> None:
        """Lay colours (rows in screen order) and a contour (screen units) over the picture."""
        if overlay is not self._overlay:
            self._overlay, self._levels = overlay, []
        self._contour = contour
        self.update()

    def boundingRect(self) -> QRectF:
        """Picture area in screen units."""
        return QRectF(0, 0, self._base.width(), self._base.height())

    def _level(self, scale: float) -> QImage:
        """Picture with overlay, halved as often as it stays finer than the screen."""
        if not self._levels:
            picture = self._base
            if self._overlay is not None:
                picture = QImage(self._base)
                painter = QPainter(picture)
                painter.drawImage(0, 0, self._overlay)
                painter.end()
            self._levels = [picture]
        depth = max(math.floor(-math.log2(scale)), 0)
        while len(self._levels) <= depth:
            last = self._levels[-1]
            if min(last.width(), last.height()) < 2:
                break
            self._levels.append(
                last.scaled(
                    last.width() // 2,
                    last.height() // 2,
                    Qt.AspectRatioMode.IgnoreAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            )
        return self._levels[min(depth, len(self._levels) - 1)]

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,
        widget: QWidget | None = None,
    ) -> None:
        """Draw pixels as squares where they are large, smoothly where they are small."""
        if self._base.isNull():
            return
        scale = painter.deviceTransform().m11()
        smooth = scale < CRISP
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(self.boundingRect(), self._level(scale))
        if self._contour is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width in ((QColor(0, 0, 0, 150), 3.0), (QColor("white"), 1.25)):
                pen = QPen(colour, width)
                pen.setCosmetic(True)
                painter.setPen(pen)
                painter.drawPath(self._contour)
