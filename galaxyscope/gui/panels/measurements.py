"""The rows of this galaxy: automatic and drawn, side by side, with their differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStackedLayout,
    QTableView,
    QWidget,
)

from galaxyscope.gui import rows as text
from galaxyscope.gui.panels.common import QuietLabel
from galaxyscope.gui.theme import DATA, tabular_font
from galaxyscope.records.record import Record

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Column:
    """One column: header, what it shows, whether it is a number, and what it means."""

    title: str
    show: Callable[[Record], str]
    number: bool
    tip: str


COLUMNS = (
    Column("Who", text.who, False, "Automatic, or who drew the line"),
    Column("Length ″", lambda r: text.length_text(r, "arcsec"), True, "Full length in arcsec"),
    Column("px", lambda r: text.length_text(r, "px"), True, "Full length in pixels of the file"),
    Column("kpc", lambda r: text.length_text(r, "kpc"), True, "Full length; needs a redshift"),
    Column("PA °", text.angle_text, True, "East of north; without WCS from straight up"),
    Column("From", text.source_text, False, "Algorithm and map, or a line"),
    Column("Δ to automatic", text.difference_text, True, "Drawn minus automatic: length, angle"),
    Column("Status", text.status_text, False, "What a careful reader should know"),
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
            side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole:
            return self._font
        if role == Qt.ItemDataRole.ToolTipRole:
            return how_computed(record)
        return None

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
            side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


def how_computed(record: Record) -> str:
    """Where a row's numbers come from, a few lines."""
    lines = [f"Measured {record.created_at}"]
    if record.kind == "automatic":
        lines += [
            f"Map: {record.method} of {record.target} by {record.model} {record.model_sha256[:8]}",
            f"Samples {record.samples}, noise {record.noise}, seed {record.seed}",
            f"Bar: {record.algorithm}, stopped at {_plain(record.threshold)} of the maximum",
        ]
    else:
        lines.append(f"Drawn by {record.observer}")
    if record.scale_arcsec_per_px is not None:
        lines.append(f"{record.scale_arcsec_per_px:.4g}″ per pixel from {record.scale_source}")
    else:
        lines.append("No pixel scale: pixels only")
    if record.length_kpc is not None:
        lines.append(f"z = {record.redshift:g}, {record.cosmology}")
    return "\n".join(lines)


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


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
