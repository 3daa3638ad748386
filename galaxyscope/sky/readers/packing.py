"""Unpack gzip, bzip2, xz and LZW files, within limits."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from galaxyscope.sky.image import ImageError
from galaxyscope.sky.readers.lzw import unpack_lzw

#: Greatest number of bytes that a compressed file may unpack to.
MAX_UNPACKED_BYTES = 512 * 1024**2
#: Greatest size of an LZW file; those are unpacked in Python, at some megabytes a second.
MAX_LZW_BYTES = 8 * 1024**2

_MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x1f\x9d", "LZW"))
_OPENERS: dict[str, Callable[..., Any]] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
}
_ERRORS = (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError)
_CHUNK = 1 << 20


def packing_of(head: bytes) -> str | None:
    """Tell from its first bytes how a file is packed; None if it is not."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def unpack(path: Path, stream: BinaryIO, packing: str) -> bytes:
    """Unpack a whole file.

    Parameters
    ----------
    path : Path
        For the message.
    stream : file object
        Of the packed bytes.
    packing : str
        As :func:`packing_of` says.

    Raises
    ------
    ImageError
        If it is damaged, empty or unpacks to too much.
    """
    stream.seek(0)
    try:
        # In pieces: one read of the limit would reserve that much memory at once.
        data = bytearray()
        for piece in _pieces(path, stream, packing):
            data += piece
            if len(data) > MAX_UNPACKED_BYTES:
                limit = MAX_UNPACKED_BYTES // 1024**2
                raise ImageError(path, f"unpacks to more than {limit} MiB")
    except ImageError:
        raise
    except _ERRORS as error:
        raise ImageError(path, f"the {packing} compression is damaged or cut off") from error
    if not data:
        raise ImageError(path, "the compressed file holds nothing")
    return bytes(data)


def _pieces(path: Path, stream: BinaryIO, packing: str) -> Iterator[bytes]:
    if packing == "LZW":
        packed = stream.read(MAX_LZW_BYTES + 1)
        if len(packed) > MAX_LZW_BYTES:
            raise ImageError(path, "the file is too large for its LZW compression; unpack it first")
        yield unpack_lzw(packed, MAX_UNPACKED_BYTES)
        return
    with _OPENERS[packing](stream, "rb") as unpacked:
        while piece := unpacked.read(_CHUNK):
            yield piece


def holds_fits(path: Path) -> bool:
    """Tell whether there is a FITS file in a packed one; False also if it cannot be read."""
    try:
        with open(path, "rb") as stream:
            packing = packing_of(stream.read(16))
            if packing is None:
                return False
            stream.seek(0)
            if packing == "LZW":
                return unpack_lzw(stream.read(64), 6).startswith(b"SIMPLE")
            with _OPENERS[packing](stream, "rb") as unpacked:
                return bool(unpacked.read(6) == b"SIMPLE")
    except _ERRORS:
        return False
