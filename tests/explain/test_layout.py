"""Where the cells of a feature map lie, whatever the order of its dimensions and tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.layout import parts_of, reordered
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.explain.search import last_feature_map
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch

SIZE = 32


def light(rows: slice, columns: slice) -> np.ndarray:
    pixels = np.zeros((3, SIZE, SIZE), np.float32)
    pixels[:, rows, columns] = 1
    return pixels


def brightest(name: str, classifier, picture) -> tuple[int, int]:
    """Row and column of the middle of what is within a hundredth of the maximum."""
    values = method(name).explain(classifier, picture, "bar", {}, Watch()).values
    assert np.ptp(values) > 0
    rows, columns = np.nonzero(values >= values.max() - 0.01 * np.ptp(values))
    return round(float(rows.mean())), round(float(columns.mean()))


class Brightness(nn.Module):
    """Says how bright it is; subclasses look at parts, or in another order."""

    def __init__(self, patch: int = 4, channels: int = 8) -> None:
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, channels, patch, patch), nn.Linear(channels, 2)
        for layer in (self.patches, self.head):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.relu(self.patches(x)).mean((2, 3)))


# -- parts of the picture


class Part(Brightness):
    def __init__(self, cut) -> None:
        super().__init__()
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.cut(x))


PARTS = {
    "slices": lambda x: x[:, :, 8:24, 4:20],
    "dots": lambda x: x[..., 8:24, 4:20],
    "from the end": lambda x: x[..., -24:-8, -28:-12],
    "narrow": lambda x: x.narrow(2, 8, 16).narrow(-1, 4, 16),
    "one picture": lambda x: x[:, :3][0:1, :, 8:24][..., 4:20],
    "negative padding": lambda x: functional.pad(x, (-4, -12, -8, -8)),
}


@pytest.mark.parametrize("kind", PARTS)
def test_a_part_lies_where_it_was_cut_out(classify, make_input, kind) -> None:
    classifier = classify(Part(PARTS[kind]))
    where = last_feature_map(classifier, torch.rand(1, 3, SIZE, SIZE))
    assert where.to_input == Affine(a=4, c=4 + 1.5, e=4, f=8 + 1.5)
    picture = make_input(light(slice(16, 20), slice(8, 12)))
    for name in ("grad-cam", "hires-cam", "eigen-cam"):
        assert brightest(name, classifier, picture) == (18, 10)


def test_every_second_pixel_put_together_covers_the_picture(classify, make_input) -> None:
    class Folded(Brightness):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(12, 8, 2, 2)

        def forward(self, x: Tensor) -> Tensor:
            parts = [x[..., i::2, j::2] for i in range(2) for j in range(2)]
            return super().forward(torch.cat(parts, 1))

    where = last_feature_map(classify(Folded()), torch.rand(1, 3, SIZE, SIZE))
    assert where.to_input == Affine(a=4, c=1.5, e=4, f=1.5)


class Tiles(Brightness):
    def forward(self, x: Tensor) -> Tensor:
        return sum(super(Tiles, self).forward(x[..., i : i + 16, :16]) for i in (0, 16))


class PartFirst(Brightness):
    """The middle, then the whole made so small."""

    def forward(self, x: Tensor) -> Tensor:
        whole = functional.avg_pool2d(x, 2)
        return super().forward(x[..., 8:24, 8:24]) + super().forward(whole)


class Mirrored(Brightness):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + super().forward(x.flip(3))


class Turned(Brightness):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + super().forward(torch.rot90(x, 1, (2, 3)))


@pytest.mark.parametrize("kind", [Tiles, PartFirst, Mirrored, Turned])
def test_where_a_place_is_not_known_the_map_is_refused(classify, make_input, kind) -> None:
    fit = preflight("grad-cam", classify(kind()), make_input(SIZE))
    assert fit.verdict == "refused"
    assert "where its last feature map lies is not known" in fit.reason


def test_colours_in_another_order_are_no_mirror(classify, make_input) -> None:
    classifier = classify(Part(lambda x: x.flip(1)))
    assert preflight("grad-cam", classifier, make_input(SIZE)).verdict == "fits"


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(1, 2), [slice(1, 2), *[slice(None)] * 3]),
        ((Ellipsis, slice(3)), [*[slice(None)] * 3, slice(3)]),
        ((slice(1), Ellipsis, slice(3)), [slice(1), *[slice(None)] * 2, slice(3)]),
        ((slice(None), 0), None),
        ((slice(None), None), None),
        (torch.zeros(4, dtype=torch.bool), None),
    ],
)
def test_parts_that_an_index_takes(index, expected) -> None:
    assert parts_of(index) == expected


# -- channels last


class Last(Brightness):
    """Dense layers on the cells, channels last."""

    def __init__(self, channels: int, norm: bool = False) -> None:
        super().__init__(channels=channels)
        self.dense = nn.Linear(channels, channels)
        with torch.no_grad():
            self.dense.weight.copy_(torch.eye(channels))
        self.norm = nn.LayerNorm(channels) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).permute(0, 2, 3, 1)
        return self.head(self.norm(functional.relu(self.dense(x))).mean((1, 2)))


class Usual(Last):
    """The same, channels first."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.dense.weight[:, :, None, None]
        x = functional.relu(functional.conv2d(self.patches(x), weight, self.dense.bias))
        return self.head(x.mean((2, 3)))


