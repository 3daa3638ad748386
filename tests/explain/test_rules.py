"""Guided Backpropagation, Deconvolution, DeepLIFT and LRP, however a network is written.

Oracles: captum, on networks that it is right on (every ReLU a module of its own); loops; and
what the map must sum to.
"""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from galaxyscope.explain.registry import method
from galaxyscope.work.watch import Watch
from tests.explain.draws import drawn


def assert_close(found, expected, tolerance=1e-4) -> None:
    """Equal to within a fraction of the largest value."""
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def run(name, classifier, net_input, target="Class3.1", **parameters):
    return method(name).explain(classifier, net_input, target, parameters, Watch())


class Net(nn.Module):
    """Three convolutions and a hidden dense layer; the activations are the subclass's."""

    def __init__(self, bias: bool = True, pool: bool = False) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 6, 3, padding=1, bias=bias)
        self.two = nn.Conv2d(6, 8, 3, stride=2, padding=1, bias=bias)
        self.three = nn.Conv2d(8, 8, 3, padding=1, bias=bias)
        self.pool = nn.MaxPool2d(2) if pool else nn.Identity()
        self.hidden, self.head = nn.Linear(8, 10, bias=bias), nn.Linear(10, 2, bias=bias)
        self.acts = nn.ModuleList(self.activation() for _ in range(4))

    def activation(self) -> nn.Module:
        return nn.ReLU()

    def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return self.acts[number](x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.act(self.one(x), 0))
        y = self.act(self.two(x), 1)
        x = self.act(self.three(y) + y, 2).mean((2, 3))
        return self.head(self.act(self.hidden(x), 3))


class InPlace(Net):
    def activation(self) -> nn.Module:
        return nn.ReLU(inplace=True)


class Reused(Net):
    def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return self.acts[0](x)


class Functional(Net):
    def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return [functional.relu, torch.relu, lambda t: t.clamp(min=0), lambda t: t.relu()][number](
            x
        )


class Statement(Net):
    """Written over in place, the result of the call not looked at."""

    def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
        x.relu_()
        return x


class Positional(Net):
    """In place by position, and the picture by keyword."""

    def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
        if number % 2:
            return functional.relu(input=x)
        functional.relu(x, True)
        return x


class Silu(Net):
    def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return functional.silu(x)


class Gelu(Net):
    def activation(self) -> nn.Module:
        return nn.GELU()


class Gate(Net):
    """Squeeze and excitation, and divisions."""

    def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
        gate = torch.sigmoid(x.mean((2, 3), keepdim=True)) if x.ndim == 4 else torch.tanh(x)
        return 9 * functional.silu(x) * gate / (1 + x.square()) + 1 / (2 + x**2)


class Normalised(Net):
    """Layer and group normalisation, with scales and shifts."""

    def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
        weight = torch.linspace(0.5, 1.5, x.shape[1])
        if x.ndim == 4 and number == 1:
            x = functional.group_norm(x, 2, weight, 0.1 * weight, 1e-3)
        if x.ndim == 4:
            last = x.permute(0, 2, 3, 1)
            last = functional.layer_norm(last, (x.shape[1],), weight, 0.1 * weight)
            return functional.gelu(last).permute(0, 3, 1, 2)
        return functional.gelu(x)


class Attention(Net):
    def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
        x = functional.silu(x)
        return x * x.softmax(1)


RELUS = [Net, InPlace, Reused, Functional, Statement, Positional]


def make(kind: type[Net], **options: bool) -> Net:
    torch.manual_seed(3)
    return kind(**options)


def captum_map(make_theirs, network, picture, **more) -> np.ndarray:
    x = torch.from_numpy(picture.pixels)[None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum announces its hooks
        found = make_theirs(copy.deepcopy(network)).attribute(x, target=0, **more)
    return found[0].sum(0).detach().numpy()


def logit(network: nn.Module, pixels: np.ndarray) -> float:
    with torch.no_grad():
        return float(network(torch.from_numpy(pixels)[None])[0, 0])


@pytest.mark.parametrize("kind", RELUS)
@pytest.mark.parametrize("name", ["guided-backprop", "deconvolution", "deeplift"])
def test_relu_networks_give_captums_map_however_they_are_written(
    classify, make_input, name, kind
) -> None:
    import captum.attr

    theirs = {
        "guided-backprop": captum.attr.GuidedBackprop,
        "deconvolution": captum.attr.Deconvolution,
        "deeplift": captum.attr.DeepLift,
    }[name]
    pool = name == "deconvolution"  # which needs it
    plain, picture = make(Net, pool=pool), make_input()
    oracle = captum_map(theirs, plain, picture)
    found = run(name, classify(make(kind, pool=pool)), picture)
    assert_close(found.values, oracle, 1e-3)
    assert found.signed
    gradient = run("input-x-gradient", classify(plain), picture).values
    assert np.abs(found.values - gradient).max() > 0.05 * np.abs(oracle).max()


def test_max_pooling_gives_captums_deeplift(classify, make_input) -> None:
    """Where no ReLU stands before it; there captum's sum is off, see the completeness test."""
    import captum.attr

    torch.manual_seed(0)
    network = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten())
    network.append(nn.Linear(400, 2))
    picture = make_input()
    picture = make_input(picture.pixels - picture.pixels.mean())  # above and below the reference
    oracle = captum_map(captum.attr.DeepLift, network, picture)
    found = run("deeplift", classify(network), picture)
    assert_close(found.values, oracle, 1e-3)
    assert found.completeness_error < 1e-4


