"""Each method against a slow literal oracle or a known answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.explain.features import upsampled
from galaxyscope.explain.registry import method
from galaxyscope.explain.rotation import Turn, turn_of, turned, turned_back
from galaxyscope.explain.search import last_feature_map
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch
from tests.explain.draws import drawn


def assert_close(found, expected, tolerance=1e-4) -> None:
    """Equal to within a fraction of the largest value."""
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def run(name, classifier, net_input, target="Class3.1", watch=None, **parameters):
    return method(name).explain(classifier, net_input, target, parameters, watch or Watch())


def one_gradient(classifier, pixels, index):
    x = torch.tensor(np.asarray(pixels, np.float32)[None], requires_grad=True)
    classifier.network(x)[0, index].backward()
    return x.grad[0].numpy()


class Linear(nn.Module):
    """Logit = Σ weight × picture."""

    def __init__(self, weight: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("weight", torch.from_numpy(np.asarray(weight, np.float32)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = (x * self.weight).sum((1, 2, 3))
        return torch.stack([score, -score], dim=1)


def test_gradient_is_the_largest_channel_of_the_absolute_gradient(small, make_input) -> None:
    picture = make_input()
    for index, target in enumerate(small.card.classes):
        found = run("gradient", small, picture, target)
        oracle = np.abs(one_gradient(small, picture.pixels, index)).max(0)
        assert_close(found.values, oracle)
        assert found.target == target
    assert not found.signed
    assert found.blocks is None


@pytest.mark.parametrize("times_input", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_smoothgrad_equals_the_literal_loop(small, make_input, signed, times_input) -> None:
    picture, seed, samples, s_noise = make_input(), 7, 20, 0.2
    sigma = s_noise * (picture.pixels.max() - picture.pixels.min())
    total = np.zeros((3, 24, 24))
    for k in range(samples):
        noise = drawn(seed, k)
        gradient = one_gradient(small, picture.pixels + sigma * noise, 0)
        total += gradient if signed else np.abs(gradient)
    mean = total / samples * (picture.pixels if times_input else 1)
    oracle = mean.sum(0) if signed else mean.max(0)
    found = run(
        "smoothgrad/signed" if signed else "smoothgrad/tf-keras-vis",
        small,
        picture,
        samples=samples,
        noise=s_noise,
        times_input=times_input,
        seed=seed,
    )
    assert_close(found.values, oracle)
    assert found.signed is signed
    assert (found.samples_done, found.model, found.version != "") == (samples, "small", True)


def test_rotation_average_equals_the_literal_loop(small, make_input) -> None:
    picture, seed, samples, s_noise = make_input(), 3, 16, 0.1
    sigma = s_noise * (picture.pixels.max() - picture.pixels.min())
    total, weight = np.zeros((24, 24)), np.zeros((24, 24))
    ones = torch.ones(1, 1, 24, 24)
    for k in range(samples):
        turns = [turn_of(k, samples)]
        seen = turned(torch.from_numpy(picture.pixels)[None], turns)
        noise = drawn(seed, k)
        gradient = one_gradient(small, seen[0].numpy() + sigma * noise, 0)
        product = torch.from_numpy((gradient * seen[0].numpy()).sum(0))[None, None]
        total += turned_back(product, turns)[0, 0].numpy()
        weight += turned_back(ones, turns)[0, 0].numpy()
    found = run(
        "smoothgrad/rotation-averaged", small, picture, samples=samples, noise=s_noise, seed=seed
    )
    assert_close(found.values, total / weight)
    assert found.signed


def test_gradient_times_input_of_a_linear_network_is_known(classify, make_input) -> None:
    """Whatever the noise: ∂y/∂x is the weight."""
    rng, picture = np.random.default_rng(0), make_input()
    weight = rng.normal(size=(3, 24, 24))
    linear = classify(Linear(weight))
    signed = run("smoothgrad/signed", linear, picture, samples=9, times_input=True)
    assert_close(signed.values, (weight * picture.pixels).sum(0))
    against = run("smoothgrad/signed", linear, picture, "Class3.2", samples=9, times_input=True)
    assert_close(against.values, -signed.values)
    paper = run("smoothgrad/tf-keras-vis", linear, picture, samples=9)
    assert_close(paper.values, np.abs(weight).max(0))


def radial(size: int, width: float) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.exp(-(x**2 + y**2) / (2 * width**2))


def test_rotation_average_of_a_round_network_is_the_unrotated_map(classify, make_input) -> None:
    """A linear network of round weight sees every orientation alike: map = weight × mean turn."""
    weight = radial(48, 12.0)[None].repeat(3, 0)
    picture = make_input(radial(48, 7.0)[None].repeat(3, 0))
    found = run(
        "smoothgrad/rotation-averaged", classify(Linear(weight)), picture, samples=64, noise=0.3
    )
    exact = 3 * radial(48, 12.0) * radial(48, 7.0)
    assert np.abs(found.values - exact).max() < 0.02 * exact.max()


@pytest.mark.parametrize("samples", [8, 32, 64])
def test_quarter_turns_of_the_picture_turn_the_map(small, make_input, samples) -> None:
    """Exact equivariance under quarter turns without noise, for any network."""
    picture = make_input()
    ask = {"samples": samples, "noise": 0.0}
    upright = run("smoothgrad/rotation-averaged", small, picture, **ask).values
    for quarters in range(1, 4):
        lying = make_input(np.rot90(picture.pixels, quarters, (1, 2)).copy())
        found = run("smoothgrad/rotation-averaged", small, lying, **ask).values
        assert_close(found, np.rot90(upright, quarters))
    plain = run("smoothgrad/signed", small, picture, times_input=True, **ask).values
    lying = make_input(np.rot90(picture.pixels, 1, (1, 2)).copy())
    plain_lying = run("smoothgrad/signed", small, lying, times_input=True, **ask).values
    difference = np.abs(plain_lying - np.rot90(plain)).max() / np.abs(plain).max()
    assert difference > 0.1, "the network itself must not be equivariant"


def test_turns_go_round_the_circle_uniformly() -> None:
    for samples in (1, 3, 16, 50, 64, 256):
        turns = [turn_of(k, samples) for k in range(samples)]
        for k, turn in enumerate(turns):
            angle = turn.quarters * math.pi / 2 + turn.radians
            assert math.isclose(
                math.remainder(angle - k * 2 * math.pi / samples, 2 * math.pi), 0, abs_tol=1e-12
            )
            assert abs(turn.radians) <= math.pi / 4 + 1e-12
            assert (turn.radians == 0) is (4 * k % samples == 0)
        if samples >= 16:
            assert abs(2 * sum(turn.mirror for turn in turns) - samples) <= 8


def test_a_turn_of_a_quarter_is_rot90_and_comes_back_exactly() -> None:
    x = torch.rand(1, 2, 9, 9)
    for quarters in range(4):
        for mirror in (False, True):
            turns = [Turn(quarters, 0.0, mirror)]
            literal = np.rot90(x[0].numpy(), quarters, (1, 2))
            literal = literal[..., ::-1] if mirror else literal
            np.testing.assert_array_equal(turned(x, turns)[0].numpy(), literal)
            assert torch.equal(turned_back(turned(x, turns), turns), x)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("quarters", [0, 3])
def test_an_oblique_turn_goes_the_same_way_as_a_quarter_turn(quarters, mirror) -> None:
    """Where a spot lands is what trigonometry says, and it comes back to within 0.02 px."""
    size, sx, sy, angle = 65, 9.0, -4.0, 0.5
    y, x = np.mgrid[:size, :size] - (size - 1) / 2

    def spot(cx: float, cy: float) -> np.ndarray:
        return np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 8)

    def centre(data: np.ndarray) -> tuple[float, float]:
        return (data * x).sum() / data.sum(), (data * y).sum() / data.sum()

    turns = [Turn(quarters, angle, mirror)]
    seen = turned(torch.from_numpy(spot(sx, sy))[None, None], turns)
    total = quarters * math.pi / 2 + angle  # counter-clockwise on a screen, where y grows down
    tx = sx * math.cos(total) + sy * math.sin(total)
    ty = -sx * math.sin(total) + sy * math.cos(total)
    assert centre(seen[0, 0].numpy()) == pytest.approx((-tx if mirror else tx, ty), abs=0.02)
    back = turned_back(seen, turns)[0, 0].numpy()
    assert centre(back) == pytest.approx((sx, sy), abs=0.02)


class BarDetector(nn.Module):
    """Light along a bar minus light beside it, found in any direction: support is known."""

    def __init__(self, size: int, angle: float) -> None:
        super().__init__()
        y, x = np.mgrid[:size, :size] - (size - 1) / 2
        along = x * np.cos(angle) + y * np.sin(angle)
        across = -x * np.sin(angle) + y * np.cos(angle)
        inside = (np.abs(along) < size / 4) & (np.abs(across) < size / 16)
        templates = []
        for degrees in range(0, 180, 5):
            turn = np.deg2rad(degrees)
            a = x * np.cos(turn) + y * np.sin(turn)
            b = -x * np.sin(turn) + y * np.cos(turn)
            near = np.abs(a) < size / 4
            on, beside = near & (np.abs(b) < size / 16), near & (np.abs(b) < size / 4)
            templates.append(on / on.sum() - (beside & ~on) / (beside & ~on).sum())
        self.inside = inside
        self.register_buffer("templates", torch.tensor(np.array(templates), dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answers = torch.einsum("nchw,thw->nt", x, self.templates)
        score = torch.logsumexp(20 * answers, dim=1)
        return torch.stack([score, -score], dim=1)


@pytest.mark.parametrize("degrees", [0, 20, 45, 110])
def test_the_map_of_a_bar_detector_is_the_bar(classify, make_input, degrees) -> None:
    size = 48
    network = BarDetector(size, np.deg2rad(degrees))
    picture = make_input(0.1 + 0.8 * network.inside[None].repeat(3, 0))
    found = run(
        "smoothgrad/rotation-averaged", classify(network), picture, samples=72, noise=0.05
    ).values
    mask = found > 0.3 * found.max()
    both = (mask & network.inside).sum() / (mask | network.inside).sum()
    assert both > 0.7, f"intersection over union {both:.2f}"
    y, x = np.nonzero(mask)
    angle = 0.5 * math.degrees(math.atan2(2 * np.cov(x, y)[0, 1], np.var(x) - np.var(y)))
    assert abs(math.remainder(angle - degrees, 180)) < 3


def test_grad_cam_equals_the_literal_formula(small, make_input) -> None:
    picture = make_input()
    features = small.network.features(torch.from_numpy(picture.pixels)[None])
    features = features.detach().requires_grad_(True)
    (small.network.head(features.mean((2, 3))) * 10)[0, 1].backward()
    weights = features.grad.mean((2, 3), keepdim=True)
    coarse = (weights * features).sum(1).clamp(min=0)[0].detach().numpy()
    assert coarse.max() > 0
    found = run("grad-cam", small, picture, "Class3.2").values
    for row in range(0, 24, 5):  # cell i looks at pixel 4 i: two strides of 2 with padding 1
        for column in range(0, 24, 5):
            v, u = min(row / 4, 5), min(column / 4, 5)
            i, j = min(int(v), 4), min(int(u), 4)
            fv, fu = v - i, u - j
            literal = (
                coarse[i, j] * (1 - fv) * (1 - fu)
                + coarse[i, j + 1] * (1 - fv) * fu
                + coarse[i + 1, j] * fv * (1 - fu)
                + coarse[i + 1, j + 1] * fv * fu
            )
            assert found[row, column] == pytest.approx(literal, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("down", "layers"),
    [
        ([lambda c: nn.Conv2d(c, 4, 3, stride=2, padding=1)], 3),
        ([lambda c: nn.Conv2d(c, 4, 3, padding=1), lambda c: nn.MaxPool2d(2)], 2),
        ([lambda c: nn.Conv2d(c, 4, 5, padding=2), lambda c: nn.AvgPool2d(3, 2, 1)], 2),
    ],
)
def test_cells_lie_where_the_network_looks(classify, down, layers) -> None:
    """Centre of the gradient of one cell, with all weights equal, is the cell's place."""
    parts: list[nn.Module] = []
    for layer in range(layers):
        for build in down:
            parts.append(build(3 if layer == 0 else 4))
    network = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)
    x = (torch.rand(64, 3, 64, 64) * 1e-3).requires_grad_(True)
    where = last_feature_map(classify(network), x[:1].detach())
    features = nn.Sequential(*parts)(x)
    assert where.shape == features.shape[1:]
    i = features.shape[-1] // 2
    seen = torch.autograd.grad(features[:, :, i, i].sum(), x)[0].abs().sum((0, 1)).numpy()
    place = (seen.sum(0) * np.arange(64)).sum() / seen.sum()
    tolerance = 0.3 if isinstance(parts[-1], nn.MaxPool2d) else 0.01  # at random, one of 2×2
    assert where.to_input([i, i])[0] == pytest.approx(place, abs=tolerance)


def test_a_layer_can_be_named_on_the_card_and_must_exist(small, make_input, classify) -> None:
    small.card.cam_layer = "features.2"
    where = last_feature_map(small, torch.rand(1, 3, 24, 24))
    assert where.shape == (8, 12, 12)
    assert where.to_input == Affine(a=2, e=2)
    small.card.cam_layer = "nowhere"
    with pytest.raises(ValueError, match="no layer 'nowhere'"):
        last_feature_map(small, torch.rand(1, 3, 24, 24))
    with pytest.raises(ValueError, match="no feature map"):
        run("grad-cam", classify(Linear(np.ones((3, 8, 8)))), make_input(8))


def test_upsampling_is_bilinear_between_centres() -> None:
    coarse = torch.tensor([[0.0, 4.0], [8.0, 12.0]])
    found = upsampled(coarse, Affine.resize((8, 8), (2, 2)), (8, 8)).numpy()
    edge = np.clip((np.arange(8) - 1.5) / 4, 0, 1)
    assert_close(found, 4 * edge[None] + 8 * edge[:, None])
