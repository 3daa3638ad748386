"""How the map lies over the galaxy: opacity, colours, threshold with histogram, mask, contour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.panels.common import GAP, AskLabel, ElidedLabel
from galaxyscope.gui.panels.histogram import ThresholdHistogram
from galaxyscope.gui.theme import tabular_font
from galaxyscope.measure.curve import LengthCurve

COLORMAPS = {"magma": "Magma", "viridis": "Viridis", "gray": "Grey", "RdBu": "For, against"}


@dataclass(frozen=True)
class OverlayStyle:
    """What does not depend on the galaxy."""

    opacity: float = 0.6
    colormap: str = "magma"
    mask: bool = False
    contour: bool = True
    segments: bool = False


class OverlayPanel(QWidget):
    """See the module."""

    style_changed = Signal(object)
    visible_changed = Signal(bool)
    threshold_changed = Signal(float)
    length_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        style = OverlayStyle()
        self._show = QCheckBox("Show map")
        self._show.setChecked(True)
        self._show.clicked.connect(self.visible_changed)
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setRange(0, 100)
        self._opacity.setAccessibleName("Opacity")
        self._opacity.setToolTip("Opacity of the map")
        self._colormap = QComboBox()
        self._colormap.setAccessibleName("Colours of the map")
        self._colormap.setToolTip("Colours of what speaks for the answer; or red for, blue against")
        self._colormap.setMinimumContentsLength(10)
        for key, text in COLORMAPS.items():
            self._colormap.addItem(text, key)
        self._mask = QCheckBox("Mask")
        self._mask.setToolTip("Show only the pixels above the threshold")
        self._contour = QCheckBox("Contour")
        self._contour.setToolTip("Draw the line where the map crosses the threshold")
        self._segments = QCheckBox("Segments")
        self._segments.setToolTip("Outline the parts of the picture that the method works on")
        self._segments.setVisible(False)
        self._histogram = ThresholdHistogram()
        self._threshold = QDoubleSpinBox(prefix="Threshold ", decimals=3, singleStep=0.01)
        self._threshold.setAccessibleName("Threshold")
        self._threshold.setRange(0, 1)
        self._threshold.setFont(tabular_font(self._threshold.font()))
        # Told when it is finished: each digit of a number would be a threshold of its own.
        self._threshold.setKeyboardTracking(False)
        self._typing = False
        self._threshold.lineEdit().textEdited.connect(self._begin_typing)
        self._threshold.editingFinished.connect(self._end_typing)
        self._threshold.setToolTip("Relative to the map's maximum ([ and ])")
        self.source = ElidedLabel()
        self._pixels = AskLabel()
        self._pixels.asked.connect(self.length_asked)
        self._pixels.setFont(tabular_font(self._pixels.font()))
        self._pixels.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

        first = QHBoxLayout()
        first.setSpacing(GAP)
        first.addWidget(self._show)
        first.addWidget(self._segments)
        first.addWidget(QLabel("Opacity"))
        first.addWidget(self._opacity, 1)
        second = QHBoxLayout()
        second.setSpacing(GAP)
        second.addWidget(self._colormap)
        second.addWidget(self._mask)
        second.addWidget(self._contour)
        second.addStretch(1)
        third = QHBoxLayout()
        third.setSpacing(GAP)
        third.addWidget(self._threshold)
        third.addWidget(self._pixels, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP, GAP)
        layout.setSpacing(GAP // 2)
        layout.addWidget(self.source)
        for row in (first, second):
            layout.addLayout(row)
        layout.addWidget(self._histogram)
        layout.addLayout(third)
        layout.addStretch(1)
        self.set_overlay_style(style)
        self._opacity.valueChanged.connect(self._changed)
        self._colormap.activated.connect(self._changed)
        self._mask.clicked.connect(self._changed)
        self._contour.clicked.connect(self._changed)
        self._segments.clicked.connect(self._changed)
        self._histogram.threshold_changed.connect(self.threshold_changed)
        self._threshold.valueChanged.connect(self._take_threshold)
        self.show_map(None)
        self.offer_styles(False, False)

    def sizeHint(self) -> QSize:
        """All rows."""
        return QSize(300, 160)

    def overlay_style(self) -> OverlayStyle:
        """Return what is chosen."""
        return OverlayStyle(
            self._opacity.value() / 100,
            self._colormap.currentData(),
            self._mask.isChecked(),
            self._contour.isChecked(),
            self._segments.isChecked(),
        )

    def set_overlay_style(self, style: OverlayStyle) -> None:
        """Show a style without announcing it."""
        self._opacity.setValue(round(style.opacity * 100))
        self._colormap.setCurrentIndex(max(0, self._colormap.findData(style.colormap)))
        self._mask.setChecked(style.mask)
        self._contour.setChecked(style.contour)
        self._segments.setChecked(style.segments)

    def set_visible_map(self, visible: bool) -> None:
        """Show whether the map is shown."""
        self._show.setChecked(visible)

    def show_map(self, counts: np.ndarray | None, source: str = "") -> None:
        """Show a map's histogram and what the map is of; None where there is no map."""
        there = counts is not None
        self.source.show_text(source, "What is explained, how, and of which network" * there)
        self._histogram.set_counts(counts)
        self._threshold.setEnabled(there)
        if not there:
            self._histogram.set_curve(None)
            self._pixels.show_text("no map yet", numbers=False)

    def offer_styles(self, maps: bool, segments: bool) -> None:
        """Whether there are maps to be styled, and segments of maps to be outlined."""
        for widget in (self._colormap, self._mask, self._contour, self._opacity):
            widget.setEnabled(maps)
        self._segments.setVisible(segments)

    @property
    def readout(self) -> AskLabel:
        """Pixels above the threshold, and the length there."""
        return self._pixels

    def show_curve(
        self, curve: LengthCurve | None, stop: float | None = None, length: float | None = None
    ) -> None:
        """Show the length over the threshold, see `ThresholdHistogram.set_curve`."""
        self._histogram.set_curve(curve, stop, length)

    def show_threshold(self, threshold: float, pixels: int, length: str = "") -> None:
        """Show a threshold, how many pixels lie above it and how long they reach."""
        self._histogram.set_threshold(threshold)
        if not self._typing:
            self._threshold.blockSignals(True)
            self._threshold.setValue(threshold)
            self._threshold.blockSignals(False)
        above = f"{pixels:,} px above".replace(",", "\u2009")
        self._pixels.show_text(f"{length} · {above}" if length else above)

    def _begin_typing(self) -> None:
        self._typing = True

    def _end_typing(self) -> None:
        self._typing = False

    def _take_threshold(self, threshold: float) -> None:
        self._typing = False
        self.threshold_changed.emit(threshold)

    def _changed(self) -> None:
        self.style_changed.emit(self.overlay_style())
