"""Reading the archive of an exported program (``.pt2``) as data: zip, JSON and raw numbers.

``torch.export.load`` unpickles the example inputs of a program (and weights, constants and
custom objects where the file asks for it), looks up any function below ``torch`` by name,
and evaluates expressions and guards as Python: a file could do anything. Here the zip
members that are plain JSON or raw numbers are read, and nothing else is opened. Layout and
names: ``torch/export/pt2_archive`` and ``torch/_export/serde/schema.py`` of torch 2.13.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from galaxyscope.classify.aten import IGNORED, Function, operation, runs_as_in_training

_SCHEMA = 8
_DTYPES: Mapping[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_LARGEST_JSON = 64 * 2**20  # bytes
_AGAIN = "write it again with torch.export.save of torch 2.13"


@dataclass(frozen=True)
class Value:
    """Stands for the value of this name while a program runs."""

    name: str


class Device:
    """Stands for the device that the picture is on."""


@dataclass(frozen=True)
class Step:
    """One operation of a program.

    Parameters
    ----------
    name : str
        Plain name: ``"conv2d"``.
    function : callable
    positional : tuple
    keywords : mapping
        Arguments; `Value` and `Device` stand for what is known only while running.
    results : tuple of str
        Names of what it makes.
    several : bool
        Whether it makes a list of values, not one.
    """

    name: str
    function: Function
    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]
    results: tuple[str, ...]
    several: bool


@dataclass(frozen=True)
class Program:
    """A network as a list of operations.

    Parameters
    ----------
    steps : tuple of Step
    tensors : mapping of str to Tensor
        Weights and constants by the name that the steps know them by.
    picture, answer : str
        Names of the input and the output.
    """

    steps: tuple[Step, ...]
    tensors: Mapping[str, Tensor]
    picture: str
    answer: str


def read_program(data: bytes) -> Program:
    """Read an exported program.

    Parameters
    ----------
    data : bytes
        A file that `torch.export.save` wrote. Nothing in it is executed or unpickled.

    Raises
    ------
    ValueError
        If it is no such file, is damaged, has pickled parts that the network needs, was
        exported in training mode or uses what `galaxyscope.classify.aten` does not list.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _program(_Archive(archive))
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is no exported program ({error})") from error
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise ValueError(f"it is no exported program as torch writes it ({reason})") from error
    except (RuntimeError, NotImplementedError, EOFError, OSError, OverflowError) as error:
        raise ValueError(f"it is damaged ({str(error).splitlines()[0][:200]})") from error


