"""A map of features inside a network: taking it out, putting another in, what follows from it.

Which map that is, and where its cells lie: `galaxyscope.explain.search`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.memory import out_of_memory
from galaxyscope.explain.layout import USUAL, Shape, unusual, usual
from galaxyscope.explain.operations import name_of
from galaxyscope.explain.target import Score
from galaxyscope.sky.frame import Affine


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
    layout : str
        Order of its dimensions, see `galaxyscope.explain.layout`.
    order : tuple of int, optional
        Of tokens, (n, tokens, channels): which one each cell is, row by row; the others belong to
        no cell. None where the operation makes the map itself.
    first : bool
        Whether it is that of the first layer, though others follow.
    """

    operation: int
    shape: tuple[int, int, int]
    to_input: Affine
    layout: str = USUAL
    order: tuple[int, ...] | None = None
    first: bool = False

    def of(self, result: Tensor) -> Tensor:
        """Take the map, (n, channels, rows, columns), out of what the operation makes."""
        if self.order is None:
            return usual(result, self.layout)
        return result[:, list(self.order)].transpose(1, 2).reshape(-1, *self.shape)

    def put(self, maps: Tensor, result: Tensor) -> Tensor:
        """Return what the operation makes with another map, or other maps, in it."""
        maps = maps.to(result.dtype, copy=True)  # what follows may work in place
        if self.order is None:
            return unusual(maps, self.layout)
        others = sorted(set(range(result.shape[1])) - set(self.order))
        order = [*others, *self.order]
        rest = result[:, others].expand(len(maps), -1, -1)
        joined = torch.cat([rest, maps.flatten(2).transpose(1, 2)], 1)
        return joined[:, sorted(range(len(order)), key=order.__getitem__)]


class Watching(TorchFunctionMode):
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

    with Watching(look):
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

        with Watching(look):
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
        except Exception as error:  # the network is anybody's, and may raise anything
            if out_of_memory(error):
                raise
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
