"""Other slopes for the operations of a network while it runs, without touching the network.

Methods that change the way back (Guided Backpropagation, DeepLIFT, LRP) are usually built on
hooks of modules. Hooks see no functional call (``functional.silu(x)``), meet a module that is
used twice with the wrong state, and break on operations in place: the result is then silently
the plain gradient, or nonsense. Here a ``TorchFunctionMode`` sees every operation however it is
called, keeps its value and gives it another slope: ``y → y.detach() + s · (x − x.detach())``.
What a method has no rule for is an error that names the operation.

An activation is often written out: ``x * sigmoid(x)``, ``x * relu6(x + 3) / 6``, GELU with erf,
``where(x > 0, x, 0)``. Taken operation by operation it would be a product, or nothing at all;
therefore what is made of one tensor, number by number, is remembered, and where two such
meet in a product, or one in a comparison, it is one activation of that tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

Function = Callable[..., Any]

_ACTIVATIONS_WORDS = """
relu relu6 silu gelu elu selu celu leaky_relu rrelu prelu hardtanh hardswish hardsigmoid mish
softplus softsign sigmoid logsigmoid log_sigmoid special_expit tanh tanhshrink hardshrink softshrink
threshold _threshold exp exp2 expm1 log log2 log10 log1p logit abs square sqrt rsqrt reciprocal pow
clamp clamp_min clamp_max erf erfc sin cos tan atan arctan asinh nan_to_num
"""
ACTIVATIONS = frozenset(_ACTIVATIONS_WORDS.split())
"""One number in, one out; the first argument is the input."""

_LINEAR_WORDS = """
add sub subtract rsub __rsub__ neg negative sum mean nanmean cumsum cat concat concatenate stack
hstack vstack split split_with_sizes chunk unbind tensor_split view view_as reshape reshape_as
flatten ravel unflatten squeeze unsqueeze permute transpose swapaxes swapdims moveaxis movedim t
adjoint expand expand_as broadcast_to repeat repeat_interleave tile contiguous clone to float
double half bfloat16 type type_as __getitem__ __setitem__ select narrow index_select gather
take_along_dim diagonal roll flip fliplr flipud rot90 pad constant_pad_nd reflection_pad2d
replication_pad2d fold unfold im2col col2im pixel_shuffle pixel_unshuffle channel_shuffle
native_channel_shuffle avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
adaptive_avg_pool3d interpolate upsample upsample_nearest2d upsample_bilinear2d upsample_bicubic2d
grid_sample grid_sampler batch_norm dropout dropout1d dropout2d feature_dropout alpha_dropout
stochastic_depth masked_fill where tril triu zero_pad2d copy
"""
LINEAR = frozenset(_LINEAR_WORDS.split())
"""Linear or affine in evaluation mode: their gradient is right for every method."""

_PRODUCTS_WORDS = """
mul multiply matmul bmm mm mv dot addmm addbmm baddbmm einsum linear conv1d conv2d conv3d
conv_transpose1d conv_transpose2d conv_transpose3d
"""
PRODUCTS = frozenset(_PRODUCTS_WORDS.split())
"""Linear in each operand; linear as a whole where only one depends on the picture."""

_QUOTIENTS = frozenset(["div", "divide", "true_divide"])
_SWAPPED = frozenset(["__rdiv__", "__rtruediv__"])

_OUT_OF_PLACE: Mapping[str, Function] = {"mul": torch.mul, "multiply": torch.mul}

_COMPARISONS_WORDS = """
lt le gt ge eq ne less less_equal greater greater_equal not_equal isnan isfinite logical_not
logical_and logical_or bitwise_not bitwise_and bitwise_or __invert__ __and__ __or__
"""
_COMPARISONS = frozenset(_COMPARISONS_WORDS.split())

_JOINING = frozenset(["mul", "multiply", "pow", "where", "masked_fill"]) | _QUOTIENTS | _SWAPPED
"""An activation where two operands are functions of the same tensor."""

_OF_TWO: Mapping[str, str] = {"max": "maximum", "min": "minimum"}
_CHOOSING = frozenset(_OF_TWO.values())
"""An activation where all that depends on the picture are functions of the same tensor."""

_OTHERS_WORDS = """
add sub subtract rsub __rsub__ neg negative clone contiguous to float double half bfloat16 type
type_as
"""
_NUMBER_BY_NUMBER = ACTIVATIONS | _COMPARISONS | _JOINING | _CHOOSING | set(_OTHERS_WORDS.split())

_HIDDEN_WORDS = """
relu silu gelu elu leakyrelu prelu prelukernel hardtanh hardswish hardsigmoid mish softplus
sigmoid logsigmoid tanh threshold glu erf
"""
_HIDDEN = frozenset(_HIDDEN_WORDS.split())
"""Activations whose own derivative never stands behind a result of the rules."""

_CLOSE = 1e-4
"""Points whose distance is a smaller part of their size are one, but for rounding."""

MAXIMA = frozenset(["max_pool2d", "adaptive_max_pool2d"])


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
            if value.requires_grad:
                found.append(value)
        elif isinstance(value, list | tuple):
            found += depends(*value)
    return found


def straight(value: Tensor, path: Tensor) -> Tensor:
    """`value` as the result, with the gradient of `path`."""
    return value.detach() + (path - path.detach())


def slope(function: Function, x: Tensor) -> Tensor:
    """Return the derivative of an elementwise function, the shape of `x`."""
    return value_and_slope(function, x)[1]


def value_and_slope(function: Function, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the value and the derivative of an elementwise function that leaves `x` as it is."""
    with torch.enable_grad():
        inner = x.detach().requires_grad_(True)
        y: Tensor = function(inner)
        (found,) = torch.autograd.grad(y, inner, torch.ones_like(y))
    return y.detach(), found


