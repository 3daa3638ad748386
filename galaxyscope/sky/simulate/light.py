"""The light of a simulated galaxy before it reaches the detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.simulate import profiles
from galaxyscope.sky.simulate.profiles import Plane
from galaxyscope.sky.simulate.truth import Colour, GalaxyTruth, Neighbour

RADII, ANGLES = 96, 256
"""Cells of the clump texture, in ln(radius) and azimuth."""


@dataclass(frozen=True)
class Grid:
    """Sub-pixels of a square grid around the field's centre.

    Parameters
    ----------
    size : int
        Pixels on a side.
    arcsec_per_px : float
    oversample : int
        Sub-pixels per pixel and axis.
    """

    size: int
    arcsec_per_px: float
    oversample: int

    def coordinates(self, x0: float, y0: float) -> tuple[Plane, Plane]:
        """Offsets right of and above ``(x0, y0)``, in sub-pixels from the field's centre."""
        n = self.size * self.oversample
        axis = np.arange(n, dtype=np.float32) - (n - 1) / 2
        return (axis - np.float32(x0))[None, :], (axis - np.float32(y0))[:, None]

    @property
    def per_arcsec(self) -> float:
        """Sub-pixels per arcsec."""
        return self.oversample / self.arcsec_per_px


def components(truth: GalaxyTruth, grid: Grid) -> list[tuple[Plane, Colour]]:
    """Render each component once.

    Returns
    -------
    list of (ndarray, Colour)
        r-band flux per sub-pixel in nanomaggies, and the colour that gives the other bands.
    """
    total = float(10 ** (0.4 * (22.5 - truth.r_mag)))
    unit = grid.per_arcsec
    shift = truth.arcsec_per_px * unit
    x, y = grid.coordinates(truth.offset_px[0] * shift, truth.offset_px[1] * shift)
    # The line of nodes is the major axis; dividing the minor one by q lays the disc flat.
    along, across = profiles.turned(x, y, truth.screen_angle(truth.disc_pa_deg))
    flat = across / np.float32(truth.disc_q)
    radius = np.hypot(along, flat)
    squeeze = 1 / truth.disc_q
    rng = np.random.default_rng([truth.seed, 1])
    texture = _texture(truth, rng)

    found: list[tuple[Plane, Colour]] = []

    def add(fraction: float, shape: Plane, colour: Colour) -> None:
        found.append((np.asarray(shape * np.float32(total * fraction), np.float32), colour))

    if truth.bulge_fraction > 0:
        core = _bulge(truth, along, across, unit)
        add(truth.bulge_fraction, core, truth.bulge_colour)
    h = truth.disc_h_arcsec * unit
    if truth.disc_fraction > 1e-9:
        disc = np.exp(-radius / np.float32(h)) / np.float32(2 * np.pi * h * h)
        add(truth.disc_fraction * squeeze, disc, truth.disc_colour)
    length, angle = truth.bar_in_disc
    if truth.barred:
        turn = np.deg2rad(angle)
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        u, v = along * cos + flat * sin, flat * cos - along * sin
        a = length / 2 * unit
        shape = profiles.bar(u, v, a, truth.bar_axis_ratio, truth.bar_boxiness, truth.bar_edge)
        add(truth.bar_fraction * squeeze, shape, truth.bar_colour)
    if truth.ring_fraction > 0:
        width = truth.ring_width_arcsec * unit
        band = profiles.ring(radius, truth.ring_radius_arcsec * unit, width)
        add(truth.ring_fraction * squeeze, band, truth.ring_colour)
    if truth.young_fraction > 0:
        start = truth.arm_start_arcsec * unit
        arms = _arms(truth, radius, np.arctan2(flat, along), start, texture)
        young = profiles.holed_disc(radius, 1.1 * h, 0.9 * start) * arms
        add(truth.young_fraction * squeeze, young, truth.young_colour)
    if truth.knot_fraction > 0 and truth.knot_count > 0:
        add(truth.knot_fraction, _knots(truth, grid, rng), truth.knot_colour)
    return found


def neighbour_light(neighbour: Neighbour, grid: Grid) -> tuple[slice, slice, Plane]:
    """Render a star or a neighbouring galaxy.

    Returns
    -------
    rows, columns : slice
        The part of the field that it covers.
    patch : ndarray
        r-band flux per sub-pixel there, nanomaggies.
    """
    unit = grid.per_arcsec
    flux = float(10 ** (0.4 * (22.5 - neighbour.r_mag)))
    n = grid.size * grid.oversample
    x0, y0 = neighbour.dx * unit + (n - 1) / 2, neighbour.dy * unit + (n - 1) / 2
    reach = int(np.ceil(12 * neighbour.re_arcsec * unit)) + 2
    rows, columns = _window(y0, reach, n), _window(x0, reach, n)
    if neighbour.re_arcsec == 0:
        patch = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        _add_point(patch, x0 - columns.start, y0 - rows.start, flux)
        return rows, columns, patch
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - np.float32(x0)
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(y0)
    along, across = profiles.turned(x, y, neighbour.angle_deg)
    q = neighbour.axis_ratio
    # Half a sub-pixel of softening keeps a cusp from depending on where its centre falls.
    radius = np.sqrt(along**2 + (across / np.float32(q)) ** 2 + np.float32(0.25))
    patch = profiles.sersic(radius, neighbour.re_arcsec * unit, neighbour.sersic_n, q)
    return rows, columns, patch * np.float32(flux)


def _window(centre: float, reach: int, n: int) -> slice:
    start = min(max(int(centre) - reach, 0), n)
    return slice(start, min(max(int(centre) + reach + 1, start), n))


