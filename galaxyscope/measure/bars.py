"""From an attribution map to a `BarMeasurement` in pixels of the cutout."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.algorithm1 import published
from galaxyscope.measure.invariant import invariant, scaled_min_pixels
from galaxyscope.measure.phase import AMPLITUDE, BRACKET, DEGREES, INNER, LightRings, phase, rings
from galaxyscope.measure.results import BarMeasurement
from galaxyscope.measure.search import BarSearch, Ends, Mask, NoBarError
from galaxyscope.sky.frame import Affine

ALGORITHMS = ("phase", "invariant", "published")

#: Standard deviation of a length from the pixel grid alone, in map pixels. Published ends sit
#: on pixel centres: each is off by up to half a pixel, √2 · 1/√12. Invariant ends come from a
#: contour between the pixels: the root mean square error of antialiased rectangles over
#: angles, offsets and widths, see tests/measure/test_invariant.py. The step of 0.0001 between
#: levels adds less than 0.01 px to either where the map falls by half over less than 50 px,
#: and is neglected. For `phase`, whose light is smoothed and interpolated like a contour, the
#: value of `invariant` stands in; the doubt about its definition is far larger.
GRID_ERROR_PX = {"published": 0.41, "invariant": 0.15, "phase": 0.15}

#: Below this elongation the inner part of a map shows no axis to speak of.
ROUND_MAP = 0.2


@dataclass(frozen=True)
class BarSettings:
    """How a bar is searched for.

    Parameters
    ----------
    algorithm : {"phase", "invariant", "published"}
        See :mod:`galaxyscope.measure.phase`, :mod:`galaxyscope.measure.invariant` and
        :mod:`galaxyscope.measure.algorithm1`. The last four settings are not for `phase`.
    correlation : float
        T_c, the elongation at which the search stops, in (0, 1].
    min_pixels : int
        T_1, the search also stops below this many pixels. `published` takes it as it is,
        `invariant` scales it with the area of the map (40 belong to 224 × 224 pixels).
    nucleus_radius : float or None
        `invariant` only: ignore parts of the half-maximum mask farther from the map's centre
        than this fraction of its shorter side; None keeps all.
    off_centre : float
        Flag a bar whose mask has its centroid farther from the map's centre than this
        fraction of the map's shorter side.
    """

    algorithm: str = "invariant"
    correlation: float = 0.85
    min_pixels: int = 40
    nucleus_radius: float | None = None
    off_centre: float = 0.1

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(
                f"unknown bar algorithm {self.algorithm!r}; known are {', '.join(ALGORITHMS)}"
            )
        if not 0 < self.correlation <= 1:
            raise ValueError(f"correlation must lie in (0, 1], not {self.correlation}")
        if self.min_pixels < 1:
            raise ValueError(f"min_pixels must be at least 1, not {self.min_pixels}")
        if not self.off_centre > 0:
            raise ValueError(f"off_centre must be positive, not {self.off_centre}")
        if self.nucleus_radius is not None and self.nucleus_radius <= 0:
            raise ValueError(f"nucleus_radius must be positive, not {self.nucleus_radius}")


def measure_bar(
    values: NDArray[np.floating],
    to_cutout: Affine,
    blocks: NDArray[np.floating] | None = None,
    settings: BarSettings = BarSettings(),
    light: NDArray[np.floating] | None = None,
) -> BarMeasurement:
    """Measure the bar on an attribution map.

    The search runs on the map's own pixels; its ends are then mapped to the cutout and the
    length is taken between them there.

    With blocks (means over disjoint, equally large groups of samples) the error is their
    delete-one jackknife, ``sqrt((B−1)/B Σ (L_i − L̄)²)`` with L_i measured on the mean of all
    blocks but i (Efron & Stein 1981), added in quadrature to the error of the pixel grid
    (`GRID_ERROR_PX`) and, for `phase`, to half the difference between the lengths at the
    amplitudes of `BRACKET`. It says how well the samples fix the length on this network's map, not
    how well the map shows the bar.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Attribution. NaN and infinite pixels are ignored and flagged.
    to_cutout : Affine
        Map pixel → cutout pixel.
    blocks : ndarray, shape (B, rows, columns), optional
    settings : BarSettings
    light : ndarray, shape (rows, columns), optional
        The galaxy on the map's own pixels (`galaxyscope.measure.phase.light_on_map`); needed
        by `phase` alone.

    Returns
    -------
    BarMeasurement
        Flags: ``no-bar`` (see its reason) · ``min-pixels`` (fewer than T_1 pixels were left
        before the mask was elongated) · ``not-elongated`` (neither condition ended the
        search) · ``touches-frame`` (the mask reaches the map's edge: the bar may be longer) ·
        ``off-centre`` · ``round-map`` (`phase`: the map
        hardly shows an axis) · ``not-finite`` (the map has such pixels) · ``unstable`` (no bar on
        some jackknife maps).

    Raises
    ------
    ValueError
        If the map is not two-dimensional, the blocks do not fit it, or `phase` gets no light.
    """
    values = np.asarray(values)
    if settings.algorithm == "phase" and light is None:
        raise ValueError("the algorithm 'phase' needs the light of the galaxy")
    if blocks is not None and np.asarray(blocks).shape[1:] != values.shape:
        raise ValueError(
            f"blocks of shape {np.asarray(blocks).shape} do not fit a map of {values.shape}"
        )
    parameters = _parameters(settings, values.shape)
    around = None
    try:
        if settings.algorithm == "phase":
            around = rings(np.asarray(light, np.float64))
        search = _search(values, settings, around)
        ends, length, scale = _on_cutout(to_cutout, search)
    except NoBarError as error:
        return BarMeasurement(
            algorithm=settings.algorithm,
            ends=None,
            length_px=None,
            length_err_px=None,
            threshold=None,
            elongation=None,
            pixels=0,
            flags=("no-bar",),
            reason=str(error),
            parameters=parameters,
        )
    flags = _flags(values, search, settings)
    length_err = None
    if blocks is not None and len(blocks) > 1:
        lengths = _jackknife_lengths(np.asarray(blocks), to_cutout, settings, around)
        if len(lengths) < len(blocks):
            flags = (*flags, "unstable")
        if len(lengths) > 1:
            grid = GRID_ERROR_PX[settings.algorithm] * scale
            length_err = float(np.hypot(jackknife_error(lengths), grid))
            if around is not None:
                longer, shorter = (
                    _on_cutout(to_cutout, phase(values, around, a))[1] for a in BRACKET
                )
                length_err = float(np.hypot(length_err, (longer - shorter) / 2))
    return BarMeasurement(
        algorithm=settings.algorithm,
        ends=ends,
        length_px=length,
        length_err_px=length_err,
        # `phase` searches no level: its map gives the axis only.
        threshold=None if search.stopped_by == "light" else search.threshold,
        elongation=search.elongation,
        pixels=int(search.mask.sum()),
        flags=flags,
        parameters=parameters,
    )


def jackknife_error(estimates: NDArray[np.floating] | list[float]) -> float:
    """Combine delete-one estimates to a standard error: ``sqrt((B−1)/B Σ (L_i − L̄)²)``.

    Parameters
    ----------
    estimates : array_like, shape (B,)
        Estimate without block i, for every i.
    """
    e = np.asarray(estimates, np.float64)
    return float(np.sqrt((len(e) - 1) * e.var()))


def _search(
    values: NDArray[np.floating], settings: BarSettings, around: LightRings | None
) -> BarSearch:
    if around is not None:
        return phase(values, around)
    if settings.algorithm == "published":
        return published(values, settings.correlation, settings.min_pixels)
    return invariant(values, settings.correlation, settings.min_pixels, settings.nucleus_radius)


def _on_cutout(to_cutout: Affine, search: BarSearch) -> tuple[Ends, float, float]:
    """Map the ends to the cutout: ends, length there, cutout pixels per map pixel along it."""
    if search.ends is None:
        raise NoBarError(
            f"Too few pixels of the map ({int(search.mask.sum())}) lie above the level "
            f"{search.threshold:.4f}, where the search stopped."
        )
    (x1, y1), (x2, y2) = to_cutout(search.ends).tolist()
    # Not hypot: the square root of a sum of whole squares is exact to the last bit.
    length = math.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2)
    return ((x1, y1), (x2, y2)), length, length / math.dist(*search.ends)


def _jackknife_lengths(
    blocks: NDArray[np.floating],
    to_cutout: Affine,
    settings: BarSettings,
    around: LightRings | None,
) -> list[float]:
    """Length on the mean of all blocks but one, for every block that leaves a bar."""
    total = blocks.sum(axis=0, dtype=np.float64)
    lengths = []
    for block in blocks:
        rest = ((total - block) / (len(blocks) - 1)).astype(blocks.dtype, copy=False)
        try:
            lengths.append(_on_cutout(to_cutout, _search(rest, settings, around))[1])
        except NoBarError:
            continue
    return lengths


def _flags(
    values: NDArray[np.floating], search: BarSearch, settings: BarSettings
) -> tuple[str, ...]:
    mask = search.mask
    raised = {
        "min-pixels": search.stopped_by == "min-pixels",
        "not-elongated": search.stopped_by == "last-level",
        "round-map": search.stopped_by == "light" and (search.elongation or 0) < ROUND_MAP,
        "touches-frame": search.stopped_by != "light" and _touches_frame(mask),
        "off-centre": search.stopped_by != "light"
        and _centroid_distance(mask) > settings.off_centre * min(mask.shape),
        "not-finite": not np.isfinite(values).all(),
    }
    return tuple(flag for flag, is_raised in raised.items() if is_raised)


def _touches_frame(mask: Mask) -> bool:
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())


def _centroid_distance(mask: Mask) -> float:
    """Distance in pixels between the centroid of the mask and the middle of the map."""
    middle = (np.array(mask.shape) - 1) / 2
    return float(np.hypot(*(np.argwhere(mask).mean(axis=0) - middle)))


def _parameters(settings: BarSettings, shape: tuple[int, ...]) -> dict[str, object]:
    """Everything a reader needs to repeat the measurement; JSON types only."""
    parameters: dict[str, object] = asdict(settings)
    if settings.algorithm == "phase":
        return {"algorithm": "phase", "amplitude": AMPLITUDE, "degrees": DEGREES, "inner": INNER}
    if settings.algorithm == "invariant":
        parameters["min_pixels_on_map"] = scaled_min_pixels(settings.min_pixels, shape)
    else:
        del parameters["nucleus_radius"]
    return parameters
