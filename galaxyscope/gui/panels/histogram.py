"""Histogram of a map with its threshold as a handle."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from galaxyscope.gui.axes import Axes, faint
from galaxyscope.gui.panels.common import quiet_color
from galaxyscope.gui.theme import DATA
from galaxyscope.measure.curve import LengthCurve

EDGE = 6


class ThresholdHistogram(QWidget):
    """Counts (logarithmic) over [0, 1]; drag, arrow keys or the wheel move the threshold."""

    threshold_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: np.ndarray | None = None
        self._threshold = 0.5
        self._curve: LengthCurve | None = None
        self._stop: float | None = None
        self._length: float | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName("Threshold")
        self.setToolTip("Histogram of the map; drag the threshold, or press [ and ]")

    def sizeHint(self) -> QSize:
        """Low and wide."""
        return QSize(220, 56)

    def set_counts(self, counts: np.ndarray | None) -> None:
        """Show pixel counts at equal steps over [0, 1]; None empties and disables it."""
        self._counts = counts
        self.setEnabled(counts is not None)
        self.update()

    def set_curve(
        self, curve: LengthCurve | None, stop: float | None = None, length: float | None = None
    ) -> None:
        """Draw the length of the map over the threshold.

        Parameters
        ----------
        curve : LengthCurve or None
        stop : float, optional
            Threshold that was chosen for the bar.
        length : float, optional
            Length of the bar in cutout pixels, for a bar that was not measured at a threshold.
        """
        self._curve, self._stop, self._length = curve, stop, length
        self.update()

    def set_threshold(self, threshold: float) -> None:
        """Show a threshold without announcing it."""
        self._threshold = threshold
        self.setAccessibleDescription(f"{threshold:.2f}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint counts, the part above the threshold stronger, and the handle."""
        painter = QPainter(self)
        self._paint(painter)
        painter.end()

    def _paint(self, painter: QPainter) -> None:
        place = QRectF(self.rect()).adjusted(EDGE, 2, -EDGE, -2)
        quiet = quiet_color(self)
        base = QColor(quiet)
        base.setAlphaF(0.4)
        painter.setPen(QPen(base, 1))
        painter.drawLine(place.bottomLeft(), place.bottomRight())
        if self._counts is None or self._counts.size == 0:
            return
        height = np.log1p(self._counts.astype(float))
        height /= max(float(height.max()), 1.0)
        width = place.width() / height.size
        strong = self.palette().color(QPalette.ColorRole.Text)
        strong.setAlphaF(0.75)
        for i, h in enumerate(height):
            if h > 0:
                above = (i + 0.5) / height.size > self._threshold
                bar = QRectF(place.left() + i * width, 0, max(width - 0.5, 1.0), h * place.height())
                bar.moveBottom(place.bottom())
                painter.fillRect(bar, strong if above else base)
        if self._curve is not None:
            self._paint_curve(painter, place, self._curve)
        x = place.left() + self._threshold * place.width()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(DATA["automatic"]), 2 if self.hasFocus() else 1.5))
        painter.drawLine(QPointF(x, place.top()), QPointF(x, place.bottom()))
        painter.setBrush(QColor(DATA["automatic"]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(x, place.top() + 3), 4, 4)

    def _paint_curve(self, painter: QPainter, place: QRectF, curve: LengthCurve) -> None:
        """Length over threshold, its plateau and what was chosen for the bar."""
        known = np.isfinite(curve.length_px)
        if not known.any():
            return
        top = 1.1 * max(float(curve.length_px[known].max()), self._length or 0.0)
        axes = Axes(place, (0.0, 1.0), (0.0, top))
        accent = self.palette().color(QPalette.ColorRole.Link)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if curve.plateau is not None:
            corner = axes.point(curve.plateau.low, top)
            band = QRectF(corner, axes.point(curve.plateau.high, 0.0))
            painter.fillRect(band, faint(accent, 0.18))
        painter.setPen(QPen(accent, 1.6))
        painter.drawPolyline(axes.polyline(curve.threshold[known], curve.length_px[known]))
        amber = QColor(DATA["automatic"])
        length = None if self._stop is None else curve.at(self._stop)
        if self._stop is not None and length is not None:
            painter.setPen(QPen(amber, 2))
            painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
            painter.drawEllipse(axes.point(self._stop, length), 3.5, 3.5)
        elif self._length is not None:
            painter.setPen(QPen(amber, 1.2, Qt.PenStyle.DotLine))
            painter.drawLine(axes.point(0.0, self._length), axes.point(1.0, self._length))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the threshold to the cursor."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the threshold."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._to(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys: 0.01, with Shift 0.1."""
        step = 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.01
        if event.key() == Qt.Key.Key_Left:
            self._set(self._threshold - step)
        elif event.key() == Qt.Key.Key_Right:
            self._set(self._threshold + step)
        else:
            super().keyPressEvent(event)

    def _to(self, x: float) -> None:
        self._set((x - EDGE) / max(self.width() - 2 * EDGE, 1))

    def _set(self, threshold: float) -> None:
        threshold = round(min(max(threshold, 0.0), 1.0), 4)
        if threshold != self._threshold:
            self.set_threshold(threshold)
            self.threshold_changed.emit(threshold)
