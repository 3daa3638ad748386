"""A classical opinion: the second Fourier component of the light on circles.

The amplitude A2/A0 rises along a bar and falls beyond it. The length given here is where it has
fallen to half of its maximum; of the criteria that Athanassoula & Misiriotis (2002, MNRAS 330, 35)
compare, it is the simple one on the relative amplitude, after Ohta et al. (1990, ApJ 357, 71). In
an inclined disc the disc itself is elongated: neither amplitude nor length knows the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: A weaker component is no bar.
WEAKEST = 0.1
#: The length ends where A2/A0 is this share of its maximum.
SHARE = 0.5
#: Circles fainter than this share of the brightest say nothing.
FAINT = 0.002

_DIRECTIONS = 72
_STEP = 0.5  # pixels between circles


@dataclass(frozen=True)
class FourierBar:
    """What the second component says, in pixels of the picture that was handed in.

    Parameters
    ----------
    amplitude : float
        Greatest A2/A0 = 2 |Σ I e^(−2iθ)| / Σ I; 2 for light on a line.
    radius : float
        Where it is greatest.
    angle_deg : float
        Direction there, from +x towards +y, in [0, 180).
    length : float or None
        Full length: twice the radius beyond, at which A2/A0 is `SHARE` of its maximum. None where
        it never falls that far, or the component is weaker than `WEAKEST`.
    """

    amplitude: float
    radius: float
    angle_deg: float
    length: float | None


def fourier_bar(
    light: NDArray[np.floating],
    centre: tuple[float, float] | None = None,
    smallest: float = 2.0,
    largest: float | None = None,
) -> FourierBar | None:
    """Measure the second Fourier component.

    A neighbour stands on one side only: of two opposite points the fainter counts.

    Parameters
    ----------
    light : ndarray, shape (rows, columns)
        Sky-subtracted.
    centre : (x, y), optional
        Of the galaxy; the middle of the picture by default.
    smallest : float
        Circles smaller than this are left out: there are few pixels on them.
    largest : float, optional
        The greatest amplitude is looked for up to this radius; up to the frame by default.

    Returns
    -------
    FourierBar or None
        None where there is no light.
    """
    from scipy import ndimage  # heavy

    rows, columns = light.shape
    x0, y0 = ((columns - 1) / 2, (rows - 1) / 2) if centre is None else centre
    frame = min(x0, y0, columns - 1 - x0, rows - 1 - y0)
    if frame <= smallest:
        return None
    radius = np.arange(smallest, frame, _STEP)
    angle = np.linspace(0, 2 * np.pi, _DIRECTIONS, endpoint=False)
    at = [y0 + radius[:, None] * np.sin(angle), x0 + radius[:, None] * np.cos(angle)]
    flat = np.where(np.isfinite(light), light, 0).astype(np.float64)
    sampled = ndimage.map_coordinates(flat, at, order=1, mode="nearest")
    sampled = np.minimum(sampled, np.roll(sampled, _DIRECTIONS // 2, axis=1))
    mean = sampled.mean(axis=1)
    if not mean.max() > 0:
        return None
    component = (sampled * np.exp(-2j * angle)).mean(axis=1)
    component /= np.maximum(mean, FAINT * mean.max())
    width = 1 / _STEP  # one pixel, so that a single circle decides nothing
    component = ndimage.gaussian_filter1d(component.real, width) + 1j * (
        ndimage.gaussian_filter1d(component.imag, width)
    )
    return _read(radius, component, frame if largest is None else largest)


def _read(radius: Floats, component: NDArray[np.complex128], largest: float) -> FourierBar | None:
    amplitude = 2 * np.abs(component)
    inside = radius <= largest
    if not inside.any():
        return None
    peak = int(np.argmax(np.where(inside, amplitude, -1.0)))
    top = float(amplitude[peak])
    if not top > 0:
        return None
    length = None
    ended = np.flatnonzero(amplitude[peak:] <= SHARE * top)
    if ended.size and top >= WEAKEST:
        k = peak + int(ended[0])
        length = 2 * float(np.interp(SHARE * top, amplitude[[k, k - 1]], radius[[k, k - 1]]))
    direction = float(np.degrees(-0.5 * np.angle(component[peak]))) % 180
    return FourierBar(top, float(radius[peak]), direction % 180, length)
