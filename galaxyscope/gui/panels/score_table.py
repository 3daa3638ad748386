"""The table of scores of concepts: sorted by a click, copied with all digits."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QSortFilterProxyModel, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableView, QWidget

from galaxyscope.gui import concept_text as text
from galaxyscope.gui.panels.common import quiet_color
from galaxyscope.gui.panels.measurements import Index
from galaxyscope.gui.theme import tabular_font
from galaxyscope.records.columns import CONCEPT_COLUMNS
from galaxyscope.records.tables import csv_cells

if TYPE_CHECKING:
    from galaxyscope.explain.concept_score import ConceptScore

VALUE = Qt.ItemDataRole.UserRole


class ScoreTable(QAbstractTableModel):
    """Scores as Qt wants them; those that mean nothing step back."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.scores: tuple[ConceptScore, ...] = ()
        self._parent, self._font = parent, tabular_font()

    def show(self, scores: tuple[ConceptScore, ...]) -> None:
        """Show other scores."""
        self.beginResetModel()
        self.scores = scores
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """One row for each concept and network."""
        return 0 if parent is not None and parent.isValid() else len(self.scores)

    def columnCount(self, parent: Index | None = None) -> int:
        """As the command line has them."""
        return 0 if parent is not None and parent.isValid() else len(CONCEPT_COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        if not index.isValid():
            return None
        score, column = self.scores[index.row()], CONCEPT_COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return text.cell(column, score)
        if role == VALUE:
            return getattr(score, column.name)
        if role == Qt.ItemDataRole.ForegroundRole:
            means = score.seen and score.significant(len(self.scores))
            return None if means else quiet_color(self._parent)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(index.column())
        if role == Qt.ItemDataRole.FontRole:
            return self._font
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(getattr(score, column.name))
        return None

    def headerData(
        self, section: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of the columns and what they mean."""
        if way != Qt.Orientation.Horizontal:
            return None
        column = CONCEPT_COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return text.title(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.description[:1].upper() + column.description[1:]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(section)
        return None


class ScoreView(QTableView):
    """The table on screen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = ScoreTable(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.table)
        self._sorted.setSortRole(VALUE)
        self.setModel(self._sorted)
        self.setAccessibleName("Scores of the concepts")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setStyleSheet(
            "QTableView::item { padding: 0 4px; } QHeaderView::section { padding: 4px; }"
        )
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 10)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)  # as they were asked for
        self.setSortingEnabled(True)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy)

    def show_scores(self, scores: tuple[ConceptScore, ...]) -> None:
        """Show other scores."""
        self.table.show(scores)

    def copy(self) -> None:
        """Copy the selected rows, else all, as a spreadsheet takes them: with all digits."""
        chosen = sorted(index.row() for index in self.selectionModel().selectedRows())
        lines = [[column.name for column in CONCEPT_COLUMNS]]
        for row in chosen or range(self._sorted.rowCount()):
            place = self._sorted.mapToSource(self._sorted.index(row, 0)).row()
            score = self.table.scores[place]
            lines.append(csv_cells(CONCEPT_COLUMNS, dataclasses.asdict(score)))
        QApplication.clipboard().setText("\n".join("\t".join(line) for line in lines))


def _side(column: int) -> Qt.AlignmentFlag:
    text_column = CONCEPT_COLUMNS[column].type == "text"
    side = Qt.AlignmentFlag.AlignLeft if text_column else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
