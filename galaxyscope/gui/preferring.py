"""Preferences: the dialog, and whoever obeys an option hears of its change; undoable."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject

from galaxyscope.gui.desk import Desk
from galaxyscope.gui.preferences import OPTION, Value
from galaxyscope.gui.undo import Change

Obey = Callable[[], object]


class Preferring(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    obey : mapping of str to callable
        What is done once an option has changed, by its name. The same function under several
        names is called once.
    """

    def __init__(self, desk: Desk, obey: Mapping[str, Obey]) -> None:
        super().__init__(desk.window)
        unknown = set(obey) - set(OPTION)
        assert not unknown, f"no such options: {unknown}"
        self._desk, self._obey = desk, obey

    def open_dialog(self) -> None:
        """Let the user change what she prefers."""
        from galaxyscope.gui.panels.preferences import PreferencesDialog

        settings = self._desk.settings
        dialog = PreferencesDialog(
            settings.preferences, kept_where(settings.path), self._desk.window
        )
        dialog.accepted.connect(lambda: self.change(dialog.values()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def change(self, values: Mapping[str, Value]) -> None:
        """Set preferences from now on."""
        before = self._desk.settings.preferences
        changed = {name: value for name, value in values.items() if value != before[name]}
        if changed:
            old = {name: before[name] for name in changed}
            self._desk.undo.push(
                Change(
                    "change preferences",
                    functools.partial(self._set, changed),
                    functools.partial(self._set, old),
                )
            )

    def _set(self, values: Mapping[str, Value]) -> None:
        for name, value in values.items():
            self._desk.settings.set(name, value)
        self._desk.settings.save()
        for obey in dict.fromkeys(self._obey[name] for name in values if name in self._obey):
            obey()


def kept_where(path: Path | None) -> str:
    """Say where preferences are kept."""
    if path is None:
        return "Safe mode: changes are forgotten at the end."
    home = Path.home()
    shown = Path("~") / path.relative_to(home) if path.is_relative_to(home) else path
    return f"Kept in {shown}"
