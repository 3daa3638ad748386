"""What the window remembers between two starts: layout, recent files, preferences."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import appdirs
from PySide6.QtCore import QByteArray, QSettings

RECENT = 12


def default_settings_file() -> Path:
    """Return the ini file of this user, where the platform keeps such files."""
    return Path(appdirs.user_config_dir("galaxyscope", appauthor=False)) / "window.ini"


class Settings:
    """Typed access to one ini file.

    Parameters
    ----------
    path : Path
        Made on the first change; a damaged file reads as empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a preference that is on or off."""
        return str(self._store.value(name, default)).lower() in {"true", "1"}

    def text(self, name: str, default: str = "") -> str:
        """Return a preference that is a word."""
        value = self._store.value(name, default)
        return value if isinstance(value, str) else default

    def set(self, name: str, value: bool | str) -> None:
        """Remember a preference."""
        self._store.setValue(name, value)

    @property
    def observer(self) -> str:
        """Who draws; the login name until somebody says otherwise."""
        return self.text("observer") or _login_name()

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


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no login name and no entry in the user database
        return "observer"
