"""Two opinions on the same galaxies: rows are joined, averaged and compared."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.agreement import Agreement, agree
from galaxyscope.measure.observers import Observers, observers
from galaxyscope.measure.residuals import Trend, trend
from galaxyscope.records.joining import TOLERANCE_ARCSEC, Join, Key, join_records
from galaxyscope.records.record import Record

Floats = NDArray[np.float64]
UNITS = ("arcsec", "px", "kpc")
#: Where the sizes come from that make lengths relative.
Sizes = Literal["catalogue", "light", ""]


@dataclass(frozen=True)
class Opinion:
    """What one side says of a galaxy: the mean over its observers, of each over his lines.

    Parameters
    ----------
    length, error : float or None
        Full length and one standard deviation (of several observers the standard error of
        their mean).
    rows : tuple of Record
    """

    length: float | None
    error: float | None
    rows: tuple[Record, ...]

    def first(self, name: str) -> float | None:
        """Value of the first row that has one."""
        found = (getattr(row, name) for row in self.rows)
        return next((float(v) for v in found if v is not None), None)


@dataclass(frozen=True)
class Pair:
    """Both opinions on one galaxy, full lengths in the unit of the comparison."""

    name: str
    a: Opinion
    b: Opinion
    r90: float | None = None

    def first(self, name: str) -> float | None:
        """Value of the first row on either side that has one."""
        found = self.a.first(name)
        return self.b.first(name) if found is None else found

    @property
    def log_ratio(self) -> float:
        """Natural logarithm of a / b, NaN where one is unknown."""
        if not self.a.length or not self.b.length:
            return math.nan
        return math.log(self.a.length / self.b.length)


@dataclass(frozen=True, eq=False)
class Comparison:
    """How well two opinions agree.

    Parameters
    ----------
    names : (str, str)
        What the sides are called.
    by : {"hash", "id", "name", "position"}
        How galaxies were found again.
    unit : {"arcsec", "px", "kpc"}
    pairs : tuple of Pair
    only : (int, int)
        Galaxies that only one side has.
    sizes : {"catalogue", "light", ""}
        Which radius makes lengths relative: petroR90 as the rows give it, that of 90 % of the light
        in the pictures themselves, or none, because most galaxies have neither.
    agreement : Agreement
    trends : tuple of Trend
    observers : Observers or None
        Of all drawn rows, where more than one line was drawn on some galaxy.
    """

    names: tuple[str, str]
    by: Key
    unit: str
    pairs: tuple[Pair, ...]
    only: tuple[int, int]
    sizes: Sizes
    agreement: Agreement
    trends: tuple[Trend, ...]
    observers: Observers | None

    @property
    def relative(self) -> bool:
        """Whether sizes are known, so that lengths can be compared relative to them."""
        return bool(self.sizes)


def compare_records(
    a: Sequence[Record],
    b: Sequence[Record],
    names: tuple[str, str],
    by: Key | None = None,
    tolerance_arcsec: float = TOLERANCE_ARCSEC,
    seed: int = 0,
    resamples: int = 1000,
    unit: str | None = None,
    check: Callable[[], None] | None = None,
) -> Comparison:
    """Join two lists of rows and compare their lengths.

    Parameters
    ----------
    a, b : sequence of Record
        Side a is the one that is judged (automatic), b the one it is judged by (human).
    names : (str, str)
    by : {"hash", "id", "name", "position"}, optional
        How rows find their galaxy: hash and plane of the picture, name in a catalogue, name of
        the picture's file without folder and suffix, or place on the sky. By default the first
        of these by which most galaxies of the smaller side are found.
    tolerance_arcsec : float
        For positions.
    seed, resamples, check
        See `galaxyscope.measure.agreement.agree`.
    unit : {"arcsec", "px", "kpc"}, optional
        By default the one in which most galaxies have both lengths.

    Raises
    ------
    JoinError
        If no galaxy is found on both sides.
    """
    join = join_records(a, b, by, tolerance_arcsec)
    if unit is None:
        known = units_of(join)
        unit = max(known, key=lambda u: known[u])
    return compare_joined(join, names, unit, seed, resamples, check)


def units_of(join: Join) -> dict[str, int]:
    """For how many galaxies both lengths are known in each unit; pixels need one picture."""
    usable = [u for u in UNITS if u != "px" or join.by in ("hash", "name")]

    def both(unit: str) -> int:
        return sum(
            all(any(_length(r, unit) for r in side) for side in pair) for pair in join.galaxies
        )

    return {unit: both(unit) for unit in usable}


def compare_joined(
    join: Join,
    names: tuple[str, str],
    unit: str,
    seed: int = 0,
    resamples: int = 1000,
    check: Callable[[], None] | None = None,
) -> Comparison:
    """Compare the lengths of rows that were joined; see `compare_records`."""
    bare = tuple(_pair(*galaxy, unit) for galaxy in join.galaxies)
    sizes, pairs = _sized(bare, unit)
    size = np.array([2 * p.r90 if p.r90 else np.nan for p in pairs]) if sizes else None
    per = np.ones(len(pairs)) if size is None else size
    found = agree(
        _column(pairs, lambda p: p.a.length) / per,
        _column(pairs, lambda p: p.b.length) / per,
        size,
        seed,
        resamples,
        _column(pairs, lambda p: p.a.error) / per,
        _column(pairs, lambda p: p.b.error) / per,
        check,
    )
    drawn = [
        ((number, row.observer), length)
        for number, galaxy in enumerate(join.galaxies)
        for row in {id(r): r for side in galaxy for r in side}.values()
        if row.kind == "drawn" and (length := _length(row, unit)) is not None
    ]
    return Comparison(
        names,
        join.by,
        unit,
        pairs,
        join.only,
        sizes,
        found,
        _trends(pairs, unit),
        _observers(drawn),
    )


def quantities(pairs: Sequence[Pair], unit: str = "arcsec") -> dict[str, tuple[Floats, bool]]:
    """Collect what may explain residuals: values, and whether they are angles of lines.

    `unit` is that of the lengths and of the radii of the pairs.
    """
    return {
        "position angle [deg]": (_column(pairs, _sky_angle), True),
        "inclination [deg]": (_column(pairs, lambda p: p.first("inclination_deg")), False),
        f"r90 [{unit}]": (_column(pairs, lambda p: p.r90), False),
        "probability of the bar": (
            _column(pairs, lambda p: p.first("target_probability")),
            False,
        ),
    }


def residuals(pairs: Sequence[Pair]) -> Floats:
    """ln(a / b), NaN where one is unknown."""
    return np.array([p.log_ratio for p in pairs])


def _trends(pairs: Sequence[Pair], unit: str) -> tuple[Trend, ...]:
    left = residuals(pairs)
    tried = (trend(name, left, v, axial) for name, (v, axial) in quantities(pairs, unit).items())
    return tuple(found for found in tried if found is not None)


def _observers(drawn: Iterable[tuple[tuple[Hashable, str], float]]) -> Observers | None:
    lines: dict[tuple[Hashable, str], list[float]] = {}
    for key, length in drawn:
        lines.setdefault(key, []).append(length)
    found = observers(lines)
    return found if found.within or found.between else None


def _sky_angle(pair: Pair) -> float | None:
    rows = (*pair.a.rows, *pair.b.rows)
    return next((r.pa_deg for r in rows if r.pa_deg is not None and r.pa_frame == "sky"), None)


def _column(pairs: Sequence[Pair], value: Callable[[Pair], float | None]) -> Floats:
    return np.array([math.nan if (v := value(p)) is None else v for p in pairs], float)


def _pair(a: list[Record], b: list[Record], unit: str) -> Pair:
    return Pair(PurePath(a[0].path).name, _opinion(a, unit), _opinion(b, unit))


def _sized(pairs: Sequence[Pair], unit: str) -> tuple[Sizes, tuple[Pair, ...]]:
    """Give all pairs radii of one kind, that of the catalogues where most have it."""
    kinds: tuple[tuple[Sizes, Callable[[Pair, str], float | None]], ...] = (
        ("catalogue", _catalogued),
        ("light", _measured),
    )
    for kind, radius in kinds:
        radii = [radius(p, unit) for p in pairs]
        if sum(r is not None for r in radii) > len(pairs) / 2:
            sized = (dataclasses.replace(p, r90=r) for p, r in zip(pairs, radii, strict=True))
            return kind, tuple(sized)
    return "", tuple(pairs)


def _catalogued(pair: Pair, unit: str) -> float | None:
    """petroR90, which is known as an angle."""
    r90, scale = pair.b.first("r90_arcsec") or pair.a.first("r90_arcsec"), _scale(pair, unit)
    return r90 / scale if r90 and scale else None


def _measured(pair: Pair, unit: str) -> float | None:
    """Radius of 90 % of the light, which is known in pixels."""
    px = pair.first("light_r90_px")
    if not px or unit == "px":
        return px or None
    scale, per_px = _scale(pair, unit), pair.first("scale_arcsec_per_px")
    return px * per_px / scale if scale and per_px else None


def _scale(pair: Pair, unit: str) -> float | None:
    """Arcsec per unit of length; None where it is not known."""
    if unit == "arcsec":
        return 1.0
    return pair.first("scale_arcsec_per_px") if unit == "px" else None


def _opinion(rows: list[Record], unit: str) -> Opinion:
    by_observer: dict[str, list[tuple[float, float | None]]] = {}
    for row in rows:
        length = _length(row, unit)
        if length is not None:
            by_observer.setdefault(row.observer, []).append((length, _error(row, unit, length)))
    means = [float(np.mean([value for value, _ in lines])) for lines in by_observer.values()]
    if not means:
        return Opinion(None, None, tuple(rows))
    if len(means) > 1:
        error: float | None = float(np.std(means, ddof=1) / math.sqrt(len(means)))
    else:
        lines = next(iter(by_observer.values()))
        own = [e for _, e in lines if e is not None]
        spread = np.std([v for v, _ in lines], ddof=1) / math.sqrt(len(lines)) if lines[1:] else 0
        error = own[0] if own else float(spread) or None
    return Opinion(float(np.mean(means)), error or None, tuple(rows))


def _length(row: Record, unit: str) -> float | None:
    value: float | None = getattr(row, f"length_{unit}")
    return value if value is not None and value > 0 else None


def _error(row: Record, unit: str, length: float) -> float | None:
    """One standard deviation in `unit`, from the relative error where only others are known."""
    for known in ("px", "arcsec", "kpc"):
        error, value = getattr(row, f"length_err_{known}"), getattr(row, f"length_{known}")
        if error and value:
            return float(error / value * length)
    return None
