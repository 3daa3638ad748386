"""Vision transformer: Dosovitskiy et al. 2021 (arXiv:2010.11929), S/16 and tiny as in DeiT.

DeiT is Touvron et al. 2021 (arXiv:2012.12877). Attention is written out, matmul → softmax →
matmul, and its weights are the output of the submodule ``attention.weights``, an ordinary
softmax: explainers that watch operations see it, and so can a hook. A fused kernel would
hide it.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.classify.architectures.layers import BlurPool, activation, standardise

_EPSILON = 1e-6


class Attention(nn.Module):
    """Every token looks at every token, several times in parallel.

    Parameters
    ----------
    features : int
        Of a token.
    heads : int
    """

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(features, 3 * features)
        self.weights = nn.Softmax(dim=-1)
        self.projection = nn.Linear(features, features)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (n, t, c) to (n, t, c); ``weights`` gives (n, heads, t, t), rows sum to 1."""
        n, t, c = x.shape
        joint = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads)
        q, k, v = joint.permute(2, 0, 3, 1, 4).unbind(0)
        scores = torch.matmul(q, k.transpose(-2, -1)) * (c // self.heads) ** -0.5
        mixed = torch.matmul(self.weights(scores), v)
        return self.projection(mixed.transpose(1, 2).reshape(n, t, c))


class TransformerBlock(nn.Module):
    """norm → attention and norm → two dense layers, each added to what came in."""

    def __init__(self, features: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(features, eps=_EPSILON)
        self.attention = Attention(features, heads)
        self.norm2 = nn.LayerNorm(features, eps=_EPSILON)
        self.dense = nn.Sequential(
            nn.Linear(features, 4 * features),
            activation("gelu"),
            nn.Dropout(dropout),
            nn.Linear(4 * features, features),
            nn.Dropout(dropout),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (n, t, c) to (n, t, c)."""
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dense(self.norm2(x))


class VisionTransformer(nn.Module):
    """Patches as tokens, a class token, blocks, and a linear layer on the class token."""

    def __init__(
        self,
        outputs: int,
        size: int,
        patch: int,
        features: int,
        depth: int,
        heads: int,
        dropout: float,
        stem: bool,
    ) -> None:
        super().__init__()
        self.side = size // patch
        self.patches = _stem(features, patch) if stem else nn.Conv2d(3, features, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, features))
        self.position = nn.Parameter(torch.zeros(1, 1 + self.side**2, features))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(
            *(TransformerBlock(features, heads, dropout) for _ in range(depth))
        )
        self.norm = nn.LayerNorm(features, eps=_EPSILON)
        self.head = nn.Linear(features, outputs)
        for values in (self.token, self.position):
            nn.init.trunc_normal_(values, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def positions(self, rows: int, columns: int) -> Tensor:
        """Embedding of the class token and of a grid of cells, (1, 1 + rows · columns, features).

        For a grid other than the one trained on, interpolated (bicubic), as in DeiT.
        """
        if rows == columns == self.side:
            return self.position
        grid = self.position[:, 1:].transpose(1, 2).reshape(1, -1, self.side, self.side)
        grid = functional.interpolate(
            grid, size=(rows, columns), mode="bicubic", align_corners=False
        )
        return torch.cat([self.position[:, :1], grid.flatten(2).transpose(1, 2)], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        x = self.patches(standardise(x))
        rows, columns = x.shape[-2:]
        cells = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), cells], 1)
        x = self.dropout(x + self.positions(rows, columns))
        return self.head(self.norm(self.blocks(x))[:, 0])


def _stem(features: int, patch: int) -> nn.Sequential:
    """Convolutions that halve the picture until a pixel stands for a patch."""
    halvings = patch.bit_length() - 1
    channels = [3, *(max(8, features >> (halvings - k)) for k in range(halvings))]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(channels):
        layers += [
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            activation("gelu"),
            BlurPool(after),
        ]
    return nn.Sequential(*layers, nn.Conv2d(channels[-1], features, 1))


def vit(
    outputs: int,
    size: int = 224,
    patch: int = 16,
    features: int = 384,
    depth: int = 12,
    heads: int = 6,
    width: float = 1.0,
    dropout: float = 0.0,
    stem: bool = False,
) -> VisionTransformer:
    """Build a vision transformer.

    Parameters
    ----------
    outputs : int
    size : int
        Side of the pictures that the position embedding is made for; others work too.
    patch : int
        Side of a patch.
    features : int
        Of a token: 384 for S, 192 for Ti.
    depth : int
        Number of blocks.
    heads : int
        Attentions in parallel: 6 for S, 3 for Ti.
    width : float
        Multiplies the features; rounded to what the heads divide.
    dropout : float
    stem : bool
        Cut no patches: let convolutions halve the picture to the same grid, which learns faster
        from few pictures (Xiao et al. 2021, arXiv:2106.14881; here with blur pooling).

    Returns
    -------
    VisionTransformer
        With the defaults and 1,000 outputs DeiT-S, 22,050,664 parameters; with 192 features and 3
        heads DeiT-Ti, 5,717,416.

    Raises
    ------
    ValueError
        If the heads do not divide the features, no patch fits into the picture, or its side is not
        a power of two with a stem.
    """
    if features % heads:
        raise ValueError(f"{heads} heads do not divide {features} features")
    if size < patch:
        raise ValueError(f"no patch of {patch} px fits into {size} px")
    if stem and (patch < 2 or patch & (patch - 1)):
        raise ValueError(f"a stem halves the picture: a patch of {patch} px is no power of two")
    scaled = heads * max(1, round(features * width / heads))
    return VisionTransformer(outputs, size, patch, scaled, depth, heads, dropout, stem)
