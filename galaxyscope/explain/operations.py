"""Other slopes for the operations of a network while it runs, without touching the network.

Methods that change the way back (Guided Backpropagation, DeepLIFT, LRP) are usually built on
hooks of modules. Hooks see no functional call (``functional.silu(x)``), meet a module that is
used twice with the wrong state, and break on operations in place: the result is then silently
the plain gradient, or nonsense. Here a ``TorchFunctionMode`` sees every operation however it is
called, keeps its value and gives it another slope: ``y → y.detach() + s · (x − x.detach())``.
What a method has no rule for is an error that names the operation.

An activation is often written out: ``x * sigmoid(x)``, ``x * relu6(x + 3) / 6``, GELU with erf,
``where(x > 0, x, 0)``. Taken operation by operation it would be a product, or nothing at all;
therefore what is made of one tensor, number by number, is remembered
(`galaxyscope.explain.written_out`), and where two such meet in a product or a sum, or one in a
comparison, it is one activation of that tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from galaxyscope.explain.kinds import (
    ACTIVATIONS,
    ALIASES,
    COMPARISONS,
    EMPTY,
    JOINED,
    LIKE,
    LINEAR,
    MAXIMA,
    NUMBER_BY_NUMBER,
    OF_TWO,
    OUT_OF_PLACE,
    PRODUCTS,
    QUOTIENTS,
    SWAPPED,
    compares,
    given,
)
from galaxyscope.explain.slopes import Function
from galaxyscope.explain.way_back import hidden
from galaxyscope.explain.written_out import Made, Point, Trace, joins, joint, meeting, rising

FORGETFUL = (
    "the network forgets its activations and computes them anew on the way back (checkpoints), "
    "where the method's rules do not reach"
)


class NoRule(ValueError):
    """A method has no rule for an operation of the network."""


def name_of(function: Function) -> str:
    """Plain name of an operation, the same in place or not: ``add_``, ``add`` → ``add``."""
    name: str = getattr(function, "__name__", "unknown").partition(".")[0]  # silu.default
    return name if name.startswith("__") else name.rstrip("_")


def depends(*values: Any) -> list[Tensor]:
    """Return the tensors among these, also in lists, that depend on the picture.

    Inside `galaxyscope.explain.engine.steady` weights are frozen: what requires a gradient
    depends on the picture.
    """
    return [one for one in _tensors(*values) if one.requires_grad]


def _tensors(*values: Any) -> list[Tensor]:
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors(*value)
    return found


def _in_place(function: Function) -> bool:
    name: str = getattr(function, "__name__", "")
    return name.endswith("_") and not name.endswith("__")


def _kept(function: Function, args: tuple[Any, ...], y: Any) -> Any:
    """Write a result where an operation in place (``mul_``) would have written it."""
    return args[0].copy_(y) if _in_place(function) else y


def _itself(x: Tensor) -> Tensor:
    return x


def _unseen(value: Any) -> Any:
    """Return a value that tells nothing of what it was made of."""
    return value.detach() if isinstance(value, Tensor) else value


def _alike(name: str, root: Tensor, values: Sequence[Any]) -> bool:
    """Whether an operation gives one number for each of the root's."""
    shapes = {value.shape for value in values if isinstance(value, Tensor)} - {root.shape}
    if not shapes or name in ACTIVATIONS:
        return True
    try:
        return torch.broadcast_shapes(*shapes, root.shape) == root.shape
    except RuntimeError:  # they are not to be broadcast, as in ``view_as``
        return False


