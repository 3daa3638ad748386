"""Odd, damaged and hostile files: a picture or one clear sentence, soon, in little memory."""

from __future__ import annotations

import csv
import gzip
import os
import socket
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galaxyscope.sky.coordinates import pixel_position, sky_position
from galaxyscope.sky.image import ImageError, SkyImage
from galaxyscope.sky.readers import open_image, source


def picture_or_sentence(path: Path) -> SkyImage | str:
    started = time.process_time()  # of this process alone: other work must not fail a test
    try:
        outcome: SkyImage | str = open_image(path)
    except ImageError as error:
        outcome = str(error)
        assert outcome.startswith(path.name + ": ")
        assert "\n" not in outcome
        assert 12 < len(outcome) - len(path.name) < 200
    else:
        assert outcome.data.ndim == 3
        assert outcome.data.dtype == np.float32
    assert time.process_time() - started < 2.0
    return outcome


def test_warm_up_imports(tmp_path):
    """The first read imports astropy, which is no part of the time that a file takes."""
    hdu = fits.CompImageHDU(np.ones((4, 4), np.int16))
    hdu.header["CTYPE1"], hdu.header["CDELT1"] = "RA---TAN", 1.0
    path = tmp_path / "w.fits"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    assert open_image(path).shape == (4, 4)


NO_PICTURE = {"01": "no two-dimensional", "03": "random groups", "19": "tables", "21": "no image"}
NO_PICTURE |= {"29": "tables", "39": "tables", "47": "cut off"}


def test_nasty_files(shared_data):
    folder = shared_data / "fits" / "nasty"
    with open(folder / "MANIFEST.csv") as manifest:
        names = [row["file"] for row in csv.DictReader(manifest)]
    assert len(names) == 24
    for name in names:
        outcome = picture_or_sentence(folder / name)
        if name[:2] in NO_PICTURE:
            assert isinstance(outcome, str), name
            assert NO_PICTURE[name[:2]] in outcome
        else:
            assert isinstance(outcome, SkyImage), outcome


@pytest.mark.parametrize("folder", ["galaxies", "nasty"])
def test_real_files_agree_with_astropy(shared_data, folder):
    compared = 0
    for path in sorted((shared_data / "fits" / folder).glob("*.f*")):
        if path.name[:2] in NO_PICTURE or path.suffix == ".Z":  # which astropy cannot read
            continue
        image = open_image(path)
        with fits.open(path) as hdus:
            expected = np.asarray(hdus[image.plane.hdu].data, np.float32)
        expected = expected.reshape(-1, *expected.shape[-2:])[image.plane.index or 0]
        assert np.allclose(image.data[0], expected, rtol=2e-5, equal_nan=True), path.name
        compared += 1
    assert compared >= 12


def test_real_scales(shared_data):
    expected = {
        "galaxies/n4643irac1ss_fitted_cutout.fits": 0.75,
        "galaxies/legacy_survey_cutout.fits": 0.262,
        "galaxies/pgc57129_r.fits": 0.396,
        "nasty/41_aia_171_level1.fits": 19.183648,
    }
    for name, scale in expected.items():
        image = open_image(shared_data / "fits" / name)
        assert image.scale is not None
        assert image.scale.arcsec_per_px == pytest.approx(scale, rel=1e-6)
    assert image.wcs is None
    assert "solar" in image.notes[0]


def test_lookup_tables_are_used(shared_data):
    path = shared_data / "fits" / "nasty" / "23_dist_lookup.fits.gz"
    from astropy.wcs import WCS

    image = open_image(path)
    assert image.wcs is not None
    assert image.wcs.cpdis1 is not None
    with fits.open(path) as hdus:
        expected = WCS(hdus[1].header, hdus).all_pix2world([[20.0, 30.0]], 0)
    assert image.wcs.all_pix2world([[20.0, 30.0]], 0) == pytest.approx(expected, abs=1e-12)


def test_distortions_that_cannot_be_inverted(tmp_path):
    """From a fuzzed header: numpy warned of an "All-NaN slice" on the way back to pixels."""
    hdu = fits.PrimaryHDU(np.ones((8, 8), np.float32))
    cards = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CRPIX1": 2.0**63, "CRPIX2": 64.0}
    cards |= {"CRVAL1": 10.0, "CRVAL2": 20.0, "CDELT1": -1e-4, "CDELT2": 1e-4}
    cards |= {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e5, "B_0_2": 1e5}
    hdu.header.update(cards)
    hdu.writeto(tmp_path / "sip.fits")
    image = open_image(tmp_path / "sip.fits")
    place = sky_position(image, 3.0, 4.0)
    assert place is not None
    assert pixel_position(image, *place) is None


HEAD = b"SIMPLE  =                    T".ljust(80)


