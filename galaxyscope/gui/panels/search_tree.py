"""A list under headings that is searched by typing: entries are chosen, or checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from galaxyscope.gui.panels.common import GAP, quiet_color

NAME = Qt.ItemDataRole.UserRole
_UP_DOWN = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}


@dataclass(frozen=True)
class Choice:
    """One entry: its name in code, what is shown, and what else a search may find it by."""

    name: str
    text: str
    words: str = ""


class SearchTree(QWidget):
    """Search line over a list; the list is steered from the line by Up, Down and Return.

    Parameters
    ----------
    groups : mapping of str to sequence of Choice
        By heading; an empty heading is not shown.
    checkable : bool
        Entries are checked, any number of them; else one is chosen.

    Signals
    -------
    current : name of the entry that the list stands on
    chosen : name of the entry that Return or a click chose
    checked : the set of checked entries changed
    """

    current = Signal(str)
    chosen = Signal(str)
    checked = Signal()

    def __init__(
        self,
        groups: Mapping[str, Sequence[Choice]],
        checkable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._checkable = checkable
        self.edit = QLineEdit(placeholderText="Search")
        self.edit.setClearButtonEnabled(True)
        self.edit.setAccessibleName("Search")
        self.edit.installEventFilter(self)
        self.edit.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setRootIsDecorated(False)
        self.tree.setItemsExpandable(False)
        self.tree.setIndentation(10)
        self.tree.setStyleSheet("QTreeView::branch { image: none; background: none; }")
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._words: dict[str, str] = {}
        for heading, choices in groups.items():
            top = QTreeWidgetItem([heading])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            top.setForeground(0, quiet_color(self))
            if heading:
                self.tree.addTopLevelItem(top)
            for choice in choices:
                item = QTreeWidgetItem([choice.text])
                item.setData(0, NAME, choice.name)
                item.setToolTip(0, choice.text)
                flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
                if checkable:
                    flags |= Qt.ItemFlag.ItemIsUserCheckable
                    item.setCheckState(0, Qt.CheckState.Unchecked)
                item.setFlags(flags)
                top.addChild(item) if heading else self.tree.addTopLevelItem(item)
                self._items[choice.name] = item
                self._words[choice.name] = f"{choice.text} {choice.words} {heading}".casefold()
        self.tree.expandAll()
        self.tree.currentItemChanged.connect(self._tell)
        self.tree.itemChanged.connect(lambda _item, _column: self.checked.emit())
        self.tree.itemClicked.connect(self._clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addWidget(self.edit)
        layout.addWidget(self.tree, 1)
        self.setFocusProxy(self.edit)

    # -- entries

    def names(self) -> tuple[str, ...]:
        """Names of the checked entries, in the order of the list."""
        return tuple(
            name
            for name, item in self._items.items()
            if item.checkState(0) == Qt.CheckState.Checked
        )

    def check(self, names: Sequence[str]) -> None:
        """Check these entries and no others; said once."""
        blocked = self.tree.blockSignals(True)
        for name, item in self._items.items():
            on = name in names
            item.setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.tree.blockSignals(blocked)
        self.tree.viewport().update()
        self.checked.emit()

    def stand_on(self, name: str) -> None:
        """Move to an entry."""
        item = self._items.get(name)
        if item is not None:
            self.tree.setCurrentItem(item)
            self.tree.scrollToItem(item, QTreeWidget.ScrollHint.PositionAtCenter)

    @property
    def standing(self) -> str:
        """Name of the entry that the list stands on, empty if it stands on none."""
        item = self.tree.currentItem()
        return "" if item is None else str(item.data(0, NAME) or "")

    def visible(self) -> list[str]:
        """Names of the entries that the search lets through."""
        return [name for name, item in self._items.items() if not item.isHidden()]

    # -- events

    def _tell(self, item: QTreeWidgetItem | None) -> None:
        if item is not None and item.data(0, NAME):
            self.current.emit(item.data(0, NAME))

    def _clicked(self, item: QTreeWidgetItem) -> None:
        if item.data(0, NAME) and not self._checkable:
            self.chosen.emit(item.data(0, NAME))

    def _filter(self, text: str) -> None:
        wanted = text.casefold().split()
        for name, item in self._items.items():
            item.setHidden(not all(word in self._words[name] for word in wanted))
        for row in range(self.tree.topLevelItemCount()):
            top = self.tree.topLevelItem(row)
            if top is not None and top.childCount():
                children = (top.child(i) for i in range(top.childCount()))
                top.setHidden(all(child.isHidden() for child in children))
        shown = self.visible()
        if shown and self.standing not in shown:
            self.stand_on(shown[0])

    def _step(self, by: int) -> None:
        shown = self.visible()
        if not shown:
            return
        here = shown.index(self.standing) if self.standing in shown else -1
        self.stand_on(shown[min(max(here + by, 0), len(shown) - 1)])

    def _act(self) -> None:
        item = self._items.get(self.standing)
        if item is None or item.isHidden():
            return
        if self._checkable:
            on = item.checkState(0) == Qt.CheckState.Checked
            item.setCheckState(0, Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)
        else:
            self.chosen.emit(self.standing)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up, Down and Return steer the list while the cursor stays in the search line."""
        if watched is self.edit and isinstance(event, QKeyEvent):
            key = Qt.Key(event.key())
            press = event.type() == QEvent.Type.KeyPress
            if key in _UP_DOWN:
                if press:
                    self._step(_UP_DOWN[key])
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if press:
                    self._act()
                return True
        return super().eventFilter(watched, event)
