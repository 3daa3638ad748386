"""Where gradients show that the cells of a map look elsewhere, the map is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.layout import astray
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.explain.search import last_feature_map
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch

SIZE = 32


class Body(nn.Module):
    """Two convolutions with something in between, the mean, a linear layer."""

    def __init__(self, between) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1)
        self.head, self.between = nn.Linear(8, 2), between

    def forward(self, x: Tensor) -> Tensor:
        x = self.between(functional.relu(self.one(x)))
        return self.head(functional.relu(self.two(x)).mean((2, 3)))


def zoomed(x: Tensor) -> Tensor:
    half = torch.tensor([[[0.5, 0, 0], [0, 0.5, 0]]]).expand(len(x), -1, -1)
    grid = functional.affine_grid(half, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, align_corners=False)


BACKWARDS = list(range(15, -1, -1))
MOVED = {
    "transpose": lambda x: x.transpose(2, 3),
    "mT": lambda x: x.mT,
    "index": lambda x: x[..., BACKWARDS],
    "index_select": lambda x: x.index_select(2, torch.tensor(BACKWARDS)),
    "roll": lambda x: x.roll(4, 2),
    "zoom": zoomed,
}


@pytest.mark.parametrize("picture", ["smooth", "noise"])
@pytest.mark.parametrize("kind", MOVED)
def test_cells_that_look_elsewhere_are_refused(classify, make_input, kind, picture) -> None:
    noise = np.random.default_rng(0).random((3, SIZE, SIZE))
    net_input = make_input(SIZE if picture == "smooth" else noise)
    classifier = classify(Body(MOVED[kind]))
    fit = preflight("grad-cam", classifier, net_input)
    assert fit.verdict == "refused"
    assert "look at other parts of the picture" in fit.reason
    with pytest.raises(ValueError, match="where its last feature map lies is not known"):
        method("hires-cam").explain(classifier, net_input, "bar", {}, Watch())


class Gated(nn.Module):
    """Every cell sees the whole picture, by its brightness."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(10 * x.mean((1, 2, 3), keepdim=True))


class Attending(nn.Module):
    """Every cell sees every other, more or less."""

    def __init__(self, skip: bool) -> None:
        super().__init__()
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        cells = x.flatten(2)
        y = (cells @ torch.softmax(cells.mT @ cells, 1)).view_as(x)
        return x + y if self.skip else y


class Windows(nn.Module):
    """As in a Swin transformer: rolled, windows that see themselves, rolled back."""

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        y = x.permute(0, 2, 3, 1).roll((-2, -2), (1, 2))
        y = y.view(n, h // 4, 4, w // 4, 4, c).transpose(2, 3).reshape(-1, 16, c)
        y = torch.softmax(y @ y.mT, -1) @ y
        y = y.view(n, h // 4, w // 4, 4, 4, c).transpose(2, 3).reshape(n, h, w, c)
        return x + y.roll((2, 2), (1, 2)).permute(0, 3, 1, 2)


def mixed(x: Tensor) -> Tensor:
    """Cells all of which see all, and none of them more of one place."""
    weights = torch.randn(256, 256, generator=torch.Generator().manual_seed(0)) / 16
    return (x.flatten(2) @ weights).view_as(x)


STAYING = {
    "nothing": nn.Identity(),
    "rolled back": lambda x: x.roll(4, 2).relu().roll(-4, 2),
    "transposed back": lambda x: (x.mT + 1).mT,
    "gate": Gated(),
    "attention": Attending(skip=True),
    "attention alone": Attending(skip=False),
    "windows": Windows(),
    "mixed": mixed,
    "wide windows": nn.MaxPool2d(9, 1, 4),
    "one cell and back": lambda x: x.mean((2, 3), keepdim=True).expand_as(x) * 1,
    "fourier": lambda x: torch.fft.irfft2(torch.fft.rfft2(x), s=(16, 16)),
}


@pytest.mark.parametrize("picture", ["smooth", "noise", "light"])
@pytest.mark.parametrize("kind", STAYING)
def test_cells_that_see_much_are_not(classify, make_input, kind, picture) -> None:
    noise, light = np.random.default_rng(0).random((3, SIZE, SIZE)), np.zeros((3, SIZE, SIZE))
    light[:, 20:24, 8:12] = 1
    net_input = make_input({"smooth": SIZE, "noise": noise, "light": light}[picture])
    assert preflight("grad-cam", classify(Body(STAYING[kind])), net_input).verdict == "fits"


def test_a_place_is_compared_once(classify, make_input, monkeypatch) -> None:
    asked, classifier = [], classify(Body(nn.Identity()))
    monkeypatch.setattr(
        "galaxyscope.explain.search.astray", lambda *given: asked.append(1) or astray(*given)
    )
    for seed in range(3):
        draw = torch.Generator().manual_seed(seed)
        last_feature_map(classifier, torch.rand((1, 3, SIZE, SIZE), generator=draw))
    assert len(asked) == 1
    last_feature_map(classifier, torch.rand(1, 3, 48, 48))
    assert len(asked) == 2
    for seed in range(2):  # of every galaxy the preflight asks again
        assert preflight("grad-cam", classifier, make_input(SIZE, seed)).verdict == "fits"
    assert len(asked) == 2


def test_of_tokens_the_patches_are_compared(classify, make_input) -> None:
    class Patches(nn.Module):
        def __init__(self, across: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.patches, self.head, self.across = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 2), across

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x.mT if self.across else x).flatten(2).mT
            x = x + torch.softmax(x @ x.mT, -1) @ x
            return self.head(functional.layer_norm(x, (8,)).square().mean(1))

    verdicts = [
        preflight("grad-cam", classify(Patches(across)), make_input(SIZE)).verdict
        for across in (False, True)
    ]
    assert verdicts == ["fits", "refused"]


def test_a_way_back_that_is_not_there_refuses_no_map(classify, make_input) -> None:
    """What is before the map needs no slope: a function without one is no reason."""

    class OneWay(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x: Tensor) -> Tensor:
            return x * 2

    classifier = classify(Body(OneWay.apply))
    assert preflight("grad-cam", classifier, make_input(SIZE)).verdict == "fits"


def test_astray() -> None:
    x = torch.rand(1, 3, 16, 16, requires_grad=True)
    cells = functional.avg_pool2d(x, 2)
    right = Affine.resize((16, 16), (8, 8))
    assert astray(cells, x, right) is False
    assert astray(cells.mT, x, right) is True
    assert astray(cells, x, Affine.translation(3, 0) @ right) is True
    assert astray(cells, x, Affine.translation(1, 0) @ right) is False
    assert astray(cells * 0, x, right) is None
    assert astray(cells * math.inf, x, right) is None
    assert astray(torch.rand(1, 3, 8, 8, requires_grad=True), x, right) is None
