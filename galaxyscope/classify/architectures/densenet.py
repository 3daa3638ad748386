"""DenseNet121: Huang et al. 2017 (arXiv:1608.06993), textbook and slim."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from galaxyscope.classify.architectures.layers import activation, scaled, standardise

STEM, GROWTH, BOTTLENECK = 64, 32, 4


class DenseLayer(nn.Module):
    """norm → activation → 1×1 → norm → activation → 3×3; the result is added as new channels."""

    def __init__(self, width_in: int, growth: int, activation_name: str) -> None:
        super().__init__()
        inner = BOTTLENECK * growth
        self.layers = nn.Sequential(
            nn.BatchNorm2d(width_in),
            activation(activation_name),
            nn.Conv2d(width_in, inner, 1, bias=False),
            nn.BatchNorm2d(inner),
            activation(activation_name),
            nn.Conv2d(inner, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c + growth, h, w)."""
        return torch.cat([x, self.layers(x)], 1)


class DenseNet(nn.Module):
    """A stem, four dense blocks with transitions between them, the mean and a linear layer."""

    def __init__(
        self,
        outputs: int,
        width: float,
        blocks: Sequence[int],
        activation_name: str,
        dropout: float,
    ) -> None:
        super().__init__()
        channels, growth = scaled(STEM, width), scaled(GROWTH, width)
        layers: list[nn.Module] = [
            nn.Conv2d(3, channels, 7, 2, padding=3, bias=False),
            nn.BatchNorm2d(channels),
            activation(activation_name),
            nn.MaxPool2d(3, 2, padding=1),
        ]
        for number, count in enumerate(blocks):
            if number:  # a transition: half the channels, half the size
                layers += [
                    nn.BatchNorm2d(channels),
                    activation(activation_name),
                    nn.Conv2d(channels, channels // 2, 1, bias=False),
                    nn.AvgPool2d(2),
                ]
                channels //= 2
            for _ in range(count):
                layers.append(DenseLayer(channels, growth, activation_name))
                channels += growth
        layers += [nn.BatchNorm2d(channels), activation(activation_name)]
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        x = self.features(standardise(x))
        return self.head(self.dropout(x.mean(dim=(2, 3))))


def densenet121(
    outputs: int,
    width: float = 1.0,
    blocks: Sequence[int] = (6, 12, 24, 16),
    activation: str = "relu",
    dropout: float = 0.0,
) -> DenseNet:
    """Build a DenseNet121.

    Parameters
    ----------
    outputs : int
    width : float
        Multiplies the channels of the stem and the growth rate.
    blocks : sequence of int
        Number of layers of each dense block.
    activation : {"relu", "swish", "gelu"}
    dropout : float
        Before the last layer.

    Returns
    -------
    DenseNet
        With the defaults and 1,000 outputs the textbook form, 7,978,856 parameters.

    Raises
    ------
    ValueError
        If there are no blocks.
    """
    if not blocks or min(blocks) < 1:
        raise ValueError("blocks must be numbers from 1 up, at least one")
    return DenseNet(outputs, width, blocks, activation, dropout)
