"""Batches of the network's frame cut out of stored pictures, plain or randomly changed."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from galaxyscope.train.recipe import Augmentation


def cut_out(
    pictures: Tensor, size: int, fields: Tensor, angles: Tensor, shifts: Tensor, mirrored: Tensor
) -> Tensor:
    """Cut a square field out of every picture.

    Parameters
    ----------
    pictures : Tensor, shape (n, 3, side, side), in [0, 1]
    size : int
        Side of the result in pixels.
    fields : Tensor, shape (n,)
        Side of the field, as a fraction of the picture's side; may exceed 1.
    angles : Tensor, shape (n,)
        Radians.
    shifts : Tensor, shape (n, 2)
        Of the field's centre, as fractions of the picture's side.
    mirrored : Tensor, shape (n,), bool

    Returns
    -------
    Tensor, shape (n, 3, size, size)
        Black outside the picture, as sky is.
    """
    cos, sin = torch.cos(angles) * fields, torch.sin(angles) * fields
    flip = torch.where(mirrored, -1.0, 1.0)
    theta = torch.stack(
        [
            torch.stack([cos * flip, -sin, 2 * shifts[:, 0]], dim=1),
            torch.stack([sin * flip, cos, 2 * shifts[:, 1]], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(theta, [len(pictures), 3, size, size], align_corners=False)
    return functional.grid_sample(pictures, grid, align_corners=False, padding_mode="zeros")


def plain(pictures: Tensor, size: int, field: float) -> Tensor:
    """Cut the central field out of uint8 pictures, nothing else changed.

    Parameters
    ----------
    pictures : Tensor, shape (n, 3, side, side), uint8
    size : int
    field : float
        Side of the field in pixels of `pictures`.
    """
    n, side = len(pictures), pictures.shape[-1]
    zero = torch.zeros(n)
    return cut_out(
        pictures.float() / 255,
        size,
        torch.full((n,), field / side),
        zero,
        torch.zeros(n, 2),
        torch.zeros(n, dtype=torch.bool),
    )


def changed(
    pictures: Tensor, size: int, field: float, settings: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Cut randomly turned, mirrored, shifted, zoomed and recoloured fields out of pictures.

    Parameters are those of `plain`, with the random generator that decides.

    Returns
    -------
    fields : Tensor, shape (n, 3, size, size)
    zooms : Tensor, shape (n,)
        Side of each field in units of `field`.
    """
    n, side = len(pictures), pictures.shape[-1]

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape or (n,), generator=generator)

    def chosen(share: float) -> Tensor:
        return torch.rand(n, generator=generator) < share

    zoom = torch.exp(uniform(math.log(settings.zoom[0]), math.log(settings.zoom[1])))
    fields = zoom * field / side
    shifts = uniform(-settings.shift, settings.shift, n, 2) * fields[:, None]
    x = cut_out(pictures.float() / 255, size, fields, uniform(0, 2 * math.pi), shifts, chosen(0.5))
    one = (n, 1, 1, 1)
    grey = chosen(settings.grey).view(one)
    x = torch.where(grey, x.mean(dim=1, keepdim=True), x)
    tint = 1 + uniform(-settings.tint, settings.tint, n, 3, 1, 1) * ~grey
    x = (x * tint * uniform(*settings.brightness).view(one)).clamp(1e-4, 1)
    x = x ** uniform(*settings.gamma).view(one)
    blurred = functional.avg_pool2d(
        functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False), 3, 1, 1, count_include_pad=False
    )
    x = torch.where(chosen(settings.blur).view(one), blurred, x)
    sigma = (uniform(0, settings.noise) * chosen(0.5)).view(one)
    noise = torch.randn(x.shape, generator=generator)
    noise = torch.where(grey, noise[:, :1], noise)
    return x + sigma * noise, zoom
