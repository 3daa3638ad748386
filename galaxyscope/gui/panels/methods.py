"""The list of methods with the card of one: what it shows, what it costs, whether to believe it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QPalette, QTextOption
from PySide6.QtWidgets import QHBoxLayout, QTextBrowser, QWidget

from galaxyscope.explain.cards import CARDS
from galaxyscope.explain.protocol import MethodCard
from galaxyscope.gui.method_text import as_html
from galaxyscope.gui.panels.common import GAP, Popover
from galaxyscope.gui.panels.search_tree import Choice, SearchTree
from galaxyscope.gui.theme import DATA

WIDTH, HEIGHT, LIST = 620, 420, 236


def method_choices() -> dict[str, list[Choice]]:
    """Return all methods under the heading of their family."""
    groups: dict[str, list[Choice]] = {}
    for card in CARDS:
        words = f"{card.name} {card.summary} {card.reference}"
        groups.setdefault(card.family, []).append(Choice(card.name, card.title, words))
    return groups


class MethodList(Popover):
    """Methods on the left, searched by typing; the card of the one the list stands on.

    Parameters
    ----------
    about : callable
        Lines of a card that depend on the network: pairs of what and how it is.

    Signals
    -------
    chosen : registry name
    """

    chosen = Signal(str)

    def __init__(
        self, about: Callable[[str], list[tuple[str, str]]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Methods")
        self.setWindowFlags(Qt.WindowType.Popup)
        self._about = about
        self.list = SearchTree(method_choices())
        self.list.edit.setPlaceholderText("Search methods")
        self.list.setFixedWidth(LIST)
        self.card = QTextBrowser(openLinks=False)
        self.card.setAccessibleName("Card of the method")
        self.card.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.card.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.card.document().setDocumentMargin(GAP)
        self.list.current.connect(self._show)
        self.list.chosen.connect(self._choose)
        self.list.edit.textChanged.connect(self.refresh)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, GAP, GAP, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self.list)
        layout.addWidget(self.card, 1)
        self.resize(WIDTH, HEIGHT)

    def open_at(self, widget: QWidget, name: str) -> None:
        """Open beside a widget, inside its screen, with the list on a method."""
        right = widget.mapToGlobal(QPoint(widget.width(), widget.height() + 2))
        area = widget.screen().availableGeometry()
        self.move(
            min(max(right.x() - self.width(), area.left()), area.right() - self.width()),
            min(max(right.y(), area.top()), area.bottom() - self.height()),
        )
        self.show()
        self.list.edit.clear()
        self.list.edit.setFocus()
        self.list.stand_on(name)

    def refresh(self) -> None:
        """Show the card again, because more is known of it, or that the search found none."""
        if not self.list.visible():
            self.card.setPlainText("No method is called so.")
        elif self.list.standing:
            self._show(self.list.standing)

    def _show(self, name: str) -> None:
        card: MethodCard = next(card for card in CARDS if card.name == name)
        quiet = self.palette().color(QPalette.ColorRole.PlaceholderText).name()
        place = self.card.verticalScrollBar().value()
        self.card.setHtml(as_html(card, self._about(name), quiet, DATA["warning"]))
        self.card.verticalScrollBar().setValue(place)

    def _choose(self, name: str) -> None:
        self.hide()
        self.chosen.emit(name)
