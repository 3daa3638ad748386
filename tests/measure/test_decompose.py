"""Bars of known ends in galaxies that are as smooth as the model, and in such that are not."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from galaxyscope.measure.bars import GRID_ERROR_PX, BarSettings, measure_bar
from galaxyscope.measure.consensus import IN_SMOOTH, ROUGH, consensus, fitted_weight
from galaxyscope.measure.decompose import (
    _LENGTH,
    _NAMES,
    LEAST_ANGLE_DEG,
    SMOOTH,
    Decomposition,
    _doubt,
    _Fit,
    decompose,
    decomposed,
)
from galaxyscope.measure.phase import light_on_map, rings
from galaxyscope.measure.search import NoBarError
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.simulate import draw_truth, simulate_galaxy
from galaxyscope.work.watch import Cancelled, Watch

FINE = 3
#: Light of a bar over m, 1 at its end: an independent simulator, see also test_answered_length.py.
KINDS = {
    "sharp": lambda m: m <= 1,
    "half at its end, 2^(−m⁴)": lambda m: 2.0 ** -(np.minimum(m, 4) ** 4),
    "Fermi": lambda m: 1 / (1 + np.exp(np.minimum((m - 1) / 0.1, 50))),
    "Ferrers": lambda m: np.maximum(1 - m**2, 0),
}


def galaxy(
    kind: str, length: float, degrees: float, axis_ratio: float, noise: float, seed: int = 0
) -> NDArray[np.float64]:
    """Disc, bulge and bar with a point spread of 1.3 px, whose sum is averaged over pixels."""
    size = 2 * math.ceil(1.5 * length) + 1
    rows, columns = (np.indices((size * FINE,) * 2) - (size * FINE - 1) / 2) / FINE
    angle, half = math.radians(degrees), length / 2
    along = columns * math.cos(angle) + rows * math.sin(angle)
    across = rows * math.cos(angle) - columns * math.sin(angle)
    radius = np.hypot(rows, columns)
    light = np.exp(-1.5 * radius / half) + 2 * np.exp(-8 * radius / half)
    light += 0.7 * KINDS[kind](np.hypot(along, across / axis_ratio) / half)
    seen = gaussian_filter(light.reshape(size, FINE, size, FINE).mean((1, 3)), 1.3)
    rng = np.random.default_rng(seed)
    return np.asarray(seen + rng.normal(0, noise, seen.shape))


def fitted(light: NDArray[np.float64], half: float, degrees: float) -> Decomposition:
    middle = (light.shape[0] - 1) / 2
    found = decompose(light, (middle + 0.4, middle - 0.3), half, math.radians(degrees))
    assert found is not None
    return found


@pytest.mark.parametrize("noise", [0.01, 0.05])
@pytest.mark.parametrize("kind", KINDS)
def test_ends_within_two_per_cent_whatever_the_edge(kind: str, noise: float) -> None:
    found = fitted(galaxy(kind, 48.0, 33.0, 0.3, noise), 0.88 * 24.0, 38.0)
    assert found.length == pytest.approx(48.0, rel=0.02 if noise < 0.03 else 0.035)
    assert abs(found.length - 48.0) < 2.5 * found.length_err
    assert found.angle_deg == pytest.approx(33.0, abs=found.angle_err_deg)
    assert LEAST_ANGLE_DEG < found.angle_err_deg < 1
    assert found.axis_ratio == pytest.approx(0.3, abs=0.05)
    assert found.residual < SMOOTH
    assert (found.profile == "ferrers") == (kind == "Ferrers")


def test_what_cannot_be_told_apart_makes_the_error_large() -> None:
    """Ferrers' bars end a quarter further out than such as are half of their plateau there."""
    near, far = (fitted(galaxy("Ferrers", 40.0, 70.0, 0.4, n, 3), 20.0, 70.0) for n in (0.02, 0.1))
    assert near.length_err < 0.02 * near.length
    assert far.length_err > 0.04 * far.length