@pytest.mark.parametrize("channels", [5, 8])  # as many as rows too
@pytest.mark.parametrize("name", ["grad-cam", "hires-cam", "ablation-cam", "lift-cam", "score-cam"])
def test_channels_last_give_the_same_map(classify, make_input, name, channels) -> None:
    maps = []
    for kind in (Usual, Last):
        torch.manual_seed(0)
        network = kind(channels)
        nn.init.uniform_(network.patches.weight)
        found = method(name).explain(classify(network), make_input(SIZE), "bar", {}, Watch())
        maps.append(found.values)
    assert np.ptp(maps[0]) > 0
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-5 * np.abs(maps[0]).max())


@pytest.mark.parametrize("channels", [5, 8])
def test_light_is_found_with_channels_last(classify, make_input, channels) -> None:
    picture = make_input(light(slice(8, 12), slice(24, 28)))
    for name in ("grad-cam", "hires-cam"):
        assert brightest(name, classify(Last(channels)), picture) == (10, 26)


def test_merged_patches_with_channels_last_lie_on_the_four(classify) -> None:
    class Merged(Last):
        def __init__(self) -> None:
            super().__init__(8)
            self.norm, self.less = nn.LayerNorm(32), nn.Linear(32, 8)

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).permute(0, 2, 3, 1)
            x = torch.cat([x[:, i::2, j::2] for j in range(2) for i in range(2)], -1)
            x = self.less(self.norm(x)).permute(0, 3, 1, 2)
            return self.head(functional.adaptive_avg_pool2d(x, 1).flatten(1))

    where = last_feature_map(classify(Merged()), torch.rand(1, 3, SIZE, SIZE))
    assert where.shape == (8, 4, 4)
    assert where.to_input == Affine(a=8, c=3.5, e=8, f=3.5)


def test_columns_before_rows(classify, make_input) -> None:
    class Across(Brightness):
        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x)
            return self.head(functional.relu(x.transpose(2, 3)).mean((2, 3)))

    class Matrix(Brightness):
        def forward(self, x: Tensor) -> Tensor:
            return self.head(functional.relu(self.patches(x).mT).mean((2, 3)))

    picture = make_input(light(slice(8, 12), slice(24, 28)))
    for kind in (Across, Matrix):
        assert brightest("hires-cam", classify(kind()), picture) == (10, 26)


