"""Tables of training data: which pictures belong to a split, and what is to be predicted."""

from __future__ import annotations

import csv
import hashlib
import math
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from galaxyscope.train.recipe import Recipe, Source

#: Two entries of radio catalogues within this many arcsec show the same object: positions of
#: one double source differ by up to the distance of its lobes from the host.
SAME_OBJECT = 180.0

#: Not a split, but every row.
ALL = "all"

Row = dict[str, str]


class DataError(ValueError):
    """Pictures or a table that cannot be trained on; one sentence naming the file."""


@dataclass(frozen=True)
class Entry:
    """A row of a table, understood.

    Parameters
    ----------
    name : str
        As the table has it, without folders.
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


def read_entries(recipe: Recipe, split: str, source: Source) -> list[Entry]:
    """Entries of one split of a source, in the order of its table.

    Parameters
    ----------
    recipe : Recipe
    split : str
        `ALL`, or a value of the table's column ``split``; without that column ``train``,
        ``val`` and ``test`` are drawn by a hash of the names, so that they stay the same for
        ever. Of ``train``, entries are left out that some source sets aside.
    source : Source

    Raises
    ------
    DataError
        If the table cannot be read, lacks a column that the recipe names, has a value that is
        no number, or two rows of one name.
    """
    mine = [entry for entry in _entries(source, recipe) if split in (ALL, entry.split)]
    if split != "train":
        return mine
    real = [source for source in recipe.sources if not source.simulated]
    aside = [e for s in real for e in _entries(s, recipe) if e.split != "train"]
    return apart(mine, aside)


def apart(entries: list[Entry], aside: list[Entry]) -> list[Entry]:
    """Entries that are none of those set aside: another name, and another place in the sky."""
    names = {PurePosixPath(entry.name).stem for entry in aside}
    kept = [entry for entry in entries if PurePosixPath(entry.name).stem not in names]
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
    for row in _rows(source, recipe):
        if any(row[column] not in values for column, values in source.where.items()):
            continue
        if any(row[column] in values for column, values in source.unless.items()):
            continue
        values = _values(row, recipe, source)
        if values is None:
            continue
        name = PurePosixPath(row[source.identifier]).name
        if name in found:
            raise DataError(f"{source.table.name}: two rows are called {name!r}")
        weight = 1.0 + (_number(row, source.double, source) if source.double else 0.0)
        sky = tuple(_number(row, column, source) for column in source.sky)
        agreed = 1.0
        if recipe.target == "classes" and source.columns and not source.taught:
            agreed = max(_summed(row, recipe, source))
        found[name] = Entry(name, _split(row, source), values, weight, sky, agreed)
    return list(found.values())


def _rows(source: Source, recipe: Recipe) -> list[Row]:
    try:
        with source.table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            rows = list(reader)
            columns = set(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{source.table.name}: the table cannot be read ({error})") from error
    needed = {source.identifier, *source.where, *source.unless, *source.sky}
    needed |= {source.double} if source.double else set()
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


def _split(row: Row, source: Source) -> str:
    if "split" in row:
        return {"valid": "val"}.get(row["split"], row["split"])
    digest = hashlib.sha256(row[source.identifier].encode()).digest()
    drawn = int.from_bytes(digest[:4], "big") / 2**32
    if source.taught or drawn >= 2 * source.validation:
        return "train"
    return "val" if drawn < source.validation else "test"
