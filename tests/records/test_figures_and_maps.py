"""Figures show the bar where it is; maps keep geometry and history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from galaxyscope.measure.results import LineMeasurement
from galaxyscope.records.figure import AMBER, CYAN, draw_figure, label
from galaxyscope.records.making import record_of_line
from galaxyscope.records.maps import is_bottom_up, write_map
from galaxyscope.records.record import Record
from galaxyscope.records.tables import TableError
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.readers import open_image

Make = Callable[..., SkyImage]


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Mean (x, y) of the pixels of about this colour."""
    close = np.abs(picture.astype(int) - colour).sum(axis=-1) < 40
    assert close.any()
    rows, columns = np.nonzero(close)
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize("y_up", [True, False])
def test_the_bar_is_drawn_where_it_is(image: Make, y_up: bool) -> None:
    cutout = image((60, 80), y_up=y_up, full_scale=255.0)
    row = Record(path="g", length_px=20.0, x1=50, y1=10, x2=70, y2=10)
    picture = draw_figure(cutout, record=row)
    assert picture.size == (720, 540)
    zoom = 9
    row_on_screen = 59 - 10 if y_up else 10
    upper = np.asarray(picture)[: 540 - 50] if row_on_screen < 50 else np.asarray(picture)
    # The label, of the same colour, is at the lower left; the bar is on the right.
    found = near(upper[:, 360:], AMBER) + np.array([360, 0])
    assert found == pytest.approx([(60 + 0.5) * zoom, (row_on_screen + 0.5) * zoom], abs=2)


def test_drawn_lines_are_cyan_and_maps_are_laid_over(image: Make) -> None:
    cutout = image(y_up=True, full_scale=255.0)
    line = LineMeasurement(((50.0, 30.0), (70.0, 30.0)), "me", "")
    near(np.asarray(draw_figure(cutout, record=record_of_line(cutout, line))), CYAN)
    values = np.zeros((60, 80), np.float32)
    values[5:10, 60:70] = 2.0  # file rows 5 to 9 from the bottom
    values[50, 3] = np.nan
    picture = np.asarray(draw_figure(cutout, values)).astype(int)
    bright = picture.sum(axis=-1) > 200
    rows, columns = np.nonzero(bright)
    assert columns.mean() == pytest.approx(65 * 9, abs=5)
    assert rows.mean() == pytest.approx((60 - 7.5) * 9, abs=5)
    against = np.asarray(draw_figure(cutout, -values)).astype(int)
    assert against[470, 585, 2] > against[470, 585, 0], "evidence against is blue"
    assert picture[470, 585, 0] > picture[470, 585, 2], "evidence for is not"


def test_labels() -> None:
    row = Record("g", length_px=52.04, length_err_px=2.33, pa_deg=133.12, pa_frame="image")
    assert label(row) == "automatic 52.0 ± 2.3 px   angle 133.1°"
    scaled = Record(
        "g",
        kind="drawn",
        length_px=52.0,
        length_arcsec=31.2,
        scale_arcsec_per_px=0.6,
        pa_deg=133.1,
        pa_frame="sky",
    )
    assert label(scaled) == "drawn 31.2 arcsec   PA 133.1°"
    assert label(Record("g")) == "no bar"


def test_large_and_narrow_images_have_small_figures(image: Make) -> None:
    assert draw_figure(image((4000, 3000), full_scale=1.0)).size == (1200, 1600)
    assert draw_figure(image((1, 2000), full_scale=1.0)).size == (1600, 1)


def test_a_fits_map_lies_on_the_sky_of_its_cutout(tmp_path: Path, with_wcs: SkyImage) -> None:
    values = np.random.default_rng(0).normal(size=with_wcs.shape).astype(np.float32)
    row = Record(
        "g.fits", model="ñame", method="smoothgrad/signed", target="Class3.1", samples=8, noise=0.1
    )
    write_map(tmp_path / "map.fits", with_wcs, values, row)
    again = open_image(tmp_path / "map.fits")
    assert np.array_equal(again.data[0], values)
    assert again.data.dtype == np.float32
    assert again.y_up
    assert again.scale is not None
    assert again.scale.arcsec_per_px == pytest.approx(0.5)
    assert again.wcs is not None
    assert with_wcs.wcs is not None
    points = np.array([[0.0, 0.0], [40.0, 50.0]])
    np.testing.assert_allclose(
        again.wcs.all_pix2world(points, 0), with_wcs.wcs.all_pix2world(points, 0), atol=1e-9
    )
    from astropy.io import fits

    header = fits.getheader(tmp_path / "map.fits")
    assert (header["METHOD"], header["TARGET"], header["SAMPLES"]) == (
        "smoothgrad/signed",
        "Class3.1",
        8,
    )
    assert header["MODEL"] == "\\xf1ame"
    assert "SEED" not in header


