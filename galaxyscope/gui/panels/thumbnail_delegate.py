"""Paints one thumbnail: picture, name, the network's answer, a dot for each kind of measure."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.common import small_font
from galaxyscope.gui.theme import CANVAS, DATA, tabular_font

Index = QModelIndex | QPersistentModelIndex
SIDE = 96
CELL = QSize(SIDE + 8, SIDE + 42)


class ThumbnailDelegate(QStyledItemDelegate):
    """See the module."""

    #: Show the pictures alone, nothing of what was found out about them.
    blind = False

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All cells are alike (Qt's name)."""
        return CELL

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> None:
        """Paint one cell."""
        galaxy: Galaxy = index.data(Qt.ItemDataRole.UserRole)
        thumbnail: QImage | None = index.data(Qt.ItemDataRole.UserRole + 1)
        cell: QRect = option.rect
        state = option.state
        palette: QPalette = option.palette
        selected = bool(state & QStyle.StateFlag.State_Selected)
        place = QRect(cell.x() + 4, cell.y() + 4, SIDE, SIDE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(place, QColor(CANVAS))
        if thumbnail is not None:
            _draw_inside(painter, place, thumbnail)
        elif galaxy.error:
            _draw_error(painter, place)
        if not self.blind:
            if galaxy.bar_fraction is not None:
                _draw_fraction(painter, place, galaxy.bar_fraction, option)
            _draw_dots(painter, place, galaxy)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            role = QPalette.ColorRole.Accent if selected else QPalette.ColorRole.Mid
            painter.setPen(QPen(palette.color(role), 2 if selected else 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(place).adjusted(-1.5, -1.5, 1.5, 1.5))
        if self.blind:
            painter.restore()
            return
        font = small_font(option.font)
        painter.setFont(font)
        role = QPalette.ColorRole.Text if selected else QPalette.ColorRole.PlaceholderText
        painter.setPen(palette.color(role))
        metrics = QFontMetrics(font)
        name = two_lines(index.data(Qt.ItemDataRole.DisplayRole), metrics, SIDE)
        below = QRect(place.x(), place.bottom() + 3, SIDE, cell.bottom() - place.bottom() - 3)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "\n".join(name))
        painter.restore()


def two_lines(name: str, metrics: QFontMetrics, width: int) -> list[str]:
    """Break a file name after a space, dash, dot or underscore; the middle goes if it must.

    Parameters
    ----------
    name : str
    metrics : QFontMetrics
    width : int
        Of a line, in pixels.

    Returns
    -------
    list of str
        One or two lines, none of them wider than `width`.
    """
    if metrics.horizontalAdvance(name) <= width:
        return [name]
    fits = 1
    while fits < len(name) and metrics.horizontalAdvance(name[: fits + 1].rstrip()) <= width:
        fits += 1
    breaks = [i for i in range(1, fits + 1) if name[i - 1] in " _-.+"]
    # A break that would leave the rest no room is as bad as none.
    whole = [i for i in breaks if metrics.horizontalAdvance(name[i:].strip()) <= width]
    at = whole[-1] if whole else fits
    rest = metrics.elidedText(name[at:].strip(), Qt.TextElideMode.ElideMiddle, width)
    return [name[:at].strip(), rest]


def _draw_inside(painter: QPainter, place: QRect, image: QImage) -> None:
    size = image.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    target = QRect(place.topLeft(), size)
    target.moveCenter(place.center())
    painter.drawImage(target, image)


def _draw_error(painter: QPainter, place: QRect) -> None:
    pen = QPen(QColor(DATA["warning"]), 2)
    painter.setPen(pen)
    centre = place.center()
    painter.drawLine(centre.x() - 7, centre.y() - 7, centre.x() + 7, centre.y() + 7)
    painter.drawLine(centre.x() - 7, centre.y() + 7, centre.x() + 7, centre.y() - 7)


def _draw_fraction(
    painter: QPainter, place: QRect, fraction: float, option: QStyleOptionViewItem
) -> None:
    font = tabular_font(small_font(option.font))
    painter.setFont(font)
    text = f"{min(fraction, 0.99):.2f}"[1:]
    width = QFontMetrics(font).horizontalAdvance(text) + 8
    badge = QRect(place.left(), place.bottom() - 15, width, 16)
    painter.fillRect(badge, QColor(0, 0, 0, 170))
    painter.setPen(QColor("#F2F2F2"))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)


def _draw_dots(painter: QPainter, place: QRect, galaxy: Galaxy) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    x = place.right() - 6.0
    for kind in ("drawn", "automatic"):
        if kind in galaxy.measured_by:
            painter.setPen(QPen(QColor(0, 0, 0, 200), 1))
            painter.setBrush(QColor(DATA[kind]))
            painter.drawEllipse(QRectF(x - 4, place.bottom() - 10.0, 8, 8))
            x -= 11
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
