"""A button that opens a searchable list of things to check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from galaxyscope.gui.panels.common import GAP, Popover
from galaxyscope.gui.panels.search_tree import Choice, SearchTree


class CheckList(QToolButton):
    """Says what is checked; opens the list.

    Parameters
    ----------
    what : str
        What is checked, in the plural: ``"methods"``.

    Signals
    -------
    changed : names that are checked now
    """

    changed = Signal(object)

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what = what
        self._names: tuple[str, ...] = ()
        self._groups: Mapping[str, Sequence[Choice]] = {}
        self._presets: Mapping[str, Sequence[str]] = {}
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setAutoRaise(True)
        self.setArrowType(Qt.ArrowType.NoArrow)
        self.setAccessibleName(what.capitalize())
        self.popover: Popover | None = None
        self.list: SearchTree | None = None
        self.clicked.connect(self.open_list)
        self._tell()

    @property
    def names(self) -> tuple[str, ...]:
        """What is checked, in the order of the list."""
        return self._names

    def offer(
        self,
        groups: Mapping[str, Sequence[Choice]],
        names: Sequence[str],
        presets: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Offer other entries, with these checked; `presets` are sets by what is shown."""
        self._groups, self._presets = groups, presets or {}
        offered = [choice.name for choices in groups.values() for choice in choices]
        self._names = tuple(name for name in offered if name in names)
        self._tell()

    def choose(self, names: Sequence[str]) -> None:
        """Check these and say so."""
        offered = [choice.name for choices in self._groups.values() for choice in choices]
        found = tuple(name for name in offered if name in names)
        if found != self._names:
            self._names = found
            self._tell()
            self.changed.emit(found)

    def open_list(self) -> None:
        """Open the list below the button."""
        if self.popover is not None:
            self.popover.deleteLater()
        self.popover = popover = Popover(self)
        popover.setWindowFlags(Qt.WindowType.Popup)
        popover.setWindowTitle(self._what.capitalize())
        self.list = entries = SearchTree(self._groups, checkable=True, parent=popover)
        entries.check(self._names)
        entries.checked.connect(lambda: self.choose(entries.names()))
        layout = QVBoxLayout(popover)
        layout.setContentsMargins(GAP, GAP, GAP, GAP)
        layout.setSpacing(GAP // 2)
        layout.addWidget(entries, 1)
        row = QHBoxLayout()
        row.setSpacing(GAP // 2)
        for text, names in self._presets.items():
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked, names=names: entries.check(names))
            row.addWidget(button)
        row.addStretch(1)
        if self._presets:
            layout.addLayout(row)
        count = sum(len(choices) + 1 for choices in self._groups.values())
        popover.resize(300, min(130 + 22 * count, 460))
        popover.move(self.mapToGlobal(QPoint(0, self.height() + 2)))
        popover.show()
        entries.edit.setFocus()
        if self._names:
            entries.stand_on(self._names[0])

    def _tell(self) -> None:
        texts = {c.name: c.text for choices in self._groups.values() for c in choices}
        shown = [texts[name] for name in self._names]
        preset = [
            text
            for text, names in self._presets.items()
            if set(names) == set(self._names) and names
        ]
        count = f"{len(shown)} {self._what}"
        said = shown[0] if len(shown) == 1 else f"{count} · {preset[0]}" if preset else count
        said = said if len(said) <= 24 else f"{said[:23]}…"
        self.setText(f"{said}  ▾")
        self.setToolTip(f"{self._what.capitalize()}: {', '.join(shown) or 'none'}")
