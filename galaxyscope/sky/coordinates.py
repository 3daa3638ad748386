"""Pixels to sky: positions, angles, lengths in arcsec and kpc, compass and scale bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.image import SkyImage

#: The cosmology behind every kpc: the one of Hoyle et al. (2011, MNRAS 415, 3627).
COSMOLOGY_NAME = "flat ΛCDM, H0 = 70 km/s/Mpc, Ωm = 0.3"

Point = tuple[float, float]


@dataclass(frozen=True)
class Lengths:
    """One length in all the units that are known for its image.

    Parameters
    ----------
    px : float
    arcsec : float or None
        None where the image has no pixel scale.
    kpc : float or None
        None where scale or redshift are unknown.
    """

    px: float
    arcsec: float | None = None
    kpc: float | None = None


def sky_position(image: SkyImage, x: float, y: float) -> tuple[float, float] | None:
    """Return right ascension and declination of a pixel position.

    Parameters
    ----------
    image : SkyImage
    x, y : float
        0-based, integers at pixel centres.

    Returns
    -------
    (ra_deg, dec_deg) or None
        ICRS, in degrees; other equinoxes and galactic coordinates are converted. None
        where the image has no celestial WCS or the position is off the sky.

    Notes
    -----
    Uses ``image.wcs``, which is not thread-safe: workers hold an image of their own.
    """
    found = _positions(image, np.array([[x, y]], float))
    return None if found is None else (float(found[0, 0]), float(found[0, 1]))


def pixel_position(image: SkyImage, ra_deg: float, dec_deg: float) -> Point | None:
    """Return the pixel position of a place on the sky (ICRS degrees), or None.

    Distortions are inverted. None also where the WCS has no answer for this place.
    """
    if image.wcs is None:
        return None
    from astropy.wcs import NoConvergence

    lon, lat = ra_deg, dec_deg
    if not _is_icrs(image):
        from astropy.coordinates import SkyCoord
        from astropy.wcs.utils import wcs_to_celestial_frame

        place = SkyCoord(ra_deg, dec_deg, unit="deg").transform_to(
            wcs_to_celestial_frame(image.wcs)
        )
        lon, lat = float(place.spherical.lon.deg), float(place.spherical.lat.deg)
    world = (lon, lat) if image.wcs.wcs.lng == 0 else (lat, lon)
    try:
        x, y = (float(v) for v in image.wcs.all_world2pix([world], 0)[0])
    except (NoConvergence, ValueError):
        return None
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None


def _positions(image: SkyImage, pixels: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return (ra, dec) in ICRS degrees of pixel positions, shape (n, 2), or None."""
    if image.wcs is None:
        return None
    try:
        world = np.asarray(image.wcs.all_pix2world(pixels, 0), float)
    except ValueError:
        return None
    if not np.isfinite(world).all():
        return None
    if image.wcs.wcs.lng != 0:
        world = world[:, ::-1]
    if not _is_icrs(image):
        from astropy.coordinates import SkyCoord
        from astropy.wcs.utils import wcs_to_celestial_frame

        frame = wcs_to_celestial_frame(image.wcs)
        icrs = SkyCoord(world[:, 0], world[:, 1], unit="deg", frame=frame).icrs
        world = np.stack([icrs.ra.deg, icrs.dec.deg], axis=-1)
    world[:, 0] %= 360.0
    return world


def _is_icrs(image: SkyImage) -> bool:
    """Tell whether coordinates are ICRS; FK5 of 2000 differs by 0.02″ at most and counts."""
    assert image.wcs is not None
    wcs = image.wcs.wcs
    if wcs.lngtyp.strip() != "RA":
        return False
    system, equinox = wcs.radesys.strip(), float(wcs.equinox)
    if system in ("", "FK5"):
        # Without RADESYS an equinox before 1984 means FK4 (FITS standard 4.0, section 8.3).
        return math.isnan(equinox) or equinox == 2000.0
    return bool(system == "ICRS")


def format_sky(ra_deg: float, dec_deg: float) -> str:
    """Write a position as ``12:43:20.1 +01:58:42``, rounded (never 60 seconds)."""
    tenths = round(ra_deg % 360.0 / 15.0 * 36_000) % (24 * 36_000)
    hours, rest = divmod(tenths, 36_000)
    minutes, rest = divmod(rest, 600)
    arcsec = round(abs(dec_deg) * 3600)
    degrees, left = divmod(arcsec, 3600)
    sign = "-" if dec_deg < 0 and arcsec else "+"
    return (
        f"{hours:02d}:{minutes:02d}:{rest // 10:02d}.{rest % 10} "
        f"{sign}{degrees:02d}:{left // 60:02d}:{left % 60:02d}"
    )


def format_arcsec(arcsec: float) -> str:
    """Write an angle with three significant figures: ``31.2″``, ``2.50′``, ``1.20°``."""
    size = abs(arcsec)
    value, unit = (
        (arcsec, "″") if size < 120 else (arcsec / 60, "′") if size < 7200 else (arcsec / 3600, "°")
    )
    if value == 0:
        return f"0{unit}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}{unit}"