def header(**cards: object) -> bytes:
    text = HEAD
    for key, value in cards.items():
        text += f"{key:8}= {value!s:>20}".encode().ljust(80)
    text += b"END".ljust(80)
    return text + b" " * (-len(text) % 2880)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    start=st.sampled_from(
        [
            b"",
            b"SIMPLE  =",
            header(BITPIX=8, NAXIS=2, NAXIS1=4, NAXIS2=4),
            header(BITPIX=16, NAXIS=0) + b"XTENSION= 'BINTABLE'".ljust(80),
            b"\xff\xd8\xff\xe0",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"II*\0\x08\0\0\0",
            b"MM\0*\0\0\0\x08",
            b"II+\0",
            b"\x1f\x8b\x08",
            b"BZh9",
            b"\xfd7zXZ\0",
            b"\x1f\x9d\x90",
        ]
    ),
    rest=st.binary(max_size=600),
)
def test_random_bytes(tmp_path, start, rest):
    path = tmp_path / "random.bin"
    path.write_bytes(start + rest)
    picture_or_sentence(path)


def _samples() -> list[bytes]:
    import io

    from PIL import Image

    values = np.random.default_rng(0).normal(100, 10, (30, 30)).astype(np.float32)
    whole = values.astype(np.int16)
    made: list[bytes] = []
    for hdus in (
        [fits.PrimaryHDU(values)],
        [fits.PrimaryHDU(), fits.CompImageHDU(whole, compression_type="RICE_1")],
        [fits.PrimaryHDU(), fits.CompImageHDU(whole, compression_type="GZIP_1")],
        [fits.PrimaryHDU(), fits.CompImageHDU(whole, compression_type="PLIO_1")],
        [
            fits.PrimaryHDU(),
            fits.CompImageHDU(whole, compression_type="HCOMPRESS_1", tile_shape=(30, 30)),
        ],
    ):
        buffer = io.BytesIO()
        fits.HDUList(hdus).writeto(buffer)
        made.append(buffer.getvalue())
    made.append(gzip.compress(made[0]))
    for kind in ("JPEG", "PNG", "TIFF"):
        buffer = io.BytesIO()
        Image.fromarray(whole.astype(np.uint8)).save(buffer, kind)
        made.append(buffer.getvalue())
    return made


