"""What is known of a simulated galaxy: everything that its picture is made from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np

Band = Literal["g", "r", "i"]
BANDS: tuple[Band, Band, Band] = ("i", "r", "g")
"""Bands in the order of the channels red, green, blue."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Colour:
    """Colour of a component in AB magnitudes.

    Parameters
    ----------
    g_r, r_i : float
        g−r and r−i.
    """

    g_r: float
    r_i: float

    def factor(self, band: Band) -> float:
        """Flux in `band` over flux in r."""
        exponent = {"g": -self.g_r, "r": 0.0, "i": self.r_i}[band]
        return float(10 ** (0.4 * exponent))


@dataclass(frozen=True)
class Neighbour:
    """A star or another galaxy in the field.

    Parameters
    ----------
    dx, dy : float
        Offset from the field's centre in arcsec, along columns and upwards on the screen.
    r_mag : float
        Total AB magnitude in r.
    colour : Colour
    re_arcsec : float
        Effective radius; 0 for a star.
    sersic_n, axis_ratio, angle_deg : float
        Shape of a galaxy; the angle is counter-clockwise from screen-up.
    """

    dx: float
    dy: float
    r_mag: float
    colour: Colour
    re_arcsec: float = 0.0
    sersic_n: float = 1.0
    axis_ratio: float = 1.0
    angle_deg: float = 0.0


