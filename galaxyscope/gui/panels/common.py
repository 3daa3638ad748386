"""Small things that the panels share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.theme import icon

GAP = 8


def quiet_color(widget: QWidget) -> QColor:
    """Colour of text that steps back, in the present theme."""
    return widget.palette().color(QPalette.ColorRole.PlaceholderText)


def small_font(base: QFont) -> QFont:
    """Return a step smaller than `base`."""
    font = QFont(base)
    if base.pointSizeF() > 0:
        font.setPointSizeF(base.pointSizeF() * 0.9)
    return font


class QuietLabel(QLabel):
    """Text that steps back and follows the theme; never wider than its place."""

    def __init__(self, text: str = "", wrap: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        if not wrap:
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)


class AskLabel(QuietLabel):
    """Numbers that can be asked where they come from: a click, or Return.

    Signals
    -------
    asked : no argument
    """

    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setToolTip("How was this computed?")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_text("")

    def show_text(self, text: str, numbers: bool = True) -> None:
        """Show a text; `numbers` says whether there is something to ask about."""
        self.setText(text)
        self.setAccessibleName(text)
        self.setEnabled(bool(text))
        shape = (
            Qt.CursorShape.PointingHandCursor if numbers and text else Qt.CursorShape.ArrowCursor
        )
        self.setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ask."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ask on Return."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.asked.emit()
        else:
            super().keyPressEvent(event)


class ElidedLabel(QuietLabel):
    """One quiet line that ends in an ellipsis where there is no room; the tooltip has it all."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.show_text(text)

    @property
    def whole(self) -> str:
        """The text, not cut."""
        return self._whole

    def show_text(self, text: str, tip: str = "") -> None:
        """Show another text; the tooltip is `tip` below the text."""
        self._whole, self._tip = text, tip
        self.setAccessibleName(text)
        self.setToolTip("\n".join(part for part in (text, tip) if part))
        self._elide()

    def minimumSizeHint(self) -> QSize:
        """No width of its own: a long text must not widen the panel before it is cut."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        right = Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(self._whole, right, self.width()))


@dataclass(frozen=True)
class Offer:
    """A way out of what a notice says: the text of a button, and what it does."""

    text: str
    do: Callable[[], object]


class Notice(QWidget):
    """One sentence, and below it buttons that lead on; gone while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = QuietLabel(wrap=True)
        self._offers: tuple[Offer, ...] = ()
        self._row = QHBoxLayout()
        self._row.setSpacing(GAP)
        self._row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addWidget(self.label)
        layout.addLayout(self._row)
        self.tell("")

    def text(self) -> str:
        """Return what it says."""
        return self.label.text()

    @property
    def buttons(self) -> list[QPushButton]:
        """What is offered, as buttons."""
        items = (self._row.itemAt(i) for i in range(self._row.count()))
        return [item.widget() for item in items if isinstance(item.widget(), QPushButton)]

    def tell(self, text: str, offers: Sequence[Offer] = ()) -> None:
        """Say something else; the buttons stay where what they offer stays the same."""
        self.label.setText(text)
        self.setVisible(bool(text))
        if [offer.text for offer in offers] != [offer.text for offer in self._offers]:
            for button in self.buttons:
                self._row.removeWidget(button)
                button.hide()
                button.deleteLater()
            for i, offer in enumerate(offers):
                button = QPushButton(offer.text)
                button.clicked.connect(lambda _checked, i=i: self._offers[i].do())
                self._row.insertWidget(i, button)
        self._offers = tuple(offers)


class Popover(QDialog):
    """Window without a frame of its own: a hairline parts it from what lies below."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the hairline."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


def tool_button(name: str, text: str, tip: str = "") -> QToolButton:
    """Return a flat button that shows an icon, or its text where there is no such icon."""
    button = QToolButton()
    picture = icon(name)
    if picture.isNull():
        button.setText(text)
    else:
        button.setIcon(picture)
    button.setAccessibleName(text if text.isascii() else tip)
    button.setToolTip(tip or text)
    button.setAutoRaise(True)
    button.setProperty("icon_name", name)
    return button
