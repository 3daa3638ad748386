"""The network's last feature map: which it is, where its cells lie, what follows from it.

Found by watching the operations of one trial run, not the modules: an activation or a blur that
is a plain function call is seen too. A feature map is then named by the number of the
operation that makes it.

The map is brought onto the input grid with the geometry of the layers in between: a 3×3
convolution of stride 2 looks at pixels 0, 2, 4 …, a 2×2 pooling at 0.5, 2.5, 4.5 …; after five
such layers the difference is half a cell, 16 pixels.

A transformer's map are its tokens, as a layer normalisation gives them, laid out on the grid of
the patches. The last map is the last one that the answer still depends on: with a class token the
tokens before the last attention, with several heads the last map of the one that is asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

from galaxyscope.classify.classifier import Classifier
from galaxyscope.explain.operations import depends, name_of
from galaxyscope.explain.target import Score
from galaxyscope.sky.frame import Affine

Shape = tuple[int, int]

_NO_FEATURES_WORDS = """
permute transpose movedim reshape view flatten unflatten unfold expand repeat stack matmul bmm
einsum softmax scaled_dot_product_attention zeros ones rand
"""
_NO_FEATURES = frozenset([*_NO_FEATURES_WORDS.split(), "__get__"])
"""Operations whose four-dimensional results are no pictures."""

_NORMS = frozenset(["layer_norm", "rms_norm"])
_MOST_EXTRA = 16
"""More tokens than these beside those of the cells, and it is no grid."""

_FIRST = Score(0)


@dataclass(frozen=True)
class FeatureMap:
    """A map of features inside a network.

    Parameters
    ----------
    operation : int
        Number of the operation that makes it, among those with a tensor as result.
    shape : (channels, rows, columns)
    to_input : Affine
        Cell → network-input pixel.
    extra : int, optional
        Of tokens, (n, extra + rows · columns, channels): how many there are before those of
        the cells. None where the operation makes the map itself.
    """

    operation: int
    shape: tuple[int, int, int]
    to_input: Affine
    extra: int | None = None

    def of(self, result: Tensor) -> Tensor:
        """Take the map, (n, channels, rows, columns), out of what the operation makes."""
        if self.extra is None:
            return result
        return result[:, self.extra :].transpose(1, 2).reshape(-1, *self.shape)

    def put(self, maps: Tensor, result: Tensor) -> Tensor:
        """Return what the operation makes with another map, or other maps, in it."""
        maps = maps.to(result.dtype, copy=True)  # what follows may work in place
        if self.extra is None:
            return maps
        before = result[:, : self.extra].expand(len(maps), -1, -1)
        return torch.cat([before, maps.flatten(2).transpose(1, 2)], 1)


_Found = tuple[FeatureMap, Tensor]


class _Watching(TorchFunctionMode):
    """Shows every tensor that an operation makes, and puts another in its place if asked.

    Also in the place of what the operation worked on, where it works in place: the network may
    ignore what it returns.
    """

    def __init__(self, look: Callable[[int, str, tuple[Any, ...], Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.count, self._look = 0, look

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not isinstance(result, Tensor):
            return result
        self.count += 1
        shown = self._look(self.count - 1, name_of(func), args, kwargs or {}, result)
        in_place = any(result is one for one in (*args, *(kwargs or {}).values()))
        if shown is not result and in_place and shown.shape == result.shape:
            with torch._C.DisableTorchFunction():  # no operation of the network: it needs no rule
                return result.copy_(shown)
        return shown


def last_feature_map(classifier: Classifier, x: Tensor, score: Score = _FIRST) -> FeatureMap:
    """Find the last map with more than one cell, as the pooling sees it, by a trial run.

    Parameters
    ----------
    classifier : Classifier
        The output of the submodule ``card.cam_layer`` is taken where that is not empty.
    x : Tensor, shape (1, 3, rows, columns)
    score : Score, optional
        Of the maps that it depends on, the last is taken; default: the logit of the first class.

    Raises
    ------
    ValueError
        If the network has no feature map, or not the layer that its card names.
    """
    network, named = classifier.network, classifier.card.cam_layer
    modules = dict(network.named_modules())
    if named and named not in modules:
        raise ValueError(f"{classifier.card.name} has no layer {named!r}, which its card names")
    search = _Search(x)
    hook = modules[named].register_forward_hook(search.leave) if named else None
    try:
        with torch.enable_grad(), _Watching(search.look):
            answer = score(classifier.logits(search.x))[0]
    finally:
        if hook:
            hook.remove()
    chosen = _last_that_counts(answer, search.left if named else search.found)
    if chosen is None:
        cut = ": from none a gradient leads to the answer" if search.found else ""
        raise ValueError(f"{classifier.card.name} has no feature map that could be shown{cut}")
    where, result = chosen
    if len(result) != len(x):
        raise ValueError(
            "the network takes parts, views or colours of a picture for pictures of their own: "
            "its last feature map is not that of one picture"
        )
    return where


class _Search:
    """Collects the maps of a trial run, with the tensors that hold them."""

    def __init__(self, x: Tensor) -> None:
        self.x = x.detach().clone().requires_grad_(True)  # what depends on it has a gradient
        self.found: list[_Found] = []
        self.left: list[_Found] = []
        self._grids: dict[Shape, Affine] = {(x.shape[-2], x.shape[-1]): Affine()}
        self._patches: FeatureMap | None = None
        self._convolved = False  # before, there are pixels, not features

    def leave(self, _module: object, _inputs: object, _output: object) -> None:
        """Keep only the last map so far, of the module that is named."""
        self.left = self.found[-1:]

    def look(
        self, number: int, name: str, args: tuple[Any, ...], options: Mapping[str, Any], y: Tensor
    ) -> Tensor:
        """Note what an operation gives, if it is a map."""
        if name == "detach" and depends(*args[:1]):
            y = y.clone().requires_grad_(True)  # what follows may still be asked about it
        if name in _NORMS and y.ndim == 3:
            self._tokens(number, y)
        elif y.ndim == 4 and min(y.shape[2:]) > 1 and name not in _NO_FEATURES:
            self._map(number, name, args, options, y)
        return y

    def _tokens(self, number: int, y: Tensor) -> None:
        cells = self._patches
        rest = y.shape[1] - math.prod(cells.shape[1:]) if cells else -1
        if cells and y.requires_grad and 0 <= rest <= _MOST_EXTRA:
            shape = (y.shape[2], *cells.shape[1:])
            self.found.append((FeatureMap(number, shape, cells.to_input, extra=rest), y))

    def _map(
        self, number: int, name: str, args: tuple[Any, ...], options: Mapping[str, Any], y: Tensor
    ) -> None:
        grids = self._grids
        before, after = args[0] if args else None, (y.shape[-2], y.shape[-1])
        if after not in grids and isinstance(before, Tensor) and before.ndim == 4:
            grid = (before.shape[-2], before.shape[-1])
            if grid in grids:
                grids[after] = grids[grid] @ _step(name, args, options, grid, after)
        self._convolved = self._convolved or name.startswith("conv")
        if after in grids and self._convolved and y.requires_grad:
            self._patches = FeatureMap(number, (y.shape[1], *after), grids[after])
            self.found.append((self._patches, y))


def _last_that_counts(answer: Tensor, found: Sequence[_Found]) -> _Found | None:
    """Return the last map with a slope of the answer; where none has, the last on the way to it.

    Others are side branches, or heads for other answers; of tokens behind the last attention
    only the class token may count.
    """
    on_the_way: _Found | None = None
    for one in reversed(found) if answer.requires_grad else ():
        slope = torch.autograd.grad(answer, one[1], retain_graph=True, allow_unused=True)[0]
        if slope is None:
            continue
        if bool((one[0].of(slope) != 0).any()):
            return one
        on_the_way = on_the_way or one
    return on_the_way


def _step(
    name: str, args: tuple[Any, ...], options: Mapping[str, Any], before: Shape, after: Shape
) -> Affine:
    """Where the cells after an operation lie on the grid before it.

    From stride, kernel, padding and dilation where it has them; else both grids are taken to
    cover the same area.
    """
    if name == "pad" and len(args[1] if len(args) > 1 else options["pad"]) == 4:
        given = dict(zip(("input", "pad"), args, strict=False)) | dict(options)
        return Affine(c=-given["pad"][0], f=-given["pad"][2])
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


def features_and_gradient(
    classifier: Classifier, x: Tensor, where: FeatureMap, score: Score
) -> tuple[Tensor, Tensor, Tensor]:
    """One run there and back, inside `galaxyscope.explain.engine.steady`.

    Returns
    -------
    features, gradient : Tensor, shape (1, channels, rows, columns)
        The feature map, and the derivative of the score with respect to it.
    answer : Tensor, shape ()
        The score.
    """
    leaves: list[Tensor] = []

    def look(number: int, name: str, args: object, options: object, y: Tensor) -> Tensor:
        if number != where.operation:
            return y
        precise = torch.promote_types(y.dtype, torch.float32)
        leaves.append(where.of(y.detach()).to(precise, copy=True).requires_grad_(True))
        return where.put(leaves[0], y.detach())

    with _Watching(look):
        logits = classifier.logits(x)
    answer = score(logits)[0]
    features = leaves[0]
    gradient = torch.autograd.grad(answer, features)[0]
    return features.detach(), gradient, answer.detach()


def tail(classifier: Classifier, x: Tensor, where: FeatureMap) -> Callable[[Tensor], Tensor]:
    """Return the network from its feature map on: (n, channels, rows, columns) → logits.

    The part before runs along on one picture where the network allows it, else on n copies.
    """
    alone: list[bool] = []  # whether it does; known once several maps were asked about

    def run(pictures: Tensor, maps: Tensor) -> Tensor:
        def look(number: int, name: str, args: object, options: object, y: Tensor) -> Tensor:
            return where.put(maps, y) if number == where.operation else y

        with _Watching(look):
            return classifier.logits(pictures)

    def logits(maps: Tensor) -> Tensor:
        if len(maps) > 1 and not alone:
            alone.append(_alike_alone(run, x, maps[:2].detach()))
        return run(x if len(maps) == 1 or alone[0] else x.expand(len(maps), -1, -1, -1), maps)

    return logits


def _alike_alone(run: Callable[[Tensor, Tensor], Tensor], x: Tensor, maps: Tensor) -> bool:
    """Whether maps give the same with one picture before them as with one for each.

    Not where the network shapes them by the number of pictures, or joins them with what it found
    earlier.
    """
    with torch.no_grad():
        each = run(x.expand(len(maps), -1, -1, -1), maps)
        try:
            one = run(x, maps)
        except Exception:  # the network is anybody's, and may raise anything
            return False
    alike = one.shape == each.shape and (one - each).abs().max() <= 1e-4 * each.abs().max()
    return bool(alike)


def upsampled(coarse: Tensor, to_input: Affine, shape: Shape) -> Tensor:
    """Bilinear interpolation of cells onto the input grid; constant beyond the outer centres.

    Parameters
    ----------
    coarse : Tensor, shape (…, h, w)
    to_input : Affine
        Cell → input pixel, without rotation.
    shape : (rows, columns)

    Returns
    -------
    Tensor, shape (…, rows, columns)
    """
    to_cell, (rows, columns) = to_input.inverse, shape
    down = _weights(to_cell.e * np.arange(rows) + to_cell.f, coarse.shape[-2])
    across = _weights(to_cell.a * np.arange(columns) + to_cell.c, coarse.shape[-1])
    return coarse.new_tensor(down) @ coarse @ coarse.new_tensor(across).T


def _weights(places: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """Matrix (places, cells) of linear interpolation."""
    return np.stack([np.interp(places, np.arange(cells), one) for one in np.eye(cells)], axis=1)
