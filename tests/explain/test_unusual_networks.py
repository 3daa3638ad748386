"""Networks that are written as few are, beside twins that do the same in the usual way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.work.watch import Watch


class Small(nn.Module):
    """Two strided convolutions, the mean, a linear layer; subclasses write it otherwise."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.one, self.two = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 6, 3, 2, 1)
        self.head = nn.Linear(6, 2)

    def features(self, x: Tensor) -> Tensor:
        return functional.relu(self.two(functional.relu(self.one(x))))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3)))


def assert_alike(maps: list[np.ndarray]) -> None:
    size = np.abs(maps[0]).max()
    assert size > 0
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], rtol=0, atol=1e-4 * size)


@pytest.fixture
def values(classify, make_input, few):
    """Map of a method for a fresh network."""

    def run(name: str, network: nn.Module, **more: object) -> np.ndarray:
        picture = make_input(32)
        classifier = classify(network)
        assert preflight(name, classifier, picture).verdict != "refused"
        return method(name).explain(classifier, picture, "bar", few(name, **more), Watch()).values

    return run


class ShiftedInPlace(Small):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.mul_(2).sub_(1))


class Shifted(Small):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * 2 - 1)


_SEVERAL = """
gradient smoothgrad/signed integrated-gradients deeplift deeplift-shap lrp guided-backprop
grad-cam hires-cam lift-cam score-cam ablation-cam occlusion rise
"""


@pytest.mark.parametrize("name", _SEVERAL.split())
def test_a_network_may_write_on_its_input(values, name) -> None:
    more = {"window": 8, "stride": 8, "evaluations": 12}
    assert_alike([values(name, Shifted(), **more), values(name, ShiftedInPlace(), **more)])


def test_a_members_writing_on_its_input_is_not_seen_by_the_next() -> None:
    from galaxyscope.classify.ensemble import MeanLogits

    x = torch.rand(1, 3, 16, 16)
    apart = [Shifted()(x), Small()(x)]
    found = MeanLogits([ShiftedInPlace(), Small()])(x.clone())
    torch.testing.assert_close(found, torch.stack(apart).mean(0))


def test_train_may_be_overridden_without_a_return(values) -> None:
    """Written so where a batch norm shall stay frozen."""

    class Frozen(Small):
        def train(self, mode: bool = True) -> None:
            super().train(mode)

    assert_alike([values("gradient", Small()), values("gradient", Frozen())])
