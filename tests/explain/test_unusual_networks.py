"""Methods with rules of their own, on networks written in unusual ways: right, or refused."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from galaxyscope.explain.preflight import preflight
from tests.explain.networks import Call, convolutions, run

# -- what no rule sees, or knows


class Swish(torch.autograd.Function):
    """With a way back of its own, as EfficientNets often have it."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grads[0] * s * (1 + x * (1 - s))


def silu_by_hand(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


def compiled_silu(x: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have us use another compiler
        return torch.jit.script(silu_by_hand)(x)


@pytest.mark.parametrize(
    "name", ["guided-backprop", "deconvolution", "guided-grad-cam", "deeplift", "lrp"]
)
@pytest.mark.parametrize(
    ("hidden", "said"),
    [(Swish.apply, "Swish"), (compiled_silu, "(sigmoid|compiled code)")],
    ids=["function", "jit"],
)
def test_what_the_rules_cannot_see_is_refused(classify, make_input, name, hidden, said) -> None:
    network = convolutions(Call(hidden), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.MaxPool2d(2))
    for _ in range(3):  # compiled code is another the second time it runs
        fit = preflight(name, classify(network), make_input())
        assert fit.verdict == "refused"
        assert re.match(f"the network computes {said} where .* cannot see it", fit.reason)


@pytest.mark.parametrize("name", ["guided-backprop", "deconvolution", "deeplift"])
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: x.masked_fill(x < x.mean(), 0), "a mask that depends on the picture"),
        (lambda x: x * (x > x.mean()), "a mask that depends on the picture"),
        (lambda x: functional.relu(x).cumprod(1), "the operation 'cumprod'"),
        (lambda x: torch.pow(x.abs() + 1, x.mean()), "pow with two activations"),
    ],
)
def test_what_no_rule_knows_is_refused(classify, make_input, name, call, said) -> None:
    network = convolutions(nn.ReLU(), Call(call), nn.MaxPool2d(2))
    fit = preflight(name, classify(network), make_input())
    assert fit.verdict == "refused"
    assert fit.reason.endswith(said)


def test_guided_backpropagation_lets_through_a_gate_what_is_positive(classify, make_input) -> None:
    """By hand: back goes max(g, 0) · max(other factor, 0) to each of two factors."""
    torch.manual_seed(0)
    first, second, head = nn.Linear(27, 5), nn.Linear(27, 5), nn.Linear(5, 2)

    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList([first, second, head])

        def forward(self, x: Tensor) -> Tensor:
            x = x.flatten(1)
            return head(first(x) * second(x))

    picture = make_input(3)
    with torch.no_grad():
        x = torch.from_numpy(picture.pixels).reshape(1, 27)
        g = head.weight[0].clamp(min=0)
        oracle = (g * second(x).clamp(min=0)) @ first.weight
        oracle += (g * first(x).clamp(min=0)) @ second.weight
    found = run("guided-backprop", classify(Gated()), picture)
    expected = oracle.reshape(3, 3, 3).sum(0).numpy()
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    assert "products of two activations" in found.notes[0]


@pytest.mark.parametrize(
    ("act", "verdict"),
    [(nn.LogSigmoid(), "adapted"), (nn.Threshold(0, 0), "fits"), (nn.GLU(1), "adapted")],
)
def test_no_activations_is_not_said_of_a_network_that_has_some(
    classify, make_input, act, verdict
) -> None:
    channels = 4 if isinstance(act, nn.GLU) else 8
    fit = preflight("guided-backprop", classify(convolutions(act, channels=channels)), make_input())
    assert fit.verdict == verdict


def test_deconvolution_of_an_answer_that_nothing_speaks_for(classify, make_input) -> None:
    """Both trial maps are zero, and alike; the network has its max pooling all the same."""
    network = convolutions(nn.ReLU(), nn.MaxPool2d(2))
    with torch.no_grad():
        network[-1].weight.copy_(-network[-1].weight.abs())
    assert preflight("deconvolution", classify(network), make_input()).verdict == "fits"
    found = run("deconvolution", classify(network), make_input())
    assert "No positive evidence" in " ".join(found.notes)


# -- operations in place, and calls by keyword


