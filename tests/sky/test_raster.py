"""JPEG, PNG and TIFF in all depths."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from galaxyscope.sky.image import ImageError, Plane
from galaxyscope.sky.readers import open_image

RNG = np.random.default_rng(5)
GREY8 = RNG.integers(0, 256, (20, 31)).astype(np.uint8)
RGB8 = RNG.integers(0, 256, (20, 31, 3)).astype(np.uint8)
GREY16 = RNG.integers(0, 65536, (20, 31)).astype(np.uint16)
RGB16 = RNG.integers(0, 65536, (20, 31, 3)).astype(np.uint16)


@pytest.mark.parametrize("suffix", ["png", "tif", "bin"])
@pytest.mark.parametrize(
    ("pixels", "white"), [(GREY8, 255.0), (RGB8, 255.0), (GREY16, 65535.0)], ids=str
)
def test_lossless(tmp_path, suffix, pixels, white):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path, format="TIFF" if suffix == "tif" else "PNG")
    image = open_image(path)
    channels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    assert np.array_equal(image.data, channels)
    assert image.data.dtype == np.float32
    assert image.full_scale == white
    assert not image.y_up
    assert image.wcs is None
    assert image.scale is None
    assert image.planes == (Plane(0, None, "31×20"),)
    path.unlink()
    assert not image.data.flags.writeable


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_16_bit_colour_tiff(tmp_path, compression, planar):
    path = tmp_path / "c.tif"
    pixels = RGB16 if planar == "contig" else RGB16.transpose(2, 0, 1)
    tifffile.imwrite(path, pixels, photometric="rgb", planarconfig=planar, compression=compression)
    image = open_image(path)
    assert np.array_equal(image.data, RGB16.transpose(2, 0, 1))
    assert image.full_scale == 65535.0


def test_float_tiff_is_flux(tmp_path):
    path = tmp_path / "f.tif"
    flux = RNG.normal(size=(9, 8)).astype(np.float32)
    tifffile.imwrite(path, flux)
    image = open_image(path)
    assert image.full_scale is None
    assert np.array_equal(image.data[0], flux)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("kind", ["u4", "i4", "i2", "i1", "f4"])
def test_flux_of_tiff(tmp_path, kind, compression, order):
    path = tmp_path / "w.tif"
    limits = np.finfo(kind) if kind == "f4" else np.iinfo(kind)
    values = np.array([[limits.min, limits.max], [3, 100]], kind)
    tifffile.imwrite(path, values, compression=compression, byteorder=order)
    image = open_image(path)
    assert image.full_scale is None
    assert np.array_equal(image.data[0], values.astype(np.float32))


def test_signed_bytes_in_a_packing_that_only_pillow_reads(tmp_path):
    path = tmp_path / "l.tif"
    values = np.array([[-128, 127], [3, -3]], np.int8)
    picture = Image.fromarray(values.view(np.uint8))
    picture.save(path, compression="tiff_lzw", tiffinfo={339: 2})
    assert np.array_equal(open_image(path).data[0], values)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_tiff_with_white_as_zero_is_turned(tmp_path, kind, order):
    path = tmp_path / "w.tif"
    values = np.arange(20, dtype=kind).reshape(4, 5)
    tifffile.imwrite(path, values, photometric="miniswhite", byteorder=order)
    image = open_image(path)
    assert image.full_scale == np.iinfo(kind).max
    assert np.array_equal(image.data[0], image.full_scale - values)
    assert image.notes == ()


@pytest.mark.parametrize("kind", ["f4", "u4"])
def test_flux_with_white_as_zero_is_noted(tmp_path, kind):
    path = tmp_path / "w.tif"
    values = np.arange(20, dtype=kind).reshape(4, 5)
    tifffile.imwrite(path, values, photometric="miniswhite")
    image = open_image(path)
    assert np.array_equal(image.data[0], values)
    assert image.notes == ("The file calls its smallest value white; the values are as stored.",)


def test_pages_beyond_those_offered(tmp_path):
    path = tmp_path / "p.tif"
    tifffile.imwrite(path, np.arange(502, dtype=np.uint16)[:, None, None] * np.ones((3, 2), "u2"))
    image = open_image(path)
    assert len(image.planes) == 500
    assert image.notes == ("Only 500 of the pictures in this file are offered.",)
    last = open_image(path, Plane(501, None, "501"))
    assert (last.data == 501).all()
    assert last.plane == last.planes[-1] == Plane(501, None, "Page 502")


def test_a_page_has_no_planes(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(GREY8).save(path)
    with pytest.raises(ImageError, match="there is no picture “0:3” in this file"):
        open_image(path, Plane(0, 3, "0:3"))


def test_pages(tmp_path):
    path = tmp_path / "p.tif"
    pages = [Image.fromarray(np.full((5, 6), v, np.uint8)) for v in (10, 20, 30)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    image = open_image(path)
    assert [p.label for p in image.planes] == ["Page 1", "Page 2", "Page 3"]
    assert (open_image(path, image.planes[2]).data == 30).all()
    with pytest.raises(ImageError, match="no page 8"):
        open_image(path, Plane(7, None, ""))


def test_jpeg_and_its_orientation(tmp_path):
    smooth = np.add.outer(np.arange(40) * 3, np.arange(60)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "j.jpg"
    Image.fromarray(smooth).convert("RGB").save(path, quality=95, exif=exif)
    image = open_image(path)
    assert image.data.shape == (3, 40, 60)  # not turned
    assert np.abs(image.data[0] - smooth).max() < 6
    assert image.notes == ("The EXIF orientation is not applied; rows are as stored.",)


@pytest.mark.parametrize("mode", ["1", "LA", "P", "RGBA", "PA"])
def test_other_modes(tmp_path, mode):
    path = tmp_path / "m.png"
    source = Image.fromarray(RGB8).convert("RGBA" if mode in ("RGBA", "PA") else "RGB")
    source.putalpha(40) if mode == "RGBA" else None
    source.convert("P" if mode == "PA" else mode).save(path)
    image = open_image(path)
    assert image.full_scale == 255.0
    assert image.data.shape == (1 if mode in ("1", "LA") else 3, 20, 31)
    if mode == "RGBA":
        assert np.array_equal(image.data, RGB8.transpose(2, 0, 1))


def test_16_bit_colour_png_is_noted(tmp_path):
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in RGB16)
    head = struct.pack(">IIBBBBB", 31, 20, 16, 2, 0, 0, 0)
    path = tmp_path / "d.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    image = open_image(path)
    assert image.notes == ("16-bit colour PNG, read with 8 bits per channel.",)
    assert np.array_equal(image.data, (RGB16 >> 8).transpose(2, 0, 1))


def test_floats_of_64_bits_and_predictor(tmp_path):
    flux = RNG.normal(size=(9, 8))
    path = tmp_path / "d.tif"
    tifffile.imwrite(path, flux)
    assert np.array_equal(open_image(path).data[0], flux.astype(np.float32))
    path = tmp_path / "p.tif"
    tifffile.imwrite(path, RGB16, photometric="rgb", compression="zlib", predictor=True)
    assert np.array_equal(open_image(path).data, RGB16.transpose(2, 0, 1))


def test_complex_numbers_are_no_picture(tmp_path):
    path = tmp_path / "c.tif"
    tifffile.imwrite(path, np.ones((8, 8), np.complex64))
    with pytest.raises(ImageError, match="no kind of pixels known here"):
        open_image(path)


def test_tiff_without_pages(tmp_path):
    path = tmp_path / "p.tif"
    path.write_bytes(b"II*\0" + b"\xff" * 500)
    with pytest.raises(ImageError, match="the TIFF file is damaged; it has no pages"):
        open_image(path)


def test_floats_without_a_single_value_are_noted(tmp_path):
    path = tmp_path / "n.tif"
    tifffile.imwrite(path, np.full((8, 8), np.nan, np.float32))
    assert open_image(path).notes == ("No pixel of this picture has a value.",)
