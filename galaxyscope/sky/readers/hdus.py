"""Walk the header-data units of a FITS file without touching the data.

Sizes are taken from the headers with exact integers and checked before anything is
read (FITS standard 4.0, sections 3.3, 4.4 and 7), so that a header that lies costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from galaxyscope.sky.image import ImageError
from galaxyscope.sky.readers.source import Source

if TYPE_CHECKING:
    from astropy.io.fits import Header

_BLOCK = 2880
_MAX_HEADER_BLOCKS = 2000
_MAX_HDUS = 2000
_PRINTABLE = bytes(c if 32 <= c < 127 else 32 if c in b"\t\r\n\0" else 63 for c in range(256))
BYTES_PER_VALUE = {8: 1, 16: 2, 32: 4, 64: 8, -32: 4, -64: 8}

HduKind = Literal["image", "tiles", "table", "groups", "other"]


@dataclass(frozen=True)
class Hdu:
    """One header-data unit.

    Parameters
    ----------
    index : int
    kind : {"image", "tiles", "table", "groups", "other"}
        "tiles" is an image that is stored compressed, tile by tile, in a table.
    header : astropy.io.fits.Header
    cards : str
        The header's cards, without END; printable ASCII.
    offset, size : int
        Where the data start in the file, and how many bytes the header promises.
    available : int
        How many of these bytes the file has.
    bitpix : int
        Of the image (also where it is compressed).
    shape : tuple of int
        Of the image, in numpy order; empty where there is none.
    """

    index: int
    kind: HduKind
    header: Header
    cards: str
    offset: int
    size: int
    available: int
    bitpix: int
    shape: tuple[int, ...]

    @property
    def label(self) -> str:
        """Name for a chooser, e.g. ``"SCI 1"``."""
        name = text(self.header, "EXTNAME")
        if not name or (self.kind == "tiles" and name == "COMPRESSED_IMAGE"):
            return "Primary" if self.index == 0 else f"HDU {self.index}"
        version = integer(self.header, "EXTVER")
        return name if version is None else f"{name} {version}"


def number(header: Header, key: str) -> float | None:
    """Return the finite number that a keyword has, or None (also for a damaged card)."""
    found = _raw(header, key)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        as_float = float(found)
    except OverflowError:
        return None
    return as_float if math.isfinite(as_float) else None


def integer(header: Header, key: str) -> int | None:
    """Return the integer that a keyword has, or None."""
    found = _raw(header, key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def text(header: Header, key: str) -> str:
    """Return the text that a keyword has, stripped; empty where there is none."""
    found = _raw(header, key)
    return found.strip() if isinstance(found, str) else ""


def flag(header: Header, key: str) -> bool:
    """Tell whether a keyword is logically true."""
    return _raw(header, key) is True


def _raw(header: Header, key: str) -> object:
    try:
        return header.get(key)
    except Exception:  # a card that astropy cannot parse raises one of many errors
        return None


def walk(source: Source) -> list[Hdu]:
    """List the units of a FITS file, as far as it can be followed.

    Raises
    ------
    ImageError
        If not even the first header can be read.
    """
    hdus: list[Hdu] = []
    position = 0
    while position < source.size and len(hdus) < _MAX_HDUS:
        try:
            hdu = _read_hdu(source, position, len(hdus))
        except ImageError:
            if not hdus:
                raise
            break  # what follows the last good unit is padding, or damaged
        hdus.append(hdu)
        position = hdu.offset + -(-hdu.size // _BLOCK) * _BLOCK
    return hdus


def _read_hdu(source: Source, position: int, index: int) -> Hdu:
    from astropy.io.fits import Header

    cards, length = _read_cards(source, position)
    if not cards.startswith(("SIMPLE", "XTENSION")):
        raise ImageError(source.path, "this is not a FITS header")
    try:
        header = Header.fromstring(cards)
    except Exception as error:  # whatever astropy makes of random bytes
        raise ImageError(source.path, "the FITS header cannot be understood") from error
    offset = position + length
    shape = _axes(source, header, "NAXIS")
    bitpix = integer(header, "BITPIX")
    if bitpix not in BYTES_PER_VALUE:
        raise ImageError(source.path, f"the FITS header has an impossible BITPIX ({bitpix})")
    extension = text(header, "XTENSION")
    grouped = flag(header, "GROUPS") and len(shape) > 1 and shape[-1] == 0
    counted = shape[:-1] if grouped else shape
    parameters, groups = (
        (integer(header, "PCOUNT") or 0, integer(header, "GCOUNT"))
        if extension or grouped
        else (0, 1)
    )
    groups = 1 if groups is None else groups
    values = (parameters + math.prod(counted)) * groups if shape else 0
    size = BYTES_PER_VALUE[bitpix] * values
    if parameters < 0 or groups < 0:
        raise ImageError(source.path, "the FITS header gives a negative size")
    kind: HduKind = "other"
    if grouped:
        kind = "groups"
    elif extension in ("", "IMAGE", "IUEIMAGE"):
        kind = "image"
    elif extension in ("BINTABLE", "A3DTABLE", "TABLE"):
        kind = "table"
        if flag(header, "ZIMAGE"):
            kind, shape = "tiles", _axes(source, header, "ZNAXIS")
            bitpix = integer(header, "ZBITPIX") or 0
    available = max(0, min(size, source.size - offset))
    return Hdu(index, kind, header, cards, offset, size, available, bitpix, shape)


def _read_cards(source: Source, position: int) -> tuple[str, int]:
    """Return the cards up to END as printable ASCII, and the bytes the header takes."""
    blocks: list[bytes] = []
    source.stream.seek(position)
    for _ in range(_MAX_HEADER_BLOCKS):
        block = source.stream.read(_BLOCK)
        blocks.append(block)
        for start in range(0, len(block), 80):
            if block[start : start + 80].rstrip(b" \0") == b"END":
                joined = b"".join(blocks)
                end = len(joined) - len(block) + start
                # TABs and worse are not allowed in headers but occur; astropy would stop at them.
                return joined[:end].translate(_PRINTABLE).decode("ascii"), len(blocks) * _BLOCK
        if len(block) < _BLOCK:
            break
    raise ImageError(source.path, "the FITS header has no end; the file is damaged or cut off")


def _axes(source: Source, header: Header, key: str) -> tuple[int, ...]:
    """Return the lengths of the axes in numpy order."""
    count = integer(header, key)
    if count is None or not 0 <= count <= 999:
        raise ImageError(source.path, f"the FITS header has no valid {key}")
    axes: list[int] = []
    for n in range(count, 0, -1):
        length = integer(header, f"{key}{n}")
        if length is None or length < 0:
            raise ImageError(source.path, f"the FITS header has no valid {key}{n}")
        axes.append(length)
    return tuple(axes)
