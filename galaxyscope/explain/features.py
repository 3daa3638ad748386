"""A map of features inside a network: taking it out, putting another in, what follows from it.

Which map that is, and where its cells lie: `galaxyscope.explain.search`.

A map is known again in another run by what it looks like, not by the number of the operation that
makes it: hooks add operations when gradients are on, and a network that keeps a grid or a mask
builds it anew for another number of pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
from galaxyscope.work.reasons import first_line

_ALIKE = 0.02
"""Rounding in bfloat16 leaves less between two runs; maps are told apart by more."""


_NUMBERS = frozenset(["numpy", "__array__", "item", "tolist", "__float__", "__int__", "__index__"])
"""Operations that give numbers for Python."""


_NOT_MET = (
    "the network runs otherwise than when its last feature map was looked for, "
    "and the map is not found again"
)

_EMPTY = frozenset(["empty", "empty_like", "new_empty"])
"""What they give may hold what an earlier run left there, and be taken for what is yet to come."""


Kind = tuple[str, tuple[int, ...], int]
"""Name, shape and dimension of the pictures of an `Operation`."""


class LostMap(ValueError):
    """A feature map that was found in one run of a network is of no use in another."""

    def __init__(self, said: str = _NOT_MET) -> None:
        super().__init__(said)


@contextmanager
def gradients_refused(refusal: type[ValueError]) -> Iterator[None]:
    """Inside, what autograd does not do for a network is a refusal, in one sentence."""
    try:
        yield
    except RuntimeError as error:
        if out_of_memory(error):
            raise
        said = f"the gradient of the network's answer cannot be computed ({first_line(error)})"
        raise refusal(said) from error


@dataclass(frozen=True)
class Operation:
    """One operation of a network, known again by its name and by what it makes of a picture.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Of what it makes, without the dimension of the pictures.
    trace : Tensor, shape (n,)
        See :func:`trace_of`.
    earlier : int
        How many operations of that name make the same before it.
    pictures : int
        Which dimension is that of the pictures: the second where tokens come first.
    """

    name: str
    shape: tuple[int, ...]
    trace: Tensor = field(compare=False, repr=False)
    earlier: int
    pictures: int = 0

    def makes(self, name: str, y: Tensor) -> bool:
        """Whether an operation of that name with that result could be this one."""
        if name != self.name or shape_of(y, self.pictures) != self.shape:
            return False
        return alike(trace_of(y, self.pictures), self.trace)


def kind_of(name: str, y: Tensor) -> Kind:
    """Kind of the operation of that name that made this of one picture."""
    pictures = int(y.ndim == 3 and y.shape[1] == 1 < len(y))
    return name, shape_of(y, pictures), pictures


def shape_of(y: Tensor, pictures: int) -> tuple[int, ...]:
    """Shape without the dimension of the pictures."""
    return (*y.shape[:pictures], *y.shape[pictures + 1 :])


def trace_of(y: Tensor, pictures: int) -> Tensor:
    """Return numbers that tell apart what operations make of the first picture."""
    with torch.no_grad(), torch._C.DisableTorchFunction():  # not an operation of the network
        rows = y.detach().select(pictures, 0).flatten(1).float()
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
        Of tokens, (n, tokens, channels) or (tokens, n, channels): which one each cell is, row by
        row; the others belong to no cell. None where the operation makes the map itself.
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
        tokens = result.transpose(0, self.operation.pictures)
        return tokens[:, list(self.order)].transpose(1, 2).reshape(-1, *self.shape)

    def put(self, maps: Tensor, result: Tensor) -> Tensor:
        """Return what the operation makes with another map, or other maps, in it."""
        maps = maps.to(result.dtype, copy=True)  # what follows may work in place
        if self.order is None:
            return unusual(maps, self.layout)
        tokens = result.transpose(0, self.operation.pictures)
        others = sorted(set(range(tokens.shape[1])) - set(self.order))
        order = [*others, *self.order]
        rest = tokens[:, others].expand(len(maps), -1, -1)
        joined = torch.cat([rest, maps.flatten(2).transpose(1, 2)], 1)
        joined = joined[:, sorted(range(len(order)), key=order.__getitem__)]
        return joined.transpose(0, self.operation.pictures).contiguous()


class Watching(TorchFunctionMode):
    """Shows every tensor that an operation makes, and puts another in its place if asked.

    Also in the place of what the operation worked on, where it works in place: the network may
    ignore what it returns. Where it wrote on a part of a tensor, the whole is shown as well.
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
        name, options = name_of(func), kwargs or {}
        if name in _NUMBERS and isinstance(args[0], Tensor):
            args = (args[0].detach(), *args[1:])  # that it asks for gradients may be our doing
        result = func(*args, **options)
        if name == "multi_head_attention_forward":
            return self._shown(name, args, options, result[0]), *result[1:]
        made = args[0] if name == "__setitem__" else result
        if not isinstance(made, Tensor):
            return result
        if name in _EMPTY:
            with torch.no_grad(), torch._C.DisableTorchFunction():
                made.zero_()
        shown = self._shown(name, args, options, made)
        if made._base is not None and _writes(func, options):
            self._shown(name, args, options, made._base)
        return result if name == "__setitem__" else shown

    def _shown(
        self, name: str, args: tuple[Any, ...], options: Mapping[str, Any], y: Tensor
    ) -> Tensor:
        self.count += 1
        shown = self._look(self.count - 1, name, args, options, y)
        given = any(y is one or y is _base(one) for one in (*args, *options.values()))
        if shown is not y and given and shown.shape == y.shape:
            with torch._C.DisableTorchFunction():  # no operation of the network: it needs no rule
                return y.copy_(shown)
        return shown


def _base(value: Any) -> Tensor | None:
    return value._base if isinstance(value, Tensor) else None


def _writes(func: Callable[..., Any], options: Mapping[str, Any]) -> bool:
    """Whether an operation writes on what it is given; others may give it back as it is."""
    name: str = getattr(func, "__name__", "").partition(".")[0]  # relu_.default
    named = name.endswith("_") and not name.endswith("__")
    return named or name.startswith(("__i", "__setitem__")) or bool(options.get("inplace"))


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
        If the map is not met again, or no gradient can be had.
    """
    leaves: list[Tensor] = []

    def meet(y: Tensor) -> Tensor:
        precise = torch.promote_types(y.dtype, torch.float32)
        leaves.append(where.of(y.detach()).to(precise, copy=True).requires_grad_(True))
        return where.put(leaves[0], y.detach())

    answer = score(Meeting(where, meet).answer(classifier.logits, x))[0]
    features = leaves[0]
    with gradients_refused(LostMap):
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