@pytest.mark.parametrize("name", ["guided-backprop", "deconvolution"])
def test_other_activations_let_back_what_is_positive(classify, make_input, name) -> None:
    """By hand for one hidden layer behind a pooling; captum gives the plain gradient here."""
    torch.manual_seed(0)
    first, head = nn.Linear(3 * 9, 7), nn.Linear(7, 2)
    network = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), first, nn.SiLU(), head)
    picture = make_input(6)
    x = torch.from_numpy(picture.pixels)[None]
    pooled, winners = functional.max_pool2d(x, 2, return_indices=True)
    z = first(pooled.reshape(1, -1)).detach()
    s = torch.sigmoid(z)
    gain = (s * (1 + z * (1 - s))).clamp(min=0) if name == "guided-backprop" else 1
    back = (head.weight[0].detach().clamp(min=0) * gain) @ first.weight.detach()
    oracle = functional.max_unpool2d(back.reshape(1, 3, 3, 3), winners, 2)[0].sum(0).numpy()
    found = run(name, classify(network), picture)
    assert_close(found.values, oracle)
    assert "the method is made for ReLU and the network has silu" in found.notes[0]


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("kind", [*RELUS, Silu, Gelu, Gate, Normalised])
def test_deeplift_is_complete(classify, make_input, kind, pool) -> None:
    network, picture = make(kind, pool=pool), make_input()
    change = logit(network, picture.pixels) - logit(network, 0 * picture.pixels)
    found = run("deeplift", classify(network), picture)
    assert found.values.sum() == pytest.approx(change, rel=1e-3, abs=1e-5)
    assert found.completeness_error < 1e-3
    broken = run("input-x-gradient", classify(network), picture).values.sum()
    assert abs(broken - change) > 0.01 * abs(change), "the check must see the plain gradient"


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_deeplift_is_complete_at_any_scale(classify, make_input, scale) -> None:
    network, picture = make(Net), make_input()
    with torch.no_grad():
        network.one.weight *= scale
        network.one.bias *= scale
        for layer in (network.two, network.three, network.hidden, network.head):
            layer.bias *= scale
    found = run("deeplift", classify(network), picture)
    assert found.completeness_error < 1e-3


def test_deeplift_shap_is_the_mean_of_deeplift_over_skies(classify, make_input) -> None:
    network, picture = make(Silu), make_input()
    sigma = 0.2 * np.ptp(picture.pixels)
    found = run("deeplift-shap", classify(network), picture, samples=3, noise=0.2, seed=5)
    total = np.zeros((24, 24))
    for k in range(3):
        sky = drawn(2**32 + 5, k) * sigma

        class Shifted(nn.Module):
            def __init__(self, sky: np.ndarray) -> None:
                super().__init__()
                self.inner, self.sky = network, torch.from_numpy(sky.astype(np.float32))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.inner(x + self.sky)

        moved = make_input(picture.pixels - sky.astype(np.float32))
        total += run("deeplift", classify(Shifted(sky)), moved).values
    assert_close(found.values, total / 3)
    assert found.completeness_error < 1e-3
    calm = run("deeplift-shap", classify(network), picture, samples=3, noise=0)
    assert_close(calm.values, run("deeplift", classify(network), picture).values)


@pytest.mark.parametrize("kind", RELUS)
def test_lrp_without_gamma_of_a_relu_network_is_input_times_gradient(
    classify, make_input, kind
) -> None:
    picture = make_input()
    found = run("lrp", classify(make(kind)), picture, gamma=0)
    assert_close(found.values, run("input-x-gradient", classify(make(Net)), picture).values)


