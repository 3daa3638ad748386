"""Settings of a method: a field for each, in as many rows as they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFrame,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from galaxyscope.explain.protocol import Parameter
from galaxyscope.gui.panels.common import GAP, QuietLabel

NARROWEST = 56


def make_field(parameter: Parameter, value: Any) -> QWidget:
    """Return a field for a parameter that stands on a value."""
    widget: QWidget
    if isinstance(parameter.default, bool):
        widget = QCheckBox("× picture" if parameter.name == "times_input" else parameter.label)
        widget.setChecked(bool(value))
    elif isinstance(parameter.default, int):
        box = widget = QSpinBox()
        box.setRange(int(parameter.minimum), int(parameter.maximum))
        box.setValue(int(value))
        box.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
    else:
        real = widget = QDoubleSpinBox()
        real.setRange(float(parameter.minimum), float(parameter.maximum))
        real.setDecimals(2)
        real.setSingleStep(0.01)
        real.setValue(float(value))
    if isinstance(widget, QSpinBox | QDoubleSpinBox):
        widget.setMinimumWidth(NARROWEST)
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # a wheel that passes gives no focus
    widget.setAccessibleName(parameter.label)
    widget.setToolTip(f"{parameter.label}: {parameter.help}")
    return widget


def value_of(field: QWidget) -> Any:
    """Return what a field stands on."""
    if isinstance(field, QCheckBox):
        return field.isChecked()
    return field.value() if isinstance(field, QSpinBox | QDoubleSpinBox) else None


def changed_signal(field: QWidget) -> Any:
    """Return the signal that tells of another value."""
    return field.toggled if isinstance(field, QCheckBox) else field.valueChanged


class _Cells(QWidget):
    """Fields under their labels, side by side and then in further rows."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[tuple[QuietLabel | None, QWidget]] = []
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_fields(self, fields: Sequence[QWidget]) -> None:
        """Show these fields instead of the present ones."""
        for cell in self.cells:
            for widget in cell:
                if widget is not None:
                    widget.hide()
                    widget.deleteLater()
        self.cells = []
        for field in fields:
            named = isinstance(field, QCheckBox)  # says itself what it is
            label = None if named else QuietLabel(field.accessibleName())
            for widget in (label, field):
                if widget is not None:
                    widget.setParent(self)
                    widget.show()
            field.installEventFilter(self)
            self.cells.append((label, field))
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the wheel scroll the rows; it changes only the number that has the focus."""
        wheel = event.type() == QEvent.Type.Wheel
        if wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QSize:
        """No size of its own: the scroll area gives the width, which gives the height."""
        return QSize(0, 0)

    def heightForWidth(self, width: int) -> int:
        """Return how high all rows are."""
        rows = len(self._rows(width))
        return max(0, rows * (self.row_height() + GAP // 2) - GAP // 2)

    def row_height(self) -> int:
        """Return how high a label and its field are."""
        return self._label_height() + max(
            (field.sizeHint().height() for _, field in self.cells), default=0
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make rows for the new width."""
        super().resizeEvent(event)
        self._place()

    def _label_height(self) -> int:
        labels = (label for label, _ in self.cells if label is not None)
        return max((label.sizeHint().height() for label in labels), default=0)

    def _rows(self, width: int) -> list[list[tuple[int, int]]]:
        """Return which cells stand in each row, and how wide each must be."""
        rows: list[list[tuple[int, int]]] = []
        left = 0
        for i, (label, field) in enumerate(self.cells):
            least = field.sizeHint().width() if label is None else NARROWEST
            least = max(least, 0 if label is None else label.sizeHint().width())
            if not rows or least + GAP > left:
                rows.append([])
                left = width + GAP
            rows[-1].append((i, min(least, width)))
            left -= least + GAP
        return rows

    def _place(self) -> None:
        rows, width = self._rows(self.width()), self.width()
        # The same for all, else a field alone in the last row would be as wide as the panel.
        spare = min(
            ((width + GAP - sum(w + GAP for _, w in row)) // len(row) for row in rows), default=0
        )
        above = self._label_height()
        high = self.row_height() - above
        y = 0
        for row in rows:
            x = 0
            for i, least in row:
                label, field = self.cells[i]
                wide = least + max(0, spare)
                if label is not None:
                    label.setGeometry(QRect(x, y, wide, above))
                field.setGeometry(QRect(x, y + above, wide, high))
                x += wide + GAP
            y += above + high + GAP // 2


class ParameterRows(QScrollArea):
    """Fields of a method in rows; of many rows the last ones are scrolled to in a low panel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells = _Cells()
        self.setWidget(self._cells)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # The colour of the panel around it, not that of a list.
        self.viewport().setAutoFillBackground(False)
        self._cells.setAutoFillBackground(False)

    def show_fields(self, fields: Sequence[QWidget]) -> None:
        """Show these fields instead of the present ones, which are deleted."""
        self._cells.show_fields(fields)
        self.setVisible(bool(fields))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """All rows, at the present width."""
        return QSize(self.width(), self._cells.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        """One row, and no width of its own: the panel must not grow with the method."""
        return QSize(0, min(self.sizeHint().height(), self._cells.row_height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take as many rows as the new width needs."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
