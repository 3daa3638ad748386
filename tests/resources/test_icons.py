"""The icons are one family, and the application icon has every size."""

import runpy
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
ICONS = ROOT / "resources" / "icons"
FAMILY = sorted(p for p in ICONS.glob("*.svg") if not p.stem.startswith("galaxyscope"))
NAMES = {
    "previous",
    "next",
    "open",
    "open-folder",
    "pan",
    "line",
    "ruler",
    "profile",
    "fit",
    "one-to-one",
    "north-up",
    "zoom-in",
    "zoom-out",
    "explain",
    "cancel",
    "overlay",
    "contour",
    "export",
    "undo",
    "redo",
    "delete",
    "settings",
    "info",
    "search",
    "chevron",
    "warning",
    "check",
    "gallery",
    "blink",
    "retry",
    "copy",
    "close",
    "width",
}


def test_every_name_is_drawn() -> None:
    assert {path.stem for path in FAMILY} == NAMES


@pytest.mark.parametrize("path", FAMILY, ids=lambda p: p.stem)
def test_one_family(path: Path) -> None:
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert root.attrib["viewBox"] == "0 0 24 24"
    assert root.attrib["stroke"] == "currentColor"
    assert root.attrib["stroke-width"] == "1.75"
    assert root.attrib["stroke-linecap"] == root.attrib["stroke-linejoin"] == "round"
    for element in root.iter():
        assert element.attrib.get("fill", "none") in {"none", "currentColor"}


@pytest.mark.parametrize("path", FAMILY, ids=lambda p: p.stem)
def test_ink_stays_inside_and_is_centred(path: Path, qapp: object) -> None:
    from PySide6.QtGui import QImage

    render = runpy.run_path(str(ROOT / "scripts" / "make_icons.py"))["render"]
    image = render(path, 96).convertToFormat(QImage.Format.Format_RGBA8888)
    alpha = np.array(image.constBits()).reshape(96, 96, 4)[..., 3] > 32
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    # At least 1 of the 24 units stays empty all round; what is drawn sits in the middle.
    assert min(rows[0], columns[0]) >= 4
    assert max(rows[-1], columns[-1]) <= 91
    assert abs((rows[0] + rows[-1]) / 2 - 47.5) <= 6
    assert abs((columns[0] + columns[-1]) / 2 - 47.5) <= 6


@pytest.mark.parametrize("size", [16, 24, 32, 48, 64, 128, 256, 512])
def test_application_icon_in_every_size(size: int) -> None:
    with Image.open(ICONS / f"galaxyscope-{size}.png") as picture:
        assert picture.size == (size, size)
        pixels = np.asarray(picture.convert("RGBA"), int)
    red, green, blue, alpha = np.moveaxis(pixels, -1, 0)
    assert alpha[0, 0] < 128
    assert alpha[size // 2, size // 2] == 255
    # Amber for the bar and cyan for the line are there at every size.
    assert ((red > 200) & (blue < 140) & (green > 130)).sum() >= size
    assert ((blue > 150) & (green > 130) & (red < 110)).sum() >= 2
