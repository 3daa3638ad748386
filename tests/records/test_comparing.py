"""Joining two tables and saying how well they agree."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from galaxyscope.records.comparing import compare_records
from galaxyscope.records.comparison_figure import draw_comparison
from galaxyscope.records.comparison_text import pair_rows, statistics
from galaxyscope.records.joining import JoinError, picture_name
from galaxyscope.records.record import Record

NAMES = ("auto.csv", "people.csv")


def galaxies(n: int = 40, seed: int = 0) -> tuple[list[Record], list[Record]]:
    """Automatic rows, and lines of two observers on the same galaxies."""
    rng = np.random.default_rng(seed)
    automatic, drawn = [], []
    for i in range(n):
        true, r90 = float(rng.lognormal(2.5, 0.4)), float(rng.lognormal(2.5, 0.3))
        common = {"image_sha256": f"{i:064x}", "ra_deg": 10 + i / 100, "dec_deg": -5.0}
        automatic.append(
            Record(
                f"/data/g{i}.fits", algorithm="phase", length_arcsec=true * 1.1,
                length_px=true * 2.2, length_err_px=0.2, scale_arcsec_per_px=0.5,
                target_probability=float(rng.random()), pa_deg=float(rng.uniform(0, 180)),
                pa_frame="sky", object_id=f"o{i}", **common,
            )
        )  # fmt: skip
        for name, habit in (("Ann", 1.0), ("Bob", 1.2)):
            length = true * habit * float(rng.lognormal(0, 0.03))
            drawn.append(
                Record(
                    f"elsewhere/G{i}.jpg", "drawn", "line", length_arcsec=length, observer=name,
                    r90_arcsec=r90, object_id=f"o{i}", **common,
                )
            )  # fmt: skip
    return automatic, drawn


@pytest.mark.parametrize("by", ["hash", "id", "name", "position", None])
def test_every_key_finds_the_same_pairs(by: str | None) -> None:
    a, b = galaxies()
    found = compare_records(a, b[::-1], NAMES, by)
    assert found.by == (by or "hash")
    assert found.agreement.n == 40
    assert found.only == (0, 0)
    assert found.unit == "arcsec"
    for pair in found.pairs:
        mine = [r.length_arcsec for r in b if r.object_id == pair.a.rows[0].object_id]
        assert pair.b.length == pytest.approx(np.mean(mine))
        assert pair.b.error == pytest.approx(np.std(mine, ddof=1) / np.sqrt(2))
        assert pair.a.error == pytest.approx(0.1)


def test_positions_match_within_the_tolerance_only() -> None:
    a, b = galaxies(5)
    moved = [dataclasses.replace(r, dec_deg=-5.0 + 2 / 3600) for r in b]
    assert compare_records(a, moved, NAMES, "position", 2.5).agreement.n == 5
    with pytest.raises(JoinError, match="no galaxy in common by position"):
        compare_records(a, moved, NAMES, "position", 1.5)


def test_positions_meet_across_midnight() -> None:
    a = [Record("a", length_arcsec=1.0, ra_deg=359.9999, dec_deg=0.0)]
    b = [Record("b", length_arcsec=1.0, ra_deg=0.0001, dec_deg=0.0)]
    assert compare_records(a, b, NAMES, "position", 1.0).agreement.n == 1


def test_one_name_of_many_pictures_is_no_name() -> None:
    """cutout.fits in two folders: joining by it would mix two galaxies."""
    a = [Record(f"{i}/cutout.fits", image_sha256=str(i) * 64, length_px=9.0) for i in (1, 2)]
    b = [Record("cutout.fits", "drawn", "line", length_px=9.0)]
    with pytest.raises(JoinError):
        compare_records(a, b, NAMES, "name")


def test_relative_lengths_and_observers() -> None:
    a, b = galaxies(200)
    found = compare_records(a, b, NAMES, resamples=200)
    assert found.relative
    assert found.agreement.median_ratio == pytest.approx(1.0, abs=0.02)
    assert found.agreement.constant_rho_paper is not None
    assert found.agreement.rho_paper > 0.99
    assert found.observers.names == ("Ann", "Bob")
    assert found.observers.within is None
    assert found.observers.complete.scatter == pytest.approx(np.log(1.2) / np.sqrt(2), rel=0.1)
    names = [t.name for t in found.trends]
    assert names == ["position angle [deg]", "r90 [arcsec]", "probability of the bar"]


def test_text_never_shows_a_correlation_without_its_baseline() -> None:
    a, b = galaxies()
    lines = list(statistics(compare_records(a, b, NAMES, resamples=50)))
    head = next(i for i, line in enumerate(lines) if "constant   shuffled" in line)
    found = compare_records(a, b, NAMES, resamples=50).agreement
    paper = lines[lines.index("paper-style", head) + 1]
    for value in (found.rho_paper, found.constant_rho_paper, found.shuffled_rho_paper):
        assert f"{value:.3f}" in paper
    without = [dataclasses.replace(r, r90_arcsec=None) for r in b]
    text = "\n".join(statistics(compare_records(a, without, NAMES, resamples=50)))
    assert "correlate by their size alone" in text
    assert "paper-style" not in text


def test_rows_without_a_length_are_counted() -> None:
    a, b = galaxies(10)
    a[3] = dataclasses.replace(a[3], length_arcsec=None, length_px=None)
    broken = Record("broken.fits", error="damaged")
    found = compare_records([*a, broken], b[:-2], NAMES, resamples=10)
    assert (found.agreement.n, found.agreement.missing, found.only) == (8, 1, (1, 0))
    rows = list(pair_rows(found))
    assert rows[3]["a_arcsec"] is None
    assert rows[0]["ratio"] == pytest.approx(rows[0]["a_arcsec"] / rows[0]["b_arcsec"])


def test_two_galaxies_are_enough_for_a_table() -> None:
    a, b = galaxies(2)
    found = compare_records(a, b, NAMES, resamples=10)
    assert found.agreement.rho_paper is None
    assert "–" in "\n".join(statistics(found))


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_figures_carry_caption_and_provenance(tmp_path: Path, suffix: str) -> None:
    found = compare_records(*galaxies(), NAMES, resamples=50)
    for name in ("one", "two"):
        draw_comparison(found, tmp_path / f"{name}{suffix}", ("auto.csv (sha256 abc)",))
    one, two = ((tmp_path / f"{n}{suffix}").read_bytes() for n in ("one", "two"))
    assert one == two
    if suffix == ".png":
        with Image.open(tmp_path / "one.png") as picture:
            assert "one relative length for all gives" in picture.text["Description"]
            pixels = np.asarray(picture.convert("L"))
            assert (pixels < 128).mean() > 0.005
    if suffix == ".svg":
        assert b"sha256 abc" in one


@pytest.mark.parametrize("packed", ["", ".gz", ".bz2", ".xz", ".Z", ".fz"])
@pytest.mark.parametrize("suffix", [".fits", ".fit", ".fts", ".jpg", ".jpeg", ".png", ".tiff"])
def test_a_picture_has_the_same_name_however_it_is_packed(suffix: str, packed: str) -> None:
    assert picture_name(Record(f"/data/NGC.4643{suffix}{packed}")) == "ngc.4643"


def test_errors_in_kpc_are_taken_from_a_table_that_knows_no_others() -> None:
    a = [Record("a.fits", length_kpc=8.0, length_err_kpc=1.0)]
    b = [Record("a.fits", "drawn", length_kpc=7.0)]
    (pair,) = compare_records(a, b, NAMES).pairs
    assert (pair.a.length, pair.a.error, pair.b.error) == (8, 1, None)
