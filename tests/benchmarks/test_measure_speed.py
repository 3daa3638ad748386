from __future__ import annotations

import importlib.util
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from scipy import ndimage

from galaxyscope.measure.algorithm1 import published
from galaxyscope.measure.bars import measure_bar
from galaxyscope.measure.invariant import invariant
from galaxyscope.sky.frame import Affine

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def oracle():
    path = Path(__file__).parents[1] / "measure" / "oracle.py"
    spec = importlib.util.spec_from_file_location("measure_oracle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def saliency_like(seed, side):
    """A noisy, smooth, centrally peaked map, as SmoothGrad makes them."""
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / side
    noise = ndimage.gaussian_filter(rng.normal(size=(side, side)), side / 60)
    return (np.exp(-(x**2 + y**2) / 0.02) * (1 + noise / noise.std() / 4)).astype(np.float32)


def seconds(function, *arguments, repeat=1):
    best = np.inf
    for _ in range(repeat):
        start = perf_counter()
        function(*arguments)
        best = min(best, perf_counter() - start)
    return best


@pytest.mark.parametrize("side", [128, 224])
def test_published_is_a_hundred_times_faster_than_its_loops(oracle, side):
    maps = [saliency_like(seed, side) for seed in range(4)]

    def loops(values):
        return oracle.barlength(oracle.barlength_mask(oracle.scaled_by_range(values))[0])

    slow = sum(seconds(loops, m) for m in maps)
    fast = sum(seconds(published, m, repeat=5) for m in maps)
    turned = sum(seconds(invariant, m, repeat=5) for m in maps)
    print(
        f"\n{side} px: loops {slow / 4 * 1e3:.0f} ms, published {fast / 4 * 1e3:.2f} ms "
        f"({slow / fast:.0f}×), invariant {turned / 4 * 1e3:.2f} ms ({slow / turned:.0f}×)"
    )
    assert slow / fast >= 100


def test_the_jackknife_costs_one_search_for_each_block():
    maps = np.stack([saliency_like(seed, 128) for seed in range(16)])
    mean = maps.mean(axis=0)
    alone = seconds(measure_bar, mean, Affine(), repeat=5)
    with_error = seconds(measure_bar, mean, Affine(), maps, repeat=3)
    print(
        f"\nwithout error {alone * 1e3:.1f} ms, with 16 blocks {with_error / alone:.1f} times that"
    )
    assert with_error / alone < 40
