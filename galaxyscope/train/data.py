"""Training data: labelled pictures in memory."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from galaxyscope.train.recipe import Recipe, Source
from galaxyscope.train.simulated import simulated_bars
from galaxyscope.train.table import DataError, Entry, bare, read_entries, why_none

__all__ = ["DataError", "Pictures", "read_pictures"]

# Pictures are kept at a size where the smallest zoom still has detail and one field of the
# recipe is sampled without aliasing.
OVERSAMPLING = 1.12
# The square root that `galaxyscope.classify.preprocess` takes of radio pictures.
_RADIO_CURVE = [round(255 * math.sqrt(value / 255)) for value in range(256)] * 3
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with the values to predict.

    Parameters
    ----------
    names : tuple of str
        Of the files, without suffixes and folders where they are different names without.
    pixels : ndarray, shape (n, 3, side, side), uint8
    values : ndarray, shape (n, outputs), float32
        Fractions, one-hot classes, a number in units of the recipe's scale, or the logarithm of
        a length in units of the field at zoom 1 (of the whole picture where that is unknown).
    weights : ndarray, shape (n,), float32
    field : float
        Side of the field at zoom 1, in pixels of `pixels`.
    agreed : ndarray, shape (n,), float32
        Share of the people who chose a picture's class; 1 where the table does not say.
    """

    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    values: NDArray[np.float32]
    weights: NDArray[np.float32]
    field: float
    agreed: NDArray[np.float32]


def read_pictures(
    recipe: Recipe,
    split: str,
    source: Source | None = None,
    *,
    whole: bool = False,
    folder: Path | None = None,
) -> Pictures:
    """Read all pictures of a split of one source.

    Parameters
    ----------
    recipe : Recipe
    split : str
        See `galaxyscope.train.table.read_entries`.
    source : Source, optional
        Default: the recipe's first.
    whole : bool
        Keep all pixels, not only as many as training needs; the field need not be known.
    folder : Path, optional
        Working folder of the run, where simulated galaxies are kept.

    Raises
    ------
    DataError
        If there are no such pictures, one is missing, damaged or of another size than the
        first, the table cannot be used, or the field is not one to train with.
    """
    source = source or recipe.sources[0]
    if source.simulated:
        return _simulated(source, folder)
    entries = read_entries(recipe, split, source)
    if not entries:
        raise why_none(recipe, split, source)
    largest = max(stage.input_size for stage in recipe.stages)
    first, side, field, blocks, names, rows = 0, 0, 0.0, [], [], []
    for name, entry, raw in _files(source, entries):
        full = _opened(raw, f"{source.pictures.name}: {name}")
        if not first:
            first = full.width
            field = _field(source, recipe, first, whole)
        if full.size != (first, first):
            raise DataError(
                f"{source.pictures.name}: {name} has {full.width}×{full.height} px, not "
                f"{first}×{first} px"
            )
        # Where the field is unknown the model's own way to open a cutout takes the square root.
        if recipe.stretch == "radio" and not (whole and not source.field_px):
            full = full.point(_RADIO_CURVE)
        if not side:
            all_pixels = whole or recipe.target == "length"
            share = 1.0 if all_pixels else min(1.0, OVERSAMPLING * largest / field)
            side = round(first * share)
        shrunk = full if side == first else full.resize((side, side), Image.Resampling.BOX)
        blocks.append(np.asarray(shrunk, np.uint8).transpose(2, 0, 1))
        names.append(name)
        rows.append(entry)
    values = np.array([entry.values for entry in rows], np.float32)
    if source.taught:
        values = np.zeros((len(rows), len(recipe.outputs)), np.float32)
    if recipe.target == "length":
        values = np.log(values / np.float32(field or first))
    weights = np.array([entry.weight for entry in rows], np.float32)
    agreed = np.array([entry.agreed for entry in rows], np.float32)
    short = tuple(bare(PurePosixPath(name).name) for name in names)
    told = short if len(set(short)) == len(short) else tuple(names)
    return Pictures(told, np.stack(blocks), values, weights, field * side / first, agreed)


