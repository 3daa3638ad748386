"""MobileNetV2: Sandler et al. 2018 (arXiv:1801.04381), textbook and slim."""

from __future__ import annotations

from torch import Tensor, nn

from galaxyscope.classify.architectures.layers import standardise

# Table 2: expansion, channels, blocks, stride of the first block.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM, LAST = 32, 1280


def _channels(channels: int, width: float) -> int:
    """Nearest multiple of 8, but not below 0.9 of the product, as in the authors' code."""
    wanted = channels * width
    found = max(8, int(wanted + 4) // 8 * 8)
    return found + 8 if found < 0.9 * wanted else found


def _normalised(
    width_in: int, width_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    return [
        nn.Conv2d(width_in, width_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(width_out),
    ]


class InvertedResidual(nn.Module):
    """1×1 to more channels, 3×3 of each channel, 1×1 to few channels without activation."""

    def __init__(self, width_in: int, width_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width_in * expansion
        wider = [*_normalised(width_in, inner), nn.ReLU6()] if expansion != 1 else []
        self.layers = nn.Sequential(
            *wider,
            *_normalised(inner, inner, 3, stride, groups=inner),
            nn.ReLU6(),
            *_normalised(inner, width_out),
        )
        self.residual = stride == 1 and width_in == width_out

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c', h, w), or to half that size."""
        return x + self.layers(x) if self.residual else self.layers(x)


class MobileNetV2(nn.Module):
    """A stem, seven stages of inverted residuals, 1×1, the mean and a linear layer."""

    def __init__(self, outputs: int, width: float, dropout: float) -> None:
        super().__init__()
        channels = _channels(STEM, width)
        layers: list[nn.Module] = [*_normalised(3, channels, 3, 2), nn.ReLU6()]
        for expansion, base, count, first in STAGES:
            out = _channels(base, width)
            for index in range(count):
                stride = first if index == 0 else 1
                layers.append(InvertedResidual(channels, out, stride, expansion))
                channels = out
        last = _channels(LAST, max(1.0, width))  # the paper: not narrower than 1280
        layers += [*_normalised(channels, last), nn.ReLU6()]
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(last, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        x = self.features(standardise(x))
        return self.head(self.dropout(x.mean(dim=(2, 3))))


def mobilenetv2(outputs: int, width: float = 1.0, dropout: float = 0.2) -> MobileNetV2:
    """Build a MobileNetV2.

    Parameters
    ----------
    outputs : int
    width : float
        Multiplies the channels of all layers but, below 1, the last convolution.
    dropout : float
        Before the last layer.

    Returns
    -------
    MobileNetV2
        With the defaults and 1,000 outputs the textbook form, 3,504,872 parameters.
    """
    return MobileNetV2(outputs, width, dropout)
