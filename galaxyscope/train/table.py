"""Tables of training data: which pictures belong to a split, and what is to be predicted."""

from __future__ import annotations

import csv
import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from posixpath import basename, splitext

import numpy as np
from PIL import Image

from galaxyscope.train.recipe import Recipe, Source

#: Two entries of radio catalogues within this many arcsec show the same object: positions of
#: one double source differ by up to the distance of its lobes from the host.
SAME_OBJECT = 180.0

#: Not a split, but every row.
ALL = "all"

_SPLITS = {
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "training": "train",
    "testing": "test",
}
_SHOWN = 10

Row = dict[str, str]


class DataError(ValueError):
    """Pictures or a table that cannot be trained on; one sentence naming the file."""


@dataclass(frozen=True)
class Entry:
    """A row of a table, understood.

    Parameters
    ----------
    name : str
        As the table has it.
    split : str
    values : tuple of float
        One for each output of the recipe; empty where a teacher will tell.
    weight : float
    sky : (ra, dec) or ()
        Degrees.
    agreed : float
        Share of the people who chose its class; 1 where the table does not say.
    """

    name: str
    split: str
    values: tuple[float, ...]
    weight: float
    sky: tuple[float, ...] = ()
    agreed: float = 1.0


@cache
def _suffixes() -> frozenset[str]:
    return frozenset(Image.registered_extensions())


def bare(name: str) -> str:
    """Name of a picture without its suffix; what follows another dot belongs to the name."""
    stem, suffix = splitext(name)
    return stem if suffix.lower() in _suffixes() else name


def read_entries(recipe: Recipe, split: str, source: Source) -> list[Entry]:
    """Entries of one split of a source, in the order of its table.

    Parameters
    ----------
    recipe : Recipe
    split : str
        `ALL`, or a value of the table's column ``split``, where the usual words for ``train``,
        ``val`` and ``test`` are understood; without that column they are drawn by a hash of
        the names, so that they stay the same for ever. Of ``train``, entries are left out that
        some source sets aside.
    source : Source

    Raises
    ------
    DataError
        If the table cannot be read, lacks a column that the recipe names, has a value that is
        no number, or two rows of one name.
    """
    split = _understood(split)
    mine = [entry for entry in _entries(source, recipe) if split in (ALL, entry.split)]
    if split != "train":
        return mine
    for other in recipe.sources:
        if not other.simulated:
            aside = [entry for entry in _entries(other, recipe) if entry.split != "train"]
            mine = apart(mine, aside, folders=other.pictures == source.pictures)
    return mine


def why_none(recipe: Recipe, split: str, source: Source) -> DataError:
    """Say why `read_entries` found nothing."""
    table, found = source.table.name, sorted({entry.split for entry in _entries(source, recipe)})
    if found:
        aside = "; all of that is set aside too" if _understood(split) in found else ""
        return DataError(
            f"{table}: no picture of {split!r} was found, the splits are: "
            f"{', '.join(found[:_SHOWN])}{aside}"
        )
    if labels := unknown_labels(recipe, source):
        known = {*recipe.outputs, *source.classes}
        return DataError(
            f"{table}: no picture of {split!r} was found, its labels are: "
            f"{', '.join(list(labels)[:_SHOWN])}; those known are: {', '.join(sorted(known))}"
        )
    return DataError(f"{table}: no picture of {split!r} was found, no row is one that is wanted")


def unknown_labels(recipe: Recipe, source: Source) -> Counter[str]:
    """Labels that are none of the recipe's classes, with the number of rows left out for them."""
    if source.taught or source.columns or recipe.target != "classes":
        return Counter()
    rows = _wanted(source, recipe)
    return Counter(row[source.label] for row in rows if _values(row, recipe, source) is None)


def left_out(recipe: Recipe) -> list[str]:
    """Say of which sources how many rows are left out for their labels: one line each."""
    lines = []
    for source in (one for one in recipe.sources if not one.simulated):
        if labels := unknown_labels(recipe, source):
            lines.append(
                f"{source.table.name}: {labels.total()} rows are left out, their labels are no "
                f"classes of {recipe.name}: {', '.join(list(labels)[:_SHOWN])}"
            )
    return lines


def apart(entries: list[Entry], aside: list[Entry], folders: bool = False) -> list[Entry]:
    """Entries that are none of those set aside: another name, and another place in the sky.

    Parameters
    ----------
    entries, aside : list of Entry
    folders : bool
        Names that differ only in their folders are different, as they are within one
        collection of pictures.
    """

    def known_as(entry: Entry) -> str:
        name = bare(entry.name)
        return name if folders else basename(name)

    names = {known_as(entry) for entry in aside}
    kept = [entry for entry in entries if known_as(entry) not in names]
    there = _directions([entry for entry in aside if entry.sky])
    placed = [entry for entry in kept if entry.sky]
    if not len(there) or not placed:
        return kept
    # Chords: accurate for small angles, where the cosine is not.
    chord = 2 * math.sin(math.radians(SAME_OBJECT / 3600) / 2)
    here = _directions(placed)
    near = {
        id(entry)
        for entry, one in zip(placed, here, strict=True)
        if np.linalg.norm(there - one, axis=1).min() < chord
    }
    return [entry for entry in kept if id(entry) not in near]


