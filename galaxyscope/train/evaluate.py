"""What a trained network is worth: figures on pictures that it was not trained on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from galaxyscope.classify.card import Metric
from galaxyscope.train.augment import plain
from galaxyscope.train.data import Pictures
from galaxyscope.train.recipe import Recipe

ZOOMS = (0.5, 0.7, 1.0, 1.4)


def evaluate(network: nn.Module, pictures: Pictures, recipe: Recipe, split: str) -> list[Metric]:
    """Measure a network on a split.

    Parameters
    ----------
    network : torch.nn.Module
    pictures : Pictures
    recipe : Recipe
    split : str
        Name of the split, for the card.

    Returns
    -------
    list of Metric
        RMSE over all outputs and correlation of the bar fraction, with the mean over eight
        mirrored and turned copies as `Classifier.predict` has it; the RMSE of always
        predicting the mean; both figures for other zooms (in units of the recipe's field) and
        for grey pictures.
    """
    found = []

    def add(name: str, value: float) -> None:
        found.append(Metric(name, round(float(value), 4), split, len(pictures.names)))

    mean = pictures.values.mean(axis=0)
    add(
        "rmse of predicting the mean", _rmse(np.broadcast_to(mean, pictures.values.shape), pictures)
    )
    for label, zoom, grey in [
        ("", recipe.view, False),
        *[(f" at zoom {z:g}", z, False) for z in ZOOMS if z != recipe.view],
        (" in grey", recipe.view, True),
    ]:
        predicted = predict_turned(network, pictures, recipe.input_size, zoom, grey)
        add(f"rmse{label}", _rmse(predicted, pictures))
        if "Class3.1" in recipe.outputs:
            bar = recipe.outputs.index("Class3.1")
            rho = correlation(predicted[:, bar], pictures.values[:, bar])
            add(f"correlation of the bar fraction{label}", rho)
    return found


def predict_turned(
    network: nn.Module,
    pictures: Pictures,
    size: int,
    zoom: float = 1.0,
    grey: bool = False,
    batch: int = 32,
) -> NDArray[np.float32]:
    """Fractions from the mean logits over eight mirrored and quarter-turned copies.

    Parameters
    ----------
    network : torch.nn.Module
    pictures : Pictures
    size : int
        Side of the network's input.
    zoom : float
        Side of the field in units of the pictures' field.
    grey : bool
        Replace the colours by their mean.
    batch : int

    Returns
    -------
    ndarray, shape (n, outputs)
    """
    network.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(pictures.names), batch):
            stored = torch.from_numpy(pictures.pixels[start : start + batch])
            x = plain(stored, size, pictures.field * zoom)
            if grey:
                x = x.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
            turned = [torch.rot90(x, k, (2, 3)) for k in range(4)]
            copies = torch.cat(turned + [t.flip(3) for t in turned])
            logits = network(copies).reshape(8, len(x), -1).mean(dim=0)
            found.append(torch.sigmoid(logits).numpy())
    return np.concatenate(found)


def correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Pearson's correlation; 0 where one side is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _rmse(predicted: NDArray[np.float32], pictures: Pictures) -> float:
    return float(np.sqrt(np.mean((predicted - pictures.values) ** 2)))
