"""Class activation maps of transformers: tokens on the grid of the patches."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from galaxyscope.classify.architectures import build
from galaxyscope.explain.features import features_and_gradient, tail
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.explain.search import last_feature_map
from galaxyscope.explain.target import Score
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch

SIZE, PATCH = 48, 8
SMALL = {"size": SIZE, "patch": PATCH, "features": 24, "depth": 3, "heads": 3}


class Pooled(nn.Module):
    """A transformer without class token: the mean of all tokens goes into the last layer."""

    def __init__(self, extra: int = 0) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, PATCH, PATCH)
        self.extra = nn.Parameter(torch.randn(1, extra, 16))
        self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.extra.expand(x.shape[0], -1, -1), x], 1)
        return self.head(self.norm(self.block(x))[:, self.extra.shape[1] :].mean(1))


@pytest.fixture
def transformer(classify):
    torch.manual_seed(2)
    network = build("vit", 2, SMALL)
    with torch.no_grad():  # as after training: tokens look at each other unevenly
        for parameter in network.parameters():
            parameter.mul_(3)
        network.token.normal_()
    return classify(network)


def test_the_map_are_the_tokens_before_the_last_attention(transformer) -> None:
    x = torch.rand(1, 3, SIZE, SIZE)
    where = last_feature_map(transformer, x)
    assert where.shape == (24, 6, 6)
    assert where.order == tuple(range(1, 1 + math.prod(where.shape[1:])))
    seen: list[Tensor] = []
    transformer.network.blocks[-1].norm1.register_forward_hook(lambda _m, _x, y: seen.append(y))
    features, gradient, answer = features_and_gradient(transformer, x, where, Score(1))
    torch.testing.assert_close(features[0].flatten(1).T, seen[0][0, 1:])
    assert float(answer) == pytest.approx(float(transformer.logits(x)[0, 1].detach()), rel=1e-5)
    assert bool((gradient != 0).all())


def test_the_gradient_is_that_of_the_logit_with_respect_to_the_tokens(transformer) -> None:
    x = torch.rand(1, 3, SIZE, SIZE)
    where = last_feature_map(transformer, x)
    features, gradient, answer = features_and_gradient(transformer, x, where, Score(1))
    rest = tail(transformer, x, where)
    with torch.no_grad():
        assert float(rest(features)[0, 1]) == pytest.approx(float(answer), rel=1e-5)
        step = torch.randn_like(features) * 1e-2
        many = torch.cat([features + step, features - step])
        up, down = rest(many)[:, 1]
    assert float(up - down) == pytest.approx(float(2 * (gradient * step).sum()), rel=2e-2)


def test_cells_lie_on_their_patches(transformer) -> None:
    where = last_feature_map(transformer, torch.rand(1, 3, SIZE, SIZE))
    assert where.to_input == Affine(a=PATCH, c=(PATCH - 1) / 2, e=PATCH, f=(PATCH - 1) / 2)


def test_pictures_of_another_shape_have_another_grid(transformer) -> None:
    where = last_feature_map(transformer, torch.rand(1, 3, 64, 40))
    assert where.shape == (24, 8, 5)


@pytest.mark.parametrize("extra", [0, 1, 5])
def test_where_all_tokens_are_averaged_it_is_the_last_normalisation(
    classify, make_input, extra
) -> None:
    torch.manual_seed(0)
    classifier = classify(Pooled(extra))
    x = torch.rand(1, 3, SIZE, SIZE)
    where = last_feature_map(classifier, x)
    assert (where.shape, where.order) == ((16, 6, 6), tuple(range(extra, extra + 36)))
    seen: list[Tensor] = []
    classifier.network.norm.register_forward_hook(lambda _m, _x, y: seen.append(y))
    features, _, _ = features_and_gradient(classifier, x, where, Score(0))
    torch.testing.assert_close(features[0].flatten(1).T, seen[0][0, extra:])
    assert preflight("cam", classifier, make_input(SIZE)).verdict == "fits"


def test_a_block_can_be_named_on_the_card(transformer) -> None:
    transformer.card.cam_layer = "blocks.0.norm2"
    seen: list[Tensor] = []
    transformer.network.blocks[0].norm2.register_forward_hook(lambda _m, _x, y: seen.append(y))
    x = torch.rand(1, 3, SIZE, SIZE)
    where = last_feature_map(transformer, x)
    features, _, _ = features_and_gradient(transformer, x, where, Score(0))
    torch.testing.assert_close(features[0].flatten(1).T, seen[0][0, 1:])
    assert where.order == tuple(range(1, 1 + math.prod(where.shape[1:])))


_FAMILY = """
grad-cam grad-cam++ layer-cam xgrad-cam hires-cam eigen-cam score-cam ablation-cam guided-grad-cam
"""


@pytest.mark.parametrize("name", _FAMILY.split())
def test_the_cam_family_works_on_tokens(transformer, make_input, few, name) -> None:
    picture = make_input(SIZE)
    assert preflight(name, transformer, picture).verdict != "refused"
    uneven = []
    for target in ("Class3.1", "Class3.2"):  # of one, all may be negative, and cut off
        found = method(name).explain(transformer, picture, target, few(name), Watch()).values
        assert found.shape == (SIZE, SIZE)
        assert np.isfinite(found).all()
        uneven.append(found.std() > 0)
    assert any(uneven)


@pytest.mark.parametrize(("name", "reason"), [("lift-cam", "softmax"), ("cam", "averaged")])
def test_what_does_not_fit_a_transformer_says_why(transformer, make_input, name, reason) -> None:
    fit = preflight(name, transformer, make_input(SIZE))
    assert fit.verdict == "refused"
    assert reason in fit.reason


def test_grad_cam_is_bright_where_the_only_token_that_counts_is(classify, make_input) -> None:
    """A last layer that looks at one patch only: its map has its peak there."""

    class OnePatch(Pooled):
        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).flatten(2).transpose(1, 2)
            return self.head(self.norm(x)[:, 6 * 4 + 1])  # row 4, column 1

    torch.manual_seed(0)
    picture = make_input(SIZE)
    found = method("hires-cam").explain(classify(OnePatch()), picture, "bar", {}, Watch()).values
    row, column = np.unravel_index(np.abs(found).argmax(), found.shape)
    assert (row // PATCH, column // PATCH) == (4, 1)


def test_an_exported_transformer_has_the_same_map(transformer, classify) -> None:
    from galaxyscope.classify.exported import ExportedNetwork
    from galaxyscope.classify.pt2 import read_program

    x, file = torch.rand(2, 3, SIZE, SIZE), io.BytesIO()
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    torch.export.save(
        torch.export.export(transformer.network, (x,), dynamic_shapes=shapes, strict=False), file
    )
    program = classify(ExportedNetwork(read_program(file.getvalue())))
    maps = []
    for classifier in (transformer, program):
        where = last_feature_map(classifier, x[:1])
        assert where.order == tuple(range(1, 1 + math.prod(where.shape[1:])))
        maps.append(features_and_gradient(classifier, x[:1], where, Score(0))[:2])
    torch.testing.assert_close(maps[0], maps[1], rtol=1e-4, atol=1e-6)


def test_padding_moves_the_cells(classify) -> None:
    """ResNet50v2 as Keras has it pads before it pools: cell 0 still looks at pixel 0."""
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ZeroPad2d((1, 2, 3, 0)), nn.MaxPool2d(3, 2)
    )
    head = nn.Sequential(network, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    where = last_feature_map(classify(head), torch.rand(1, 3, 32, 32))
    assert where.to_input == Affine(a=2, c=1 - 1, e=2, f=1 - 3)


class Encoder(nn.Module):
    """As torch writes it, with a class token or the mean; by default its tokens come first."""

    def __init__(self, tokens_first: bool, token: bool) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.patches, self.head = nn.Conv2d(3, 16, PATCH, PATCH), nn.Linear(16, 2)
        self.place, self.token = nn.Parameter(torch.randn(1, 36, 16)), token
        self.extra = nn.Parameter(torch.randn(1, int(token), 16))
        layer = nn.TransformerEncoderLayer(
            16, 2, 32, 0.1, batch_first=not tokens_first, norm_first=token
        )
        self.body = nn.TransformerEncoder(layer, 2, nn.LayerNorm(16), enable_nested_tensor=False)
        self.tokens_first = tokens_first

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).mT + self.place
        x = torch.cat([self.extra.expand(len(x), -1, -1), x], 1)
        x = self.body(x.transpose(0, 1)).transpose(0, 1) if self.tokens_first else self.body(x)
        return self.head(x[:, 0] if self.token else x.mean(1))


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize("name", _FAMILY.split())
def test_tokens_that_come_first_have_the_same_map(classify, make_input, few, name, token) -> None:
    maps, picture = [], make_input(SIZE)
    for tokens_first in (False, True):
        classifier = classify(Encoder(tokens_first, token))
        found = method(name).explain(classifier, picture, "bar", few(name), Watch())
        maps.append((preflight(name, classifier, picture), found.notes, found.values))
    assert maps[0][:2] == maps[1][:2]
    size = np.abs(maps[0][2]).max()
    assert size > 0 or "No positive evidence" in " ".join(maps[0][1])
    np.testing.assert_allclose(maps[1][2], maps[0][2], rtol=0, atol=1e-4 * size)


def test_where_tokens_that_come_first_are_not_found_it_is_said(classify, make_input) -> None:
    """Without a normalisation the patches are taken, though a layer follows."""

    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches, self.head = nn.Conv2d(3, 16, PATCH, PATCH), nn.Linear(16, 2)
            self.attention = nn.MultiheadAttention(16, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).flatten(2).permute(2, 0, 1)
            return self.head(self.attention(x, x, x)[0].mean(0))

    fit = preflight("grad-cam", classify(Bare()), make_input(SIZE))
    assert fit.verdict == "adapted"
    assert "that of the network's first layer" in fit.reason
