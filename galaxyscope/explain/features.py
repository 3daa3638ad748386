"""A map of features inside a network: taking it out, putting another in, what follows from it.

Which map that is, and where its cells lie: `galaxyscope.explain.search`.

A map is known again in another run by what it looks like, not by the number of the operation that
makes it: hooks add operations when gradients are on, and a network that keeps a grid or a mask
builds it anew for another number of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
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

_ALIKE = 0.02
"""Rounding in bfloat16 leaves less between two runs; maps are told apart by more."""


_NUMBERS = frozenset(["numpy", "__array__", "item", "tolist", "__float__", "__int__", "__index__"])
"""Operations that give numbers for Python."""


class LostMap(ValueError):
    """A feature map that was found in one run of a network is not met in another."""

    def __init__(self) -> None:
        super().__init__(
            "the network runs otherwise than when its last feature map was looked for, "
            "and the map is not found again"
        )


@dataclass(frozen=True)
class Operation:
    """One operation of a network, known again by its name and by what it makes of a picture.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Of what it makes, without the first dimension, which is that of the pictures.
    trace : Tensor, shape (n,)
        See :func:`trace_of`.
    earlier : int
        How many operations of that name make the same before it.
    """

    name: str
    shape: tuple[int, ...]
    trace: Tensor = field(compare=False, repr=False)
    earlier: int

    def makes(self, name: str, y: Tensor) -> bool:
        """Whether an operation of that name with that result could be this one."""
        return name == self.name and y.shape[1:] == self.shape and alike(trace_of(y), self.trace)


def trace_of(y: Tensor) -> Tensor:
    """Return numbers that tell apart what operations make of the first picture."""
    with torch.no_grad(), torch._C.DisableTorchFunction():  # not an operation of the network
        rows = y.detach()[0].flatten(1).float()
        # No matrix product: a network that autocasts would have it rounded to bfloat16.
        return (rows * _weights_of(rows.shape[1], y.device)).sum(1)


@lru_cache(maxsize=64)
def _weights_of(cells: int, device: torch.device) -> Tensor:
    return 1 + torch.arange(cells, device=device, dtype=torch.float32).sin()


def alike(trace: Tensor, known: Tensor) -> bool:
    """Whether two traces are the same but for rounding."""
    with torch.no_grad(), torch._C.DisableTorchFunction():
        most = known.nan_to_num(0, 0, 0).abs().amax()
        off = _ALIKE * most
        return bool(((trace - known).abs() <= off).logical_or(~known.isfinite()).all())


@dataclass(frozen=True)
class FeatureMap:
    """A map of features inside a network.

    Parameters
    ----------
    operation : Operation
        What makes it.
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

    operation: Operation
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
        if name_of(func) in _NUMBERS and isinstance(args[0], Tensor):
            args = (args[0].detach(), *args[1:])  # that it asks for gradients may be our doing
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


class Meeting(Watching):
    """Meets one feature map in a run, and shows it, or puts another in its place.

    Parameters
    ----------
    where : FeatureMap
    meet : callable
        Gets what the operation makes; what it returns goes on in its place.
    """

    def __init__(self, where: FeatureMap, meet: Callable[[Tensor], Tensor]) -> None:
        super().__init__(self._met)
        self._where, self._meet, self._equals = where, meet, 0

    def _met(self, number: int, name: str, args: object, options: object, y: Tensor) -> Tensor:
        operation = self._where.operation
        if self.met or not operation.makes(name, y):
            return y
        self._equals += 1
        return self._meet(y) if self.met else y

    @property
    def met(self) -> bool:
        """Whether it was met already."""
        return self._equals > self._where.operation.earlier

    def answer(self, network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """Answer of the network.

        Raises
        ------
        LostMap
            If the map was not met.
        """
        with self:
            found = network(x)
        if not self.met:
            raise LostMap
        return found


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

    Raises
    ------
    LostMap
        If the map is not met again.
    """
    leaves: list[Tensor] = []

    def meet(y: Tensor) -> Tensor:
        precise = torch.promote_types(y.dtype, torch.float32)
        leaves.append(where.of(y.detach()).to(precise, copy=True).requires_grad_(True))
        return where.put(leaves[0], y.detach())

    answer = score(Meeting(where, meet).answer(classifier.logits, x))[0]
    features = leaves[0]
    gradient = torch.autograd.grad(answer, features)[0]
    return features.detach(), gradient, answer.detach()


def tail(classifier: Classifier, x: Tensor, where: FeatureMap) -> Callable[[Tensor], Tensor]:
    """Return the network from its feature map on: (n, channels, rows, columns) → logits.

    The part before runs along on one picture where the network allows it, else on n copies.
    Where it does not come by the map, that is a `LostMap`.
    """
    alone: list[bool] = []  # whether it does; known once several maps were asked about

    def bare(picture: Tensor) -> Tensor:
        """Of one picture come as many answers as maps, which the classifier would not take."""
        found: Tensor = classifier.network(picture.to(classifier.device, copy=True))
        return found[:, None] if found.ndim == 1 else found

    def run(pictures: Tensor, maps: Tensor) -> Tensor:
        network = classifier.logits if len(pictures) == len(maps) else bare
        return Meeting(where, lambda y: where.put(maps, y)).answer(network, pictures)

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