class Rules(TorchFunctionMode):
    """Base of the methods' rules; inside the ``with`` the network runs by them.

    A method overrides what it treats in its own way; the rest runs as it is.
    """

    method = ""
    own: tuple[type, ...] = ()
    """Functions with a way back of their own that the rules use."""
    chooses = False
    """Whether what a mask leaves out of two activations may get nothing, as in max pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.beyond: set[str] = set()
        """What the network has that the paper has no rule for, but we do."""
        self.activations: set[str] = set()
        """Names of the activations that depend on the picture."""
        self._trace = Trace()
        self._start: Tensor | None = None

    def __enter__(self) -> Self:
        """Run the network by the rules from here on."""
        self._start = None
        super().__enter__()
        return self

    def begin(self, x: Tensor) -> Tensor:
        """Say what the picture is; else it is the first leaf with a gradient that is met."""
        self._start = x
        return x

    def __torch_function__(
        self,
        func: Function,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run one operation of the network by its rule."""
        keywords, name = dict(kwargs or {}), name_of(func)
        if not args and "input" in keywords and "condition" not in keywords:
            args = (keywords.pop("input"),)
        args = self._without_leaves(args)
        keywords = {key: self._without_leaves(value) for key, value in keywords.items()}
        if name in OF_TWO and len(args) > 1 and isinstance(args[1], Tensor):
            name = OF_TWO[name]
        elif name == "__get__" and func == torch.Tensor.data.__get__:
            name = "detach"
        elif name == "__setitem__" and self._fills(*args):
            return self._fill(*args)
        elif name in LIKE:
            args = (*args[:1], *map(_unseen, args[1:]))
            keywords = {key: _unseen(value) for key, value in keywords.items()}
        values = (*args, *keywords.values())
        points = self._points(values)
        if name in NUMBER_BY_NUMBER:
            source = meeting(points)
            if source is not None and _alike(name, source.tensor, values):
                return self._of_one(func, name, args, keywords, source)
        dependent = depends(*values) and torch.is_grad_enabled()
        self._meet(name, points)
        result = self._by_rule(func, name, args, keywords)
        if not points or name in EMPTY:
            return result
        masked = any(point.mask for point in points)
        chosen = self.chooses and name == "where" and all(depends(value) for value in values[1:])
        if masked and depends(args[0] if name == "__setitem__" else result) and not chosen:
            raise NoRule(f"{self.method} has no rule for a mask that depends on the picture")
        if masked or compares(name, result) or not dependent:
            self._note_unknown(name, result, masked)
        return result

    def _without_leaves(self, value: Any) -> Any:
        """Take leaves that require a gradient, but for the picture, as the constants they are."""
        if isinstance(value, Tensor):
            if not (value.requires_grad and value.is_leaf):
                return value
            if self._start is None:
                self._start = value
            return value if value is self._start else value.detach()
        if type(value) in {list, tuple}:
            return type(value)(map(self._without_leaves, value))
        return value

    def _points(self, values: Any) -> list[Point]:
        """Return what among these, also in lists, depends on the picture in any way."""
        return [point for point in map(self._trace.point, _tensors(values)) if point is not None]

    def _note_unknown(self, name: str, result: Any, masked: bool) -> None:
        """Keep that what looks like constants was made of the picture, though not of one tensor."""
        for one in _tensors(result):
            if not one.requires_grad:
                self._trace.note(
                    one, Made(None, _itself, masked or compares(name, one), bent=False)
                )

    def _meet(self, name: str, points: Sequence[Point]) -> None:
        """Show the method the constants that were made of the picture and meet it here."""
        made = [point.tensor for point in points if not point.tensor.requires_grad]
        meets = len(made) < len(points) and torch.is_grad_enabled()
        if made and meets and name not in COMPARISONS:
            self.constants(made)

    def _fills(self, x: Any, index: Any, value: Any) -> bool:
        """Whether a number is written wherever a mask of the picture is true, ``x[x < 0] = 0``."""
        return (
            isinstance(index, Tensor)
            and index.dtype == torch.bool
            and index.shape == x.shape
            and bool(self._points([index]))
            and not self._points([value])
            and (not isinstance(value, Tensor) or value.numel() == 1)
        )

    def _fill(self, x: Tensor, mask: Tensor, value: Any) -> None:
        before = self.__torch_function__(torch.clone, (), (x,))
        filled = self.__torch_function__(torch.where, (), (mask, value, before))
        point = self._trace.point(filled)
        x.copy_(filled)
        if point is not None and point.made is not None and not x.requires_grad:
            self._trace.note(x, point.made)

    def _of_one(
        self,
        func: Function,
        name: str,
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        source: Point,
    ) -> Any:
        """Run an operation whose operands are all functions of one tensor, or constants."""
        parts = [self._trace.point(value) or value for value in args]
        named = {key: self._trace.point(value) or value for key, value in keywords.items()}
        points = [part for part in (*parts, *named.values()) if isinstance(part, Point)]
        dependent = bool(depends(*args, *keywords.values())) and torch.is_grad_enabled()
        joined = dependent and joins(name, points, source)
        if joined:
            self.activations.add(JOINED.get(name, name))
            function = joint(func, parts, named, source)
            result = _kept(func, args, self.activation(*rising(function, points, source)))
        else:
            self._meet(name, points)
            result = self._by_rule(func, name, args, keywords)
        masked = any(point.mask for point in points)
        numbers = isinstance(result, Tensor) and result.shape == source.tensor.shape
        # What it was itself, before it was written over, is gone.
        older = next((point for point in source.line() if point.tensor is not result), None)
        compared = masked or compares(name, result)
        blind = compared or name == "detach" or not dependent
        if numbers and older is not None and (blind or result.requires_grad):
            mask = not result.requires_grad and compared
            divisor = name in SWAPPED or (name in QUOTIENTS and isinstance(parts[-1], Point))
            bent = joined or name in ACTIVATIONS or divisor
            self._trace.note(result, Made(older, joint(func, parts, named, older), mask, bent))
        elif blind:  # and not only a constant by the method's rule
            self._note_unknown(name, result, masked)
        return result

    def _by_rule(
        self, func: Function, name: str, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        if name in ACTIVATIONS and args and isinstance(args[0], Tensor):
            return self._activation(func, args, keywords)
        if name in MAXIMA:
            return self.maximum(func, args, keywords)
        if name == "glu" and depends(args[:1]):
            a, b = args[0].chunk(2, given("input dim", args, keywords).get("dim", -1))
            self.activations.add(name)
            return self.product(torch.mul, (a, self.activation(torch.sigmoid, b)), {})
        if "other" in keywords and name in PRODUCTS | QUOTIENTS:
            args = (*args, keywords.pop("other"))
        divided = name in QUOTIENTS and depends(*args[1:2]) and not keywords
        if (name in PRODUCTS or divided) and _in_place(func):
            # What the product keeps for the way back must not be written over.
            changed = (args[0].clone(), *args[1:])
        else:
            changed = args
        if name in PRODUCTS:
            return _kept(func, args, self.product(OUT_OF_PLACE.get(name, func), changed, keywords))
        if divided:
            return _kept(func, args, self.quotient(*changed))
        if name in SWAPPED:
            return self.quotient(args[1], args[0])
        result = self.other(func, name, args, keywords)
        # Even a view that is made without gradients says that it has one.
        return result if torch.is_grad_enabled() else self._without_leaves(result)

    def _activation(
        self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Tensor:
        if depends(*args[1:], *keywords.values()):
            raise NoRule(f"{self.method} has no rule for {name_of(func)} with two activations")
        if torch._C._autograd._top_saved_tensors_default_hooks(True):
            raise NoRule(FORGETFUL)
        if depends(args[:1]) and torch.is_grad_enabled():
            name = name_of(func).lstrip("_")
            self.activations.add(ALIASES.get(name, name))
        overwrites = _in_place(func) or any(value is True for value in args[1:])
        in_place = keywords.pop("inplace", False) or overwrites

        def function(x: Tensor) -> Tensor:
            result: Tensor = func(x.clone() if overwrites else x, *args[1:], **keywords)
            return result

        y = self.activation(function, args[0])
        return args[0].copy_(y) if in_place else _kept(func, args, y)

    def activation(self, function: Function, x: Tensor) -> Tensor:
        """Elementwise function of one tensor."""
        result: Tensor = function(x)
        return result

    def maximum(self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Largest of a window: all goes to the winner."""
        return func(*args, **keywords)

    def product(self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Linear in each operand."""
        return func(*args, **keywords)

    def quotient(self, a: Any, b: Tensor) -> Tensor:
        """Divide by an activation: the product with its reciprocal."""
        found: Tensor = self.product(torch.mul, (a, self.activation(torch.reciprocal, b)), {})
        return found

    def constants(self, made: Sequence[Tensor]) -> None:
        """See what was made of the picture without a gradient, and meets what has one."""

    def other(
        self, func: Function, name: str, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Everything else: linear operations, questions for the shape, and what is unknown."""
        return func(*args, **keywords)

    def refuse_unknown(
        self, name: str, args: tuple[Any, ...], keywords: Mapping[str, Any], result: Any
    ) -> Any:
        """Return a result, if the operation is known to be linear or leads nowhere.

        Raises
        ------
        NoRule
            Naming the operation.
        """
        if name == "__get__" or not depends(result) or not depends(args, *keywords.values()):
            return result
        linear = name in LINEAR or (name in QUOTIENTS and not depends(*args[1:]))
        place = {"batch_norm": 5, "dropout": 2}.get(name, len(args))
        training = keywords.get("training", args[place] if place < len(args) else False)
        if not linear or training:  # in training mode these are not linear, or random
            raise NoRule(f"{self.method} has no rule for the operation {name!r}")
        return result

    def check(self, result: Tensor) -> None:
        """Look whether the way back from a result leads by the rules to the picture.

        It need not be gone: each step is asked for what it has kept.

        Parameters
        ----------
        result : Tensor
            Made inside the rules.

        Raises
        ------
        NoRule
            If it leads nowhere, or past what was computed where no rule could see it.
        RuntimeError
            If something was written over that is needed on the way back.
        """
        if not result.requires_grad:
            raise NoRule(f"{self.method} finds no way back from the answer to the picture")
        names = sorted(hidden(result, self.own))
        if names:
            raise NoRule(
                f"the network computes {' and '.join(names)} where {self.method} cannot see it"
            )
