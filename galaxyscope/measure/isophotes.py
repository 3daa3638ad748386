"""A classical opinion: ellipses fitted to the isophotes (photutils, after Jedrzejewski 1987).

Along a bar the ellipticity rises and the direction stays; beyond it the ellipticity falls and the
direction turns to the disc's. Two full lengths follow, both twice a semi-major axis: where the
ellipticity is greatest (Wozniak et al. 1995, A&AS 111, 115; known to be short), and where the
direction has left that of the bar by 10° (Erwin 2005, MNRAS 364, 283; known to be long). The outer
isophotes say how the disc lies.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.deproject import Disc, inclination_of
from galaxyscope.measure.fourier import FourierBar, fourier_bar

Floats = NDArray[np.float64]

#: The direction has jumped when it is this far from that of the bar.
JUMP_DEG = 10.0
#: Rounder isophotes are no bar's (Marinova & Jogee 2007, ApJ 659, 1176, ask for 0.25).
ROUND = 0.2
#: Isophotes beyond this share of the largest one that could be fitted are the disc's.
OUTER = 0.7

_GROWTH = 0.08
_FEWEST = 5


@dataclass(frozen=True)
class Isophotes:
    """What ellipses say, in pixels of the picture that was handed in.

    Parameters
    ----------
    ellipticity : float
        Greatest 1 − b/a inside the disc.
    angle_deg : float
        Direction there, from +x towards +y, in [0, 180).
    length : float or None
        Full length (2 a) there; None where the isophotes are rounder than `ROUND`.
    turn_length : float or None
        Full length (2 a) where the direction jumps; None where it never does.
    disc_axis_ratio, disc_axis_ratio_err, disc_angle_deg, disc_angle_err_deg : float or None
        Median over the outer isophotes, and their scatter.
    """

    ellipticity: float
    angle_deg: float
    length: float | None
    turn_length: float | None
    disc_axis_ratio: float | None
    disc_axis_ratio_err: float | None
    disc_angle_deg: float | None
    disc_angle_err_deg: float | None


def isophotes(
    light: NDArray[np.floating],
    centre: tuple[float, float] | None = None,
) -> Isophotes | None:
    """Fit isophotes.

    Parameters
    ----------
    light : ndarray, shape (rows, columns)
        Sky-subtracted; NaN where there is no value.
    centre : (x, y), optional
        Of the galaxy, kept fixed; the middle of the picture by default.

    Returns
    -------
    Isophotes or None
        None where fewer than five ellipses could be fitted.
    """
    rows, columns = light.shape
    x0, y0 = ((columns - 1) / 2, (rows - 1) / 2) if centre is None else centre
    largest = min(x0, y0, columns - 1 - x0, rows - 1 - y0)
    guess = fourier_bar(light, (x0, y0), largest=largest / 2)
    if guess is None:
        return None
    sma, eps, angle = _profile(np.asarray(light, np.float64), x0, y0, guess, largest)
    if len(sma) < _FEWEST:
        return None
    return _read(sma, eps, angle)


def _profile(
    light: Floats, x0: float, y0: float, guess: FourierBar, largest: float
) -> tuple[Floats, Floats, Floats]:
    """Semi-major axes, ellipticities and directions (radians) of good ellipses, outwards."""
    from photutils.isophote import Ellipse, EllipseGeometry  # heavy

    good: dict[float, tuple[float, float]] = {}
    # photutils takes pixels one by one, which is several times slower of a masked array.
    whole = bool(np.isfinite(light).all())
    pixels = light if whole else np.ma.masked_invalid(light)
    edge = guess.radius if guess.length is None else 0.6 * guess.length
    # Along the plateau of a bar the light has no gradient to follow: the first ellipse lies
    # outside, where it has, and inner ones follow from it.
    for first in (edge, largest / 2, largest / 4):
        first = float(np.clip(first, 4.0, 0.9 * largest))
        geometry = EllipseGeometry(x0, y0, first, 0.3, np.radians(guess.angle_deg))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ellipses that fail are left out below
            try:
                fitted: Any = Ellipse(pixels, geometry).fit_image(
                    minsma=2.0, maxsma=largest, step=_GROWTH, fix_center=True, maxgerr=0.7
                )
            except ValueError:  # an ellipse that has run away to NaN ends photutils' whole fit
                continue
        rows = [(i.sma, i.eps, i.pa) for i in fitted if i.sma > 0 and i.stop_code in (0, 2)]
        if len(rows) > len(good):
            good = {s: (e, a) for s, e, a in rows if np.isfinite(e) and np.isfinite(a)}
        if len(good) >= 2 * _FEWEST:
            break
    sma = np.array(sorted(good))
    return sma, np.array([good[s][0] for s in sma]), np.array([good[s][1] for s in sma])


def _read(sma: Floats, eps: Floats, angle: Floats) -> Isophotes:
    outer = sma >= OUTER * sma[-1]
    inner = ~outer
    peak = int(np.argmax(np.where(inner, eps, -1.0))) if inner.any() else int(np.argmax(eps))
    away = np.degrees(np.abs(_half_turn(angle - angle[peak])))
    turned = np.flatnonzero(away[peak:] > JUMP_DEG)
    turn = None
    if turned.size:
        k = peak + int(turned[0])
        turn = 2 * float(np.interp(JUMP_DEG, away[[k - 1, k]], sma[[k - 1, k]]))
    ratio = 1 - eps[outer]
    # Mean direction of lines: of the doubled angles.
    mean = 0.5 * float(np.angle(np.exp(2j * angle[outer]).mean()))
    spread = np.degrees(_half_turn(angle[outer] - mean))
    barred = eps[peak] >= ROUND
    return Isophotes(
        ellipticity=float(eps[peak]),
        angle_deg=float(np.degrees(angle[peak])) % 180,
        length=2 * float(sma[peak]) if barred else None,
        turn_length=turn if barred else None,
        disc_axis_ratio=float(np.median(ratio)),
        disc_axis_ratio_err=float(ratio.std()),
        disc_angle_deg=float(np.degrees(mean)) % 180,
        disc_angle_err_deg=float(spread.std()),
    )


def disc_of(found: Isophotes, pa_deg: float) -> Disc | None:
    """Disc from the outer isophotes.

    Parameters
    ----------
    found : Isophotes
    pa_deg : float
        `disc_angle_deg`, turned into the frame of the bar's angle by the caller.

    Returns
    -------
    Disc or None
        None where no outer isophotes were found. The error of the inclination is half the
        difference between those of the axis ratio one scatter to either side.
    """
    q, err = found.disc_axis_ratio, found.disc_axis_ratio_err or 0.0
    if q is None:
        return None
    low, high = (inclination_of(min(max(v, 1e-3), 1.0)) for v in (q + err, q - err))
    return Disc(
        inclination_of(min(q, 1.0)),
        pa_deg,
        (high - low) / 2,
        found.disc_angle_err_deg or 0.0,
        "isophotes",
    )


def _half_turn(radians: Floats) -> Floats:
    """Fold differences of directions of lines into [−π/2, π/2)."""
    folded: Floats = (radians + np.pi / 2) % np.pi - np.pi / 2
    return folded