def position_angle(image: SkyImage, p1: Point, p2: Point) -> float | None:
    """Return the position angle on the sky of the line between two pixel positions.

    Parameters
    ----------
    image : SkyImage
    p1, p2 : (x, y)
        In either order.

    Returns
    -------
    float or None
        Degrees east of north in [0, 180), at the middle of the great circle through both
        ends. None without a celestial WCS, or where the ends are one place.
    """
    ends = _positions(image, np.array([p1, p2], float))
    if ends is None:
        return None
    ra, dec = np.deg2rad(ends).T
    vectors = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
    along, middle = vectors[1] - vectors[0], vectors[0] + vectors[1]
    if not np.any(along):
        return None
    mid_ra = math.atan2(middle[1], middle[0])
    mid_dec = math.atan2(middle[2], math.hypot(middle[0], middle[1]))
    east = np.array([-math.sin(mid_ra), math.cos(mid_ra), 0.0])
    north = np.array(
        [
            -math.sin(mid_dec) * math.cos(mid_ra),
            -math.sin(mid_dec) * math.sin(mid_ra),
            math.cos(mid_dec),
        ]
    )
    return _half_turn(math.degrees(math.atan2(float(along @ east), float(along @ north))))


def image_angle(image: SkyImage, p1: Point, p2: Point) -> float:
    """Return the angle of a line as drawn: degrees counter-clockwise from up, in [0, 180)."""
    (x1, y1), (x2, y2) = image.to_screen([p1, p2])
    return _half_turn(math.degrees(math.atan2(x1 - x2, y1 - y2)))


def _half_turn(degrees: float) -> float:
    """Fold into [0, 180); a rounding error below 0 must not become 180."""
    folded = degrees % 180.0
    return 0.0 if folded >= 180.0 else folded


def compass(image: SkyImage) -> tuple[Point, Point] | None:
    """Return the directions of north and east at the middle of the image.

    Returns
    -------
    ((nx, ny), (ex, ey)) or None
        Unit vectors in cutout pixels; None without a celestial WCS.
    """
    rows, columns = image.shape
    x, y = (columns - 1) / 2, (rows - 1) / 2
    around = _positions(image, np.array([[x, y], [x + 1, y], [x, y + 1]]))
    if around is None:
        return None
    ra = (around[1:, 0] - around[0, 0] + 180.0) % 360.0 - 180.0
    east_step = ra * math.cos(math.radians(around[0, 1]))
    north_step = around[1:, 1] - around[0, 1]
    jacobian = np.stack([east_step, north_step])  # (east, north) per pixel step
    if abs(np.linalg.det(jacobian)) == 0.0:
        return None
    inverse = np.linalg.inv(jacobian)
    east, north = inverse[:, 0], inverse[:, 1]
    east, north = east / np.hypot(*east), north / np.hypot(*north)
    return (float(north[0]), float(north[1])), (float(east[0]), float(east[1]))


@lru_cache(maxsize=256)
def kpc_per_arcsec(redshift: float) -> float:
    """Return the proper length of one arcsec, in kpc, in :data:`COSMOLOGY_NAME`.

    Raises
    ------
    ValueError
        If the redshift is not positive and finite.
    """
    if not (math.isfinite(redshift) and redshift > 0):
        raise ValueError("lengths in kpc need a positive redshift")
    from astropy.cosmology import FlatLambdaCDM

    per_arcmin = FlatLambdaCDM(H0=70.0, Om0=0.3).kpc_proper_per_arcmin(redshift)
    return float(per_arcmin.value) / 60.0


def lengths(image: SkyImage, length_px: float) -> Lengths:
    """Return a length in pixels, in arcsec and in kpc, as far as scale and redshift are known."""
    if image.scale is None:
        return Lengths(length_px)
    arcsec = length_px * image.scale.arcsec_per_px
    if image.redshift is None or image.redshift <= 0:
        return Lengths(length_px, arcsec)
    return Lengths(length_px, arcsec, arcsec * kpc_per_arcsec(image.redshift))


def scale_bar(image: SkyImage, max_px: float) -> tuple[float, str]:
    """Return a round scale bar.

    Parameters
    ----------
    image : SkyImage
    max_px : float
        Greatest length in cutout pixels, positive.

    Returns
    -------
    length_px : float
    label : str
        ``20″ = 7.8 kpc``, ``20″`` without a redshift, ``50 px`` without a scale.
    """
    if image.scale is None:
        length = _round_below(max_px)
        return length, f"{length:g} px"
    per_px = image.scale.arcsec_per_px
    longest = max_px * per_px
    size, unit = next(
        ((size, unit) for size, unit in ((3600.0, "°"), (60.0, "′")) if longest >= size), (1.0, "″")
    )
    value = _round_below(longest / size)
    length, label = value * size / per_px, f"{value:g}{unit}"
    kpc = lengths(image, length).kpc
    return length, label if kpc is None else f"{label} = {_format_kpc(kpc)}"


def _round_below(longest: float) -> float:
    """Return the greatest of 1, 2, 5 times a power of ten that is not above `longest`."""
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-12))


def _format_kpc(kpc: float) -> str:
    if kpc >= 1000:
        return f"{kpc / 1000:.2g} Mpc"
    if kpc >= 100:
        return f"{kpc:.0f} kpc"
    return f"{kpc:.2g} kpc" if kpc >= 0.1 else f"{kpc * 1000:.2g} pc"
