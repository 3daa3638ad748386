"""Occlusion, RISE and KernelSHAP against captum, literal loops and known Shapley values."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from torch import nn

from galaxyscope.explain import elime, engine, lime, perturbation
from galaxyscope.explain.perturbation import coalitions, constrained, smooth_masks, windows
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.explain.segments import sky_colour
from galaxyscope.work.watch import Cancelled, Watch

ALL = {
    "occlusion": {"window": 6, "stride": 3},
    "rise": {"samples": 40},
    "kernel-shap": {"samples": 60},
    "lime": {"samples": 60, "kernel_size": 2.0},
    "lime/fine": {"samples": 60, "kernel_size": 1.5},
    "e-lime": {"evaluations": 60, "kernel_size": 1.5},
    "xrai": {"samples": 21},
}


def run(name, classifier, net_input, target="Class3.1", watch=None, **parameters):
    return method(name).explain(classifier, net_input, target, parameters, watch or Watch())


class Score(nn.Module):
    """Logit = function of the picture; the second class says the opposite."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = self.function(x)
        return torch.stack([score, -score], dim=1)


def quadrants(size: int = 24, side: int = 2) -> np.ndarray:
    cell = np.arange(size) * side // size
    return (cell[:, None] * side + cell[None]).astype(np.int32)


def test_all_methods_of_the_registry_are_here() -> None:
    assert set(ALL) == {n for n, one in METHODS.items() if one.card.family == "Perturbation"}


@pytest.mark.parametrize("name", ALL)
def test_maps_do_not_depend_on_the_batch_and_leave_the_network_alone(
    small, make_input, monkeypatch, name
) -> None:
    maps = []
    small.network.drop.train()
    for batch in (1, 7, 500):
        monkeypatch.setattr(engine, "batch_size", lambda *_, batch=batch: batch)
        found = run(name, small, make_input(), **ALL[name])
        maps.append(found.values)
        assert small.network.drop.training
        assert not small.network.features.training
        assert found.parameters.keys() == {p.name for p in method(name).card.parameters}
    assert np.ptp(maps[0]) > 0
    for values in maps[1:]:
        np.testing.assert_allclose(values, maps[0], atol=2e-4 * np.abs(maps[0]).max())