@pytest.mark.parametrize(
    ("layout", "name", "arguments", "after"),
    [
        ("nchw", "permute", ((0, 2, 3, 1),), "nhwc"),
        ("nchw", "permute", (0, 2, 3, 1), "nhwc"),
        ("nhwc", "movedim", (-1, 1), "nchw"),
        ("nchw", "transpose", (1, -1), "nwhc"),
    ],
)
def test_reordered(layout, name, arguments, after) -> None:
    assert reordered(layout, name, (None, *arguments), {}) == after


def test_it_is_said_that_the_map_is_that_of_the_first_layer(classify, make_input) -> None:
    class Cells(Brightness):
        """What follows are cells in a row, in no order that a map could have."""

        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            cells = functional.gelu(self.dense(self.patches(x).flatten(2).mT))
            return self.head(cells.mean(1))

    classifier, picture = classify(Cells()), make_input(SIZE)
    for name in ("grad-cam", "xgrad-cam", "score-cam", "guided-grad-cam"):
        fit = preflight(name, classifier, picture)
        assert fit.verdict == "adapted"
        assert "that of the network's first layer" in fit.reason
    assert preflight("grad-cam", classify(Brightness()), picture).verdict == "fits"


# -- tokens in another order


class Tokens(nn.Module):
    """A class token that looks for light; tokens and patches in any order."""

    def __init__(self, order: str, normed: bool = False) -> None:
        super().__init__()
        self.order, self.normed = order, normed
        self.patches = nn.Conv2d(3, 4, 8, 8)
        nn.init.zeros_(self.patches.bias)
        nn.init.constant_(self.patches.weight, 0.02)
        with torch.no_grad():
            self.patches.weight[1:] *= torch.tensor([0.5, 0.2, -0.3])[:, None, None, None]
            if normed:  # else all would have the same direction
                self.patches.bias.copy_(torch.tensor([-0.9, 0.5, 0.2, 0.1]))

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x)
        if "columns" in self.order:
            x = x.transpose(2, 3)
        x = x.flatten(2).transpose(1, 2)
        if "backwards" in self.order:
            x = x.flip(1)
        nothing = torch.zeros_like(x[:, :1])
        around = [nothing, x, nothing] if "around" in self.order else [nothing, x]
        x = torch.cat(around[::-1] if "last" in self.order else around, 1)
        if self.normed:
            x = functional.layer_norm(x, (4,))
        weights = torch.softmax(torch.ones_like(x) @ x.mT * 2, -1)
        token = (weights @ x)[:, -1 if "last" in self.order else 0]
        return torch.stack([token[:, 0], -token[:, 0]], 1)


ORDERS = ["first", "last", "columns first", "columns last", "backwards around", "around last"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ["attention-rollout", "attention-relevance"])
def test_attention_is_shown_on_its_patches(classify, make_input, name, order) -> None:
    picture = make_input(light(slice(8, 16), slice(16, 24)))
    assert brightest(name, classify(Tokens(order)), picture) == (12, 20)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ["hires-cam", "layer-cam", "ablation-cam"])
def test_tokens_are_shown_on_their_patches(classify, make_input, name, order) -> None:
    maps = [
        method(name).explain(
            classify(Tokens(one, normed=True)), make_input(SIZE), "bar", {}, Watch()
        )
        for one in ("around" if "around" in order else "first", order)
    ]
    size = np.abs(maps[0].values).max()
    assert size > 0
    assert np.ptp(maps[0].values) > 0.1 * size
    np.testing.assert_allclose(maps[1].values, maps[0].values, atol=1e-4 * size)


def test_what_cannot_be_told_is_refused(classify, make_input) -> None:
    class Mixed(Tokens):
        def __init__(self) -> None:
            super().__init__("first")
            self.mix = nn.Linear(16, 16)

        def forward(self, x: Tensor) -> Tensor:
            x = self.mix(self.patches(x).flatten(2)).transpose(1, 2)
            x = torch.softmax(x @ x.mT, -1) @ x
            return x.mean(1)[:, :2]

    fit = preflight("attention-rollout", classify(Mixed()), make_input(SIZE))
    assert fit.verdict == "refused"
    assert "which is" in fit.reason or "which patch" in fit.reason
