"""DeepLIFT, on networks written in unusual ways: right, or refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.classify.exported import ExportedNetwork
from galaxyscope.classify.pt2 import read_program
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.slopes import chord
from tests.explain.networks import Call, convolutions, run


def exported(network: nn.Module, size: int = 24) -> nn.Module:
    """Run a network as an exported program, operation by operation."""
    program = torch.export.export(
        network.eval(),
        (torch.rand(2, 3, size, size),),
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        strict=False,
    )
    file = io.BytesIO()
    torch.export.save(program, file)
    return ExportedNetwork(read_program(file.getvalue())).eval()


@pytest.mark.parametrize(
    "between",
    [
        lambda: (nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
        lambda: (nn.ReLU(), nn.AdaptiveMaxPool2d(3)),
        lambda: (nn.GroupNorm(2, 8), nn.ReLU()),
        lambda: (nn.LayerNorm((8, 12, 12)), nn.GELU()),
    ],
    ids=["max pooling", "adaptive max pooling", "group norm", "layer norm"],
)
def test_deeplift_of_an_exported_program_is_that_of_its_network(
    classify, make_input, between
) -> None:
    network, picture = convolutions(*between()), make_input()
    program = classify(exported(network))
    for name in ("deeplift", "deeplift-shap", "lrp", "guided-backprop"):
        expected = run(name, classify(network), picture).values
        found = run(name, program, picture)
        np.testing.assert_allclose(found.values, expected, atol=1e-4 * np.abs(expected).max())
    assert run("deeplift", program, picture).completeness_error < 1e-3
    assert preflight("lift-cam", program, picture).verdict != "refused"


@pytest.mark.parametrize(
    "call",
    [
        lambda x: torch.max_pool2d(functional.relu(x), 2),
        lambda x: functional.max_pool2d(functional.relu(x), 2, None, 0, 1, False, False),
        lambda x: functional.gelu(torch.layer_norm(x, normalized_shape=(12,), eps=1e-4)),
        lambda x: functional.gelu(torch.group_norm(x, 4, eps=1e-4, cudnn_enabled=False)),
    ],
)
def test_deeplift_takes_its_operations_however_they_are_called(classify, make_input, call) -> None:
    found = run("deeplift", classify(convolutions(Call(call))), make_input())
    assert found.completeness_error < 1e-3


class Normalised(nn.Module):
    """Layer normalisation of tokens that are exactly zero without light."""

    def __init__(self, by_hand: bool) -> None:
        super().__init__()
        self.by_hand = by_hand
        self.patches, self.head = nn.Conv2d(3, 8, 4, 4, bias=False), nn.Linear(8, 2)
        self.dense = nn.Linear(8, 8)

    def normalise(self, x: Tensor) -> Tensor:
        if not self.by_hand:
            return functional.layer_norm(x, (8,), eps=1e-6)
        centred = x - x.mean(-1, keepdim=True)
        return centred / torch.sqrt(centred.pow(2).mean(-1, keepdim=True) + 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).mT
        x = x + self.dense(functional.gelu(self.normalise(x)))
        return self.head(functional.gelu(self.normalise(x)).mean(1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Normalised(by_hand=False),
        lambda: Normalised(by_hand=True),
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), convolutions(nn.GroupNorm(2, 8), nn.ReLU())[1:]
        ),
    ],
    ids=["layer", "layer by hand", "group"],
)
def test_deeplift_stays_small_where_the_reference_has_no_variance(
    classify, make_input, make
) -> None:
    """1/σ of a black sky is hundreds of times that of the picture."""
    torch.manual_seed(0)
    found = run("deeplift", classify(make()), make_input())
    assert found.completeness_error < 1e-3
    assert np.abs(found.values).sum() < 100


@pytest.mark.parametrize("function", [torch.rsqrt, torch.exp, functional.softplus, torch.tanh])
@pytest.mark.parametrize("start", [1e-6, 1e-3, 0.3, 20.0])
@pytest.mark.parametrize("step", [1e-7, 1e-5, 1e-3, 2e-2, 1.0])
def test_the_chord_is_that_of_double_precision(function, start, step) -> None:
    x0 = torch.tensor([start], dtype=torch.float64)
    x = x0 * (1 + step) + step * 1e-3
    expected = (function(x) - function(x0)) / (x - x0)
    x, x0 = x.float(), x0.float()
    found = chord(function, x, function(x), x0, function(x0))
    assert float(found) == pytest.approx(float(expected), rel=5e-3, abs=1e-12)


def test_deeplift_refuses_a_network_that_stops_early_for_the_picture(classify, make_input) -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            y = functional.silu(self.first(x))
            if float(x.detach().mean()) < 0.05:
                y = functional.silu(y)
            return self.head(y.mean((2, 3)))

    with pytest.raises(ValueError, match="does the same for every picture"):
        run("deeplift", classify(Early()), make_input())


def test_deeplift_shap_of_a_network_that_views_channels_as_pictures(classify, make_input) -> None:
    class Channels(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Conv2d(1, 4, 3, 2, 1), nn.Linear(12, 2)

        def forward(self, x: Tensor) -> Tensor:
            n, c, h, w = x.shape
            y = functional.relu(self.first(x.view(n * c, 1, h, w))).mean((2, 3))
            return self.head(y.view(n, -1))

    found = run("deeplift-shap", classify(Channels()), make_input(), samples=4)
    assert found.completeness_error < 1e-3
