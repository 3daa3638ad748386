"""ResNet50, textbook and pre-activation, with swish, antialiased, slim.

- ResNet50: He et al. 2015 (arXiv:1512.03385), the stride in the 3×3 convolution as in
  torchvision ("v1.5").
- ResNet50v2: He et al. 2016 (arXiv:1603.05027) in the form of Keras' ``ResNet50V2``, which
  Bhambra et al. 2022 used with every ReLU replaced by swish: biases in the first, the
  shortcut and the last convolution of a block, the stride in the last block of a stage, and
  a shortcut that picks every second pixel there.

The antialiased forms blur before they subsample (Zhang 2019, arXiv:1904.11486), which takes
the grid out of their maps.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from galaxyscope.classify.architectures.layers import BlurPool, activation, scaled, standardise

CHANNELS = (64, 128, 256, 512)
EXPANSION = 4
_KERAS_EPSILON = 1.001e-5


def _halve(channels: int, stride: int, antialiased: bool) -> list[nn.Module]:
    """Blur pooling where an antialiased network has it in place of a stride."""
    return [BlurPool(channels)] if antialiased and stride == 2 else []


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions, each normalised, beside a shortcut; then the activation."""

    def __init__(
        self, width_in: int, width: int, stride: int, activation_name: str, antialiased: bool
    ) -> None:
        super().__init__()
        out, step = EXPANSION * width, 1 if antialiased else stride
        self.layers = nn.Sequential(
            nn.Conv2d(width_in, width, 1, bias=False),
            nn.BatchNorm2d(width),
            activation(activation_name),
            nn.Conv2d(width, width, 3, step, padding=1, bias=False),
            nn.BatchNorm2d(width),
            activation(activation_name),
            *_halve(width, stride, antialiased),
            nn.Conv2d(width, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        shortcut: list[nn.Module] = []
        if stride != 1 or width_in != out:
            shortcut = [
                *_halve(width_in, stride, antialiased),
                nn.Conv2d(width_in, out, 1, step, bias=False),
                nn.BatchNorm2d(out),
            ]
        self.shortcut = nn.Sequential(*shortcut)
        self.activation = activation(activation_name)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, 4 width, h, w), or to half that size."""
        return self.activation(self.layers(x) + self.shortcut(x))


class BottleneckV2(nn.Module):
    """Normalisation and activation before each of the three convolutions, beside a shortcut."""

    def __init__(
        self,
        width_in: int,
        width: int,
        stride: int,
        activation_name: str,
        antialiased: bool,
        *,
        projected: bool,
    ) -> None:
        super().__init__()
        out, step = EXPANSION * width, 1 if antialiased else stride
        self.first = nn.Sequential(
            nn.BatchNorm2d(width_in, eps=_KERAS_EPSILON), activation(activation_name)
        )
        self.layers = nn.Sequential(
            nn.Conv2d(width_in, width, 1, bias=False),
            nn.BatchNorm2d(width, eps=_KERAS_EPSILON),
            activation(activation_name),
            nn.Conv2d(width, width, 3, step, padding=1, bias=False),
            nn.BatchNorm2d(width, eps=_KERAS_EPSILON),
            activation(activation_name),
            *_halve(width, stride, antialiased),
            nn.Conv2d(width, out, 1),
        )
        self.projection = nn.Conv2d(width_in, out, 1) if projected else None
        shortcut = _halve(out, stride, antialiased) or ([nn.MaxPool2d(1, 2)] if stride == 2 else [])
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, 4 width, h, w), or to half that size."""
        y = self.first(x)
        kept = x if self.projection is None else self.projection(y)
        return self.layers(y) + self.shortcut(kept)


class ResNet(nn.Module):
    """A stem, four stages of blocks, the mean over the picture and a linear layer."""

    def __init__(
        self,
        outputs: int,
        width: float,
        blocks: Sequence[int],
        activation_name: str,
        preactivated: bool,
        antialiased: bool,
        fine: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        channels = scaled(CHANNELS[0], width)
        stride = 1 if antialiased or fine else 2
        stem: list[nn.Module] = [nn.Conv2d(3, channels, 7, stride, 3, bias=preactivated)]
        if not preactivated:
            stem += [nn.BatchNorm2d(channels), activation(activation_name)]
        if antialiased and not fine:
            stem.append(BlurPool(channels))
        if antialiased:
            stem.append(BlurPool(channels))
        elif preactivated:  # Keras pads with zeros; here features may be negative
            stem += [nn.ZeroPad2d(1), nn.MaxPool2d(3, 2)]
        else:
            stem.append(nn.MaxPool2d(3, 2, padding=1))
        self.stem = nn.Sequential(*stem)
        stages: list[nn.Module] = []
        for number, count in enumerate(blocks):
            inner = scaled(CHANNELS[number], width)
            for index in range(count):
                if preactivated:  # Keras: the last block of a stage halves, but in the last stage
                    halved = index == count - 1 and number < len(blocks) - 1
                    stages.append(
                        BottleneckV2(
                            channels,
                            inner,
                            2 if halved else 1,
                            activation_name,
                            antialiased,
                            projected=index == 0,
                        )
                    )
                else:
                    halved = index == 0 and number > 0
                    stages.append(
                        Bottleneck(
                            channels, inner, 2 if halved else 1, activation_name, antialiased
                        )
                    )
                channels = EXPANSION * inner
        self.stages = nn.Sequential(*stages)
        last: list[nn.Module] = []
        if preactivated:
            last = [nn.BatchNorm2d(channels, eps=_KERAS_EPSILON), activation(activation_name)]
        self.last = nn.Sequential(*last)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        x = self.last(self.stages(self.stem(standardise(x))))
        return self.head(self.dropout(x.mean(dim=(2, 3))))


def resnet50(
    outputs: int,
    width: float = 1.0,
    blocks: Sequence[int] = (3, 4, 6, 3),
    activation: str = "relu",
    antialiased: bool = False,
    fine: bool = False,
    dropout: float = 0.0,
) -> ResNet:
    """Build a ResNet50.

    Parameters
    ----------
    outputs : int
    width : float
        Multiplies the channels of all layers.
    blocks : sequence of int
        Number of blocks of each stage, at most four stages.
    activation : {"relu", "swish", "gelu"}
    antialiased : bool
        Blur pooling in place of strides and maximum pooling.
    fine : bool
        The first convolution keeps the size of the picture, for small pictures.
    dropout : float
        Before the last layer.

    Returns
    -------
    ResNet
        With the defaults and 1,000 outputs the textbook form, 25,557,032 parameters.

    Raises
    ------
    ValueError
        If there are no stages, or more than four.
    """
    _check(blocks)
    return ResNet(outputs, width, blocks, activation, False, antialiased, fine, dropout)


def resnet50v2(
    outputs: int,
    width: float = 1.0,
    blocks: Sequence[int] = (3, 4, 6, 3),
    activation: str = "relu",
    antialiased: bool = False,
    fine: bool = False,
    dropout: float = 0.0,
) -> ResNet:
    """Build a pre-activation ResNet50; parameters as of `resnet50`.

    Returns
    -------
    ResNet
        With the defaults and 1,000 outputs Keras' form: 25,568,360 parameters, and 45,440
        statistics of the batch normalisation, which Keras counts too.

    Raises
    ------
    ValueError
        If there are no stages, or more than four.
    """
    _check(blocks)
    return ResNet(outputs, width, blocks, activation, True, antialiased, fine, dropout)


def _check(blocks: Sequence[int]) -> None:
    if not 1 <= len(blocks) <= len(CHANNELS) or min(blocks) < 1:
        raise ValueError("blocks must be one to four numbers from 1 up")
