"""The figures of an agreement as a table: value, 95 %, and always both baselines."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView, QWidget

from galaxyscope.gui.computed_agreement import figure, how_agreed, spread, value_text
from galaxyscope.gui.panels.computed import ComputedPopover
from galaxyscope.gui.panels.measurements import ASK, Index
from galaxyscope.gui.rows import UNKNOWN
from galaxyscope.gui.theme import tabular_font
from galaxyscope.records.comparing import Comparison
from galaxyscope.records.comparison_statistics import Statistic

TITLES = ("Statistic", "Value", "95 %", "Constant", "Shuffled")
TIPS = (
    "",
    "Click a number to see how it was computed",
    "Central 95 % of bootstrap resamples, or ± one standard deviation",
    "The same if every galaxy had one relative length: what sizes alone give",
    "The same of relative lengths dealt out at random",
)
CORRELATIONS = ("rho", "rank")


class FigureTable(QAbstractTableModel):
    """Statistics as Qt wants them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.statistics: tuple[Statistic, ...] = ()
        self._font = tabular_font()

    def show(self, statistics: tuple[Statistic, ...]) -> None:
        """Show other figures."""
        self.beginResetModel()
        self.statistics = statistics
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """One row for each statistic."""
        return 0 if parent is not None and parent.isValid() else len(self.statistics)

    def columnCount(self, parent: Index | None = None) -> int:
        """As in `TITLES`."""
        return 0 if parent is not None and parent.isValid() else len(TITLES)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        if not index.isValid():
            return None
        statistic = self.statistics[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(statistic, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if index.column() else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole:
            return self._font
        if role == Qt.ItemDataRole.ToolTipRole:
            return ASK if index.column() else statistic.about or statistic.name
        return None

    @staticmethod
    def _text(statistic: Statistic, column: int) -> str:
        if column == 0:
            return statistic.name
        if column == 1:
            return value_text(statistic)
        if column == 2:
            return spread(statistic)
        if statistic.key not in CORRELATIONS:
            return ""
        return figure(statistic.constant if column == 3 else statistic.shuffled)

    def headerData(
        self, section: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles and what they mean."""
        if way != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


class Figures(QTableView):
    """The table; a click on a number, or Return, tells how it was computed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = FigureTable(self)
        self._found: Comparison | None = None
        self.setAccessibleName("Figures of the agreement")
        self.setModel(self.table)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setStyleSheet(
            "QTableView::item { padding: 0 4px; } QHeaderView::section { padding: 4px; }"
        )
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(48)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.entered.connect(self._point)
        self.viewportEntered.connect(lambda: self.viewport().unsetCursor())
        self.clicked.connect(self.ask)
        self.installEventFilter(self)

    def sizeHint(self) -> QSize:
        """All columns without cutting."""
        return QSize(470, 200)

    def minimumSizeHint(self) -> QSize:
        """Columns of numbers are never cut."""
        return QSize(440, 60)

    def show_figures(self, statistics: tuple[Statistic, ...], found: Comparison | None) -> None:
        """Show the figures of a comparison."""
        self._found = found
        self.table.show(statistics)

    def ask(self, index: QModelIndex) -> ComputedPopover | None:
        """Tell how a number was computed; nothing happens at a cell without one."""
        if self._found is None or not self._has_number(index):
            return None
        computation = how_agreed(self.table.statistics[index.row()], self._found)
        popover = ComputedPopover(computation, self)
        popover.open_above(self.viewport().mapToGlobal(self.visualRect(index).topLeft()))
        return popover

    def _has_number(self, index: QModelIndex) -> bool:
        return index.isValid() and index.column() > 0 and index.data() not in ("", UNKNOWN)

    def _point(self, index: QModelIndex) -> None:
        if self._has_number(index):
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.viewport().unsetCursor()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Return asks about the number that the keys have gone to."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        ):
            index = self.currentIndex()
            for column in (index.column(), 1, 2):
                if self.ask(index.siblingAtColumn(column)) is not None:
                    break
            return True
        return super().eventFilter(watched, event)
