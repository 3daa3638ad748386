"""One map of the comparison: what it is, how it stands, and the galaxy with the map over it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from galaxyscope.gui.canvas import Canvas
from galaxyscope.gui.canvas.render import Later, at_once
from galaxyscope.gui.compare.grid import CAPTION, SMALLEST
from galaxyscope.gui.panels.common import GAP, ElidedLabel, small_font, tool_button
from galaxyscope.gui.theme import DATA, tabular_font

EDGE = 2


class Pane(QWidget):
    """A canvas under a caption.

    Parameters
    ----------
    title, subtitle : str
        The method; what else tells this pane from the others.
    tip : str
        What the pointer is told on the caption.
    later : callable
        As for `Canvas`.

    Signals
    -------
    marked : True or False, when the user marks the pane (for blinking) or not
    opened : the user wants this map in the single view
    cancel_requested
    """

    marked = Signal(bool)
    opened = Signal()
    cancel_requested = Signal()

    def __init__(
        self, title: str, subtitle: str = "", tip: str = "", later: Later = at_once
    ) -> None:
        super().__init__()
        self.title, self.subtitle, self._tip = title, subtitle, tip
        self.is_marked = False
        self._title = ElidedLabel(title)
        self._title.setForegroundRole(QPalette.ColorRole.WindowText)
        font = QFont(self._title.font())
        font.setWeight(QFont.Weight.DemiBold)
        self._title.setFont(font)
        small = small_font(self.font())
        self._state = ElidedLabel()
        self._state.setFont(tabular_font(small))
        self._value = QLabel()
        self._value.setFont(tabular_font(small))
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._cancel = tool_button("cancel", "✕", f"Cancel {title}")
        self._cancel.setIconSize(QSize(12, 12))
        self._cancel.clicked.connect(self.cancel_requested)
        self._cancel.setFixedSize(16, 16)
        self._cancel.setVisible(False)
        self._progress = QProgressBar(textVisible=False)
        self._progress.setFixedHeight(3)
        for widget in (self._progress, self._cancel):  # nothing moves when they come and go
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(policy)
        self._progress.setVisible(False)
        self.canvas = Canvas(later=later)
        self.canvas.setMinimumSize(96, 72)
        self.canvas.set_bare(True)
        self.canvas.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

        first = QHBoxLayout()
        first.setSpacing(GAP // 2)
        first.addWidget(self._title, 1)
        first.addWidget(self._value)
        second = QHBoxLayout()
        second.setSpacing(GAP // 2)
        second.addWidget(self._state, 1)
        second.addWidget(self._cancel)
        self._caption = QWidget()
        self._caption.setFixedHeight(CAPTION - 3 - EDGE)
        caption = QVBoxLayout(self._caption)
        caption.setContentsMargins(GAP // 2, 0, GAP // 2, 0)
        caption.setSpacing(0)
        caption.addLayout(first)
        caption.addLayout(second)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(0)
        layout.addWidget(self._caption)
        layout.addWidget(self._progress)
        layout.addWidget(self.canvas, 1)
        self.setMinimumSize(SMALLEST, SMALLEST)
        self.setAccessibleName(f"{title} {subtitle}".strip())
        self.show_state("")

    # -- how it stands

    def show_state(self, text: str, tip: str = "") -> None:
        """Say how the map stands, in a few words; the whole of it is the tooltip."""
        words = " · ".join(part for part in (self.subtitle, text) if part)
        self._state.show_text(words, tip)
        about = "\n".join(part for part in (self._tip, words, tip) if part)
        self._title.setToolTip(about)

    def show_progress(self, steps: tuple[int, int] | None) -> None:
        """Show how far a run is, (0, 0) while it waits; None takes the progress away."""
        self._progress.setVisible(steps is not None and steps[1] > 0)
        self._cancel.setVisible(steps is not None)
        if steps is not None:
            self._progress.setRange(0, max(steps[1], 1))
            self._progress.setValue(steps[0])

    def show_value(self, value: float | None) -> None:
        """Show the map's value under the cursor."""
        text = "" if value is None else f"{value:.2f}".replace("-", "−")
        self._value.setText("0.00" if text == "−0.00" else text)

    def set_marked(self, marked: bool) -> None:
        """Mark the pane: marked ones blink."""
        if marked != self.is_marked:
            self.is_marked = marked
            self.update()

    # -- events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Mark, or unmark, with a click on the caption."""
        if event.button() == Qt.MouseButton.LeftButton and event.position().y() < CAPTION:
            self.set_marked(not self.is_marked)
            self.marked.emit(self.is_marked)
        else:
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the map in the single view."""
        if event.button() == Qt.MouseButton.LeftButton and event.position().y() < CAPTION:
            self.opened.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Frame a marked pane."""
        super().paintEvent(event)
        if self.is_marked:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Accent), EDGE))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
            painter.end()

    def warn(self, warning: bool) -> None:
        """Say the state in the colour of trouble, or quietly."""
        palette = self._state.palette()
        quiet = self.palette().color(QPalette.ColorRole.PlaceholderText)
        palette.setColor(
            QPalette.ColorRole.PlaceholderText, QColor(DATA["warning"]) if warning else quiet
        )
        self._state.setPalette(palette)