class Excited(nn.Module):
    """Squeeze and excitation, in place or not."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.first, self.gate, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 8), nn.Linear(8, 2)
        self.in_place = in_place

    def forward(self, x: Tensor) -> Tensor:
        x = functional.silu(self.first(x))
        gate = torch.sigmoid(self.gate(x.mean((2, 3))))[:, :, None, None]
        if self.in_place:
            x *= gate
            x /= 1 + gate
        else:
            x = x * gate / (1 + gate)
        return self.head(functional.max_pool2d(functional.relu(x), 2).mean((2, 3)))


@pytest.mark.parametrize("name", ["guided-backprop", "deconvolution", "deeplift", "lrp"])
def test_a_gate_in_place_is_a_gate(classify, make_input, name) -> None:
    maps = []
    for in_place in (False, True):
        torch.manual_seed(1)
        maps.append(run(name, classify(Excited(in_place)), make_input()).values)
    assert np.ptp(maps[0]) > 0
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-6 * np.abs(maps[0]).max())


# -- what stands in the way back


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("name", ["guided-backprop", "deconvolution", "deeplift", "lrp"])
def test_checkpoints_are_refused(classify, make_input, name, reentrant) -> None:
    def forgetful(x: Tensor) -> Tensor:
        return checkpoint(
            lambda t: functional.silu(functional.silu(t) * 2), x, use_reentrant=reentrant
        )

    network = convolutions(Call(forgetful), nn.MaxPool2d(2))
    fit = preflight(name, classify(network), make_input())
    assert fit.verdict == "refused"
    assert "heckpoint" in fit.reason


def test_a_way_back_that_was_written_over_is_refused(classify, make_input) -> None:
    def written_over(x: Tensor) -> Tensor:
        x, y = x * 1, x.mean((2, 3), keepdim=True)
        z = x * y
        x += 1
        return z

    network = convolutions(nn.ReLU(), Call(written_over))
    fit = preflight("lrp", classify(network), make_input())
    assert fit.verdict == "refused"
    assert "modified by an inplace operation" in fit.reason


@pytest.mark.parametrize("name", ["guided-backprop", "deconvolution", "deeplift", "lrp"])
def test_whatever_breaks_is_a_refusal(classify, make_input, name) -> None:
    def broken(x: Tensor) -> Tensor:
        if x.requires_grad:
            raise TypeError("it cannot\nbe done")
        return x

    fit = preflight(name, classify(convolutions(nn.ReLU(), Call(broken))), make_input())
    assert fit.verdict == "refused"
    assert fit.reason == "the network does not run by the method's rules (it cannot)"


@pytest.mark.parametrize("name", ["guided-backprop", "deconvolution", "deeplift", "lrp"])
def test_hooks_of_the_user_do_not_stand_in_the_way(classify, make_input, name) -> None:
    def network() -> nn.Sequential:
        second = nn.Conv2d(8, 8, 3)
        nn.init.constant_(second.weight, 0.1)
        return convolutions(nn.ReLU(), second, nn.ReLU(), nn.MaxPool2d(2))

    hooked = network()
    for module in hooked:
        module.register_full_backward_hook(lambda *_: None)
    maps = [run(name, classify(one), make_input()).values for one in (network(), hooked)]
    assert np.ptp(maps[0]) > 0
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-6 * np.abs(maps[0]).max())


# -- what the network has of its own, and nobody has frozen


class Listed(nn.Module):
    """Layers in a plain list, and a scale that is no parameter."""

    def __init__(self, free: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rest = [nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1), nn.Linear(8, 2)]
        self.scale = torch.full((1, 8, 1, 1), 2.0, requires_grad=free)
        for module in self.rest:
            module.requires_grad_(free)

    def forward(self, x: Tensor) -> Tensor:
        first, second, head = self.rest
        scale = self.scale.square()
        x = functional.relu(first(x)) * scale
        return head(functional.max_pool2d(functional.relu(second(x)), 2).mean((2, 3)))


@pytest.mark.parametrize(
    "name", ["guided-backprop", "deconvolution", "deeplift", "lift-cam", "lrp"]
)
def test_leaves_of_the_network_are_constants(classify, make_input, name) -> None:
    found = []
    for free in (False, True):
        network = Listed(free)
        found.append(run(name, classify(network), make_input()))
        assert network.scale.grad is None
    assert np.ptp(found[0].values) > 0
    np.testing.assert_allclose(found[1].values, found[0].values)
    assert found[0].notes == found[1].notes


# -- largest numbers and normalisations


@pytest.mark.parametrize("name", ["guided-backprop", "deeplift", "lrp"])
@pytest.mark.parametrize(
    ("usual", "other"),
    [
        (
            lambda x: functional.adaptive_max_pool2d(functional.relu(x), 1),
            lambda x: functional.relu(x).amax((2, 3), keepdim=True),
        ),
        (
            lambda x: functional.adaptive_max_pool2d(functional.relu(x), 1),
            lambda x: functional.relu(x).flatten(2).amax(-1)[..., None, None],
        ),
        (
            lambda x: functional.relu(functional.group_norm(x, 8)),
            lambda x: functional.relu(functional.instance_norm(x)),
        ),
        (
            lambda x: functional.relu(x / (x.square().mean(-1, keepdim=True) + 0.01).sqrt()),
            lambda x: functional.relu(functional.rms_norm(x, (12,), eps=0.01)),
        ),
    ],
    ids=["amax", "amax of a row", "instance norm", "rms norm"],
)
def test_less_usual_operations_are_their_twins(classify, make_input, name, usual, other) -> None:
    if name == "guided-backprop" and other(torch.rand(1, 8, 12, 12)).shape[-1] > 1:
        pytest.skip("normalisations by hand have activations of their own")
    found = [run(name, classify(convolutions(Call(one))), make_input()) for one in (usual, other)]
    size = np.abs(found[0].values).max()
    assert size > 0
    np.testing.assert_allclose(found[1].values, found[0].values, atol=1e-4 * size)
    if name == "deeplift":
        assert found[1].completeness_error < 1e-3
