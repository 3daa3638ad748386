"""The working folder of a run: what is kept after every epoch, and going on from there.

``state.safetensors`` (weights, averaged and best weights, optimizers), ``history.csv`` (the
learning curve) and ``progress.json`` (epochs done, the recipe, a hash of the labels). The state
is replaced last and says itself how many epochs it holds, so a run that is stopped at any moment
goes on from a whole epoch.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from galaxyscope.train.recipe import Recipe
from galaxyscope.train.table import ALL, DataError, read_entries
from galaxyscope.work.reasons import first_line

STATE_FILE, PROGRESS_FILE, HISTORY_FILE = "state.safetensors", "progress.json", "history.csv"
#: Fields of a recipe that do not change the weights that a run ends with.
FREE = (
    "title",
    "source",
    "licence",
    "limits",
    "view",
    "judged",
    "pair",
    "frame",
    "task",
)

History = list[dict[str, float]]


def save(
    folder: Path,
    networks: Mapping[str, nn.Module],
    steppers: list[torch.optim.Optimizer],
    history: History,
    recipe: Recipe,
    labels: str,
) -> None:
    """Keep a run after an epoch; `labels` are the `labels_hash` of its recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{part}.{k}": v for part, one in networks.items() for k, v in one.state_dict().items()
    }
    for number, stepper in enumerate(steppers):
        for index, state in stepper.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimizer.{number}.{index}.{name}"] = torch.as_tensor(value)
    lines = [",".join(history[-1]), *(",".join(map(str, line.values())) for line in history)]
    _replace(folder / HISTORY_FILE, "\n".join(lines) + "\n")
    progress = {"done": len(history), "recipe": asdict(recipe), "labels": labels}
    _replace(folder / PROGRESS_FILE, json.dumps(progress, default=str, indent=1))
    partial = folder / "state.part"
    save_file(
        {k: v.contiguous().clone() for k, v in tensors.items()},
        partial,
        metadata={"done": str(len(history))},
    )
    partial.replace(folder / STATE_FILE)


def branch(folder: Path, new: Path, recipe: Recipe) -> None:
    """Copy a run, to go on from there with another recipe.

    For recipes that differ in nothing that was shown so far: then the new run is what it would
    have become from the beginning.
    """
    shutil.copytree(folder, new)
    progress = json.loads((new / PROGRESS_FILE).read_text(encoding="utf-8"))
    progress |= {"recipe": asdict(recipe), "labels": labels_hash(recipe)}
    _replace(new / PROGRESS_FILE, json.dumps(progress, default=str, indent=1))


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def labels_hash(recipe: Recipe) -> str:
    """SHA-256 of which pictures a run knows of, what their labels are and which are set aside.

    Raises
    ------
    DataError
        If a table cannot be used.
    """
    digest = hashlib.sha256()
    for source in (one for one in recipe.sources if not one.simulated):
        # Pictures are shown in an order of their own, whatever the table's.
        for one in sorted(read_entries(recipe, ALL, source), key=lambda one: one.name):
            digest.update(repr((one.name, one.split, one.values, one.weight, one.sky)).encode())
    return digest.hexdigest()


def resume(
    folder: Path,
    networks: Mapping[str, nn.Module],
    steppers: list[torch.optim.Optimizer],
    recipe: Recipe,
    labels: str,
) -> History:
    """Load the last epoch of an interrupted run.

    Parameters
    ----------
    folder : Path
    networks : mapping of str to Module
        Those that `save` was given.
    steppers : list of Optimizer
    recipe : Recipe
    labels : str
        The `labels_hash` of the recipe.

    Returns
    -------
    list of dict
        The learning curve so far; empty where there is nothing to go on from.

    Raises
    ------
    DataError
        If the folder holds a run of another recipe or of other data, or is damaged.
    """
    if not (folder / STATE_FILE).exists():
        return []
    try:
        progress = json.loads((folder / PROGRESS_FILE).read_text(encoding="utf-8"))
        if changed := differences(progress["recipe"], recipe):
            raise DataError(
                f"{folder}: this folder holds a run of another recipe (it differs in "
                f"{', '.join(changed)}); choose another with --run, or delete it"
            )
        # Older versions kept no hash.
        if progress.get("labels", labels) != labels:
            raise DataError(
                f"{folder}: the pictures or labels of this run are no longer those it was begun "
                "with; choose another folder with --run, or delete it"
            )
        with safe_open(folder / STATE_FILE, "pt") as file:
            done = int((file.metadata() or {}).get("done", progress["done"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        for part, module in networks.items():
            # Older versions kept no best weights: those of the last epoch stand in.
            kept = part if any(k.startswith(f"{part}.") for k in tensors) else "average"
            own = {k: v for k, v in tensors.items() if k.startswith(f"{kept}.")}
            module.load_state_dict({k.removeprefix(f"{kept}."): v for k, v in own.items()})
        for number, stepper in enumerate(steppers):
            state = stepper.state_dict()
            for key, value in tensors.items():
                if key.startswith(f"optimizer.{number}."):
                    _, _, index, name = key.split(".")
                    state["state"].setdefault(int(index), {})[name] = value
            stepper.load_state_dict(state)
        return read_history(folder)[:done]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        if isinstance(error, DataError):
            raise
        said = f"{folder}: this run cannot be gone on with ({first_line(error)})"
        raise DataError(said) from error


def read_history(folder: Path) -> History:
    """Learning curve of a run, one line per epoch; numbers that are whole stay so."""
    with (folder / HISTORY_FILE).open(newline="", encoding="utf-8") as file:
        return [
            {name: int(v) if v.isdecimal() else float(v) for name, v in line.items()}
            for line in csv.DictReader(file)
        ]


def differences(stored: Mapping[str, Any], recipe: Recipe) -> list[str]:
    """Names of the fields in which a stored recipe and this one would train otherwise.

    Fields that an older version did not know are taken to be as they are now; pictures and
    tables are compared by name, since folders move.
    """
    now = json.loads(json.dumps(asdict(recipe), default=str))
    return [name for name in stored if name not in FREE and not _same(stored[name], now.get(name))]


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        # A table with names of the recipe's making (weights, parameters) has no defaults.
        keys = set(old) if "pictures" in old or "zoom" in old else set(old) | set(new)
        return all(
            PurePath(old[k]).name == PurePath(new[k]).name
            if k in ("pictures", "table")
            else k in new and k in old and _same(old[k], new[k])
            for k in keys
        )
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(_same(*pair) for pair in zip(old, new, strict=True))
    return bool(old == new)