@pytest.mark.parametrize("name", ["a'b" * 12, "x" * 45, "y" * 66, "z" * 68, "ü" * 90])
def test_long_names_fit_into_a_header(tmp_path: Path, image: Make, name: str) -> None:
    from astropy.io import fits

    row = Record("g", model=name, image_sha256="f" * 64)
    write_map(tmp_path / "map.fits", image(name=name), np.zeros((60, 80), np.float32), row)
    header = fits.getheader(tmp_path / "map.fits")
    assert header["CUTOUT"] == header["MODEL"] == name.replace("ü", "\\xfc")
    assert header["CUTSHA"] == "f" * 64


def test_a_raster_map_stays_upright(tmp_path: Path, image: Make) -> None:
    values = np.zeros((60, 80), np.float32)
    values[3, 7] = 1
    write_map(tmp_path / "map.fits", image(y_up=False), values, Record("g.jpg"))
    again = open_image(tmp_path / "map.fits")
    assert not again.y_up, "row 0 is still the top one"
    assert again.wcs is None
    assert again.data[0, 3, 7] == 1
    write_map(tmp_path / "map.npy", image(), values, Record("g.jpg"))
    loaded = np.load(tmp_path / "map.npy", allow_pickle=False)
    assert loaded.dtype == np.float32
    assert np.array_equal(loaded, values)


def test_maps_elsewhere_are_refused(tmp_path: Path, image: Make) -> None:
    with pytest.raises(ValueError, match="the cutout"):
        write_map(tmp_path / "m.npy", image(), np.zeros((3, 3), np.float32), Record("g"))
    with pytest.raises(TableError, match=r"\.npy"):
        write_map(tmp_path / "m.png", image(), np.zeros((60, 80), np.float32), Record("g"))


@pytest.mark.parametrize("y_up", [True, False])
def test_the_file_beside_an_array_tells_its_row_order(
    tmp_path: Path, image: Make, y_up: bool
) -> None:
    path = tmp_path / "map.npy"
    assert not is_bottom_up(path), "nothing said: the first row is the top one"
    write_map(path, image(y_up=y_up), np.zeros((60, 80), np.float32), Record("g.fits"))
    assert is_bottom_up(path) == y_up
    for other in ("", "[" * 99999, "[]", '{"roworder": ["BOTTOM-UP"]}', "\xff"):
        path.with_name("map.npy.json").write_text(other, encoding="latin-1")
        assert not is_bottom_up(path), "of somebody else's"


def test_a_fits_map_keeps_the_distortions_of_its_cutout(tmp_path: Path, with_wcs: SkyImage) -> None:
    """Tables of the kinds CPDIS and D2IM (HST) stand in extensions of their own."""
    from astropy.wcs import DistortionLookupTable

    wcs = with_wcs.wcs
    assert wcs is not None
    sizes = {"cpdis1": 2.0, "cpdis2": 4.0, "det2im1": 1.0, "det2im2": 3.0}
    for name, size in sizes.items():
        table = np.full((8, 8), size, np.float32)
        setattr(wcs, name, DistortionLookupTable(table, (0, 0), (0, 0), (16, 16)))
    values = np.ones(with_wcs.shape, np.float32)
    write_map(tmp_path / "map.fits", with_wcs, values, Record("g.fits"))
    again = open_image(tmp_path / "map.fits")
    assert np.array_equal(again.data[0], values)
    assert again.wcs is not None
    points = np.array([[0.0, 0.0], [40.0, 50.0]])
    there = wcs.all_pix2world(points, 0)
    assert not np.allclose(there, wcs.wcs_pix2world(points, 0), atol=1e-6)
    np.testing.assert_allclose(again.wcs.all_pix2world(points, 0), there, atol=1e-9)
