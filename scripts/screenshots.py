"""Pictures of the real window on a virtual display, driven by keys: docs/images/window-*.png."""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from screen import display, press, rows, running, wait_for

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
# Name, theme, screen.
SHOTS = (
    ("window-light", "light", (1280, 800)),
    ("window-dark", "dark", (1280, 800)),
    ("window-large", "dark", (2560, 1440)),
)
# Until the first sample has been explained and measured.
PATIENCE_S = 300
WINDOW = ["-m", "galaxyscope", "--samples"]
GRAB = """
import sys
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
sys.exit(0 if app.primaryScreen().grabWindow(0).save(sys.argv[1]) else 1)
"""


def bar_of_first_sample() -> tuple[float, float]:
    """Half of the first sample's bar in pixels on the screen: right, up."""
    with (ROOT / "resources" / "samples" / "truth.csv").open(encoding="utf-8") as file:
        truth = next(csv.DictReader(file))
    dx, dy = (float(truth[f"{axis}2"]) - float(truth[f"{axis}1"]) for axis in "xy")
    return dx / 2, dy / 2


def draw_bar(env: dict[str, str]) -> None:
    """Draw the first sample's bar by keys alone, about as well as a person does."""
    right, up = bar_of_first_sample()
    press(env, "l", "Return")
    for sign in (1, -1):
        for size, (more, less) in ((right, ("Right", "Left")), (up, ("Up", "Down"))):
            arrow = more if sign * size > 0 else less
            press(env, *[arrow] * math.floor(abs(size)))
        press(env, "Tab" if sign > 0 else "Return")
    press(env, "v")


def shoot(name: str, theme: str, size: tuple[int, int]) -> None:
    """Open the samples in a fresh home, let the first be measured, draw, take a picture."""
    with tempfile.TemporaryDirectory() as home:
        places = {key: f"{home}/{key}" for key in ("CONFIG", "DATA", "CACHE", "STATE")}
        env = {**os.environ, "HOME": home}
        env |= {f"XDG_{key}_HOME": place for key, place in places.items()}
        ini = Path(places["CONFIG"]) / "galaxyscope" / "window.ini"
        ini.parent.mkdir(parents=True)
        ini.write_text(f"[General]\ntheme={theme}\nobserver=Ada\n", encoding="utf-8")
        session = Path(places["DATA"]) / "galaxyscope" / "session.sqlite"
        with display(*size, env) as on, running([sys.executable, *WINDOW], on):
            wait_for(lambda: rows(session, "automatic") > 0, "the measurement", PATIENCE_S)
            if size[0] > 1280:
                press(on, "F11")
            draw_bar(on)
            wait_for(lambda: rows(session, "drawn") > 0, "the drawn line", PATIENCE_S)
            time.sleep(6)  # badges of the gallery
            target = IMAGES / f"{name}.png"
            subprocess.run([sys.executable, "-c", GRAB, str(target)], env=on, check=True)
    print(target.relative_to(ROOT))


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        if len(sys.argv) < 2 or shot[0] in sys.argv[1:]:
            shoot(*shot)
