"""Open a file as bytes: checked, hashed, unpacked within limits, its kind told by content."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal

from galaxyscope.sky.image import ImageError
from galaxyscope.sky.readers.packing import packing_of, unpack

#: Greatest number of values of one picture (a 10 000 × 10 000 mosaic, 400 MB as float32).
MAX_PIXELS = 100_000_000
#: Greatest size of a file, in bytes; larger ones would take minutes to hash.
MAX_FILE_BYTES = 8 * 1024**3
#: Greatest number of pictures offered from one file.
MAX_PLANES = 500
#: Note for a file that holds more.
TOO_MANY_PLANES = f"Only {MAX_PLANES} of the pictures in this file are offered."

Kind = Literal["FITS", "JPEG", "PNG", "TIFF"]

_KINDS: tuple[tuple[bytes, Kind], ...] = (
    (b"SIMPLE", "FITS"),
    (b"XTENSION", "FITS"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"%PDF", "a PDF document"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"<", "a web page or XML text; perhaps a download went wrong"),
)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """The bytes of one file while it is being read.

    Parameters
    ----------
    path : Path
    kind : {"FITS", "JPEG", "PNG", "TIFF"}
    stream : file object
        Seekable, of the unpacked bytes.
    size : int
        Number of unpacked bytes.
    file : file object
        The file as it lies on the disk.
    """

    path: Path
    kind: Kind
    stream: BinaryIO
    size: int
    file: io.BufferedReader

    @cached_property
    def sha256(self) -> str:
        """Hash of the file as it lies on the disk; worked out when a picture was found in it."""
        self.file.seek(0)
        return hashlib.file_digest(self.file, "sha256").hexdigest()

    def bytes_at(self, offset: int, count: int) -> bytes:
        """Read up to `count` bytes from `offset`."""
        self.stream.seek(offset)
        return self.stream.read(count)

    def check_pixels(self, columns: int, rows: int, channels: int = 1) -> None:
        """Raise :class:`ImageError` for a picture that is empty or larger than the limit."""
        if columns < 1 or rows < 1:
            raise ImageError(self.path, f"the image is empty ({columns} × {rows} pixels)")
        if columns * rows * channels > MAX_PIXELS:
            colours = "" if channels == 1 else f" in {channels} colours"
            what = f"the image of {columns} × {rows} pixels{colours}"
            raise ImageError(self.path, too_large(what))


def too_large(what: str) -> str:
    """Write why a picture with more than :data:`MAX_PIXELS` values is not opened."""
    return f"{what} is larger than the limit of {MAX_PIXELS // 1_000_000} million values"


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open `path` for reading; it is closed on leaving.

    Raises
    ------
    ImageError
        If it is not a readable, non-empty regular file of a kind that is known.
    """
    try:
        # Asked first: opening a FIFO would wait for its writer for ever.
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(path, "this is a folder, not an image")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(path, "this is a device or pipe, not a file")
        if status.st_size == 0:
            raise ImageError(path, "the file is empty")
        if status.st_size > MAX_FILE_BYTES:
            raise ImageError(path, f"the file is larger than {MAX_FILE_BYTES // 1024**3} GiB")
        with open(path, "rb") as stream:
            before = _stamp(stream)
            head = stream.read(16)
            packing = packing_of(head)
            if packing is None:
                yield Source(path, _kind(path, head), stream, status.st_size, stream)
            else:
                data = unpack(path, stream, packing)
                kind = _kind(path, data[:16])
                yield Source(path, kind, io.BytesIO(data), len(data), stream)
            # Pixels of before with the hash of now would give rows to the wrong picture.
            if _stamp(stream) != before:
                raise ImageError(path, "the file was changed while it was read; open it again")
    except FileNotFoundError as error:
        raise ImageError(path, "there is no such file") from error
    except OSError as error:
        raise ImageError(path, f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(path, f"cannot be read ({error})") from error


def _stamp(file: io.BufferedReader) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_mtime_ns, status.st_size


def _kind(path: Path, head: bytes) -> Kind:
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    for magic, what in _FOREIGN:
        if head.lstrip().startswith(magic):
            raise ImageError(path, f"this is {what}")
    raise ImageError(path, "not a FITS, JPEG, PNG or TIFF file")


def inflated_size(data: bytes, limit: int, wbits: int) -> int:
    """Count the bytes that deflated `data` unpacks to, giving up just above `limit`.

    Parameters
    ----------
    data : bytes
    limit : int
    wbits : int
        As in :func:`zlib.decompressobj` (31 for gzip, 15 for zlib).
    """
    unpacker, total = zlib.decompressobj(wbits), 0
    while total <= limit:
        piece = unpacker.decompress(data, _CHUNK)
        total += len(piece)
        data = unpacker.unconsumed_tail
        if not piece or unpacker.eof:
            break
    return total
