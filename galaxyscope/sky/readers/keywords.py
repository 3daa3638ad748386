"""What FITS headers say about scale, sky coordinates and redshift, taken with care."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from galaxyscope.sky.image import PixelScale
from galaxyscope.sky.readers.hdus import Hdu, flag, integer, number, text

if TYPE_CHECKING:
    from astropy.io.fits import HDUList, Header
    from astropy.wcs import WCS

#: Keywords that hold arcsec per pixel, most telling first, with their sane range.
SCALE_KEYWORDS = ("PIXSCALE", "PIXSCAL1", "SECPIX", "SECPIX1", "SCALE")
_SANE_SCALE = (1e-3, 1e3)
_GREATEST_PIXEL = 36_000.0  # arcsec: a map of the whole sky still has 36 such pixels around
_SANE_REDSHIFT = (0.0, 15.0)
_SIZES = ("CDELT1", "CDELT2", "CD1_1", "CD1_2", "CD2_1", "CD2_2", "PC1_1", "PC2_2")
_PLACES = ("CTYPE1", "CTYPE2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")
_LOOKUP_KEYWORDS = ("CPDIS1", "CPDIS2", "D2IMDIS1", "D2IMDIS2", "AXISCORR", "D2IM1.EXTVER")


def wcs_header(header: Header, primary: Header) -> Header:
    """Return the header that holds the WCS of a picture: its own, or the one it inherits.

    An extension inherits (INHERIT, FITS standard 4.0, section 4.4.2.6) from a primary
    header without data; here only where it has no keyword of a WCS itself.
    """
    inherits = flag(header, "INHERIT") and integer(primary, "NAXIS") == 0
    return primary if inherits and not any(k in header for k in (*_PLACES, *_SIZES)) else header


def needs_lookup_tables(header: Header) -> bool:
    """Tell whether the WCS has distortions that are stored in other extensions."""
    return any(key in header for key in _LOOKUP_KEYWORDS)


def celestial_wcs(
    header: Header, tables: HDUList | None = None
) -> tuple[WCS | None, PixelScale | None, list[str]]:
    """Make the celestial WCS of the first two axes.

    Parameters
    ----------
    header : astropy.io.fits.Header
    tables : astropy.io.fits.HDUList, optional
        Lookup tables of distortions.

    Returns
    -------
    wcs : astropy.wcs.WCS or None
        None where right ascension and declination cannot be given.
    scale : PixelScale or None
        Geometric mean of the sizes of a pixel along both axes, at the reference pixel.
    notes : list of str
    """
    if not any(text(header, f"CTYPE{n}") for n in (1, 2)):
        return None, None, []
    if not any(key in header for key in _SIZES):
        return None, None, ["The sky coordinates in the header give no pixel size; not used."]
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

    try:
        wcs = WCS(header, tables, naxis=2)
        if not wcs.has_celestial:
            return None, None, []
        wcs.wcs.set()
        sizes = np.abs(np.asarray(proj_plane_pixel_scales(wcs), float)) * 3600.0
    except Exception as error:  # wcslib and astropy raise a dozen kinds for bad headers
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        return None, None, [f"The sky coordinates in the header cannot be used: {reason}"]
    if not ((sizes > 0).all() and (sizes <= _GREATEST_PIXEL).all()):
        return None, None, ["The sky coordinates in the header have no sane pixel size; not used."]
    scale, notes = PixelScale(float(np.sqrt(sizes.prod())), "WCS"), []
    if sizes.max() > 1.05 * sizes.min():
        notes.append(
            f"Pixels are not square ({sizes[0]:.4g}″ × {sizes[1]:.4g}″); lengths use their mean."
        )
    longitude = wcs.wcs.lngtyp.strip()
    if longitude not in ("RA", "GLON"):
        kind = "solar" if longitude == "HPLN" else longitude
        notes.append(f"The sky coordinates are {kind}, so there is no right ascension.")
        return None, scale, notes
    try:
        wcs_to_celestial_frame(wcs)
    except ValueError:
        system = text(header, "RADESYS") or text(header, "RADECSYS") or "without a name"
        notes.append(f"The sky coordinates are of an unknown system ({system}); not used.")
        return None, scale, notes
    return wcs, scale, notes


def header_scale(headers: Sequence[Header]) -> tuple[PixelScale | None, list[str]]:
    """Return the pixel scale that a keyword gives, from the first header that has one."""
    for header in headers:
        for key in SCALE_KEYWORDS:
            found = _number_or_text(header, key)
            if found is not None and _SANE_SCALE[0] <= abs(found) <= _SANE_SCALE[1]:
                note = f"Pixel scale {abs(found):.5g}″/px from header keyword {key}."
                return PixelScale(abs(found), "header"), [note]
    return None, []


def redshift(headers: Sequence[Header]) -> tuple[float | None, list[str]]:
    """Return the redshift that a header gives.

    ``Z`` alone can be many things (a zenith distance, a coordinate): it counts only where
    its comment is empty or speaks of a redshift, and its value is below 2.
    """
    for header in headers:
        for key, greatest in (("REDSHIFT", _SANE_REDSHIFT[1]), ("Z", 2.0)):
            found = _number_or_text(header, key)
            if found is None or not _SANE_REDSHIFT[0] < found < greatest:
                continue
            comment = header.comments[key].lower()
            if key == "REDSHIFT" or not comment or "redshift" in comment:
                return found, [f"Redshift {found:.5g} from header keyword {key}."]
    return None, []


def _number_or_text(header: Header, key: str) -> float | None:
    """Return the number that a keyword has, also where it was written as a text."""
    try:
        return float(text(header, key))
    except ValueError:
        return number(header, key)


def rows_go_up(headers: Sequence[Header]) -> bool:
    """Tell whether the first row is drawn at the bottom (unless ROWORDER says TOP-DOWN)."""
    order = next((o for o in (text(header, "ROWORDER") for header in headers) if o), "")
    return order.upper().replace("_", "-") != "TOP-DOWN"


def colour_planes(hdu: Hdu) -> tuple[tuple[int, int, int], str] | None:
    """Return the planes for red, green and blue where a cube is evidently a colour picture.

    Evidence is a third axis called RGB, or three band names (Legacy Survey cutouts, from
    blue to red); a cube of three planes alone is none.
    """
    if len(hdu.shape) != 3 or hdu.shape[0] != 3:
        return None
    if text(hdu.header, "CTYPE3").upper() == "RGB":
        return (0, 1, 2), "colour"
    bands = text(hdu.header, "BANDS")
    if len(bands) == 3 and bands.isalpha():
        return (2, 1, 0), f"colour {' '.join(bands)}"
    return None
