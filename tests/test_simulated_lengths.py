"""The whole way on bars that the project's simulator did not draw: ends known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from galaxyscope.classify.store import load_model
from galaxyscope.pipeline import MeasureSettings, explain_image, measure_attribution
from galaxyscope.sky.simulate import draw_truth, simulate_galaxy
from tests.measure.test_decompose import KINDS, galaxy

COUNT = 24


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("noise", [0.03, 0.1])
@pytest.mark.parametrize("kind", KINDS)
def test_default_lengths_in_smooth_galaxies(kind: str, noise: float) -> None:
    """Noise per pixel, where the disc is 1 and the bar 0.7 at the centre."""
    classifier = load_model("galaxyzoo", "cpu")
    blank = simulate_galaxy(draw_truth(0, 0), 16)
    rng = np.random.default_rng(6)
    ratio, said, covered, refused = [], [], [], 0
    for seed in range(COUNT):
        length, degrees = float(np.exp(rng.uniform(3.3, 4.4))), float(rng.uniform(0, 180))
        light = galaxy(kind, length, degrees, float(rng.uniform(0.15, 0.5)), noise, seed)
        data = light.astype(np.float32)[None]
        image = blank.replace(data=data, name="drawn", wcs=None, scale=None)
        made = explain_image(image, classifier, MeasureSettings(samples=32))
        bar = measure_attribution(image, made)
        if bar.length_px is None or bar.length_err_px is None:
            refused += 1
            continue
        ratio.append(bar.length_px / length)
        said.append(float(str(bar.parameters["said_px"])) / length)
        covered.append(abs(bar.length_px - length) < bar.length_err_px)
    scatter = np.std(np.log(ratio))
    print(
        f"\n{kind}, noise {noise:g}: {len(ratio)} of {COUNT}; consensus {np.median(ratio):.3f}, "
        f"scatter {scatter:.3f}, within its error {np.mean(covered):.0%}; network alone "
        f"{np.median(said):.3f}, {np.std(np.log(said)):.3f}"
    )
    assert refused <= 1
    assert abs(np.median(ratio) - 1) < 0.02
    # In more noise some are taken for the other kind, whose end is a quarter further out or in.
    assert scatter < (0.16 if noise > 0.05 else 0.06)
