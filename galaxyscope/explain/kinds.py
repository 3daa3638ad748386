"""The operations by name: what kind each is of, whatever it is called on, and their arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from galaxyscope.explain.slopes import Function

_ACTIVATIONS_WORDS = """
relu relu6 silu gelu elu selu celu leaky_relu rrelu prelu hardtanh hardswish hardsigmoid mish
softplus softsign sigmoid logsigmoid log_sigmoid special_expit tanh tanhshrink hardshrink softshrink
threshold _threshold exp exp2 expm1 log log2 log10 log1p logit abs square sqrt rsqrt reciprocal pow
clamp clamp_min clamp_max clip erf erfc sin cos tan atan arctan asinh nan_to_num
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

QUOTIENTS = frozenset(["div", "divide", "true_divide"])
SWAPPED = frozenset(["__rdiv__", "__rtruediv__"])

OUT_OF_PLACE: Mapping[str, Function] = {"mul": torch.mul, "multiply": torch.mul}

_COMPARISONS_WORDS = """
lt le gt ge eq ne less less_equal greater greater_equal not_equal logical_not logical_and
logical_or logical_xor bitwise_not bitwise_and bitwise_or bitwise_xor __invert__ __and__ __or__
__xor__ bool int long short byte char isclose signbit sign sgn heaviside bucketize ceil floor round
special_round trunc fix floor_divide __floordiv__
"""
COMPARISONS = frozenset(_COMPARISONS_WORDS.split())
"""No gradient tells of what these were made of; nor of all other truths and whole numbers."""

_NO_MASKS_WORDS = """
argmax argmin argsort isnan isinf isfinite isposinf isneginf isreal
"""
NO_MASKS = frozenset(_NO_MASKS_WORDS.split())
"""But for places of the largest, as in max pooling, and for whether a number is one."""

LIKE = frozenset(["to", "type_as", "view_as", "reshape_as", "expand_as"])
"""Take from all but the first tensor nothing but its shape and type."""

PLACES = frozenset(["nonzero", "argwhere"])

_EMPTY_WORDS = """
zeros_like ones_like full_like empty_like rand_like randn_like randint_like new_zeros new_ones
new_full new_empty new_empty_strided new_tensor _shape_as_tensor
"""
EMPTY = frozenset(_EMPTY_WORDS.split())
"""Take nothing but the shape."""

JOINING = frozenset(["mul", "multiply", "pow", "where", "masked_fill"]) | QUOTIENTS | SWAPPED
"""An activation where two operands are functions of the same tensor."""

SUMS = frozenset(["add", "sub", "subtract", "rsub", "__rsub__"])
"""An activation where two operands are functions of the same tensor, and one an activation."""

OF_TWO: Mapping[str, str] = {"max": "maximum", "min": "minimum"}
CHOOSING = frozenset(OF_TWO.values())
"""An activation where all that depends on the picture are functions of the same tensor."""

_OTHERS_WORDS = """
neg negative clone contiguous to float double half bfloat16 type type_as detach view view_as
reshape reshape_as expand expand_as
"""
NUMBER_BY_NUMBER = frozenset().union(
    ACTIVATIONS, COMPARISONS, JOINING, SUMS, CHOOSING, _OTHERS_WORDS.split()
)

MAXIMA = frozenset(["max_pool2d", "adaptive_max_pool2d", "amax"])

JOINED: Mapping[str, str] = dict.fromkeys(
    ("mul", "multiply", *QUOTIENTS, *SWAPPED), "products of functions of one tensor"
) | dict.fromkeys(SUMS, "sums of functions of one tensor")
"""What an activation that is written out is called."""

ALIASES: Mapping[str, str] = {"clip": "clamp"}


def compares(name: str, result: Any) -> bool:
    """Whether an operation compares, or gives what no gradient goes through, as if it did."""
    if not isinstance(result, Tensor) or name in COMPARISONS | PLACES | NO_MASKS:
        return name in COMPARISONS | PLACES
    return not (result.is_floating_point() or result.is_complex())


def given(names: str, args: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name; `names` are those of the first ones, in order."""
    return dict(zip(names.split(), args, strict=False)) | dict(keywords)


def as_group_norm(
    func: Function, name: str, args: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[Function, str, tuple[Any, ...], dict[str, Any]]:
    """Return a call as it is, or that of the group norm that an instance norm is."""
    if name != "instance_norm":
        return func, name, args, keywords
    if func is functional.instance_norm:
        order = "input running_mean running_var weight bias use_input_stats momentum eps"
    else:  # of `torch`, as exported programs call it
        order = "input weight bias running_mean running_var use_input_stats momentum eps"
    options = given(order, args, keywords)
    if not options.get("use_input_stats", True):
        return func, "batch_norm", args, keywords
    x = options["input"]
    rest = {key: options[key] for key in ("weight", "bias", "eps") if key in options}
    return functional.group_norm, "group_norm", (x, x.shape[1]), rest
