"""What the window remembers between two starts: layout, recent files, preferences."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import appdirs
from PySide6.QtCore import QByteArray, QSettings

from galaxyscope.gui.preferences import OPTION, OPTIONS, Value

RECENT = 12


def default_settings_file() -> Path:
    """Return the ini file of this user, where the platform keeps such files."""
    return Path(appdirs.user_config_dir("galaxyscope", appauthor=False)) / "window.ini"


class Settings:
    """Typed access to one ini file.

    Parameters
    ----------
    path : Path or None
        Made on the first change; a damaged file reads as empty. None (safe mode): everything
        begins with its default, and nothing is remembered.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._store = (
            _Forgetful() if path is None else QSettings(str(path), QSettings.Format.IniFormat)
        )

    def preference(self, name: str) -> Value:
        """Return a preference; its default where what is stored is damaged.

        Raises
        ------
        KeyError
            If no such preference is declared.
        """
        return OPTION[name].read(self._store.value(name))

    @property
    def preferences(self) -> Mapping[str, Value]:
        """All preferences by name."""
        return {option.name: self.preference(option.name) for option in OPTIONS}

    def flag(self, name: str) -> bool:
        """Return a preference that is on or off."""
        return bool(self.preference(name))

    def word(self, name: str) -> str:
        """Return a preference that is a word."""
        return str(self.preference(name))

    def number(self, name: str) -> int:
        """Return a preference that is a whole number."""
        return int(self.preference(name))

    def text(self, name: str) -> str:
        """Return a word that is remembered and no preference, empty if there is none."""
        value = self._store.value(name)
        return value if isinstance(value, str) else ""

    def set(self, name: str, value: Value) -> None:
        """Remember a preference or a word."""
        self._store.setValue(name, value)

    @property
    def observer(self) -> str:
        """Who draws; the login name until somebody says otherwise."""
        return self.word("observer") or _login_name()

    @property
    def recent(self) -> list[Path]:
        """Files and folders that were opened, newest first."""
        value: Any = self._store.value("recent", [])
        names = [value] if isinstance(value, str) else list(value or [])
        return [Path(name) for name in names if isinstance(name, str) and name][:RECENT]

    def add_recent(self, path: Path) -> None:
        """Put a file or folder in front of the recent ones."""
        names = [str(path), *(str(p) for p in self.recent if p != path)]
        self._store.setValue("recent", names[:RECENT])

    def forget_recent(self) -> None:
        """Empty the list of recent files."""
        self._store.remove("recent")

    def bytes(self, name: str) -> QByteArray:
        """Return a layout that Qt wrote, empty if there is none."""
        value = self._store.value(name)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_bytes(self, name: str, value: QByteArray) -> None:
        """Remember a layout that Qt wrote."""
        self._store.setValue(name, value)

    def save(self) -> None:
        """Write to disk now."""
        self._store.sync()


class _Forgetful:
    """Stands for `QSettings` where nothing is read from disk or written to it."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def value(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def setValue(self, name: str, value: Any) -> None:
        self._values[name] = value

    def remove(self, name: str) -> None:
        self._values.pop(name, None)

    def sync(self) -> None:
        """Nothing to write."""


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no login name and no entry in the user database
        return "observer"
