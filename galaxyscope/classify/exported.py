"""Networks whose code is not known here: programs exported with `torch.export`.

A model folder with ``"architecture": "exported"`` on its card has ``network.pt2`` in place
of ``weights.safetensors``. The program is read as data (`galaxyscope.classify.pt2`) and run
operation by operation from a list (`galaxyscope.classify.aten`): no code of the file's author
runs, and explainers see each operation (docs/decisions/0009-exported-programs.md).
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from galaxyscope.classify.aten import CREATORS
from galaxyscope.classify.card import ModelCard, ModelError, write_card
from galaxyscope.classify.classifier import alike
from galaxyscope.classify.pt2 import Device, Program, Value, read_program, values_in
from galaxyscope.work.reasons import first_line

EXPORTED = "exported"
PROGRAM_FILE = "network.pt2"

_RUN_ERRORS = (
    RuntimeError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    MemoryError,
)


class ExportedNetwork(nn.Module):
    """Runs the operations of a `Program` one after the other.

    Its weights are buffers: they move with the network and are not trained.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        self._program = dataclasses.replace(program, tensors={})
        self._stored = {name: f"stored_{i}" for i, name in enumerate(program.tensors)}
        for name, tensor in program.tensors.items():
            self.register_buffer(self._stored[name], tensor)
        self._in_place = any(step.name.endswith("_") for step in program.steps)
        last = {program.answer: len(program.steps)}
        for number, step in reversed(list(enumerate(program.steps))):
            arguments = [*step.positional, *step.keywords.values()]
            for name in (*step.results, *values_in(*arguments)):
                last.setdefault(name, number)
        self._done: list[list[str]] = [[] for _ in range(len(program.steps) + 1)]
        for name, number in last.items():
            self._done[number].append(name)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        program = self._program
        values: dict[str, Any] = {n: self.get_buffer(place) for n, place in self._stored.items()}
        values[program.picture] = x.clone() if self._in_place else x
        for number, step in enumerate(program.steps):
            arguments = [_filled(one, values, x.device) for one in step.positional]
            keywords = {key: _filled(one, values, x.device) for key, one in step.keywords.items()}
            if step.name in CREATORS:
                keywords["device"] = x.device
            result = step.function(*arguments, **keywords)
            if step.several:
                values.update(zip(step.results, result, strict=False))
            else:
                values.update(dict.fromkeys(step.results, result))
            for name in self._done[number]:  # what nobody needs any more
                values.pop(name, None)
        answer: Tensor = values[program.answer]
        return answer


def _filled(argument: Any, values: Mapping[str, Any], device: torch.device) -> Any:
    if isinstance(argument, Value):
        return values[argument.name]
    if isinstance(argument, Device):
        return device
    if isinstance(argument, list):
        return [_filled(one, values, device) for one in argument]
    return argument


def load_exported(card: ModelCard, data: bytes) -> ExportedNetwork:
    """Make a network of an exported program, and try it.

    Parameters
    ----------
    card : ModelCard
    data : bytes
        The file ``network.pt2``.

    Raises
    ------
    ModelError
        If it is not a program that can be run here, or does not give one logit for each of the
        card's classes and each picture of ``card.input_size``, whatever their number.
    """
    if card.parameters:
        raise ModelError(card.name, "an exported program takes no parameters")
    try:
        network = ExportedNetwork(read_program(data)).eval().requires_grad_(False)
    except (ValueError, MemoryError, KeyError) as error:
        raise ModelError(card.name, f"{PROGRAM_FILE} cannot be used: {error}") from error
    size = card.input_size
    draw = torch.Generator().manual_seed(0)
    x = torch.rand((2, 3, size, size), generator=draw)
    try:
        with torch.no_grad():
            one, both = network(x[:1]), network(x)
        shapes = [tuple(one.shape), tuple(both.shape)]
    except _RUN_ERRORS as error:
        raise ModelError(
            card.name,
            f"{PROGRAM_FILE} does not run on one and on two pictures of {size}×{size} px in "
            f"colour ({first_line(error)}); was it exported with a dynamic batch dimension?",
        ) from error
    classes = len(card.classes)
    if shapes != [(1, classes), (2, classes)]:
        raise ModelError(
            card.name,
            f"{PROGRAM_FILE} answers two pictures with the shape {shapes[1]}, and the card names "
            f"{classes} classes",
        )
    if not bool(torch.isfinite(both).all()):
        raise ModelError(card.name, f"{PROGRAM_FILE} gives answers that are not finite")
    if not alike(one, both[:1]):
        raise ModelError(
            card.name,
            f"{PROGRAM_FILE} answers a picture otherwise when another is beside it: it was "
            "exported in training mode, or is random",
        )
    return network


def export(network: nn.Module, card: ModelCard, folder: Path) -> ModelCard:
    """Write a network of your own as a model folder that GalaxyScope can open without its code.

    >>> card = ModelCard(
    ...     name="mine", title="My network", task="bars", architecture="exported",
    ...     parameters={}, classes=("bar", "no bar"), targets={"bar": "bar"},
    ...     input_size=64, field_r90=2.5, sha256="", activation="softmax",
    ... )  # doctest: +SKIP
    >>> export(my_network, card, Path("mine"))  # doctest: +SKIP

    Parameters
    ----------
    network : torch.nn.Module
        Maps (n, 3, size, size) with values in [0, 1] to logits (n, classes): what it does to
        normalise pictures belongs inside. It is left as it is.
    card : ModelCard
        Its architecture, parameters and hash are filled in.
    folder : Path
        Made if it is not there; ``network.pt2`` and ``card.json`` are written into it.

    Returns
    -------
    ModelCard
        As written.

    Raises
    ------
    ModelError
        If torch cannot export it, or the program would not load or not answer as the network.
    """
    copied = copy.deepcopy(network).cpu().eval().requires_grad_(False)
    size = card.input_size
    x = torch.rand((2, 3, size, size), generator=torch.Generator().manual_seed(1))
    file = io.BytesIO()
    try:
        batch = torch.export.Dim("batch", min=1)
        program = torch.export.export(copied, (x,), dynamic_shapes=({0: batch},), strict=False)
        torch.export.save(program, file)
    except Exception as error:  # the network is the caller's, and may raise anything
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelError(card.name, f"torch cannot export the network ({reason})") from error
    data = file.getvalue()
    card = dataclasses.replace(
        card, architecture=EXPORTED, parameters={}, sha256=hashlib.sha256(data).hexdigest()
    )
    with torch.no_grad():
        if not alike(load_exported(card, data)(x), copied(x)):
            raise ModelError(card.name, "the exported program answers otherwise than the network")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROGRAM_FILE).write_bytes(data)
    write_card(card, folder)
    return card
