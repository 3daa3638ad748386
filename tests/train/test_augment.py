from __future__ import annotations

import math

import torch

from galaxyscope.train.augment import changed, cut_out, plain
from galaxyscope.train.recipe import Augmentation


def test_plain_field_of_the_whole_picture_is_the_picture() -> None:
    pixels = torch.randint(0, 255, (2, 3, 20, 20), dtype=torch.uint8)
    assert torch.allclose(plain(pixels, 20, 20.0), pixels / 255, atol=1e-5)


def test_quarter_turn_and_mirror_are_exact() -> None:
    x = torch.rand(1, 3, 16, 16)
    one, none = torch.ones(1), torch.zeros(1, 2)
    turned = cut_out(x, 16, one, torch.tensor([math.pi / 2]), none, torch.tensor([False]))
    options = [torch.rot90(x, k, (2, 3)) for k in (1, 3)]
    assert min(float((turned - o).abs().max()) for o in options) < 1e-5
    mirrored = cut_out(x, 16, one, torch.zeros(1), none, torch.tensor([True]))
    assert torch.allclose(mirrored, x.flip(3), atol=1e-5)


def test_changes_follow_the_generator() -> None:
    pixels = torch.randint(0, 255, (4, 3, 40, 40), dtype=torch.uint8)
    first, second, other = (
        changed(pixels, 16, 24.0, Augmentation(), torch.Generator().manual_seed(s))[0]
        for s in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_radio_pictures_stay_grey() -> None:
    """With tint 0 and the noise of one channel only, three equal channels stay equal."""
    pixels = torch.randint(0, 255, (4, 1, 40, 40), dtype=torch.uint8).expand(-1, 3, -1, -1)
    settings = Augmentation(tint=0.0, grey=1.0)
    x, _ = changed(pixels, 16, 24.0, settings, torch.Generator().manual_seed(0))
    assert torch.allclose(x[:, :1].expand_as(x), x, atol=1e-6)
