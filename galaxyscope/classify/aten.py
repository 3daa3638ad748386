"""The operations that an exported program may use, each by the function that people call.

A program names its operations as torch's core does (``aten.conv2d.default``). They are run by
torch's public functions: those are what explainers watch for, so that Guided
Backpropagation or LRP treat an exported network like any other. What is not listed here is
never run; nothing is looked up by a name from the file.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]

_WORDS = """
conv1d conv2d conv3d conv_transpose2d linear mm bmm matmul baddbmm einsum dot mv
scaled_dot_product_attention
batch_norm layer_norm group_norm instance_norm rms_norm
relu relu_ hardtanh hardtanh_ silu silu_ gelu gelu_ elu elu_ selu selu_ celu celu_ leaky_relu
leaky_relu_ rrelu prelu hardswish hardswish_ hardsigmoid hardsigmoid_ mish mish_ softplus
log_sigmoid sigmoid sigmoid_ tanh tanh_ threshold softmax log_softmax hardshrink softshrink
exp expm1 log log1p log2 sqrt rsqrt reciprocal abs square pow clamp clamp_ clamp_min clamp_max
erf sin cos neg sign floor ceil round
add add_ sub sub_ mul mul_ div div_ rsub maximum minimum where masked_fill
eq ne lt le gt ge logical_and logical_or logical_not bitwise_and bitwise_or bitwise_not isnan
mean sum var std var_mean amax amin max min prod cumsum logsumexp argmax argmin
topk sort any all
view view_as reshape flatten unflatten squeeze unsqueeze permute transpose t expand expand_as
repeat repeat_interleave cat concat stack split split_with_sizes chunk unbind tensor_split select
narrow index_select gather contiguous clone detach type_as roll flip rot90 movedim swapaxes
unfold pixel_shuffle pixel_unshuffle channel_shuffle tril triu diagonal broadcast_to
pad constant_pad_nd reflection_pad2d replication_pad2d
max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d
upsample_nearest2d upsample_bilinear2d upsample_bicubic2d grid_sampler
dropout dropout_ feature_dropout feature_dropout_ alpha_dropout
zeros_like ones_like full_like new_zeros new_ones new_full
"""

CREATORS = frozenset(["zeros", "ones", "full", "arange", "scalar_tensor"])
"""Make a tensor out of nothing: on the device of the picture."""

IGNORED = frozenset(
    ["_assert_scalar", "_assert_async", "_assert_tensor_metadata", "sym_constrain_range_for_size"]
)
"""Checks without a result."""

_TRAINING = {"batch_norm": 5, "rrelu": 3} | dict.fromkeys(
    ("dropout", "dropout_", "feature_dropout", "feature_dropout_", "alpha_dropout"), 2
)
"""Which argument tells that they run as in training."""


def _slice(x: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Tensor:
    return x[(*[slice(None)] * (dim % x.ndim), slice(start, end, step))]


def _index(x: Tensor, indices: list[Tensor | None]) -> Tensor:
    return x[tuple(slice(None) if i is None else i for i in indices)]


def _to(x: Tensor, *args: Any, **keywords: Any) -> Tensor:
    """Change the type, if asked; the device is the network's, whatever the program says."""
    kinds = [v for v in (*args, *keywords.values()) if isinstance(v, torch.dtype)]
    return x.to(kinds[0]) if kinds else x.clone()


def _convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Tensor:
    if transposed:
        return torch.conv_transpose2d(
            x, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return torch.conv2d(x, weight, bias, stride, padding, dilation, groups)


def _addmm(bias: Tensor, x: Tensor, weight: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    if (beta, alpha) != (1, 1):
        return torch.addmm(bias, x, weight, beta=beta, alpha=alpha)
    return torch.nn.functional.linear(x, weight.t(), bias)


def _group_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    _n: int,
    _c: int,
    _cells: int,
    groups: int,
    eps: float,
) -> tuple[Tensor]:
    return (torch.group_norm(x, groups, weight, bias, eps),)


_OF_SIZES = """
add sub mul floordiv truediv mod neg eq ne lt le gt ge getitem
"""
"""What a program may compute with the number of pictures."""

_OWN: Mapping[str, Function] = {
    "slice": _slice,
    "index": _index,
    "to": _to,
    "_to_copy": _to,
    "lift_fresh_copy": torch.clone,
    "alias": lambda x: x,
    "_unsafe_view": torch.Tensor.reshape,
    "_softmax": lambda x, dim, _half: torch.softmax(x, dim),
    "_log_softmax": lambda x, dim, _half: torch.log_softmax(x, dim),
    "_adaptive_avg_pool2d": torch.nn.functional.adaptive_avg_pool2d,
    "convolution": _convolution,
    "addmm": _addmm,
    "native_layer_norm": lambda *args: (torch.layer_norm(*args),),
    "native_group_norm": _group_norm,
    "_native_batch_norm_legit_no_training": lambda x, w, b, m, v, momentum, eps: (
        torch.batch_norm(x, w, b, m, v, False, momentum, eps, False),
    ),
    # Without the indices: methods watch for operations that give a map and nothing else.
    "max_pool2d_with_indices": lambda *args: (torch.nn.functional.max_pool2d(*args),),
    "adaptive_max_pool2d": lambda *args: (torch.nn.functional.adaptive_max_pool2d(*args),),
    "sym_size": lambda x, dim: x.shape[dim],
    "sym_numel": lambda x: x.numel(),
}
"""What has no public function of the same name and arguments."""


def _public(name: str) -> Function:
    places = (torch, torch._C._nn, torch.Tensor, torch.nn.functional)
    found: Function = next(getattr(place, name) for place in places if hasattr(place, name))
    return found


_TABLE: Mapping[str, Function] = {
    **{f"torch.ops.aten.{name}": _public(name) for name in (*_WORDS.split(), *CREATORS)},
    **{f"torch.ops.aten.{name}": function for name, function in _OWN.items()},
    **{f"torch.ops.aten.{name}": lambda *args, **keywords: None for name in IGNORED},
    **{f"_operator.{name}": getattr(operator, name) for name in _OF_SIZES.split()},
}


def operation(target: str) -> tuple[str, Function] | None:
    """Plain name and function of an operation as a program names it; None if there is none.

    The overload (``.default``, ``.Tensor``) does not matter: torch chooses by the arguments.
    """
    core = target.startswith("torch.ops.aten.") and target.count(".") == 4
    key = target.rpartition(".")[0] if core else target
    function = _TABLE.get(key)
    return None if function is None else (key.rpartition(".")[2], function)


def runs_as_in_training(
    name: str, positional: tuple[Any, ...], keywords: Mapping[str, Any]
) -> bool:
    """Whether an operation draws at random or takes the statistics of the batch."""
    place = _TRAINING.get(name)
    if place is None:
        return False
    return bool(positional[place] if place < len(positional) else keywords.get("train", False))
