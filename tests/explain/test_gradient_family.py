"""Gradients along lines and in second order, against loops, captum and known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.explain.registry import method
from galaxyscope.work.watch import Watch
from tests.explain.draws import drawn


def assert_close(found, expected, tolerance=1e-4) -> None:
    """Equal to within a fraction of the largest value."""
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def run(name, classifier, net_input, target="Class3.1", watch=None, **parameters):
    return method(name).explain(classifier, net_input, target, parameters, watch or Watch())


def one_gradient(classifier, pixels, index=0):
    x = torch.tensor(np.asarray(pixels, np.float32)[None], requires_grad=True)
    classifier.network(x)[0, index].backward()
    return x.grad[0].numpy()


class Of(nn.Module):
    """A network whose logit is a function of the picture, summed over all pixels."""

    def __init__(self, function, weight=None) -> None:
        super().__init__()
        self.function = function
        self.weight = torch.as_tensor(1.0 if weight is None else weight, dtype=torch.float32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = (self.weight * self.function(x)).sum((1, 2, 3))
        return torch.stack([score, -score], dim=1)


def test_input_times_gradient_is_their_product(small, make_input) -> None:
    picture = make_input()
    found = run("input-x-gradient", small, picture)
    assert_close(found.values, (picture.pixels * one_gradient(small, picture.pixels)).sum(0))
    assert found.signed


@pytest.mark.parametrize("name", ["smoothgrad-squared", "vargrad"])
def test_second_order_equals_the_literal_loop(small, make_input, name) -> None:
    picture, samples = make_input(), 20
    sigma = 0.2 * np.ptp(picture.pixels)
    gradients = np.array(
        [one_gradient(small, picture.pixels + sigma * drawn(7, k)) for k in range(samples)],
        np.float64,
    )
    oracle = gradients.var(0) if name == "vargrad" else (gradients**2).mean(0)
    found = run(name, small, picture, samples=samples, noise=0.2, seed=7)
    assert_close(found.values, oracle.sum(0), 1e-3)
    assert not found.signed
    assert found.values.min() >= 0


def test_the_gradient_of_a_linear_network_does_not_vary(classify, make_input) -> None:
    weight = np.random.default_rng(0).normal(size=(3, 24, 24))
    linear = classify(Of(lambda x: x, weight))
    found = run("vargrad", linear, make_input(), samples=16)
    assert found.values.max() == 0
    assert any("points nowhere" in note for note in found.notes)
    assert_close(
        run("smoothgrad-squared", linear, make_input(), samples=16).values, (weight**2).sum(0)
    )


def test_integrated_gradients_equals_the_literal_loop_and_captum(small, make_input) -> None:
    picture, steps = make_input(), 12
    total = np.zeros((3, 24, 24))
    for k in range(steps):
        total += one_gradient(small, picture.pixels * (k + 0.5) / steps, 1) / steps
    found = run("integrated-gradients", small, picture, "Class3.2", steps=steps)
    assert_close(found.values, (total * picture.pixels).sum(0))
    assert found.signed
    assert found.blocks is None, "steps of a line are no estimates of the map"
    from captum.attr import IntegratedGradients

    x = torch.from_numpy(picture.pixels)[None]
    theirs = IntegratedGradients(small.network).attribute(
        x, target=1, n_steps=steps, method="riemann_middle"
    )
    assert_close(found.values, theirs[0].sum(0).numpy())


@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift"])
def test_a_saturated_unit_gets_what_it_brought(classify, make_input, name) -> None:
    """1 − relu(1 − x): at x = 2 the gradient is zero, and yet x brought 1."""
    pixels = np.full((3, 4, 4), 2.0)
    saturated = classify(Of(lambda x: 1 - (1 - x).relu()))
    found = run(name, saturated, make_input(pixels))
    assert_close(found.values, np.full((4, 4), 3.0), 1e-5)
    assert found.completeness_error < 1e-5
    assert run("gradient", saturated, make_input(pixels)).values.max() == 0


@pytest.mark.parametrize(
    ("name", "tolerance"), [("integrated-gradients", 1e-4), ("deeplift", 1e-5)]
)
def test_pixels_of_an_additive_network_get_their_own_term(
    classify, make_input, name, tolerance
) -> None:
    weight = np.random.default_rng(1).normal(size=(3, 24, 24))
    picture = make_input()
    found = run(name, classify(Of(lambda x: torch.nn.functional.silu(3 * x) + 1, weight)), picture)
    x = torch.from_numpy(picture.pixels)
    oracle = (weight * torch.nn.functional.silu(3 * x).numpy()).sum(0)
    assert_close(found.values, oracle, tolerance)
    assert found.completeness_error < tolerance


def test_too_few_steps_are_told(classify, make_input) -> None:
    """A step function that two points on the line miss."""
    network = classify(Of(lambda x: torch.sigmoid(200 * (x - 0.6)) * x))
    picture = make_input(np.linspace(0.9, 1.1, 16).reshape(1, 4, 4).repeat(3, 0))
    coarse = run("integrated-gradients", network, picture, steps=2)
    assert coarse.completeness_error > 0.4
    assert any("misses it by" in note for note in coarse.notes)
    fine = run("integrated-gradients", network, picture, steps=1000)
    assert fine.completeness_error < 0.01
    assert fine.notes == ()


def test_smooth_integrated_gradients_equals_the_literal_loop(small, make_input) -> None:
    picture, steps, copies = make_input(), 5, 3
    sigma = 0.1 * np.ptp(picture.pixels)
    total = np.zeros((3, 24, 24))
    for copy in range(copies):
        noisy = picture.pixels + sigma * drawn(4, copy)
        for step in range(steps):
            total += one_gradient(small, noisy * (step + 0.5) / steps) * noisy
    ask = {"steps": steps, "copies": copies, "seed": 4}
    found = run("smooth-integrated-gradients", small, picture, noise=0.1, **ask)
    assert_close(found.values, total.sum(0) / steps / copies)
    calm = run("smooth-integrated-gradients", small, picture, noise=0, **ask)
    assert_close(calm.values, run("integrated-gradients", small, picture, steps=steps).values)


def test_smooth_integrated_gradients_has_blocks_of_whole_lines(small, make_input) -> None:
    ask = {"steps": 4, "noise": 0.3}
    found = run("smooth-integrated-gradients", small, make_input(), copies=16, **ask)
    assert len(found.blocks) == 8
    assert_close(found.blocks.mean(0), found.values)
    assert run("smooth-integrated-gradients", small, make_input(), copies=9, **ask).blocks is None


def test_gradient_shap_of_a_linear_network_is_known(classify, make_input) -> None:
    """Weight × (picture − mean reference), and complete, whatever the random places."""
    weight = np.random.default_rng(0).normal(size=(3, 24, 24))
    linear, picture = classify(Of(lambda x: x, weight)), make_input()
    found = run("gradient-shap", linear, picture, samples=32, references=4, noise=0)
    assert_close(found.values, (weight * picture.pixels).sum(0))
    skies = 0.2 * np.ptp(picture.pixels) * np.mean([drawn(2**32 + 3, k) for k in range(4)], axis=0)
    noisy = run("gradient-shap", linear, picture, samples=32, references=4, noise=0.2, seed=3)
    assert_close(noisy.values, (weight * (picture.pixels - skies)).sum(0))
    assert noisy.completeness_error < 1e-3


def test_gradient_shap_comes_near_integrated_gradients(small, make_input) -> None:
    picture = make_input()
    exact = run("integrated-gradients", small, picture).values
    found = run("gradient-shap", small, picture, samples=2000, noise=0).values
    few = run("gradient-shap", small, picture, samples=8, noise=0).values
    assert np.abs(found - exact).max() < 0.05 * np.abs(exact).max()
    assert np.abs(few - exact).max() > 2 * np.abs(found - exact).max()
