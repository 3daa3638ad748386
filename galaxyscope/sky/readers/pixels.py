"""Turn the stored numbers of one FITS plane into float32 with NaN where there is no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.image import ImageError
from galaxyscope.sky.readers.hdus import BYTES_PER_VALUE, Hdu, integer, number
from galaxyscope.sky.readers.source import Source

if TYPE_CHECKING:
    from astropy.io.fits import Header

_TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_CHUNK = 1 << 22


def read_plane(source: Source, hdu: Hdu, index: int) -> NDArray[np.float32]:
    """Read one plane of an image that is stored plainly.

    Parameters
    ----------
    source : Source
    hdu : Hdu
        Of kind "image", checked for its size.
    index : int
        Plane number, leading axes flattened.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        Scaled by BSCALE and BZERO; BLANK and values out of range are NaN.

    Raises
    ------
    ImageError
        If the file ends before the plane does.
    """
    rows, columns = hdu.shape[-2:]
    count, width = rows * columns, BYTES_PER_VALUE[hdu.bitpix]
    start = index * count * width
    if start + count * width > hdu.available:
        raise cut_off(source, hdu)
    scale, zero = number(hdu.header, "BSCALE"), number(hdu.header, "BZERO")
    scale, zero = 1.0 if scale is None else scale, 0.0 if zero is None else zero
    blank = integer(hdu.header, "BLANK") if hdu.bitpix > 0 else None
    plane = np.empty(count, np.float32)
    source.stream.seek(hdu.offset + start)
    # Values too great for float32 become infinite, then NaN: silently, but never a wrong number.
    with np.errstate(over="ignore", invalid="ignore"):
        for first in range(0, count, _CHUNK):
            some = min(_CHUNK, count - first)
            stored = np.frombuffer(source.stream.read(some * width), _TYPES[hdu.bitpix])
            values = plane[first : first + some]
            if scale == 1.0 and zero == 0.0:
                values[:] = stored
            elif hdu.bitpix == 64 and scale == 1.0 and zero == 2.0**63:
                # Unsigned integers: 2**63 is added by turning the sign bit, where a float
                # would lose all small values.
                values[:] = stored.view(">u8") ^ np.uint64(2**63)
            else:
                # In float64: a 32-bit integer plus 2**31 has no exact float32.
                values[:] = stored * np.float64(scale) + zero
            if blank is not None:
                values[stored == blank] = np.nan
    return no_infinities(plane.reshape(rows, columns))


def no_infinities(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace infinite values by NaN, in place."""
    plane[np.isinf(plane)] = np.nan
    return plane


def linear(data: NDArray[np.float32], header: Header) -> tuple[NDArray[np.float32], list[str]]:
    """Take back the scale of Pan-STARRS' stacked images, of which flux is the sinh.

    By BSOFTEN and BOFFSET, which only those have (Waters et al. 2020, ApJS 251, 4):
    flux = BOFFSET + 2 BSOFTEN sinh(value / (2.5 log10 e)).

    Parameters
    ----------
    data : ndarray of float32
    header : astropy.io.fits.Header

    Returns
    -------
    data : ndarray of float32
        As it was where the header does not have both.
    notes : list of str
    """
    softening, offset = number(header, "BSOFTEN"), number(header, "BOFFSET")
    if softening is None or offset is None or softening <= 0:
        return data, []
    with np.errstate(over="ignore", invalid="ignore"):
        flux = offset + 2 * softening * np.sinh(data.astype(np.float64) / (2.5 * np.log10(np.e)))
        found = no_infinities(flux.astype(np.float32))
    return found, ["Values on an asinh scale (BSOFTEN, BOFFSET) were turned into flux."]


def cut_off(source: Source, hdu: Hdu) -> ImageError:
    """Say that the file ends too early."""
    return ImageError(
        source.path,
        f"the file is cut off: {hdu.label} has {hdu.available} of {hdu.size} bytes",
    )
