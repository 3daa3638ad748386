"""Files of simulated galaxies: what is written comes back, in the place where it was."""

import csv
import gzip
import runpy
from pathlib import Path

import numpy as np
import pytest

from galaxyscope.sky.readers import list_images, open_image
from galaxyscope.sky.simulate import (
    GalaxyTruth,
    Sample,
    draw_truth,
    lupton_colour,
    plain_bar,
    simulate_galaxy,
    write_fits,
    write_jpeg,
    write_truth_table,
)

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "resources" / "samples"
# Both coordinates of the bright end change when rows are turned over or axes swapped.
LOPSIDED = GalaxyTruth(
    bulge_fraction=1.0,
    bar_fraction=0.0,
    young_fraction=0.0,
    knot_fraction=0.0,
    offset_px=(12.0, 20.0),
    noise=False,
    redshift=0.0213,
)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_fits_cube_comes_back(tmp_path: Path) -> None:
    image = simulate_galaxy(LOPSIDED, 80)
    write_fits(image, tmp_path / "cube.fits")
    back = open_image(tmp_path / "cube.fits")
    np.testing.assert_array_equal(back.data, image.data)
    assert back.y_up
    assert back.scale is not None
    assert back.scale.arcsec_per_px == pytest.approx(0.396, rel=1e-9)
    assert back.scale.source == "WCS"
    assert back.redshift == pytest.approx(0.0213)
    assert back.wcs is not None
    assert image.wcs is not None
    points = np.array([[0.0, 0.0], [51.5, 59.5], [79.0, 10.0]])
    np.testing.assert_allclose(
        back.wcs.all_pix2world(points, 0), image.wcs.all_pix2world(points, 0), atol=1e-10
    )


def test_extensions_and_compression_hold_the_same_sky(tmp_path: Path) -> None:
    image = simulate_galaxy(draw_truth(1, 1), 80)
    write_fits(image, tmp_path / "three.fits", layout="extensions")
    first = open_image(tmp_path / "three.fits")
    assert [plane.label.split(" ")[0] for plane in first.planes] == ["SCI_I", "SCI_R", "SCI_G"]
    for plane, expected in zip(first.planes, image.data, strict=True):
        back = open_image(tmp_path / "three.fits", plane)
        np.testing.assert_array_equal(back.data[0], expected)
        assert back.redshift == pytest.approx(draw_truth(1, 1).redshift)
    one = simulate_galaxy(draw_truth(1, 1), 80, "r")
    write_fits(one, tmp_path / "tiles.fits.fz", layout="compressed")
    noise = 1.48 * np.median(np.abs(one.data - np.median(one.data)))
    difference = open_image(tmp_path / "tiles.fits.fz").data - one.data
    assert 0 < np.abs(difference).max() < 0.1 * noise


def test_same_bytes_every_time(tmp_path: Path) -> None:
    truth = draw_truth(2, 0)
    for name in ("a.fits", "b.fits"):
        write_fits(truth, tmp_path / f"{name}.gz", "g", size=64)
        write_fits(truth, tmp_path / name, "g", size=64)
        write_jpeg(truth, tmp_path / f"{name}.jpg", size=64)
    for suffix in ("", ".gz", ".jpg"):
        one, two = ((tmp_path / f"{n}.fits{suffix}").read_bytes() for n in "ab")
        assert one == two
    assert (
        gzip.decompress((tmp_path / "a.fits.gz").read_bytes()) == (tmp_path / "a.fits").read_bytes()
    )


def test_jpeg_looks_on_the_screen_as_the_fits_file_does(tmp_path: Path) -> None:
    write_fits(LOPSIDED, tmp_path / "a.fits", size=80)
    write_jpeg(LOPSIDED, tmp_path / "a.jpg", size=80)
    found = []
    for name, y_up in (("a.fits", True), ("a.jpg", False)):
        image = open_image(tmp_path / name)
        assert image.y_up is y_up
        light = image.light - np.median(image.light)
        light = np.where(light > 0.5 * light.max(), light, 0)
        y, x = np.mgrid[:80, :80]
        peak = ((x * light).sum() / light.sum(), (y * light).sum() / light.sum())
        np.testing.assert_allclose(peak, LOPSIDED.centre_px(80, y_up), atol=0.1)
        found.append(image.to_screen(peak))
    np.testing.assert_allclose(found[0], found[1], atol=0.1)
    # 12 px right of and 20 px above the middle of the screen, whose y grows downwards.
    np.testing.assert_allclose(found[0], (52.0, 20.0), atol=0.1)


