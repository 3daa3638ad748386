"""A survey's camera: PSF, pixels, noise, resampling, and the world coordinates."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.image import PixelScale, Plane, SkyImage
from galaxyscope.sky.simulate import profiles
from galaxyscope.sky.simulate.light import Grid, components, neighbour_light
from galaxyscope.sky.simulate.truth import BANDS, Band, GalaxyTruth

if TYPE_CHECKING:
    from astropy.wcs import WCS

Array = NDArray[np.float32]


def simulate_galaxy(truth: GalaxyTruth, size: int = 424, band: Band | None = None) -> SkyImage:
    """Take a picture of a galaxy.

    Parameters
    ----------
    truth : GalaxyTruth
    size : int
        Rows and columns.
    band : {"g", "r", "i"}, optional
        One band; by default three channels, i, r, g as red, green, blue.

    Returns
    -------
    SkyImage
        Linear flux in nanomaggies per pixel, sky subtracted, first row at the bottom, with a
        celestial WCS. The same truth and size always give the same pixels, and a band is the
        same alone as in the colour picture.

    Raises
    ------
    ValueError
        If `size` is below 16.
    """
    if size < 16:
        raise ValueError("a simulated picture has at least 16 × 16 pixels")
    bands = BANDS if band is None else (band,)
    detector = truth.detector_arcsec_per_px or truth.arcsec_per_px
    ratio = truth.arcsec_per_px / detector
    # The margin takes in light that the PSF scatters across the border.
    margin = 8 if truth.psf_fwhm_arcsec == 0 else int(np.ceil(4 * truth.psf_fwhm_arcsec / detector))
    pixels = int(np.ceil(size * ratio)) + 2 * margin
    pixels += (pixels - size) % 2 if ratio == 1 else 0
    planes = _expose(truth, pixels, detector, bands)
    if ratio == 1:
        cut = (pixels - size) // 2
        data = planes[:, cut : cut + size, cut : cut + size]
    else:
        data = np.stack([_resample(plane, size, ratio) for plane in planes])
    data = np.ascontiguousarray(data, np.float32)
    data.setflags(write=False)
    plane = Plane(0, None, f"{band or 'i r g'} · {size}×{size}")
    return SkyImage(
        data=data,
        name=truth.name,
        sha256=hashlib.sha256(data.tobytes()).hexdigest(),
        y_up=True,
        wcs=world(truth, size),
        scale=PixelScale(truth.arcsec_per_px, "WCS"),
        redshift=truth.redshift,
        unit="nanomaggy",
        plane=plane,
        planes=(plane,),
    )


def world(truth: GalaxyTruth, size: int) -> WCS:
    """Gnomonic WCS with the galaxy's centre at its RA and Dec, and east left of north."""
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = [truth.ra_deg, truth.dec_deg]
    x, y = truth.centre_px(size)
    wcs.wcs.crpix = [x + 1, y + 1]
    step = truth.arcsec_per_px / 3600
    turn = np.deg2rad(truth.north_deg)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    wcs.wcs.cd = step * np.array([[-cos, -sin], [-sin, cos]])
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.set()
    return wcs


def _expose(truth: GalaxyTruth, pixels: int, detector: float, bands: tuple[Band, ...]) -> Array:
    """Light on the detector, shape (bands, pixels, pixels), nanomaggies per detector pixel."""
    if truth.psf_fwhm_arcsec == 0:
        oversample = 4  # a sharp bar needs finer sub-pixels to end where it should
    else:
        # Where the detector is finer than the picture and samples the PSF well, it is enough.
        fine = detector < truth.arcsec_per_px and truth.psf_fwhm_arcsec >= 2.5 * detector
        oversample = 1 if fine else 2
    grid = Grid(pixels, detector, oversample)
    parts = components(truth, grid)
    others = [(*neighbour_light(each, grid), each.colour) for each in truth.neighbours]
    n = pixels * oversample
    out = np.zeros((len(bands), pixels, pixels), np.float32)
    transfer = _transfer(truth, n, grid.per_arcsec)
    for index, band in enumerate(bands):
        light = np.zeros((n, n), np.float32)
        for plane, colour in parts:
            light += plane * np.float32(colour.factor(band))
        for rows, columns, patch, colour in others:
            light[rows, columns] += patch * np.float32(colour.factor(band))
        if transfer is not None:
            light = _convolve(light, transfer)
        seen = light.reshape(pixels, oversample, pixels, oversample).sum(axis=(1, 3))
        out[index] = _record(truth, seen, detector, band) if truth.noise else seen
    return out


def _transfer(truth: GalaxyTruth, n: int, per_arcsec: float) -> NDArray[np.complex64] | None:
    from scipy.fft import next_fast_len, rfft2

    if truth.psf_fwhm_arcsec == 0:
        return None
    m = next_fast_len(n, real=True)
    kernel = profiles.moffat((m, m), truth.psf_fwhm_arcsec * per_arcsec, truth.psf_beta)
    return np.asarray(rfft2(kernel))


def _convolve(light: Array, transfer: NDArray[np.complex64]) -> Array:
    from scipy.fft import irfft2, rfft2

    m = transfer.shape[0]
    blurred = irfft2(rfft2(light, s=(m, m)) * transfer, s=(m, m))
    return np.asarray(blurred[: light.shape[0], : light.shape[1]], np.float32)


def _record(truth: GalaxyTruth, light: Array, detector: float, band: Band) -> Array:
    """Count electrons: Poisson noise of source and sky, read noise, sky subtracted."""
    which = ("g", "r", "i").index(band)
    rng = np.random.default_rng([truth.seed, 2 + which])
    gain = truth.electrons_per_nmgy[which]
    sky = truth.sky_nmgy[which] * detector**2
    expected = (np.maximum(light, 0) + sky) * gain
    counted = rng.poisson(expected) + rng.normal(0, truth.read_noise, light.shape)
    return np.asarray(counted / gain - sky, np.float32)


def _resample(plane: Array, size: int, ratio: float) -> Array:
    """Cubic-spline resampling about the centre, flux per pixel kept.

    Parameters
    ----------
    plane : ndarray
        Detector pixels.
    size : int
        Rows and columns of the picture.
    ratio : float
        Picture pixel over detector pixel; above 1 the light is smoothed first.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    if ratio > 1:
        plane = gaussian_filter(plane, 0.4 * np.sqrt(ratio**2 - 1))
    axis = (np.arange(size) - (size - 1) / 2) * ratio + (plane.shape[0] - 1) / 2
    where = np.meshgrid(axis, axis, indexing="ij")
    return np.asarray(map_coordinates(plane, where, order=3, mode="nearest") * ratio**2, np.float32)
