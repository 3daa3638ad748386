"""Small things that the panels share."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolButton, QWidget

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


def tool_button(name: str, text: str, tip: str = "") -> QToolButton:
    """Return a flat button that shows an icon, or its text where there is no such icon."""
    button = QToolButton()
    picture = icon(name)
    if picture.isNull():
        button.setText(text)
    else:
        button.setIcon(picture)
    button.setAccessibleName(text)
    button.setToolTip(tip or text)
    button.setAutoRaise(True)
    button.setProperty("icon_name", name)
    return button