def chord(function: Function, x: Tensor, y: Tensor, x0: Tensor, y0: Tensor) -> Tensor:
    """Slope of the line between two points of an elementwise function.

    Where they are closer than rounding allows, the derivative in their middle: where x hardly
    changes, or where y hardly changes and x no more than that. The latter must be asked of both:
    a small step of x can be a long way for a steep function (1/√x near zero).
    """
    dx, dy = x - x0, y - y0
    near = dx.abs() <= torch.maximum(x.abs(), x0.abs()).mul_(_CLOSE)
    near |= torch.maximum(dx.abs(), dy.abs()) <= torch.maximum(y.abs(), y0.abs()).mul_(_CLOSE)
    if not bool(near.any()):
        return dy / dx
    exact = dy / torch.where(near, torch.ones_like(dx), dx)
    return torch.where(near, slope(function, (x + x0) / 2), exact)


def _in_place(function: Function) -> bool:
    name: str = getattr(function, "__name__", "")
    return name.endswith("_") and not name.endswith("__")


def _kept(function: Function, args: tuple[Any, ...], y: Any) -> Any:
    """Write a result where an operation in place (``mul_``) would have written it."""
    return args[0].copy_(y) if _in_place(function) else y


@dataclass(frozen=True)
class _Made:
    """How a tensor was made of one other, number by number; void once one is written over."""

    root: Tensor
    root_version: int
    version: int
    function: Function

    def holds(self, tensor: Tensor) -> bool:
        return (self.version, self.root_version) == (tensor._version, self.root._version)


def _of(part: Any, x: Tensor) -> Any:
    """Part of an operation as a function of another root, if it is one."""
    return part.function(x) if isinstance(part, _Made) else part


_JOINED: Mapping[str, str] = dict.fromkeys(
    ("mul", "multiply", *_QUOTIENTS, *_SWAPPED), "products of functions of one tensor"
)
"""What an activation that is written out is called."""


def _itself(x: Tensor) -> Tensor:
    return x