def _field(source: Source, recipe: Recipe, side: int, whole: bool) -> float:
    """Side of the field at zoom 1, in pixels of stored pictures of this side; 0: unknown."""
    field = source.field_px or (float(side) if recipe.frame == "whole" else 0.0)
    if not whole and not 0 < field <= side:
        raise DataError(
            f"{source.pictures.name}: to train on pictures of {side}×{side} px, the side of the "
            f"field (field_px) must be above 0 and at most {side}, not {field:g}"
        )
    return field


def _simulated(source: Source, folder: Path | None) -> Pictures:
    pixels, lengths = simulated_bars(source.simulated, source.field_px, folder)
    names = tuple(f"simulated {index:04d}" for index in range(len(lengths)))
    ones = np.ones(len(lengths), np.float32)
    values = np.log(lengths / np.float32(source.field_px))[:, None]
    return Pictures(names, pixels, values, ones, source.field_px, ones)


def _opened(raw: bytes, what: str) -> Image.Image:
    try:
        with Image.open(io.BytesIO(raw)) as picture:
            if picture.mode not in _MODES:
                raise DataError(f"{what} does not have 8 bits a channel")
            return picture.convert("RGB")
    except DataError:
        raise
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise DataError(f"{what} is not a picture that can be read") from error


def _files(source: Source, entries: Sequence[Entry]) -> Iterator[tuple[str, Entry, bytes]]:
    """Pictures of entries, in the order of their files' names."""
    try:
        if source.pictures.is_dir():
            top = source.pictures
            there = [p.relative_to(top).as_posix() for p in top.rglob("*") if p.is_file()]
            for name, entry in _paired(there, entries, source):
                yield name, entry, (top / name).read_bytes()
            return
        with zipfile.ZipFile(source.pictures) as archive:
            there = [name for name in archive.namelist() if not name.endswith("/")]
            for name, entry in _paired(there, entries, source):
                yield name, entry, archive.read(name)
    # What zipfile raises for a damaged or encrypted file is not one kind.
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{source.pictures.name}: the pictures cannot be read ({error})") from error


def _paired(there: list[str], entries: Sequence[Entry], source: Source) -> list[tuple[str, Entry]]:
    """Find the file of each entry, in the order of the files' names."""
    files: dict[str, set[str]] = {}
    for name in there:
        if not PurePosixPath(name).name.startswith("."):
            for tail in _tails(name):
                files.setdefault(tail, set()).add(name)
                files.setdefault(bare(tail), set()).add(name)
    found: dict[str, Entry] = {}
    missing = []
    for entry in entries:
        same = _called(entry.name, files)
        if len(same) > 1:
            raise DataError(f"{source.pictures.name}: two pictures are called {entry.name!r}")
        if not same:
            missing.append(entry.name)
            continue
        (name,) = same
        if name in found:
            raise DataError(
                f"{source.table.name}: the rows {found[name].name!r} and {entry.name!r} are the "
                f"same picture, {name}"
            )
        found[name] = entry
    if missing:
        raise DataError(
            f"{source.pictures.name}: {len(missing)} of the pictures that {source.table.name} "
            f"names are not there (the first: {missing[0]})"
        )
    return [(name, found[name]) for name in sorted(found)]


def _called(name: str, files: dict[str, set[str]]) -> set[str]:
    """Files that a table's name fits, with as many of its folders as there are."""
    same: set[str] = next((files[tail] for tail in _tails(name) if tail in files), set())
    return {one for one in same if bare(one) == bare(name)} or same


def _tails(name: str) -> list[str]:
    """Give a name with all of its folders, and with fewer and fewer."""
    parts = PurePosixPath(name).parts
    return ["/".join(parts[start:]) for start in range(len(parts))]