SAMPLES = _samples()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files(tmp_path, data):
    whole = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(0, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.bin"
    path.write_bytes(whole[: data.draw(st.integers(1, len(whole)))])
    picture_or_sentence(path)


@pytest.mark.parametrize(
    ("cards", "says"),
    [
        ({"BITPIX": -32, "NAXIS": 2, "NAXIS1": 10**9, "NAXIS2": 10**9}, "larger than the limit"),
        ({"BITPIX": 8, "NAXIS": 2, "NAXIS1": 10**6, "NAXIS2": 10**6}, "larger than the limit"),
        ({"BITPIX": -32, "NAXIS": 2, "NAXIS1": 9000, "NAXIS2": 9000}, "cut off"),
        ({"BITPIX": 8, "NAXIS": 3, "NAXIS1": 3, "NAXIS2": 3, "NAXIS3": 10**9}, "cut off"),
        ({"BITPIX": 7, "NAXIS": 2, "NAXIS1": 9, "NAXIS2": 9}, "impossible BITPIX"),
        ({"BITPIX": 8, "NAXIS": 2, "NAXIS1": -9, "NAXIS2": 9}, "no valid NAXIS1"),
        ({"BITPIX": 8, "NAXIS": 2, "NAXIS1": 9}, "no valid NAXIS2"),
        ({"BITPIX": 8, "NAXIS": 5000}, "no valid NAXIS"),
        ({"BITPIX": 8}, "no valid NAXIS"),
        ({"BITPIX": 8, "NAXIS": 0}, "no image"),
        ({"BITPIX": 8, "NAXIS": 2, "NAXIS1": 1, "NAXIS2": 900}, "no two-dimensional"),
    ],
)
def test_headers_that_lie_cost_nothing(tmp_path, cards, says):
    path = tmp_path / "lie.fits"
    path.write_bytes(header(**cards))
    tracemalloc.start()
    outcome = picture_or_sentence(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(outcome, str)
    assert says in outcome
    assert peak < 30e6


def test_tile_bomb(tmp_path):
    hdu = fits.CompImageHDU(np.zeros((8, 8), np.int16), compression_type="GZIP_1")
    buffer_path = tmp_path / "t.fits"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer_path)
    with fits.open(buffer_path, disable_image_compression=True) as hdus:
        header_ = hdus[1].header.copy()
        bomb = np.frombuffer(gzip.compress(b"\0" * 40_000_000), np.uint8)
        tiles = np.array([bomb] * 8, dtype=object)
        column = fits.Column("COMPRESSED_DATA", f"1PB({len(bomb)})", array=tiles)
        table = fits.BinTableHDU.from_columns([column])
    for card in header_.cards:
        if card.keyword.startswith("Z"):
            table.header[card.keyword] = card.value
    path = tmp_path / "bomb.fz"
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    tracemalloc.start()
    outcome = picture_or_sentence(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcome == "bomb.fz: the compressed tiles of HDU 1 are damaged"
    assert peak < 20e6


def test_tile_table_with_more_fields_than_there_can_be(tmp_path):
    path = tmp_path / "fields.fz"
    hdu = fits.CompImageHDU(np.zeros((8, 8), np.int16), compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    whole = path.read_bytes()
    card = b"TFIELDS =                    1"
    assert card in whole
    path.write_bytes(whole.replace(card, b"TFIELDS =              3000000"))
    tracemalloc.start()
    outcome = picture_or_sentence(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcome == "fields.fz: the compressed tiles of HDU 1 are damaged"
    assert peak < 5e6


def test_rice_block_of_nothing_does_not_hang(tmp_path):
    path = tmp_path / "rice.fz"
    hdu = fits.CompImageHDU(np.zeros((8, 8), np.int16), compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    whole = path.read_bytes()
    card = b"ZVAL1   =                   32"
    assert card in whole
    path.write_bytes(whole.replace(card, b"ZVAL1   =                    0"))
    assert "impossible BLOCKSIZE" in str(picture_or_sentence(path))


@pytest.mark.parametrize(
    ("card", "other"),
    [
        (b"ZNAXIS2 =                   24", b"ZNAXIS2 =                   21"),
        (b"ZTILE2  =                   24", b"ZTILE2  =                   14"),
        (b"ZTILE1  =                   24", b"ZTILE1  =                   99"),
    ],
)
def test_hcompress_tile_larger_than_its_place(tmp_path, card, other):
    """Found by fuzzing: the codec wrote past its buffer, and the program died."""
    path = tmp_path / "h.fz"
    whole = np.arange(24 * 24, dtype=np.int16).reshape(24, 24)
    hdu = fits.CompImageHDU(whole, compression_type="HCOMPRESS_1", tile_shape=(24, 24))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    good = path.read_bytes()
    assert np.array_equal(open_image(path).data[0], whole)
    assert card in good
    path.write_bytes(good.replace(card, other))
    outcome = picture_or_sentence(path)
    if b"ZTILE1" not in card:  # a tile wider than the picture ends with it, as it may
        assert outcome == "h.fz: the compressed tiles of HDU 1 are damaged"


@pytest.mark.parametrize(
    ("size", "kind", "says"),
    [
        (60_000, 0, "the image is larger than the limit"),
        (10_001, 0, "10001 × 10001 pixels is larger"),
        (9_999, 2, "9999 × 9999 pixels in 3 colours is larger"),
    ],
)
def test_png_that_claims_to_be_huge(tmp_path, size, kind, says):
    def chunk(name: bytes, body: bytes) -> bytes:
        body = name + body
        return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))

    path = tmp_path / "huge.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, kind, 0, 0, 0))
        + chunk(b"IDAT", b"\0" * 100)
    )
    assert says in str(picture_or_sentence(path))


def test_refused_files_are_not_hashed(tmp_path, monkeypatch):
    """A sparse file of gigabytes would take seconds."""

    def hashed(*_):
        raise AssertionError("the whole file was read")

    monkeypatch.setattr(source.hashlib, "file_digest", hashed)
    path = tmp_path / "text.fits"
    path.write_bytes(b"no picture")
    assert "not a FITS" in str(picture_or_sentence(path))
    path.write_bytes(header(BITPIX=-32, NAXIS=2, NAXIS1=10**9, NAXIS2=10**9))
    assert "larger than the limit" in str(picture_or_sentence(path))


def test_not_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.fits")
    (tmp_path / "empty.fits").touch()
    (tmp_path / "page.fits").write_text("<!DOCTYPE html><title>404</title>")
    (tmp_path / "loop.fits").symlink_to(tmp_path / "loop.fits")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        cases = {
            "pipe.fits": "device or pipe",
            "socket": "device or pipe",
            "empty.fits": "empty",
            "page.fits": "web page",
            "absent.fits": "no such file",
            "loop.fits": "cannot be read",
            "": "folder",
        }
        for name, says in cases.items():
            outcome = picture_or_sentence(tmp_path / name)
            assert says in str(outcome)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_permission_denied(tmp_path):
    path = tmp_path / "closed.fits"
    path.write_bytes(HEAD)
    path.chmod(0)
    assert "Permission denied" in str(picture_or_sentence(path))


def test_cut_off_behind_the_picture_is_a_note(tmp_path):
    values = np.arange(2 * 40 * 40, dtype=np.float32).reshape(2, 40, 40)
    path = tmp_path / "c.fits"
    fits.PrimaryHDU(values).writeto(path)
    path.write_bytes(path.read_bytes()[: 2880 + 40 * 40 * 4 + 100])
    image = open_image(path)
    assert np.array_equal(image.data[0], values[0])
    assert any("cut off" in note for note in image.notes)
    with pytest.raises(ImageError, match="cut off"):
        open_image(path, image.planes[1])


def test_missing_padding_is_no_fault(tmp_path):
    values = np.ones((40, 40), np.float32)
    path = tmp_path / "p.fits"
    fits.PrimaryHDU(values).writeto(path)
    path.write_bytes(path.read_bytes()[: 2880 + 40 * 40 * 4])
    assert open_image(path).notes == ()
