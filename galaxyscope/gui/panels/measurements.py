"""The rows of this galaxy: automatic and drawn, side by side, with their differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QMenu,
    QStackedLayout,
    QTableView,
    QWidget,
)

from galaxyscope.gui import rows as text
from galaxyscope.gui.computed import Quantity, how_computed
from galaxyscope.gui.panels.common import QuietLabel
from galaxyscope.gui.panels.computed import ComputedPopover
from galaxyscope.gui.theme import DATA, tabular_font
from galaxyscope.records.record import Record

Index = QModelIndex | QPersistentModelIndex
ASK = "How was this computed?"


@dataclass(frozen=True)
class Column:
    """One column: header, what it shows, what it means, and which number it is, if it is one."""

    title: str
    show: Callable[[Record], str]
    tip: str
    quantity: Quantity | None = None


COLUMNS = (
    Column("Who", text.who, "Automatic, or who drew the line"),
    Column("Length ″", lambda r: text.length_text(r, "arcsec"), "Full length in arcsec", "arcsec"),
    Column("px", lambda r: text.length_text(r, "px"), "Full length in pixels of the file", "px"),
    Column("kpc", lambda r: text.length_text(r, "kpc"), "Full length; needs a redshift", "kpc"),
    Column("PA °", text.angle_text, "East of north; without WCS from straight up", "pa"),
    Column("From", text.source_text, "Algorithm and map, or a line"),
    Column("Model", lambda r: r.model, "The network whose map was measured"),
    Column(
        "Δ to automatic",
        text.difference_text,
        "Drawn minus automatic: length, angle",
        "difference",
    ),
    Column("Status", text.status_text, "What a careful reader should know"),
)


class RecordTable(QAbstractTableModel):
    """Rows of one galaxy as Qt wants them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.records: tuple[Record, ...] = ()
        self._marks = {kind: _mark(DATA[kind]) for kind in ("automatic", "drawn")}
        self._font = tabular_font()

    def show(self, records: tuple[Record, ...]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.records = records
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """Rows of this galaxy."""
        return 0 if parent is not None and parent.isValid() else len(self.records)

    def columnCount(self, parent: Index | None = None) -> int:
        """As in `COLUMNS`."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        if not index.isValid():
            return None
        record, column = self.records[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.show(record)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return self._marks[record.kind]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.quantity else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole:
            return self._font
        if role == Qt.ItemDataRole.ToolTipRole:
            return ASK if self.quantity(index) else column.show(record)
        return None

    def quantity(self, index: Index) -> Quantity | None:
        """Which number a cell shows; None for a word and where nothing is known."""
        if not index.isValid():
            return None
        column = COLUMNS[index.column()]
        return None if column.show(self.records[index.row()]) == text.UNKNOWN else column.quantity

    def headerData(
        self, section: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles with units."""
        if way != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.quantity else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


def _mark(color: str) -> QIcon:
    pixmap = QPixmap(12, 12)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(0, 0, 0, 120))
    painter.setBrush(QColor(color))
    painter.drawEllipse(2, 2, 8, 8)
    painter.end()
    return QIcon(pixmap)


class MeasurementsPanel(QWidget):
    """The table, or one sentence on how to get a row."""

    record_selected = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = RecordTable(self)
        self._showing = False
        self.view = QTableView()
        self.view.setAccessibleName("Measurements of this galaxy")
        self.view.setModel(self.table)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setTabKeyNavigation(False)
        self.view.setStyleSheet("QTableView::item { padding: 0 8px; }")
        self.view.verticalHeader().hide()
        height = self.view.fontMetrics().height() + 10
        self.view.verticalHeader().setDefaultSectionSize(height)
        header = self.view.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(56)
        self._empty = QuietLabel(wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.view)
        self.view.selectionModel().selectionChanged.connect(self._selected)
        self.view.setMouseTracking(True)
        self.view.entered.connect(self._point)
        self.view.viewportEntered.connect(lambda: self.view.viewport().unsetCursor())
        self.view.clicked.connect(self.ask)
        self.view.installEventFilter(self)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._menu)
        self.show_records((), "")

    def show_records(self, records: tuple[Record, ...], empty: str) -> None:
        """Show rows; `empty` says what to do where there are none."""
        chosen = self.selected()
        self._showing = True
        if records != self.table.records:
            self.table.show(records)
        self._empty.setText(empty)
        self._stack.setCurrentIndex(1 if records else 0)
        self._showing = False
        self.select(chosen)

    def selected(self) -> str | None:
        """Id of the selected row."""
        found = self.view.selectionModel().selectedRows()
        return self.table.records[found[0].row()].id if found else None

    def select(self, record_id: str | None) -> None:
        """Select a row without announcing it; None or an unknown id selects none."""
        self._showing = True
        ids = [record.id for record in self.table.records]
        if record_id in ids:
            index = self.table.index(ids.index(record_id), 0)
            self.view.selectionModel().setCurrentIndex(
                index,
                QItemSelectionModel.SelectionFlag.ClearAndSelect
                | QItemSelectionModel.SelectionFlag.Rows,
            )
        else:
            self.view.selectionModel().clear()
        self._showing = False

    def _selected(self) -> None:
        if not self._showing:
            self.record_selected.emit(self.selected())

    def ask(self, index: QModelIndex) -> ComputedPopover | None:
        """Tell how the number of a cell was computed; nothing happens at a cell without one."""
        quantity = self.table.quantity(index)
        if quantity is None:
            return None
        popover = ComputedPopover(how_computed(self.table.records[index.row()], quantity), self)
        cell = self.view.visualRect(index)
        popover.open_above(self.view.viewport().mapToGlobal(cell.topLeft()))
        return popover

    def _point(self, index: QModelIndex) -> None:
        viewport = self.view.viewport()
        if self.table.quantity(index):
            viewport.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            viewport.unsetCursor()

    def _menu(self, place: QPoint) -> None:
        index = self.view.indexAt(place)
        if not index.isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        ask = menu.addAction(ASK, lambda: self.ask(index))
        ask.setEnabled(self.table.quantity(index) is not None)
        menu.addAction("Copy", lambda: QApplication.clipboard().setText(str(index.data())))
        menu.popup(self.view.viewport().mapToGlobal(place))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Return asks about the number that Left and Right have gone to, else the first one."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        ):
            index = self.view.currentIndex()
            columns = [index.column(), *range(len(COLUMNS))]
            for place in (index.siblingAtColumn(column) for column in columns):
                if self.table.quantity(place):
                    self.ask(place)
                    break
            return True
        return super().eventFilter(watched, event)