@dataclass(frozen=True)
class GalaxyTruth:
    """A simulated galaxy: a bulge, and a flat disc with bar, young arms and ring.

    All lengths are in arcsec, angles in degrees, fluxes are fractions of the galaxy's r-band
    light (what bulge, bar, young disc, knots and ring leave is the old exponential disc).
    Disc, bar, arms and ring lie in one plane, which is seen with the axis ratio `disc_q`.

    **The bar's length.** The bar is a generalised ellipse
    ``m = (|u/a|^c + |v/b|^c)^(1/c)`` in the disc plane (Athanassoula et al. 1990, MNRAS 245,
    130, equation 1) with the flat profile ``1 / (1 + m^k)``. Its *full length* is ``2 a``:
    the distance between the two points of its major axis where its own surface brightness is
    half of the plateau at its centre. ``bar_length_arcsec`` and ``bar_pa_deg`` are as *seen*
    on the sky, the projected ends of that axis, which is what people draw;
    :attr:`bar_intrinsic_arcsec` is the length in the disc plane. Half of the plateau stays
    half of the plateau in projection, so one definition serves both.

    Parameters
    ----------
    name, seed
        The seed decides clumps, knots and noise.
    ra_deg, dec_deg : float
        Sky position of the galaxy's centre.
    redshift : float
    arcsec_per_px : float
        Pixel scale of the picture.
    detector_arcsec_per_px : float or None
        Where given, the light is recorded on pixels of this size and resampled, as survey
        cutouts are, which correlates the noise. None: the picture's pixels are the detector's.
    north_deg : float
        Direction of north on the screen, counter-clockwise from up.
    offset_px : (float, float)
        Centre of the galaxy from the centre of the picture, in pixels right and up.
    r_mag : float
        Total AB magnitude in r.
    bulge_fraction, bulge_re_arcsec, bulge_n, bulge_q
        Sérsic bulge (major-axis effective radius); its position angle is the disc's.
    disc_h_arcsec, inclination_deg, disc_thickness, disc_pa_deg
        Scale length, inclination, intrinsic axis ratio of the edge-on disc, position angle of
        the line of nodes east of north.
    bar_fraction, bar_length_arcsec, bar_pa_deg, bar_axis_ratio, bar_boxiness, bar_edge
        0 as the fraction is an unbarred galaxy. Axis ratio b/a in the disc plane; boxiness is
        the exponent c; edge is the exponent k (infinite: a bar that ends sharply).
    young_fraction, arm_count, arm_pitch_deg, arm_contrast, arm_sense, clumpiness
        Young disc, its logarithmic arms (which start at the ends of the bar), the part of the
        young light that is in arms (0 to 1), the direction they wind (+1 or −1), and the
        scatter of its surface brightness in nepers.
    knot_fraction, knot_count
        Star-forming knots along the arms.
    ring_fraction, ring_radius_arcsec, ring_width_arcsec
        Ring in the disc plane.
    bulge_colour, bar_colour, disc_colour, young_colour, knot_colour, ring_colour : Colour
    psf_fwhm_arcsec, psf_beta
        Moffat profile; an infinite beta is a Gaussian; a width of 0 is no PSF.
    noise : bool
        Poisson noise of sky and sources, and read noise. The sky's mean is subtracted.
    sky_nmgy : (float, float, float)
        Sky brightness in g, r, i, nanomaggies per square arcsec (SDSS: 21.9, 20.9, 20.2 mag).
    electrons_per_nmgy : (float, float, float)
        In g, r, i; about three of SDSS's 54-s exposures.
    read_noise : float
        Electrons per detector pixel.
    neighbours : tuple of Neighbour
    """

    name: str = "simulated galaxy"
    seed: int = 0
    ra_deg: float = 180.0
    dec_deg: float = 20.0
    redshift: float = 0.03
    arcsec_per_px: float = 0.396
    detector_arcsec_per_px: float | None = None
    north_deg: float = 0.0
    offset_px: Point = (0.0, 0.0)
    r_mag: float = 15.0
    bulge_fraction: float = 0.12
    bulge_re_arcsec: float = 1.2
    bulge_n: float = 1.8
    bulge_q: float = 0.9
    disc_h_arcsec: float = 5.0
    inclination_deg: float = 0.0
    disc_thickness: float = 0.18
    disc_pa_deg: float = 0.0
    bar_fraction: float = 0.15
    bar_length_arcsec: float = 16.0
    bar_pa_deg: float = 45.0
    bar_axis_ratio: float = 0.3
    bar_boxiness: float = 2.6
    bar_edge: float = 6.0
    young_fraction: float = 0.3
    arm_count: int = 2
    arm_pitch_deg: float = 18.0
    arm_contrast: float = 0.8
    arm_sense: int = 1
    clumpiness: float = 0.5
    knot_fraction: float = 0.03
    knot_count: int = 40
    ring_fraction: float = 0.0
    ring_radius_arcsec: float = 9.0
    ring_width_arcsec: float = 1.2
    bulge_colour: Colour = Colour(0.85, 0.43)
    bar_colour: Colour = Colour(0.80, 0.40)
    disc_colour: Colour = Colour(0.66, 0.34)
    young_colour: Colour = Colour(0.30, 0.14)
    knot_colour: Colour = Colour(0.05, -0.12)
    ring_colour: Colour = Colour(0.45, 0.22)
    psf_fwhm_arcsec: float = 1.3
    psf_beta: float = 3.5
    noise: bool = True
    sky_nmgy: tuple[float, float, float] = (1.74, 4.37, 8.32)
    electrons_per_nmgy: tuple[float, float, float] = (3000.0, 3000.0, 2400.0)
    read_noise: float = 5.0
    neighbours: tuple[Neighbour, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.disc_fraction <= 1:
            raise ValueError("the components' fractions of light must add up to at most 1")
        positive = (self.arcsec_per_px, self.bulge_re_arcsec, self.disc_h_arcsec)
        if min(positive) <= 0 or self.bar_length_arcsec <= 0 or self.bar_axis_ratio <= 0:
            raise ValueError("pixel scale, radii, bar length and axis ratio must be positive")
        if self.bar_edge <= 2:
            raise ValueError("the bar's edge exponent must exceed 2, or its light is infinite")
        if not 0 <= self.inclination_deg <= 90:
            raise ValueError("the inclination lies between 0 and 90 degrees")

    @property
    def barred(self) -> bool:
        """Whether there is any light in the bar."""
        return self.bar_fraction > 0

    @property
    def disc_fraction(self) -> float:
        """Fraction of the r-band light in the old exponential disc."""
        others = self.bulge_fraction + self.bar_fraction + self.young_fraction
        return 1.0 - others - self.knot_fraction - self.ring_fraction

    @property
    def disc_q(self) -> float:
        """Apparent axis ratio of the disc, ``√(q₀² + (1 − q₀²) cos² i)`` (Hubble 1926)."""
        cos2 = float(np.cos(np.deg2rad(self.inclination_deg))) ** 2
        return float(np.sqrt(self.disc_thickness**2 + (1 - self.disc_thickness**2) * cos2))

    @property
    def bar_length_px(self) -> float:
        """Full bar length as seen, in pixels of the picture."""
        return self.bar_length_arcsec / self.arcsec_per_px

    @property
    def bar_in_disc(self) -> tuple[float, float]:
        """Full bar length (arcsec) and its angle from the line of nodes, in the disc plane."""
        angle = np.deg2rad(self.bar_pa_deg - self.disc_pa_deg)
        along, across = np.cos(angle), np.sin(angle) / self.disc_q
        length = self.bar_length_arcsec * float(np.hypot(along, across))
        return length, float(np.rad2deg(np.arctan2(across, along)))

    @property
    def bar_intrinsic_arcsec(self) -> float:
        """Full bar length in the disc plane (deprojected)."""
        return self.bar_in_disc[0]

    @property
    def arm_start_arcsec(self) -> float:
        """Radius in the disc plane where the arms start: the bar's end, else 0.6 h."""
        return self.bar_intrinsic_arcsec / 2 if self.barred else 0.6 * self.disc_h_arcsec

    def screen_angle(self, pa_deg: float) -> float:
        """Turn a position angle into degrees counter-clockwise from screen-up, in [0, 180).

        East is left of north, so both grow counter-clockwise.
        """
        return (pa_deg + self.north_deg) % 180.0

    def centre_px(self, size: int, y_up: bool = True) -> Point:
        """Pixel coordinates of the galaxy's centre in a picture of ``size × size``."""
        middle = (size - 1) / 2
        up = self.offset_px[1] if y_up else -self.offset_px[1]
        return middle + self.offset_px[0], middle + up

    def bar_ends(self, size: int = 424, y_up: bool = True) -> tuple[Point, Point]:
        """Give the ends of the bar as seen, in pixel coordinates.

        Parameters
        ----------
        size : int
            Rows and columns of the picture.
        y_up : bool
            True for FITS, False for JPEG (first row on top).

        Returns
        -------
        ((x1, y1), (x2, y2))
        """
        x, y = self.centre_px(size, y_up)
        angle = np.deg2rad(self.screen_angle(self.bar_pa_deg))
        dx = -float(np.sin(angle)) * self.bar_length_px / 2
        dy = float(np.cos(angle)) * self.bar_length_px / 2 * (1 if y_up else -1)
        return (x + dx, y + dy), (x - dx, y - dy)

    def replace(self, **changes: object) -> GalaxyTruth:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


def plain_bar(
    length_px: float, pa_deg: float, axis_ratio: float = 0.25, **changes: object
) -> GalaxyTruth:
    """Return a galaxy that is a sharp, uniform elliptical bar and nothing else.

    No PSF and no noise: for tests of measuring. ``changes`` set any other field.

    Parameters
    ----------
    length_px : float
        Full length in pixels of 0.396″.
    pa_deg : float
        Position angle, degrees east of north.
    axis_ratio : float
        Width over length.
    """
    bar = GalaxyTruth(
        name="plain bar",
        bulge_fraction=0.0,
        bar_fraction=1.0,
        bar_length_arcsec=length_px * 0.396,
        bar_pa_deg=pa_deg,
        bar_axis_ratio=axis_ratio,
        bar_boxiness=2.0,
        bar_edge=float("inf"),
        young_fraction=0.0,
        knot_fraction=0.0,
        psf_fwhm_arcsec=0.0,
        noise=False,
    )
    return bar.replace(**changes)
