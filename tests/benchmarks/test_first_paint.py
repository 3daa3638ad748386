"""How long until something is on screen, against a process that does nothing else."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

BARE = """
from PySide6.QtWidgets import QApplication, QMainWindow
import pyqtgraph
import astropy.io.fits
app = QApplication([])
window = QMainWindow()
window.resize(1280, 800)
stop_at_first_paint(app)
window.show()
app.exec()
"""

OURS = """
from galaxyscope.launch import main
from PySide6.QtWidgets import QApplication
run = QApplication.exec
def exec_watched(*_):
    stop_at_first_paint(QApplication.instance())
    return run()
QApplication.exec = exec_watched
main([])
"""

# A process ends at the first paint of its window and says how long it has lived.
WATCH = """
import os, time
born = float(os.environ["BORN"])
from PySide6.QtCore import QEvent, QObject
class Stop(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and watched.isWidgetType() and watched.isWindow():
            os.write(1, f"{time.time() - born}".encode())
            os._exit(0)
        return False
def stop_at_first_paint(app):
    app.watch = Stop()
    app.installEventFilter(app.watch)
"""


def said(program: str, home: Path) -> str:
    """What a program with a window prints; what went wrong where it prints nothing."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH + program],
        env=os.environ
        | {
            "BORN": repr(time.time()),
            "HOME": str(home),
            "XDG_DATA_HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "QT_QPA_PLATFORM": "offscreen",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout or done.stderr


def seconds(program: str, home: Path) -> float:
    return float(said(program, home))


@pytest.mark.benchmark
def test_first_paint_against_a_bare_window(tmp_path: Path) -> None:
    seconds(BARE, tmp_path), seconds(OURS, tmp_path)
    pairs = [(seconds(OURS, tmp_path), seconds(BARE, tmp_path)) for _ in range(7)]
    ratio = statistics.median(ours / bare for ours, bare in pairs)
    ours, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"\nfirst paint: {ours:.2f} s, bare window {bare:.2f} s, ratio {ratio:.2f} (goal ≤ 1.5)")
    assert ratio <= 1.5


def test_nothing_heavy_before_the_first_paint(tmp_path: Path) -> None:
    """What the benchmark measures, as a rule that cannot be noisy."""
    check = OURS.replace("main([])", "").replace(
        "return run()",
        "import sys; heavy = [m for m in "
        '("torch", "captum", "lime", "matplotlib", "sklearn", "skimage", "scipy", "astropy.wcs",'
        ' "astropy.visualization", "astropy.cosmology") if m in sys.modules]; '
        "os.write(1, repr(heavy).encode()); os._exit(0)",
    )
    assert said(check + "main([])", tmp_path) == "[]"


def test_garbage_is_collected_from_the_first_paint_on(tmp_path: Path) -> None:
    check = OURS.replace(
        "return run()",
        "import gc; from PySide6.QtCore import QTimer; timer = QTimer(); "
        "timer.timeout.connect(lambda: gc.isenabled() and "
        "(os.write(1, repr(before).encode()), os._exit(0))); before = gc.isenabled(); "
        "timer.start(10); return run()",
    ).replace("stop_at_first_paint(QApplication.instance())", "")
    assert said(check, tmp_path) == "False"
