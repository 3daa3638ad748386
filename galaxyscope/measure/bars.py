"""From an attribution map to a `BarMeasurement` in pixels of the cutout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure import consensus, joint
from galaxyscope.measure.algorithms import ALGORITHMS, FOLLOW_LIGHT
from galaxyscope.measure.consensus import fitted_weight
from galaxyscope.measure.decompose import Decomposition
from galaxyscope.measure.finding import Finder, Found
from galaxyscope.measure.invariant import scaled_min_pixels
from galaxyscope.measure.lines import angle_difference
from galaxyscope.measure.phase import AMPLITUDE, DEGREES, INNER, axis_of, rings
from galaxyscope.measure.results import BarMeasurement, LengthErrors
from galaxyscope.measure.search import BarSearch, Ends, Mask, NoBarError
from galaxyscope.measure.uncertainty import (
    AXIS_ERROR_DEG,
    GRID_ERROR_PX,
    METHOD_ERROR,
    about,
    jackknife_error,
    standard_error,
)
from galaxyscope.measure.variants import (
    AVERAGES,
    X_INPUTS,
    Average,
    XInput,
    mean_of_ends,
    mean_of_scaled,
)
from galaxyscope.sky.frame import Affine

Map = NDArray[np.floating]

#: Below this elongation the inner part of a map shows no axis to speak of.
ROUND_MAP = 0.2
#: Degrees between the axis of a map and that of the bar that say the map shows something else.
OFF_AXIS = 20.0


@dataclass(frozen=True)
class BarSettings:
    """How a bar is searched for.

    Parameters
    ----------
    algorithm : {"consensus", "joint", "phase", "invariant", "published"}
        See :mod:`galaxyscope.measure.consensus`, :mod:`galaxyscope.measure.joint`,
        :mod:`galaxyscope.measure.phase`, :mod:`galaxyscope.measure.invariant` and
        :mod:`galaxyscope.measure.algorithm1`. The next four settings are for the last two.
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
    average : {"map", "scaled-maps", "lengths"}
        How the networks of an ensemble are joined: the mean of their maps is measured as it
        is; each map is scaled by itself first; or each map is measured and the lengths are
        averaged. See :mod:`galaxyscope.measure.variants`. All the same for one network.
    x_input : {"no", "plain", "renormalised"}
        Multiply the scaled map by the grey picture; `published` then scales it again only where
        asked to, the others always do.
    """

    algorithm: str = "invariant"
    correlation: float = 0.85
    min_pixels: int = 40
    nucleus_radius: float | None = None
    off_centre: float = 0.1
    average: Average = "map"
    x_input: XInput = "no"

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(
                f"unknown bar algorithm {self.algorithm!r}; known are {', '.join(ALGORITHMS)}"
            )
        if self.average not in AVERAGES:
            raise ValueError(f"average must be one of {', '.join(AVERAGES)}")
        if self.x_input not in X_INPUTS:
            raise ValueError(f"x_input must be one of {', '.join(X_INPUTS)}")
        if not 0 < self.correlation <= 1:
            raise ValueError(f"correlation must lie in (0, 1], not {self.correlation}")
        if self.min_pixels < 1:
            raise ValueError(f"min_pixels must be at least 1, not {self.min_pixels}")
        if not self.off_centre > 0:
            raise ValueError(f"off_centre must be positive, not {self.off_centre}")
        if self.nucleus_radius is not None and self.nucleus_radius <= 0:
            raise ValueError(f"nucleus_radius must be positive, not {self.nucleus_radius}")


def measure_bar(
    values: Map,
    to_cutout: Affine,
    blocks: Map | None = None,
    settings: BarSettings = BarSettings(),
    light: Map | None = None,
    members: Mapping[str, Map] | None = None,
    picture: Map | None = None,
    said: float | None = None,
    fitted: Decomposition | None = None,
) -> BarMeasurement:
    """Measure the bar on an attribution map.

    The search runs on the map's own pixels; its ends are then mapped to the cutout and the
    length is taken between them there. What its error is made of stands in
    :mod:`galaxyscope.measure.uncertainty`; blocks are those of the mean map also where lengths
    are averaged.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Attribution. NaN and infinite pixels are ignored and flagged.
    to_cutout : Affine
        Map pixel → cutout pixel.
    blocks : ndarray, shape (B, rows, columns), optional
        Means over disjoint, equally large groups of samples.
    settings : BarSettings
    light : ndarray, shape (rows, columns), optional
        The galaxy on the map's own pixels (`galaxyscope.measure.phase.light_on_map`); needed
        by `consensus`, `joint` and `phase`.
    members : mapping of name to ndarray, shape (rows, columns), optional
        Maps of the networks that `values` is the mean of.
    picture : ndarray, shape (rows, columns), optional
        Grey picture in 0 … 1 on the map's pixels; needed for `x_input`.
    said : float, optional
        Full length in cutout pixels that a network answers; needed by `consensus`.
    fitted : Decomposition, optional
        Of the cutout's light, which `consensus` listens to.

    Returns
    -------
    BarMeasurement
        Flags: ``no-bar`` (see its reason) · ``min-pixels`` (fewer than T_1 pixels were left
        before the mask was elongated) · ``not-elongated`` (neither condition ended the
        search) · ``touches-frame`` (the mask reaches the map's edge: the bar may be longer) ·
        ``off-centre`` · ``round-map`` (`consensus`, `joint`, `phase`: the map hardly shows an
        axis) · ``off-axis`` (`consensus`: the map's axis is another than that of the bar, which the
        light gave) · ``not-finite`` (the map has such pixels) · ``unstable`` (no bar on some
        jackknife maps) · ``not-in-all-networks`` (no bar on the map of some member). Where
        lengths are averaged a flag holds for at least one member.

    Raises
    ------
    ValueError
        If the map is not two-dimensional, or blocks, members, light or picture do not fit it or
        are missing.
    """
    values = np.asarray(values)
    alone = [np.asarray(one) for one in (members or {}).values()]
    _check(values, blocks, settings, light, alone, picture)
    if settings.algorithm == "consensus" and not (said or 0) > 0:
        raise ValueError("the algorithm 'consensus' needs the length that a network answers")
    parameters = _parameters(settings, values.shape, said, fitted)
    try:
        around = (
            rings(np.asarray(light, np.float64)) if settings.algorithm in FOLLOW_LIGHT else None
        )
        find = Finder(to_cutout, settings, around, picture, said, fitted)
        each = [found for one in alone if (found := find.or_none(one)) is not None]
        if settings.average == "lengths" and alone:
            main = each
        elif settings.average == "scaled-maps" and alone:
            main = [find(mean_of_scaled(alone, settings.algorithm), is_scaled=True)]
        else:
            main = [find(values)]
        if not main:
            raise NoBarError("No network's map shows a bar.")
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
    searches = [one.search for one in main]
    flags = list(dict.fromkeys(f for one in searches for f in _flags(values, one, settings)))
    if len(each) < len(alone):
        flags.append("not-in-all-networks")
    ends = main[0].ends if len(main) == 1 else mean_of_ends([one.ends for one in main])
    left_out = [] if blocks is None else _without_each(np.asarray(blocks))
    rest = [found for one in left_out if (found := find.or_none(one)) is not None]
    if len(rest) < len(left_out):
        flags.append("unstable")
    errors = _errors(settings.algorithm, main, rest, each, find)
    # Those that follow the light search no level.
    thresholds = [one.threshold for one in searches if one.stopped_by != "light"]
    elongations = [one.elongation for one in searches if one.elongation is not None]
    return BarMeasurement(
        algorithm=settings.algorithm,
        ends=ends,
        length_px=_length(main),
        length_err_px=errors.total,
        threshold=float(np.mean(thresholds)) if thresholds else None,
        elongation=float(np.mean(elongations)) if elongations else None,
        pixels=round(float(np.mean([one.mask.sum() for one in searches]))),
        flags=tuple(flags),
        parameters=parameters,
        errors=errors,
        angle_err_deg=_angle_error(
            _angle(ends), rest, each, _axis_error(values, searches, find, settings)
        ),
    )


def _check(
    values: Map,
    blocks: Map | None,
    settings: BarSettings,
    light: Map | None,
    members: Sequence[Map],
    picture: Map | None,
) -> None:
    if settings.algorithm in FOLLOW_LIGHT and light is None:
        raise ValueError(f"the algorithm {settings.algorithm!r} needs the light of the galaxy")
    if settings.x_input != "no" and picture is None:
        raise ValueError("x_input needs the picture")
    if blocks is not None and np.asarray(blocks).shape[1:] != values.shape:
        raise ValueError(
            f"blocks of shape {np.asarray(blocks).shape} do not fit a map of {values.shape}"
        )
    others = [("map of a member", one.shape) for one in members if one.shape != values.shape]
    if picture is not None and np.asarray(picture).shape != values.shape:
        others.append(("picture", np.asarray(picture).shape))
    for name, shape in others:
        raise ValueError(f"the {name} of shape {shape} does not fit a map of {values.shape}")


def _length(bars: Sequence[Found]) -> float:
    return float(np.mean([bar.length for bar in bars])) if len(bars) > 1 else bars[0].length


def _without_each(blocks: Map) -> list[Map]:
    """Mean of all blocks but one, for each; none of a single block."""
    if len(blocks) < 2:
        return []
    total = blocks.sum(axis=0, dtype=np.float64)
    return [
        ((total - block) / (len(blocks) - 1)).astype(blocks.dtype, copy=False) for block in blocks
    ]


def _errors(
    algorithm: str,
    main: Sequence[Found],
    rest: Sequence[Found],
    each: Sequence[Found],
    find: Finder,
) -> LengthErrors:
    """Parts of the error of the mean length of `main`."""
    brackets = [find.bracket(one) for one in main]
    spans = [max(some) - min(some) for some in brackets if some]
    share, grid = METHOD_ERROR.get(algorithm), GRID_ERROR_PX[algorithm]
    if share is not None and find.fitted is not None:
        heard, own = fitted_weight(find.fitted), find.fitted.length_err / find.fitted.length
        share = math.hypot((1 - heard) * share, heard * own)
        grid *= 1 - heard  # the model is fitted to the light itself
    return LengthErrors(
        sampling=jackknife_error([one.length for one in rest]) if len(rest) > 1 else None,
        networks=standard_error([one.length for one in each]) if len(each) > 1 else None,
        threshold=float(np.mean(spans)) / 2 if spans else None,
        grid=grid * float(np.mean([one.scale for one in main])),
        method=None if share is None else share * _length(main),
    )


def _axis_error(
    values: Map, searches: Sequence[BarSearch], find: Finder, settings: BarSettings
) -> list[float]:
    """Parts of the direction's error, in degrees, where map and light give it together."""
    if settings.algorithm != "consensus" or find.around is None or find.said is None:
        return []
    off = float(np.mean([_off_axis(values, one) for one in searches]))
    share = consensus.map_share(values, find.around, find.said / find.to_cutout.pixel_size / 2)
    if find.fitted is None:
        return [AXIS_ERROR_DEG, share * off]
    heard = fitted_weight(find.fitted)
    others = [(1 - heard) * part for part in (AXIS_ERROR_DEG, share * off)]
    return [*others, heard * find.fitted.angle_err_deg]


def _angle_error(
    angle: float, rest: Sequence[Found], each: Sequence[Found], parts: list[float]
) -> float | None:
    """Error of the direction in degrees, from the same maps as that of the length."""
    if len(rest) > 1:
        parts.append(jackknife_error(about([_angle(one.ends) for one in rest], angle)))
    if len(each) > 1:
        parts.append(standard_error(about([_angle(one.ends) for one in each], angle)))
    return math.hypot(*parts) if parts else None


def _angle(ends: Ends) -> float:
    (x1, y1), (x2, y2) = ends
    return math.degrees(math.atan2(y2 - y1, x2 - x1))


def _flags(
    values: NDArray[np.floating], search: BarSearch, settings: BarSettings
) -> tuple[str, ...]:
    mask = search.mask
    raised = {
        "min-pixels": search.stopped_by == "min-pixels",
        "not-elongated": search.stopped_by == "last-level",
        "round-map": search.stopped_by == "light" and (search.elongation or 0) < ROUND_MAP,
        "off-axis": settings.algorithm == "consensus" and _off_axis(values, search) > OFF_AXIS,
        "touches-frame": search.stopped_by != "light" and _touches_frame(mask),
        "off-centre": search.stopped_by != "light"
        and _centroid_distance(mask) > settings.off_centre * min(mask.shape),
        "not-finite": not np.isfinite(values).all(),
    }
    return tuple(flag for flag, is_raised in raised.items() if is_raised)


def _off_axis(values: Map, search: BarSearch) -> float:
    """Degrees between the axis of the map and the bar that was found."""
    if search.ends is None:
        return 0.0
    return abs(angle_difference(math.degrees(axis_of(values)[0]), _angle(search.ends)))


def _touches_frame(mask: Mask) -> bool:
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())


