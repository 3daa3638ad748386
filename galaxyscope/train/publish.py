"""From a trained network to a model folder: weights, card, learning curve."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from galaxyscope.classify.card import (
    CARD_FILE,
    WEIGHTS_FILE,
    Metric,
    ModelCard,
    read_card,
    write_card,
)
from galaxyscope.classify.decision_tree import TARGETS
from galaxyscope.classify.store import choose_device, model_folders
from galaxyscope.train.figures import learning_curve
from galaxyscope.train.recipe import Recipe
from galaxyscope.train.state import HISTORY_FILE, read_history
from galaxyscope.train.table import DataError
from galaxyscope.train.targets import ACTIVATION

CURVE_FILE = "learning.png"
#: What may lie in a model folder that another model takes the place of.
_REPLACED = (CARD_FILE, WEIGHTS_FILE, HISTORY_FILE, CURVE_FILE, "randomisation.json")


def publish(
    network: nn.Module,
    recipe: Recipe,
    run: Path,
    folder: Path,
    command: str = "",
    device: str = "cpu",
) -> ModelCard:
    """Write a model folder that `galaxyscope.classify.store.load_model` reads.

    It appears whole or not at all, in place of the model that was there. Its figures are those
    of an evaluation: see `write_metrics`.

    Parameters
    ----------
    network : torch.nn.Module
    recipe : Recipe
    run : Path
        The run's working folder; its learning curve is copied and drawn.
    folder : Path
        Where the model goes.
    command : str
        That trained it.
    device : {"cpu", "auto", "cuda", "mps"}
        That it was trained on.

    Raises
    ------
    DataError
        If something else than a model lies in the folder.
    ModelError
        If the model that the training began with, or the teacher, is not there any more.
    """
    check_replaceable(folder)
    folder = folder.resolve()
    # Hidden and without a card of its own: nobody takes it for a model.
    workplace = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(workplace, ignore_errors=True)
    new, old = workplace / "new", workplace / "old"
    new.mkdir(parents=True)
    try:
        card = _write(network, recipe, run, new, command, device)
    except BaseException:
        shutil.rmtree(workplace, ignore_errors=True)
        raise
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(workplace, ignore_errors=True)
    return card


def check_replaceable(folder: Path) -> None:
    """See that a model can be published in a folder without a loss of anything but a model.

    Raises
    ------
    DataError
        Naming what else lies there.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: this is a file, not a folder for a model")
    inside = sorted(one.name for one in folder.iterdir()) if folder.exists() else []
    if others := [name for name in inside if name not in _REPLACED]:
        raise DataError(
            f"{folder}: more than a model is in this folder ({', '.join(others[:3])}); choose "
            "another with -o"
        )


def _write(
    network: nn.Module, recipe: Recipe, run: Path, folder: Path, command: str, device: str
) -> ModelCard:
    weights = folder / WEIGHTS_FILE
    save_file({k: v.contiguous().clone() for k, v in network.state_dict().items()}, weights)
    weights.chmod(0o644)  # written for the owner alone, but an installed model is for everybody
    shutil.copyfile(run / HISTORY_FILE, folder / HISTORY_FILE)
    history = read_history(run)
    learning_curve(history, recipe.title, folder / CURVE_FILE)
    field = recipe.view * recipe.sources[0].field_px
    scaled = {"scale": recipe.scale, "unit": f"{recipe.scale:g} of the table's"}
    origins = {"start": recipe.start, "teacher": recipe.teacher}
    card = ModelCard(
        name=recipe.name,
        title=recipe.title,
        task=recipe.task,
        architecture=recipe.architecture,
        parameters=dict(recipe.parameters),
        classes=recipe.outputs,
        targets={k: v for k, v in TARGETS.items() if v in recipe.outputs},
        input_size=recipe.input_size,
        frame=recipe.frame,
        field_r90=field / recipe.sources[0].r90_px if recipe.frame == "r90" else 0.0,
        field_px=round(field) if recipe.frame == "pixels" else 0,
        stretch=recipe.stretch,
        activation=ACTIVATION[recipe.target],
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        training={
            "source": recipe.source,
            "licence of the data": recipe.licence,
            "command": command,
            "machine": _machine(device),
            "epochs": len(history),
            "hours": round(sum(line["seconds"] for line in history) / 3600, 2),
            "parameters": sum(p.numel() for p in network.parameters()),
        }
        | {key: _origin(name) for key, name in origins.items() if name}
        | (scaled if recipe.scale != 1 else {}),
        limits=recipe.limits,
    )
    write_card(card, folder)
    return card


def _machine(device: str) -> str:
    where = choose_device(device)
    if where.type == "cuda":
        return torch.cuda.get_device_name(where)
    cores = f"{os.cpu_count()} cores, {platform.machine()}"
    return f"{cores}, MPS" if where.type == "mps" else cores


def _origin(name: str) -> str:
    """Name of a model that went into the training, and how its hash begins."""
    known = model_folders()
    folder = known.get(name, Path(name))
    return f"{name if name in known else folder.name} {read_card(folder).sha256[:12]}"


def write_metrics(folder: Path, metrics: Sequence[Metric]) -> ModelCard:
    """Put the figures of an evaluation on the card of a model, in place of those it had.

    Parameters
    ----------
    folder : Path
        Of a single network or an ensemble.
    metrics : sequence of Metric
        From `galaxyscope.train.evaluate.evaluate`.
    """
    card = dataclasses.replace(read_card(folder), metrics=tuple(metrics))
    write_card(card, folder)
    return card