class _Archive:
    """Members of the zip by their path below its root folder."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        names = archive.namelist()
        if any(name.endswith(("serialized_exported_program.json", "weights/model.pt"))
               for name in names):  # fmt: skip
            raise ValueError(f"it was written by an older torch, with pickled weights; {_AGAIN}")
        models = [name for name in names if name.endswith("models/model.json")]
        if len(models) != 1:
            raise ValueError("it is no exported program: there is no models/model.json in it")
        self._root = models[0].removesuffix("models/model.json")
        if self.member("byteorder", missing=b"little") != b"little":
            raise ValueError("its numbers are not in little-endian order")

    def member(self, path: str, missing: bytes | None = None) -> bytes:
        try:
            about = self._archive.getinfo(self._root + path)
        except KeyError:
            if missing is not None:
                return missing
            raise ValueError(f"there is no {path} in it") from None
        if about.compress_type != zipfile.ZIP_STORED:  # torch never packs; a bomb does
            raise ValueError(f"{path} in it is compressed")
        return self._archive.read(about)

    def json(self, path: str) -> Any:
        text = self.member(path)
        if len(text) > _LARGEST_JSON:
            raise ValueError(f"{path} in it is too large")
        return json.loads(text)

    def tensors(self, folder: str) -> dict[str, Tensor]:
        """Read all tensors below ``data/weights`` or ``data/constants``, by their full name."""
        about = self.json(f"data/{folder}/model_{folder}_config.json")["config"]
        return {name: self._tensor(name, one, folder) for name, one in about.items()}

    def _tensor(self, name: str, about: Mapping[str, Any], folder: str) -> Tensor:
        meta = about["tensor_meta"]
        if about["use_pickle"] or meta is None:
            raise ValueError(f"{name} in it is pickled, and nothing is ever unpickled")
        if meta["dtype"] not in _DTYPES or meta["layout"] != 7:
            raise ValueError(f"{name} in it has numbers of an unknown kind")
        dtype = _DTYPES[meta["dtype"]]
        sizes, strides = ([one["as_int"] for one in meta[key]] for key in ("sizes", "strides"))
        raw = self.member(f"data/{folder}/{about['path_name']}")
        if min(sizes, default=0) < 0 or math.prod(sizes) * dtype.itemsize > len(raw):
            raise ValueError(f"{name} in it is shorter than its shape {tuple(sizes)}")
        if math.prod(sizes) == 0:
            return torch.zeros(sizes, dtype=dtype)
        flat = torch.frombuffer(bytearray(raw), dtype=dtype)
        tensor = flat.as_strided(sizes, strides, meta["storage_offset"]["as_int"]).clone()
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            raise ValueError(f"{name} in it has values that are not finite")
        return tensor


def _program(archive: _Archive) -> Program:
    model = archive.json("models/model.json")
    if model["schema_version"]["major"] != _SCHEMA:
        raise ValueError(f"torch {model.get('torch_version')} wrote it in another form; {_AGAIN}")
    stored = archive.tensors("weights") | archive.tensors("constants")
    graph = model["graph_module"]["graph"]
    signature = model["graph_module"]["signature"]
    pictures: list[str] = []
    tensors: dict[str, Tensor] = {}
    for spec in signature["input_specs"]:
        [(kind, one)] = spec.items()
        if kind == "user_input":
            pictures.append(one["arg"]["as_tensor"]["name"])
        elif kind in {"parameter", "buffer", "tensor_constant"}:
            tensors[one["arg"]["name"]] = stored[one[f"{kind}_name"]]
        else:
            raise ValueError(f"it has an input of the kind {kind!r}")
    outputs = signature["output_specs"]
    if any("user_output" not in spec for spec in outputs):
        raise ValueError("it changes its own weights: call eval() on the network, then export")
    if len(pictures) != 1 or len(outputs) != 1:
        raise ValueError("it must have one input, the pictures, and one output, the logits")
    answer = outputs[0]["user_output"]["arg"]["as_tensor"]["name"]
    nodes = graph["nodes"]
    if unknown := sorted({n["target"] for n in nodes if operation(n["target"]) is None}):
        listed = ", ".join(name.removeprefix("torch.ops.") for name in unknown[:5])
        raise ValueError(f"it uses operations that are not known here: {listed[:300]}")
    steps = tuple(step for node in nodes if (step := _step(node)).name not in IGNORED)
    for step in steps:
        first = step.positional[:1]
        if step.name.endswith("_") and first and first[0] in {Value(name) for name in tensors}:
            raise ValueError("it changes its own weights: call eval() on the network, then export")
        if runs_as_in_training(step.name, step.positional, step.keywords):
            raise ValueError(
                f"it was exported in training mode ({step.name}): call eval() on the network first"
            )
    return Program(steps, tensors, pictures[0], answer)


def _step(node: Mapping[str, Any]) -> Step:
    found = operation(node["target"])
    assert found is not None
    name, function = found
    positional = tuple(_argument(one["arg"]) for one in node["inputs"] if one["kind"] == 1)
    keywords = {
        "input" if one["name"] == "self" else one["name"]: _argument(one["arg"])
        for one in node["inputs"]
        if one["kind"] == 2
    }
    outputs = node["outputs"]
    if len(outputs) == 1 and "as_tensors" in outputs[0]:
        results = tuple(one["name"] for one in outputs[0]["as_tensors"])
        return Step(name, function, positional, keywords, results, True)
    results = tuple(_result(one) for one in outputs)
    return Step(name, function, positional, keywords, results, len(results) > 1)


def _result(output: Mapping[str, Any]) -> str:
    [(kind, one)] = output.items()
    if kind == "as_tensor":
        return str(one["name"])
    if kind in {"as_sym_int", "as_sym_bool"}:
        return str(one["as_name"])
    if kind == "as_none":
        return ""
    raise ValueError(f"it has a result of the kind {kind!r}")


def _number(one: Mapping[str, Any]) -> Any:
    [(kind, value)] = one.items()
    return Value(value) if kind == "as_name" else value


def _optional(one: Mapping[str, Any]) -> Any:
    [(kind, value)] = one.items()
    return None if kind == "as_none" else Value(value["name"])


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "as_none": lambda _: None,
    "as_tensor": lambda one: Value(one["name"]),
    "as_tensors": lambda many: [Value(one["name"]) for one in many],
    "as_optional_tensor": _optional,
    "as_optional_tensors": lambda many: [_optional(one) for one in many],
    "as_int": int,
    "as_ints": list,
    "as_float": float,
    "as_floats": lambda many: [float(one) for one in many],
    "as_bool": bool,
    "as_bools": list,
    "as_string": str,
    "as_sym_int": _number,
    "as_sym_ints": lambda many: [_number(one) for one in many],
    "as_sym_bool": _number,
    "as_scalar_type": lambda one: _DTYPES[one],
    "as_memory_format": lambda one: {1: torch.contiguous_format, 2: torch.channels_last}.get(
        one, torch.preserve_format
    ),
    "as_layout": lambda _: torch.strided,
    "as_device": lambda _: Device(),
}


def _argument(argument: Mapping[str, Any]) -> Any:
    [(kind, one)] = argument.items()
    if kind not in _KINDS:
        raise ValueError(f"it has an argument of the kind {kind!r}")
    return _KINDS[kind](one)


def values_in(*arguments: Any) -> Iterator[str]:
    """Names of the values that these arguments stand for."""
    for one in arguments:
        if isinstance(one, Value):
            yield one.name
        elif isinstance(one, list):
            yield from values_in(*one)
