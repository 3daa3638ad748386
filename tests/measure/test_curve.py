"""Length over threshold, against maps whose iso-contours are known."""

from __future__ import annotations

import numpy as np
import pytest

from galaxyscope.measure.curve import FLAT, LEVELS, WIDE, length_curve, plateau_of
from galaxyscope.measure.invariant import invariant
from galaxyscope.sky.frame import Affine

Y, X = np.mgrid[:128, :128] - 63.5
ALONG, ACROSS = (X + Y) / 2**0.5, (X - Y) / 2**0.5


def test_a_known_bar_at_every_level() -> None:
    """exp(−(s/30)⁴) along the axis reaches level t at s = 30 (−ln t)^¼."""
    bar = np.exp(-((ALONG / 30) ** 4) - (ACROSS / 6) ** 2).astype(np.float32)
    found = length_curve(bar, Affine.resize((256, 256), (128, 128)))
    known = np.isfinite(found.length_px)
    expected = 2 * 2 * 30 * (-np.log(found.threshold[known])) ** 0.25
    assert known.sum() > 80
    assert found.length_px[known] == pytest.approx(expected, rel=0.05)
    assert np.median(np.abs(found.length_px[known] / expected - 1)) < 0.005
    assert found.at(0.5) == pytest.approx(2 * 2 * 30 * np.log(2) ** 0.25, rel=0.01)
    assert found.at(0.01) is None


def test_the_curve_meets_the_bar_at_its_stop() -> None:
    bar = np.exp(-((ALONG / 30) ** 2) - (ACROSS / 6) ** 2).astype(np.float32)
    stop = invariant(bar)
    assert stop.ends is not None
    found = length_curve(bar, Affine())
    length = np.hypot(*np.subtract(*stop.ends))
    assert found.at(stop.threshold) == pytest.approx(length, rel=0.01)


def test_a_flat_edge_gives_a_plateau_and_a_slope_none() -> None:
    edge = 1 / (1 + np.exp((np.abs(ALONG) - 30) / 0.4)) / (1 + np.exp((np.abs(ACROSS) - 5) / 0.4))
    found = length_curve(edge.astype(np.float32), Affine())
    assert found.plateau is not None
    assert found.plateau.length_px == pytest.approx(60, rel=0.02)
    assert found.plateau.high - found.plateau.low > 0.5
    assert plateau_of(LEVELS, 200 * np.exp(-3 * LEVELS)) is None


def test_the_widest_run_is_the_plateau() -> None:
    length = np.r_[np.linspace(90, 60, 20), np.full(30, 50.0), np.linspace(40, 10, 41)]
    found = plateau_of(LEVELS, length)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.25, 0.54))
    run = length[(found.low <= LEVELS) & (found.high >= LEVELS)]
    assert np.ptp(run) <= FLAT * run.mean()
    assert found.high - found.low >= WIDE
    gap = length.copy()
    gap[35] = np.nan
    split = plateau_of(LEVELS, gap)
    assert split is not None
    assert split.high - split.low < 0.2


@pytest.mark.parametrize(
    "values", [np.zeros((20, 20)), -np.ones((20, 20)), np.full((9, 9), np.nan)]
)
def test_a_map_without_anything_has_no_lengths(values: np.ndarray) -> None:
    found = length_curve(values, Affine())
    assert np.isnan(found.length_px).all()
    assert found.plateau is None
    assert found.at(0.5) is None


def test_it_can_be_stopped() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        length_curve(np.exp(-((X / 9) ** 2)), Affine(), check=stop)
