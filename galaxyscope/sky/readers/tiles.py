"""Read tile-compressed FITS images (FITS standard 4.0, section 10) with astropy's codecs.

The codecs are C code that trusts the headers inside each tile; a hostile file could make
them unpack without bound, loop for ever or write past a buffer. So the streams are checked
before they are handed over.
"""

from __future__ import annotations

import io
import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.image import ImageError
from galaxyscope.sky.readers.hdus import BYTES_PER_VALUE, Hdu, integer, text
from galaxyscope.sky.readers.packing import MAX_UNPACKED_BYTES
from galaxyscope.sky.readers.pixels import cut_off, no_infinities
from galaxyscope.sky.readers.source import MAX_PIXELS, Source, inflated_size

_ALGORITHMS = {"RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS"}
_BLOCK = 2880
_MAX_FIELDS = 999  # FITS standard 4.0, section 7.3.1


def read_tiled_plane(source: Source, hdu: Hdu, index: int) -> NDArray[np.float32]:
    """Read one plane of a tile-compressed image.

    Parameters
    ----------
    source : Source
    hdu : Hdu
        Of kind "tiles", checked for its size.
    index : int
        Plane number, leading axes flattened.

    Returns
    -------
    ndarray, shape (rows, columns), float32

    Raises
    ------
    ImageError
        If the tiles are damaged, of an unknown algorithm or too large.
    """
    from astropy.io import fits

    if hdu.available < hdu.size:
        raise cut_off(source, hdu)
    if hdu.size > MAX_UNPACKED_BYTES:
        raise ImageError(source.path, f"the compressed tiles of {hdu.label} are too large")
    alone = _standing_alone(source, hdu)
    try:
        _check_tiles(source, hdu, alone)
        with fits.open(io.BytesIO(alone), memmap=False) as hdus, np.errstate(all="ignore"):
            section = hdus[1].section
            leading = np.unravel_index(index, hdu.shape[:-2]) if len(hdu.shape) > 2 else ()
            plane = np.array(section[*(int(i) for i in leading), :, :], np.float32)
    except ImageError:
        raise
    except Exception as error:  # damaged streams end in many kinds of errors
        raise ImageError(source.path, f"the compressed tiles of {hdu.label} are damaged") from error
    return no_infinities(plane)


def _standing_alone(source: Source, hdu: Hdu) -> bytes:
    """Return a FITS file with an empty primary and this unit only."""
    primary = "".join(
        f"{key:8}= {value:>20}".ljust(80)
        for key, value in (("SIMPLE", "T"), ("BITPIX", 8), ("NAXIS", 0))
    )
    data = source.bytes_at(hdu.offset, hdu.size)
    return b"".join(
        (_padded(primary), _padded(hdu.cards), data, b"\0" * (-len(data) % _BLOCK)),
    )


def _padded(cards: str) -> bytes:
    whole = cards + "END".ljust(80)
    return (whole + " " * (-len(whole) % _BLOCK)).encode("ascii")


def _check_tiles(source: Source, hdu: Hdu, alone: bytes) -> None:
    """Raise :class:`ImageError` for streams that the codecs should not see."""
    from astropy.io import fits

    header = hdu.header
    algorithm = text(header, "ZCMPTYPE")
    if algorithm not in _ALGORITHMS:
        raise ImageError(source.path, f"the tile compression {algorithm or '?'} is not known")
    # astropy would make a list of as many names as the header promises.
    if not 1 <= (integer(header, "TFIELDS") or 0) <= _MAX_FIELDS:
        raise ImageError(source.path, f"the compressed tiles of {hdu.label} are damaged")
    tile = [
        integer(header, f"ZTILE{n}") or (length if n == 1 else 1)
        for n, length in enumerate(reversed(hdu.shape), 1)
    ]
    if min(tile) < 1 or math.prod(tile) > MAX_PIXELS:
        raise ImageError(source.path, f"the compressed tiles have an impossible size ({tile})")
    for n in range(1, 10):
        parameter, number = text(header, f"ZNAME{n}"), integer(header, f"ZVAL{n}")
        allowed = {"BLOCKSIZE": (16, 32), "BYTEPIX": (1, 2, 4, 8)}.get(parameter)
        if allowed and number not in allowed:
            raise ImageError(source.path, f"the tile compression has an impossible {parameter}")
    pixels = math.prod(tile)

    def inside(number: int) -> int:
        """Pixels of a tile that lie on the picture: so many the codec's buffer holds."""
        shape, sides = hdu.shape, tile[::-1]
        counts = [-(-length // side) for length, side in zip(shape, sides, strict=True)]
        if number >= math.prod(counts):
            return 0
        places = np.unravel_index(number, counts)
        return math.prod(
            min(side, length - int(place) * side)
            for place, side, length in zip(places, sides, shape, strict=True)
        )

    with fits.open(io.BytesIO(alone), memmap=False, disable_image_compression=True) as hdus:
        table = hdus[1].data
        for name in table.names:
            codec = {"COMPRESSED_DATA": algorithm, "GZIP_COMPRESSED_DATA": "GZIP_1"}.get(name)
            if codec is None:
                continue
            for number, stream in enumerate(table[name]):
                if len(stream) and not _is_safe(codec, stream, min(pixels, inside(number))):
                    raise ImageError(
                        source.path, f"the compressed tiles of {hdu.label} are damaged"
                    )


def _is_safe(codec: str, stream: NDArray[Any], pixels: int) -> bool:
    data = stream.tobytes()
    if codec.startswith("GZIP"):
        limit = pixels * max(BYTES_PER_VALUE.values())
        return inflated_size(data, limit, 31) <= limit
    if codec == "HCOMPRESS_1" and len(data) >= 10:
        rows, columns = struct.unpack(">ii", data[2:10])
        return bool(rows > 0 and columns > 0 and rows * columns <= pixels)
    if codec == "PLIO_1":
        # IRAF line list: its length in words stands in word 3, or else in words 4 and 5.
        words = stream.astype(np.int64)
        if len(words) < 5:
            return False
        length = words[2] if words[2] > 0 else (words[4] << 15) + words[3]
        return bool(length <= len(words))
    return True
