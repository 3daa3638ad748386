"""`Recipe`: everything that decides what a training run gives, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training picture; a galaxy has no preferred direction or distance.

    Parameters
    ----------
    zoom : (smallest, largest)
        Side of the field that the network sees, in units of the recipe's ``field_px``,
        drawn uniformly in its logarithm.
    shift : float
        Largest shift, as a fraction of the field.
    brightness, gamma : (smallest, largest)
    grey : float
        Share of pictures shown without colour, since many cutouts have one band only.
    tint : float
        Largest relative change of one channel against the others.
    noise : float
        Largest standard deviation of added noise (full scale 1). SmoothGrad asks the network
        about noisy pictures, so it must have seen some.
    blur : float
        Share of pictures that are smoothed as by worse seeing.
    """

    zoom: tuple[float, float] = (0.5, 1.45)
    shift: float = 0.05
    brightness: tuple[float, float] = (0.7, 1.3)
    gamma: tuple[float, float] = (0.8, 1.25)
    grey: float = 0.3
    tint: float = 0.15
    noise: float = 0.12
    blur: float = 0.25


@dataclass(frozen=True)
class Recipe:
    """One training run.

    Parameters
    ----------
    name, title : str
        Of the model that comes out.
    pictures, table : Path
        Zip file (or folder) of pictures, CSV with one row per picture.
    identifier : str
        Column of the table that is the picture's name without suffix.
    outputs : tuple of str
        Columns to predict, each a fraction in [0, 1].
    weights : mapping of str to float
        Weight of a column in the loss, 1 where absent.
    architecture : str
    parameters : mapping
        Keyword arguments of the architecture.
    input_size : int
        Side of the network's input in pixels.
    field_px : float
        Side, in pixels of the stored pictures, of the field that is seen at zoom 1.
    view : float
        Side of the field that the trained network is shown in use, in units of `field_px`.
        Training sees all zooms; a closer view draws the bar larger on the map.
    epochs, batch, rate, decay, ema, cooldown, seed
        AdamW with warm-up, a constant rate, and a linear fall to zero over the last
        `cooldown` share of the steps; `ema` is the decay of the averaged weights.
    """

    name: str
    title: str
    pictures: Path
    table: Path
    identifier: str
    outputs: tuple[str, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    architecture: str = "preact-resnet"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    input_size: int = 128
    field_px: float = 160.0
    view: float = 1.0
    epochs: int = 40
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.03
    ema: float = 0.998
    cooldown: float = 0.4
    seed: int = 0
    augmentation: Augmentation = Augmentation()


def read_recipe(path: Path, data: Path) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path : Path
        TOML file with the fields of `Recipe`.
    data : Path
        Folder that the recipe's ``pictures`` and ``table`` are relative to.

    Raises
    ------
    ValueError
        Naming the file, if a field is unknown, missing or of the wrong kind.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        changes = values.pop("augmentation", {})
        values["augmentation"] = Augmentation(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()}
        )
        values["outputs"] = tuple(values["outputs"])
        values["pictures"], values["table"] = data / values["pictures"], data / values["table"]
        return Recipe(**values)
    except (tomllib.TOMLDecodeError, TypeError, KeyError, OSError) as error:
        raise ValueError(f"{path.name}: not a usable recipe ({error})") from error
