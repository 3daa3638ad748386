"""The program ends well though a thread cannot be stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BUSY = """
import sys, time
from PySide6.QtCore import QTimer
from galaxyscope import launch
from galaxyscope.gui import chores, window

def load(name, running):
    import torch
    some = torch.rand(1500, 1500)
    QTimer.singleShot(0, shown[0], shown[0].close)
    until = time.monotonic() + 30
    while time.monotonic() < until:  # in the library's own code, where no cancelling is heard
        some = (some @ some).clamp(0, 1)
chores.load_network = load
shown = []
begin = window.MainWindow.start_work
window.MainWindow.start_work = lambda self: (shown.append(self), begin(self))
sys.exit(launch.main([]))
"""


def test_a_network_that_loads_for_ever_does_not_abort_the_end(tmp_path: Path) -> None:
    """At the interpreter's end such a thread was unwound through C++: the process aborted."""
    homes = {f"XDG_{k}_HOME": str(tmp_path / k.lower()) for k in ("DATA", "CONFIG", "CACHE")}
    done = subprocess.run(
        [sys.executable, "-c", BUSY],
        env=os.environ | homes | {"XDG_RUNTIME_DIR": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