def test_doubt_is_the_mean_square_of_being_wrong() -> None:
    def fit(chi: float, ln_length: float) -> _Fit:
        values = np.zeros(len(_NAMES))
        values[_LENGTH] = ln_length
        return _Fit(values, chi, 0.0, 0.0, 0.0, False)

    assert _doubt(fit(9.0, 0.1), fit(9.0, 0.4)) == pytest.approx(0.3 * math.sqrt(1 / 2))
    # exp(−Δχ²/2) is one to three: the other is right in one of four.
    assert _doubt(fit(9.0, 0.1), fit(9.0 + 2 * math.log(3), 0.4)) == pytest.approx(0.3 / 2)
    assert _doubt(fit(9.0, 0.1), fit(9e9, 0.4)) == pytest.approx(0.0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_bias_over_lengths_angles_and_widths(kind: str) -> None:
    rng = np.random.default_rng(1)
    ratios = []
    for seed in range(16):
        length, degrees = float(np.exp(rng.uniform(3.3, 4.4))), float(rng.uniform(0, 180))
        light = galaxy(kind, length, degrees, float(rng.uniform(0.15, 0.5)), 0.03, seed)
        found = fitted(light, length / 2 * math.exp(rng.normal(-0.05, 0.1)), degrees + 4)
        if fitted_weight(found) > 0.5:
            ratios.append(found.length / length)
    print(f"\n{kind}: {len(ratios)} of 16, median {np.median(ratios):.3f}, "
          f"scatter {np.std(np.log(ratios)):.3f}")  # fmt: skip
    # In some of Ferrers' bars the fit leaves about as much as decides whether it is heard.
    assert len(ratios) >= (10 if kind == "Ferrers" else 12)
    assert abs(np.median(ratios) - 1) < 0.01
    assert np.std(np.log(ratios)) < 0.04


def test_arms_are_seen_to_be_left_over_and_no_bar_is_none() -> None:
    truth = draw_truth(101, 4, barred=True)
    image = simulate_galaxy(truth, 300)
    centre = truth.centre_px(300, image.y_up)
    found = decomposed(image, centre, truth.bar_length_px / 2)
    assert found is not None
    assert found.residual > ROUGH
    assert fitted_weight(found) == 0
    middle, nothing = 60.0, np.zeros((121, 121))
    assert decompose(nothing, (middle, middle), 20.0, 0.0) is None
    assert decompose(nothing[:9, :9], (4.0, 4.0), 2.0, 0.0) is None, "too few pixels"
    assert decompose(nothing, (900.0, 900.0), 20.0, 0.0) is None, "beside the picture"


@pytest.mark.parametrize("unit", [1e-14, 1e9])
def test_the_unit_of_the_light_does_not_matter(unit: float) -> None:
    light = galaxy("Fermi", 30.0, 60.0, 0.3, 0.02)
    one, other = fitted(light, 13.0, 60.0), fitted(light * unit, 13.0, 60.0)
    assert other.length == pytest.approx(one.length, rel=1e-4)
    assert other.residual == pytest.approx(one.residual, abs=1e-3)


def test_a_neighbour_and_pixels_without_a_value_do_not_draw_the_ends() -> None:
    light = galaxy("Fermi", 48.0, 120.0, 0.35, 0.02)
    middle = (light.shape[0] - 1) // 2
    y, x = np.indices(light.shape)
    star = (middle + 30, middle + 17)
    light += 3 * np.exp(-((x - star[0]) ** 2 + (y - star[1]) ** 2) / (2 * 1.3**2))
    light[middle - 40 : middle - 30, middle : middle + 10] = np.nan
    assert fitted(light, 22.0, 115.0).length == pytest.approx(48.0, rel=0.03)


def test_cancelled_at_once() -> None:
    watch = Watch()
    watch.cancel()
    with pytest.raises(Cancelled):
        decompose(galaxy("sharp", 30.0, 0.0, 0.3, 0.02), (45.0, 45.0), 14.0, 0.0, watch)


def test_on_another_grid() -> None:
    one = Decomposition(40.0, 1.0, 0.75, 30.0, 0.5, 0.3, "half", 0.01)
    turned = one.on(Affine(a=0.0, b=-2.0, c=7.0, d=2.0, e=0.0, f=1.0))
    assert (turned.length, turned.length_err) == pytest.approx((80.0, 2.5))
    assert turned.fit_err == pytest.approx(2.0)
    assert turned.angle_deg == pytest.approx(120.0)
    assert one.on(Affine.scaling(1.0, -1.0)).angle_deg == pytest.approx(150.0)


def weighted(residual: float, error: float) -> float:
    return fitted_weight(Decomposition(40.0, 40.0 * error, 9.0, 0.0, 0.5, 0.3, "half", residual))


def test_weight() -> None:
    assert weighted(SMOOTH, 0.0) == 1
    assert weighted(ROUGH, 0.0) == 0
    assert weighted(2 * ROUGH, 0.0) == 0
    assert weighted(0.0, IN_SMOOTH) == pytest.approx(0.5)
    assert weighted((SMOOTH + ROUGH) / 2, 0.0) == pytest.approx(0.5)


@pytest.fixture
def drawn() -> SkyImage:
    """Wide sharp bar of 48 px at 120°: what a network shows may well lie across it."""
    light = galaxy("sharp", 48.0, 120.0, 0.45, 0.02).astype(np.float32)
    blank = simulate_galaxy(draw_truth(0, 0), 16)
    return blank.replace(data=light[None], name="drawn", wcs=None, scale=None)


def across(image: SkyImage, degrees: float) -> NDArray[np.float64]:
    """Map that shows something of another direction."""
    y, x = np.indices(image.shape) - (image.shape[0] - 1) / 2
    angle = math.radians(degrees)
    u, v = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    return np.asarray(np.exp(-((u / 12) ** 2) - (v / 4) ** 2))


def test_where_the_model_leaves_no_doubt_it_decides(drawn: SkyImage) -> None:
    middle = (drawn.shape[0] - 1) / 2
    found = decomposed(drawn, (middle, middle), 21.0)
    assert found is not None
    assert found.angle_deg == pytest.approx(120.0, abs=1)
    light = light_on_map(drawn, Affine(), drawn.shape)
    settings = BarSettings("consensus")
    for degrees, flagged in ((118.0, False), (30.0, True)):
        values = across(drawn, degrees)
        bar = measure_bar(values, Affine(), None, settings, light, said=42.0, fitted=found)
        assert bar.length_px == pytest.approx(48.0, rel=0.02)
        assert bar.errors.method is not None
        assert bar.errors.method < 0.03 * 48, "beside it the scatter of the others does not count"
        assert ("off-axis" in bar.flags) == flagged
        assert bar.parameters["fitted_px"] == found.length
        heard = fitted_weight(found)
        assert bar.errors.grid == pytest.approx((1 - heard) * GRID_ERROR_PX["consensus"])
    # Light that is hardly elongated, and across the map, is no bar without the model.
    around = rings(light)
    turned = np.full(around.radius.shape, 0.01 * np.exp(-2j * math.radians(120.0)))
    around = dataclasses.replace(around, component=turned)
    one = consensus(across(drawn, 30.0), around, 42.0, fitted=found)
    assert one.ends is not None
    assert math.dist(*one.ends) == pytest.approx(48.0, rel=0.03)
    for nothing in (None, dataclasses.replace(found, residual=0.5)):
        with pytest.raises(NoBarError):
            consensus(across(drawn, 30.0), around, 42.0, fitted=nothing)
