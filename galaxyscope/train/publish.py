"""From a trained network to a model folder: weights, card, learning curve."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from galaxyscope.classify.card import WEIGHTS_FILE, Metric, ModelCard, read_card, write_card
from galaxyscope.classify.decision_tree import TARGETS
from galaxyscope.train.figures import learning_curve
from galaxyscope.train.recipe import Recipe
from galaxyscope.train.state import HISTORY_FILE, read_history
from galaxyscope.train.targets import ACTIVATION

# Galaxy Zoo's pictures have 0.02 × petroR90 arcsec per pixel: r90 is 50 of their pixels.
R90_PX = 50.0


def publish(
    network: nn.Module, recipe: Recipe, run: Path, folder: Path, command: str = ""
) -> ModelCard:
    """Write a model folder that `galaxyscope.classify.store.load_model` reads.

    Its figures are those of an evaluation: see `write_metrics`.

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
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS_FILE
    save_file({k: v.contiguous().clone() for k, v in network.state_dict().items()}, weights)
    weights.chmod(0o644)  # written for the owner alone, but an installed model is for everybody
    shutil.copyfile(run / HISTORY_FILE, folder / HISTORY_FILE)
    history = read_history(run)
    learning_curve(history, recipe.title, folder / "learning.png")
    field = recipe.view * recipe.sources[0].field_px
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
        field_r90=field / R90_PX if recipe.frame == "r90" else 0.0,
        field_px=round(field) if recipe.frame == "pixels" else 0,
        stretch=recipe.stretch,
        activation=ACTIVATION[recipe.target],
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        training={
            "source": recipe.source,
            "licence of the data": recipe.licence,
            "command": command,
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "epochs": len(history),
            "hours": round(sum(line["seconds"] for line in history) / 3600, 2),
            "parameters": sum(p.numel() for p in network.parameters()),
        }
        | ({"unit": f"{recipe.scale:g} of the table's"} if recipe.scale != 1 else {}),
        limits=recipe.limits,
    )
    write_card(card, folder)
    return card


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
