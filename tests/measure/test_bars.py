from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from galaxyscope.measure.bars import BarSettings, jackknife_error, measure_bar
from galaxyscope.sky.frame import Affine

IDENTITY = Affine()


def test_the_ends_are_mapped_to_the_cutout(oracle):
    """A bar on a 64-pixel map of a 424-pixel cutout, turned by 30° on the way."""
    to_cutout = Affine.rotation(30, (211.5, 211.5)) @ Affine.resize((424, 424), (64, 64))
    values = oracle.drawn_bar(40, 6, 0, (31.5, 31.5))
    bar = measure_bar(values, to_cutout)
    true = to_cutout([(11.5, 31.5), (51.5, 31.5)])
    assert np.allclose(bar.ends, true, atol=0.2 * 424 / 64)
    assert bar.length_px == pytest.approx(40 * 424 / 64, rel=0.01)
    assert bar.algorithm == "invariant"
    assert bar.flags == ()
    assert bar.reason == ""
    assert bar.length_err_px is None
    assert bar.errors.sampling is None
    assert bar.angle_err_deg is None
    assert bar.threshold == 0.5
    assert bar.pixels == np.count_nonzero(values > 0.5)


def test_the_length_is_that_of_the_mapped_ends_where_pixels_are_not_square(oracle):
    values = oracle.drawn_bar(40, 6, 90, (31.5, 31.5))
    assert measure_bar(values, Affine.scaling(1, 3)).length_px == pytest.approx(120, rel=0.01)


def test_published_reproduces_the_authors_length(oracle):
    values = oracle.gaussian_bar(14, 0.2, 45, (63.5, 63.5))
    mask, threshold, r = oracle.barlength_mask(oracle.scaled_by_range(values))
    bar = measure_bar(
        values, Affine.resize((424, 424), (128, 128)), settings=BarSettings("published")
    )
    assert bar.length_px == pytest.approx(oracle.barlength(mask) * 424 / 128, rel=1e-12)
    same_grid = measure_bar(values, IDENTITY, settings=BarSettings("published"))
    assert same_grid.length_px == oracle.barlength(mask)
    assert (bar.threshold, bar.elongation, bar.pixels) == (float(threshold), r, mask.sum())
    assert bar.parameters["min_pixels"] == 40


def test_jackknife_of_numbers():
    """For a mean the jackknife is the textbook standard error."""
    x = np.array([1.0, 4.0, 6.0, 9.0])
    leave_one_out = (x.sum() - x) / 3
    assert jackknife_error(leave_one_out) == pytest.approx(x.std(ddof=1) / 2)


def test_equal_blocks_leave_the_error_of_the_grid(oracle):
    values = oracle.drawn_bar(40, 6, 20, (31.5, 31.5))
    blocks = np.stack([values] * 4)
    scale = Affine.scaling(2)
    errors = measure_bar(values, scale, blocks).errors
    assert (errors.sampling, errors.networks) == (0, None)
    assert errors.grid == pytest.approx(0.3)
    published = measure_bar(values, scale, blocks, BarSettings("published"))
    assert published.errors.grid == pytest.approx(0.82)


def test_the_error_is_the_jackknife_of_the_lengths(oracle):
    """Leave-one-out maps measured one by one, by hand."""
    rng = np.random.default_rng(2)
    bars = [oracle.gaussian_bar(12 + s, 0.2, 30, (40, 40), (80, 80)) for s in rng.normal(size=6)]
    blocks = np.stack(bars)
    lengths = [
        measure_bar(np.delete(blocks, i, axis=0).mean(axis=0), IDENTITY).length_px for i in range(6)
    ]
    bar = measure_bar(blocks.mean(axis=0), IDENTITY, blocks)
    expected = np.sqrt(5 / 6 * np.sum((lengths - np.mean(lengths)) ** 2))
    assert expected > 0.3
    assert bar.errors.sampling == pytest.approx(expected, rel=1e-5)
    # Length at half maximum is close to linear in sigma: the error is that of the mean sigma.
    assert expected == pytest.approx(2.355 * rng_sigma_error(), rel=0.2)


def rng_sigma_error():
    return np.random.default_rng(2).normal(size=6).std(ddof=1) / np.sqrt(6)


