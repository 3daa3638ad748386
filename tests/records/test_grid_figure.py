"""The figure of many maps: formats, captions, provenance, what is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from galaxyscope.records.grid_figure import MapPane, caption_of, draw_grid
from galaxyscope.records.tables import TableError
from galaxyscope.sky.image import SkyImage

Make = Callable[..., SkyImage]
MADE = {
    "method": "smoothgrad/signed",
    "target": "Class3.1",
    "parameters": {"samples": 8, "noise": 0.25, "seed": 7},
    "model": "galaxyzoo",
    "model_sha256": "ab" * 32,
}


def described(path: Path) -> dict[str, Any]:
    """What a PNG says of itself."""
    with Image.open(path) as picture:
        found: dict[str, Any] = json.loads(picture.info["Description"])
    return found


def panes(shape: tuple[int, int]) -> list[MapPane]:
    values = np.zeros(shape, np.float32)
    values[10:20, 30:50] = 1
    lines = np.array([[[30.5, -0.5], [30.5, 59.5]]])
    return [
        MapPane("Galaxy"),
        MapPane("SmoothGrad, signed", ("smoothgrad/signed", "bar"), values, "", lines, MADE),
        MapPane("CAM $x_2$", ("cam",), None, "It has no feature map & <none>"),
    ]


def drawn(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_panes_give_the_same_bytes(tmp_path: Path, image: Make, suffix: str) -> None:
    cutout = image(full_scale=255.0)
    for name in ("a", "b"):
        draw_grid(tmp_path / f"{name}{suffix}", cutout, panes(cutout.shape))
    first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("a", "b"))
    assert first == second
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a{suffix}", f"b{suffix}"]


def test_letters_stay_letters_and_the_provenance_is_there(tmp_path: Path, image: Make) -> None:
    cutout = image(name="NGC 1.fits", full_scale=255.0)
    draw_grid(tmp_path / "f.svg", cutout, panes(cutout.shape))
    text = (tmp_path / "f.svg").read_text(encoding="utf-8")
    for words in (
        "SmoothGrad, signed", "CAM $x_2$", "It has no feature map &amp; &lt;none&gt;",
        "smoothgrad/signed (samples 8, noise 0.25, seed 7)", "ab" * 32, "NGC 1.fits",
    ):  # fmt: skip
        assert words in text, words
    draw_grid(tmp_path / "f.png", cutout, panes(cutout.shape))
    told = described(tmp_path / "f.png")
    assert told["picture_sha256"] == "f" * 64
    made, refused = told["maps"]
    assert made["parameters"] == MADE["parameters"]
    assert made["method"] == "smoothgrad/signed"
    assert refused["refused"] == "It has no feature map & <none>"


def test_a_network_and_a_method_are_named_once(image: Make) -> None:
    cutout = image()
    text = caption_of(cutout, [*panes(cutout.shape), *panes(cutout.shape)])
    assert text.count("ab" * 32) == 1
    assert text.count("smoothgrad/signed") == 1


def test_a_target_has_its_word_and_what_is_odd_is_said_once_in_full(image: Make) -> None:
    cutout = image()
    note = (
        "vgg: The map has the same value nearly everywhere, " + "so that nothing can be seen " * 3
    )
    some = [
        MapPane(title, ("cam", note), None, provenance=MADE, target="bar", notes=(note,))
        for title in ("Grad-CAM", "Score-CAM")
    ]
    text = caption_of(cutout, some)
    assert "Explained: bar" in text
    assert "Class3.1" not in text
    assert f"Grad-CAM, Score-CAM: {note}" in text.split("\n")
    assert text.count(note) == 1


@pytest.mark.parametrize("y_up", [False, True])
def test_colours_and_contour_are_drawn_as_they_are_given(
    tmp_path: Path, image: Make, y_up: bool
) -> None:
    cutout = image((60, 60), full_scale=255.0, y_up=y_up)
    colours = np.zeros((60, 60, 4), np.uint8)
    colours[:20] = 255, 0, 0, 255
    values = np.ones((60, 60), np.float32)
    contour = np.array([[[0.0, 40.0], [59.0, 40.0]]])
    draw_grid(tmp_path / "a.png", cutout, [MapPane("A", (), values, colours=colours)])
    bare = drawn(tmp_path / "a.png").astype(int)
    red = (bare[..., 0] > 200) & (bare[..., 1] < 60)
    galaxy = (bare.max(-1) < 60).mean()
    rows = np.flatnonzero(red.any(1))
    other = np.flatnonzero((bare.max(-1) < 60).any(1))
    assert 0.1 < red.mean() < 0.4
    assert galaxy > 0.3, "nothing lies over the rest, whatever the map's values"
    assert (rows.mean() > other.mean()) == y_up
    draw_grid(
        tmp_path / "b.png", cutout, [MapPane("A", (), values, colours=colours, contour=contour)]
    )
    lined = drawn(tmp_path / "b.png").astype(int)
    assert (lined - bare).max() > 60


def test_columns_and_part_of_the_picture(tmp_path: Path, image: Make) -> None:
    cutout = image((60, 60), full_scale=255.0)
    some = panes((60, 60))
    draw_grid(tmp_path / "wide.png", cutout, some, columns=3)
    draw_grid(tmp_path / "high.png", cutout, some[:2], columns=1)
    wide, high = (drawn(tmp_path / f"{name}.png").shape for name in ("wide", "high"))
    assert wide[1] > 2.5 * high[1]
    assert high[0] > 1.5 * wide[0]
    # The bright part of the map, rows 10–20 and columns 30–50, fills a pane of that box alone.
    draw_grid(tmp_path / "box.png", cutout, some[1:2], columns=1, box=(32.0, 11.0, 48.0, 19.0))
    draw_grid(tmp_path / "all.png", cutout, some[1:2], columns=1)
    dark = [(drawn(tmp_path / f"{name}.png").max(-1) < 60).mean() for name in ("box", "all")]
    assert dark[0] < 0.1 < 0.3 < dark[1]


def test_nothing_and_other_formats_are_refused(tmp_path: Path, image: Make) -> None:
    with pytest.raises(ValueError, match="no map"):
        draw_grid(tmp_path / "f.png", image(), [])
    with pytest.raises(TableError, match=r"\.svg"):
        draw_grid(tmp_path / "f.gif", image(), [MapPane("Galaxy")])
    assert list(tmp_path.iterdir()) == []
