"""Draw galaxies: as a survey would find them, and of any kind."""

from __future__ import annotations

import numpy as np

from galaxyscope.sky.simulate.truth import Colour, GalaxyTruth, Neighbour

FIELD_PX = 424
"""Neighbours are drawn over a field of this many pixels."""


def draw_truth(seed: int = 0, index: int = 0, barred: bool | None = None) -> GalaxyTruth:
    """Draw one spiral galaxy like those of Galaxy Zoo 2.

    As there, the pixel scale is 0.02 × the radius R90 that holds 90 % of the light, so that
    galaxies span about the same number of pixels, and the picture is resampled from SDSS's
    pixels of 0.396″. The spread of bar lengths in pixels, redshifts and scales is that of the
    measured bars of Hoyle et al. (2011, MNRAS 415, 3627) in Galaxy Zoo 2.

    Parameters
    ----------
    seed, index : int
        Two numbers that decide everything; `index` counts within a set.
    barred : bool, optional
        By default four of five galaxies are barred.

    Returns
    -------
    GalaxyTruth
    """
    rng = np.random.default_rng([seed, index])
    has_bar = bool(rng.random() < 0.8) if barred is None else barred
    r90 = float(np.clip(np.exp(rng.normal(np.log(14.5), 0.38)), 7, 31))
    scale = 0.02 * np.floor(r90)
    h = r90 / rng.uniform(2.75, 3.3)
    late = rng.random()
    """0: red and smooth, 1: blue and clumpy."""
    inclination = float(np.rad2deg(np.arccos(rng.uniform(0.45, 1.0))))
    bar_px = float(np.clip(np.exp(rng.normal(np.log(46), 0.33)), 20, 95))
    bar_fraction = rng.uniform(0.11, 0.22) * (1.15 - 0.4 * late) if has_bar else 0.0
    young = 0.16 + 0.34 * late
    ring = rng.uniform(0.04, 0.1) if has_bar and rng.random() < 0.35 else 0.0
    redden = rng.normal(0, 0.05)
    truth = GalaxyTruth(
        name=f"simulated {seed}-{index:04d}",
        seed=int(rng.integers(2**31)),
        ra_deg=float(rng.uniform(120, 240)),
        dec_deg=float(rng.uniform(0, 55)),
        redshift=float(np.clip(rng.normal(0.037, 0.011), 0.014, 0.065)),
        arcsec_per_px=float(scale),
        detector_arcsec_per_px=0.396,
        offset_px=(float(rng.normal(0, 0.6)), float(rng.normal(0, 0.6))),
        r_mag=float(15.3 - 5 * np.log10(r90 / 12.5) + 0.35 * late + rng.normal(0, 0.3)),
        bulge_fraction=float(rng.uniform(0.04, 0.09) + 0.09 * (1 - late)),
        bulge_re_arcsec=float(h * rng.uniform(0.12, 0.22)),
        bulge_n=float(rng.uniform(1.0, 2.6)),
        bulge_q=float(rng.uniform(0.75, 1.0)),
        disc_h_arcsec=float(h),
        inclination_deg=inclination,
        disc_pa_deg=float(rng.uniform(0, 180)),
        bar_fraction=float(bar_fraction),
        bar_length_arcsec=float(bar_px * scale),
        bar_pa_deg=float(rng.uniform(0, 180)),
        bar_axis_ratio=float(rng.uniform(0.2, 0.38)),
        bar_boxiness=float(rng.uniform(2.0, 3.2)),
        bar_edge=float(rng.uniform(4.0, 8.0)),
        young_fraction=float(young),
        arm_count=int(rng.choice([2, 2, 2, 3, 4])),
        arm_pitch_deg=float(rng.uniform(11, 27)),
        arm_contrast=float(rng.uniform(0.55, 0.95)),
        arm_sense=int(rng.choice([-1, 1])),
        clumpiness=float(0.45 + 0.45 * late),
        knot_fraction=float(0.005 + 0.05 * late**2),
        knot_count=int(rng.integers(15, 70)),
        ring_fraction=float(ring),
        ring_width_arcsec=float(0.22 * h),
        bulge_colour=Colour(0.84 + redden, 0.43),
        bar_colour=Colour(0.80 + redden - 0.12 * late, 0.41),
        disc_colour=Colour(0.70 + redden - 0.12 * late, 0.36 - 0.06 * late),
        young_colour=Colour(0.45 + redden - 0.27 * late, 0.27 - 0.1 * late),
        psf_fwhm_arcsec=float(np.clip(rng.normal(1.25, 0.15), 0.95, 1.7)),
        neighbours=_neighbours(rng, FIELD_PX * float(scale)),
    )
    return truth.replace(ring_radius_arcsec=truth.arm_start_arcsec * float(rng.uniform(1.0, 1.2)))


