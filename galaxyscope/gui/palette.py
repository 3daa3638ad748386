"""The command palette: every action, found by a few letters."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.actions import NATIVE, Actions
from galaxyscope.gui.panels.common import GAP, Popover

_WIDTH, _ROWS = 500, 18


def score(wish: str, text: str) -> int:
    """How well letters fit a text: 0 not at all; words' beginnings count most.

    Parameters
    ----------
    wish : str
        What was typed; its letters must occur in this order.
    text : str
    """
    wish, text = wish.casefold().replace(" ", ""), text.casefold()
    if not wish:
        return 1
    points, at, run = 1, 0, 0
    for letter in wish:
        found = text.find(letter, at)
        if found < 0:
            return 0
        run = run + 1 if found == at and at else 0
        starts_word = found == 0 or not text[found - 1].isalnum()
        points += 1 + 4 * starts_word + 3 * run
        at = found + 1
    return 10 * points - min(len(text), 9)


class Palette(Popover):
    """See the module."""

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Commands")
        self.setWindowFlag(Qt.WindowType.FramelessWindowHint)
        self._actions = [
            (f"{spec.menu.lstrip('-').replace('/', ' › ')} › {spec.text.rstrip('…')}", action)
            for spec, action in actions.items()
            if spec.id != "commands"
        ]
        self.edit = QLineEdit(placeholderText="Type what you want to do")
        self.edit.setAccessibleName("Command")
        self.edit.installEventFilter(self)
        self.list = QTreeWidget(columnCount=2)
        self.list.setRootIsDecorated(False)
        self.list.setHeaderHidden(True)
        self.list.setAccessibleName("Commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemActivated.connect(self._run)
        self.list.itemClicked.connect(self._run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, GAP, GAP, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self.edit)
        layout.addWidget(self.list)
        layout.setSizeConstraint(QVBoxLayout.SizeConstraint.SetFixedSize)
        self.list.setFixedWidth(_WIDTH)
        self.edit.textChanged.connect(self._fill)
        self._fill("")

    def open_over(self, window: QWidget) -> None:
        """Show it in the upper middle of a window."""
        place = window.geometry()
        self.move(place.center().x() - self.width() // 2, place.top() + 64)
        self.open()
        self.edit.setFocus()

    def _fill(self, wish: str) -> None:
        found = [(score(wish, text), text, action) for text, action in self._actions]
        if wish:
            found.sort(key=lambda one: -one[0])
        self.list.clear()
        for points, text, action in found:
            if points:
                item = QTreeWidgetItem([text, action.shortcut().toString(NATIVE)])
                item.setData(0, Qt.ItemDataRole.UserRole, action)
                item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
                item.setDisabled(not action.isEnabled())
                self.list.addTopLevelItem(item)
        if not self.list.topLevelItemCount():
            nothing = QTreeWidgetItem(["No command is called that"])
            nothing.setDisabled(True)
            self.list.addTopLevelItem(nothing)
        self.list.setColumnWidth(0, _WIDTH * 3 // 4)
        rows = min(self.list.topLevelItemCount(), _ROWS)
        frame = 2 * self.list.frameWidth()
        self.list.setFixedHeight(rows * self.list.sizeHintForRow(0) + frame)  # no empty space
        self._choose(0)

    def _choose(self, row: int) -> None:
        row = min(max(row, 0), self.list.topLevelItemCount() - 1)
        item = self.list.topLevelItem(row)
        if item is not None:
            self.list.setCurrentItem(item)

    def _run(self, item: QTreeWidgetItem | None) -> None:
        if item is not None and not item.isDisabled():
            action: QAction = item.data(0, Qt.ItemDataRole.UserRole)
            self.accept()
            action.trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up, Down and Return work while the cursor stays in the text."""
        if watched is self.edit and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress and event.key() in (
                Qt.Key.Key_Up,
                Qt.Key.Key_Down,
            ):
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                self._choose(self.list.currentIndex().row() + step)
                return True
            if event.type() == QEvent.Type.KeyPress and event.key() in (
                Qt.Key.Key_Return,
                Qt.Key.Key_Enter,
            ):
                self._run(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)
