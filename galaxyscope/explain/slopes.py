"""Slopes of elementwise functions, and values with the gradient of something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]

_CLOSE = 1e-4
"""Points whose distance is a smaller part of their size are one, but for rounding."""


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
