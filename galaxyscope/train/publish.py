"""From a trained network to a model folder: weights, card, learning curve."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from galaxyscope.classify.card import WEIGHTS_FILE, Metric, ModelCard, write_card
from galaxyscope.classify.decision_tree import TARGETS
from galaxyscope.train.recipe import Recipe

# Galaxy Zoo's pictures have 0.02 × petroR90 arcsec per pixel: r90 is 50 of their pixels.
R90_PX = 50.0


def publish(
    network: nn.Module,
    recipe: Recipe,
    metrics: list[Metric],
    run: Path,
    folder: Path,
    training: dict[str, Any],
    limits: str,
) -> ModelCard:
    """Write a model folder that `galaxyscope.classify.store.load_model` reads.

    Parameters
    ----------
    network : torch.nn.Module
    recipe : Recipe
    metrics : list of Metric
        From `galaxyscope.train.evaluate.evaluate`.
    run : Path
        The run's working folder; its learning curve is copied.
    folder : Path
        Where the model goes.
    training : dict
        Data, source, licence, command.
    limits : str
        What the network is not good for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS_FILE
    save_file({k: v.contiguous().clone() for k, v in network.state_dict().items()}, weights)
    weights.chmod(0o644)  # written for the owner alone, but an installed model is for everybody
    history = (run / "history.csv").read_text(encoding="utf-8")
    (folder / "history.csv").write_text(history, encoding="utf-8")
    lines = list(csv.DictReader(history.splitlines()))
    card = ModelCard(
        name=recipe.name,
        title=recipe.title,
        task="galaxyzoo",
        architecture=recipe.architecture,
        parameters=dict(recipe.parameters),
        classes=recipe.outputs,
        targets={k: v for k, v in TARGETS.items() if v in recipe.outputs},
        input_size=recipe.input_size,
        field_r90=recipe.view * recipe.field_px / R90_PX,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        metrics=tuple(metrics),
        training=training
        | {
            "epochs": len(lines),
            "hours": round(sum(float(line["seconds"]) for line in lines) / 3600, 2),
            "parameters": sum(p.numel() for p in network.parameters()),
        },
        limits=limits,
    )
    write_card(card, folder)
    return card
