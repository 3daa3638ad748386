"""The table of actions come alive: menus, toolbar, keys, command palette and F1 from one place."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from galaxyscope.gui.action_table import ACTIONS, MENUS, MOUSE, ActionSpec

NATIVE = QKeySequence.SequenceFormat.NativeText


class Actions:
    """The table as live `QAction` objects of a window.

    Parameters
    ----------
    window : QMainWindow
        Owns the actions; `ActionSpec.does` is looked up below it when triggered.
    """

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._groups: dict[str, QActionGroup] = {}
        self._actions = {spec.id: self._make(spec) for spec in ACTIONS}
        self.menus: dict[str, QMenu] = {}

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def items(self) -> Iterable[tuple[ActionSpec, QAction]]:
        """Return the table's rows with their live actions, in order."""
        return ((spec, self._actions[spec.id]) for spec in ACTIONS)

    def fill_menu_bar(self) -> None:
        """Build the menus, in the order of `MENUS`."""
        bar = self._window.menuBar()
        for title in MENUS:
            self.menus[title] = bar.addMenu(f"&{title}")
        for spec, action in self.items():
            if spec.menu.startswith("-"):
                self.menus[spec.menu[1:].partition("/")[0]].addSeparator()
            self._menu(spec.menu.lstrip("-")).addAction(action)
            if spec.id == "samples":
                self._menu("File/Open recent")  # filled when it is shown

    def _menu(self, path: str) -> QMenu:
        if path not in self.menus:
            parent, _, title = path.rpartition("/")
            self.menus[path] = self._menu(parent).addMenu(title)
        return self.menus[path]

    def enable(self, **there_is: bool) -> None:
        """Enable and disable actions by what they need: ``enable(image=True, map=False)``."""
        for spec, action in self.items():
            if spec.needs in there_is:
                action.setEnabled(there_is[spec.needs])

    def check(self, action_id: str, checked: bool = True) -> None:
        """Show a state that was reached elsewhere, without calling the method again."""
        action = self._actions[action_id]
        if action.isChecked() != checked:
            action.setChecked(checked)

    def _make(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.text, self._window)
        action.setObjectName(spec.id)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        keys = f" ({action.shortcut().toString(NATIVE)})" if spec.keys else ""
        action.setToolTip(f"{spec.text.rstrip('…')}{keys}" + (f"\n{spec.tip}" if spec.tip else ""))
        if spec.checked is not None:
            action.setCheckable(True)
            action.setChecked(spec.checked)
        if spec.group:
            group = self._groups.get(spec.group)
            if group is None:
                group = self._groups[spec.group] = QActionGroup(self._window)
            group.addAction(action)
        # `triggered` and not `toggled`: showing a state must not cause it again.
        action.triggered.connect(lambda checked, spec=spec: self._run(spec, checked))
        self._window.addAction(action)
        return action

    def _run(self, spec: ActionSpec, checked: bool) -> None:
        method: Any = attrgetter(spec.does)(self._window)
        if spec.argument is not None:
            method(spec.argument)
        elif spec.checked is not None:
            method(checked)
        else:
            method()


def key_table() -> list[tuple[str, str, str]]:
    """Return what F1 shows: (menu, what it does, keys), and what the mouse does."""
    rows = []
    zooms = [spec for spec in ACTIONS if spec.menu == "View/Zoom"]
    for spec in ACTIONS:
        if spec is zooms[0]:
            digits = " ".join(key for zoom in zooms for key in zoom.keys)
            rows.append(("View", f"{zooms[0].text} to {zooms[-1].text}", digits))
        elif spec.keys and spec not in zooms:
            keys = "  or  ".join(QKeySequence(key).toString(NATIVE) for key in spec.keys)
            rows.append((spec.menu.lstrip("-").partition("/")[0], spec.text.rstrip("…"), keys))
    return [*rows, *MOUSE]
