"""Imported rows find their pictures."""

from __future__ import annotations

import dataclasses

import pytest

from galaxyscope.records.importing.attach import attach, sentence_of
from galaxyscope.records.record import Record
from galaxyscope.sky.coordinates import COSMOLOGY_NAME, kpc_per_arcsec

AUTO = Record(
    "/data/a.fits", algorithm="phase", length_px=40.0, length_arcsec=20.0, pa_deg=10.0,
    pa_frame="sky", image_sha256="a" * 64, scale_arcsec_per_px=0.5, scale_source="WCS",
    ra_deg=100.0, dec_deg=5.0, light_r90_px=60.0, created_at="2026-01-01T00:00:00Z",
)  # fmt: skip


def line(path: str, **values: object) -> Record:
    return Record(path, "drawn", "line", observer="Eve", source=f"t.csv, {path}", **values)


def test_by_name_of_the_file() -> None:
    rows, count = attach([line("A.JPG", length_px=44.0), line("b.png", length_px=9.0)], [AUTO], {})
    assert count == 1
    first, second = rows
    assert (first.path, first.image_sha256) == (AUTO.path, AUTO.image_sha256)
    assert first.length_px == 44.0
    assert first.length_arcsec == pytest.approx(22.0)
    assert first.light_r90_px == 60.0
    assert first.difference_percent == pytest.approx(10.0)
    assert second == line("b.png", length_px=9.0)


def test_by_place_on_the_sky() -> None:
    near = line("x", ra_deg=100.0, dec_deg=5.0 + 2 / 3600, length_arcsec=30.0)
    far = line("y", ra_deg=100.0, dec_deg=5.0 + 20 / 3600, length_arcsec=30.0)
    rows, count = attach([near, far], [AUTO], {})
    assert count == 1
    assert rows[0].image_sha256 == AUTO.image_sha256
    assert rows[0].length_px == pytest.approx(60.0)
    assert (rows[0].ra_deg, rows[0].dec_deg) == (near.ra_deg, near.dec_deg)
    assert rows[1] == far


def test_kpc_follow_from_the_redshift_of_the_picture() -> None:
    near = dataclasses.replace(AUTO, redshift=0.02)
    own = line("a.fits", length_arcsec=30.0, redshift=0.05)
    (row, other), _ = attach([line("a.fits", length_px=44.0), own], [near], {})
    assert row.length_kpc == pytest.approx(22.0 * kpc_per_arcsec(0.02))
    assert (row.redshift, row.cosmology) == (0.02, COSMOLOGY_NAME)
    assert other.length_kpc == pytest.approx(30.0 * kpc_per_arcsec(0.05))
    (unknown,), _ = attach([line("a.fits", length_px=44.0)], [AUTO], {})
    assert (unknown.length_kpc, unknown.cosmology) == (None, "")


def test_pictures_of_the_list_need_no_measurement() -> None:
    rows, count = attach([line("c.fits", length_px=5.0)], [], {"/data/c.fits": "c" * 64})
    assert count == 1
    assert (rows[0].path, rows[0].image_sha256) == ("/data/c.fits", "c" * 64)
    assert rows[0].length_arcsec is None


def test_a_name_of_two_pictures_is_no_name() -> None:
    other = dataclasses.replace(AUTO, path="/other/a.fits", image_sha256="b" * 64, ra_deg=None)
    (row,), count = attach([line("a.fits", length_px=5.0)], [AUTO, other], {})
    assert count == 0
    assert row.image_sha256 == ""


def test_rows_that_know_their_picture_keep_it() -> None:
    own = line("a.fits", length_px=5.0, image_sha256="d" * 64)
    (row,), count = attach([own], [AUTO], {})
    assert row == own
    assert count == 0


def test_the_sentence_counts() -> None:
    rows = [line("a"), line("a", length_px=3.0), line("b", length_arcsec=2.0)]
    text = sentence_of(rows, before=2, attached=1, names=["t.csv"])
    assert text == (
        "3 rows of 2 galaxies imported from t.csv; 1 without a length, "
        "1 of pictures that are open or measured here, 2 more were here already"
    )
