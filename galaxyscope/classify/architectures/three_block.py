"""Three blocks of convolution, batch norm, ReLU, pooling and dropout, then dense layers.

The common small network for elliptical against other galaxies on pictures of 128 px.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from galaxyscope.classify.architectures.layers import activation, scaled, standardise

CHANNELS = (32, 64, 128)
_GRID = 16


class ThreeBlock(nn.Module):
    """See `three_block`."""

    def __init__(
        self,
        outputs: int,
        width: float,
        dense: Sequence[int],
        activation_name: str,
        dropout: float,
        head_dropout: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for base in CHANNELS:
            out = scaled(base, width)
            layers += [
                nn.Conv2d(channels, out, 3, padding=1, bias=False),
                nn.BatchNorm2d(out),
                activation(activation_name),
                nn.MaxPool2d(2),
                nn.Dropout(dropout),
            ]
            channels = out
        self.features = nn.Sequential(*layers)
        # At 128 px the last map has 16×16 cells and this does nothing.
        self.grid = nn.AdaptiveAvgPool2d(_GRID)
        self.flatten = nn.Flatten()
        head: list[nn.Module] = []
        size = channels * _GRID**2
        for out in dense:
            head += [nn.Linear(size, out), activation(activation_name), nn.Dropout(head_dropout)]
            size = out
        self.head = nn.Sequential(*head, nn.Linear(size, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        return self.head(self.flatten(self.grid(self.features(standardise(x)))))


def three_block(
    outputs: int,
    width: float = 1.0,
    dense: Sequence[int] = (128,),
    activation: str = "relu",
    dropout: float = 0.25,
    head_dropout: float = 0.5,
) -> ThreeBlock:
    """Build a three-block network, for pictures of 128 px.

    Parameters
    ----------
    outputs : int
    width : float
        Multiplies the channels of the convolutions, 32, 64 and 128.
    dense : sequence of int
        Sizes of the dense layers before the last.
    activation : {"relu", "swish", "gelu"}
    dropout, head_dropout : float
        After each block, and after each dense layer but the last.
    """
    return ThreeBlock(outputs, width, dense, activation, dropout, head_dropout)
