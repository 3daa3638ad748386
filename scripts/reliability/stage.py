"""A window without a screen, on folders of its own, whose every complaint is heard."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Complaints:
    """What went wrong: exceptions of any thread, Qt's warnings, Python's warnings."""

    heard: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Keep one, with what was done when it came."""
        self.heard.append(text[:2000])


def homes(folder: Path) -> None:
    """Let this process keep settings, sessions and caches below a folder; no screen."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for name, part in (("DATA", "data"), ("CONFIG", "config"), ("CACHE", "cache")):
        os.environ[f"XDG_{name}_HOME"] = str(folder / part)


@contextmanager
def listening() -> Iterator[Complaints]:
    """Hear everything that would be lost on a terminal."""
    import traceback

    from PySide6.QtCore import QtMsgType, qInstallMessageHandler

    complaints = Complaints()

    def hear(kind: type[BaseException], error: BaseException | None, trace: Any) -> None:
        complaints.add("".join(traceback.format_exception(kind, error, trace)))

    def message(kind: QtMsgType, _context: Any, text: str) -> None:
        # The offscreen platform cannot do everything; that is no fault of the program.
        if kind != QtMsgType.QtDebugMsg and "This plugin does not support" not in text:
            complaints.add(f"Qt: {text}")

    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    sys.excepthook = hear
    threading.excepthook = lambda a: hear(a.exc_type, a.exc_value, a.exc_traceback)
    sys.unraisablehook = lambda a: hear(a.exc_type, a.exc_value, a.exc_traceback)
    handler = qInstallMessageHandler(message)
    try:
        yield complaints
    finally:
        qInstallMessageHandler(handler)
        sys.excepthook, threading.excepthook, sys.unraisablehook = before


def galaxies(folder: Path, count: int = 4) -> Path:
    """Write small galaxies as FITS, the last one without a scale."""
    import numpy as np
    from astropy.io import fits

    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[:96, :96] - 48.0
    for n in range(count):
        noise = np.random.default_rng(n).normal(0, 1, (96, 96))
        light = 100 * np.exp(-np.hypot((x + y) / 3 + n, (x - y) / 1.5) / 8)
        hdu = fits.PrimaryHDU((light + noise).astype(np.float32))
        if n < count - 1:
            hdu.header.update(
                CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=48.0, CRPIX2=48.0, CRVAL1=190.0,
                CRVAL2=2.0, CDELT1=-0.5 / 3600, CDELT2=0.5 / 3600, CUNIT1="deg", CUNIT2="deg",
            )  # fmt: skip
        hdu.writeto(folder / f"g{n}.fits", overwrite=True)
    return folder


def process(seconds: float) -> None:
    """Let the window live for a while."""
    from PySide6.QtCore import QCoreApplication, QEvent

    end = time.monotonic() + seconds
    while True:
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        if time.monotonic() >= end:
            return
        time.sleep(0.002)


def until(true: Callable[[], bool], patience_s: float = 120.0) -> bool:
    """Let the window live until something is so."""
    end = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > end:
            return False
        process(0.005)
    return True


def make_window(session: Path, settings: Path) -> Any:
    """Return a window that is shown."""
    from PySide6.QtWidgets import QApplication

    from galaxyscope.gui.settings import Settings
    from galaxyscope.gui.window import MainWindow
    from galaxyscope.records.opening import open_own

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    window = MainWindow(open_own(session)[0], Settings(settings))
    window.show()
    process(0.05)
    return window


def left_over(before: set[threading.Thread], patience_s: float = 5.0) -> list[str]:
    """Names of threads that were not there before and do not end."""
    end = time.monotonic() + patience_s
    while True:
        names = [
            thread.name
            for thread in threading.enumerate()
            if thread not in before and type(thread).__name__ not in ("TMonitor", "_DummyThread")
        ]
        if not names or time.monotonic() > end:
            return names
        time.sleep(0.02)


def spread(chance: random.Random, most: float) -> float:
    """Return a time, short ones as likely as long ones."""
    return float(most * chance.random() ** 2)
