"""The network's last feature map: which it is, where its cells lie, what follows from it.

Found by watching the operations of one trial run, not the modules: an activation or a blur that
is a plain function call is seen too. A feature map is then named by the number of the
operation that makes it.

The map is brought onto the input grid with the geometry of the layers in between: a 3×3
convolution of stride 2 looks at pixels 0, 2, 4 …, a 2×2 pooling at 0.5, 2.5, 4.5 …; after five
such layers the difference is half a cell, 16 pixels.

A transformer's map are its tokens, as a layer normalisation gives them, laid out on the grid of
the patches: the last ones that the answer still depends on, which with a class token are those
before the last attention.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

from galaxyscope.classify.classifier import Classifier
from galaxyscope.explain.operations import name_of
from galaxyscope.explain.target import Score
from galaxyscope.sky.frame import Affine

Shape = tuple[int, int]

_NO_FEATURES_WORDS = """
permute transpose movedim reshape view flatten unflatten unfold expand repeat stack matmul bmm
einsum softmax scaled_dot_product_attention zeros ones rand
"""
_NO_FEATURES = frozenset(_NO_FEATURES_WORDS.split())
"""Operations whose four-dimensional results are no pictures."""

_NORMS = frozenset(["layer_norm", "rms_norm"])
_MOST_EXTRA = 16
"""More tokens than these beside those of the cells, and it is no grid."""


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
        if self.extra is None:
            return maps.clone()  # what follows may work in place
        before = result[:, : self.extra].expand(len(maps), -1, -1)
        return torch.cat([before, maps.flatten(2).transpose(1, 2)], 1)


class _Watching(TorchFunctionMode):
    """Shows every tensor that an operation makes, and puts another in its place if asked."""

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
        return self._look(self.count - 1, name_of(func), args, kwargs or {}, result)


def last_feature_map(classifier: Classifier, x: Tensor) -> FeatureMap:
    """Find the last map with more than one cell, as the pooling sees it, by a trial run.

    Parameters
    ----------
    classifier : Classifier
        The output of the submodule ``card.cam_layer`` is taken where that is not empty.
    x : Tensor, shape (1, 3, rows, columns)

    Raises
    ------
    ValueError
        If the network has no feature map, or not the layer that its card names.
    """
    network, named = classifier.network, classifier.card.cam_layer
    modules = dict(network.named_modules())
    if named and named not in modules:
        raise ValueError(f"{classifier.card.name} has no layer {named!r}, which its card names")
    size = (x.shape[-2], x.shape[-1])
    grids: dict[Shape, Affine] = {size: Affine()}
    patches: list[FeatureMap] = []
    found: list[FeatureMap] = []
    chosen: list[FeatureMap] = []
    convolved = [False]  # before, there are pixels, not features

    def look(number: int, name: str, args: tuple[Any, ...], options: Any, y: Tensor) -> Tensor:
        if name in _NORMS and y.ndim == 3 and patches:
            cells = patches[-1]
            rest = y.shape[1] - math.prod(cells.shape[1:])
            if 0 <= rest <= _MOST_EXTRA:
                shape = (y.shape[2], *cells.shape[1:])
                found.append(FeatureMap(number, shape, cells.to_input, extra=rest))
            return y
        if y.ndim != 4 or min(y.shape[2:]) < 2 or name in _NO_FEATURES or name == "__get__":
            return y
        before, after = args[0] if args else None, (y.shape[-2], y.shape[-1])
        if after not in grids and isinstance(before, Tensor) and before.ndim == 4:
            grid = (before.shape[-2], before.shape[-1])
            if grid in grids:
                grids[after] = grids[grid] @ _step(name, args, options, grid, after)
        convolved[0] = convolved[0] or name.startswith("conv")
        if after in grids and convolved[0]:
            patches.append(FeatureMap(number, (y.shape[1], *after), grids[after]))
            found.append(patches[-1])
        return y

    def leave(_module: object, _inputs: object, _output: object) -> None:
        chosen.extend(found[-1:])

    hook = modules[named].register_forward_hook(leave) if named else None
    try:
        with torch.no_grad(), _Watching(look):
            classifier.logits(x)
    finally:
        if hook:
            hook.remove()
    for where in reversed(chosen if named else found):
        if named or where.extra is None or _matters(classifier, x, where):
            return where
    raise ValueError(f"{classifier.card.name} has no feature map that could be shown")


def _matters(classifier: Classifier, x: Tensor, where: FeatureMap) -> bool:
    """Whether an answer depends on a map: behind the last attention, tokens of cells may not."""
    with torch.enable_grad():
        _, gradient, _ = features_and_gradient(classifier, x, where, Score(0))
    return bool((gradient != 0).any())


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
        leaves.append(where.of(y.detach()).clone().requires_grad_(True))
        return where.put(leaves[0], y.detach())

    with _Watching(look):
        logits = classifier.logits(x)
    answer = score(logits)[0]
    features = leaves[0]
    gradient = torch.autograd.grad(answer, features)[0]
    return features.detach(), gradient, answer.detach()


def tail(classifier: Classifier, x: Tensor, where: FeatureMap) -> Callable[[Tensor], Tensor]:
    """Return the network from its feature map on: (n, channels, rows, columns) → logits.

    The part before runs along on one picture.
    """

    def logits(maps: Tensor) -> Tensor:
        def look(number: int, name: str, args: object, options: object, y: Tensor) -> Tensor:
            return where.put(maps, y) if number == where.operation else y

        with _Watching(look):
            return classifier.logits(x)

    return logits


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
