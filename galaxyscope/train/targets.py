"""What a network is asked for: from logits to values, the loss, and the figure to watch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from galaxyscope.train.recipe import Recipe

#: What the card of a network with this target says.
ACTIVATION = {
    "fractions": "sigmoid",
    "classes": "softmax",
    "number": "identity",
    "length": "identity",
}


def answers(logits: Tensor, target: str) -> Tensor:
    """Fractions, probabilities of classes, or the number itself; shape as `logits`."""
    if target == "fractions":
        return torch.sigmoid(logits)
    return logits.softmax(dim=-1) if target == "classes" else logits


def loss(logits: Tensor, wanted: Tensor, rows: Tensor, columns: Tensor, recipe: Recipe) -> Tensor:
    """How wrong a batch is.

    Parameters
    ----------
    logits, wanted : Tensor, shape (n, outputs)
    rows : Tensor, shape (n,)
        Weight of each picture.
    columns : Tensor, shape (outputs,)
        Weight of each output.
    recipe : Recipe

    Returns
    -------
    Tensor
        One number; 0 where no picture has a weight.
    """
    if not rows.any():
        return (0 * logits).sum()
    if recipe.target == "classes":
        each = functional.cross_entropy(
            logits, wanted, weight=columns, reduction="none", label_smoothing=recipe.smoothing
        )
        return (each * rows).sum() / rows.sum()
    error = (answers(logits, recipe.target) - wanted) ** 2
    # The root of the weighted mean, as in the recipe of Bhambra et al. 2022 (RMSE loss).
    return torch.sqrt((error * columns * rows[:, None]).sum() / (columns.sum() * rows.sum()))


def watched(predicted: NDArray[np.float32], values: NDArray[np.float32], recipe: Recipe) -> float:
    """Figure that should fall: error rate of classes, else the root of the mean squared error."""
    if recipe.target == "classes":
        return float(np.mean(predicted.argmax(axis=1) != values.argmax(axis=1)))
    return float(np.sqrt(np.mean((predicted - values) ** 2)))