def _centroid_distance(mask: Mask) -> float:
    """Distance in pixels between the centroid of the mask and the middle of the map."""
    middle = (np.array(mask.shape) - 1) / 2
    return float(np.hypot(*(np.argwhere(mask).mean(axis=0) - middle)))


def _parameters(
    settings: BarSettings,
    shape: tuple[int, ...],
    said: float | None,
    fitted: Decomposition | None,
) -> dict[str, object]:
    """Everything a reader needs to repeat the measurement; JSON types only."""
    parameters: dict[str, object] = asdict(settings)
    if settings.algorithm in FOLLOW_LIGHT:
        constants: dict[str, object] = {"amplitude": AMPLITUDE, "degrees": DEGREES, "inner": INNER}
        if settings.algorithm in ("joint", "consensus"):
            constants |= {
                "share": joint.SHARE,
                "peak_within": joint.PEAK_WITHIN,
                "stretch": joint.STRETCH,
                "factor": joint.FACTOR,
            }
        if settings.algorithm == "consensus" and said is not None:
            constants |= {
                "weight": consensus.WEIGHT,
                "said_px": said,
                "axis_light": consensus.LIGHT,
            }
        if settings.algorithm == "consensus" and fitted is not None:
            constants |= {
                "fitted_px": fitted.length,
                "fitted_err_px": fitted.length_err,
                "fitted_residual": fitted.residual,
                "fitted_profile": fitted.profile,
                "fitted_weight": fitted_weight(fitted),
            }
        kept = ("algorithm", "average", "x_input")
        return {name: parameters[name] for name in kept} | constants
    if settings.algorithm == "invariant":
        parameters["min_pixels_on_map"] = scaled_min_pixels(settings.min_pixels, shape)
    else:
        del parameters["nucleus_radius"]
    return parameters
