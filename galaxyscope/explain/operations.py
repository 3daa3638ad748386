"""Other slopes for the operations of a network while it runs, without touching the network.

Methods that change the way back (Guided Backpropagation, DeepLIFT, LRP) are usually built on
hooks of modules. Hooks see no functional call (``functional.silu(x)``), meet a module that is
used twice with the wrong state, and break on operations in place: the result is then silently
the plain gradient, or nonsense. Here a ``TorchFunctionMode`` sees every operation however it is
called, keeps its value and gives it another slope: ``y → y.detach() + s · (x − x.detach())``.
What a method has no rule for is an error that names the operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

Function = Callable[..., Any]

_ACTIVATIONS_WORDS = """
relu relu6 silu gelu elu selu celu leaky_relu rrelu prelu hardtanh hardswish hardsigmoid mish
softplus softsign sigmoid logsigmoid tanh tanhshrink hardshrink softshrink threshold exp expm1
log1p abs square sqrt rsqrt reciprocal pow clamp clamp_min clamp_max erf
"""
ACTIVATIONS = frozenset(_ACTIVATIONS_WORDS.split())
"""One number in, one out; the first argument is the input."""

_LINEAR_WORDS = """
add sub rsub __rsub__ neg sum mean cumsum cat stack concat hstack vstack split chunk unbind
tensor_split view reshape flatten unflatten squeeze unsqueeze permute transpose swapaxes movedim
t expand expand_as repeat contiguous clone to float double type type_as __getitem__ select
narrow index_select gather roll flip rot90 pad constant_pad_nd unfold pixel_shuffle
pixel_unshuffle channel_shuffle avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d
adaptive_avg_pool2d interpolate upsample batch_norm dropout dropout2d feature_dropout
alpha_dropout stochastic_depth masked_fill tril triu zero_pad2d
"""
LINEAR = frozenset(_LINEAR_WORDS.split())
"""Linear or affine in evaluation mode: their gradient is right for every method."""

PRODUCTS = frozenset(
    ["mul", "multiply", "matmul", "bmm", "mm", "einsum", "conv1d", "conv2d", "conv3d", "linear"]
)
"""Linear in each operand; linear as a whole where only one depends on the picture."""

_OUT_OF_PLACE: Mapping[str, Function] = {"mul": torch.mul, "multiply": torch.mul}

_CLOSE = 1e-4
"""Points whose distance is a smaller part of their size are one, but for rounding."""

MAXIMA = frozenset(["max_pool2d", "adaptive_max_pool2d"])


class NoRule(ValueError):
    """A method has no rule for an operation of the network."""


def name_of(function: Function) -> str:
    """Plain name of an operation, the same in place or not: ``add_``, ``add`` → ``add``."""
    name: str = getattr(function, "__name__", "unknown")
    return name if name.startswith("__") else name.rstrip("_")


def given(names: str, args: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name; `names` are those of the first ones, in order."""
    return dict(zip(names.split(), args, strict=False)) | dict(keywords)


def depends(*values: Any) -> list[Tensor]:
    """Return the tensors among these, also in lists, that depend on the picture.

    Inside `galaxyscope.explain.engine.steady` weights are frozen: what requires a gradient
    depends on the picture.
    """
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found += [value] if value.requires_grad else []
        elif isinstance(value, Sequence) and not isinstance(value, str):
            found += depends(*value)
    return found


def straight(value: Tensor, path: Tensor) -> Tensor:
    """`value` as the result, with the gradient of `path`."""
    return value.detach() + (path - path.detach())


def slope(function: Function, x: Tensor) -> Tensor:
    """Return the derivative of an elementwise function, the shape of `x`."""
    with torch.enable_grad():
        inner = x.detach().clone().requires_grad_(True)
        found: Tensor = torch.autograd.grad(function(inner.clone()).sum(), inner)[0]
    return found


def chord(function: Function, x: Tensor, y: Tensor, x0: Tensor, y0: Tensor) -> Tensor:
    """Slope of the line between two points of an elementwise function.

    Where they are closer than rounding allows, the derivative in their middle: where x hardly
    changes, or where y hardly changes and x no more than that. The latter must be asked of both:
    a small step of x can be a long way for a steep function (1/√x near zero).
    """
    dx, dy = x - x0, y - y0
    close, level = (
        _CLOSE * torch.maximum(one.abs(), other.abs()) for one, other in ((x, x0), (y, y0))
    )
    near = (dx.abs() <= close) | ((dx.abs() <= level) & (dy.abs() <= level))
    exact = dy / torch.where(near, torch.ones_like(dx), dx)
    return torch.where(near, slope(function, (x + x0) / 2), exact)


def _kept(function: Function, args: tuple[Any, ...], y: Any) -> Any:
    """Write a result where an operation in place (``mul_``) would have written it."""
    name: str = getattr(function, "__name__", "")
    return args[0].copy_(y) if name.endswith("_") and not name.endswith("__") else y


class Rules(TorchFunctionMode):
    """Base of the methods' rules; inside the ``with`` the network runs by them.

    A method overrides what it treats in its own way; the rest runs as it is.
    """

    method = ""

    def __init__(self) -> None:
        super().__init__()
        self.beyond: set[str] = set()
        """What the network has that the paper has no rule for, but we do."""

    def __torch_function__(
        self,
        func: Function,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run one operation of the network by its rule."""
        keywords, name = dict(kwargs or {}), name_of(func)
        if not args and "input" in keywords:
            args = (keywords.pop("input"),)
        if name in ACTIVATIONS and args and isinstance(args[0], Tensor):
            return self._activation(func, args, keywords)
        if name in MAXIMA:
            return self.maximum(func, args, keywords)
        if name in PRODUCTS:
            return _kept(func, args, self.product(_OUT_OF_PLACE.get(name, func), args, keywords))
        if name == "div" and depends(*args[1:2]):
            return _kept(func, args, self.quotient(*args[:2]))
        if name in {"__rdiv__", "__rtruediv__"}:
            return self.quotient(args[1], args[0])
        return self.other(func, name, args, keywords)

    def _activation(
        self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Tensor:
        if depends(*args[1:], *keywords.values()):
            raise NoRule(f"{self.method} has no rule for {name_of(func)} with two activations")
        in_place = keywords.pop("inplace", False) or any(value is True for value in args[1:])

        def function(x: Tensor) -> Tensor:
            result: Tensor = func(x.clone(), *args[1:], **keywords)
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
        if name == "__get__" or not depends(args, *keywords.values()) or not depends(result):
            return result
        linear = name in LINEAR or (name in {"div", "true_divide"} and not depends(*args[1:]))
        place = {"batch_norm": 5, "dropout": 2}.get(name, len(args))
        training = keywords.get("training", args[place] if place < len(args) else False)
        if not linear or training:  # in training mode these are not linear, or random
            raise NoRule(f"{self.method} has no rule for the operation {name!r}")
        return result