def _alike(name: str, root: Tensor, values: Sequence[Any]) -> bool:
    """Whether an operation gives one number for each of the root's."""
    shapes = {value.shape for value in values if isinstance(value, Tensor)} - {root.shape}
    return (
        not shapes
        or name in ACTIVATIONS
        or torch.broadcast_shapes(*shapes, root.shape) == root.shape
    )


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
        self._made = WeakTensorKeyDictionary()

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
        if name in _OF_TWO and len(args) > 1 and isinstance(args[1], Tensor):
            name = _OF_TWO[name]
        if name not in _NUMBER_BY_NUMBER:
            return self._by_rule(func, name, args, keywords)
        values = (*args, *keywords.values())
        sources = [made for made in map(self._source, values) if made is not None]
        roots = {id(made.root): made.root for made in sources}
        if not roots or not torch.is_grad_enabled():
            return self._by_rule(func, name, args, keywords)
        (root, *others) = roots.values()
        if not others and _alike(name, root, values):
            return self._of_one(func, name, args, keywords, root)
        mask = any(not depends(value) and self._source(value) is not None for value in values)
        chosen = self.chooses and name == "where" and all(depends(value) for value in values[1:])
        if mask and depends(*values) and not chosen:
            raise NoRule(f"{self.method} has no rule for a mask that depends on the picture")
        result = self._by_rule(func, name, args, keywords)
        if isinstance(result, Tensor) and (name in _COMPARISONS or not depends(*values)):
            # Not made of one tensor alone, and yet no constant.
            self._made[result] = _Made(torch.empty(0), 0, result._version, _itself)
        return result

    def _source(self, value: Any) -> _Made | None:
        """How a value was made; None for what does not depend on the picture."""
        if not isinstance(value, Tensor):
            return None
        made: _Made | None = self._made.get(value)
        if made is not None and made.holds(value):
            return made
        if not value.requires_grad:
            return None
        return _Made(value, value._version, value._version, _itself)

    def _of_one(
        self,
        func: Function,
        name: str,
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        root: Tensor,
    ) -> Any:
        """Run an operation whose operands are all functions of one tensor, or constants."""
        version = root._version
        parts = [self._source(value) or value for value in args]
        named = {key: self._source(value) or value for key, value in keywords.items()}

        def function(x: Tensor) -> Tensor:
            first, *rest = (_of(part, x) for part in parts)
            if isinstance(first, Tensor):  # which may be written over
                first = first.clone()
            more = {key: _of(part, x) for key, part in named.items()}
            result: Tensor = func(first, *rest, **more)
            return result

        joined = name in _CHOOSING or (
            name in _JOINING
            and sum(isinstance(part, _Made) for part in (*parts, *named.values())) > 1
        )
        dependent = depends(*args, *keywords.values())
        if joined and dependent:
            self.activations.add(_JOINED.get(name, name))
            result = _kept(func, args, self.activation(function, root))
        else:
            result = self._by_rule(func, name, args, keywords)
        if not isinstance(result, Tensor) or result.shape != root.shape or result is root:
            return result
        if result.requires_grad or name in _COMPARISONS or not dependent:  # no constant by the rule
            self._made[result] = _Made(root, version, result._version, function)
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
        if "other" in keywords and name in PRODUCTS | _QUOTIENTS:
            args = (*args, keywords.pop("other"))
        divided = name in _QUOTIENTS and depends(*args[1:2]) and not keywords
        if (name in PRODUCTS or divided) and _in_place(func):
            # What the product keeps for the way back must not be written over.
            changed = (args[0].clone(), *args[1:])
        else:
            changed = args
        if name in PRODUCTS:
            return _kept(func, args, self.product(_OUT_OF_PLACE.get(name, func), changed, keywords))
        if divided:
            return _kept(func, args, self.quotient(*changed))
        if name in _SWAPPED:
            return self.quotient(args[1], args[0])
        return self.other(func, name, args, keywords)

    def _activation(
        self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Tensor:
        if depends(*args[1:], *keywords.values()):
            raise NoRule(f"{self.method} has no rule for {name_of(func)} with two activations")
        if torch._C._autograd._top_saved_tensors_default_hooks(True):
            raise NoRule(FORGETFUL)
        if depends(args[:1]) and torch.is_grad_enabled():
            self.activations.add(name_of(func).lstrip("_"))
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
        linear = name in LINEAR or (name in _QUOTIENTS and not depends(*args[1:]))
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
        names = sorted(_hidden(result, self.own))
        if names:
            raise NoRule(
                f"the network computes {' and '.join(names)} where {self.method} cannot see it"
            )


def _hidden(result: Tensor, own: tuple[type, ...]) -> set[str]:
    """Names of what was computed on the way to a result and can have met no rule.

    Functions with a way back of their own (`torch.autograd.Function`) and compiled code show the
    mode nothing, or not what leads back.
    """
    found = set()
    for step in _steps(result):
        name = step.name()
        plain = name.rpartition("::")[2].partition("Backward")[0]
        if isinstance(step, BackwardCFunction):
            found |= set() if getattr(step, "_forward_cls", None) in own else {plain}
        elif "DifferentiableGraph" in name or "CppNode" in name:
            found.add("compiled code")
        elif plain.lower() in _HIDDEN:
            found.add(plain.lower())
        for kept in _keeps(type(step)):
            getattr(step, kept)
    return found


@cache
def _keeps(kind: type) -> tuple[str, ...]:
    """Names under which a step on the way back has kept tensors."""
    return tuple(n for n in dir(kind) if n.startswith("_saved_") or n == "saved_tensors")


def _steps(result: Tensor) -> Iterator[Any]:
    """Every step on the way back from a result."""
    met = {result.grad_fn}
    waiting = list(met)
    while waiting:
        step = waiting.pop()
        if step is not None:
            yield step
            after = {following for following, _ in step.next_functions} - met
            met |= after
            waiting += after
