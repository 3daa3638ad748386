"""Methods with rules of their own, on networks written in unusual ways: right, or refused."""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from galaxyscope.classify.exported import ExportedNetwork
from galaxyscope.classify.pt2 import read_program
from galaxyscope.explain.operations import chord
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.work.watch import Watch


def run(name, classifier, net_input, target="bar", **parameters):
    return method(name).explain(classifier, net_input, target, parameters, Watch())


def convolutions(*between: nn.Module, channels: int = 8) -> nn.Sequential:
    """Convolution, what stands between, mean, linear."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1),
        *between,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, 2),
    )


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


# -- softmax


@pytest.mark.parametrize("target", ["p(bar)", "-p(bar)", "p(bar-vs-siblings)"])
def test_lrp_refuses_the_probability_of_a_softmax(classify, make_input, target) -> None:
    classifier, picture = classify(convolutions(nn.ReLU())), make_input()
    assert preflight("lrp", classifier, picture, target).verdict != "refused"  # of a sigmoid
    classifier.card.activation = "softmax"
    fit = preflight("lrp", classifier, picture, target)
    assert fit.verdict == "refused"
    assert "ask for the logit" in fit.reason
    with pytest.raises(ValueError, match="does not fit small: LRP has no rule for the probability"):
        run("lrp", classifier, picture, target)
    for logit in ("logit(bar)", "-bar", "bar-vs-siblings"):
        assert preflight("lrp", classifier, picture, logit).verdict == "fits"


def test_lrp_refuses_a_network_that_ends_in_softmax(classify, make_input) -> None:
    fit = preflight(
        "lrp", classify(nn.Sequential(convolutions(nn.ReLU()), nn.Softmax(1))), make_input()
    )
    assert fit.verdict == "refused"
    assert "ends in a softmax" in fit.reason


# -- DeepLIFT


def exported(network: nn.Module, size: int = 24) -> nn.Module:
    """Run a network as an exported program, operation by operation."""
    program = torch.export.export(
        network.eval(),
        (torch.rand(2, 3, size, size),),
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        strict=False,
    )
    file = io.BytesIO()
    torch.export.save(program, file)
    return ExportedNetwork(read_program(file.getvalue())).eval()


@pytest.mark.parametrize(
    "between",
    [
        lambda: (nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
        lambda: (nn.ReLU(), nn.AdaptiveMaxPool2d(3)),
        lambda: (nn.GroupNorm(2, 8), nn.ReLU()),
        lambda: (nn.LayerNorm((8, 12, 12)), nn.GELU()),
    ],
    ids=["max pooling", "adaptive max pooling", "group norm", "layer norm"],
)
def test_deeplift_of_an_exported_program_is_that_of_its_network(
    classify, make_input, between
) -> None:
    network, picture = convolutions(*between()), make_input()
    program = classify(exported(network))
    for name in ("deeplift", "deeplift-shap", "lrp", "guided-backprop"):
        expected = run(name, classify(network), picture).values
        found = run(name, program, picture)
        np.testing.assert_allclose(found.values, expected, atol=1e-4 * np.abs(expected).max())
    assert run("deeplift", program, picture).completeness_error < 1e-3
    assert preflight("lift-cam", program, picture).verdict != "refused"


@pytest.mark.parametrize(
    "call",
    [
        lambda x: torch.max_pool2d(functional.relu(x), 2),
        lambda x: functional.max_pool2d(functional.relu(x), 2, None, 0, 1, False, False),
        lambda x: functional.gelu(torch.layer_norm(x, normalized_shape=(12,), eps=1e-4)),
        lambda x: functional.gelu(torch.group_norm(x, 4, eps=1e-4, cudnn_enabled=False)),
    ],
)
def test_deeplift_takes_its_operations_however_they_are_called(classify, make_input, call) -> None:
    found = run("deeplift", classify(convolutions(Call(call))), make_input())
    assert found.completeness_error < 1e-3


class Normalised(nn.Module):
    """Layer normalisation of tokens that are exactly zero without light."""

    def __init__(self, by_hand: bool) -> None:
        super().__init__()
        self.by_hand = by_hand
        self.patches, self.head = nn.Conv2d(3, 8, 4, 4, bias=False), nn.Linear(8, 2)
        self.dense = nn.Linear(8, 8)

    def normalise(self, x: Tensor) -> Tensor:
        if not self.by_hand:
            return functional.layer_norm(x, (8,), eps=1e-6)
        centred = x - x.mean(-1, keepdim=True)
        return centred / torch.sqrt(centred.pow(2).mean(-1, keepdim=True) + 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).mT
        x = x + self.dense(functional.gelu(self.normalise(x)))
        return self.head(functional.gelu(self.normalise(x)).mean(1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Normalised(by_hand=False),
        lambda: Normalised(by_hand=True),
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), convolutions(nn.GroupNorm(2, 8), nn.ReLU())[1:]
        ),
    ],
    ids=["layer", "layer by hand", "group"],
)
def test_deeplift_stays_small_where_the_reference_has_no_variance(
    classify, make_input, make
) -> None:
    """1/σ of a black sky is hundreds of times that of the picture."""
    torch.manual_seed(0)
    found = run("deeplift", classify(make()), make_input())
    assert found.completeness_error < 1e-3
    assert np.abs(found.values).sum() < 100


@pytest.mark.parametrize("function", [torch.rsqrt, torch.exp, functional.softplus, torch.tanh])
@pytest.mark.parametrize("start", [1e-6, 1e-3, 0.3, 20.0])
@pytest.mark.parametrize("step", [1e-7, 1e-5, 1e-3, 2e-2, 1.0])
def test_the_chord_is_that_of_double_precision(function, start, step) -> None:
    x0 = torch.tensor([start], dtype=torch.float64)
    x = x0 * (1 + step) + step * 1e-3
    expected = (function(x) - function(x0)) / (x - x0)
    x, x0 = x.float(), x0.float()
    found = chord(function, x, function(x), x0, function(x0))
    assert float(found) == pytest.approx(float(expected), rel=5e-3, abs=1e-12)


def test_deeplift_refuses_a_network_that_stops_early_for_the_picture(classify, make_input) -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            y = functional.silu(self.first(x))
            if float(x.detach().mean()) < 0.05:
                y = functional.silu(y)
            return self.head(y.mean((2, 3)))

    with pytest.raises(ValueError, match="does the same for every picture"):
        run("deeplift", classify(Early()), make_input())


def test_deeplift_shap_of_a_network_that_views_channels_as_pictures(classify, make_input) -> None:
    class Channels(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Conv2d(1, 4, 3, 2, 1), nn.Linear(12, 2)

        def forward(self, x: Tensor) -> Tensor:
            n, c, h, w = x.shape
            y = functional.relu(self.first(x.view(n * c, 1, h, w))).mean((2, 3))
            return self.head(y.view(n, -1))

    found = run("deeplift-shap", classify(Channels()), make_input(), samples=4)
    assert found.completeness_error < 1e-3


# -- activations that are written out

GELU_TANH = 0.7978845608


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


def in_place(x: Tensor) -> Tensor:
    x = x * 1
    x *= torch.sigmoid(x)
    return x


def masked_in_place(x: Tensor) -> Tensor:
    x = x + 0
    return x.masked_fill_(x < 0, 0)


RELU = functional.relu
WRITTEN_OUT = {
    "x * sigmoid(x)": (functional.silu, lambda x: x * torch.sigmoid(x)),
    "sigmoid(x).mul(other=x)": (functional.silu, lambda x: torch.sigmoid(x).mul(other=x)),
    "x *= sigmoid(x)": (functional.silu, in_place),
    "x / (1 + exp(-x))": (functional.silu, lambda x: x / (1 + torch.exp(-x))),
    "x * expit(x)": (functional.silu, lambda x: x * torch.special.expit(x)),
    "x * relu6(x + 3) / 6": (functional.hardswish, lambda x: x * functional.relu6(x + 3) / 6),
    "gelu with erf": (functional.gelu, lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5))),
    "gelu with tanh": (
        lambda x: functional.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + torch.tanh(GELU_TANH * (x + 0.044715 * x**3))),
    ),
    "gelu(input=x)": (functional.gelu, lambda x: functional.gelu(input=x)),
    "threshold": (RELU, nn.Threshold(0, 0)),
    "maximum": (RELU, lambda x: torch.maximum(x, torch.zeros(()))),
    "max of two": (RELU, lambda x: torch.max(torch.zeros_like(x), x)),
    "where": (RELU, lambda x: torch.where(x > 0, x, 0.0)),
    "masked_fill": (RELU, lambda x: x.masked_fill(x < 0, 0)),
    "masked_fill_": (RELU, masked_in_place),
    "x * (x > 0)": (RELU, lambda x: x * (x > 0)),
    "x * ~(x <= 0) as numbers": (RELU, lambda x: (~(x <= 0)).float() * x),
    "glu": (
        lambda x: (x[:, :4] * torch.sigmoid(x[:, 4:])).repeat(1, 2, 1, 1),
        lambda x: functional.glu(x, 1).repeat(1, 2, 1, 1),
    ),
}


@pytest.mark.parametrize("name", ["guided-backprop", "deeplift", "lrp"])
@pytest.mark.parametrize("kind", WRITTEN_OUT)
def test_an_activation_that_is_written_out_is_that_activation(
    classify, make_input, kind, name
) -> None:
    maps, verdicts = [], []
    for function in WRITTEN_OUT[kind]:
        act = Call(function)
        torch.manual_seed(0)
        classifier = classify(convolutions(act, nn.Conv2d(8, 8, 3, 1, 1), act, nn.MaxPool2d(2)))
        verdicts.append(preflight(name, classifier, make_input()).verdict)
        maps.append(run(name, classifier, make_input()).values)
    assert np.ptp(maps[0]) > 0
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-4 * np.abs(maps[0]).max())
    if name == "guided-backprop":
        assert verdicts[0] == "fits" if WRITTEN_OUT[kind][0] is RELU else "adapted"
        assert "refused" not in verdicts


def test_what_was_written_over_is_not_taken_for_what_it_was(classify, make_input) -> None:
    """The gate belongs to the tensor as it was before one was added."""

    def gate(x: Tensor) -> Tensor:
        s = torch.sigmoid(x)
        x += 1
        return x * s

    found = run("deeplift", classify(convolutions(Call(gate))), make_input())
    same = run(
        "deeplift", classify(convolutions(Call(lambda x: (x + 1) * torch.sigmoid(x)))), make_input()
    )
    assert found.completeness_error < 1e-3
    assert same.completeness_error < 1e-3
    assert "products of two activations" in found.notes[0]
    assert same.notes == ()


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


def test_lrp_takes_attention_by_keyword(classify, make_input) -> None:
    class Attentive(nn.Module):
        def __init__(self, keywords: bool) -> None:
            super().__init__()
            self.patches, self.head = nn.Conv2d(3, 8, 6, 6), nn.Linear(8, 2)
            self.keywords = keywords

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).flatten(2).mT
            attend = functional.scaled_dot_product_attention
            y = (
                attend(query=x, key=2 * x, value=3 * x)
                if self.keywords
                else attend(x, 2 * x, 3 * x)
            )
            return self.head(functional.gelu(x + y).mean(1))

    maps = []
    for keywords in (False, True):
        torch.manual_seed(0)
        maps.append(run("lrp", classify(Attentive(keywords)), make_input()).values)
    assert np.ptp(maps[0]) > 0
    np.testing.assert_array_equal(*maps)


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
