"""How the picture is drawn: limits, stretch, contrast and bias."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.panels.common import GAP
from galaxyscope.sky.stretch import LIMITS, STRETCHES, Display

if TYPE_CHECKING:
    from galaxyscope.sky.image import SkyImage

LIMIT_NAMES = {
    "galaxy": "Galaxy",
    "zscale": "zscale",
    "percentile": "Percentile",
    "minmax": "Min–max",
    "manual": "Manual",
}


class DisplayPanel(QWidget):
    """Announces a `Display` whenever the user changes one of its parts."""

    display_changed = Signal(object)
    default_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._display = Display()
        self._limits = QComboBox()
        self._limits.setAccessibleName("Limits")
        for key in LIMITS:
            self._limits.addItem(LIMIT_NAMES.get(key, key), key)
        self._percentile = QDoubleSpinBox(suffix=" %", decimals=2, singleStep=0.1)
        self._percentile.setRange(50, 100)
        self._percentile.setAccessibleName("Percentile")
        self._lo, self._hi = QLineEdit(), QLineEdit()
        for edit, name in ((self._lo, "Black"), (self._hi, "White")):
            edit.setAccessibleName(name)
            edit.setPlaceholderText(name)
            edit.setToolTip(f"Value that is drawn {name.lower()}")
        self._stretch = QComboBox()
        self._stretch.setAccessibleName("Stretch")
        for stretch in STRETCHES:
            self._stretch.addItem(stretch, stretch)
        self._invert = QCheckBox("Invert")
        reset = QPushButton("Reset")
        reset.setToolTip("The limits and stretch that suit this picture")

        limits = QHBoxLayout()
        limits.setSpacing(GAP // 2)
        limits.addWidget(self._limits, 1)
        limits.addWidget(self._percentile)
        manual = QHBoxLayout()
        manual.setSpacing(GAP // 2)
        manual.addWidget(self._lo)
        manual.addWidget(self._hi)
        form = QFormLayout()
        form.setSpacing(GAP // 2)
        form.addRow("Limits", limits)
        form.addRow("Values", manual)
        form.addRow("Stretch", self._stretch)
        last = QHBoxLayout()
        last.addWidget(self._invert, 1)
        last.addWidget(reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP, GAP)
        layout.setSpacing(GAP // 2)
        layout.addLayout(form)
        layout.addLayout(last)
        layout.addStretch(1)
        self._limits.activated.connect(self._changed)
        self._percentile.valueChanged.connect(self._changed)
        self._lo.editingFinished.connect(self._changed)
        self._hi.editingFinished.connect(self._changed)
        self._stretch.activated.connect(self._changed)
        self._invert.clicked.connect(self._changed)
        reset.clicked.connect(self.default_requested)
        self.show_display(None, None)

    def sizeHint(self) -> QSize:
        """All rows."""
        return QSize(300, 160)

    def show_display(self, display: Display | None, image: SkyImage | None) -> None:
        """Show how a picture is drawn, without announcing it; None where there is no picture."""
        self.setEnabled(display is not None)
        if display is None:
            return
        self._display = display
        self._limits.setCurrentIndex(self._limits.findData(display.limits))
        self._percentile.blockSignals(True)
        self._percentile.setValue(display.percentile)
        self._percentile.blockSignals(False)
        self._percentile.setVisible(display.limits == "percentile")
        manual = display.limits == "manual"
        for edit, value in ((self._lo, display.vmin), (self._hi, display.vmax)):
            edit.setEnabled(manual)
            edit.setText("" if value is None or not manual else f"{value:.6g}")
        self._stretch.setCurrentIndex(self._stretch.findData(display.stretch))
        self._invert.setChecked(display.invert)

    def _changed(self) -> None:
        display = dataclasses.replace(
            self._display,
            limits=self._limits.currentData(),
            percentile=self._percentile.value(),
            vmin=_number(self._lo.text()),
            vmax=_number(self._hi.text()),
            stretch=self._stretch.currentData(),
            invert=self._invert.isChecked(),
        )
        if display != self._display:
            self.show_display(display, None)
            self.display_changed.emit(display)


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
