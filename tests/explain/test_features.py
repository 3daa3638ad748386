"""A feature map is met again, whatever operations there are in one run and not in another."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.engine import steady
from galaxyscope.explain.features import (
    LostMap,
    features_and_gradient,
    gradients_refused,
    tail,
)
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.explain.search import last_feature_map
from galaxyscope.explain.target import Score
from galaxyscope.work.watch import Watch

CAMS = [n for n in METHODS if n == "cam" or n.endswith(("-cam", "-cam++"))]


def run(name, classifier, net_input):
    return method(name).explain(classifier, net_input, "bar", {}, Watch()).values


def three(channels: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Conv2d(channels, 8, 3, 2, 1), nn.ReLU(),
        nn.Conv2d(8, 8, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(8, 8, 3, 1, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2),
    )  # fmt: skip
    with torch.no_grad():
        made[-1].weight.abs_()
    return made


def hooked(module: nn.Module, kind: str) -> None:
    if kind == "forward":
        module.register_forward_hook(lambda *_: None)
    else:
        getattr(module, f"register_full_backward_{kind}")(lambda *_: None)


@pytest.mark.parametrize("layer", ["", "3"], ids=["last", "named"])
@pytest.mark.parametrize("kind", ["hook", "pre_hook", "forward"])
@pytest.mark.parametrize("name", CAMS)
def test_hooks_of_the_user_change_no_map(classify, make_input, name, kind, layer) -> None:
    maps = []
    for place in (None, 0, 2):
        classifier = classify(three())
        classifier.card.cam_layer = layer if name != "cam" else ""
        if place is not None:
            hooked(classifier.network[place], kind)
        maps.append(run(name, classifier, make_input()))
    assert np.abs(maps[0]).max() > 0
    for found in maps[1:]:
        np.testing.assert_allclose(found, maps[0], atol=1e-6 * np.abs(maps[0]).max())


class Grid(nn.Module):
    """Coordinates beside the colours, kept until pictures of another number come."""

    def __init__(self, keep: bool, pool=lambda y, n: y.mean((2, 3))) -> None:
        super().__init__()
        layers = three(5)
        self.body, self.head = layers[:6], layers[-1]
        self.keep, self.kept, self.pool = keep, None, pool

    def grid(self, x: Tensor) -> Tensor:
        if not self.keep or self.kept is None or len(self.kept) != len(x):
            line = torch.linspace(-1, 1, x.shape[-1])
            self.kept = torch.stack(torch.meshgrid(line, line, indexing="ij"))[None]
            self.kept = functional.relu(self.kept.repeat(len(x), 1, 1, 1).to(x))
        return self.kept

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(torch.cat([x, self.grid(x)], 1))
        return self.head(self.pool(y, len(x)))


POOLS = {"mean": lambda y, n: y.mean((2, 3)), "view": lambda y, n: y.view(n, 8, -1).mean(2)}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("name", CAMS)
def test_a_grid_that_is_kept_changes_no_map(classify, make_input, name, pool) -> None:
    expected = run(name, classify(Grid(False, POOLS[pool])), make_input())
    classifier = classify(Grid(True, POOLS[pool]))
    for _ in range(3):
        found = run(name, classifier, make_input())
        np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


def test_of_layers_that_make_the_same_the_right_one_is_met(classify) -> None:
    """Skip connections around layers that do nothing yet: all of them make the same."""

    class Alike(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.stem, self.head = nn.Conv2d(3, 4, 4, 4), nn.Linear(4, 2)
            self.convolutions = nn.ModuleList(nn.Conv2d(4, 4, 3, 1, 1) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            for one in self.convolutions:
                x = x + 1e-6 * one(x)
            return self.head(x.mean((2, 3)))

    classifier, x = classify(Alike()), torch.rand(1, 3, 24, 24)
    classifier.card.cam_layer = "convolutions.1"
    with steady(classifier.network):
        first_sum = last_feature_map(classifier, x)
        classifier.card.cam_layer = ""
        last = last_feature_map(classifier, x)
        assert last.operation.name in {"add", "__add__"}
        assert last.operation.earlier == 2
        assert first_sum.operation.earlier < 2
        features, gradient, _ = features_and_gradient(classifier, x, last, Score(0))
        weights = classifier.network.head.weight[0, :, None, None] / features[0, 0].numel()
        torch.testing.assert_close(gradient[0], weights.expand_as(gradient[0]), rtol=1e-7, atol=0)


def test_a_map_that_is_not_met_again_is_said_to_be(classify, make_input) -> None:
    classifier, x = classify(three()), torch.from_numpy(make_input().pixels)[None]
    with steady(classifier.network):
        where = last_feature_map(classifier, x)
        features, _, _ = features_and_gradient(classifier, x, where, Score(0))
        classifier.network[2].weight.data.mul_(3)
        with pytest.raises(LostMap, match="the map is not found again"):
            features_and_gradient(classifier, x, where, Score(0))
        rest = tail(classifier, x, where)
        for maps in (features, features.repeat(3, 1, 1, 1)):
            with pytest.raises(LostMap):
                rest(maps)


def test_the_part_before_the_map_runs_on_one_picture(classify, make_input) -> None:
    classifier, seen = classify(three()), []
    classifier.network[0].register_forward_hook(lambda _m, x, _y: seen.append(len(x[0])))
    run("ablation-cam", classifier, make_input())
    del seen[:]
    run("ablation-cam", classifier, make_input())
    assert sorted(seen) == [1, 1, 1, 1, 2], "search, way back, one and two to try, the channels"


def test_a_random_network_has_no_feature_map(classify) -> None:
    classifier = classify(nn.Sequential(three()[:6], Noise(), *three()[6:]))
    with steady(classifier.network), pytest.raises(ValueError, match="the network is random"):
        last_feature_map(classifier, torch.rand(1, 3, 24, 24))


class Noise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


class Cutting(nn.Module):
    """Works in place on a copy without gradient, and keeps some of it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = three()
        self.kept: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        y = self.body[:4](x).detach()
        y += 1
        y = y.relu_()
        self.kept.append(y)
        self.told = float(y.mean()), y.numpy().max()
        return self.body[4:](y)


