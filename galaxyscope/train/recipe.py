"""`Recipe`: everything that decides what a training run gives, read from a TOML file."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

CHOICES = {
    "target": ("fractions", "classes", "number", "length"),
    "schedule": ("cooldown", "plateau"),
    "frame": ("r90", "pixels", "whole"),
    "stretch": ("galaxyzoo", "radio"),
    "precision": ("bf16", "fp32"),
}
_KINDS = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    tuple: "a list",
    list: "a list",
    Mapping: "a table",
}


def _check_kinds(made: object) -> None:
    """Raise if a field of a dataclass is not of the kind that it is annotated with."""
    for name, kind in get_type_hints(type(made)).items():
        _check_kind(name, getattr(made, name), kind)


def _check_kind(name: str, value: Any, kind: Any) -> None:
    if kind is Any:
        return
    outer, inside = get_origin(kind) or kind, get_args(kind)
    right = isinstance(value, (int, float) if outer is float else outer)
    if outer in (int, float):  # for Python a bool is an int, and nan a float
        right = right and not isinstance(value, bool) and abs(value) < math.inf
    if not right:
        raise ValueError(f"{name} must be {_KINDS.get(outer, outer.__name__)}, not {value!r}")
    if outer is Mapping:
        for key, one in value.items():
            _check_kind(f"{name}.{key}", one, inside[1])
    elif outer in (tuple, list):
        if outer is tuple and inside[-1] is not Ellipsis and len(value) != len(inside):
            raise ValueError(f"{name} must have {len(inside)} values, not {len(value)}")
        for one in value:
            _check_kind(f"each of {name}", one, inside[0])


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training picture; a galaxy has no preferred direction or distance.

    Parameters
    ----------
    zoom : (smallest, largest)
        Side of the field that the network sees, in units of the source's ``field_px``,
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

    def __post_init__(self) -> None:
        _check_kinds(self)


@dataclass(frozen=True)
class Source:
    """One collection of labelled pictures, or of simulated galaxies.

    Parameters
    ----------
    pictures, table : Path
        Zip file or folder of pictures, CSV with one row per picture. A table that lies beside
        the recipe goes before one of the data.
    identifier : str
        Column of the table that is the picture's name, with or without its suffix and the
        folders that it is in.
    field_px : float
        Side, in pixels of the stored pictures, of the field that is seen at zoom 1. 0: the
        whole picture where the recipe's frame is that; else unknown, so that the galaxy is
        located in every picture, which serves to evaluate but not to train.
    r90_px : float
        r90 of the galaxies in pixels of the stored pictures, for the frame of that name. Galaxy
        Zoo's have 0.02 × petroR90 arcsec per pixel, so 50.
    label : str
        Column with the class of a picture, for a recipe whose target is classes.
    classes : mapping of str to str
        What the classes of the table are called in the recipe; a class that is not named
        here or among the recipe's outputs is left out.
    where : mapping of str to list of str
        Only rows whose column has one of these values.
    unless : mapping of str to list of str
        No row whose column has one of these values.
    double : str
        Column of flags, 0 or 1; rows where it is 1 count double.
    share : float
        Of every batch; the sources' shares are scaled to sum to one. An epoch has as many
        pictures as the first source.
    taught : bool
        The values come from the recipe's teacher, not from the table; `columns` then name
        the teacher's answers.
    validation : float
        Share of the pictures set aside, by a hash of their names, as ``val`` and again as
        ``test``, where the table has no column ``split``.
    columns : mapping of str to list of str
        Columns of the table whose sum is an output, where it is not the column of the same
        name. With classes: the shares of people who saw each class, in place of a label.
    majority : float
        With shares of people: the least share that makes a picture one of a class; others
        are left out.
    sky : (ra, dec)
        Columns of positions in degrees. A picture to train on that lies within
        `galaxyscope.train.table.SAME_OBJECT` of one that is set aside, of any source, is
        left out; so is one of the same name.
    simulated : int
        In place of pictures and a table: so many simulated galaxies, whose bars are known, for a
        recipe whose target is length; see `galaxyscope.train.simulated`.
    weight : str
        Column of weights: how much a row counts in the loss, 0 or more; 1 without it.
    """

    pictures: Path = Path()
    table: Path = Path()
    identifier: str = ""
    field_px: float = 0.0
    r90_px: float = 50.0
    label: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, list[str]] = field(default_factory=dict)
    unless: Mapping[str, list[str]] = field(default_factory=dict)
    double: str = ""
    share: float = 1.0
    taught: bool = False
    validation: float = 0.1
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    majority: float = 0.5
    sky: tuple[str, ...] = ()
    simulated: int = 0
    weight: str = ""

    def __post_init__(self) -> None:
        _check_kinds(self)
        if self.field_px < 0:
            raise ValueError("field_px must not be below 0")
        if not self.r90_px > 0:
            raise ValueError("r90_px must be above 0")
        if bool(self.simulated) == bool(self.identifier):
            raise ValueError("a source has pictures with a table, or simulated galaxies")
        if self.simulated and not self.field_px > 0:
            raise ValueError("simulated galaxies need the side of the field, field_px")


@dataclass(frozen=True)
class Stage:
    """A part of the run with one size of the network's input.

    Parameters
    ----------
    input_size : int
        Side in pixels.
    epochs : int
    sources : int
        How many of the recipe's sources take part: 1 for the first alone; 0 for all.
    """

    input_size: int
    epochs: int
    sources: int = 0

    def __post_init__(self) -> None:
        _check_kinds(self)
        if self.input_size < 8 or self.epochs < 1 or self.sources < 0:
            raise ValueError("a stage has at least 8 px and one epoch")


@dataclass(frozen=True)
class Recipe:
    """One training run.

    Parameters
    ----------
    name, title : str
        Of the model that comes out.
    task : str
        See `galaxyscope.classify.card.ModelCard`.
    outputs : tuple of str
        Columns to predict (fractions in [0, 1], or one number), or names of classes.
    sources : tuple of Source
        Where the pictures are.
    target : {"fractions", "classes", "number", "length"}
        Fractions: sigmoid and the root of the mean squared error, as in Bhambra et al. 2022.
        Classes: softmax and cross-entropy. Number: one value, root of the mean squared error.
        Length: one length in pixels of the stored pictures; the network answers its natural
        logarithm in units of the side of the field that it sees, so that a zoom changes it.
    scale : float
        A number is learnt in units of this.
    weights : mapping of str to float
        Weight of an output in the loss, 1 where absent.
    teacher : str
        Name or folder of the model that labels sources with ``taught``.
    start : str
        Name or folder of a model of the same architecture whose weights the training begins
        with; layers of another size (the last, for other outputs) begin at random.
    architecture : str
    parameters : mapping
        Keyword arguments of the architecture.
    stages : tuple of Stage
        One after another: a network learns the coarse things faster on small pictures. The
        last one's size is the network's.
    view : float
        Side of the field that the trained network is shown in use, in units of ``field_px``.
        Training sees all zooms; a closer view draws the bar larger on the map.
    batch, rate, decay, ema, seed
        AdamW's; `ema` is the decay of the averaged weights.
    muon : float
        Learning rate of Muon for kernels and matrices inside the network; 0: AdamW for all.
    schedule : {"cooldown", "plateau"}
        Cooldown: warm-up, constant rate, linear fall to zero over the last `cooldown` share
        of the steps. Plateau: halve the rate after `patience` epochs without progress on the
        validation pictures and stop after twice as many (Bhambra et al. 2022); the network is
        that of the best epoch.
    cooldown : float
    patience : int
    smoothing : float
        Label smoothing of the cross-entropy.
    augmentation : Augmentation
    judged : str
        Split that the figures on the card are measured on.
    pair : (str, str)
        Two classes whose distinction gets a figure of its own.
    frame, stretch : str
        How the program brings a cutout to the network, see
        `galaxyscope.classify.preprocess`: ``"r90"`` for pictures scaled as Galaxy Zoo's are,
        ``"pixels"`` for pictures of one pixel scale.
    precision : {"bf16", "fp32"}
        Of the forward pass in training. On current CPUs bf16 halves the time of convolutions
        and makes vision transformers slower.
    source, licence, limits : str
        For the card: whose pictures and labels these are, under which licence, and what the
        network is not good for.
    """

    name: str
    title: str
    outputs: tuple[str, ...]
    sources: tuple[Source, ...]
    stages: tuple[Stage, ...]
    task: str = "galaxyzoo"
    target: str = "fractions"
    scale: float = 1.0
    weights: Mapping[str, float] = field(default_factory=dict)
    teacher: str = ""
    start: str = ""
    architecture: str = "preact-resnet"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    view: float = 1.0
    batch: int = 64
    rate: float = 2e-3
    muon: float = 0.0
    decay: float = 0.03
    ema: float = 0.998
    schedule: str = "cooldown"
    cooldown: float = 0.4
    patience: int = 5
    smoothing: float = 0.0
    seed: int = 0
    augmentation: Augmentation = Augmentation()
    judged: str = "val"
    pair: tuple[str, ...] = ()
    frame: str = "r90"
    stretch: str = "galaxyzoo"
    precision: str = "bf16"
    source: str = ""
    licence: str = ""
    limits: str = ""

    def __post_init__(self) -> None:
        _check_kinds(self)
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"unknown {name} {getattr(self, name)!r}; there are: {', '.join(known)}"
                )
        for name in ("batch", "patience", "rate", "scale"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        if self.is_number and len(self.outputs) != 1:
            raise ValueError("a number is one output")
        named = {*self.weights, *self.pair, *(c for s in self.sources for c in s.columns)}
        if unknown := sorted(named - set(self.outputs)):
            raise ValueError(f"these are no outputs: {', '.join(unknown)}")
        if not self.sources or not self.stages or not self.outputs:
            raise ValueError("sources, stages and outputs must not be empty")
        if self.target == "length" and self.teacher:
            raise ValueError("a teacher answers fractions, not lengths")
        if any(source.simulated for source in self.sources) and self.target != "length":
            raise ValueError("simulated galaxies teach a length and nothing else")
        if self.sources[0].simulated:
            raise ValueError("the first source is measured by, so its galaxies must be real")
        if self.sources[0].taught or (not self.teacher and any(s.taught for s in self.sources)):
            raise ValueError("the first source needs labels of its own, taught ones a teacher")
        if self.teacher and not self.sources[0].field_px > 0:
            raise ValueError("a teacher needs the field of the first source, field_px")

    @property
    def is_number(self) -> bool:
        """Whether the answer is one number, a length or another, and no share or class."""
        return self.target in ("number", "length")

    @property
    def input_size(self) -> int:
        """Side of the trained network's input in pixels."""
        return self.stages[-1].input_size

    @property
    def epochs(self) -> int:
        """Of all stages together."""
        return sum(stage.epochs for stage in self.stages)


def read_recipe(path: Path, data: Path) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path : Path
        TOML file with the fields of `Recipe`; ``[[sources]]`` and ``[[stages]]`` are lists.
    data : Path
        Folder that the sources' ``pictures`` and ``table`` are relative to.

    Raises
    ------
    ValueError
        Naming the file, if a field is unknown, missing or of the wrong kind.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        values["augmentation"] = Augmentation(**_tuples(values.get("augmentation", {})))
        values["sources"] = [_source(s, data, path.parent) for s in values["sources"]]
        values["stages"] = [Stage(**s) for s in values["stages"]]
        return Recipe(**_tuples(values))
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise ValueError(f"{path.name}: not a usable recipe ({error})") from error


def _source(values: dict[str, Any], data: Path, beside: Path) -> Source:
    if "simulated" not in values:
        table = beside / values["table"]
        values["table"] = table if table.is_file() else data / values["table"]
        values["pictures"] = data / values["pictures"]
    return Source(**_tuples(values))


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
