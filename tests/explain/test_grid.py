"""The one geometry: a map comes back to the cutout where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.explain.grid import on_cutout
from galaxyscope.explain.protocol import Attribution
from galaxyscope.explain.registry import method
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch

SIZE = 128
F_SHAPE = [(36.0, 30.0), (36.0, 64.0), (36.0, 98.0), (62.0, 98.0), (88.0, 98.0), (60.0, 64.0)]
"""Spots along an F, no symmetry anywhere; (x, y) on the network's grid."""


def spots(size: int, width: float) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return sum(
        np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2)) for cx, cy in F_SHAPE
    ).astype(np.float32)


class Templates(nn.Module):
    def __init__(self, weight: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("weight", torch.from_numpy(weight))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = (x * self.weight).sum((1, 2, 3))
        return torch.stack([score, -score], dim=1)


def centroid(data: np.ndarray, x: float, y: float, radius: float) -> tuple[float, float]:
    """Centre of light around a guess, found again around the answer until it stays."""
    rows, columns = np.mgrid[: data.shape[0], : data.shape[1]]
    for _ in range(20):
        weight = data * (np.hypot(columns - x, rows - y) < radius)
        x, y = (weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()
    return x, y


@pytest.mark.parametrize(
    ("to_cutout", "shape"),
    [
        (Affine.resize((424, 424), (SIZE, SIZE)), (424, 424)),
        (Affine.translation(-13.4, 8.7) @ Affine.scaling(2.3), (350, 300)),
        (Affine(a=1.7, b=0.0, c=20.0, d=0.0, e=-1.7, f=240.0), (260, 270)),  # y up
        (Affine.rotation(33.0, (150.0, 150.0)) @ Affine.scaling(2.4), (330, 330)),
    ],
)
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("gradient", {}), ("smoothgrad/rotation-averaged", {"samples": 32, "noise": 0.1})],
)
def test_an_f_comes_back_within_a_twentieth_of_a_pixel(
    classify, make_input, to_cutout, shape, name, parameters
) -> None:
    """Picture → network input → attribution → cutout grid, for every spot of an F."""
    width = 2.5
    light = 0.2 + 0.8 * spots(SIZE, width)[None].repeat(3, 0)
    weight = np.ones_like(light) if parameters else spots(SIZE, width)[None].repeat(3, 0)
    picture = make_input(light, to_cutout=to_cutout)
    found = method(name).explain(
        classify(Templates(weight)), picture, "Class3.1", parameters, Watch()
    )
    data = on_cutout(found, shape)
    assert (data.shape, data.dtype) == (shape, np.float32)
    data = np.clip(data - 1.2 * np.median(found.values), 0, None) if parameters else data
    scale = to_cutout.pixel_size
    inside = 0
    for spot in F_SHAPE:
        x, y = to_cutout(spot)
        margin = 4 * width * scale
        if not (margin < x < shape[1] - margin and margin < y < shape[0] - margin):
            continue
        inside += 1
        cx, cy = centroid(data, x + 0.4, y - 0.3, margin)
        assert np.hypot(cx - x, cy - y) < 0.05
    assert inside >= 3


def test_zero_where_the_network_did_not_look() -> None:
    values = np.ones((10, 10), np.float32)
    attribution = Attribution(values, Affine(c=5, f=3), False, "gradient", "Class3.1")
    data = on_cutout(attribution, (20, 30))
    expected = np.zeros((20, 30))
    expected[3:13, 5:15] = 1
    np.testing.assert_allclose(data, expected, atol=1e-6)