def test_lrp_by_the_loop_of_the_paper(classify, make_input) -> None:
    """R_i = Σ_j R_j c_ij / Σ_i c_ij, c_ij = x_i w_ij + γ times its part of the sign of z_j."""
    torch.manual_seed(0)
    gamma, size = 0.5, 4
    first, second = nn.Conv2d(3, 5, 1), nn.Conv2d(5, 2, 1, bias=False)
    network = nn.Sequential(first, nn.SiLU(), second, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    picture = make_input(size)
    with torch.no_grad():
        x = torch.from_numpy(picture.pixels)
        z = first(x[None])[0]
        a = functional.silu(z)
        out = second(a[None])[0, 0]
    w1, b1 = first.weight[:, :, 0, 0].detach().numpy(), first.bias.detach().numpy()
    w2 = second.weight[0, :, 0, 0].detach().numpy()
    oracle = np.zeros((size, size))

    def shares(inputs, weights, bias):
        each = inputs * weights
        sign = 1.0 if each.sum() + bias > 0 else -1.0
        each = each + gamma * np.where(each * sign > 0, each, 0)
        bias = bias + gamma * (bias if bias * sign > 0 else 0)
        return each / (each.sum() + bias)

    for row in range(size):
        for column in range(size):
            relevance = float(out[row, column]) / size**2
            for unit, part in enumerate(shares(a[:, row, column].numpy(), w2, 0.0)):
                pixel = x[:, row, column].numpy()
                oracle[row, column] += (shares(pixel, w1[unit], b1[unit]) * relevance * part).sum()
    found = run("lrp", classify(network), picture, gamma=gamma)
    assert_close(found.values, oracle, 1e-3)


@pytest.mark.parametrize("gamma", [0.0, 0.25, 10.0])
@pytest.mark.parametrize("kind", [Net, InPlace, Silu, Gelu])
def test_lrp_conserves_what_no_bias_keeps(classify, make_input, kind, gamma) -> None:
    network, picture = make(kind, bias=False), make_input()
    found = run("lrp", classify(network), picture, gamma=gamma)
    assert found.completeness_error < 1e-3
    assert found.values.sum() == pytest.approx(logit(network, picture.pixels), rel=1e-3)
    with_biases = run("lrp", classify(make(kind)), picture, gamma=gamma)
    assert with_biases.completeness_error > 0.05, "the check must see what biases keep"
    assert any("misses it by" in note for note in with_biases.notes)


def test_lrp_stays_small_in_a_deep_residual_network(classify, make_input) -> None:
    """Sums that nearly cancel, batch normalisation after sums: no explosion."""
    from galaxyscope.classify.architectures import build

    torch.manual_seed(0)
    network = build("preact-resnet", 2, {"stem": 4, "widths": (6, 8), "blocks": (4, 4)})
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias, std=0.5)
            nn.init.normal_(module.running_mean, std=0.5)
    picture = make_input(32)
    network.eval()
    found = run("lrp", classify(network), picture)
    assert np.abs(found.values).sum() < 100 * abs(logit(network, picture.pixels)) + 10


@pytest.mark.parametrize("kind", [Gate, Normalised, Attention])
def test_lrp_beyond_the_paper_is_said(classify, make_input, kind) -> None:
    found = run("lrp", classify(make(kind)), make_input())
    assert np.isfinite(found.values).all()
    assert found.notes[0].startswith("Adapted: the paper has no rule for")


@pytest.mark.parametrize("name", ["deeplift", "deeplift-shap"])
def test_deeplift_refuses_what_it_has_no_rule_for(classify, make_input, name) -> None:
    with pytest.raises(
        ValueError, match=r"does not fit small.*no rule for the operation 'softmax'"
    ):
        run(name, classify(make(Attention)), make_input())


def test_deeplift_refuses_a_network_that_changes_its_mind(classify, make_input) -> None:
    class Fickle(Net):
        def act(self, x: torch.Tensor, number: int) -> torch.Tensor:
            return functional.silu(x) if number or x[0, 0].detach().std() > 0.01 else x

    with pytest.raises(ValueError, match="does the same for every picture"):
        run("deeplift", classify(make(Fickle)), make_input())


@pytest.mark.parametrize("name", ["deeplift", "lrp"])
def test_statistics_of_the_batch_are_refused(classify, make_input, name) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False))
    network.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)])
    with pytest.raises(ValueError, match="no rule for the operation 'batch_norm'"):
        run(name, classify(network), make_input())


@pytest.mark.parametrize("name", ["deeplift", "lrp", "guided-backprop", "grad-cam"])
def test_compiled_networks_hide_their_operations(classify, make_input, name) -> None:
    example = torch.from_numpy(make_input().pixels)[None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have us use another compiler
        network = torch.jit.trace(make(Net).eval(), example)
    with pytest.raises(ValueError, match="compiled, and the method must see its operations"):
        run(name, classify(network), make_input())