@pytest.mark.parametrize("name", [n for n in ALL if not method(n).card.deterministic])
def test_a_seed_reproduces_the_map_and_another_does_not(
    small, make_input, monkeypatch, name
) -> None:
    monkeypatch.setattr(perturbation, "segments_of", lambda *_: quadrants(24, 4))
    first, again, other = (run(name, small, make_input(), **ALL[name], seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.values, again.values)
    if name != "e-lime":  # both may find the best mask
        assert np.abs(first.values - other.values).max() > 1e-4 * np.abs(first.values).max()


@pytest.mark.parametrize("name", ALL)
def test_cancel_stops_before_the_next_batch(small, make_input, monkeypatch, name) -> None:
    monkeypatch.setattr(engine, "batch_size", lambda *_: 4)
    for module in (elime, lime, perturbation):
        monkeypatch.setattr(module, "segments_of", lambda *_: quadrants(24, 5))
    seen, watch = [], Watch()
    logits = small.logits

    def counted(x: torch.Tensor) -> torch.Tensor:
        seen.append(len(x))
        if len(seen) == 3:
            watch.cancel()
        return logits(x)

    monkeypatch.setattr(small, "logits", counted)
    small.network.drop.train()
    with pytest.raises(Cancelled):
        run(name, small, make_input(), watch=watch, **ALL[name])
    assert len(seen) == 3
    assert max(seen) <= 4, "memory is bounded by one batch"
    assert small.network.drop.training


@pytest.mark.parametrize("name", ALL)
def test_progress_grows_to_the_end_and_the_last_report_is_the_result(
    small, make_input, name
) -> None:
    reports = []
    watch = Watch(lambda *report: reports.append(report))
    result = run(name, small, make_input(), watch=watch, **ALL[name])
    done = [report[0] for report in reports]
    assert done == sorted(done)
    assert reports[-1][0] == reports[-1][1]
    assert reports[-1][2] is result


def test_answers_that_are_not_finite_are_an_error(classify, make_input) -> None:
    broken = classify(Score(lambda x: x.sum((1, 2, 3)) * torch.nan))
    with pytest.raises(ValueError, match="no finite answers"):
        run("occlusion", broken, make_input())


@pytest.mark.parametrize(("window", "stride"), [(6, 3), (7, 5), (5, 5), (24, 1), (40, 3)])
def test_occlusion_equals_captum(small, make_input, window, stride) -> None:
    picture = make_input()
    found = run("occlusion", small, picture, "Class3.2", window=window, stride=stride)
    x = torch.from_numpy(picture.pixels)[None]
    sky = torch.from_numpy(sky_colour(picture.pixels))[None, :, None, None]
    side = min(window, 24)
    oracle = Occlusion(small.logits).attribute(
        x,
        sliding_window_shapes=(3, side, side),
        strides=(3, stride, stride),
        baselines=sky.expand_as(x),
        target=1,
    )
    np.testing.assert_allclose(found.values, oracle[0, 0], atol=1e-6)  # logits are near 1


def test_windows_reach_every_pixel() -> None:
    for size, window, stride in [(24, 6, 3), (25, 7, 5), (10, 3, 3), (8, 9, 2)]:
        hits = np.zeros((size, size))
        for place in windows(size, window, stride):
            hits[place] += 1
        assert hits.min() >= 1


def test_rise_equals_the_literal_loop(small, make_input) -> None:
    picture, count, keep, seed = make_input(), 20, 0.4, 3
    total = np.zeros((24, 24))
    for k in range(count):
        mask = smooth_masks([k], 24, 5, keep, seed)[0, 0].numpy()
        logit = small.logits(torch.from_numpy(picture.pixels * mask)[None])[0, 2]
        total += mask / (1 + math.exp(-float(logit)))
    found = run("rise", small, picture, "Class1.1", samples=count, keep=keep, cells=5, seed=seed)
    np.testing.assert_allclose(found.values, total / count / keep, rtol=1e-5)
    assert found.blocks.shape == (2, 24, 24)
    np.testing.assert_allclose(found.blocks.mean(0), found.values, rtol=1e-5)


def test_masks_of_rise_keep_what_they_should() -> None:
    masks = smooth_masks(range(2000), 30, 6, 0.3, 0).numpy()
    assert masks.min() >= 0
    assert masks.max() <= 1 + 1e-6
    np.testing.assert_allclose(masks.mean((0, 1)), 0.3, atol=0.05)
    np.testing.assert_array_equal(masks[7:9], smooth_masks([7, 8], 30, 6, 0.3, 0).numpy())


def literal_shapley(worth, players: int) -> np.ndarray:
    shares = np.zeros(players)
    for order in itertools.permutations(range(players)):
        kept: set[int] = set()
        for player in order:
            before = worth(kept)
            kept.add(player)
            shares[player] += worth(kept) - before
    return shares / math.factorial(players)


def test_kernel_shap_with_all_coalitions_is_the_shapley_value(
    small, make_input, monkeypatch
) -> None:
    blocks = quadrants(24, 2) + (np.arange(24) > 20)[:, None] * 4
    blocks = np.unique(blocks, return_inverse=True)[1].reshape(24, 24).astype(np.int32)
    players = int(blocks.max()) + 1
    monkeypatch.setattr(perturbation, "segments_of", lambda *_: blocks)
    picture = make_input()
    sky = sky_colour(picture.pixels)[:, None, None]

    def worth(kept: set[int]) -> float:
        x = np.where(np.isin(blocks, list(kept)), picture.pixels, sky).astype(np.float32)
        return float(small.logits(torch.from_numpy(x)[None])[0, 0])

    oracle = literal_shapley(worth, players)
    found = run("kernel-shap", small, picture, samples=2**players)
    sums = np.bincount(blocks.ravel(), found.values.ravel())
    np.testing.assert_allclose(sums, oracle, atol=1e-4 * np.abs(oracle).max())
    assert found.completeness_error < 1e-4
    assert found.samples_done == 2**players


@pytest.mark.parametrize("samples", [1, 50, 400])
def test_kernel_shap_of_an_additive_network_is_exact_with_few_samples(
    classify, make_input, monkeypatch, samples
) -> None:
    """Each superpixel's share is its own term, whatever the terms are."""
    blocks, picture = quadrants(24, 4), make_input()
    monkeypatch.setattr(perturbation, "segments_of", lambda *_: blocks)
    weight = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 24, 24)).astype(np.float32))
    linear = classify(Score(lambda x: (weight * x).sum((1, 2, 3))))
    found = run("kernel-shap", linear, picture, samples=samples, sky=False)
    terms = np.bincount(blocks.ravel(), (weight.numpy() * picture.pixels).sum(0).ravel())
    sums = np.bincount(blocks.ravel(), found.values.ravel())
    np.testing.assert_allclose(sums, terms, atol=2e-4 * np.abs(terms).max())
    against = run("kernel-shap", linear, picture, "Class3.2", samples=samples, sky=False)
    np.testing.assert_allclose(against.values, -found.values, atol=1e-5)


def test_kernel_shap_sums_to_the_change_of_the_logit_whatever_the_samples(
    small, make_input
) -> None:
    picture = make_input()
    sky = np.broadcast_to(sky_colour(picture.pixels)[:, None, None], (3, 24, 24))
    both = torch.from_numpy(np.array([picture.pixels, sky], np.float32))
    whole, nothing = small.logits(both)[:, 0].tolist()
    for samples in (1, 30, 200):
        values = run("kernel-shap", small, picture, samples=samples, kernel_size=1.5).values
        assert values.sum(dtype=float) == pytest.approx(whole - nothing, rel=1e-4)


