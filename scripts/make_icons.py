"""Render the application icon to PNG, for desktops and installers that take no SVG.

Usage: python scripts/make_icons.py [FOLDER]

The drawing has two versions, as type has: up to 32 px the strokes are heavier and the
measuring line is reduced to its two handles.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ICONS = Path(__file__).resolve().parents[1] / "resources" / "icons"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
LARGEST_SMALL = 32


def render(source: Path, size: int) -> QImage:
    """Draw an SVG file into a transparent square image."""
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(str(source)).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return image


def make(folder: Path) -> list[Path]:
    """Write ``galaxyscope-SIZE.png`` for every size."""
    written = []
    for size in SIZES:
        name = "galaxyscope-small.svg" if size <= LARGEST_SMALL else "galaxyscope.svg"
        path = folder / f"galaxyscope-{size}.png"
        if not render(ICONS / name, size).save(str(path)):
            raise OSError(f"{path.name} cannot be written")
        written.append(path)
    return written


if __name__ == "__main__":
    app = QGuiApplication.instance() or QGuiApplication([])
    for made in make(Path(sys.argv[1]) if len(sys.argv) > 1 else ICONS):
        print(made.name)
