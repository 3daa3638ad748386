"""The popover that answers the question how a number was computed."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFormLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.computed import Computation
from galaxyscope.gui.panels.common import GAP, Popover, QuietLabel
from galaxyscope.gui.theme import tabular_font

WIDTH = 440


class ComputedPopover(Popover):
    """Shows a `Computation` beside the number; Esc or a click elsewhere closes it."""

    def __init__(self, computation: Computation, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("How was this computed?")
        self.computation = computation
        head = _label(f"{computation.title}   {computation.value}")
        font = tabular_font(head.font())
        font.setWeight(QFont.Weight.DemiBold)
        head.setFont(font)
        inputs = QFormLayout()
        inputs.setHorizontalSpacing(2 * GAP)
        inputs.setVerticalSpacing(2)
        inputs.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        inputs.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, value in computation.inputs:
            quiet, text = QLabel(name), _label(value)
            quiet.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            text.setFont(tabular_font(text.font()))
            inputs.addRow(quiet, text)
        copy = QPushButton("Copy")
        copy.setToolTip("Copy all of this as text")
        copy.clicked.connect(self._copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 2 * GAP)
        layout.setSpacing(GAP)
        layout.addWidget(head)
        layout.addWidget(_label(computation.formula))
        layout.addLayout(inputs)
        for text in (computation.caution, computation.reference):
            if text:
                layout.addWidget(QuietLabel(text, wrap=True))
        layout.addWidget(copy, 0, Qt.AlignmentFlag.AlignRight)
        self.setFixedSize(WIDTH, layout.heightForWidth(WIDTH))

    def open_above(self, place: QPoint) -> None:
        """Show it above a point of the screen (below where there is no room)."""
        screen = self.screen().availableGeometry()
        top = place.y() - self.height() - GAP
        if top < screen.top():
            top = min(place.y() + 3 * GAP, screen.bottom() - self.height())
        left = min(max(place.x() - GAP, screen.left()), screen.right() - self.width())
        self.move(left, max(top, screen.top()))
        self.show()

    def _copy(self) -> None:
        QApplication.clipboard().setText(str(self.computation))
        self.close()


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