def draw_varied(seed: int = 0, index: int = 0) -> GalaxyTruth:
    """Draw a barred galaxy of any kind, far wider than a survey: to learn what a bar's end is.

    One of three is a galaxy of :func:`draw_truth` whose bar has another strength, length, width
    and edge. The others keep its colours, brightness and surroundings only: bar, bulge and disc
    are of any size against each other, with and without young arms, knots, ring and neighbours,
    seen well or badly.

    Parameters
    ----------
    seed, index : int
        Two numbers that decide everything.

    Returns
    -------
    GalaxyTruth
    """
    rng = np.random.default_rng([seed, index, 1])
    truth = draw_truth(seed, index, barred=True)

    def spread(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def perhaps(share: float, low: float, high: float) -> float:
        return float(rng.uniform(low, high)) if rng.random() < share else 0.0

    truth = truth.replace(
        bar_axis_ratio=spread(0.1, 0.55),
        bar_boxiness=2.0 + perhaps(0.6, 0.0, 3.0),
        bar_edge=float("inf") if rng.random() < 0.35 else spread(3.0, 14.0),
    )
    if rng.random() < 1 / 3:
        strength = truth.bar_fraction * float(rng.uniform(0.8, 1.8))
        return truth.replace(
            bar_fraction=min(strength, truth.bar_fraction + truth.disc_fraction - 0.05),
            bar_length_arcsec=truth.bar_length_arcsec * float(np.exp(rng.normal(0, 0.2))),
        )
    length = spread(18.0, 120.0) * truth.arcsec_per_px
    bulge, bar, young = float(rng.uniform(0.02, 0.3)), spread(0.06, 0.35), perhaps(0.5, 0.1, 0.45)
    ring, knots = perhaps(0.2, 0.03, 0.12), perhaps(0.4, 0.005, 0.04)
    truth = truth.replace(
        detector_arcsec_per_px=0.396 if rng.random() < 0.4 else None,
        offset_px=(float(rng.normal()), float(rng.normal())),
        r_mag=truth.r_mag + float(rng.uniform(-2.0, 1.5)),
        bulge_fraction=bulge,
        bulge_re_arcsec=length / 2 * spread(0.06, 0.35),
        bulge_n=float(rng.uniform(0.8, 4.0)),
        bulge_q=float(rng.uniform(0.7, 1.0)),
        disc_h_arcsec=length / 2 * spread(0.4, 1.3),
        inclination_deg=float(np.rad2deg(np.arccos(rng.uniform(0.5, 1.0)))),
        bar_fraction=bar,
        bar_length_arcsec=length,
        young_fraction=min(young, 0.95 - bulge - bar - ring - knots),
        clumpiness=truth.clumpiness if rng.random() < 0.5 else 0.0,
        knot_fraction=knots,
        ring_fraction=ring,
        ring_width_arcsec=length / 2 * float(rng.uniform(0.08, 0.3)),
        psf_fwhm_arcsec=max(0.3, float(rng.uniform(1.0, 5.0)) * truth.arcsec_per_px),
        neighbours=truth.neighbours if rng.random() < 0.6 else (),
    )
    return truth.replace(ring_radius_arcsec=truth.arm_start_arcsec * float(rng.uniform(0.9, 1.3)))


def _neighbours(rng: np.random.Generator, field: float) -> tuple[Neighbour, ...]:
    """Stars and background galaxies at the surface density of a high-latitude SDSS field."""
    area = (field / 60) ** 2
    stars = [_star(rng, field) for _ in range(rng.poisson(1.8 * area))]
    galaxies = [_background(rng, field) for _ in range(rng.poisson(4.5 * area))]
    return tuple(stars + galaxies)


def _star(rng: np.random.Generator, field: float) -> Neighbour:
    red = rng.random() < 0.45
    g_r = rng.normal(1.4, 0.1) if red else rng.uniform(0.2, 1.1)
    r_i = rng.uniform(0.5, 1.2) if red else 0.1 + 0.3 * (g_r - 0.2)
    return Neighbour(
        dx=float(rng.uniform(-field, field) / 2),
        dy=float(rng.uniform(-field, field) / 2),
        r_mag=max(float(21.7 - rng.exponential(1.2 if red else 1.7)), 18.5 if red else 17.0),
        colour=Colour(float(g_r), float(r_i)),
    )


def _background(rng: np.random.Generator, field: float) -> Neighbour:
    r_mag = max(21.9 - rng.exponential(0.9), 16.5)
    g_r = rng.uniform(0.3, 1.5)
    return Neighbour(
        dx=float(rng.uniform(-field, field) / 2),
        dy=float(rng.uniform(-field, field) / 2),
        r_mag=float(r_mag),
        colour=Colour(float(g_r), float(0.1 + 0.35 * g_r)),
        re_arcsec=float(
            np.clip(0.9 * 10 ** (0.13 * (20.5 - r_mag)) * rng.uniform(0.6, 1.5), 0.3, 5)
        ),
        sersic_n=float(rng.choice([1.0, 1.5, 3.0])),
        axis_ratio=float(rng.uniform(0.25, 1.0)),
        angle_deg=float(rng.uniform(0, 180)),
    )
