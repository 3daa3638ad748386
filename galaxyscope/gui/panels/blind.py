"""The strip above the canvas while an observer draws blind."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from galaxyscope.gui.panels.common import GAP, ElidedLabel
from galaxyscope.gui.theme import tabular_font


class BlindBar(QWidget):
    """Where the series stands, and how it goes on.

    Signals
    -------
    next_requested : the line of this look is finished
    no_bar_requested : the observer sees no bar
    end_requested : the series shall end here
    """

    next_requested = Signal()
    no_bar_requested = Signal()
    end_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = QLabel("Blind series")
        bold = title.font()
        bold.setWeight(QFont.Weight.DemiBold)
        title.setFont(bold)
        self.count = QLabel()
        self.count.setFont(tabular_font(self.count.font()))
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedWidth(120)
        self.progress.setAccessibleName("Progress of the blind series")
        self.hint = ElidedLabel()
        self.no_bar = QPushButton("No bar")
        self.no_bar.setToolTip("Record that you see no bar here, and go on (X)")
        self.no_bar.setShortcut("X")
        self.no_bar.clicked.connect(self.no_bar_requested)
        self.next = QPushButton("Next")
        self.next.setToolTip("Keep the line and go on (J)")
        self.next.setShortcut("J")
        self.next.clicked.connect(self.next_requested)
        self.end = QPushButton("End series")
        self.end.setToolTip("End here; what was drawn is kept")
        self.end.clicked.connect(self.end_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, GAP // 2, GAP, GAP // 2)
        layout.setSpacing(GAP)
        for widget in (title, self.count, self.progress):
            layout.addWidget(widget)
        layout.addSpacing(GAP)
        layout.addWidget(self.hint, 1)
        for button in (self.no_bar, self.next):
            layout.addWidget(button)
        layout.addSpacing(GAP)
        layout.addWidget(self.end)
        for button in (self.no_bar, self.next, self.end):
            # Keys belong to the canvas, where the line is drawn.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hide()

    def show_place(self, place: int, total: int) -> None:
        """Show how many of the looks are done."""
        self.count.setText(f"{place + 1} of {total}")
        self.progress.setRange(0, total)
        self.progress.setValue(place)

    def show_line(self, drawn: bool, width: bool) -> None:
        """Say what to do next."""
        self.next.setEnabled(drawn)
        self.no_bar.setEnabled(not drawn)
        if not drawn:
            text = "Drag along the bar, from end to end."
        elif width:
            text = "Drag across the bar for its width, or press Next."
        else:
            text = "Adjust the ends, then press Next."
        self.hint.show_text(text)
