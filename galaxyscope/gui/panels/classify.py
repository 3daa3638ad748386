"""What the network says: which model it is, and its answers with how far members differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.answers import Row, Said, rows
from galaxyscope.gui.panels.common import GAP, Notice, Offer, small_font
from galaxyscope.gui.theme import icon, tabular_font

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
TARGET = Qt.ItemDataRole.UserRole + 1
INDENT = 8
NUMBER_WIDTH = 36
TEXT_SHARE = 0.52
TARGET_WIDTH = 3
CAP = 7
DISAGREE = "members disagree"


class _Model(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self.target = ""

    def show(self, rows: list[Row]) -> None:
        """Show other rows; in place where only numbers differ, so that nothing jumps."""
        if [(r.text, r.depth) for r in rows] == [(r.text, r.depth) for r in self.rows]:
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return str(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.tip or None
        if role == TARGET:
            return bool(row.class_name) and row.class_name == self.target
        return row if role == ROW else None

    def flags(self, index: Any) -> Qt.ItemFlag:
        row = self.rows[index.row()] if index.isValid() else Row("", 0)
        usable = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return usable if row.class_name else Qt.ItemFlag.ItemIsEnabled


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        height = QFontMetrics(option.font).height()
        row: Row = index.data(ROW)
        return QSize(120, height + (4 if row.class_name else 6))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Any) -> None:
        row: Row = index.data(ROW)
        place: QRect = option.rect
        palette: QPalette = option.palette
        quiet = palette.color(QPalette.ColorRole.PlaceholderText)
        left = place.left() + row.depth * INDENT
        painter.save()
        if not row.class_name:
            _draw_question(painter, place, left, row, option)
            painter.restore()
            return
        accent = palette.color(QPalette.ColorRole.Accent)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(accent, 1))
            painter.drawRect(place.adjusted(0, 0, -1, -1))
        if index.data(TARGET):
            painter.fillRect(QRect(left, place.top() + 3, TARGET_WIDTH, place.height() - 6), accent)
        text_color = palette.color(QPalette.ColorRole.Text) if row.likely else quiet
        base = QFont(option.font)
        base.setBold(row.likely)
        painter.setFont(base)
        painter.setPen(text_color)
        middle = place.left() + int(place.width() * TEXT_SHARE)
        box = QRect(left + INDENT, place.top(), middle - left - INDENT - 4, place.height())
        text = QFontMetrics(base).elidedText(row.text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)
        painter.setFont(tabular_font(base))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        if row.number:
            box = QRect(middle, place.top(), place.right() - middle - 4, place.height())
            painter.drawText(box, right, str(row).removeprefix(row.text).strip())
        else:
            box = QRect(place.right() - NUMBER_WIDTH, place.top(), NUMBER_WIDTH - 4, place.height())
            painter.drawText(box, right, row.figure)
            track = QRectF(middle, place.center().y() - 2.5, 0, 6)
            track.setRight(place.right() - NUMBER_WIDTH)
            _draw_bar(painter, track, row, quiet, accent)
            _draw_whisker(painter, track, row, palette)
        painter.restore()


def _draw_question(
    painter: QPainter, place: QRect, left: int, row: Row, option: QStyleOptionViewItem
) -> None:
    """Draw a question, and at its right end whether the members answer it differently."""
    font = small_font(option.font)
    painter.setFont(font)
    painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
    box = QRect(left, place.top() + 2, place.right() - left - 4, place.height() - 2)
    if row.split:
        side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(box, side, DISAGREE)
        box.setWidth(box.width() - QFontMetrics(font).horizontalAdvance(DISAGREE) - GAP)
    text = QFontMetrics(font).elidedText(row.text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)


def _draw_bar(painter: QPainter, track: QRectF, row: Row, quiet: QColor, accent: QColor) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    rail = QColor(quiet)
    rail.setAlphaF(0.18)
    painter.setBrush(rail)
    painter.drawRoundedRect(track, 3, 3)
    filled = QRectF(track)
    filled.setWidth(max(2.0, track.width() * _inside(row.value)))
    mark = QColor(accent if row.likely else quiet)
    if not row.likely:
        mark.setAlphaF(0.6)
    painter.setBrush(mark)
    painter.drawRoundedRect(filled, 3, 3)


def _draw_whisker(painter: QPainter, track: QRectF, row: Row, palette: QPalette) -> None:
    """Draw one standard deviation over the members to both sides of the bar's end."""
    if not row.spread:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    ends = [
        round(track.left() + track.width() * _inside(row.value + side * row.spread))
        for side in (-1, 1)
    ]
    y = round(track.center().y())
    painter.setPen(QPen(palette.color(QPalette.ColorRole.Text), 1))
    painter.drawLine(ends[0], y, ends[1], y)
    for x in ends:
        painter.drawLine(x, y - CAP // 2, x, y + CAP // 2)


def _inside(value: float) -> float:
    return min(max(value, 0.0), 1.0)


class ModelButton(QToolButton):
    """Names the model and opens the list of models; a long name ends in an ellipsis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoRaise(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # The chevron stands behind the name.
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setProperty("icon_name", "chevron")
        self.setIcon(icon("chevron"))
        self.whole = ""

    def show_name(self, name: str, tip: str) -> None:
        """Show another name."""
        self.whole = name
        self.setAccessibleName(f"Model: {name}")
        self.setToolTip("\n".join(part for part in (name, tip, "Click for all models.") if part))
        self._elide()

    def resizeEvent(self, event: Any) -> None:
        """Cut the name to the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        width = self.width() - self.iconSize().width() - 2 * GAP
        self.setText(self.fontMetrics().elidedText(self.whole, Qt.TextElideMode.ElideRight, width))


class ClassifyPanel(QWidget):
    """Model, state, and the answers."""

    target_chosen = Signal(str)
    models_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said: Said | None = None
        self._state = Notice()
        self.model_button = ModelButton()
        self.model_button.clicked.connect(self.models_requested)
        self._all = QToolButton(autoRaise=True)
        self._all.setText("All questions")
        self._all.setCheckable(True)
        self._all.setToolTip("Also show questions that few people would be asked")
        self._all.toggled.connect(self._fill)
        self._model = _Model(self)
        self.view = QListView()
        self.view.setAccessibleName("What the network says")
        self.view.setModel(self._model)
        self.view.setItemDelegate(_Delegate(self.view))
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.view.setFrameShape(QListView.Shape.NoFrame)
        self.view.viewport().setAutoFillBackground(False)
        self.view.clicked.connect(self._choose)
        self.view.installEventFilter(self)
        top = QHBoxLayout()
        top.addWidget(self.model_button, 1)
        top.addWidget(self._all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP, GAP)
        layout.setSpacing(GAP // 2)
        layout.addLayout(top)
        layout.addWidget(self._state)
        layout.addWidget(self.view, 1)
        self.show_model("Model")
        self.show_prediction(None, "")

    def sizeHint(self) -> QSize:
        """Tall enough for the answers down to *bar*."""
        return QSize(300, 280)

    def show_model(self, title: str, tip: str = "") -> None:
        """Name the loaded model."""
        self.model_button.show_name(title, tip)

    def show_prediction(self, said: Said | None, state: str, offers: Sequence[Offer] = ()) -> None:
        """Show what the network says, or in one sentence why it says nothing (yet)."""
        self._said = said
        self._state.tell(state, offers)
        self._fill()

    def show_target(self, class_name: str) -> None:
        """Mark the answer that is explained."""
        if class_name != self._model.target:
            self._model.target = class_name
            self.view.viewport().update()

    def _fill(self) -> None:
        short, full = rows(self._said), rows(self._said, everything=True)
        self._all.setVisible(len(full) > len(short))
        self._model.show(full if self._all.isChecked() else short)

    def _choose(self, index: QModelIndex) -> None:
        row: Row | None = index.data(ROW) if index.isValid() else None
        if row is not None and row.class_name:
            self.target_chosen.emit(row.class_name)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Return chooses the answer that Up and Down have gone to."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        ):
            self._choose(self.view.currentIndex())
            return True
        return super().eventFilter(watched, event)
