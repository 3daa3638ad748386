"""What somebody who is to help needs to know: versions, computer, preferences, the last crash.

Nothing of the user's files, not even their names: the home folder is written as ``~``, and of
personal preferences only whether they are set.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

from galaxyscope import __version__
from galaxyscope.gui.crashes import Crash
from galaxyscope.gui.preferences import OPTIONS, Value

DISTRIBUTIONS = (
    "PySide6-Essentials", "pyqtgraph", "numpy", "scipy", "astropy", "torch", "scikit-image",
    "scikit-learn", "photutils", "pillow", "safetensors",
)  # fmt: skip


def screens() -> str:
    """Say what the window is shown on; on the GUI thread."""
    found = [
        f"{screen.size().width()} × {screen.size().height()}, "
        f"scale {screen.devicePixelRatio():g}, {screen.logicalDotsPerInch():.0f} dpi"
        for screen in QGuiApplication.screens()
    ]
    return f"{QGuiApplication.platformName()}: {'; '.join(found) or 'no screen'}"


def graphics() -> str:
    """Say what torch can calculate on besides the processor; imports torch."""
    try:
        import torch
    except ImportError as error:
        return f"torch cannot be imported ({error})"
    if torch.cuda.is_available():
        cards = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        named = [f"{card.name}, {card.total_memory / 2**30:.0f} GiB" for card in cards]
        return f"CUDA {torch.version.cuda}: {'; '.join(named)}"
    if torch.backends.mps.is_available():
        return "Apple GPU (MPS)"
    return "none that torch can use"


def write(
    values: Mapping[str, Value],
    where: Mapping[str, str],
    crashes: Sequence[Crash] = (),
) -> str:
    """Return the diagnostics as text; any thread.

    Parameters
    ----------
    values : mapping
        Preferences by name.
    where : mapping of str to str
        What the GUI thread has to say, by heading: screen, network, …
    crashes : sequence of Crash
        Their logs are added.
    """
    lines = [
        f"GalaxyScope {__version__}",
        f"Python {platform.python_version()}, Qt {qVersion()}",
        ", ".join(f"{name} {_version(name)}" for name in DISTRIBUTIONS),
        "",
        f"System: {platform.platform()}, {_distribution()}",
        f"Processor: {platform.machine()}, {os.cpu_count()} cores, {_memory()}",
        f"GPU: {graphics()}",
        *(f"{heading}: {text}" for heading, text in where.items()),
        f"Installed in: {sys.prefix}",
    ]
    for crash in crashes:
        lines += ["", f"Log {crash.path.name}", crash.text.strip()]
    lines += ["", "Preferences"]
    lines += [f"  {option.name} = {_shown(option.name, values[option.name])}" for option in OPTIONS]
    return without_home("\n".join(lines)) + "\n"


def without_home(text: str) -> str:
    """Return a text in which the user's home folder is ``~``."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def _shown(name: str, value: Value) -> str:
    [option] = [option for option in OPTIONS if option.name == name]
    if option.personal:
        return "(set)" if value != option.default else "(not set)"
    return str(value) if value == option.default else f"{value} (default {option.default})"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return platform.version()


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return "memory unknown"
    return f"{total / 2**30:.0f} GiB"
