"""`ModelCard`: what a network is, what it answers, how good it is and where it came from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CARD_FILE = "card.json"
WEIGHTS_FILE = "weights.safetensors"


class ModelError(ValueError):
    """A model that cannot be used; ``str()`` is one sentence naming it and the reason."""

    def __init__(self, model: Path | str, reason: str) -> None:
        self.model, self.reason = str(model), reason
        super().__init__(f"model {self.model}: {reason}")


@dataclass(frozen=True)
class Metric:
    """One figure of a model, as an evaluation printed it.

    Parameters
    ----------
    name : str
    value : float
    split : str
        On which pictures it was measured.
    count : int
        How many those were.
    """

    name: str
    value: float
    split: str
    count: int


@dataclass(frozen=True)
class ModelCard:
    """The card beside a network's weights (``card.json``).

    Parameters
    ----------
    name, title : str
    task : str
        What the answers mean: ``"galaxyzoo"``, ``"radio-fr"`` …
    architecture : str
        Key of `galaxyscope.classify.architectures.ARCHITECTURES`.
    parameters : mapping
        Keyword arguments of the architecture.
    classes : tuple of str
        Names of the outputs, in order.
    targets : mapping of str to str
        Short names of classes for people: ``{"bar": "Class3.1"}``; the first is the default.
    input_size : int
        Side of the network's input in pixels.
    field_r90 : float
        Side of the field that the network sees, in units of the galaxy's r90.
    sha256 : str
        Of the weights file.
    activation : {"sigmoid", "softmax"}
        What turns logits into probabilities.
    cam_layer : str
        Name of the module whose output Grad-CAM weighs; empty: the last feature map.
    metrics : tuple of Metric
    training : mapping
        Data, source, licence, command, epochs, seconds.
    limits : str
        What the network is not good for.
    """

    name: str
    title: str
    task: str
    architecture: str
    parameters: Mapping[str, Any]
    classes: tuple[str, ...]
    targets: Mapping[str, str]
    input_size: int
    field_r90: float
    sha256: str
    activation: str = "sigmoid"
    cam_layer: str = ""
    metrics: tuple[Metric, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    limits: str = ""

    def __post_init__(self) -> None:
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError("the classes must be different names, at least one")
        if unknown := [c for c in self.targets.values() if c not in self.classes]:
            raise ValueError(f"the targets name classes that do not exist: {', '.join(unknown)}")
        if self.activation not in {"sigmoid", "softmax"}:
            raise ValueError(f"unknown activation {self.activation!r}")
        if not 8 <= self.input_size <= 4096 or not 0 < self.field_r90 < 1000:
            raise ValueError("input_size or field_r90 is out of range")

    def class_of(self, target: str) -> str:
        """Class name of a target or class.

        Raises
        ------
        KeyError
            Naming the possible targets.
        """
        name = self.targets.get(target, target)
        if name not in self.classes:
            raise KeyError(
                f"{self.name} has no target {target!r}; there are: "
                f"{', '.join([*self.targets, *self.classes])}"
            )
        return name


def read_card(folder: Path) -> ModelCard:
    """Read the card of a model folder.

    Raises
    ------
    ModelError
        If there is no card, or it is not one.
    """
    try:
        values = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        values["classes"] = tuple(values["classes"])
        values["metrics"] = tuple(Metric(**m) for m in values.get("metrics", ()))
        return ModelCard(**values)
    except FileNotFoundError as error:
        raise ModelError(folder.name, f"there is no {CARD_FILE}") from error
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(folder.name, f"{CARD_FILE} is not a model card ({error})") from error


def write_card(card: ModelCard, folder: Path) -> None:
    """Write ``card.json``."""
    text = json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False)
    (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")
