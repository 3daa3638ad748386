"""A bar's length from a model of the light: bulge, disc and bar, fitted together.

Where a galaxy is as smooth as its model, the ends of its bar need no judgement: they are those of
the bar that, together with a bulge and a disc, leaves nothing but noise. Such decompositions are
how bars are taken apart from the rest (de Souza, Gadotti & dos Anjos 2004, ApJS 153, 411; Gadotti
2008, MNRAS 384, 420). In real galaxies arms and rings remain, and begin where the bar ends; what
is left over (`Decomposition.residual`) says so.

- Bulge: Sérsic's profile (1968) on ellipses. Disc: exponential, on ellipses. Sky: constant.
- Bar: on generalised ellipses ``m = (|u/a|^c + |v/b|^c)^(1/c)`` (Athanassoula et al. 1990, MNRAS
  245, 130) it falls either as ``(1 + (2^(1/s) − 1) m^k)^(−s)``, which is half of the plateau at
  m = 1 whatever k and s are (s = 1: the bars of `galaxyscope.sky.simulate`; s → ∞: 2^(−m^k), of
  which k = 2 is a Gaussian; k → ∞: an edge), or as Ferrers' ``(1 − m²)^n``, of which nothing is
  left at m = 1. Both have an end where a model of the other kind has none, so each is fitted, and
  the one that fits better says where the end is.
- All of it is blurred by a Gaussian, whose width is fitted too.

Fluxes enter linearly and are solved for at every step (variable projection, Golub & Pereyra 1973),
never negative; the rest is `scipy.optimize.least_squares`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.fourier import fourier_bar
from galaxyscope.measure.phase import light_on_map
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.work.watch import Watch

Floats = NDArray[np.float64]

#: The light is fitted out to this many guessed half lengths of the bar …
REACH = 2.4
#: … on at most about so many cells along a side, pixels averaged in blocks: first on few, and again
#: on many where the model is any good.
CELLS = (48, 96)
#: Smaller pieces of a picture cannot tell three components apart.
FEWEST = 400
#: No model is better than this share of the light.
MODEL_ERROR = 0.02
#: A fit that leaves more than this of the bar's light is begun once more, from another bulge; what
#: is left over then is no noise, and cannot tell one kind of bar from the other.
SMOOTH = 0.06
#: A fit that leaves more than this is no use and is left as it is.
USELESS = 0.15
#: Error of any length, as a share of it: blur and pixels are not quite as the model takes them.
#: With it the errors of 320 simulated bars held 70 % of the truths.
LEAST_ERROR = 0.003
#: Error of any direction in degrees. On smooth bars seen from above the fit's own error holds two
#: thirds of the truths; in an inclined disc what is seen is not quite longest along the bar.
LEAST_ANGLE_DEG = 0.5
#: What is left over within this many half lengths is compared with the bar's light.
_AROUND = 1.5

# Lengths in guessed half lengths, angles in radians, the blur in cells.
_NAMES = (
    *("x", "y"),
    *("ln bulge radius", "bulge n", "bulge q"),
    *("ln disc scale", "disc q", "disc angle"),
    *("ln half length", "bar q", "bar angle", "boxiness", "ln fall", "ln wing", "blur"),
)
_LOW = (
    *(-0.15, -0.15, math.log(0.02), 0.4, 0.5, math.log(0.12), 0.35, -9.0),
    *(math.log(0.55), 0.06, -9.0, 1.5, math.log(2), 0.0, 0.2),
)
_HIGH = (
    *(0.15, 0.15, math.log(0.7), 5.0, 1.0, math.log(8), 1.0, 9.0),
    *(math.log(1.8), 0.85, 9.0, 6.0, math.log(60), math.log(30), 3.0),
)
_LENGTH, _ANGLE = _NAMES.index("ln half length"), _NAMES.index("bar angle")
_FALL, _BLUR = _NAMES.index("ln fall"), _NAMES.index("blur")
_FERRERS = (math.log(0.3), math.log(4))  # bounds of ln n


@dataclass(frozen=True)
class Decomposition:
    """The bar of a model of bulge, disc and bar.

    Parameters
    ----------
    length : float
        Full length in pixels of the picture.
    fit_err, kind_err : float
        Its error from noise and `MODEL_ERROR`, and from not knowing which kind of bar it is.
    angle_deg, angle_err_deg : float
        From +x towards +y, in [0, 180), and its error.
    axis_ratio : float
        Width over length.
    profile : {"half", "ferrers"}
        Whether the ends are where the bar has fallen to half of its plateau, or where nothing of
        it is left.
    residual : float
        Root mean square of what the model leaves beyond noise within 1.5 half lengths, over that
        of the bar's own light.
    """

    length: float
    fit_err: float
    kind_err: float
    angle_deg: float
    angle_err_deg: float
    axis_ratio: float
    profile: str
    residual: float

    @property
    def length_err(self) -> float:
        """Both errors together."""
        return math.hypot(self.fit_err, self.kind_err)

    def on(self, grid: Affine) -> Decomposition:
        """Return the same bar on another grid, which an affine map leads to."""
        radians = math.radians(self.angle_deg)
        (x0, y0), (x1, y1) = grid([(0.0, 0.0), (math.cos(radians), math.sin(radians))]).tolist()
        return dataclasses.replace(
            self,
            length=self.length * grid.pixel_size,
            fit_err=self.fit_err * grid.pixel_size,
            kind_err=self.kind_err * grid.pixel_size,
            angle_deg=math.degrees(math.atan2(y1 - y0, x1 - x0)) % 180,
        )


def decomposed(
    image: SkyImage, centre: tuple[float, float], half: float, watch: Watch | None = None
) -> Decomposition | None:
    """Fit bulge, disc and bar to the light of a cutout, beginning with the light's own direction.

    Parameters
    ----------
    image : SkyImage
    centre : (x, y)
        Of the galaxy in pixels of the cutout, good to 15 % of `half`.
    half : float
        Guessed half length of the bar in pixels.
    watch : Watch, optional
        Cancels.

    Returns
    -------
    Decomposition or None
        As by `decompose`.
    """
    reach = math.ceil(REACH * half) + 8
    corner = round(centre[0]) - reach, round(centre[1]) - reach
    side = 2 * reach + 1
    light = light_on_map(image, Affine.translation(*corner), (side, side))
    middle = centre[0] - corner[0], centre[1] - corner[1]
    guess = fourier_bar(light, middle, 0.3 * half, half)
    if guess is None:
        return None
    return decompose(light, middle, half, math.radians(guess.angle_deg), watch)


def decompose(
    light: NDArray[np.floating],
    centre: tuple[float, float],
    half: float,
    angle: float,
    watch: Watch | None = None,
) -> Decomposition | None:
    """Fit bulge, disc and bar.

    Parameters
    ----------
    light : ndarray, shape (rows, columns)
        Linear; NaN where there is no value.
    centre : (x, y)
        Of the galaxy, good to 15 % of `half`.
    half : float
        Guessed half length of the bar in pixels; the fit stays within a factor 1.8.
    angle : float
        Guessed direction in radians from +x towards +y.
    watch : Watch, optional
        Asked at every step whether to go on.

    Returns
    -------
    Decomposition or None
        None where too few pixels have values, or the model wants no bar.

    Raises
    ------
    Cancelled
    """
    watch = watch or Watch()
    coarse, fine = (_cut(np.asarray(light, np.float64), centre, half, c) for c in CELLS)
    if coarse is None or fine is None:
        return None
    piece = coarse
    found = _fitted(piece, _start(angle), watch)
    if found.residual > SMOOTH:
        again = _fitted(piece, _start(angle, compact=True), watch)
        found = min(found, again, key=attrgetter("chi"))
    if not math.isfinite(found.residual):
        return None
    if found.residual < USELESS and fine.cell < coarse.cell:
        start = found.values.copy()
        start[_BLUR] *= coarse.cell / fine.cell
        piece, found = fine, _fitted(fine, start, watch)
    doubt = 0.0
    if found.residual < SMOOTH:
        other = min(
            (_fitted(piece, one, watch, ferrers=True) for one in _ferrers(found)),
            key=attrgetter("chi"),
        )
        found, other = sorted((found, other), key=attrgetter("chi"))
        doubt = _doubt(found, other)
    length = 2 * half * math.exp(found.values[_LENGTH])
    return Decomposition(
        length=length,
        fit_err=length * math.hypot(found.error, LEAST_ERROR),
        kind_err=length * doubt,
        angle_deg=math.degrees(found.values[_ANGLE]) % 180,
        angle_err_deg=math.hypot(math.degrees(found.angle_error), LEAST_ANGLE_DEG),
        axis_ratio=float(found.values[_NAMES.index("bar q")]),
        profile="ferrers" if found.ferrers else "half",
        residual=found.residual,
    )


@dataclass(frozen=True, eq=False)
class _Piece:
    """Cells around the centre: coordinates in half lengths, light, and one over its error."""

    x: Floats
    y: Floats
    cell: float
    known: NDArray[np.bool_]
    light: Floats
    weight: Floats
    noise: float

    @functools.cached_property
    def inner(self) -> NDArray[np.bool_]:
        return np.asarray((np.hypot(self.x, self.y) < _AROUND)[self.known])


@dataclass(frozen=True, eq=False)
class _Fit:
    values: Floats
    chi: float
    error: float
    angle_error: float
    residual: float
    ferrers: bool


def _cut(light: Floats, centre: tuple[float, float], half: float, most: int) -> _Piece | None:
    """Average blocks of pixels around the centre; None where too little is there."""
    block = max(1, math.ceil(2 * REACH * half / most))
    count = math.ceil(REACH * half / block)
    first = [round(c - (count - 0.5) * block) for c in centre]
    side = 2 * count * block
    padded = np.full((side, side), np.nan)
    rows, columns = light.shape
    top, left = max(first[1], 0), max(first[0], 0)
    bottom, right = min(first[1] + side, rows), min(first[0] + side, columns)
    if top >= bottom or left >= right:
        return None
    there = np.s_[top - first[1] : bottom - first[1], left - first[0] : right - first[0]]
    padded[there] = light[top:bottom, left:right]
    cells = padded.reshape(2 * count, block, 2 * count, block).mean((1, 3))
    places = np.arange(2 * count) * block + (block - 1) / 2
    y, x = np.meshgrid(
        (places + first[1] - centre[1]) / half,
        (places + first[0] - centre[0]) / half,
        indexing="ij",
    )
    known = np.isfinite(cells) & (np.hypot(x, y) < REACH)
    if known.sum() < FEWEST:
        return None
    bright = float(np.percentile(np.abs(cells[known]), 99))
    if not 0 < bright < math.inf:
        return None
    cells /= bright
    seen = cells[known]
    # The difference of differences of four neighbours is free of any slope.
    steps = cells[1:, 1:] - cells[:-1, 1:] - cells[1:, :-1] + cells[:-1, :-1]
    steps = steps[np.isfinite(steps)]
    noise = 1.4826 * float(np.median(np.abs(steps))) / 2 if steps.size else 0.0
    weight = 1 / np.hypot(max(noise, 1e-3), MODEL_ERROR * np.maximum(seen, 0))
    return _Piece(x, y, block / half, known, seen, weight, noise)


def _start(angle: float, compact: bool = False) -> Floats:
    bulge = (math.log(0.07), 1.0, 0.9) if compact else (math.log(0.15), 1.5, 0.9)
    disc = (math.log(1.2), 0.95, angle + 0.8) if compact else (math.log(0.7), 0.8, angle + 0.5)
    bar = (0.0, 0.3, angle, 2.3, math.log(6), 1.0)
    return np.array([0.0, 0.0, *bulge, *disc, *bar, 1.0])


def _doubt(found: _Fit, other: _Fit) -> float:
    """Error of ln length, since the kind of bar that fits worse may be the right one.

    Its probability is that of two kinds with equal priors and Gaussian noise. As often the length
    is off by the whole difference: this is the root of the mean square.
    """
    probability = 1 / (1 + math.exp(min((other.chi - found.chi) / 2, 700.0)))
    return float(abs(other.values[_LENGTH] - found.values[_LENGTH]) * math.sqrt(probability))


def _ferrers(found: _Fit) -> list[Floats]:
    """Two beginnings for a bar of Ferrers that looks like the one found: n near 1 and near 2."""
    starts = []
    for longer, n in ((1.28, 0.9), (1.57, 1.8)):
        start = found.values.copy()
        start[_LENGTH] += math.log(longer)
        start[_FALL] = math.log(n)
        starts.append(start)
    return starts


def _fitted(piece: _Piece, start: Floats, watch: Watch, ferrers: bool = False) -> _Fit:
    from scipy.optimize import least_squares, nnls

    low, high = np.array(_LOW), np.array(_HIGH)
    if ferrers:
        (low[_FALL], high[_FALL]), high[_LENGTH] = _FERRERS, math.log(2.3)
    wanted = piece.light * piece.weight

    def solved(values: Floats) -> tuple[Floats, Floats]:
        shapes = _components(values, piece, ferrers) * piece.weight[:, None]
        return shapes, nnls(shapes, wanted, maxiter=1000)[0]

    def wrong(values: Floats) -> Floats:
        watch.check()
        shapes, fluxes = solved(values)
        return np.asarray(shapes @ fluxes - wanted)

    start = np.clip(start, low + 1e-6, high - 1e-6)
    found = least_squares(
        wrong,
        start,
        bounds=(low, high),
        loss="soft_l1",  # a neighbour shall not turn the model towards itself
        f_scale=2.0,
        x_scale=0.3 * np.maximum(np.abs(start), 0.1),
        max_nfev=40,
        ftol=1e-6,
        xtol=1e-6,
        gtol=1e-6,
    )
    shapes, fluxes = solved(found.x)
    left = ((shapes @ fluxes - wanted) / piece.weight)[piece.inner]
    left = np.clip(left, *np.percentile(left, [1, 99]))
    bar = (shapes[:, 2] * fluxes[2] / piece.weight)[piece.inner]
    strength = math.sqrt(float(np.mean(bar**2)))
    beyond = math.sqrt(max(float(np.mean(left**2)) - piece.noise**2, 0.0))
    chi = 2 * float(found.cost)
    variances = np.diag(np.linalg.pinv(found.jac.T @ found.jac)) * chi / piece.light.size
    return _Fit(
        values=found.x,
        chi=chi,
        error=math.sqrt(max(variances[_LENGTH], 0.0)),
        angle_error=math.sqrt(max(variances[_ANGLE], 0.0)),
        residual=beyond / strength if strength > 0 else math.inf,
        ferrers=ferrers,
    )


def _components(values: Floats, piece: _Piece, ferrers: bool) -> Floats:
    """Light of bulge, disc, bar, brighter and darker sky of flux 1, shape (cells, 5)."""
    from scipy.ndimage import gaussian_filter

    x0, y0, ln_re, n, bulge_q, ln_h, disc_q, disc_angle, *rest = values.tolist()
    ln_a, q, angle, boxiness, ln_fall, ln_wing, blur = rest
    x, y = piece.x - x0, piece.y - y0

    def turned(radians: float) -> tuple[Floats, Floats]:
        cos, sin = math.cos(radians), math.sin(radians)
        return x * cos + y * sin, y * cos - x * sin

    u, v = turned(disc_angle)
    disc = np.exp(-np.hypot(u, v / disc_q) / math.exp(ln_h))
    # A third of a cell softens the cusp, which the pixels' averages do not show.
    radius = np.sqrt(u**2 + (v / bulge_q) ** 2 + (0.35 * piece.cell) ** 2) / math.exp(ln_re)
    bulge = np.exp(-(2 * n - 1 / 3 + 0.009876 / n) * radius ** (1 / n))
    u, v = turned(angle)
    a = math.exp(ln_a)
    m = (np.abs(u / a) ** boxiness + np.abs(v / (a * q)) ** boxiness) ** (1 / boxiness)
    if ferrers:
        bar = np.maximum(1 - m**2, 0) ** math.exp(ln_fall)
    else:
        s = math.exp(ln_wing)
        bar = (1 + (2 ** (1 / s) - 1) * np.minimum(m, 3) ** math.exp(ln_fall)) ** -s
    planes = [gaussian_filter(p, blur, truncate=3.0)[piece.known] for p in (bulge, disc, bar)]
    sky = np.ones(piece.light.size)
    return np.stack([*planes, sky, -sky], axis=1)