def test_bar_ends_of_the_table_are_on_the_bar_of_each_file(tmp_path: Path) -> None:
    truth = plain_bar(40.0, 25.0, offset_px=(3.0, 7.0))
    for name, y_up in (("a.fits", True), ("a.jpg", False)):
        write_fits(truth, tmp_path / name, size=80) if y_up else write_jpeg(
            truth, tmp_path / name, size=80
        )
    samples = [Sample("a.fits", truth, 80, True), Sample("a.jpg", truth, 80, False)]
    write_truth_table(samples, tmp_path / "truth.csv")
    for row in rows(tmp_path / "truth.csv"):
        light = open_image(tmp_path / row["file"]).light
        light = np.where(light > 0.3 * light.max(), light, 0)
        one, two = np.array([[float(row[k]) for k in p] for p in (("x1", "y1"), ("x2", "y2"))])
        assert np.hypot(*(one - two)) == pytest.approx(float(row["bar_full_length_px"]), abs=2e-3)
        assert float(row["bar_full_length_arcsec"]) == pytest.approx(40 * 0.396, abs=1e-3)
        middle = (one + two) / 2
        for end in (one, two):
            inside = middle + 0.93 * (end - middle)
            outside = middle + 1.08 * (end - middle)
            assert light[round(inside[1]), round(inside[0])] > 0
            assert light[round(outside[1]), round(outside[0])] == 0


def test_colour_picture_keeps_hue_where_it_saturates() -> None:
    image = simulate_galaxy(plain_bar(30.0, 0.0, r_mag=8.0), 32)
    rgb = lupton_colour(image)
    assert rgb.shape == (32, 32, 3)
    red, green, blue = (int(value) for value in rgb[16, 16])
    assert red == 255
    assert red > green > blue > 60
    grey = simulate_galaxy(plain_bar(30.0, 0.0), 32, "r")
    with pytest.raises(ValueError, match="three channels"):
        lupton_colour(grey)


def test_an_unbarred_galaxy_has_no_bar_in_the_table(tmp_path: Path) -> None:
    truths = [draw_truth(5, 0, barred=True), draw_truth(5, 1, barred=False)]
    write_truth_table([Sample("a", truth, 64, True) for truth in truths], tmp_path / "t.csv")
    barred, unbarred = rows(tmp_path / "t.csv")
    columns = {"bar_full_length_px", "bar_full_length_arcsec", "bar_pa_deg", "x1", "y2"}
    assert all(barred[name] for name in columns)
    assert not any(unbarred[name] for name in columns)
    assert (barred["barred"], unbarred["barred"]) == ("1", "0")


def test_the_samples_are_what_the_script_makes(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "make_samples.py"))
    script["make"](tmp_path)
    assert (tmp_path / "truth.csv").read_bytes() == (SAMPLES / "truth.csv").read_bytes()
    made, shipped = list_images(tmp_path), list_images(SAMPLES)
    assert [p.name for p in made] == [p.name for p in shipped]
    assert len(shipped) == 12
    for one, two in zip(made, shipped, strict=True):
        # Other versions of numpy, scipy or libjpeg may differ in the last digits.
        a, b = open_image(one).data, open_image(two).data
        tolerance = 3.0 if one.suffix == ".jpg" else 1e-4 * np.abs(b).max()
        assert np.abs(a - b).mean() < tolerance


def test_the_samples_agree_with_their_table() -> None:
    size = sum(path.stat().st_size for path in SAMPLES.iterdir())
    assert size < 6 * 2**20
    table = rows(SAMPLES / "truth.csv")
    assert sum(row["barred"] == "0" for row in table) == 3
    for row in table:
        image = open_image(SAMPLES / row["file"])
        assert image.shape == (int(row["size_px"]),) * 2
        if row["file"].endswith(".jpg"):
            continue
        assert image.scale is not None
        assert image.scale.arcsec_per_px == pytest.approx(float(row["scale_arcsec_per_px"]))
        assert image.redshift == pytest.approx(float(row["redshift"]), abs=1e-5)
        if row["barred"] == "1":
            assert image.wcs is not None
            one = image.wcs.pixel_to_world(float(row["x1"]), float(row["y1"]))
            two = image.wcs.pixel_to_world(float(row["x2"]), float(row["y2"]))
            angle = one.position_angle(two).deg - float(row["bar_pa_deg"])
            assert abs((angle + 90) % 180 - 90) < 0.05
            assert one.separation(two).arcsec == pytest.approx(
                float(row["bar_full_length_arcsec"]), abs=1e-3
            )
