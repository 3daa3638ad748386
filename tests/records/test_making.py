"""Rows: scale honesty, position angles, differences."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyscope.measure.results import BarMeasurement, LengthErrors, LineMeasurement
from galaxyscope.records.making import (
    compared,
    plane_key,
    record_of_bar,
    record_of_line,
)
from galaxyscope.records.record import Provenance, Record
from galaxyscope.sky.image import PixelScale, Plane, SkyImage

Make = Callable[..., SkyImage]
PROVENANCE = Provenance(
    model="galaxyzoo",
    model_sha256="e" * 64,
    method="smoothgrad/signed",
    target="Class3.1",
    target_probability=0.78,
    samples=64,
    noise=0.1,
    seed=3,
    parameters={"samples": 64, "noise": 0.1, "seed": 3},
)


def bar(ends: object = ((10.0, 20.0), (40.0, 60.0)), **fields: object) -> BarMeasurement:
    found = BarMeasurement("invariant", ends, 50.0, 2.0, 0.7, 0.86, 120, ("touches-frame",))  # type: ignore[arg-type]  # None as well
    return dataclasses.replace(found, parameters={"correlation": 0.85}, **fields)


def line(*ends: tuple[float, float], observer: str = "observer 1") -> LineMeasurement:
    return LineMeasurement((ends[0], ends[1]), observer, "2026-01-02T03:04:05Z")


def test_the_parts_of_the_error_are_kept(image: Make) -> None:
    parts = LengthErrors(1.0, 2.0, 3.0, 4.0, 5.0)
    row = record_of_bar(image(), bar(errors=parts, angle_err_deg=2.5))
    assert (row.err_sampling_px, row.err_networks_px, row.err_threshold_px) == (1, 2, 3)
    assert (row.err_grid_px, row.err_method_px, row.pa_err_deg) == (4, 5, 2.5)


def test_without_a_scale_there_are_pixels_only(image: Make) -> None:
    row = record_of_bar(image(redshift=0.05), bar())
    assert (row.length_px, row.length_err_px) == (50.0, 2.0)
    assert row.length_arcsec is None
    assert row.length_kpc is None
    assert row.length_err_arcsec is None
    assert row.scale_arcsec_per_px is None
    assert (row.scale_source, row.cosmology) == ("", "")


def test_a_given_scale_says_that_it_was_given(image: Make) -> None:
    row = record_of_bar(image(scale=PixelScale(0.4, "user")), bar())
    assert row.length_arcsec == pytest.approx(20.0)
    assert row.length_err_arcsec == pytest.approx(0.8)
    assert (row.scale_arcsec_per_px, row.scale_source) == (0.4, "user")
    assert row.length_kpc is None, "no redshift"


def test_kpc_by_hand(with_wcs: SkyImage) -> None:
    row = record_of_bar(with_wcs, bar())
    # Ned Wright's calculator for H0 = 70, Ωm = 0.3, flat, z = 0.05: 0.977 kpc per arcsec.
    assert row.length_kpc == pytest.approx(25 * 0.977, rel=1e-3)
    assert "70" in row.cosmology
    assert "0.3" in row.cosmology


def test_provenance_is_all_there(with_wcs: SkyImage) -> None:
    row = record_of_bar(with_wcs, bar(), PROVENANCE, created_at="2026-01-01T00:00:00Z")
    assert row.path == "folder/g.fits".replace("/", __import__("os").sep)
    assert row.image_sha256 == "f" * 64
    assert (row.model, row.model_sha256, row.method) == ("galaxyzoo", "e" * 64, "smoothgrad/signed")
    assert (row.samples, row.noise, row.seed) == (64, 0.1, 3)
    assert (row.target, row.target_probability) == ("Class3.1", 0.78)
    assert (row.threshold, row.flags, row.kind) == (0.7, "touches-frame", "automatic")
    assert row.created_at == "2026-01-01T00:00:00Z"
    assert json.loads(row.parameters) == {
        "samples": 64,
        "noise": 0.1,
        "seed": 3,
        "correlation": 0.85,
    }


def test_no_bar_says_why(image: Make) -> None:
    none = bar(None, length_px=None, length_err_px=None, threshold=None, reason="The map is flat.")
    row = record_of_bar(image(), none)
    assert row.ends is None
    assert row.length_px is None
    assert row.pa_deg is None
    assert row.pa_frame == ""
    assert row.reason == "The map is flat."
    assert row.error == ""


def test_no_row_holds_a_nan(image: Make) -> None:
    row = record_of_bar(image(redshift=math.nan), bar(length_err_px=math.nan, threshold=math.inf))
    assert (row.redshift, row.length_err_px, row.threshold) == (None, None, None)


@pytest.mark.parametrize(
    ("end", "sky", "picture"), [((10, 40), 0, 0), ((20, 30), 90, 90), ((0, 40), 45, 45)]
)
def test_position_angles(
    with_wcs: SkyImage, end: tuple[float, float], sky: float, picture: float
) -> None:
    drawn = record_of_line(with_wcs, line((10, 30), end))
    assert drawn.pa_frame == "sky"
    assert drawn.pa_deg == pytest.approx(sky, abs=0.02) or drawn.pa_deg == pytest.approx(180 + sky)
    plain = record_of_line(with_wcs.replace(wcs=None), line((10, 30), end))
    assert plain.pa_frame == "image"
    assert plain.pa_deg == pytest.approx(picture)


def test_a_drawn_line_knows_its_difference(with_wcs: SkyImage) -> None:
    automatic = record_of_bar(with_wcs, bar(((10, 10), (10, 60))))
    drawn = record_of_line(with_wcs, line((10, 10), (11, 50)), automatic)
    assert (drawn.kind, drawn.algorithm) == ("drawn", "line")
    assert (drawn.observer, drawn.created_at) == ("observer 1", "2026-01-02T03:04:05Z")
    assert drawn.difference_percent == pytest.approx(100 * (math.hypot(1, 40) - 50) / 50)
    # Leaning to the right of north is west: the angle falls below 0 and is 178.6°.
    assert drawn.pa_deg == pytest.approx(180 - math.degrees(math.atan(1 / 40)), abs=0.02)
    assert drawn.difference_deg == pytest.approx(-math.degrees(math.atan(1 / 40)), abs=0.02)
    assert compared(drawn, None).difference_percent is None


def test_angles_of_different_frames_are_not_compared(with_wcs: SkyImage) -> None:
    automatic = record_of_bar(with_wcs.replace(wcs=None), bar())
    drawn = record_of_line(with_wcs, line((10, 10), (40, 50)), automatic)
    assert drawn.difference_deg is None
    assert drawn.difference_percent == pytest.approx(0)


@given(
    drawn=st.floats(0, 180, exclude_max=True),
    automatic=st.floats(0, 180, exclude_max=True),
)
def test_difference_of_angles_is_the_shortest(drawn: float, automatic: float) -> None:
    rows = [Record("g", pa_deg=a, pa_frame="sky", length_px=1.0) for a in (drawn, automatic)]
    difference = compared(*rows).difference_deg
    assert difference is not None
    assert -90 <= difference <= 90
    turns = (automatic + difference - drawn) / 180
    assert turns == pytest.approx(round(turns), abs=1e-9)


def test_planes_have_keys(image: Make) -> None:
    planes = (Plane(1, None, "SCI"), Plane(2, 3, "cube"))
    assert plane_key(image()) == ""
    assert plane_key(image(planes=planes[:1], plane=planes[0])) == ""
    assert plane_key(image(planes=planes, plane=planes[0])) == "1"
    assert plane_key(image(planes=planes, plane=planes[1])) == "2:3"


@pytest.mark.parametrize(
    ("said", "flags"), [(0.1, "touches-frame unlikely"), (0.3, "touches-frame")]
)
def test_a_bar_that_the_network_does_not_see_is_flagged(
    image: Make, said: float, flags: str
) -> None:
    source = dataclasses.replace(PROVENANCE, target_probability=said)
    assert record_of_bar(image(), bar(), source).flags == flags
    none = bar(None, length_px=None, flags=("no-bar",))
    assert record_of_bar(image(), none, source).flags == "no-bar"
