"""Networks in a few words, for the tests of the methods with rules of their own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from galaxyscope.explain.registry import method
from galaxyscope.work.watch import Watch


def run(name, classifier, net_input, target="bar", **parameters):
    return method(name).explain(classifier, net_input, target, parameters, Watch())


def convolutions(*between: nn.Module, channels: int = 8) -> nn.Sequential:
    """Convolution, what stands between, mean, linear."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1),
        *between,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, 2),
    )


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)
