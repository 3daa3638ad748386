"""Paints one model of the list: its name, what it scores, and why it does not suit."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from galaxyscope.gui.card_text import summary
from galaxyscope.gui.panels.common import GAP, small_font
from galaxyscope.gui.shelf import Entry
from galaxyscope.gui.theme import DATA, tabular_font

Index = QModelIndex | QPersistentModelIndex
ENTRY = Qt.ItemDataRole.UserRole
SHOWN = Qt.ItemDataRole.UserRole + 1
REMARK = Qt.ItemDataRole.UserRole + 2
PAD = 5
DOT = 6
UNSUITABLE = "not for this picture"


class ModelDelegate(QStyledItemDelegate):
    """Headings of tasks are quiet and small; the model in use has a dot."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """One line for a heading, two for a model."""
        line = QFontMetrics(option.font).height()
        small = QFontMetrics(small_font(option.font)).height()
        if index.data(ENTRY) is None:
            return QSize(200, small + 2 * GAP)
        return QSize(200, line + small + 2 * PAD)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        entry: Entry | None = index.data(ENTRY)
        place: QRect = option.rect
        palette: QPalette = option.palette
        quiet = palette.color(QPalette.ColorRole.PlaceholderText)
        painter.save()
        small = small_font(option.font)
        if entry is None:
            painter.setFont(small)
            painter.setPen(quiet)
            box = place.adjusted(GAP, GAP, -GAP, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, str(index.data()))
            painter.restore()
            return
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        text = palette.color(QPalette.ColorRole.Text)
        if selected:
            row = QRect(0, place.top(), place.right() + 1, place.height())
            painter.fillRect(row, palette.color(QPalette.ColorRole.Highlight))
            text = palette.color(QPalette.ColorRole.HighlightedText)
            quiet = QColor(text)
            quiet.setAlphaF(0.8)
        lines = _lines(entry, str(index.data(REMARK) or ""))
        left = place.left() + GAP + DOT
        width = place.right() - left - GAP
        if index.data(SHOWN):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(text if selected else palette.color(QPalette.ColorRole.Accent))
            middle = place.top() + PAD + QFontMetrics(option.font).height() / 2
            painter.drawEllipse(QRectF(left - DOT - 4, middle - DOT / 2, DOT, DOT))
        title = QFont(option.font)
        if not entry.parent:
            title.setWeight(QFont.Weight.DemiBold)
        y = place.top() + PAD
        bad = QColor(DATA["warning"]) if entry.problem and not selected else quiet
        for font, colour, words in (
            (title, text, entry.title),
            (tabular_font(small), bad, lines),
        ):
            metrics = QFontMetrics(font)
            painter.setFont(font)
            painter.setPen(colour)
            box = QRect(left, y, width, metrics.height())
            cut = metrics.elidedText(words, Qt.TextElideMode.ElideRight, width)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, cut)
            y += metrics.height()
        painter.restore()


def _lines(entry: Entry, remark: str) -> str:
    if entry.problem or entry.card is None:
        return entry.problem.partition(": ")[2] or entry.problem
    return UNSUITABLE if remark else summary(entry.card)
