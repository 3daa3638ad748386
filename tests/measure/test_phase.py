from __future__ import annotations

import numpy as np
import pytest

from galaxyscope.measure.bars import BarSettings, measure_bar
from galaxyscope.measure.phase import axis_of, light_on_map, phase, reach, rings
from galaxyscope.measure.search import NoBarError
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.simulate import plain_bar, simulate_galaxy

SIDE = 128


def knots(degrees: float, apart: float = 14.0) -> np.ndarray:
    """A map as networks make them: two knots on the bar, far inside its ends."""
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    angle = np.radians(degrees)
    dx, dy = apart / 2 * np.cos(angle), apart / 2 * np.sin(angle)
    spot = sum(np.exp(-((x - s * dx) ** 2 + (y - s * dy) ** 2) / 12) for s in (-1, 1))
    return np.asarray(spot, np.float32)


def disc_with_bar(degrees: float, half: float, ring_degrees: float | None = None) -> np.ndarray:
    """A round disc with a bar of uniform light; outside it an oval at another angle."""
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    angle = np.radians(degrees)
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    light = np.exp(-np.hypot(x, y) / 25) + 2 * np.exp(-((np.hypot(x, y) / 3) ** 2))
    light += 1.2 / (1 + np.exp((np.abs(along) - half) / 0.7)) * np.exp(-((across / 3) ** 2))
    if ring_degrees is not None:
        turn = np.radians(ring_degrees)
        u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
        radius = np.hypot(u / 1.4, v)
        light += 0.3 * np.exp(-(((radius - half * 1.5) / 4) ** 2))
    return light


@pytest.mark.parametrize("degrees", [0.0, 17.0, 45.0, 90.0, 131.0])
def test_axis_is_that_of_the_knots(degrees: float) -> None:
    angle, elongation = axis_of(knots(degrees))
    assert np.degrees(angle) % 180 == pytest.approx(degrees % 180, abs=0.5)
    assert elongation > 0.5


@pytest.mark.parametrize("degrees", [0.0, 30.0, 77.0, 135.0])
@pytest.mark.parametrize("half", [14.0, 22.0])
def test_ends_follow_the_light_and_not_the_knots(degrees: float, half: float) -> None:
    light = rings(disc_with_bar(degrees, half))
    search = phase(knots(degrees), light)
    assert search.ends is not None
    length = np.hypot(*np.subtract(*search.ends))
    assert length == pytest.approx(2 * half, rel=0.12)


def test_every_angle_measures_alike() -> None:
    lengths = [
        2 * reach(rings(disc_with_bar(a, 18.0)), np.radians(a)) for a in np.arange(0, 180, 7.5)
    ]
    assert np.ptp(lengths) < 0.03 * np.mean(lengths)


def test_bar_ends_where_the_light_turns_away() -> None:
    straight = reach(rings(disc_with_bar(20.0, 18.0, ring_degrees=20.0)), np.radians(20.0))
    turned = reach(rings(disc_with_bar(20.0, 18.0, ring_degrees=80.0)), np.radians(20.0))
    assert turned <= 1.01 * straight
    assert turned == pytest.approx(18.0, rel=0.15)


def test_neighbour_does_not_lengthen_the_bar() -> None:
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    light = disc_with_bar(0.0, 18.0)
    star = light + 3 * np.exp(-((x - 30) ** 2 + y**2) / 8)
    assert reach(rings(star), 0.0) == pytest.approx(reach(rings(light), 0.0), rel=0.02)


def test_light_across_the_axis_is_no_bar() -> None:
    with pytest.raises(NoBarError, match="not elongated along the axis"):
        phase(knots(90.0), rings(disc_with_bar(0.0, 18.0)))


def test_measurement_says_why_there_is_none_and_needs_light() -> None:
    light = disc_with_bar(0.0, 18.0)
    found = measure_bar(knots(90.0), Affine(), None, BarSettings("phase"), light)
    assert found.flags == ("no-bar",)
    assert "not elongated" in found.reason
    nothing = measure_bar(knots(0.0), Affine(), None, BarSettings("phase"), np.zeros((SIDE, SIDE)))
    assert nothing.flags == ("no-bar",)
    with pytest.raises(ValueError, match="needs the light"):
        measure_bar(knots(0.0), Affine(), None, BarSettings("phase"))


def test_error_holds_the_doubt_about_the_definition() -> None:
    blocks = np.stack([knots(0.0)] * 8)
    light = disc_with_bar(0.0, 18.0)
    found = measure_bar(knots(0.0), Affine.scaling(2.0), blocks, BarSettings("phase"), light)
    sharp, wide = (reach(rings(light), 0.0, a) for a in (0.85, 0.5))
    assert found.errors.threshold == pytest.approx(2 * (wide - sharp), rel=1e-6)
    assert (found.errors.sampling, found.errors.grid) == pytest.approx((0, 0.3))


@pytest.mark.parametrize("pa", [20.0, 100.0])
def test_simulated_bar_on_its_own_cutout(pa: float) -> None:
    image = simulate_galaxy(plain_bar(60, pa), 224, "r")
    to_cutout = Affine.resize((224, 224), (SIDE, SIDE))
    light = light_on_map(image, to_cutout, (SIDE, SIDE))
    y, x = np.indices(light.shape) - (SIDE - 1) / 2
    weight = np.maximum(light, 0) * (np.hypot(x, y) < 30)
    axis = np.degrees(
        0.5 * np.arctan2((weight * 2 * x * y).sum(), (weight * (x * x - y * y)).sum())
    )
    found = measure_bar(knots(axis), to_cutout, None, BarSettings("phase"), light)
    assert found.length_px == pytest.approx(60, rel=0.12)


def test_galaxy_that_fills_its_picture_is_not_taken_for_sky() -> None:
    grey = np.full((1, 64, 64), 120, np.float32)
    light = light_on_map(SkyImage(grey, "full", full_scale=255.0), Affine(), (64, 64))
    assert light.min() > 0


def test_stretch_of_a_picture_is_taken_back() -> None:
    # Dark around the galaxy, as the sky of a picture is.
    flux = np.maximum(disc_with_bar(0.0, 18.0) - 0.2, 0).astype(np.float32)
    linear = SkyImage(flux[None], "linear")
    grey = np.arcsinh(flux / flux.max() * np.sinh(6.0)) / 6.0 * 255
    picture = SkyImage(grey[None].astype(np.float32), "picture", full_scale=255.0)
    one, two = (reach(rings(light_on_map(i, Affine(), flux.shape)), 0.0) for i in (linear, picture))
    assert one == pytest.approx(two, rel=0.01)
