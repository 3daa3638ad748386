"""Classical opinions on bars of known truth."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from galaxyscope.measure.fourier import fourier_bar
from galaxyscope.measure.isophotes import disc_of, isophotes
from galaxyscope.sky.simulate import plain_bar, simulate_galaxy

SIDE = 161
HALF = 22.0


def galaxy(degrees: float, half: float = HALF, disc: tuple[float, float] = (1.0, 0.0)):
    """Disc of given axis ratio and direction, with a flat elliptical bar of axis ratio 0.35."""
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2

    def radius(q: float, angle: float) -> np.ndarray:
        turn = np.radians(angle)
        along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        return np.hypot(along, across / q)

    light = np.exp(-radius(*disc) / 20) + 1.5 * np.exp(-radius(1, 0) / 2)
    return light + 1.5 / (1 + np.exp((radius(0.35, degrees) - half) / 1.5))


def apart(one: float, two: float) -> float:
    return abs((one - two + 90) % 180 - 90)


@pytest.mark.parametrize("degrees", [0.0, 33.0, 90.0, 160.0])
def test_fourier_component_points_along_the_bar(degrees: float) -> None:
    found = fourier_bar(galaxy(degrees))
    assert apart(found.angle_deg, degrees) < 1
    assert 0.3 < found.amplitude < 2
    assert found.length == pytest.approx(2 * HALF, rel=0.15)


def test_fourier_amplitude_of_known_light() -> None:
    """I = 1 + a cos 2(θ − φ) has A2/A0 = a on every circle; it never falls: no length."""
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    light = 1 + 0.4 * np.cos(2 * (np.arctan2(y, x) - np.radians(25)))
    found = fourier_bar(light, smallest=10)
    assert found.amplitude == pytest.approx(0.4, abs=0.01)
    assert found.angle_deg == pytest.approx(25, abs=0.5)
    assert found.length is None


def test_fourier_length_scales_with_the_bar() -> None:
    short, long = (fourier_bar(galaxy(20.0, half)).length for half in (16.0, 32.0))
    assert long / short == pytest.approx(2, rel=0.1)


def test_a_neighbour_moves_no_component() -> None:
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    star = galaxy(0.0) + 5 * np.exp(-((x - 40) ** 2 + (y - 30) ** 2) / 10)
    assert fourier_bar(star).length == pytest.approx(fourier_bar(galaxy(0.0)).length, rel=0.02)


@pytest.mark.parametrize("light", [np.zeros((64, 64)), -np.ones((64, 64)), np.ones((3, 3))])
def test_no_light_no_opinion(light: np.ndarray) -> None:
    assert fourier_bar(light) is None


def test_a_round_galaxy_has_no_length() -> None:
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    assert fourier_bar(np.exp(-np.hypot(x, y) / 15)).length is None


@pytest.mark.parametrize("degrees", [10.0, 125.0])
def test_isophotes_follow_the_bar_and_then_the_disc(degrees: float) -> None:
    """The two lengths bracket the bar, as they do in the literature."""
    nodes = degrees + 60
    found = isophotes(galaxy(degrees, disc=(0.7, nodes)))
    assert apart(found.angle_deg, degrees) < 3
    assert found.ellipticity == pytest.approx(0.6, abs=0.12)
    assert 0.7 < found.length / (2 * HALF) < 1.1
    assert 0.95 < found.turn_length / (2 * HALF) < 1.6
    assert found.length < found.turn_length
    assert found.disc_axis_ratio == pytest.approx(0.7, abs=0.03)
    assert apart(found.disc_angle_deg, nodes) < 4
    disc = disc_of(found, found.disc_angle_deg)
    assert disc.inclination_deg == pytest.approx(46.8, abs=3)
    assert disc.source == "isophotes"


def test_isophotes_of_nothing() -> None:
    assert isophotes(np.zeros((64, 64))) is None
    assert isophotes(np.full((64, 64), np.nan)) is None


def test_modules_import_nothing_heavy() -> None:
    code = (
        "import sys, galaxyscope.measure.isophotes, galaxyscope.measure.fourier,"
        " galaxyscope.measure.observers, galaxyscope.measure.residuals;"
        " print({'scipy', 'photutils', 'matplotlib', 'astropy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_ellipse_that_runs_away_is_no_error() -> None:
    """photutils ended with "cannot convert float NaN to integer" on a bar without a galaxy."""
    light = simulate_galaxy(plain_bar(60, 30), 192, "r").light[30:160, 30:160]
    found = isophotes(light.astype(float))
    assert found is None or found.ellipticity > 0