def test_the_error_covers_the_scatter_of_noisy_maps(oracle):
    """Repeat a noisy experiment: the stated error is the scatter of its lengths."""
    truth = oracle.gaussian_bar(10, 0.2, 25, (32, 32), (64, 64))
    lengths, errors = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        gain = rng.normal(1, 0.4, (12, 1, 1))
        wide = oracle.gaussian_bar(14, 0.2, 25, (32, 32), (64, 64))
        blocks = truth + gain * wide
        bar = measure_bar(blocks.mean(axis=0), IDENTITY, blocks)
        lengths.append(bar.length_px)
        errors.append(bar.errors.sampling)
    assert np.mean(errors) == pytest.approx(np.std(lengths, ddof=1), rel=0.5)


@pytest.mark.parametrize("algorithm", ["invariant", "published"])
@pytest.mark.parametrize(
    "values",
    [
        np.zeros((20, 20)),
        np.ones((20, 20)),
        np.full((20, 20), np.nan),
        np.eye(1, 400).reshape(20, 20),
    ],
)
def test_a_map_without_a_bar_says_why(algorithm, values):
    bar = measure_bar(values, IDENTITY, np.stack([values] * 3), BarSettings(algorithm))
    assert bar.flags == ("no-bar",)
    assert bar.reason.endswith(".")
    assert bar.ends is bar.length_px is bar.length_err_px is bar.threshold is None
    assert bar.pixels == 0


def test_min_pixels_is_flagged(oracle):
    bar = measure_bar(oracle.gaussian_bar(16, 0.6, 20, (31.5, 31.5), (64, 64)), IDENTITY)
    assert "min-pixels" in bar.flags
    assert bar.elongation < 0.85
    assert bar.pixels < 5


def test_a_round_plateau_is_flagged(oracle):
    values = oracle.drawn_bar(20, 20, 0, (31.5, 31.5), kind="ellipse")
    assert measure_bar(values, IDENTITY).flags == ("not-elongated",)


def test_the_frame_is_flagged(oracle):
    values = oracle.drawn_bar(80, 6, 0, (31.5, 31.5))
    assert measure_bar(values, IDENTITY).flags == ("touches-frame",)


def test_a_bar_off_the_centre_is_flagged(oracle):
    values = oracle.drawn_bar(20, 4, 0, (31.5, 50))
    assert measure_bar(values, IDENTITY).flags == ("off-centre",)
    far = BarSettings(off_centre=0.5)
    assert measure_bar(values, IDENTITY, settings=far).flags == ()


def test_pixels_that_are_not_finite_are_flagged(oracle):
    values = oracle.drawn_bar(40, 6, 0, (31.5, 31.5))
    values[0, 0], values[0, 1] = np.nan, np.inf
    bar = measure_bar(values, IDENTITY)
    assert bar.flags == ("not-finite",)
    assert bar.length_px == pytest.approx(40, rel=0.01)


def test_jackknife_maps_without_a_bar_are_flagged(oracle):
    values = oracle.drawn_bar(40, 6, 0, (31.5, 31.5))
    blocks = np.stack([3 * values, 0 * values, -values, -values, 0 * values])
    bar = measure_bar(values, IDENTITY, blocks)
    assert "unstable" in bar.flags


def test_blocks_must_fit_the_map():
    with pytest.raises(ValueError, match="do not fit"):
        measure_bar(np.eye(4), IDENTITY, np.ones((3, 5, 5)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"algorithm": "best"},
        {"correlation": 0},
        {"correlation": 1.5},
        {"correlation": float("nan")},
        {"min_pixels": 0},
        {"nucleus_radius": -1.0},
        {"off_centre": 0.0},
        {"average": "guess"},
        {"x_input": "yes"},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        BarSettings(**wrong)


@pytest.mark.parametrize("algorithm", ["invariant", "published"])
def test_the_result_repeats_from_its_parameters(oracle, algorithm):
    values = oracle.gaussian_bar(9, 0.3, 50, (31, 33), (64, 64))
    first = measure_bar(values, IDENTITY, settings=BarSettings(algorithm, 0.7, 30))
    kept = json.loads(json.dumps(dict(first.parameters)))
    kept.pop("min_pixels_on_map", None)
    assert measure_bar(values, IDENTITY, settings=BarSettings(**kept)) == first


def test_importing_does_not_load_scipy_or_torch():
    code = (
        "import sys, galaxyscope.measure.bars, galaxyscope.measure.lines, "
        "galaxyscope.measure.agreement; print({'scipy', 'torch', 'astropy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
