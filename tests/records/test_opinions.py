"""What rows are told beyond the bar."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from galaxyscope.measure.deproject import Disc
from galaxyscope.records.opinions import with_disc, with_kpc_h, with_opinions, with_sizes
from galaxyscope.records.record import Record
from galaxyscope.sky.coordinates import COSMOLOGY_NAME
from galaxyscope.sky.readers import open_image
from galaxyscope.sky.simulate import GalaxyTruth, simulate_galaxy

ROW = Record(
    "g.fits", length_px=40.0, length_err_px=2.0, length_arcsec=20.0, length_kpc=8.0,
    scale_arcsec_per_px=0.5, pa_deg=100.0, pa_frame="sky", cosmology=COSMOLOGY_NAME, flags="x",
)  # fmt: skip


def test_lengths_in_the_disc_in_every_unit() -> None:
    row = with_disc(ROW, Disc(60, 10))
    assert (row.deprojected_px, row.deprojected_arcsec, row.deprojected_kpc) == pytest.approx(
        (80, 40, 16)
    )
    assert row.deprojected_err_px == pytest.approx(4)
    assert (row.disc_source, row.flags, row.disc_pa_deg) == ("user", "x", 10)
    assert with_disc(ROW, Disc(61, 10)).flags == "x inclined"


def test_errors_in_the_disc_in_every_unit() -> None:
    flat = with_disc(ROW, Disc(60, 10))
    assert (flat.deprojected_err_arcsec, flat.deprojected_err_kpc) == pytest.approx((2, 0.8))
    # On the line of nodes a turn changes nothing to first order, beside it it does.
    turned = dataclasses.replace(ROW, pa_err_deg=5.0)
    assert with_disc(turned, Disc(60, 10)).deprojected_err_px == pytest.approx(4)
    beside = with_disc(turned, Disc(60, 55))
    assert beside.deprojected_err_px > 1.2 * with_disc(ROW, Disc(60, 55)).deprojected_err_px
    unknown = with_disc(dataclasses.replace(ROW, length_err_px=None), Disc(60, 10))
    assert unknown.deprojected_err_arcsec is None


def test_without_a_bar_only_the_disc_is_kept() -> None:
    row = with_disc(Record("g.fits", flags="no-bar"), Disc(70, 10))
    assert row.inclination_deg == 70
    assert row.deprojected_px is None
    assert row.flags == "no-bar"


def test_fractions_and_kpc_over_h() -> None:
    row = with_sizes(ROW, r90_arcsec=25, r25_arcsec=40)
    assert (row.length_per_2r90, row.length_per_2r25) == pytest.approx((0.4, 0.25))
    assert (row.length_err_per_2r90, row.length_err_per_2r25) == pytest.approx((0.02, 0.0125))
    assert ROW.length_err_kpc == pytest.approx(0.4)
    assert with_kpc_h(ROW).length_err_kpc_h == pytest.approx(0.28)
    assert with_sizes(Record("g", length_px=3.0), 25).length_per_2r90 is None
    assert with_kpc_h(ROW).length_kpc_h == pytest.approx(5.6)
    assert with_kpc_h(dataclasses.replace(ROW, cosmology="")).length_kpc_h is None


def apart(one: float, two: float) -> float:
    return abs((one - two + 90) % 180 - 90)


def test_opinions_on_a_simulated_galaxy() -> None:
    truth = GalaxyTruth(
        inclination_deg=35, disc_pa_deg=150, bar_pa_deg=70, bar_length_arcsec=24, r_mag=13.5,
        bar_fraction=0.2, bar_axis_ratio=0.3, young_fraction=0.0, knot_fraction=0.0,
        disc_h_arcsec=11,
    )  # fmt: skip
    image = simulate_galaxy(truth, 256, "r")
    row, disc = with_opinions(Record("g"), image)
    assert row.pa_frame == "sky"
    assert apart(row.isophote_pa_deg, 70) < 4
    assert apart(row.fourier_pa_deg, 70) < 4
    assert 0.6 < row.isophote_length_px / truth.bar_length_px < 1.15
    assert row.isophote_length_px < row.isophote_turn_length_px < 2 * truth.bar_length_px
    assert 0.7 < row.fourier_length_px / truth.bar_length_px < 1.5
    assert disc.inclination_deg == pytest.approx(35, abs=8)
    assert apart(disc.pa_deg, 150) < 12


def test_ngc_4643(shared_data: Path) -> None:
    """Spitzer 3.6 µm: bar at 133° E of N, a = 50″ at maximum ellipticity, up to 62″."""
    image = open_image(shared_data / "fits" / "galaxies" / "n4643irac1ss_fitted_cutout.fits")
    row, _ = with_opinions(Record("n4643"), image)
    scale = image.scale.arcsec_per_px
    assert row.pa_frame == "sky"
    assert apart(row.isophote_pa_deg, 133) < 4
    assert apart(row.fourier_pa_deg, 133) < 4
    assert row.isophote_length_px * scale / 2 == pytest.approx(50, rel=0.12)
    assert 50 < row.isophote_turn_length_px * scale / 2 < 80
