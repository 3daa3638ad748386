"""Which method fits which network, and what is said of odd maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.classify.classifier import NetworkInput
from galaxyscope.explain.postflight import completeness_error, oddities
from galaxyscope.explain.preflight import FITS, preflight
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch


def network(act: type[nn.Module], *head: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    tail = head or (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))
    return nn.Sequential(nn.Conv2d(3, 4, 3), act(), nn.Conv2d(4, 6, 3, stride=2), act(), *tail)


class Tokens(nn.Module):
    """Patches, self-attention, mean."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.head = nn.Linear(48, 8), nn.Linear(8, 2)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).reshape(len(x), -1, 48)
        return self.head(self.block(self.patches(x)).mean(1))


NETWORKS = {
    "relu": lambda: network(nn.ReLU),
    "relu in place": lambda: network(lambda: nn.ReLU(inplace=True)),
    "silu": lambda: network(nn.SiLU),
    "gelu": lambda: network(nn.GELU),
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * 24 * 24, 2)),
    "max": lambda: network(nn.ReLU, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(6, 2)),
    "silu max": lambda: network(nn.SiLU, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(6, 2)),
    "mlp": lambda: network(
        nn.ReLU, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 2)
    ),
    "tokens": Tokens,
}


@pytest.mark.parametrize(
    ("name", "kind", "verdict", "says"),
    [
        ("guided-backprop", "relu", "fits", ""),
        ("guided-backprop", "relu in place", "fits", ""),
        ("guided-backprop", "silu", "adapted", "made for ReLU and the network has silu"),
        ("guided-backprop", "gelu", "adapted", "made for ReLU and the network has gelu"),
        ("guided-backprop", "linear", "refused", "would be the plain gradient"),
        ("deconvolution", "silu", "refused", "would be the same for every galaxy"),
        ("deconvolution", "relu", "refused", "would be the same for every galaxy"),
        ("deconvolution", "max", "fits", ""),
        ("deconvolution", "silu max", "adapted", "whatever the slope"),
        ("deconvolution", "linear", "refused", "would be"),
        ("guided-grad-cam", "silu", "adapted", "made for ReLU"),
        ("guided-grad-cam", "linear", "refused", "no feature map"),
        ("cam", "relu", "fits", ""),
        ("cam", "silu", "fits", ""),
        ("cam", "max", "refused", "averaged and goes into one linear layer"),
        ("cam", "mlp", "refused", "averaged and goes into one linear layer"),
        ("cam", "linear", "refused", "no feature map"),
        ("xgrad-cam", "relu", "fits", ""),
        ("xgrad-cam", "silu", "adapted", "negative values"),
        ("grad-cam", "mlp", "fits", ""),
        ("grad-cam", "tokens", "refused", "no feature map"),
        ("lift-cam", "mlp", "fits", ""),
        ("deeplift", "max", "fits", ""),
        ("deeplift", "gelu", "fits", ""),
        ("deeplift", "tokens", "refused", "no rule for"),
        ("lrp", "silu", "fits", ""),
        ("lrp", "tokens", "adapted", "no rule for attention"),
        ("gradient", "tokens", "fits", ""),
        ("integrated-gradients", "linear", "fits", ""),
    ],
)
def test_fit(classify, make_input, name, kind, verdict, says) -> None:
    classifier, picture = classify(NETWORKS[kind]()), make_input()
    fit = preflight(name, classifier, picture)
    assert fit.verdict == verdict
    assert says in fit.reason
    assert (fit == FITS) is (verdict == "fits")

    def explain():
        return method(name).explain(classifier, picture, "Class3.1", {}, Watch())

    if verdict == "refused":
        with pytest.raises(ValueError, match="does not fit small") as error:
            explain()
        assert fit.reason in str(error.value)
    else:
        notes = explain().notes
        assert (f"Adapted: {fit.reason}." in notes) is (verdict == "adapted")


class Shuffled(nn.Module):
    """An augmentation that was left in: the columns of the picture in another order each time."""

    def __init__(self) -> None:
        super().__init__()
        self.network = network(nn.ReLU)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x[..., torch.randperm(x.shape[-1])])


def test_a_random_network_is_known_without_a_picture_too(classify) -> None:
    classifier = classify(Shuffled())
    classifier.card.input_size = 24
    fit = preflight("grad-cam", classifier)
    assert (fit.verdict, classifier.random) == ("refused", True)
    assert "the network is random" in fit.reason


class Particular(nn.Module):
    """Wants pictures of its own kind."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.network, self.error = network(nn.ReLU), error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1] != 1:
            raise self.error
        return self.network(x)


@pytest.mark.parametrize("name", ["gradient", "grad-cam", "guided-backprop", "attention-rollout"])
@pytest.mark.parametrize("error", [AssertionError(), KeyError("grey"), RuntimeError("one channel")])
def test_a_network_that_does_not_run_is_refused(classify, make_input, name, error) -> None:
    fit = preflight(name, classify(Particular(error)), make_input())
    assert fit.verdict == "refused"
    said = str(error) or "AssertionError"
    assert fit.reason == f"the network does not run on such a picture ({said})"


def test_no_picture_gives_the_same_verdict(classify, make_input) -> None:
    classifier = classify(NETWORKS["silu"]())
    classifier.card.input_size = 24
    for name in METHODS:
        assert preflight(name, classifier) == preflight(name, classifier, make_input())


@pytest.mark.parametrize("kind", list(NETWORKS))
def test_a_method_that_fits_runs(classify, make_input, few, kind) -> None:
    """Also on networks without convolutions, and with ReLU in place."""
    classifier, picture = classify(NETWORKS[kind]()), make_input()
    for name in METHODS:
        if preflight(name, classifier, picture).verdict != "refused":
            found = method(name).explain(classifier, picture, "Class3.2", few(name), Watch())
            assert np.isfinite(found.values).all(), name


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_every_method_runs_on_the_shipped_network(few, name) -> None:
    from galaxyscope.classify.store import load_model
    from galaxyscope.resources import samples_folder
    from galaxyscope.sky.readers import list_images, open_image

    classifier = load_model(device="cpu")
    picture: NetworkInput = classifier.prepare(open_image(list_images(samples_folder())[0]))
    refused = preflight(name, classifier).verdict == "refused"
    # There is no max pooling, and no attention.
    assert refused is (name in {"deconvolution", "attention-relevance", "attention-rollout"})
    if refused:
        return
    found = method(name).explain(classifier, picture, "bar", few(name), Watch())
    assert np.ptp(found.values) > 0
    assert found.to_cutout == picture.to_cutout != Affine()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([[1, 2], [3, -4]], []),
        ([[2, 2], [2, 2]], ["points nowhere"]),
        ([[0, -1], [-2, 0]], ["No positive evidence: nothing in the picture speaks for bar"]),
        ([[0, 0], [0, 0]], ["points nowhere", "No positive evidence"]),
    ],
)
def test_odd_maps_are_told(values, says) -> None:
    found = oddities(np.array(values, np.float32), "bar")
    assert len(found) == len(says)
    assert all(part in note for part, note in zip(says, found, strict=True))


def test_a_sum_that_is_missed_is_told() -> None:
    values = np.array([[1.0, 2.0]], np.float32)
    assert completeness_error(values, 3.0) == 0
    assert completeness_error(values, -3.0) == 2
    assert completeness_error(values, 0.0) == float("inf")
    assert completeness_error(0 * values, 0.0) == 0
    assert oddities(values, "bar", 0.04) == ()
    assert "misses it by 6 %" in oddities(values, "bar", 0.06)[0]
