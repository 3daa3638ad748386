"""`ModelCard`: what a network is, what it answers, how good it is and where it came from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxyscope.classify import card_checks as check

CARD_FILE = "card.json"
WEIGHTS_FILE = "weights.safetensors"
ENSEMBLE = "ensemble"
"""Architecture of a model that averages others."""

_LARGEST_CARD = 4 * 2**20  # bytes


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
        Finite.
    split : str
        On which pictures it was measured.
    count : int
        How many those were.
    """

    name: str
    value: float
    split: str
    count: int

    def __post_init__(self) -> None:
        check.text(self.name, "the name of a metric")
        check.number(self.value, f"metric {self.name!r}")
        check.text(self.split, f"the split of metric {self.name!r}")
        check.whole(self.count, f"the count of metric {self.name!r}", 0)


@dataclass(frozen=True)
class ModelCard:
    """The card beside a network's weights (``card.json``).

    Parameters
    ----------
    name, title : str
    task : str
        What the answers mean: ``"galaxyzoo"``, ``"radio-fr"``, ``"elliptical"``, ``"bars"`` …
    architecture : str
        Key of `galaxyscope.classify.architectures.ARCHITECTURES`; ``"ensemble"`` for the mean
        of the models in the subfolders that `members` names.
    parameters : mapping
        Keyword arguments of the architecture.
    classes : tuple of str
        Names of the outputs, in order.
    targets : mapping of str to str
        Short names of classes for people: ``{"bar": "Class3.1"}``; the first is the default.
    input_size : int
        Side of the network's input in pixels.
    field_r90 : float
        With ``frame="r90"``: side of the field that the network sees, in units of the
        galaxy's r90. Else without meaning, and 0.
    sha256 : str
        Of the weights file; of an ensemble `galaxyscope.classify.ensemble.joint_sha256`.
    activation : {"sigmoid", "softmax", "identity"}
        What turns logits into probabilities; ``"identity"`` where the answer is a number.
    cam_layer : str
        Name of the module whose output Grad-CAM weighs; empty: the last feature map.
    metrics : tuple of Metric
    training : mapping
        Data, source, licence, command, epochs, seconds.
    limits : str
        What the network is not good for.
    members : tuple of str
        Subfolders of an ensemble, each a model; empty for a single network.
    frame : {"r90", "pixels", "whole"}
        Which part of a cutout the network sees: a field scaled to the galaxy, the central
        `field_px` pixels, or all of it (see `galaxyscope.classify.preprocess`).
    field_px : int
        With ``frame="pixels"``: side of the central field in pixels of the cutout.
    stretch : {"galaxyzoo", "radio"}
        How linear flux becomes [0, 1].
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
    members: tuple[str, ...] = ()
    frame: str = "r90"
    field_px: int = 0
    stretch: str = "galaxyzoo"

    def __post_init__(self) -> None:
        for name in ("name", "title", "task", "architecture", "sha256", "cam_layer", "limits"):
            check.text(getattr(self, name), name)
        check.arguments(self.parameters)
        check.names(self.classes, "classes")
        if not self.classes:
            raise ValueError("the classes must be different names, at least one")
        check.table(self.targets, "targets")
        check.table(self.training, "training")
        if unknown := [c for c in self.targets.values() if c not in self.classes]:
            raise ValueError(
                f"the targets name classes that do not exist: {', '.join(map(str, unknown))}"
            )
        check.choice(self.activation, "activation", ("sigmoid", "softmax", "identity"))
        check.choice(self.frame, "frame", ("r90", "pixels", "whole"))
        check.choice(self.stretch, "stretch", ("galaxyzoo", "radio"))
        check.whole(self.input_size, "input_size", 8, 4096)
        check.number(self.field_r90, "field_r90", 0, 1000)
        check.whole(self.field_px, "field_px", 0, 65536)
        if self.frame == "r90" and self.field_r90 == 0:
            raise ValueError("field_r90 is out of range: the frame is scaled to r90")
        if self.frame == "pixels" and self.field_px == 0:
            raise ValueError("field_px is out of range: the frame is given in pixels")
        check.folders(self.members)
        if (self.architecture == ENSEMBLE) != bool(self.members):
            raise ValueError("an ensemble, and nothing else, has members")

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
    path = folder / CARD_FILE
    try:
        if not path.exists():
            raise ModelError(folder.name, f"there is no {CARD_FILE}")
        if not path.is_file() or path.stat().st_size > _LARGEST_CARD:
            raise ModelError(folder.name, f"{CARD_FILE} is not a model card (too large)")
        values = json.loads(path.read_text(encoding="utf-8"))
        check.table(values, "the card")
        for name in ("classes", "members", "metrics"):
            if name in values or name == "classes":
                values[name] = check.listed(values[name], name)
        values["metrics"] = tuple(Metric(**m) for m in values.get("metrics", ()))
        values.setdefault("field_r90", 0.0)
        return ModelCard(**values)
    except ModelError:
        raise
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(folder.name, f"{CARD_FILE} is not a model card ({reason})") from error


def write_card(card: ModelCard, folder: Path) -> None:
    """Write ``card.json``, whole or not at all."""
    text = json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False)
    partial = folder / f"{CARD_FILE}.part"
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(folder / CARD_FILE)
