"""Small pictures whose answer is plain to see, and recipes for them."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from galaxyscope.train.recipe import Recipe, read_recipe

RECIPE = """
name = "tiny"
title = "Tiny"
outputs = ["Class3.1", "Class3.2"]
batch = 4
rate = 5e-3
source = "made up"
licence = "none"
limits = "everything"
{more}
[parameters]
stem = 4
widths = [8]
blocks = [1]
[[sources]]
pictures = "p.zip"
table = "p.csv"
identifier = "id"
field_px = 24
{source}
[[stages]]
input_size = 16
epochs = {epochs}
"""
CLASSES = {
    "more": 'target = "classes"\ntask = "tests"\nframe = "pixels"\npair = ["A", "B"]',
    "source": 'label = "kind"\n[sources.classes]\nbright = "A"\nfaint = "B"',
}
NUMBER = {"more": 'target = "number"\ntask = "tests"\nscale = 50.0'}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Folder with pictures whose answer is how bright their centre is."""
    generator = np.random.default_rng(0)
    with (
        zipfile.ZipFile(tmp_path / "p.zip", "w") as archive,
        (tmp_path / "p.csv").open("w", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(["id", "split", "complete_sample", "Class3.1", "Class3.2", "kind", "light"])
        for i in range(24):
            bright = i % 2
            pixels = generator.integers(0, 40, (32, 32, 3), np.uint8)
            pixels[12:20, 12:20] += np.uint8(180 * bright)
            path = tmp_path / f"{i}.png"
            Image.fromarray(pixels).save(path)
            archive.write(path, f"{i}.png")
            path.unlink()
            kind = "bright" if bright else "faint"
            split = "val" if i % 4 == 3 or i % 8 == 0 else "train"
            table.writerow([i, split, 1, bright, 1 - bright, kind, 50 * bright])
    return tmp_path


@pytest.fixture
def write(data: Path) -> Callable[..., Path]:
    """Write the tiny recipe with changes; its path."""

    def write(epochs: int = 1, more: str = "", source: str = "") -> Path:
        outputs = '["Class3.1", "Class3.2"]'
        text = RECIPE.format(epochs=epochs, more=more, source=source)
        if 'target = "classes"' in more:
            text = text.replace(outputs, '["A", "B"]')
        if 'target = "number"' in more:
            text = text.replace(outputs, '["light"]')
        path = data / "r.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def recipe(data: Path, write: Callable[..., Path]) -> Callable[..., Recipe]:
    """Read the tiny recipe with changes."""
    return lambda *args, **changes: read_recipe(write(*args, **changes), data)
