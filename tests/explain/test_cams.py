"""Class activation maps against loops over channels, and captum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from galaxyscope.classify.classifier import NetworkInput
from galaxyscope.classify.modes import Mode
from galaxyscope.explain.features import tail, upsampled
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.explain.search import last_feature_map
from galaxyscope.explain.target import Score
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch

CELLS = Affine(a=4, e=4)
"""Two strides of 2 with padding 1: cell i looks at pixel 4 i."""


def assert_close(found, expected, tolerance=1e-4) -> None:
    """Equal to within a fraction of the largest value."""
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def run(name, classifier, net_input, target="Class3.1", **parameters):
    return method(name).explain(classifier, net_input, target, parameters, Watch())


class Hidden(nn.Module):
    """Two strided convolutions, activations as functions, and what follows is not linear."""

    def __init__(self, act=functional.silu) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.one, self.two = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 12, 3, 2, 1)
        self.norm, self.act = nn.BatchNorm2d(12), act
        nn.init.normal_(self.norm.weight)
        self.dense, self.head = nn.Linear(12, 16), nn.Linear(16, 2)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.norm(self.two(self.act(self.one(x)))))

    def after(self, a: torch.Tensor) -> torch.Tensor:
        return 5 * self.head(self.act(self.dense(a.amax((2, 3)) + a.mean((2, 3)))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(self.features(x))


@pytest.fixture(params=[functional.silu, functional.relu, functional.gelu])
def hidden(request, classify):
    return classify(Hidden(request.param))


def inside(classifier, picture, index=0):
    """Features and gradient, (channels, h, w) each."""
    x = torch.from_numpy(picture.pixels)[None]
    a = classifier.network.features(x).detach().requires_grad_(True)
    g = torch.autograd.grad(classifier.network.after(a)[0, index], a)[0]
    return a[0].detach().numpy().astype(float), g[0].numpy().astype(float)


def on_input(coarse: np.ndarray) -> np.ndarray:
    return upsampled(torch.tensor(coarse), CELLS, (24, 24)).numpy()


def test_the_feature_map_is_what_the_pooling_sees(hidden, make_input) -> None:
    picture = make_input()
    x = torch.from_numpy(picture.pixels)[None]
    where = last_feature_map(hidden, x)
    assert (where.shape, where.to_input) == ((12, 6, 6), CELLS)
    rest = tail(hidden, x, where)
    features = hidden.network.features(x)
    with torch.no_grad():
        assert_close(rest(features).numpy(), hidden.network(x).numpy(), 1e-6)
        three = torch.randn(3, 12, 6, 6)
        assert_close(rest(three).numpy(), hidden.network.after(three).numpy(), 1e-6)


def test_a_map_needs_no_more_than_a_search_and_a_way_back(hidden, make_input, monkeypatch) -> None:
    run("grad-cam", hidden, make_input())  # the first picture tries the network out
    asked, logits = [], type(hidden).logits
    monkeypatch.setattr(type(hidden), "logits", lambda *x: asked.append(1) or logits(*x))
    run("grad-cam", hidden, make_input())
    assert len(asked) == 2


def test_a_network_that_was_changed_is_searched_anew(classify, make_input) -> None:
    classifier = classify(Hidden())
    run("grad-cam", classifier, make_input())
    classifier.network.one, classifier.network.two = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 12, 1)
    a, g = inside(classifier, make_input())
    assert a.shape == (12, 24, 24)
    assert_close(run("hires-cam", classifier, make_input()).values, (a * g).sum(0), 1e-3)


def weights_by_loop(name: str, a: np.ndarray, g: np.ndarray) -> np.ndarray:
    """One weight per channel."""
    found = []
    for one, its in zip(a, g, strict=True):
        if name == "grad-cam":
            found.append(its.sum() / its.size)
        elif name == "grad-cam++":
            total, weight = one.sum(), 0.0
            for value in its.ravel():
                below = 2 * value**2 + total * value**3
                weight += (value**2 / below if below else 0) * max(value, 0)
            found.append(weight)
        elif abs(one.sum()) > 0.01 * np.abs(one).sum():
            found.append((its * one).sum() / one.sum())
        else:
            found.append(its.mean())
    return np.array(found)


@pytest.mark.parametrize("name", ["grad-cam", "grad-cam++", "xgrad-cam"])
def test_weighted_maps_equal_the_loop(hidden, make_input, name) -> None:
    a, g = inside(hidden, make_input())
    coarse = np.maximum((weights_by_loop(name, a, g)[:, None, None] * a).sum(0), 0)
    found = run(name, hidden, make_input())
    if coarse.max() == 0:
        assert any("No positive evidence" in note for note in found.notes)
    else:
        assert_close(found.values, on_input(coarse), 1e-3)
    assert not found.signed


def test_maps_with_a_weight_for_each_cell_equal_the_loop(hidden, make_input) -> None:
    a, g = inside(hidden, make_input(), 1)
    hires = sum(one * its for one, its in zip(a, g, strict=True))
    found = run("hires-cam", hidden, make_input(), "Class3.2")
    assert_close(found.values, on_input(hires))
    assert found.signed
    layer = sum(one * np.maximum(its, 0) for one, its in zip(a, g, strict=True))
    assert_close(
        run("layer-cam", hidden, make_input(), "Class3.2").values, on_input(np.maximum(layer, 0))
    )


def test_eigen_cam_is_the_first_component_and_knows_no_target(hidden, make_input) -> None:
    a, _ = inside(hidden, make_input())
    flat = a.reshape(12, 36).T
    values, vectors = np.linalg.eigh(flat.T @ flat)
    along = flat @ vectors[:, values.argmax()]
    along *= np.sign(along @ flat.sum(1))
    found = run("eigen-cam", hidden, make_input()).values
    assert_close(found, on_input(np.maximum(along.reshape(6, 6), 0)), 1e-3)
    np.testing.assert_array_equal(found, run("eigen-cam", hidden, make_input(), "Class3.2").values)


def test_cam_has_the_weights_of_the_last_layer(small, make_input) -> None:
    picture, network = make_input(), small.network
    a = network.features(torch.from_numpy(picture.pixels)[None])[0].detach().numpy()
    weights = 10 * network.head.weight[2].detach().numpy() / 36
    coarse = np.tensordot(weights, a, 1)
    found = run("cam", small, picture, "Class1.1")
    assert_close(found.values, on_input(coarse))
    with torch.no_grad():
        answer = network(torch.from_numpy(picture.pixels)[None])[0, 2] - 10 * network.head.bias[2]
    assert coarse.sum() == pytest.approx(float(answer), rel=1e-4)
    for same in ("hires-cam",):
        assert_close(run(same, small, picture, "Class1.1").values, found.values)


def score_cam_by_loop(classifier, picture, a: np.ndarray, channels: list[int]) -> np.ndarray:
    def logit(pixels: np.ndarray) -> float:
        with torch.no_grad():
            return float(classifier.network(torch.tensor(pixels[None], dtype=torch.float32))[0, 0])

    gains = []
    for k in channels:
        mask = on_input(a[k])
        mask = (mask - mask.min()) / (mask.max() - mask.min())
        gains.append(logit(picture.pixels * mask) - logit(0 * picture.pixels))
    weights = np.exp(gains) / np.exp(gains).sum()
    return on_input(np.maximum(sum(w * a[k] for w, k in zip(weights, channels, strict=True)), 0))


def test_score_cam_equals_the_loop(hidden, make_input) -> None:
    picture = make_input()
    a, _ = inside(hidden, picture)
    live = [k for k in range(12) if a[k].std() > 0]
    assert_close(run("score-cam", hidden, picture).values,
                 score_cam_by_loop(hidden, picture, a, live), 1e-3)  # fmt: skip
    top = sorted(live, key=lambda k: -a[k].std())[:4]
    found = run("faster-score-cam", hidden, picture, channels=4)
    assert_close(found.values, score_cam_by_loop(hidden, picture, a, top), 1e-3)
    assert dict(found.parameters) == {"channels": 4}


@pytest.mark.parametrize("name", ["score-cam", "ablation-cam"])
def test_channels_come_in_the_batches_of_answers(hidden, make_input, name) -> None:
    """Nobody goes back through the network: the batch that is best for that says nothing."""
    hidden.calibrated({("forward", "fp32"): Mode(batch=5), ("backward", "fp32"): Mode(batch=2)})
    heard: list[int] = []
    watch = Watch(lambda done, total, result: heard.append(done))
    method(name).explain(hidden, make_input(), "Class3.1", {}, watch)
    assert heard[:2] == [0, 5]


def test_ablation_cam_equals_the_loop(hidden, make_input) -> None:
    picture = make_input()
    a, _ = inside(hidden, picture)
    lost = []
    with torch.no_grad():
        whole = float(hidden.network.after(torch.tensor(a[None], dtype=torch.float32))[0, 0])
        for k in range(12):
            less = a.copy()
            less[k] = 0
            less = torch.tensor(less[None], dtype=torch.float32)
            lost.append(whole - float(hidden.network.after(less)[0, 0]))
    coarse = np.maximum((np.array(lost)[:, None, None] * a).sum(0), 0)
    assert_close(run("ablation-cam", hidden, picture).values, on_input(coarse), 1e-3)


def test_lift_cam_behind_a_mean_is_ablation_cam(small, make_input) -> None:
    """There each channel brings w_k mean(A_k), and takes as much with it."""
    lift = run("lift-cam", small, make_input()).values
    assert_close(lift, run("ablation-cam", small, make_input()).values)


class Dense(Hidden):
    def after(self, a: torch.Tensor) -> torch.Tensor:
        return 5 * self.head(self.act(self.dense(a.mean((2, 3)))))


def test_lift_cam_weights_sum_to_the_answers_change(classify, make_input) -> None:
    from galaxyscope.explain.deeplift import multipliers

    classifier, picture = classify(Dense()), make_input()
    a, _ = inside(classifier, picture)
    features = torch.tensor(a[None], dtype=torch.float32)
    found = multipliers(
        classifier.network.after, features, torch.zeros_like(features), Score(0), Watch()
    )
    weights = (found * features).sum((2, 3))[0].numpy()
    with torch.no_grad():
        after = classifier.network.after
        change = float((after(features) - after(0 * features))[0, 0])
    assert weights.sum() == pytest.approx(change, rel=1e-4)
    coarse = np.maximum(np.tensordot(weights, a, 1), 0)
    assert_close(run("lift-cam", classifier, picture).values, on_input(coarse), 1e-3)


def test_lift_cam_tells_when_its_weights_miss_the_answers_change(
    small, make_input, monkeypatch
) -> None:
    from galaxyscope.explain import cam

    assert run("lift-cam", small, make_input()).notes == ()
    right = cam.multipliers
    monkeypatch.setattr(cam, "multipliers", lambda *given: 1.5 * right(*given))
    notes = run("lift-cam", small, make_input()).notes
    assert "What the channels bring should sum" in " ".join(notes)
    assert "by 50 %" in " ".join(notes)


def test_guided_grad_cam_is_the_product(hidden, make_input) -> None:
    picture = make_input()
    guided = run("guided-backprop", hidden, picture, "Class3.2").values
    coarse = run("grad-cam", hidden, picture, "Class3.2").values
    assert coarse.max() > 0
    assert_close(run("guided-grad-cam", hidden, picture, "Class3.2").values, guided * coarse)


def test_grad_cam_equals_captum_where_the_features_are_a_module(small, make_input) -> None:
    from captum.attr import LayerGradCam

    picture = make_input()
    x = torch.from_numpy(picture.pixels)[None]
    theirs = LayerGradCam(small.network, small.network.features[-1]).attribute(
        x, target=1, relu_attributions=True
    )
    found = run("grad-cam", small, picture, "Class3.2").values
    assert_close(found, on_input(theirs[0, 0].detach().numpy()))


def test_cam_fits_a_network_that_rounds(classify, make_input) -> None:
    """In bfloat16 nothing is linear to three digits."""

    class Rounding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.features = nn.Sequential(nn.Conv2d(3, 16, 5, padding=2), nn.ReLU()).bfloat16()
            self.head = nn.Linear(16, 2).bfloat16()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.features(x.bfloat16()).mean((2, 3))).float()

    class Dense(Rounding):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(16 * 24 * 24, 2).bfloat16()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.features(x.bfloat16()).flatten(1)).float()

    assert preflight("cam", classify(Rounding()), make_input()).verdict == "fits"
    assert preflight("cam", classify(Dense()), make_input()).verdict == "refused"


@pytest.mark.parametrize("name", ["eigen-cam", "grad-cam"])
def test_features_that_are_no_numbers_give_no_map(classify, name) -> None:
    class Scaled(Hidden):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x / x.amax((1, 2, 3), keepdim=True))

    black = NetworkInput(np.zeros((3, 24, 24), np.float32), Affine())
    with pytest.raises(ValueError, match="no finite map"):
        run(name, classify(Scaled()), black)
