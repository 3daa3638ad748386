"""Files that the system asks the program to open wait until there is a window."""

from __future__ import annotations

import subprocess
import sys

from galaxyscope.gui.arrivals import Arrivals


def test_what_comes_early_waits_and_keeps_its_order() -> None:
    arrivals, opened = Arrivals(), list[list[str]]()
    arrivals.take(["a"])
    arrivals.take([])
    arrivals.take(["b", "c"])
    arrivals.hand_to(lambda paths: opened.append(list(paths)))
    assert opened == [["a", "b", "c"]]
    arrivals.take(["d"])
    arrivals.take([])
    assert opened[1:] == [["d"]]
    arrivals.hand_to(None)
    arrivals.take(["late"])
    assert opened[2:] == []


def test_nothing_is_opened_if_nothing_came() -> None:
    opened: list[object] = []
    Arrivals().hand_to(opened.append)
    assert opened == []


PROGRAM = """
from PySide6.QtCore import QCoreApplication, QUrl
from PySide6.QtGui import QFileOpenEvent
from galaxyscope.gui.arrivals import Application
app = Application(["galaxyscope"])
QCoreApplication.sendEvent(app, QFileOpenEvent("/early.fits"))
QCoreApplication.sendEvent(app, QFileOpenEvent(QUrl("https://example.org/no.fits")))
app.arrivals.hand_to(lambda paths: print(*paths))
QCoreApplication.sendEvent(app, QFileOpenEvent(QUrl.fromLocalFile("/late.fits")))
"""


def test_double_clicks_on_macos_are_file_open_events() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["/early.fits", "/late.fits"]
