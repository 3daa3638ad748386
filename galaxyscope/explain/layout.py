"""Pictures inside a network: the order of their dimensions, and where their cells lie.

A layout names the dimensions of a four-dimensional tensor: n pictures, c channels, h rows and w
columns; ``"nchw"`` is what convolutions take and give, ``"nhwc"`` what dense layers do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from galaxyscope.sky.frame import Affine

Shape = tuple[int, int]
Arguments = tuple[Any, ...]

USUAL = "nchw"
REORDERING = frozenset(["permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis"])
CROPPING = frozenset(["__getitem__", "narrow"])
_SIZES = {"n": 2, "c": 3, "h": 5, "w": 7}
_PADDING = frozenset(["pad", "constant_pad_nd"])


def reordered(layout: str, name: str, args: Arguments, options: Mapping[str, Any]) -> str:
    """Layout after an operation of `REORDERING`: tried on a tensor whose sizes tell."""
    names = {size: letter for letter, size in _SIZES.items()}
    trial = torch.empty([_SIZES[letter] for letter in layout], device="meta")
    others = {key: value for key, value in options.items() if key != "input"}
    return "".join(names[size] for size in getattr(trial, name)(*args[1:], **others).shape)


def usual(y: Tensor, layout: str) -> Tensor:
    """Bring a tensor from its layout to (n, channels, rows, columns)."""
    return y if layout == USUAL else y.permute([layout.index(letter) for letter in USUAL])


def unusual(y: Tensor, layout: str) -> Tensor:
    """Bring (n, channels, rows, columns) to a layout."""
    return y if layout == USUAL else y.permute([USUAL.index(letter) for letter in layout])


def grid_of(shape: Sequence[int], layout: str) -> Shape:
    """Rows and columns of a tensor in a layout."""
    return shape[layout.index("h")], shape[layout.index("w")]


def parts_of(index: Any) -> list[slice] | None:
    """Slices of the four dimensions that an index takes; None where it is none of slices."""
    given = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [one for one in given if not isinstance(one, Tensor)]:
        place = next(i for i, one in enumerate(given) if one is Ellipsis)
        given[place : place + 1] = [slice(None)] * (5 - len(given))
    given += [slice(None)] * (4 - len(given))
    return given if len(given) == 4 and all(isinstance(one, slice) for one in given) else None


def turns(name: str, args: Arguments, options: Mapping[str, Any], layout: str) -> bool:
    """Whether an operation mirrors or turns pictures."""
    if name == "flip":
        dims: Any = options.get("dims", args[1:])
        dims = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    elif name == "rot90":
        dims = options.get("dims", args[2] if len(args) > 2 else (0, 1))
    else:
        return name in {"fliplr", "flipud"}
    return any(layout[dim] in "hw" for dim in dims)


def step(
    name: str,
    args: Arguments,
    options: Mapping[str, Any],
    before: Shape,
    after: Shape,
    layout: str = USUAL,
) -> Affine:
    """Where the cells after an operation lie on the grid before it.

    From stride, kernel, padding and dilation where it has them, from the first cell that is cut
    out; else both grids are taken to cover the same area.
    """
    if name in CROPPING:
        return _cut(name, args, options, before, after, layout)
    if name in _PADDING:
        given = dict(zip(("input", "pad"), args, strict=False)) | dict(options)
        added = dict(zip(reversed(layout), given["pad"][::2], strict=False))  # before the first
        return Affine(c=-added.get("w", 0), f=-added.get("h", 0))
    order = {
        "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation"),
        "max_pool2d": ("input", "kernel_size", "stride", "padding", "dilation"),
        "avg_pool2d": ("input", "kernel_size", "stride", "padding"),
    }.get(name)
    if order is None:
        return Affine.resize(before, after)
    given = dict(zip(order, args, strict=False)) | dict(options)
    if isinstance(given.get("padding"), str):
        return Affine.resize(before, after)
    kernel = tuple(given["weight"].shape[2:]) if name == "conv2d" else given["kernel_size"]
    stride = given.get("stride") or (1 if name == "conv2d" else kernel)

    def axis(number: int) -> tuple[float, float]:
        def at(value: Any) -> float:
            many = isinstance(value, tuple | list)
            return float(value[number % len(value)] if many else value)

        centre = at(given.get("dilation", 1)) * (at(kernel) - 1) / 2
        return at(stride), centre - at(given.get("padding", 0))

    (down, top), (across, left) = axis(0), axis(1)
    return Affine(a=across, c=left, e=down, f=top)


def _cut(
    name: str,
    args: Arguments,
    options: Mapping[str, Any],
    before: Shape,
    after: Shape,
    layout: str,
) -> Affine:
    """Where the cells of a part lie; of every second cell, on the middle of the two.

    The others are taken too, mostly, and all of them are put together as channels.
    """
    if name == "narrow":
        given = dict(zip(("input", "dim", "start", "length"), args, strict=False)) | dict(options)
        parts = [slice(None)] * 4
        parts[given["dim"]] = slice(int(given["start"]), None)
    else:
        found = parts_of(args[1])
        if found is None:
            return Affine.resize(before, after)
        parts = found

    def axis(letter: str, size: int) -> tuple[float, float]:
        start, _, each = parts[layout.index(letter)].indices(size)
        return float(each), start - start % each + (each - 1) / 2

    (down, top), (across, left) = axis("h", before[0]), axis("w", before[1])
    return Affine(a=across, c=left, e=down, f=top)


def apart(one: Affine, other: Affine, grid: Shape) -> bool:
    """Whether two places of a grid's cells differ by more than a cell anywhere."""
    corners = [(x, y) for x in (0, grid[1] - 1) for y in (0, grid[0] - 1)]
    return bool(abs(one(corners) - other(corners)).max() > max(one.pixel_size, other.pixel_size))
