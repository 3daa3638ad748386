"""Small classifiers with the interface of the real one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.registry import method
from galaxyscope.sky.frame import Affine


class SmallClassifier(Classifier):
    """A Classifier with a card of its own, on which tests may write."""

    def __init__(self, network: nn.Module, classes: Sequence[str], name: str = "small") -> None:
        card = SimpleNamespace(
            name=name,
            classes=tuple(classes),
            sha256="0" * 64,
            cam_layer="",
            activation="sigmoid",
        )
        super().__init__(card, network, torch.device("cpu"))

    def class_index(self, target: str) -> int:
        name = {"bar": self.card.classes[0]}.get(target, target)
        if name not in self.card.classes:
            raise KeyError(f"no class {target!r}; there are {', '.join(self.card.classes)}")
        return self.card.classes.index(name)


class SmallNetwork(nn.Module):
    """Two strided convolutions with SiLU, mean, linear; has everything hooks could break."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.BatchNorm2d(8),
            nn.SiLU(),
            nn.Conv2d(8, 12, 3, stride=2, padding=1),
            nn.SiLU(inplace=True),
        )
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(12, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(self.features(x).mean((2, 3)))) * 10


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Small networks are fastest so, and leave the other cores to others."""
    torch.set_num_threads(1)


@pytest.fixture
def small() -> SmallClassifier:
    torch.manual_seed(1)
    return SmallClassifier(SmallNetwork(), ("Class3.1", "Class3.2", "Class1.1"))


@pytest.fixture
def classify() -> Callable[..., SmallClassifier]:
    """Make a classifier of any network."""

    def make(network: nn.Module, classes: Sequence[str] = ("Class3.1", "Class3.2")):
        return SmallClassifier(network, classes)

    return make


@pytest.fixture
def make_input() -> Callable[..., NetworkInput]:
    """Make a random smooth picture in [0, 1], or wrap pixels."""

    def make(pixels: np.ndarray | int = 24, seed: int = 0, to_cutout: Affine | None = None):
        if isinstance(pixels, int):
            rng = np.random.default_rng(seed)
            coarse = torch.from_numpy(rng.random((1, 3, 6, 6), np.float32))
            smooth = nn.functional.interpolate(coarse, size=(pixels, pixels), mode="bilinear")
            pixels = smooth[0].numpy()
        return NetworkInput(np.asarray(pixels, np.float32), to_cutout or Affine())

    return make


_FEW = {"samples": 16, "steps": 8, "copies": 2, "references": 2, "generations": 2, "population": 6}


@pytest.fixture
def few() -> Callable[..., dict[str, object]]:
    """Settings of a method that make it quick."""

    def settings(name: str, **more: object) -> dict[str, object]:
        names = {parameter.name for parameter in method(name).card.parameters}
        return {k: v for k, v in (_FEW | more).items() if k in names}

    return settings
