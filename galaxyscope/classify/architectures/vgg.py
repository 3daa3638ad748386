"""VGG16: Simonyan & Zisserman 2015 (arXiv:1409.1556), textbook and as Bhambra et al. 2022 have it.

Bhambra, Joachimi & Lahav 2022 replace every ReLU by swish and the dense layers of 4096 by
592 and 296. The antialiased form blurs before it subsamples, which takes the grid out of
its maps.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from galaxyscope.classify.architectures.layers import BlurPool, activation, scaled, standardise

CHANNELS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class Vgg(nn.Module):
    """Five stages of 3×3 convolutions, each followed by pooling, then dense layers; see `vgg16`."""

    def __init__(
        self,
        outputs: int,
        stages: Sequence[tuple[int, int]],
        dense: Sequence[int],
        grid: int,
        activation_name: str,
        normalised: bool,
        antialiased: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for out, count in stages:
            for _ in range(count):
                layers.append(nn.Conv2d(channels, out, 3, padding=1, bias=not normalised))
                if normalised:
                    layers.append(nn.BatchNorm2d(out))
                layers.append(activation(activation_name))
                channels = out
            layers.append(BlurPool(out) if antialiased else nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        if not normalised:
            # Without it thirteen layers shrink every picture to the same answer.
            for layer in self.features:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.grid = nn.AdaptiveAvgPool2d(grid)
        self.flatten = nn.Flatten()
        head: list[nn.Module] = []
        width = channels * grid * grid
        for out in dense:
            head += [nn.Linear(width, out), activation(activation_name), nn.Dropout(dropout)]
            width = out
        self.head = nn.Sequential(*head, nn.Linear(width, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        return self.head(self.flatten(self.grid(self.features(standardise(x)))))


def vgg16(
    outputs: int,
    width: float = 1.0,
    dense: Sequence[int] = (4096, 4096),
    grid: int = 7,
    activation: str = "relu",
    normalised: bool = False,
    antialiased: bool = False,
    dropout: float = 0.5,
) -> Vgg:
    """Build a VGG16.

    Parameters
    ----------
    outputs : int
    width : float
        Multiplies the channels of all convolutions.
    dense : sequence of int
        Sizes of the dense layers before the last; the paper's are 592 and 296.
    grid : int
        The last feature map is averaged onto grid × grid cells.
    activation : {"relu", "swish", "gelu"}
    normalised : bool
        Batch normalisation after every convolution.
    antialiased : bool
        Blur pooling in place of maximum pooling.
    dropout : float
        After each dense layer but the last.

    Returns
    -------
    Vgg
        With the defaults and 1,000 outputs the textbook form, 138,357,544 parameters.
    """
    stages = [(scaled(channels, width), count) for channels, count in CHANNELS]
    return Vgg(outputs, stages, dense, grid, activation, normalised, antialiased, dropout)
