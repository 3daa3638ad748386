from __future__ import annotations

import csv
import json
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from galaxyscope.classify.store import load_model
from galaxyscope.train.__main__ import main
from galaxyscope.train.augment import changed, cut_out, plain
from galaxyscope.train.recipe import Augmentation, read_recipe

RECIPE = """
name = "tiny"
title = "Tiny"
pictures = "p.zip"
table = "p.csv"
identifier = "id"
outputs = ["Class3.1", "Class3.2"]
input_size = 16
field_px = 24
epochs = {epochs}
batch = 4
rate = 5e-3
[parameters]
stem = 4
widths = [8]
blocks = [1]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Pictures whose answer is how bright their centre is."""
    generator = np.random.default_rng(0)
    with (
        zipfile.ZipFile(tmp_path / "p.zip", "w") as archive,
        (tmp_path / "p.csv").open("w", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(["id", "split", "complete_sample", "Class3.1", "Class3.2"])
        for i in range(24):
            bright = i % 2
            pixels = generator.integers(0, 40, (32, 32, 3), np.uint8)
            pixels[12:20, 12:20] += np.uint8(180 * bright)
            path = tmp_path / f"{i}.png"
            Image.fromarray(pixels).save(path)
            archive.write(path, f"{i}.png")
            table.writerow([i, "val" if i % 4 == 3 else "train", 1, bright, 1 - bright])
    return tmp_path


def run(data: Path, epochs: int, name: str) -> Path:
    recipe = data / "r.toml"
    recipe.write_text(RECIPE.format(epochs=epochs))
    arguments = [str(recipe), "--data", str(data), "-o", str(data / name), "--run"]
    assert main([*arguments, str(data / f"run-{name}")]) == 0
    return data / name


def test_training_writes_a_model_that_loads(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run(data, 2, "once")
    classifier = load_model(folder, "cpu")
    assert classifier.card.classes == ("Class3.1", "Class3.2")
    printed = capsys.readouterr().out
    for metric in classifier.card.metrics:
        assert math.isfinite(metric.value)
        assert f"{metric.name}: {metric.value}" in printed


def test_interrupted_run_goes_on_where_it_was(data: Path) -> None:
    """Two epochs at once, and one then another, end with the same learning curve's length."""
    run(data, 1, "a")
    (data / "r.toml").write_text(RECIPE.format(epochs=2))
    arguments = [str(data / "r.toml"), "--data", str(data), "-o", str(data / "a")]
    main([*arguments, "--run", str(data / "run-a")])
    lines = (data / "run-a" / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2"]
    assert json.loads((data / "run-a" / "progress.json").read_text())["done"] == 2


def test_same_seed_same_weights(data: Path) -> None:
    first, second = load_model(run(data, 1, "a"), "cpu"), load_model(run(data, 1, "b"), "cpu")
    for one, two in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize(
    "text", ["name = 1", "[", "surprise = 3" + RECIPE.format(epochs=1), "outputs = 3"]
)
def test_bad_recipe_is_one_sentence_naming_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.toml"):
        read_recipe(path, tmp_path)


def test_plain_field_of_the_whole_picture_is_the_picture() -> None:
    pixels = torch.randint(0, 255, (2, 3, 20, 20), dtype=torch.uint8)
    assert torch.allclose(plain(pixels, 20, 20.0), pixels / 255, atol=1e-5)


def test_quarter_turn_and_mirror_are_exact() -> None:
    x = torch.rand(1, 3, 16, 16)
    one, none = torch.ones(1), torch.zeros(1, 2)
    turned = cut_out(x, 16, one, torch.tensor([math.pi / 2]), none, torch.tensor([False]))
    options = [torch.rot90(x, k, (2, 3)) for k in (1, 3)]
    assert min(float((turned - o).abs().max()) for o in options) < 1e-5
    mirrored = cut_out(x, 16, one, torch.zeros(1), none, torch.tensor([True]))
    assert torch.allclose(mirrored, x.flip(3), atol=1e-5)


def test_changes_follow_the_generator() -> None:
    pixels = torch.randint(0, 255, (4, 3, 40, 40), dtype=torch.uint8)
    first, second, other = (
        changed(pixels, 16, 24.0, Augmentation(), torch.Generator().manual_seed(s))
        for s in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