def _add_point(plane: Plane, x: float, y: float, flux: float) -> None:
    """Share a point's flux among the four sub-pixels around it."""
    column, row = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - column, y - row
    for dy, wy in ((0, 1 - fy), (1, fy)):
        for dx, wx in ((0, 1 - fx), (1, fx)):
            if 0 <= row + dy < plane.shape[0] and 0 <= column + dx < plane.shape[1]:
                plane[row + dy, column + dx] += flux * wx * wy


def _bulge(truth: GalaxyTruth, along: Plane, across: Plane, unit: float) -> Plane:
    """Sérsic bulge; its cusp is integrated on a grid eleven times as fine."""
    re, q, n = truth.bulge_re_arcsec * unit, truth.bulge_q, truth.bulge_n
    radius = np.hypot(along, across / np.float32(q))
    shape = profiles.sersic(radius, re, n, q)
    near = np.argwhere(radius < 12)
    (row0, column0), (row1, column1) = near.min(axis=0), near.max(axis=0) + 1
    steps = (np.arange(11, dtype=np.float32) - 5) / 11
    inner = np.zeros((row1 - row0, column1 - column0), np.float32)
    a, b = along[row0:row1, column0:column1], across[row0:row1, column0:column1]
    # Directions are orthonormal, so sub-steps along them tile the sub-pixel as well.
    for i in steps:
        for j in steps:
            inner += profiles.sersic(np.hypot(a + i, (b + j) / np.float32(q)), re, n, q)
    shape[row0:row1, column0:column1] = inner / np.float32(steps.size**2)
    return shape


def _texture(truth: GalaxyTruth, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth unit-variance noise in (ln r, azimuth along the arms), periodic in azimuth."""
    from scipy.ndimage import gaussian_filter

    white = rng.standard_normal((2, RADII, ANGLES))
    fine = gaussian_filter(white[0], (0.8, 1.6), mode="wrap")
    coarse = gaussian_filter(white[1], (2.4, 6.0), mode="wrap")
    mixed = 0.65 * fine / fine.std() + 0.75 * coarse / coarse.std()
    return np.asarray(mixed / mixed.std(), np.float32)


def _arms(truth: GalaxyTruth, radius: Plane, azimuth: Plane, start: float, texture: Plane) -> Plane:
    """Modulation of the young disc by arms and clumps; its mean over azimuth is 1.

    Logarithmic spirals ``φ = φ_bar + ln(r/r_start) / tan(pitch)``; across an arm the profile
    is that of von Mises, ``exp(κ cos ψ) / I₀(κ)``.
    """
    from scipy.ndimage import map_coordinates
    from scipy.special import i0

    log_r = np.log(np.maximum(radius, 1e-3) / np.float32(start))
    wind = truth.arm_sense / np.tan(np.deg2rad(truth.arm_pitch_deg))
    phase = azimuth - np.float32(np.deg2rad(truth.bar_in_disc[1])) - np.float32(wind) * log_r
    rows = (log_r + 2.0) * (RADII / 5.0)
    columns = (phase / np.float32(2 * np.pi) % 1.0) * ANGLES
    noise = map_coordinates(texture, [rows, columns], order=1, mode="grid-wrap")
    strength = np.float32(truth.clumpiness)
    clumps = np.exp(strength * noise - strength**2 / 2)
    if truth.arm_count == 0:
        return np.asarray(clumps, np.float32)
    # Texture that also bends the arms and lets one be weaker: real arms are not twins.
    bent = phase + np.float32(0.4) * strength * noise
    kappa = 2.2
    wave = np.exp(np.float32(kappa) * np.cos(truth.arm_count * bent)) / np.float32(i0(kappa))
    uneven = 1 + np.float32(0.35) * strength * np.cos(phase - np.float32(0.7))
    contrast = np.float32(truth.arm_contrast)
    return np.asarray(((1 - contrast) + contrast * wave * uneven) * clumps, np.float32)


def _knots(truth: GalaxyTruth, grid: Grid, rng: np.random.Generator) -> Plane:
    """Star-forming knots along the arms, total flux 1."""
    from scipy.ndimage import gaussian_filter

    count = truth.knot_count
    start, h = truth.arm_start_arcsec, truth.disc_h_arcsec
    radius = start + rng.gamma(2.0, 0.8, count) * h
    arm = rng.integers(0, max(truth.arm_count, 1), count) * 2 * np.pi / max(truth.arm_count, 1)
    spread = 0.16 if truth.arm_count else 2 * np.pi
    wind = truth.arm_sense / np.tan(np.deg2rad(truth.arm_pitch_deg))
    azimuth = np.deg2rad(truth.bar_in_disc[1]) + wind * np.log(radius / start) + arm
    azimuth += rng.normal(0, spread, count)
    weight = rng.pareto(1.8, count) + 0.3
    weight *= np.exp(-radius / (1.5 * h))
    weight /= weight.sum()
    along, across = radius * np.cos(azimuth), radius * np.sin(azimuth) * truth.disc_q
    nodes = np.deg2rad(truth.screen_angle(truth.disc_pa_deg))
    right = -along * np.sin(nodes) - across * np.cos(nodes)
    up = along * np.cos(nodes) - across * np.sin(nodes)
    n = grid.size * grid.oversample
    plane = np.zeros((n, n), np.float32)
    shift = truth.arcsec_per_px
    for dx, dy, flux in zip(right, up, weight, strict=True):
        x = (dx + truth.offset_px[0] * shift) * grid.per_arcsec + (n - 1) / 2
        y = (dy + truth.offset_px[1] * shift) * grid.per_arcsec + (n - 1) / 2
        _add_point(plane, float(x), float(y), float(flux))
    # Knots share the galaxy's scale, not the detector's: σ of a fourteenth of a scale length.
    blurred = gaussian_filter(plane, 0.07 * h * grid.per_arcsec, mode="constant")
    return np.asarray(blurred, np.float32)
