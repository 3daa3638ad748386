"""What the network says: the Galaxy Zoo decision tree along its likely path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.classify.decision_tree import QUESTIONS, Question
from galaxyscope.gui.panels.common import GAP, ElidedLabel, QuietLabel, small_font
from galaxyscope.gui.theme import tabular_font

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
INDENT = 8
NUMBER_WIDTH = 36
TEXT_SHARE = 0.46


@dataclass(frozen=True)
class Row:
    """One line of the panel.

    Parameters
    ----------
    text : str
    depth : int
        How many questions were asked before.
    class_name : str
        Empty for a question.
    fraction : float
    likely : bool
        The winning answer of a question on the likely path.
    """

    text: str
    depth: int
    class_name: str = ""
    fraction: float = 0.0
    likely: bool = False


def likely_path(probabilities: Mapping[str, float]) -> list[tuple[Question, str]]:
    """Questions that most people would be asked, each with the class of its winning answer."""
    by_key = {question.key: question for question in QUESTIONS}
    path: list[tuple[Question, str]] = []
    key = QUESTIONS[0].key
    while key in by_key and all(key != question.key for question, _ in path):
        question = by_key[key]
        best = max(question.answers, key=lambda answer: probabilities.get(answer.class_name, 0.0))
        path.append((question, best.class_name))
        key = best.leads_to or ""
    return path


def rows(probabilities: Mapping[str, float], everything: bool) -> list[Row]:
    """Lines for a prediction; classes of other tasks are listed plainly, largest first."""
    known = {answer.class_name for question in QUESTIONS for answer in question.answers}
    if not known & set(probabilities):
        ordered = sorted(probabilities.items(), key=lambda item: -item[1])
        return [Row(name, 0, name, value, i == 0) for i, (name, value) in enumerate(ordered)]
    found: list[Row] = []
    path = likely_path(probabilities)
    for depth, (question, winner) in enumerate(path):
        found += _question(question, min(depth, 5), probabilities, winner)
    if everything:
        asked = {question.key for question, _ in path}
        for question in QUESTIONS:
            if question.key not in asked:
                found += _question(question, 0, probabilities, "")
    return found


def _question(
    question: Question, depth: int, probabilities: Mapping[str, float], winner: str
) -> list[Row]:
    answers = [
        Row(a.text, depth, a.class_name, probabilities[a.class_name], a.class_name == winner)
        for a in question.answers
        if a.class_name in probabilities
    ]
    return [Row(question.text, depth), *answers] if answers else []


class _Model(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []

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
            return f"{row.text} {row.fraction:.2f}" if row.class_name else row.text
        if role == Qt.ItemDataRole.ToolTipRole and row.class_name:
            return (
                f"{row.class_name}: {row.fraction:.3f} of all people would answer this.\n"
                "Click to make it the target of an explanation."
            )
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
            painter.setFont(small_font(option.font))
            painter.setPen(quiet)
            box = QRect(left, place.top() + 2, place.right() - left, place.height() - 2)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, row.text)
            painter.restore()
            return
        text_color = palette.color(QPalette.ColorRole.Text) if row.likely else quiet
        base = option.font
        if row.likely:
            base.setBold(True)
        painter.setFont(base)
        painter.setPen(text_color)
        middle = place.left() + int(place.width() * TEXT_SHARE)
        box = QRect(left + INDENT, place.top(), middle - left - INDENT - 4, place.height())
        text = QFontMetrics(base).elidedText(row.text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)
        track = QRectF(middle, place.center().y() - 2.5, 0, 6)
        track.setRight(place.right() - NUMBER_WIDTH)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        rail = QColor(quiet)
        rail.setAlphaF(0.18)
        painter.setBrush(rail)
        painter.drawRoundedRect(track, 3, 3)
        filled = QRectF(track)
        filled.setWidth(max(2.0, track.width() * min(max(row.fraction, 0.0), 1.0)))
        mark = palette.color(QPalette.ColorRole.Accent) if row.likely else QColor(quiet)
        if not row.likely:
            mark.setAlphaF(0.6)
        painter.setBrush(mark)
        painter.drawRoundedRect(filled, 3, 3)
        painter.setPen(text_color)
        painter.setFont(tabular_font(base))
        box = QRect(place.right() - NUMBER_WIDTH, place.top(), NUMBER_WIDTH - 4, place.height())
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(box, right, f"{row.fraction:.2f}")
        painter.restore()


class ClassifyPanel(QWidget):
    """Model name, state, and the answers."""

    target_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._probabilities: Mapping[str, float] = {}
        self._state = QuietLabel(wrap=True)
        self._name = ElidedLabel()
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
        self.view.clicked.connect(self._click)
        top = QHBoxLayout()
        top.addWidget(self._name, 1)
        top.addWidget(self._all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP, GAP)
        layout.setSpacing(GAP // 2)
        layout.addLayout(top)
        layout.addWidget(self._state)
        layout.addWidget(self.view, 1)
        self.show_model("")
        self.show_prediction(None, "")

    def sizeHint(self) -> QSize:
        """Tall enough for the answers down to *bar*."""
        return QSize(300, 280)

    def show_model(self, title: str, tip: str = "") -> None:
        """Name the loaded model."""
        self._name.show_text(title, tip)

    def show_prediction(self, probabilities: Mapping[str, float] | None, state: str) -> None:
        """Show what the network says, or in one sentence why it says nothing (yet)."""
        self._probabilities = probabilities or {}
        self._state.setText(state)
        self._state.setVisible(bool(state))
        self._all.setVisible(bool(probabilities))
        self._fill()

    def _fill(self) -> None:
        self._model.show(rows(self._probabilities, self._all.isChecked()))

    def _click(self, index: QModelIndex) -> None:
        row: Row = index.data(ROW)
        if row.class_name:
            self.target_chosen.emit(row.class_name)
