"""`Classifier`: a loaded network with its card, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.frame import Affine

if TYPE_CHECKING:
    import torch

    from galaxyscope.classify.card import ModelCard
    from galaxyscope.sky.image import SkyImage


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """A cutout in the network's frame.

    Parameters
    ----------
    pixels : ndarray, shape (3, size, size), float32
        Stretched red, green, blue in [0, 1], first row at the top of the sky picture.
    to_cutout : Affine
        Network-input pixel → cutout pixel.
    """

    pixels: NDArray[np.float32]
    to_cutout: Affine


@dataclass(frozen=True)
class Prediction:
    """What a network says of one cutout.

    Parameters
    ----------
    probabilities : mapping of class name to float
        As named on the card (vote fractions for Galaxy Zoo networks).
    logits : mapping of class name to float
    model, model_sha256 : str
    """

    probabilities: Mapping[str, float]
    logits: Mapping[str, float]
    model: str
    model_sha256: str


class Classifier:
    """A network replica on one device; one user at a time (explainers hook it).

    Parameters
    ----------
    card : ModelCard
    network : torch.nn.Module
        Maps ``(n, 3, size, size)`` in [0, 1] to logits ``(n, classes)``; its normalisation
        is its own first step. It is put into evaluation mode with frozen weights.
    device : torch.device
    """

    def __init__(self, card: ModelCard, network: torch.nn.Module, device: torch.device) -> None:
        self.card, self.device = card, device
        self.network = network.to(device).eval().requires_grad_(False)

    def class_index(self, target: str) -> int:
        """Index of a class name, or of a target of the card such as ``"bar"``.

        Raises
        ------
        KeyError
            With the possible names, if there is no such class.
        """
        return self.card.classes.index(self.card.class_of(target))

    def prepare(self, image: SkyImage) -> NetworkInput:
        """Bring a cutout into the network's frame (see `galaxyscope.classify.preprocess`)."""
        from galaxyscope.classify.preprocess import prepare

        return prepare(image, self.card)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of a batch, shape (n, classes), differentiable with respect to `x`."""
        logits: torch.Tensor = self.network(x.to(self.device))
        return logits

    def predict(self, net_input: NetworkInput) -> Prediction:
        """Answer for one cutout: the mean over its eight mirrored and quarter-turned copies.

        A galaxy has no preferred direction, so the average is the better answer; these
        eight copies need no resampling.
        """
        import torch

        x = torch.from_numpy(net_input.pixels)[None]
        turned = [torch.rot90(x, k, (2, 3)) for k in range(4)]
        batch = torch.cat(turned + [t.flip(3) for t in turned])
        with torch.inference_mode():
            logits = self.logits(batch).float().mean(dim=0)
            final = torch.sigmoid if self.card.activation == "sigmoid" else _softmax
            probabilities = final(logits)
        return Prediction(
            probabilities=dict(zip(self.card.classes, probabilities.tolist(), strict=True)),
            logits=dict(zip(self.card.classes, logits.tolist(), strict=True)),
            model=self.card.name,
            model_sha256=self.card.sha256,
        )


def _softmax(logits: torch.Tensor) -> torch.Tensor:
    return logits.softmax(dim=-1)
