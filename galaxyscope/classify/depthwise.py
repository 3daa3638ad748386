"""The way back through depthwise convolutions with a stride, such as those of blur pooling.

oneDNN has no fast kernel for it in bfloat16: on a processor with bfloat16 instructions it takes 10
to 80 times as long as in float32, and made the way back of the shipped networks slower in bfloat16
than in float32. So that one step is done in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class BackInFloat32(TorchFunctionMode):
    """Inside, gradients of depthwise convolutions with a stride are computed in float32.

    On a CPU, of frozen weights, and only gradients of what goes into them.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        found = _taken(*args, **(kwargs or {})) if func is torch.conv2d else None
        return func(*args, **(kwargs or {})) if found is None else found


def _taken(
    input: Tensor,  # names and defaults are those of torch.conv2d
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | str | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor | None:
    """Do a convolution that this module is for; None for any other."""
    frozen = not weight.requires_grad and (bias is None or not bias.requires_grad)
    depthwise = input.dim() == 4 and groups == len(weight) > 1 and weight.shape[1] == 1
    strided = depthwise and _pair(stride) != (1, 1) and not isinstance(padding, str)
    if not (frozen and strided and input.device.type == "cpu"):
        return None
    steps = [_pair(each) for each in (stride, padding, dilation)]
    return _Depthwise.apply(input, weight, bias, *steps)  # type: ignore[no-untyped-call,no-any-return]


def _pair(value: int | str | Sequence[int]) -> tuple[int, int]:
    assert not isinstance(value, str)
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Tensor:
        ctx.weight, ctx.shape, ctx.steps = weight, x.shape, (stride, padding, dilation)
        return torch.conv2d(x, weight, bias, stride, padding, dilation, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        back = torch.ops.aten.convolution_backward(
            gradient.float(),
            # Of what went in only the shape matters, and how it lies in memory.
            torch.empty(ctx.shape, device=gradient.device, memory_format=torch.channels_last),
            ctx.weight.float(),
            None,
            *ctx.steps,
            False,
            [0, 0],
            len(ctx.weight),
            [True, False, False],
        )[0]
        return back.to(gradient.dtype), None, None, None, None, None
