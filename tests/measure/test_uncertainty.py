from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from galaxyscope.measure import uncertainty
from galaxyscope.measure.bars import BarSettings, measure_bar
from galaxyscope.measure.results import LengthErrors
from galaxyscope.sky.frame import Affine

IDENTITY = Affine()


def test_parts_are_added_in_quadrature_and_unknown_ones_left_out():
    assert LengthErrors(3.0, None, 4.0).total == 5.0
    assert LengthErrors(1.0, 1.0, 1.0, 1.0, 1.0).total == pytest.approx(5**0.5)
    assert LengthErrors(threshold=2.0, grid=1.0).total is None  # nothing of the map itself


def test_every_part_is_in_the_stated_error(oracle, monkeypatch):
    monkeypatch.setitem(uncertainty.METHOD_ERROR, "invariant", 0.1)
    blocks, members = noisy(oracle)
    bar = measure_bar(blocks.mean(axis=0), IDENTITY, blocks, members=members)
    parts = dataclasses.astuple(bar.errors)
    assert min(parts) > 0.1
    assert bar.length_err_px == pytest.approx(np.linalg.norm(parts))
    assert bar.errors.method == pytest.approx(0.1 * bar.length_px)


def test_members_are_measured_one_by_one(oracle):
    blocks, members = noisy(oracle)
    bar = measure_bar(blocks.mean(axis=0), IDENTITY, None, members=members)
    lengths = [measure_bar(one, IDENTITY).length_px for one in members.values()]
    assert bar.errors.networks == pytest.approx(np.std(lengths, ddof=1) / np.sqrt(3))
    assert bar.errors.sampling is None
    one = {"r": members["r"]}
    assert measure_bar(members["r"], IDENTITY, None, members=one).errors.networks is None


@pytest.mark.parametrize("algorithm", ["invariant", "published"])
def test_threshold_error_is_the_slope_of_the_length(oracle, algorithm):
    """A Gaussian of width σ is 2σ√(−2 ln t) long at level t."""
    sigma = 20
    values = oracle.gaussian_bar(sigma, 0.2, 30, (99.5, 99.5), (200, 200))
    bar = measure_bar(values, IDENTITY, settings=BarSettings(algorithm))

    def length(level):
        return 2 * sigma * np.sqrt(-2 * np.log(level))

    step = uncertainty.LEVEL_STEP
    expected = (length(bar.threshold - step) - length(bar.threshold + step)) / 2
    slope = 2 * sigma / (bar.threshold * np.sqrt(-2 * np.log(bar.threshold)))
    assert bar.errors.threshold == pytest.approx(expected, abs=0.7)
    assert expected == pytest.approx(slope * step, rel=0.02)
    # The edge of a drawn bar is where it is, whatever the level.
    drawn = measure_bar(oracle.drawn_bar(40, 6, 30, (31.5, 31.5)), IDENTITY)
    assert drawn.errors.threshold < 0.3


def test_parts_grow_with_the_scale_of_the_map(oracle):
    blocks, members = noisy(oracle)
    small = measure_bar(blocks.mean(axis=0), IDENTITY, blocks, members=members)
    large = measure_bar(blocks.mean(axis=0), Affine.scaling(3), blocks, members=members)
    for one, three in zip(
        dataclasses.astuple(small.errors), dataclasses.astuple(large.errors), strict=True
    ):
        assert three == (None if one is None else pytest.approx(3 * one))
    assert large.angle_err_deg == pytest.approx(small.angle_err_deg)


@pytest.mark.parametrize("degrees", [0, 45, 90])
def test_error_of_the_direction(oracle, degrees):
    """Blocks turned by known angles; the seam between 179° and 0° makes no difference."""
    turns = np.array([-6, -3, -1, 1, 3, 6])
    bars = [oracle.gaussian_bar(12, 0.3, degrees + t, (40, 40), (80, 80)) for t in turns]
    bar = measure_bar(np.mean(bars, axis=0), IDENTITY, np.stack(bars))
    # A jackknife of a mean is its standard error, and the mean map turns like the mean angle.
    assert bar.angle_err_deg == pytest.approx(turns.std(ddof=1) / np.sqrt(6), rel=0.25)


def noisy(oracle):
    rng = np.random.default_rng(2)
    shape = ((40, 40), (80, 80))
    blocks = np.stack([oracle.gaussian_bar(12 + s, 0.2, 30, *shape) for s in rng.normal(size=6)])
    members = {
        name: oracle.gaussian_bar(s, 0.2, 30 + s, *shape)
        for name, s in zip("rvx", (11, 12, 14), strict=True)
    }
    return blocks, members
