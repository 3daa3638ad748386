"""Surface-brightness profiles of total flux 1, as functions of position in pixels.

``x`` is right and ``y`` up; angles are counter-clockwise from up. Every profile divides by
its own integral over the whole plane, so that a crop does not change what it shows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def turned(x: Plane, y: Plane, angle_deg: float) -> tuple[Plane, Plane]:
    """Coordinates along and across a direction (counter-clockwise from up)."""
    angle = np.deg2rad(angle_deg)
    sin, cos = np.float32(np.sin(angle)), np.float32(np.cos(angle))
    return y * cos - x * sin, -x * cos - y * sin


def sersic(radius: Plane, re: float, n: float, q: float) -> Plane:
    """Sérsic profile of the elliptical radius.

    Parameters
    ----------
    radius : ndarray
        Major-axis elliptical radius in pixels.
    re : float
        Major-axis effective radius in pixels.
    n : float
        Sérsic index.
    q : float
        Axis ratio.

    Notes
    -----
    Graham & Driver (2005, PASA 22, 118), equations 1 to 4; b_n from the incomplete gamma
    function, without approximation.
    """
    from scipy.special import gamma, gammaincinv

    b = float(gammaincinv(2 * n, 0.5))
    total = 2 * np.pi * n * re**2 * q * b ** (-2 * n) * float(gamma(2 * n))
    scaled = (radius / np.float32(re)) ** np.float32(1 / n)
    return np.asarray(np.exp(-np.float32(b) * scaled) / np.float32(total), np.float32)


def bar(along: Plane, across: Plane, a: float, ratio: float, c: float, k: float) -> Plane:
    """Flat bar ``1 / (1 + m^k)`` on generalised ellipses of semi-major axis `a`.

    Parameters
    ----------
    along, across : ndarray
        In-plane coordinates along and across the bar, pixels.
    a : float
        Half of the full length: there the brightness is half of the plateau.
    ratio : float
        Axis ratio b/a.
    c : float
        Boxiness; 2 is an ellipse.
    k : float
        Steepness of the edge, above 2; infinite for a sharp end.

    Notes
    -----
    A unit generalised ellipse has the area ``4 Γ(1 + 1/c)² / Γ(1 + 2/c)`` and
    ``∫ 2m / (1 + m^k) dm = (2π/k) / sin(2π/k)``.
    """
    from scipy.special import gamma

    area = 4 * a * a * ratio * float(gamma(1 + 1 / c) ** 2 / gamma(1 + 2 / c))
    u, v = np.abs(along) / np.float32(a), np.abs(across) / np.float32(a * ratio)
    power = u**2 + v**2 if c == 2 else u ** np.float32(c) + v ** np.float32(c)
    if np.isinf(k):
        return np.asarray((power <= 1) / np.float32(area), np.float32)
    area *= (2 * np.pi / k) / np.sin(2 * np.pi / k)
    # m^k overflows float32 far outside; 1e30 is as good as infinity there.
    edge = np.minimum(power, np.float32(min(1e30, 1e30 ** (c / k)))) ** np.float32(k / c)
    return np.asarray(1 / (1 + edge) / np.float32(area), np.float32)


def ring(radius: Plane, centre: float, width: float) -> Plane:
    """Gaussian ring in the disc plane (`width` is its σ, all in pixels)."""
    r = np.linspace(0, centre + 6 * width, 4001)
    total = 2 * np.pi * np.trapezoid(r * np.exp(-0.5 * ((r - centre) / width) ** 2), r)
    shape = np.exp(-0.5 * ((radius - np.float32(centre)) / np.float32(width)) ** 2)
    return np.asarray(shape / np.float32(total), np.float32)


def holed_disc(radius: Plane, h: float, hole: float) -> Plane:
    """Exponential disc with an empty middle, ``e^(−r/h) (1 − e^(−(r/hole)³))``."""
    r = np.linspace(0, 20 * h, 8001)
    profile = np.exp(-r / h) * -np.expm1(-((r / hole) ** 3))
    total = 2 * np.pi * np.trapezoid(r * profile, r)
    inner = -np.expm1(-((radius / np.float32(hole)) ** 3))
    return np.asarray(np.exp(-radius / np.float32(h)) * inner / np.float32(total), np.float32)


def moffat(shape: tuple[int, int], fwhm: float, beta: float) -> Plane:
    """Point-spread function with its peak on pixel (0, 0) and wrapped around, sum 1.

    Parameters
    ----------
    shape : (rows, columns)
    fwhm : float
        In pixels.
    beta : float
        Moffat (1969, A&A 3, 455) exponent; infinite for a Gaussian.
    """
    rows, columns = (np.fft.fftfreq(n, 1 / n) for n in shape)
    r2 = rows[:, None] ** 2 + columns[None, :] ** 2
    if np.isinf(beta):
        kernel = np.exp(-4 * np.log(2) * r2 / fwhm**2)
    else:
        alpha2 = (fwhm / 2) ** 2 / (2 ** (1 / beta) - 1)
        kernel = (1 + r2 / alpha2) ** -beta
    return np.asarray(kernel / kernel.sum(), np.float32)
