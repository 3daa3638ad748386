"""The dialog of all preferences, made from their declarations."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QIcon
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.panels.common import GAP, ElidedLabel, QuietLabel, small_font
from galaxyscope.gui.preferences import GROUPS, LONGEST_TEXT, OPTIONS, Option, Value

WIDTH = 660
TALLEST = 660  # fits a screen that the smallest window fills


class PreferencesDialog(QDialog):
    """Shows every option with what it does.

    Parameters
    ----------
    values : mapping of str to bool, int or str
        Of all options, by name.
    place : str
        Where they are kept, as the user reads it.
    parent : QWidget
    """

    def __init__(
        self, values: Mapping[str, Value], place: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self._inputs: dict[str, QWidget] = {}
        content = QWidget()
        grid = QGridLayout(content)
        grid.setContentsMargins(2 * GAP, GAP, 2 * GAP, GAP)
        grid.setHorizontalSpacing(2 * GAP)
        grid.setVerticalSpacing(GAP // 2)
        grid.setColumnStretch(1, 1)
        self._height = QComboBox().sizeHint().height()
        for group in GROUPS:
            self._add_heading(grid, group)
            for option in OPTIONS:
                if option.group == group:
                    self._add(grid, option)
        grid.setRowStretch(grid.rowCount(), 1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.RestoreDefaults
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        for button in buttons.buttons():
            button.setIcon(QIcon())  # the words say it
        self.defaults = buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
        self.defaults.setText("Defaults")
        self.defaults.setToolTip("Show the defaults; OK takes them over")
        self.defaults.clicked.connect(
            lambda: self.show_values({option.name: option.default for option in OPTIONS})
        )
        below = QVBoxLayout()
        below.setContentsMargins(2 * GAP, GAP, 2 * GAP, 2 * GAP)
        below.setSpacing(2 * GAP)
        kept = ElidedLabel()
        kept.show_text(place)
        kept.setFont(small_font(kept.font()))
        below.addWidget(kept)
        below.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, 1)
        layout.addLayout(below)
        self.show_values(values)
        content.adjustSize()
        wanted = content.sizeHint().height() + below.sizeHint().height() + GAP
        self.resize(QSize(WIDTH, min(wanted, TALLEST)))

    def show_values(self, values: Mapping[str, Value]) -> None:
        """Show other values."""
        for name, value in values.items():
            _show(self._inputs[name], value)

    def values(self) -> dict[str, Value]:
        """Return what is shown, by the names of the options."""
        return {option.name: option.read(_shown(self._inputs[option.name])) for option in OPTIONS}

    def input(self, name: str) -> QWidget:
        """Return the field of an option."""
        return self._inputs[name]

    def _add_heading(self, grid: QGridLayout, text: str) -> None:
        heading = QLabel(text)
        font = heading.font()
        font.setWeight(QFont.Weight.DemiBold)
        heading.setFont(font)
        heading.setContentsMargins(0, GAP, 0, 0)
        grid.addWidget(heading, grid.rowCount(), 0, 1, 2)

    def _add(self, grid: QGridLayout, option: Option) -> None:
        field = self._inputs[option.name] = _input(option)
        field.setAccessibleName(option.label)
        field.setAccessibleDescription(option.text)
        row = grid.rowCount()
        if not isinstance(field, QCheckBox):
            field.setMinimumHeight(self._height)  # all alike
            label = QLabel(option.label)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
        grid.addWidget(field, row, 1)
        text = QuietLabel(option.text, wrap=True)
        text.setFont(small_font(text.font()))
        text.setContentsMargins(0, 0, 0, 2)
        grid.addWidget(text, row + 1, 1)


def _input(option: Option) -> QWidget:
    if isinstance(option.default, bool):
        return QCheckBox(option.label)
    if isinstance(option.default, int):
        number = QSpinBox()
        number.setRange(*option.limits)
        number.setSpecialValueText(option.special)
        number.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
        return number
    if option.choices:
        box = QComboBox()
        for value, shown in option.choices.items():
            box.addItem(shown, value)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMaxVisibleItems(16)
        return box
    line = QLineEdit()
    line.setMaxLength(LONGEST_TEXT)
    line.setPlaceholderText(option.special)
    return line


def _show(field: QWidget, value: Value) -> None:
    if isinstance(field, QCheckBox):
        field.setChecked(bool(value))
    elif isinstance(field, QSpinBox):
        field.setValue(int(value))
    elif isinstance(field, QComboBox):
        field.setCurrentIndex(field.findData(value))
    elif isinstance(field, QLineEdit):
        field.setText(str(value))


def _shown(field: QWidget) -> object:
    if isinstance(field, QCheckBox):
        return field.isChecked()
    if isinstance(field, QSpinBox):
        return field.value()
    if isinstance(field, QComboBox):
        return field.currentData()
    return field.text() if isinstance(field, QLineEdit) else None
