"""Xception: Chollet 2017 (arXiv:1610.02357), textbook, with swish, antialiased, slim."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from galaxyscope.classify.architectures.layers import BlurPool, activation, scaled, standardise

STEM = (32, 64)
ENTRY = (128, 256, 728)
EXIT = (1024, 1536, 2048)


class SeparableConv(nn.Module):
    """A 3×3 convolution of each channel, then a 1×1 convolution across them, then batch norm."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width_in, width_in, 3, padding=1, groups=width_in, bias=False)
        self.pointwise = nn.Conv2d(width_in, width_out, 1, bias=False)
        self.norm = nn.BatchNorm2d(width_out)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the spatial size."""
        return self.norm(self.pointwise(self.depthwise(x)))


class Block(nn.Module):
    """(activation → separable convolution) per width, beside a shortcut; may halve the size."""

    def __init__(
        self,
        width_in: int,
        widths: Sequence[int],
        activation_name: str,
        *,
        halved: bool,
        antialiased: bool,
        activated: bool = True,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = width_in
        for index, out in enumerate(widths):
            if activated or index:
                layers.append(activation(activation_name))
            layers.append(SeparableConv(width, out))
            width = out
        shortcut: list[nn.Module] = []
        if halved:
            layers.append(BlurPool(width) if antialiased else nn.MaxPool2d(3, 2, padding=1))
            if antialiased:
                shortcut.append(BlurPool(width_in))
        if halved or width != width_in:
            stride = 2 if halved and not antialiased else 1
            shortcut += [nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)]
        self.layers = nn.Sequential(*layers)
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c', h, w), or to half that size."""
        return self.layers(x) + self.shortcut(x)


class Xception(nn.Module):
    """Entry flow, middle flow and exit flow of Chollet's figure 5; see `xception`."""

    def __init__(
        self,
        outputs: int,
        width: float,
        middle: int,
        activation_name: str,
        antialiased: bool,
        fine: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        first, second = (scaled(c, width) for c in STEM)
        entry = [scaled(c, width) for c in ENTRY]
        leave = [scaled(c, width) for c in EXIT]
        stem: list[nn.Module] = [
            nn.Conv2d(3, first, 3, 1 if antialiased else 2, padding=1, bias=False),
            nn.BatchNorm2d(first),
            activation(activation_name),
        ]
        if antialiased:
            stem.append(BlurPool(first))
        stem += [
            nn.Conv2d(first, second, 3, padding=1, bias=False),
            nn.BatchNorm2d(second),
            activation(activation_name),
        ]
        self.stem = nn.Sequential(*stem)
        blocks: list[nn.Module] = []
        channels = second
        for index, out in enumerate(entry):
            blocks.append(
                Block(
                    channels,
                    (out, out),
                    activation_name,
                    halved=not (fine and index == 2),
                    antialiased=antialiased,
                    activated=index > 0,
                )
            )
            channels = out
        for _ in range(middle):
            blocks.append(
                Block(channels, (channels,) * 3, activation_name, halved=False, antialiased=False)
            )
        blocks.append(
            Block(
                channels,
                (channels, leave[0]),
                activation_name,
                halved=True,
                antialiased=antialiased,
            )
        )
        self.blocks = nn.Sequential(*blocks)
        self.exit = nn.Sequential(
            SeparableConv(leave[0], leave[1]),
            activation(activation_name),
            SeparableConv(leave[1], leave[2]),
            activation(activation_name),
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(leave[2], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        x = self.exit(self.blocks(self.stem(standardise(x))))
        return self.head(self.dropout(x.mean(dim=(2, 3))))


def xception(
    outputs: int,
    width: float = 1.0,
    middle: int = 8,
    activation: str = "relu",
    antialiased: bool = False,
    fine: bool = False,
    dropout: float = 0.0,
) -> Xception:
    """Build an Xception network.

    Parameters
    ----------
    outputs : int
    width : float
        Multiplies the channels of all layers.
    middle : int
        Number of blocks of the middle flow, 8 in the paper.
    activation : {"relu", "swish", "gelu"}
    antialiased : bool
        Blur pooling in place of strides and maximum pooling.
    fine : bool
        The third block of the entry flow keeps the size, for small pictures: the middle
        flow sees 1/8 of the picture's pixels a side, not 1/16.
    dropout : float
        Before the last layer.

    Returns
    -------
    Xception
        With the defaults and 1,000 outputs the textbook form: 22,855,952 parameters, and
        54,528 statistics of the batch normalisation, which Keras counts too.
    """
    return Xception(outputs, width, middle, activation, antialiased, fine, dropout)
