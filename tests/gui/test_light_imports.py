"""The window can be painted before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "torch", "captum", "lime", "matplotlib", "sklearn", "skimage", "scipy", "astropy", "PIL",
)  # fmt: skip

PROGRAM = """
import sys, tempfile, pathlib
from PySide6.QtWidgets import QApplication
from galaxyscope.gui.settings import Settings
from galaxyscope.gui.window import MainWindow
from galaxyscope.records.store import Session
import galaxyscope.gui.app
app = QApplication([])
with tempfile.TemporaryDirectory() as place:
    window = MainWindow(Session(pathlib.Path(place) / "s"), Settings(pathlib.Path(place) / "i"))
    window.show()
    app.processEvents()
    print(*sorted(set(sys.modules) & set(sys.argv[1:])))
    window.close()
"""


def test_nothing_heavy_before_the_first_paint() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *HEAVY], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == []
