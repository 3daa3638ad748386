"""Packed files: gzip, bzip2, xz and LZW, what unpacks to too much, and what lists see of them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tracemalloc

import numpy as np
import pytest
from astropy.io import fits

from galaxyscope.sky.image import ImageError
from galaxyscope.sky.readers import list_images, open_image, packing


def pack_lzw(data: bytes, widest: int) -> bytes:
    """Pack as Unix `compress` does, literally: eight codes at a time, no clearing."""
    table = {bytes([value]): value for value in range(256)}
    following, width = 257, 9
    out, group, word = bytearray([0x1F, 0x9D, 0x80 | widest]), [], b""

    def flush() -> None:
        value = sum(code << (width * n) for n, code in enumerate(group))
        out.extend(
            value.to_bytes(width if len(group) == 8 else (width * len(group) + 7) // 8, "little")
        )
        group.clear()

    for value in data:
        longer = word + bytes([value])
        if longer in table:
            word = longer
            continue
        group.append(table[word])
        if len(group) == 8:
            flush()
        if following < 1 << widest:
            table[longer] = following
            following += 1
            if following > 1 << width and width < widest:
                if group:
                    group.extend([0] * (8 - len(group)))
                    flush()
                width += 1
        word = bytes([value])
    group.append(table[word])
    flush()
    return bytes(out)


@pytest.mark.parametrize("widest", [9, 12, 16])
def test_lzw(tmp_path, letter_f, widest):
    fits.PrimaryHDU(letter_f).writeto(tmp_path / "plain.fits")
    plain = (tmp_path / "plain.fits").read_bytes()
    path = tmp_path / "galaxy.fits.Z"
    path.write_bytes(pack_lzw(plain, widest))
    assert np.array_equal(open_image(path).data[0], letter_f)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_bombs(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(packing, "MAX_UNPACKED_BYTES", 4 * 1024**2)
    path = tmp_path / "bomb.fits.gz"
    path.write_bytes(pack(b"SIMPLE  =                    T" + b" " * (60 * 1024**2)))
    tracemalloc.start()
    with pytest.raises(ImageError, match=r"^bomb.fits.gz: unpacks to more than 4 MiB$"):
        open_image(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_lzw_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "MAX_UNPACKED_BYTES", 1024**2)
    path = tmp_path / "bomb.fits.Z"
    path.write_bytes(pack_lzw(b"\0" * (1024**2 + 1), 16))
    with pytest.raises(ImageError, match="unpacks to more than 1 MiB"):
        open_image(path)


def test_lzw_that_would_take_long_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "MAX_LZW_BYTES", 1000)
    path = tmp_path / "long.fits.Z"
    path.write_bytes(b"\x1f\x9d\x90" + b"\0" * 1000)
    with pytest.raises(ImageError, match="too large for its LZW compression"):
        open_image(path)


def test_lists_look_into_packed_files_of_other_names(tmp_path):
    picture = tmp_path / "picture"
    fits.PrimaryHDU(np.ones((4, 4), np.float32)).writeto(picture)
    plain = picture.read_bytes()
    packers = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    for suffix, pack in packers.items():
        (tmp_path / f"source.totsky.{suffix}").write_bytes(pack(plain))
        (tmp_path / f"notes.{suffix}").write_bytes(pack(b"nothing to see here"))
        (tmp_path / f"cut.{suffix}").write_bytes(pack(plain)[:5])
    (tmp_path / "source.totsky.Z").write_bytes(pack_lzw(plain, 12))
    (tmp_path / "plain.gz").write_bytes(plain)
    (tmp_path / "folder.gz").mkdir()
    os.mkfifo(tmp_path / "pipe.gz")
    found = [path.name for path in list_images(tmp_path)]
    assert found == [f"source.totsky.{suffix}" for suffix in ("bz2", "gz", "xz", "Z")]
    assert all(open_image(tmp_path / name).shape == (4, 4) for name in found)
