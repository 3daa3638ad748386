"""The shipped network for lengths, on bars that the project's simulator did not draw."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from galaxyscope.classify.store import load_model
from galaxyscope.pipeline import answered_length
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.simulate import draw_truth, draw_varied, simulate_galaxy

SIZE, FINE = 260, 3


def galaxy(rng: np.random.Generator, sharp: bool) -> tuple[NDArray[np.float32], float]:
    """One band of linear flux: exponential disc, round bulge, a bar without arms, noise.

    The bar is a uniform ellipse, or one whose light falls as ``2^(−m⁴)``: to half at its end.
    """
    rows, columns = (np.indices((SIZE * FINE,) * 2) - (SIZE * FINE - 1) / 2) / FINE
    length = float(np.exp(rng.uniform(np.log(30), np.log(80))))
    angle, half = rng.uniform(0, np.pi), length / 2
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    m = np.hypot(along, across / rng.uniform(0.2, 0.45)) / half
    radius = np.hypot(rows, columns)
    light = np.exp(-radius * rng.uniform(1.0, 2.0) / half)
    light += rng.uniform(1, 3) * np.exp(-radius * rng.uniform(6, 10) / half)
    light += rng.uniform(0.4, 1.0) * ((m <= 1) if sharp else 2.0 ** -(np.minimum(m, 4) ** 4))
    seen = gaussian_filter(light.reshape(SIZE, FINE, SIZE, FINE).mean((1, 3)), 1.3)
    return (seen + rng.normal(0, 0.01, seen.shape)).astype(np.float32)[None], length


@pytest.mark.parametrize(("sharp", "low"), [(True, 0.87), (False, 0.95)])
def test_lengths_of_bars_in_smooth_discs(sharp: bool, low: float) -> None:
    """One that had seen real galaxies only answered 0.38 to 1.41 of these lengths."""
    network = load_model("bar-length", "cpu")
    blank = simulate_galaxy(draw_truth(0, 0), 16)
    found, true = [], []
    for index in range(10):
        data, length = galaxy(np.random.default_rng([3, index]), sharp)
        image: SkyImage = blank.replace(data=data, name="drawn", wcs=None, scale=None)
        found.append(answered_length(image, network))
        true.append(length)
    ratio = np.divide(found, true)
    assert low < np.median(ratio) < 1.12
    assert ratio.min() > 0.8
    assert ratio.max() < 1.2
    assert np.corrcoef(np.log(found), np.log(true))[0, 1] > 0.95


@pytest.mark.slow
def test_no_bias_on_simulated_bars_of_any_kind() -> None:
    """Of a seed that nothing was learnt from; by width, direction, and brightness."""
    network = load_model("bar-length", "cpu")
    truths = [draw_varied(900, index) for index in range(160)]
    error = np.log(
        [answered_length(simulate_galaxy(t, 300), network) / t.bar_length_px for t in truths]
    )
    groups = {
        "all": np.ones(len(truths), bool),
        "axis ratio below 0.2": np.array([t.bar_axis_ratio < 0.2 for t in truths]),
        "0.2 to 0.35": np.array([0.2 <= t.bar_axis_ratio < 0.35 for t in truths]),
        "above 0.35": np.array([t.bar_axis_ratio >= 0.35 for t in truths]),
        "along the axes": np.array([abs(t.bar_pa_deg % 90 - 45) > 22.5 for t in truths]),
        "between them": np.array([abs(t.bar_pa_deg % 90 - 45) <= 22.5 for t in truths]),
        "fainter than r = 15.5": np.array([t.r_mag > 15.5 for t in truths]),
        "brighter than 14.2": np.array([t.r_mag <= 14.2 for t in truths]),
        "sharp": np.array([np.isinf(t.bar_edge) for t in truths]),
    }
    print()
    for name, chosen in groups.items():
        middle = np.median(error[chosen])
        scatter = 1.4826 * np.median(np.abs(error[chosen] - middle))
        print(f"{name}: {chosen.sum()}, median ratio {np.exp(middle):.3f}, scatter {scatter:.2f}")
        assert abs(middle) < (0.06 if name == "sharp" else 0.04), name
    assert np.abs(error).max() < np.log(2)