def test_what_the_network_cuts_is_cut_again(classify, make_input) -> None:
    """In place too, which a tensor that asks for gradients itself would not allow."""
    classifier, seen = classify(Cutting()), []
    classifier.network.body[1].register_forward_hook(lambda _m, _x, y: seen.append(y.detach()))
    assert preflight("grad-cam", classifier, make_input()).verdict == "fits"
    assert run("grad-cam", classifier, make_input()).max() > 0
    assert len(seen) > 4
    assert not any(one.requires_grad for one in (*seen, *classifier.network.kept))


# -- written piece by piece


class Whole(nn.Module):
    """Two convolutions, the mean, a linear layer; subclasses write the map in pieces."""

    def __init__(self) -> None:
        super().__init__()
        layers = three()
        self.one, self.two, self.head = layers[0], layers[2], layers[-1]

    def features(self, y: Tensor) -> Tensor:
        return functional.relu(y)

    def forward(self, x: Tensor) -> Tensor:
        y = self.two(functional.relu(self.one(x)))
        return self.head(self.features(y).mean((2, 3)))


class Slices(Whole):
    def features(self, y: Tensor) -> Tensor:
        z = y.new_empty(y.shape)
        z[:, :3] = functional.relu(y[:, :3])
        z[:, 3:] = functional.relu(y[:, 3:])
        return z


class Copied(Whole):
    def features(self, y: Tensor) -> Tensor:
        z = torch.zeros_like(y)
        z[:, :3].copy_(functional.relu(y[:, :3]))
        z[:, 3:].copy_(functional.relu(y[:, 3:]))
        return z


class Added(Whole):
    def features(self, y: Tensor) -> Tensor:
        z = torch.empty_like(y).zero_()
        z[:, :3] += functional.relu(y[:, :3])
        z[:, 3:] += functional.relu(y[:, 3:])
        return z


class PartsInPlace(Whole):
    """Autograd refuses the way through both, but none is needed behind the map."""

    def features(self, y: Tensor) -> Tensor:
        y[:, :3].relu_()
        functional.relu(y[:, 3:], inplace=True)
        return y


class Branches(Whole):
    """Into a tensor that was made from the picture, and is no picture of it."""

    def forward(self, x: Tensor) -> Tensor:
        y, z = functional.relu(self.one(x)), x.new_empty(len(x), 8, 12, 12)
        for part in (slice(3), slice(3, 8)):
            weight, bias = self.two.weight[part], self.two.bias[part]
            z[:, part] = functional.relu(functional.conv2d(y, weight, bias, padding=1))
        return self.head(z.mean((2, 3)))


@pytest.mark.parametrize("kind", [Slices, Copied, Added, PartsInPlace, Branches])
@pytest.mark.parametrize("name", CAMS)
def test_a_map_that_is_written_piece_by_piece_is_seen_whole(
    classify, make_input, name, kind
) -> None:
    expected = run(name, classify(Whole()), make_input())
    assert np.abs(expected).max() > 0
    classifier = classify(kind())
    for _ in range(2):  # what the first run left in memory is not taken for the map
        found = run(name, classifier, make_input())
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", CAMS)
def test_where_autograd_refuses_the_gradient_a_sentence_says_so(classify, make_input, name) -> None:
    class WrittenOver(Whole):
        def forward(self, x: Tensor) -> Tensor:
            y = functional.relu(self.two(functional.relu(self.one(x))))
            z = torch.einsum("nchw,nchw->nc", y, y)
            y += 1
            return self.head(z)

    fit = preflight(name, classify(WrittenOver()), make_input())
    assert fit.verdict == "refused"
    assert "gradient of the network's answer cannot be computed" in fit.reason
    assert "modified by an inplace operation" in fit.reason


def test_memory_that_runs_out_is_no_refusal() -> None:
    with pytest.raises(RuntimeError, match="memory"), gradients_refused(ValueError):
        raise RuntimeError("CUDA out of memory")
