"""Pictures inside a network: the order of their dimensions, and where their cells lie.

A layout names the dimensions of a four-dimensional tensor: n pictures, c channels, h rows and w
columns; ``"nchw"`` is what convolutions take and give, ``"nhwc"`` what dense layers do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from galaxyscope.sky.frame import Affine

Shape = tuple[int, int]
Arguments = tuple[Any, ...]

USUAL = "nchw"
REORDERING = frozenset(["permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis"])
CROPPING = frozenset(["__getitem__", "narrow"])
_NO_FEATURES_WORDS = """
permute transpose movedim reshape view flatten unflatten unfold expand repeat stack matmul bmm
einsum softmax scaled_dot_product_attention zeros ones rand new_empty new_zeros new_ones new_full
"""
NO_FEATURES = frozenset([*_NO_FEATURES_WORDS.split(), "__get__"])
"""Operations whose four-dimensional results are no pictures."""
_SIZES = {"n": 2, "c": 3, "h": 5, "w": 7}
_BLOCKS = ((0.15, 0.35), (0.35, 0.85), (0.85, 0.65), (0.65, 0.15))
"""Rows and columns, as parts of the whole, that no mirror and no turn puts on themselves."""

_PADDING = frozenset(["pad", "constant_pad_nd"])


def reordered(layout: str, name: str, args: Arguments, options: Mapping[str, Any]) -> str:
    """Layout after an operation of `REORDERING`: tried on a tensor whose sizes tell."""
    names = {size: letter for letter, size in _SIZES.items()}
    trial = torch.empty([_SIZES[letter] for letter in layout], device="meta")
    others = {key: value for key, value in options.items() if key != "input"}
    return "".join(names[size] for size in getattr(trial, name)(*args[1:], **others).shape)


def layout_after(
    name: str, args: Arguments, options: Mapping[str, Any], y: Tensor, source: Tensor, layout: str
) -> str | None:
    """Layout of a result, by that of what it was made of; None where that does not tell."""
    if name in REORDERING:
        return reordered(layout, name, args, options)
    if name == "__get__" and y.stride() != source.stride():  # x.mT
        return layout[:2] + layout[:1:-1]
    kept = y.shape == source.shape or name not in NO_FEATURES
    parts = name != "__getitem__" or parts_of(args[1]) is not None
    return layout if kept and parts else None


def pictures_among(args: Arguments, options: Mapping[str, Any]) -> list[Tensor]:
    """Four-dimensional arguments of an operation, also in lists."""
    lists = [one if isinstance(one, list | tuple) else [one] for one in (*args, *options.values())]
    return [one for some in lists for one in some if isinstance(one, Tensor) and one.ndim == 4]


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


def order_of(
    tokens: Tensor, patches: Tensor, of: Callable[[Tensor], Tensor]
) -> tuple[int, ...] | None:
    """Which token each cell of a map goes into, row by row; None if not each into one alone.

    Two slopes of the tokens with respect to the map, one of them with each token times its
    number: where a cell goes into one token alone, their ratio is its number.
    """
    draw = torch.Generator().manual_seed(0)
    number = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)[:, None]
    weights = (torch.rand(tokens.shape, generator=draw) + 0.5).to(tokens)
    slopes = [
        torch.autograd.grad((one * tokens).sum(), patches, retain_graph=True, allow_unused=True)[0]
        for one in (weights, weights * number)
    ]
    if slopes[0] is None:
        return None
    plain, times = (of(one)[0].flatten(1).cpu().double() for one in slopes)
    found = (plain * times).sum(0) / plain.square().sum(0)
    exact = (times - found * plain).abs().amax() <= 1e-3 * times.abs().amax()
    whole = (found - found.round()).abs().amax() <= 0.1  # both False for NaN
    order = tuple((found.round().long() - 1).tolist()) if bool(exact and whole) else ()
    return order if len(set(order)) == len(order) > 0 else None


def astray(cells: Tensor, x: Tensor, to_input: Affine) -> bool | None:
    """Whether the cells of a map look at other parts of the picture than those they lie on.

    Gradients tell where some blocks of cells look; what all of them see, as through gates and
    attention, is left out. They are astray if they look at different parts, and past their own by
    more than a cell and more than the width of what they see.

    Parameters
    ----------
    cells : Tensor, shape (1, channels, h, w)
    x : Tensor, shape (1, 3, rows, columns)
        What they depend on.
    to_input : Affine
        Cell → pixel of `x`.

    Returns
    -------
    bool, or None
        None where a block has no gradient.
    """
    height, width = cells.shape[-2:]
    weights = torch.randn(cells.shape, generator=torch.Generator().manual_seed(0)).to(cells)
    slopes, places = [], []
    for down, across in _BLOCKS:
        rows, columns = _block(down, height), _block(across, width)
        one = (weights * cells)[..., rows, :][..., columns].sum()
        slope = torch.autograd.grad(one, x, retain_graph=True, allow_unused=True)[0]
        if slope is None or not 0 < float(slope.abs().sum()) < math.inf:
            return None
        slopes.append(slope[0].abs().sum(0).cpu().double())
        places.append((np.mean(columns), np.mean(rows)))
    found, widths = _looks(torch.stack(slopes))
    off = (found - torch.from_numpy(to_input(places))).norm(dim=1).median()
    different = (found - found.mean(0)).norm(dim=1).median()
    least = widths.median()
    return bool(different > least and off > max(float(least), to_input.pixel_size))


def _block(place: float, size: int) -> list[int]:
    """Cells around a place: so many that what single ones see by chance does not count."""
    middle, around = round(place * (size - 1)), size // 8
    return list(range(max(middle - around, 0), min(middle + around + 1, size)))


def _looks(slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Centre (x, y) and width of what each of some slopes, (n, rows, columns), has for itself."""
    parts = slopes / slopes.sum((1, 2), keepdim=True)
    others = (parts.sum(0) - parts) / (len(parts) - 1)
    own = (parts - others).relu()
    own = own / own.sum((1, 2), keepdim=True)  # NaN where all see the same, which is never more
    y, x = torch.meshgrid(*(torch.arange(n).double() for n in own.shape[1:]), indexing="ij")
    centres = torch.stack([(own * x).sum((1, 2)), (own * y).sum((1, 2))], 1)
    off = (x - centres[:, :1, None]).square() + (y - centres[:, 1:, None]).square()
    return centres, (own * off).sum((1, 2)).sqrt()
