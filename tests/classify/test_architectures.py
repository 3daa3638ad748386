from __future__ import annotations

import pytest
import torch

from galaxyscope.classify.architectures import build
from galaxyscope.classify.architectures.preact_resnet import BlurPool


def test_unknown_architecture_names_those_that_exist() -> None:
    with pytest.raises(ValueError, match="preact-resnet"):
        build("vgg99", 3, {})


def test_any_size_that_halves_evenly_and_any_number_of_outputs() -> None:
    network = build("preact-resnet", 5, {"stem": 4, "widths": [4, 8], "blocks": [1, 1]}).eval()
    for size in (64, 128):
        assert network(torch.rand(2, 3, size, size)).shape == (2, 5)


def test_blur_pool_keeps_brightness_and_centre() -> None:
    x = torch.zeros(1, 1, 16, 16)
    x[0, 0, 6:8, 10:12] = 1.0
    y = BlurPool(1)(x)[0, 0]
    assert float(y.sum()) == pytest.approx(1.0)
    rows = (y.sum(1) * torch.arange(8)).sum()
    assert float(rows) == pytest.approx(3.0, abs=1e-6)


def test_blur_pool_hides_the_finest_grid() -> None:
    """A checkerboard is what a strided convolution would alias into the map."""
    i = torch.arange(16)
    board = ((i[:, None] + i[None]) % 2).float()[None, None]
    inner = BlurPool(1)(board)[0, 0, 1:-1, 1:-1]
    assert float(inner.std()) < 1e-6