def test_coalitions_and_a_broken_twin() -> None:
    """One player together with any of two: ⅔, ⅙, ⅙; equal weights must not give that."""
    masks, weights = coalitions(6, 62, 0)
    assert len(masks) == 62 == len(np.unique(masks, axis=0))
    worth = (masks[:, 0] & (masks[:, 1] | masks[:, 2])).astype(float)

    def shares(weights: np.ndarray) -> np.ndarray:
        kept = masks.astype(float)
        return constrained(kept.T @ (kept * weights[:, None]), kept.T @ (weights * worth), 1.0)

    known = np.array([2 / 3, 1 / 6, 1 / 6, 0, 0, 0])
    np.testing.assert_allclose(shares(weights), known, atol=1e-10)
    flat = np.full(62, 1 / 62)
    assert np.abs(shares(flat) - known).max() > 0.01


def test_a_stride_that_leaves_gaps_is_refused(small, make_input) -> None:
    with pytest.raises(ValueError, match="stride must not be larger than window"):
        run("occlusion", small, make_input(), window=3, stride=4)


def test_random_coalitions_come_with_their_complements() -> None:
    masks, weights = coalitions(20, 301, 5)
    assert len(masks) <= 301
    rows = {mask.tobytes(): weight for mask, weight in zip(masks, weights, strict=True)}
    assert len(rows) == len(masks)
    for mask, weight in zip(masks, weights, strict=True):
        assert 0 < mask.sum() < 20
        assert rows[(~mask).tobytes()] == pytest.approx(weight)
    assert weights.sum() == pytest.approx(1)
    assert len(coalitions(20, 1, 0)[0]) == 40
    assert len(coalitions(1, 10, 0)[0]) == 0
    np.testing.assert_array_equal(masks, coalitions(20, 301, 5)[0])


def test_a_single_superpixel_takes_it_all(small, make_input, monkeypatch) -> None:
    monkeypatch.setattr(perturbation, "segments_of", lambda *_: np.zeros((24, 24), np.int32))
    found = run("kernel-shap", small, make_input())
    assert np.ptp(found.values) == 0
    assert found.completeness_error < 1e-4


def barred() -> tuple[np.ndarray, np.ndarray]:
    """A simulated barred galaxy on 64 pixels, and the pixels of its bar."""
    from galaxyscope.sky.simulate import GalaxyTruth, simulate_galaxy

    truth = GalaxyTruth(arcsec_per_px=1.0, bar_length_arcsec=24.0, bar_fraction=0.4, seed=4)
    data = np.nan_to_num(simulate_galaxy(truth, size=64).data)
    planes = data if data.ndim == 3 and len(data) == 3 else np.moveaxis(data, -1, 0)
    planes = np.arcsinh(20 * planes / planes.max()) / np.arcsinh(20)
    y, x = np.mgrid[:64, :64] - 31.5
    best = np.zeros((64, 64), bool)
    for sign in (1, -1):
        along, across = (x + sign * y) / np.sqrt(2), (x - sign * y) / np.sqrt(2)
        inside = (np.abs(along) < 12) & (np.abs(across) < 3.5)
        if planes[:, inside].sum() > planes[:, best].sum():
            best = inside
    return np.clip(planes, 0, 1).astype(np.float32), best


@pytest.mark.parametrize("name", ALL)
def test_a_bar_detector_looks_at_the_bar_of_a_simulated_galaxy(classify, make_input, name) -> None:
    """Mean of the map on the detector's support over that on the rest of the galaxy."""
    planes, inside = barred()
    support = torch.from_numpy(inside.astype(np.float32))
    # saturates: no single pixel decides
    network = Score(
        lambda x: 6 * torch.tanh((x.mean(1) * support).sum((1, 2)) / inside.sum() * 2) - 3
    )
    settings = {
        "occlusion": {"window": 6, "stride": 2},
        "rise": {"samples": 600},
        "kernel-shap": {"samples": 400},
        "lime": {"samples": 400, "kernel_size": 1.5, "mean": False},
        "lime/fine": {"samples": 400, "kernel_size": 1.5, "mean": False},
        "e-lime": {"parsimony": 0.3, "evaluations": 300},
        "xrai": {"samples": 16, "white": False},
    }
    values = run(name, classify(network), make_input(planes), **settings[name]).values
    y, x = np.mgrid[:64, :64] - 31.5
    elsewhere = np.hypot(x, y) > 16
    scale = np.abs(values).max()
    assert values[inside].mean() > values[elsewhere].mean() + 0.1 * scale
