"""Training data: labelled pictures in memory."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from galaxyscope.train.recipe import Recipe

# Pictures are kept at a size where the smallest zoom still has detail and one field of the
# recipe is sampled without aliasing.
OVERSAMPLING = 1.12


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with the values to predict.

    Parameters
    ----------
    names : tuple of str
    pixels : ndarray, shape (n, 3, side, side), uint8
    values : ndarray, shape (n, outputs), float32
    weights : ndarray, shape (n,), float32
    field : float
        Side of the recipe's field at zoom 1, in pixels of `pixels`.
    """

    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    values: NDArray[np.float32]
    weights: NDArray[np.float32]
    field: float


def read_pictures(recipe: Recipe, split: str) -> Pictures:
    """Read all pictures of a split (the table's ``split`` column, e.g. ``train``).

    Rows with ``complete_sample`` 1 count double: elsewhere ambiguous galaxies are missing.
    """
    rows = [row for row in _rows(recipe.table) if row.get("split", "train") == split]
    wanted = {row[recipe.identifier]: row for row in rows}
    side, scale, blocks, names = 0, 1.0, [], []
    for name, raw in _files(recipe.pictures):
        if name not in wanted:
            continue
        with Image.open(io.BytesIO(raw)) as picture:
            full = picture.convert("RGB")
        if not side:
            side = round(full.width * min(1.0, OVERSAMPLING * recipe.input_size / recipe.field_px))
            scale = side / full.width
        shrunk = full if full.width == side else full.resize((side, side), Image.Resampling.BOX)
        blocks.append(np.asarray(shrunk, np.uint8).transpose(2, 0, 1))
        names.append(name)
    if not names:
        raise ValueError(f"{recipe.table.name}: no picture of {split!r} was found")
    values = np.array([[float(wanted[n][c]) for c in recipe.outputs] for n in names], np.float32)
    weights = np.array(
        [1.0 + float(wanted[n].get("complete_sample", 0)) for n in names], np.float32
    )
    return Pictures(tuple(names), np.stack(blocks), values, weights, recipe.field_px * scale)


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _files(pictures: Path) -> Iterator[tuple[str, bytes]]:
    if pictures.is_dir():
        for path in sorted(pictures.iterdir()):
            yield path.stem, path.read_bytes()
        return
    with zipfile.ZipFile(pictures) as archive:
        for name in sorted(archive.namelist()):
            yield Path(name).stem, archive.read(name)
