"""One view of a comparison as points that can be clicked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from galaxyscope.gui.axes import Axes, Floats, draw_axes, faint, room
from galaxyscope.gui.panels.common import GAP, quiet_color, small_font
from galaxyscope.gui.theme import DATA
from galaxyscope.records.comparison_plots import Kind, Plot, top_of

REACH = 10.0
# So many points are drawn smaller and lighter, each alone would be lost anyway.
MANY = 1500
_LEGEND = 210


class ScatterPlot(QWidget):
    """Points, lines and contours of a `Plot`; arrow keys go from point to point.

    Signals
    -------
    chosen : index of the pair whose point was clicked, or on which Return was pressed
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot: Plot | None = None
        self._name: Callable[[int], str] = str
        self._current: int | None = None
        self._hovered: int | None = None
        self._drawn: QPixmap | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 120)
        self.setAccessibleName("Plot of the agreement")

    def sizeHint(self) -> QSize:
        """Wide enough for its legend."""
        return QSize(420, 220)

    @property
    def plot(self) -> Plot | None:
        """What is shown."""
        return self._plot

    def show_plot(self, plot: Plot | None, name: Callable[[int], str] = str) -> None:
        """Show a plot; `name` gives the text of the tooltip of a point."""
        self._plot, self._name, self._hovered, self._drawn = plot, name, None, None
        self.setAccessibleDescription("" if plot is None else f"{plot.title} {plot.note}")
        self.update()

    def show_current(self, index: int | None) -> None:
        """Ring the point of the galaxy that is open."""
        if index != self._current:
            self._current = index
            self.update()

    # -- where things are

    def axes(self) -> Axes | None:
        """Return the axes as they are drawn now."""
        if self._plot is None:
            return None
        left, top, right, bottom = room(self)
        place = QRectF(self.rect()).adjusted(left, top, -right, -bottom)
        plot = self._plot
        if plot.square:
            side = max(min(place.width(), place.height()), 1.0)
            end = top_of(plot)
            return Axes(QRectF(place.left(), place.top(), side, place.height()), (0, end), (0, end))
        place.setRight(max(place.right() - (_LEGEND if self._legend_beside() else 0), left + 60))
        known = plot.known
        x, y = plot.x[known], plot.y[known]
        ends = [abs(line.intercept) for line in plot.lines]
        reach = 1.06 * max([*ends, float(np.abs(y).max(initial=0.0))]) or 1.0
        first, last = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
        edge = 0.03 * (last - first) or 0.5
        return Axes(place, (first - edge, last + edge), (-reach, reach))

    def _legend_beside(self) -> bool:
        return self.width() > 420 + _LEGEND

    def nearest(self, at: QPointF, reach: float = REACH) -> int | None:
        """Index of the pair whose point lies nearest to a widget pixel, None beyond `reach`."""
        axes = self.axes()
        if axes is None or self._plot is None or not len(self._plot.x):
            return None
        x, y = axes.to_widget(self._plot.x, self._plot.y)
        distance = np.hypot(x - at.x(), y - at.y())
        distance[~np.isfinite(distance)] = np.inf
        found = int(np.argmin(distance))
        return found if distance[found] <= reach else None

    def point_of(self, index: int) -> QPointF | None:
        """Where the point of a pair lies, None if it has none."""
        plot, axes = self._plot, self.axes()
        if plot is None or axes is None or not 0 <= index < len(plot.x) or not plot.known[index]:
            return None
        return axes.point(float(plot.x[index]), float(plot.y[index]))

    # -- painting

    def resizeEvent(self, event: QEvent) -> None:
        """Draw anew."""
        self._drawn = None

    def changeEvent(self, event: QEvent) -> None:
        """Draw anew in other colours."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._drawn = None
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what was drawn once, and rings on it."""
        painter = QPainter(self)
        if self._plot is not None:
            if self._drawn is None:
                self._drawn = self._draw(self._plot)
            painter.drawPixmap(0, 0, self._drawn)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            strong = self.palette().color(QPalette.ColorRole.Text)
            for index, colour, radius in (
                (self._current, QColor(DATA["automatic"]), 6.0),
                (self._hovered, strong, 5.0),
            ):
                at = None if index is None else self.point_of(index)
                if at is not None:
                    painter.setPen(QPen(colour, 2))
                    painter.drawEllipse(at, radius, radius)
        painter.end()

    def _draw(self, plot: Plot) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        axes = self.axes()
        if axes is None:
            return picture
        painter = QPainter(picture)
        draw_axes(painter, self, axes, plot.x_title, plot.y_title)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setClipRect(axes.place.adjusted(-2, -2, 2, 2))
        self._draw_points(painter, axes, plot)
        accent = self.palette().color(QPalette.ColorRole.Accent)
        painter.setPen(QPen(accent, 1.2))
        for line in plot.contours:
            painter.drawPolyline(axes.polyline(line[:, 0], line[:, 1]))
        for straight in plot.lines:
            painter.setPen(self._pen(straight.kind))
            x = np.array(axes.x)
            painter.drawPolyline(axes.polyline(x, straight.slope * x + straight.intercept))
        painter.restore()
        beside = self._draw_legend(painter, axes, plot)
        if plot.note and not beside:
            painter.setFont(small_font(self.font()))
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            corner = axes.place.adjusted(GAP, 0, 0, 0)
            painter.drawText(corner, Qt.AlignmentFlag.AlignLeft, plot.note)
        painter.end()
        return picture

    def _draw_points(self, painter: QPainter, axes: Axes, plot: Plot) -> None:
        known = plot.known
        x, y = axes.to_widget(plot.x[known], plot.y[known])
        text = self.palette().color(QPalette.ColorRole.Text)
        many = len(x) > MANY
        if plot.x_err is not None and plot.y_err is not None and not many:
            painter.setPen(QPen(faint(text, 0.25), 1))
            for side, errors in ((0, plot.x_err[known]), (1, plot.y_err[known])):
                shift = [np.zeros(len(x)), np.zeros(len(x))]
                span = (axes.x, axes.y)[side]
                size = (axes.place.width(), axes.place.height())[side]
                shift[side] = errors * size / (span[1] - span[0])
                for a, b, dx, dy in zip(x, y, *shift, strict=True):
                    if dx or dy:
                        painter.drawLine(QPointF(a - dx, b - dy), QPointF(a + dx, b + dy))
        if many:
            _dot(painter, axes.place, x, y, faint(text, 0.4))
            return
        pen = QPen(faint(text, 0.7), 4.5)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints(
            QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)])
        )

    def _pen(self, kind: Kind) -> QPen:
        styles = Qt.PenStyle
        strong = QColor(DATA["automatic"])
        if kind == "reference":
            return QPen(quiet_color(self), 1, styles.DashLine)
        solid = kind in ("origin", "bias")
        return QPen(strong, 2, styles.SolidLine if solid else styles.DotLine)

    def _draw_legend(self, painter: QPainter, axes: Axes, plot: Plot) -> bool:
        """Say what the lines are, beside the axes; False where there is no room."""
        left = axes.place.right() + 2 * GAP
        if self.width() - left < 120:
            return False
        font = small_font(self.font())
        painter.setFont(font)
        metrics = QFontMetrics(font)
        y, width = axes.place.top() + 2, self.width() - left - 34
        entries: list[tuple[QPen, str]] = []
        for straight in plot.lines:
            entry = (self._pen(straight.kind), straight.title)
            if entry[1] not in [title for _, title in entries]:
                entries.append(entry)
        if plot.contours:
            accent = self.palette().color(QPalette.ColorRole.Accent)
            entries.append((QPen(accent, 1.2), "50 and 90 % of the density"))
        quiet = quiet_color(self)
        if plot.note:
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            painter.drawText(QPointF(left, y + metrics.ascent()), plot.note)
            y += metrics.height() + GAP
        wrap = Qt.TextFlag.TextWordWrap
        for pen, title in entries:
            painter.setPen(pen)
            middle = y + metrics.height() / 2
            painter.drawLine(QPointF(left, middle), QPointF(left + 26, middle))
            painter.setPen(quiet)
            box = QRectF(left + 34, y, width, 4 * metrics.height())
            used = painter.boundingRect(box, wrap, title)
            painter.drawText(box, wrap, title)
            y += used.height() + 2
        return True

    # -- hands

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Ring the point under the pointer and name its galaxy."""
        found = self.nearest(event.position())
        if found != self._hovered:
            self._hover(found)
            if found is not None:
                QToolTip.showText(event.globalPosition().toPoint(), self._name(found), self)
            else:
                QToolTip.hideText()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the galaxy whose point was clicked."""
        found = self.nearest(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            self.chosen.emit(found)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the pointer."""
        self._hover(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right go through the points from left to right; Return opens the galaxy."""
        key, keys = event.key(), Qt.Key
        if key in (keys.Key_Left, keys.Key_Right) and self._plot is not None:
            self._step(1 if key == keys.Key_Right else -1)
        elif key in (keys.Key_Return, keys.Key_Enter) and self._hovered is not None:
            self.chosen.emit(self._hovered)
        else:
            super().keyPressEvent(event)

    def _step(self, by: int) -> None:
        assert self._plot is not None
        known = np.flatnonzero(self._plot.known)
        if not known.size:
            return
        order = known[np.argsort(self._plot.x[known], kind="stable")].tolist()
        start = self._hovered if self._hovered in order else self._current
        place = order.index(start) + by if start in order else 0
        self._hover(order[place % len(order)])
        at = self.point_of(self._hovered) if self._hovered is not None else None
        if at is not None and self._hovered is not None:
            QToolTip.showText(self.mapToGlobal(at.toPoint()), self._name(self._hovered), self)

    def _hover(self, index: int | None) -> None:
        if index != self._hovered:
            self._hovered = index
            shape = (
                Qt.CursorShape.ArrowCursor if index is None else Qt.CursorShape.PointingHandCursor
            )
            self.setCursor(shape)
            self.update()


def _dot(painter: QPainter, place: QRectF, x: Floats, y: Floats, colour: QColor) -> None:
    """Draw very many points as dots of two pixels; where they lie upon each other it gets denser.

    Through an image of counts: ten thousand calls to a painter would hold up the window.
    """
    ratio = painter.device().devicePixelRatioF()
    columns, rows = (max(1, round(s * ratio)) for s in (place.width(), place.height()))
    counts = np.zeros((rows + 1, columns + 1))
    across = np.rint((x - place.left()) * ratio).astype(int) - 1
    down = np.rint((y - place.top()) * ratio).astype(int) - 1
    inside = (across >= 0) & (across < columns) & (down >= 0) & (down < rows)
    for dx in (0, 1):
        for dy in (0, 1):
            np.add.at(counts, (down[inside] + dy, across[inside] + dx), 1)
    alpha = 1 - (1 - colour.alphaF()) ** counts[:rows, :columns]
    pixels = np.zeros((rows, columns, 4), np.uint8)
    pixels[..., :3] = (colour.red(), colour.green(), colour.blue())
    pixels[..., 3] = np.rint(255 * alpha)
    image = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
    painter.drawImage(place, image)
