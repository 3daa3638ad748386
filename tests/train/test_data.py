"""Which files are the pictures of a table, and what training and evaluating make of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from galaxyscope.train.data import Pictures, read_pictures
from galaxyscope.train.recipe import Recipe, Source, Stage
from galaxyscope.train.table import ALL, DataError


def collection(
    folder: Path, files: dict[str, int], rows: list[str], side: int = 16, field: float = 16.0
) -> Recipe:
    """Recipe for grey pictures of a brightness each, all of them to train on."""
    for name, grey in files.items():
        path = folder / "p" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (side, side), grey).save(path, "PNG")
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "kind", "split"], *([r, "a", "train"] for r in rows)])
    source = Source(folder / "p", folder / "t.csv", "id", field, label="kind")
    return Recipe("n", "t", ("a", "b"), (source,), (Stage(8, 1),), target="classes")


def greys(pictures: Pictures) -> dict[str, int]:
    return dict(zip(pictures.names, pictures.pixels[:, 0, 0, 0].tolist(), strict=True))


@pytest.mark.parametrize("rows", [["A/1.png", "B/1.png"], ["A/1", "B/1"], ["x/A/1", "x/B/1.png"]])
@pytest.mark.parametrize("top", ["", "top/"])
def test_pictures_of_one_name_are_told_apart_by_their_folders(
    tmp_path: Path, rows: list[str], top: str
) -> None:
    recipe = collection(tmp_path, {f"{top}A/1.png": 10, f"{top}B/1.png": 20}, rows)
    found = greys(read_pictures(recipe, "train"))
    assert found == {f"{top}A/1.png": 10, f"{top}B/1.png": 20}


def test_a_picture_in_no_folder_is_meant_by_a_name_without_one(tmp_path: Path) -> None:
    recipe = collection(tmp_path, {"1.png": 10, "A/1.png": 20}, ["1"])
    assert greys(read_pictures(recipe, "train")) == {"1": 10}


@pytest.mark.parametrize("row", ["1", "1.png"])
def test_a_name_that_two_files_have(tmp_path: Path, row: str) -> None:
    recipe = collection(tmp_path, {"A/1.png": 10, "B/1.png": 20}, [row])
    with pytest.raises(DataError, match=rf"^p: two pictures are called '{row}'$"):
        read_pictures(recipe, "train")


def test_what_lies_beside_a_picture_is_none(tmp_path: Path) -> None:
    recipe = collection(tmp_path, {"1.png": 10, "J0.5+1.PNG": 20}, ["1", "J0.5+1"])
    for name in ("1.txt", "1.json", "J0.5+1.csv"):
        (tmp_path / "p" / name).write_text("a note")
    assert greys(read_pictures(recipe, "train")) == {"1": 10, "J0.5+1": 20}


def test_two_rows_of_one_picture(tmp_path: Path) -> None:
    recipe = collection(tmp_path, {"1.png": 10}, ["1", "1.png"])
    says = r"^t\.csv: the rows '1' and '1\.png' are the same picture, 1\.png$"
    with pytest.raises(DataError, match=says):
        read_pictures(recipe, "train")


def test_names_with_dots_are_whole(tmp_path: Path) -> None:
    recipe = collection(tmp_path, {"g.0": 10, "g.1.png": 20}, ["g.0", "g.1"])
    assert greys(read_pictures(recipe, "train")) == {"g.0": 10, "g.1": 20}


def test_where_the_whole_picture_is_seen_it_is_the_field(tmp_path: Path) -> None:
    recipe = replace(collection(tmp_path, {"1.png": 10}, ["1"], field=0.0), frame="whole")
    pictures = read_pictures(recipe, "train")
    assert pictures.field == pictures.pixels.shape[-1] == 9, "as many pixels as training needs"
    whole = read_pictures(recipe, "train", whole=True)
    assert whole.field == whole.pixels.shape[-1] == 16


@pytest.mark.parametrize("field", [0.0, 16.5, 1000.0])
def test_field_that_nothing_can_be_learnt_from(tmp_path: Path, field: float) -> None:
    recipe = collection(tmp_path, {"1.png": 10}, ["1"], field=field)
    with pytest.raises(
        DataError, match=rf"^p: to train on .* 16×16 px, .*field_px.* not {field:g}"
    ):
        read_pictures(recipe, "train")
    assert read_pictures(recipe, "train", whole=True).field == field, "enough to evaluate"


def test_the_square_root_is_taken_once(tmp_path: Path) -> None:
    """Pictures of an unknown field are opened by the model's card, which takes it."""
    recipe = collection(tmp_path, {"1.png": 64}, ["1"], field=0.0)
    recipe = replace(recipe, stretch="radio", frame="pixels")
    assert greys(read_pictures(recipe, ALL, whole=True)) == {"1": 64}
    known = replace(recipe, sources=(replace(recipe.sources[0], field_px=16.0),))
    assert greys(read_pictures(known, ALL, whole=True)) == {"1": round(255 * np.sqrt(64 / 255))}


def test_a_network_trains_on_whole_pictures(tmp_path: Path) -> None:
    """They are not one colour, as those of a field of 0 px would be."""
    from galaxyscope.train.loop import _batch

    recipe = replace(collection(tmp_path, {"1.png": 0}, ["1"], field=0.0), frame="whole")
    noise = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)
    Image.fromarray(noise).save(tmp_path / "p" / "1.png")
    pictures = read_pictures(recipe, "train")
    picked = (np.zeros(1, np.int64),)
    x, _, _ = _batch([pictures], picked, 8, recipe, torch.Generator().manual_seed(0))
    assert float(x.std()) > 0.05
