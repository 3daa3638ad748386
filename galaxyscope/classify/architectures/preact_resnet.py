"""Pre-activation residual network with SiLU and blur pooling.

He et al. 2016 (arXiv:1603.05027) for the order inside a block; Zhang 2019
(arXiv:1904.11486) for antialiased subsampling. Both choices serve the maps: strided
convolutions leave a grid in the gradient, and the kinks of ReLU make it noisy
(Bhambra et al. 2022 replaced every ReLU by swish for the same reason).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.classify.architectures.layers import BlurPool, scaled, standardise


class PreactBlock(nn.Module):
    """norm → SiLU → conv, twice, plus the identity (1×1 where the width changes)."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width_in)
        self.conv1 = nn.Conv2d(width_in, width_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width_out)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, padding=1, bias=False)
        self.shortcut = (
            nn.Conv2d(width_in, width_out, 1, bias=False) if width_in != width_out else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keep the spatial size."""
        y = functional.silu(self.norm1(x))
        kept = x if self.shortcut is None else self.shortcut(y)
        y = self.conv1(y)
        y = self.conv2(functional.silu(self.norm2(y)))
        return kept + y


class PreactResNet(nn.Module):
    """Stem at full resolution, then stages each entered through a blur pool.

    Parameters
    ----------
    outputs : int
        Number of logits.
    stem : int
        Channels of the first convolution.
    widths, blocks : sequence of int
        Channels and number of blocks of each stage.
    dropout : float
        Before the last layer.
    """

    def __init__(
        self,
        outputs: int,
        stem: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        dropout: float,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, stem, 3, padding=1)
        stages: list[nn.Module] = []
        width = stem
        for out, count in zip(widths, blocks, strict=True):
            layers: list[nn.Module] = [BlurPool(width)]
            for _ in range(count):
                layers.append(PreactBlock(width, out))
                width = out
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        x = self.stages(self.stem(standardise(x)))
        x = functional.silu(self.norm(x))
        x = x.mean(dim=(2, 3))
        return self.head(self.dropout(x))


def preact_resnet(
    outputs: int,
    stem: int = 16,
    widths: Sequence[int] = (24, 48, 96, 160),
    blocks: Sequence[int] = (1, 2, 2, 2),
    dropout: float = 0.2,
    width: float = 1.0,
) -> PreactResNet:
    """Build a `PreactResNet`; the defaults have about 1.3 million parameters.

    `width` multiplies all channels.
    """
    channels = [scaled(one, width) for one in (stem, *widths)]
    return PreactResNet(outputs, channels[0], channels[1:], blocks, dropout)
