"""A table with pictures beside it, without a recipe: what it holds is read off its columns."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from galaxyscope.classify.card import ModelCard
from galaxyscope.train.recipe import Recipe, Source, Stage
from galaxyscope.train.table import ALL, DataError
from galaxyscope.train.targets import ACTIVATION

IDENTIFIERS = ("name", "image", "file", "filename", "path", "GalaxyID", "id")
LABELS = ("class", "label")


def table_recipe(path: Path, card: ModelCard) -> Recipe:
    """Make a recipe that says what a table holds, to evaluate a model on it.

    Parameters
    ----------
    path : Path
        CSV file, or the zip file or folder of pictures beside it, or a folder that the table
        lies in alone. The pictures are in a zip file or folder of the table's name, or in the
        table's folder. Columns: a name (one of
        `IDENTIFIERS`), and either a class (one of `LABELS`) or one column per class of the card.
    card : ModelCard
        Of the model; says what kind of answer is compared, and of a number in which unit.

    Raises
    ------
    DataError
        If there is no table, no pictures, or no such columns.
    """
    table = _table_of(path)
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            columns = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table.name}: the table cannot be read ({error})") from error
    identifier = next((name for name in IDENTIFIERS if name in columns), "")
    if not identifier:
        raise DataError(f"{table.name}: there is no column {', '.join(IDENTIFIERS)}")
    target = next(name for name, value in ACTIVATION.items() if value == card.activation)
    label = next((name for name in LABELS if name in columns), "")
    if target == "classes" and not label:
        raise DataError(f"{table.name}: there is no column {', '.join(LABELS)}")
    beside = [path, table.with_suffix(".zip"), table.with_suffix(""), table.parent]
    pictures = next(p for p in beside if p.is_dir() or (p.suffix == ".zip" and p.is_file()))
    source = Source(pictures, table, identifier, field_px=0.0, label=label)
    return Recipe(
        name=table.stem,
        title=table.stem,
        outputs=card.classes,
        sources=(source,),
        stages=(Stage(card.input_size, 1),),
        task=card.task,
        target=target,
        scale=card.training.get("scale", 1.0),
        judged=ALL,
    )


def _table_of(path: Path) -> Path:
    """Find the table that a path means: itself, the one beside pictures, or one in a folder."""
    if path.suffix.lower() == ".csv" and not path.is_dir():
        return path
    if path.is_dir():
        folder = Path(os.path.abspath(path))  # "." has no name
        beside = folder.parent / f"{folder.name}.csv"
        if beside.is_file():
            return beside
        inside = [p for p in folder.iterdir() if p.suffix.lower() == ".csv" and p.name[0] != "."]
        if len(inside) == 1:
            return inside[0]
        raise DataError(
            f"{folder}: a folder of pictures needs a table, {beside.name} beside it or one .csv "
            f"file in it, where there are {len(inside)}"
        )
    if path.suffix.lower() not in ("", ".zip"):
        raise DataError(
            f"{path.name}: expected a table (.csv), or the zip file or folder of its pictures"
        )
    return path.with_suffix(".csv")
