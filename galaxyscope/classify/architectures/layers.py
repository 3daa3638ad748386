"""Pieces that several architectures share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "swish": nn.SiLU,
    "gelu": nn.GELU,
}


def activation(name: str) -> nn.Module:
    """Make one activation; each place gets its own, since explainers tell them apart by module.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"no activation called {name!r}; there are: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def scaled(channels: int, width: float) -> int:
    """Channels of a layer under a width multiplier: a multiple of 8, at least 8; exact at 1."""
    return channels if width == 1 else max(8, round(channels * width / 8) * 8)


def standardise(x: Tensor) -> Tensor:
    """Centre pictures in [0, 1] near their mean and scale them to about one.

    Galaxy Zoo pictures are mostly dark. Every architecture begins with this, so that a
    network's input is always the picture itself.
    """
    return (x - 0.1) * 5.0


class BlurPool(nn.Module):
    """Blur with [1 3 3 1]/8 and keep every second pixel (halves rows and columns).

    Zhang 2019 (arXiv:1904.11486): strides without it leave a grid in the gradient.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        kernel = torch.outer(line, line).repeat(channels, 1, 1, 1)
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c, h/2, w/2)."""
        kernel = self.get_buffer("kernel").to(x.dtype)
        return functional.conv2d(x, kernel, stride=2, padding=1, groups=x.shape[1])
