"""The page of the comparison: what is compared, run, blink, export, and the grid."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.canvas import Canvas
from galaxyscope.gui.canvas.render import Later
from galaxyscope.gui.compare.checklist import CheckList
from galaxyscope.gui.compare.grid import Grid
from galaxyscope.gui.compare.pane import Pane
from galaxyscope.gui.panels.common import GAP, ElidedLabel, tool_button
from galaxyscope.gui.theme import tabular_font


class ComparePage(QWidget):
    """See the module.

    Signals
    -------
    left : the user wants the single view back
    run_requested, cancel_requested, export_requested
    blink_requested : bool
    stepped : −1 or 1, while the maps blink
    """

    left = Signal()
    run_requested = Signal()
    cancel_requested = Signal()
    export_requested = Signal()
    blink_requested = Signal(bool)
    stepped = Signal(int)

    def __init__(self, later: Later, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        back = tool_button("previous", "Back", "Back to the single view (Esc)")
        back.clicked.connect(self.left)
        self.methods = CheckList("methods")
        self.targets = CheckList("targets")
        self.models = CheckList("models")
        self._told = ElidedLabel()
        self._told.setFont(tabular_font(self._told.font()))
        self._told.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._progress = QProgressBar(textVisible=False)
        self._progress.setFixedWidth(56)
        self._run = QPushButton("Run")
        self._run.setToolTip("Make the maps that are not there yet (E)")
        self._run.clicked.connect(self.run_requested)
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Stop all runs; finished maps stay (Esc)")
        self._cancel.clicked.connect(self.cancel_requested)
        width = max(self._run.sizeHint().width(), self._cancel.sizeHint().width())
        for button in (self._run, self._cancel):
            button.setFixedWidth(width)
        self._blink = tool_button("blink", "Blink", "Blink between the maps, or marked ones (B)")
        self._blink.setCheckable(True)
        self._blink.clicked.connect(self.blink_requested)
        self._export = tool_button("export", "Export figure", "Export the grid as one figure")
        self._export.clicked.connect(self.export_requested)
        header = QHBoxLayout()
        header.setContentsMargins(GAP, GAP // 2, GAP, GAP // 2)
        header.setSpacing(GAP // 2)
        for widget in (back, self.methods, self.targets, self.models):
            header.addWidget(widget)
        header.addWidget(self._told, 1)
        header.addWidget(self._progress)
        header.addSpacing(GAP // 2)
        for button in (self._run, self._cancel, self._blink, self._export):
            header.addWidget(button)
        self.grid = Grid()
        self._empty = QLabel("Choose at least one method, target and model.")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.single = QWidget()
        self.large = Canvas(later=later)
        self._name = QLabel()
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        font = QFont(self._name.font())
        font.setWeight(QFont.Weight.DemiBold)
        self._name.setFont(font)
        self._name.setContentsMargins(GAP, 0, GAP, GAP // 2)
        single = QVBoxLayout(self.single)
        single.setContentsMargins(0, 0, 0, 0)
        single.setSpacing(0)
        single.addWidget(self._name)
        single.addWidget(self.large, 1)
        self.stack = QStackedWidget()
        for page in (self.grid, self.single, self._empty):
            self.stack.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(header)
        layout.addWidget(self.stack, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.show_run(None, True)

    @property
    def summary(self) -> str:
        """What the header says."""
        return self._told.whole

    def show_panes(self, groups: Sequence[Sequence[Pane]]) -> None:
        """Show these panes."""
        self.grid.show_panes(groups)
        self.stack.setCurrentWidget(self.grid if any(groups) else self._empty)

    def say(self, text: str) -> None:
        """Say how many maps there are and how long the rest will take."""
        self._told.show_text(text)

    def show_run(self, steps: tuple[int, int] | None, ready: bool) -> None:
        """Show how many maps of a run are made, or (None) that nothing runs."""
        running = steps is not None
        self._run.setVisible(not running)
        self._run.setEnabled(ready)
        self._cancel.setVisible(running)
        self._progress.setVisible(running)
        if steps is not None:
            self._progress.setRange(0, steps[1])
            self._progress.setValue(steps[0])

    def offer(self, blink: bool, export: bool) -> None:
        """Whether there are maps to blink between and to export."""
        self._blink.setEnabled(blink)
        self._export.setEnabled(export)

    def show_blinking(self, blinking: bool, name: str = "") -> None:
        """Show one large picture in the place of the grid, or the grid again."""
        self._blink.setChecked(blinking)
        self._name.setText(name)
        self.stack.setCurrentWidget(self.single if blinking else self.grid)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back; while maps blink the arrows step through them."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif self._blink.isChecked() and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.stepped.emit(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)
