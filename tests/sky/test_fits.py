"""FITS files as they should be: every way to store a picture gives the same picture."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from galaxyscope.sky.image import ImageError, Plane
from galaxyscope.sky.readers import is_image_name, list_images, open_image


def write(path: Path, *hdus: object) -> Path:
    fits.HDUList(list(hdus)).writeto(path)
    return path


def test_floats_come_back_native_and_read_only(tmp_path, letter_f):
    path = write(tmp_path / "f.fits", fits.PrimaryHDU(letter_f.astype(">f4")))
    image = open_image(path)
    assert image.data.dtype == np.float32
    assert image.data.dtype.isnative
    assert np.array_equal(image.data[0], letter_f)
    assert not image.data.flags.writeable
    assert image.y_up
    assert image.full_scale is None
    assert image.scale is None
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (image.name, image.path) == ("f.fits", path)


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "f4", "f8", "u2", "u4", "u8", "i1"])
def test_all_types_agree_with_astropy(tmp_path, kind):
    rng = np.random.default_rng(3)
    values = rng.integers(0, 120, (20, 30)).astype(kind)
    if kind[0] == "u" and kind != "u1":
        values[0, 0] = np.iinfo(kind).max
    path = write(tmp_path / "t.fits", fits.PrimaryHDU(values))
    assert np.array_equal(open_image(path).data[0], fits.getdata(path).astype(np.float32))


def test_scaled_integers_with_blank(tmp_path):
    stored = np.arange(12, dtype=np.int16).reshape(3, 4)
    hdu = fits.PrimaryHDU(stored)
    path = write(tmp_path / "s.fits", hdu)
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header["BSCALE"], hdus[0].header["BZERO"], hdus[0].header["BLANK"] = 0.25, 10.0, 5
    expected = (stored * 0.25 + 10.0).astype(np.float32)
    expected[1, 1] = np.nan
    assert np.array_equal(open_image(path).data[0], expected, equal_nan=True)


def test_infinities_are_no_values(tmp_path):
    values = np.array([[1.0, np.inf], [1e300, np.nan]])
    image = open_image(write(tmp_path / "i.fits", fits.PrimaryHDU(values)))
    assert np.array_equal(np.isnan(image.data[0]), [[False, True], [True, True]])


def test_all_nan_is_noted(tmp_path):
    path = write(tmp_path / "n.fits", fits.PrimaryHDU(np.full((4, 4), np.nan, np.float32)))
    assert "No pixel of this picture has a value." in open_image(path).notes


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".dat", bytes)],
)
def test_packed_files_whatever_their_name(tmp_path, letter_f, suffix, pack):
    plain = write(tmp_path / "plain.fits", fits.PrimaryHDU(letter_f)).read_bytes()
    path = tmp_path / f"galaxy{suffix}"
    path.write_bytes(pack(plain))
    image = open_image(path)
    assert np.array_equal(image.data[0], letter_f)
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("how", ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1"])
def test_tiles_agree_with_astropy(tmp_path, how):
    values = np.random.default_rng(1).integers(0, 500, (40, 50)).astype(np.int16)
    path = write(
        tmp_path / "c.fits.fz",
        fits.PrimaryHDU(),
        fits.CompImageHDU(values, compression_type=how, name="SCI"),
    )
    image = open_image(path)
    assert np.array_equal(image.data[0], values)
    assert image.plane.label == "SCI · 50×40"


def test_tiles_of_a_cube_and_of_unsigned_integers(tmp_path):
    cube = np.random.default_rng(1).integers(0, 60000, (3, 20, 25)).astype(np.uint16)
    path = write(tmp_path / "c.fits", fits.PrimaryHDU(), fits.CompImageHDU(cube))
    planes = open_image(path).planes
    assert [p.index for p in planes] == [0, 1, 2]
    for plane in planes:
        assert np.array_equal(open_image(path, plane).data[0], cube[plane.index])


def test_first_picture_is_chosen_and_all_are_offered(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("A", "E", array=[1.0])])
    hdus = [
        fits.PrimaryHDU(),
        table,
        fits.ImageHDU(np.zeros(7, np.float32), name="SPEC"),
        fits.ImageHDU(np.full((5, 6), 2, np.float32), name="SCI", ver=1),
        fits.ImageHDU(np.full((4, 8, 9), 3, np.float32), name="CUBE"),
    ]
    path = write(tmp_path / "m.fits", *hdus)
    image = open_image(path)
    assert (image.data == 2).all()
    assert [(p.hdu, p.index) for p in image.planes] == [(3, None)] + [(4, n) for n in range(4)]
    assert image.planes[0].label.startswith("SCI")
    assert image.planes[1].label == "CUBE · plane 1 of 4 · 9×8"
    second = open_image(path, image.planes[2])
    assert second.shape == (8, 9)
    assert second.plane == image.planes[2]
    with pytest.raises(ImageError, match=r"^m\.fits: there is no picture"):
        open_image(path, Plane(1, None, "table"))


def test_four_axes_are_flattened(tmp_path):
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    path = write(tmp_path / "h.fits", fits.PrimaryHDU(values))
    image = open_image(path)
    assert len(image.planes) == 6
    assert np.array_equal(open_image(path, image.planes[4]).data[0], values[1, 1])


def test_degenerate_axes_are_no_cube(tmp_path):
    path = write(tmp_path / "r.fits", fits.PrimaryHDU(np.ones((1, 1, 6, 7), np.float32)))
    assert open_image(path).plane.index is None


def test_long_cubes_offer_the_first_planes_and_say_so(tmp_path):
    path = write(tmp_path / "l.fits", fits.PrimaryHDU(np.zeros((600, 2, 2), np.uint8)))
    image = open_image(path)
    assert len(image.planes) == 500
    assert image.notes == ("Only 500 of the pictures in this file are offered.",)
    last = open_image(path, Plane(0, 599, "0:599"))
    assert last.plane.label == "Primary · plane 600 of 600 · 2×2"
    assert last.plane in last.planes


def test_a_picture_behind_a_long_cube_is_offered(tmp_path):
    """As in a MaNGA cube, which has its broad-band pictures behind it."""
    cube = fits.ImageHDU(np.zeros((600, 2, 2), np.uint8), name="FLUX")
    path = write(
        tmp_path / "b.fits",
        fits.PrimaryHDU(),
        cube,
        fits.ImageHDU(np.ones((3, 4), np.uint8), name="RIMG"),
    )
    image = open_image(path)
    assert (image.plane.hdu, image.plane.index) == (1, 0)
    assert [(p.hdu, p.index) for p in image.planes] == [(1, n) for n in range(499)] + [(2, None)]
    assert (open_image(path, image.planes[-1]).data == 1).all()


def test_three_planes_are_colour_only_where_evident(tmp_path):
    cube = np.stack([np.full((4, 5), v, np.float32) for v in (1, 2, 3)])
    plain = open_image(write(tmp_path / "a.fits", fits.PrimaryHDU(cube)))
    assert plain.data.shape == (1, 4, 5)
    rgb = fits.PrimaryHDU(cube)
    rgb.header["CTYPE3"] = "RGB"
    image = open_image(write(tmp_path / "b.fits", rgb))
    assert image.data[:, 0, 0].tolist() == [1, 2, 3]
    legacy = fits.PrimaryHDU(cube)
    legacy.header["BANDS"] = "grz"
    path = write(tmp_path / "c.fits", legacy)
    image = open_image(path)
    assert image.data[:, 0, 0].tolist() == [3, 2, 1]  # red light is in the last band
    assert [p.index for p in image.planes] == [None, 0, 1, 2]
    assert open_image(path, image.planes[1]).data.shape == (1, 4, 5)


@pytest.mark.parametrize(("order", "up"), [("TOP-DOWN", False), ("BOTTOM-UP", True), ("", True)])
def test_roworder(tmp_path, letter_f, order, up):
    hdu = fits.PrimaryHDU(letter_f)
    hdu.header["ROWORDER"] = order
    image = open_image(write(tmp_path / "o.fits", hdu))
    assert image.y_up is up
    assert np.array_equal(image.data[0], letter_f)
    drawn = image.to_screen([[12.0, 8.0]])[0]
    assert drawn == pytest.approx([12.5, 39.5 if up else 8.5])


def test_file_can_be_deleted_while_shown(tmp_path, letter_f):
    path = write(tmp_path / "d.fits", fits.PrimaryHDU(letter_f))
    image = open_image(path)
    path.write_bytes(b"\0" * path.stat().st_size)
    path.unlink()
    assert np.array_equal(image.data[0], letter_f)


def test_several_threads_at_once(tmp_path):
    paths = []
    for n in range(24):
        hdu = fits.CompImageHDU(np.full((60, 60), n, np.int16)) if n % 2 else None
        plain = fits.PrimaryHDU(np.full((60, 60), n, np.float32)) if hdu is None else None
        for header in (h.header for h in (hdu, plain) if h is not None):
            header.update(_wcs_cards(0.5 + n))
        hdus = [plain] if plain is not None else [fits.PrimaryHDU(), hdu]
        paths.append(write(tmp_path / f"{n}.fits", *hdus))
    with ThreadPoolExecutor(6) as pool:
        images = list(pool.map(open_image, paths * 4))
    for n, image in enumerate(images):
        assert (image.data == n % 24).all()
        assert image.scale is not None
        assert image.scale.arcsec_per_px == pytest.approx(0.5 + n % 24)


def _wcs_cards(arcsec: float) -> dict[str, object]:
    return {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 150.0,
        "CRVAL2": 2.0,
        "CRPIX1": 5.0,
        "CRPIX2": 5.0,
        "CDELT1": -arcsec / 3600,
        "CDELT2": arcsec / 3600,
    }


def test_scale_from_wcs_before_header(tmp_path):
    hdu = fits.PrimaryHDU(np.ones((9, 9), np.float32))
    hdu.header["PIXSCALE"] = 9.0
    hdu.header.update(_wcs_cards(0.4))
    image = open_image(write(tmp_path / "w.fits", hdu))
    assert image.scale is not None
    assert image.scale.source == "WCS"
    assert image.scale.arcsec_per_px == pytest.approx(0.4)
    assert image.wcs is not None


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("PIXSCALE", 0.396, 0.396),
        ("PIXSCALE", "0.396", 0.396),
        ("SECPIX", 2, 2.0),
        ("SCALE", 1e9, None),
        ("SCALE", "big", None),
        ("SCALE", "nan", None),
    ],
)
def test_scale_from_header(tmp_path, key, value, expected):
    primary = fits.PrimaryHDU()
    primary.header[key] = value
    hdu = fits.ImageHDU(np.ones((9, 9), np.float32))
    image = open_image(write(tmp_path / "k.fits", primary, hdu))
    assert (image.scale and image.scale.arcsec_per_px) == expected
    assert any(key in note for note in image.notes) is (expected is not None)


@pytest.mark.parametrize(
    ("cards", "inherited"),
    [
        ({"INHERIT": True}, True),
        ({"INHERIT": False}, False),
        ({}, False),
        ({"INHERIT": True, "CRPIX1": 1.0}, False),
    ],
)
def test_wcs_of_the_primary_header(tmp_path, cards, inherited):
    hdu = fits.ImageHDU(np.ones((9, 9), np.float32))
    hdu.header.update(cards)
    primary = fits.PrimaryHDU(header=fits.Header(_wcs_cards(0.4)))
    image = open_image(write(tmp_path / "i.fits", primary, hdu))
    assert (image.wcs is not None) is inherited
    assert (image.scale and image.scale.arcsec_per_px) == (
        pytest.approx(0.4) if inherited else None
    )


def test_wcs_of_a_primary_picture_is_not_inherited(tmp_path):
    values = np.ones((9, 9), np.float32)
    hdu = fits.ImageHDU(values)
    hdu.header["INHERIT"] = True
    primary = fits.PrimaryHDU(values, fits.Header(_wcs_cards(0.4)))
    path = write(tmp_path / "i.fits", primary, hdu)
    assert open_image(path, Plane(1, None, "1")).wcs is None


def test_stretched_pixels_are_noted(tmp_path):
    hdu = fits.PrimaryHDU(np.ones((9, 9), np.float32))
    hdu.header.update(_wcs_cards(1.0) | {"CDELT2": 4.0 / 3600})
    image = open_image(write(tmp_path / "q.fits", hdu))
    assert image.scale is not None
    assert image.scale.arcsec_per_px == pytest.approx(2.0)
    assert any("not square" in note for note in image.notes)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (("REDSHIFT", 0.0267, ""), 0.0267),
        (("REDSHIFT", "0.0267", ""), 0.0267),
        (("Z", 0.05, "redshift from SDSS"), 0.05),
        (("Z", 0.05, ""), 0.05),
        (("Z", 0.05, "zenith distance"), None),
        (("Z", 30.0, ""), None),
        (("REDSHIFT", -0.1, ""), None),
        (("REDSHIFT", "high", ""), None),
    ],
)
def test_redshift(tmp_path, card, expected):
    hdu = fits.PrimaryHDU(np.ones((9, 9), np.float32))
    hdu.header[card[0]] = card[1:]
    image = open_image(write(tmp_path / "z.fits", hdu))
    assert image.redshift == expected
    assert any(card[0] in note for note in image.notes) is (expected is not None)


def test_useless_wcs_is_no_scale(tmp_path):
    hdu = fits.PrimaryHDU(np.ones((9, 9), np.float32))
    hdu.header["CTYPE1"], hdu.header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    image = open_image(write(tmp_path / "u.fits", hdu))
    assert image.scale is None
    assert image.wcs is None
    assert len(image.notes) == 1


@pytest.mark.parametrize("kind", ["u1", "f4"])
def test_lookup_tables_that_are_none(tmp_path, kind):
    picture = fits.PrimaryHDU(np.ones((4, 4), np.float32))
    picture.header["CPDIS1"] = "LOOKUP"
    path = tmp_path / "l.fits"
    table = fits.ImageHDU(np.ones((40, 40), kind), name="D2IMARR")
    fits.HDUList([picture, table]).writeto(path)
    path.write_bytes(path.read_bytes()[:-2243])  # cut off inside a number
    assert (open_image(path).data == 1).all()


def test_asinh_scale_of_pan_starrs_stacks_is_taken_back(tmp_path):
    flux = np.linspace(-30, 9e4, 600).reshape(20, 30)
    stored = 2.5 * np.log10(np.e) * np.arcsinh((flux - 2.25) / (2 * 95.4))
    hdu = fits.ImageHDU(stored.astype(np.float32))
    hdu.header.update({"BSOFTEN": 95.4, "BOFFSET": 2.25})
    image = open_image(write(tmp_path / "skycell.fits", fits.PrimaryHDU(), hdu))
    np.testing.assert_allclose(image.data[0], flux, rtol=1e-5, atol=1e-3)
    assert "Values on an asinh scale (BSOFTEN, BOFFSET) were turned into flux." in image.notes
    del hdu.header["BOFFSET"]
    image = open_image(write(tmp_path / "other.fits", fits.PrimaryHDU(), hdu))
    np.testing.assert_array_equal(image.data[0], stored.astype(np.float32))
    assert image.notes == ()


def test_unknown_system_of_coordinates_gives_the_scale_only(tmp_path):
    """Its header is that of a real cutout in which one byte was changed."""
    hdu = fits.PrimaryHDU(np.ones((4, 4), np.float32), fits.Header(_wcs_cards(0.4)))
    hdu.header["RADESYS"] = "FQ5"
    image = open_image(write(tmp_path / "f.fits", hdu))
    assert image.wcs is None
    assert image.scale is not None
    assert image.scale.arcsec_per_px == pytest.approx(0.4)
    assert image.scale.source == "WCS"
    assert any("unknown system (FQ5)" in note for note in image.notes)


@pytest.mark.parametrize("degrees", [11.0, 1e10])
def test_pixels_that_are_larger_than_any_sky_map_has_are_not_believed(tmp_path, degrees):
    hdu = fits.PrimaryHDU(np.ones((4, 4), np.float32), fits.Header(_wcs_cards(3600 * degrees)))
    image = open_image(write(tmp_path / "f.fits", hdu))
    assert image.wcs is None
    assert image.scale is None
    assert "no sane pixel size" in image.notes[0]


def test_names(tmp_path):
    good = ["a.fits", "B.FIT", "c.fits.gz", "d.fits.fz", "e.jpeg", "f.TIF", "g.fits.Z", "h.fts.bz2"]
    assert all(is_image_name(tmp_path / name) for name in good)
    assert not any(is_image_name(name) for name in ["a.csv", "b.tar.gz", "c", "d.fits.txt"])
    for name in ["m10.fits", "m2.fits", "10²3.fits", ".hidden.fits", "t.csv", "M1.png"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.fits").mkdir()
    listed = [p.name for p in list_images(tmp_path)]
    assert listed == ["10²3.fits", "M1.png", "m2.fits", "m10.fits"]
    with pytest.raises(ImageError, match="folder cannot be read"):
        list_images(tmp_path / "absent")
