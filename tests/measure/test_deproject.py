"""Bars laid flat: known cases, properties, errors against samples, the simulator's own truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.measure.deproject import Disc, deproject, inclination_of
from galaxyscope.sky.simulate import GalaxyTruth

ANGLES = st.floats(-720, 720)
TILTS = st.floats(0, 85)


@settings(deadline=None)
@given(length=st.floats(0.1, 1e4), pa=ANGLES, disc_pa=ANGLES)
def test_face_on_nothing_changes(length: float, pa: float, disc_pa: float) -> None:
    found = deproject(length, pa, Disc(0, disc_pa), 0.3)
    assert found.length == pytest.approx(length)
    assert found.error == pytest.approx(0.3)
    assert not found.steep


@settings(deadline=None)
@given(tilt=TILTS, pa=ANGLES)
def test_along_the_line_of_nodes_nothing_changes(tilt: float, pa: float) -> None:
    assert deproject(10, pa, Disc(tilt, pa)).factor == pytest.approx(1)
    assert deproject(10, pa + 180, Disc(tilt, pa)).factor == pytest.approx(1)


@settings(deadline=None)
@given(tilt=TILTS, pa=ANGLES)
def test_across_it_the_cosine_is_taken_back(tilt: float, pa: float) -> None:
    found = deproject(10, pa + 90, Disc(tilt, pa))
    assert found.length == pytest.approx(10 / math.cos(math.radians(tilt)), rel=1e-9)
    assert found.steep == (tilt > 60)


@settings(deadline=None)
@given(tilt=TILTS, pa=ANGLES, disc_pa=ANGLES)
def test_the_factor_has_bounds_and_no_head(tilt: float, pa: float, disc_pa: float) -> None:
    factor = deproject(1, pa, Disc(tilt, disc_pa)).factor
    assert 1 - 1e-12 <= factor <= 1 / math.cos(math.radians(tilt)) + 1e-9
    assert deproject(1, pa + 180, Disc(tilt, disc_pa)).factor == pytest.approx(factor)
    mirrored = deproject(1, 2 * disc_pa - pa, Disc(tilt, disc_pa)).factor
    assert mirrored == pytest.approx(factor, rel=1e-6)


@settings(deadline=None)
@given(delta=st.floats(0, 360), tilt=st.floats(0, 80))
def test_a_vector_in_the_disc_comes_back(delta: float, tilt: float) -> None:
    """Project a bar of length 7 at an angle in the disc plane; lay it flat again."""
    angle, cos_i = math.radians(delta), math.cos(math.radians(tilt))
    along, across = 7 * math.cos(angle), 7 * math.sin(angle) * cos_i
    seen, pa = math.hypot(along, across), math.degrees(math.atan2(across, along))
    assert deproject(seen, pa + 33, Disc(tilt, 33)).length == pytest.approx(7, rel=1e-6)


def test_the_simulator_agrees() -> None:
    truth = GalaxyTruth(inclination_deg=50, disc_thickness=0.0, disc_pa_deg=20, bar_pa_deg=75)
    flat = deproject(truth.bar_length_arcsec, truth.bar_pa_deg, Disc(50, 20))
    assert flat.length == pytest.approx(truth.bar_intrinsic_arcsec)


@pytest.mark.parametrize(("delta", "tilt"), [(0, 40), (30, 30), (60, 45), (90, 55), (120, 20)])
def test_the_error_is_the_scatter_of_samples(delta: float, tilt: float) -> None:
    rng = np.random.default_rng(1)
    disc = Disc(tilt, 10, 1.5, 2.0)
    found = deproject(20, 10 + delta, disc, 0.4, 1.0)
    lengths = [
        deproject(
            rng.normal(20, 0.4),
            rng.normal(10 + delta, 1.0),
            Disc(abs(rng.normal(tilt, 1.5)), rng.normal(10, 2.0)),
        ).length
        for _ in range(4000)
    ]
    assert found.error == pytest.approx(np.std(lengths), rel=0.08)


def test_inclination_of_axis_ratios() -> None:
    assert inclination_of(1) == pytest.approx(0)
    assert inclination_of(math.cos(math.radians(55)), thickness=0) == pytest.approx(55)
    assert inclination_of(0.1) == 89
    truth = GalaxyTruth(inclination_deg=48, disc_thickness=0.2)
    assert inclination_of(truth.disc_q) == pytest.approx(48)
    with pytest.raises(ValueError, match="axis ratio"):
        inclination_of(0)


@pytest.mark.parametrize("values", [(90, 0), (-1, 0), (30, math.nan), (math.nan, 0)])
def test_impossible_discs(values: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"inclination|position angle"):
        Disc(*values)
