"""The models there are, read from disk on a worker thread."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from galaxyscope.classify.card import ModelCard, ModelError

Origin = Literal["shipped", "installed", "opened"]
HISTORY = "history.csv"
_LONGEST_HISTORY = 2**20  # bytes


@dataclass(frozen=True)
class Entry:
    """One model folder, usable or not.

    Parameters
    ----------
    name : str
        As the model store takes it; its path where it was opened in place, or is broken.
    folder : Path
    origin : {"shipped", "installed", "opened"}
    card : ModelCard or None
        None where it is broken.
    problem : str
        Why it cannot be used, one sentence; empty if nothing is wrong as far as is known.
    curve : mapping of str to sequence of float
        Columns of its learning curve, each with one value per epoch; empty if there is none.
    """

    name: str
    folder: Path
    origin: Origin
    card: ModelCard | None = None
    problem: str = ""
    curve: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict)

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.folder.name if self.card is None else self.card.title

    @property
    def parent(self) -> str:
        """Name of the ensemble whose member it is, empty if it is none."""
        plain = self.card is not None and self.origin != "opened"
        return self.name.rpartition("/")[0] if plain else ""


def read_shelf(opened: Sequence[Path] = ()) -> tuple[Entry, ...]:
    """List the shipped and installed models, those opened in place, and the broken ones.

    Parameters
    ----------
    opened : sequence of Path
        Model folders elsewhere that the user has opened.
    """
    from galaxyscope.classify.installed import broken_models
    from galaxyscope.classify.store import list_models, model_folders
    from galaxyscope.resources import models_folder

    folders, broken = model_folders(), broken_models()
    entries = []
    for card in list_models():
        folder = folders[card.name]
        origin: Origin = "shipped" if folder.is_relative_to(models_folder()) else "installed"
        problem = broken.pop(folder, "")
        entries.append(Entry(card.name, folder, origin, card, problem, read_curve(folder)))
    entries += [
        Entry(str(folder), folder, "installed", None, problem) for folder, problem in broken.items()
    ]
    return (*entries, *map(open_in_place, opened))


def open_in_place(folder: Path) -> Entry:
    """Read one model folder that lies anywhere; what is wrong with it is in its `problem`."""
    from galaxyscope.classify.installed import read_model

    name = str(folder)
    try:
        card = read_model(folder)
    except ModelError as error:
        return Entry(name, folder, "opened", None, f"{folder.name}: {error.reason}")
    return Entry(name, folder, "opened", card, "", read_curve(folder))


def read_curve(folder: Path) -> dict[str, list[float]]:
    """Columns of a model's ``history.csv`` by name; empty if there is none that can be read."""
    path = folder / HISTORY
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST_HISTORY:
            return {}
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        columns = [name for name in (lines[0] if lines else {}) if name]
        curve = {name: [float(line[name]) for line in lines] for name in columns}
    except (OSError, ValueError, TypeError, csv.Error):  # a curve is an extra, not a condition
        return {}
    return {name: values for name, values in curve.items() if all(map(math.isfinite, values))}
