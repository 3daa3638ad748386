"""Read FITS pictures: any extension, cubes, tile compression, scaled integers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.image import ImageError, Plane, SkyImage
from galaxyscope.sky.readers import keywords
from galaxyscope.sky.readers.hdus import BYTES_PER_VALUE, Hdu, text, walk
from galaxyscope.sky.readers.pixels import linear, read_plane
from galaxyscope.sky.readers.quiet import quiet_astropy
from galaxyscope.sky.readers.source import MAX_PIXELS, MAX_PLANES, TOO_MANY_PLANES, Source
from galaxyscope.sky.readers.tiles import read_tiled_plane

if TYPE_CHECKING:
    from astropy.io.fits import HDUList

_LOOKUP_TABLES = ("D2IMARR", "WCSDVARR")


def read_fits(source: Source, plane: Plane | None = None) -> SkyImage:
    """Read one picture of a FITS file.

    Parameters
    ----------
    source : Source
    plane : Plane, optional
        Which picture; by default the first one of the file.

    Returns
    -------
    SkyImage

    Raises
    ------
    ImageError
        If there is no such picture, or it is damaged or too large.
    """
    quiet_astropy()
    hdus = walk(source)
    planes = tuple(islice((p for hdu in hdus for p in _planes_of(hdu)), MAX_PLANES + 1))
    if not planes:
        raise ImageError(source.path, _why_nothing(hdus))
    chosen = planes[0] if plane is None else _find(source, hdus, plane)
    notes = []
    if len(planes) > MAX_PLANES:
        planes = _offered(hdus, planes, chosen)
        notes.append(TOO_MANY_PLANES)
    hdu = hdus[chosen.hdu]
    data, found = linear(_read(source, hdu, chosen), hdu.header)
    notes += found
    headers = [hdu.header] if hdu is hdus[0] else [hdu.header, hdus[0].header]
    on_sky = keywords.wcs_header(hdu.header, hdus[0].header)
    tables = _lookup_tables(source, hdus) if keywords.needs_lookup_tables(on_sky) else None
    wcs, scale, found = keywords.celestial_wcs(on_sky, tables)
    notes += found
    if scale is None:
        scale, found = keywords.header_scale(headers)
        notes += found
    redshift, found = keywords.redshift(headers)
    notes += found
    if hdu.available < hdu.size:
        notes.append(f"The file is cut off behind this picture ({hdu.label}).")
    data.setflags(write=False)
    return SkyImage(
        data=data,
        name=source.path.name,
        path=source.path,
        sha256=source.sha256,
        y_up=keywords.rows_go_up(headers),
        wcs=wcs,
        scale=scale,
        redshift=redshift,
        unit=text(hdu.header, "BUNIT"),
        plane=chosen,
        planes=planes,
        notes=tuple(notes),
    )


def _planes_of(hdu: Hdu) -> Iterator[Plane]:
    """Go through the pictures of one unit; a cube's colour picture comes first."""
    if hdu.kind not in ("image", "tiles") or len(hdu.shape) < 2 or min(hdu.shape[-2:]) < 2:
        return
    rows, columns = hdu.shape[-2:]
    count, size = math.prod(hdu.shape[:-2]), f"{columns}×{rows}"
    if count == 1:
        yield Plane(hdu.index, None, f"{hdu.label} · {size}")
        return
    if colour := keywords.colour_planes(hdu):
        yield Plane(hdu.index, None, f"{hdu.label} · {colour[1]} · {size}")
    for index in range(count):
        yield Plane(hdu.index, index, f"{hdu.label} · plane {index + 1} of {count} · {size}")


def _offered(hdus: list[Hdu], first: tuple[Plane, ...], chosen: Plane) -> tuple[Plane, ...]:
    """Choose from too many pictures: those that are a unit of their own before planes of cubes."""
    whole = [p for hdu in hdus for p in islice(_planes_of(hdu), 1) if p.index is None]
    some = islice(dict.fromkeys((first[0], chosen, *whole, *first)), MAX_PLANES)
    return tuple(sorted(some, key=lambda p: (p.hdu, -1 if p.index is None else p.index)))


def _find(source: Source, hdus: list[Hdu], plane: Plane) -> Plane:
    """Return the file's own description of the plane that is asked for."""
    if 0 <= plane.hdu < len(hdus):
        hdu = hdus[plane.hdu]
        last = 0 if plane.index is None else min(plane.index, math.prod(hdu.shape))
        for offered in islice(_planes_of(hdu), max(0, last + 2)):
            if offered.index == plane.index:
                return offered
    raise ImageError(source.path, f"there is no picture “{plane.label}” in this file")


def _read(source: Source, hdu: Hdu, chosen: Plane) -> NDArray[np.float32]:
    """Read the channels of a picture, its size checked before."""
    rows, columns = hdu.shape[-2:]
    if hdu.bitpix not in BYTES_PER_VALUE:
        raise ImageError(source.path, f"{hdu.label} has an impossible type of numbers")
    colour = keywords.colour_planes(hdu) if chosen.index is None else None
    indices = colour[0] if colour else (chosen.index or 0,)
    source.check_pixels(columns, rows, len(indices))
    reader = read_tiled_plane if hdu.kind == "tiles" else read_plane
    return np.stack([reader(source, hdu, index) for index in indices])


def _lookup_tables(source: Source, hdus: list[Hdu]) -> HDUList:
    """Collect the extensions with distortion tables, in memory."""
    from astropy.io import fits

    tables = [fits.PrimaryHDU()]
    for hdu in hdus:
        named = text(hdu.header, "EXTNAME") in _LOOKUP_TABLES
        if not named or hdu.kind != "image" or hdu.bitpix >= 0:
            continue
        count, width = math.prod(hdu.shape), BYTES_PER_VALUE[hdu.bitpix]
        if 0 < count * 25 <= MAX_PIXELS and count * width <= hdu.available:
            stored = np.frombuffer(source.bytes_at(hdu.offset, count * width), f">f{width}")
            tables.append(fits.ImageHDU(stored.reshape(hdu.shape), hdu.header))
    return fits.HDUList(tables)


def _why_nothing(hdus: list[Hdu]) -> str:
    """Say in one sentence why there is no picture."""
    kinds = {hdu.kind for hdu in hdus}
    images = [hdu for hdu in hdus if hdu.kind in ("image", "tiles") and hdu.shape]
    if "groups" in kinds:
        return "the file holds random groups (visibilities), no image"
    if images:
        axes = " × ".join(str(length) for length in reversed(images[0].shape))
        return f"the file holds no two-dimensional image ({images[0].label} is {axes} pixels)"
    if "table" in kinds:
        return "the file holds tables, no image"
    return "the file holds headers without data, no image"