def _directions(entries: list[Entry]) -> np.ndarray:
    """Give unit vectors, shape (n, 3)."""
    if not entries:
        return np.empty((0, 3))
    ra, dec = np.radians([entry.sky for entry in entries]).T
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def _entries(source: Source, recipe: Recipe) -> list[Entry]:
    found: dict[str, Entry] = {}
    for row in _wanted(source, recipe):
        values = _values(row, recipe, source)
        if values is None:
            continue
        name = str(PurePosixPath(row[source.identifier]))
        if name in found:
            raise DataError(f"{source.table.name}: two rows are called {name!r}")
        weight = _weight(row, source)
        sky = tuple(_number(row, column, source) for column in source.sky)
        agreed = 1.0
        if recipe.target == "classes" and source.columns and not source.taught:
            agreed = max(_summed(row, recipe, source))
        found[name] = Entry(name, _split(row, source), values, weight, sky, agreed)
    return list(found.values())


def _wanted(source: Source, recipe: Recipe) -> list[Row]:
    return [
        row
        for row in _rows(source, recipe)
        if all(row[column] in values for column, values in source.where.items())
        and not any(row[column] in values for column, values in source.unless.items())
    ]


def _rows(source: Source, recipe: Recipe) -> list[Row]:
    try:
        with source.table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            rows = list(reader)
            columns = set(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{source.table.name}: the table cannot be read ({error})") from error
    needed = {source.identifier, *source.where, *source.unless, *source.sky}
    needed |= {source.double, source.weight} - {""}
    if not source.taught:
        labelled = recipe.target == "classes" and not source.columns
        needed |= {source.label} if labelled else set(_columns(recipe, source))
    if missing := sorted(needed - columns):
        raise DataError(f"{source.table.name}: there is no column {', '.join(missing)}")
    return rows


def _columns(recipe: Recipe, source: Source) -> list[str]:
    return [column for one in recipe.outputs for column in source.columns.get(one, [one])]


def _values(row: Row, recipe: Recipe, source: Source) -> tuple[float, ...] | None:
    """Values of a row, or None for one that belongs to no class."""
    if source.taught:
        return ()
    if recipe.target == "classes" and not source.columns:
        label = source.classes.get(row[source.label], row[source.label])
        return _one_of(label, recipe) if label in recipe.outputs else None
    summed = _summed(row, recipe, source)
    if recipe.target == "number":
        return tuple(value / recipe.scale for value in summed)
    if recipe.target == "length":
        if not min(summed) > 0:
            raise DataError(
                f"{source.table.name}: {row[source.identifier]} has a length that is not above 0"
            )
        return summed
    if not all(-1e-3 <= value <= 1.001 for value in summed):
        raise DataError(
            f"{source.table.name}: {row[source.identifier]} has a value that is no fraction"
        )
    if recipe.target == "fractions":
        return summed
    best = max(range(len(summed)), key=summed.__getitem__)
    return _one_of(recipe.outputs[best], recipe) if summed[best] >= source.majority else None


def _summed(row: Row, recipe: Recipe, source: Source) -> tuple[float, ...]:
    return tuple(
        sum(_number(row, column, source) for column in source.columns.get(one, [one]))
        for one in recipe.outputs
    )


def _one_of(name: str, recipe: Recipe) -> tuple[float, ...]:
    return tuple(float(output == name) for output in recipe.outputs)


def _number(row: Row, column: str, source: Source) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(
            f"{source.table.name}: {row[source.identifier]} has {row[column]!r} in column "
            f"{column}, which is not a number"
        )
    return value


def _weight(row: Row, source: Source) -> float:
    weight = _number(row, source.weight, source) if source.weight else 1.0
    if weight < 0:
        raise DataError(f"{source.table.name}: {row[source.identifier]} has a weight below 0")
    double = _number(row, source.double, source) if source.double else 0.0
    if double not in (0, 1):
        raise DataError(
            f"{source.table.name}: {row[source.identifier]} has {row[source.double]!r} in column "
            f"{source.double}, which is neither 0 nor 1"
        )
    return weight * (1 + double)


def _understood(split: str) -> str:
    word = split.strip().lower()
    return _SPLITS.get(word, word)


def _split(row: Row, source: Source) -> str:
    if "split" in row:
        return _understood(row["split"])
    digest = hashlib.sha256(row[source.identifier].encode()).digest()
    drawn = int.from_bytes(digest[:4], "big") / 2**32
    if source.taught or drawn >= 2 * source.validation:
        return "train"
    return "val" if drawn < source.validation else "test"
