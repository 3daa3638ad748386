"""The search itself: lengths for every combination, and how well the best ones really do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.agreement import Agreement, agree, pearson
from galaxyscope.measure.algorithms import FOLLOW_LIGHT
from galaxyscope.measure.finding import Finder
from galaxyscope.measure.phase import light_on_map, rings
from galaxyscope.measure.search import NoBarError
from galaxyscope.measure.variants import mean_of_scaled
from galaxyscope.pipeline import MeasureSettings, fitted_bar, grey_on_map, said_length
from galaxyscope.tune.grid import AVERAGE_LENGTH, AVERAGE_MAP, Grid, Setting, combinations
from galaxyscope.tune.maps import MapCache
from galaxyscope.tune.subjects import Subject
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier
    from galaxyscope.explain.protocol import Attribution
    from galaxyscope.sky.image import SkyImage

Floats = NDArray[np.float64]
By = Literal["relative", "paper"]
Open = Callable[[Subject], "SkyImage"]

#: The paper's map: SmoothGrad as its authors ran it.
METHOD = "smoothgrad/tf-keras-vis"
PAPERS_MAP = MeasureSettings(METHOD, samples=256)
PAPERS_GRID = Grid()


@dataclass(frozen=True, eq=False)
class Trial:
    """One combination of networks and settings.

    Parameters
    ----------
    networks : str
        Name of a member, ``average map`` or ``average length``.
    setting : Setting
    relative : ndarray, shape (galaxies,)
        Relative lengths; NaN where no bar was found.
    agreement : Agreement
        With people, on the galaxies that the settings are chosen on.
    """

    networks: str
    setting: Setting
    relative: Floats
    agreement: Agreement


@dataclass(frozen=True, eq=False)
class Best:
    """The best settings of one combination of networks.

    Parameters
    ----------
    trial : Trial
        Best on all galaxies; its agreement flatters.
    held_out : Agreement
        Every galaxy measured with the settings that were best without its fold: what choosing on
        these galaxies is worth elsewhere. Of all repeats the one whose ρ is in the middle.
    spread : float
        Standard deviation of ρ over the repeats of the division into folds.
    chosen : mapping of Setting to float
        Share of all folds in which a setting was the best.
    """

    trial: Trial
    held_out: Agreement
    spread: float
    chosen: Mapping[Setting, float]


@dataclass(frozen=True, eq=False)
class Tuning:
    """Everything that a search found.

    Parameters
    ----------
    trials : tuple of Trial
    best : tuple of Best
        One for each combination of networks.
    galaxies : int
    by : {"relative", "paper"}
        Which ρ was maximised; without sizes both are the same.
    """

    trials: tuple[Trial, ...]
    best: tuple[Best, ...]
    galaxies: int
    by: By


def tune(
    subjects: Sequence[Subject],
    open_picture: Open,
    classifier: Classifier,
    cache: MapCache,
    grid: Grid = PAPERS_GRID,
    settings: MeasureSettings = PAPERS_MAP,
    by: By = "relative",
    folds: int = 5,
    repeats: int = 10,
    watch: Watch | None = None,
) -> Tuning:
    """Try all settings on galaxies whose bars people have measured.

    Parameters
    ----------
    subjects : sequence of Subject
    open_picture : callable
        Opens the picture of a subject.
    classifier : Classifier
        An ensemble gives all combinations of networks.
    cache : MapCache
        Maps that are there already are not made again.
    grid : Grid
    settings : MeasureSettings
        Method, target, seed and samples *of each network*; noise and bar come from the grid.
    by : {"relative", "paper"}
        What is maximised.
    folds, repeats : int
        Of the cross-validation.
    watch : Watch, optional
        Counts maps; cancels within one batch.

    Returns
    -------
    Tuning

    Raises
    ------
    ValueError
        If there are fewer galaxies than folds, or fewer than three.
    """
    if len(subjects) < max(3, folds):
        raise ValueError(f"{len(subjects)} galaxies are too few for {folds} folds")
    watch = watch or Watch()
    names = [m.card.name.rpartition("/")[2] for m in classifier.members]
    diameters = [subject.diameter_px for subject in subjects]
    known = all(d is not None for d in diameters)
    unit = np.array([d if known else 1.0 for d in diameters], np.float64)
    size = np.array([2 * (s.r90_arcsec or 0) for s in subjects]) if known else None
    human = np.array([s.human_px for s in subjects]) / unit
    lengths: dict[tuple[str, Setting], Floats] = {
        (networks, setting): np.full(len(subjects), np.nan)
        for networks in combinations(names)
        for setting in grid.settings()
    }
    total = len(subjects) * len(grid.noise)
    for number, subject in enumerate(subjects):
        image = open_picture(subject)
        for step, noise in enumerate(grid.noise):
            watch.report(number * len(grid.noise) + step, total)
            asked = MeasureSettings(
                settings.method,
                None if settings.samples is None else settings.samples * len(names),
                noise,
                settings.seed,
                settings.target,
            )
            made = cache.explained(image, classifier, asked, watch.part())
            for key, length in _lengths(image, made, names, grid, noise).items():
                lengths[key][number] = length / unit[number]
    watch.report(total, total)
    trials = tuple(
        Trial(networks, setting, found, agree(found, human, size, resamples=50))
        for (networks, setting), found in lengths.items()
    )
    best = tuple(
        best_of([t for t in trials if t.networks == networks], human, size, by, folds, repeats)
        for networks in combinations(names)
    )
    return Tuning(trials, best, len(subjects), by)


def best_of(
    trials: Sequence[Trial],
    human: Floats,
    size: Floats | None,
    by: By = "relative",
    folds: int = 5,
    repeats: int = 10,
) -> Best:
    """Choose the best of some trials, and judge the choosing by cross-validation.

    Parameters
    ----------
    trials : sequence of Trial
        All of the same galaxies.
    human : ndarray, shape (galaxies,)
        Relative lengths.
    size : ndarray, shape (galaxies,), or None
    by, folds, repeats
        As for `tune`.
    """
    everyone = np.arange(len(human))
    scores = [_score(t.relative, human, size, by, everyone) for t in trials]
    winner = trials[int(np.argmax(scores))]
    counts: dict[Setting, int] = {}
    judged: list[Agreement] = []
    for repeat in range(repeats):
        parts = np.array_split(np.random.default_rng(repeat).permutation(len(human)), folds)
        held_out = np.full(len(human), np.nan)
        for part in parts:
            rest = np.setdiff1d(everyone, part)
            inside = [_score(t.relative, human, size, by, rest) for t in trials]
            chosen = trials[int(np.argmax(inside))]
            counts[chosen.setting] = counts.get(chosen.setting, 0) + 1
            held_out[part] = chosen.relative[part]
        judged.append(agree(held_out, human, size, seed=repeat))
    rhos = [(a.rho_paper if by == "paper" else a.rho_relative) or 0.0 for a in judged]
    # The repeat in the middle stands for all: its fields belong together.
    middle = judged[int(np.argsort(rhos)[len(rhos) // 2])]
    shares = {s: n / (folds * repeats) for s, n in sorted(counts.items(), key=lambda i: -i[1])}
    return Best(winner, middle, float(np.std(rhos)), shares)


def _score(relative: Floats, human: Floats, size: Floats | None, by: By, among: object) -> float:
    """ρ among some galaxies; a galaxy without a bar counts as one of length 0."""
    mine, theirs = np.nan_to_num(relative[among]), human[among]  # type: ignore[index]
    if by == "paper" and size is not None:
        mine, theirs = mine * size[among], theirs * size[among]  # type: ignore[index]
    rho = pearson(mine, theirs)
    return -1.0 if rho is None else rho


def _lengths(
    image: SkyImage, made: Attribution, names: Sequence[str], grid: Grid, noise: float
) -> dict[tuple[str, Setting], float]:
    """Lengths in cutout pixels of one galaxy for all that is tried with one map."""
    maps = dict(made.members) if made.members else {names[0]: made.values}
    if made.signed:
        maps = {name: np.maximum(one, 0) for name, one in maps.items()}
    shape = (made.values.shape[0], made.values.shape[1])
    settings = [s for s in grid.settings() if s.noise == noise]
    picture = around = None
    if any(s.x_input != "no" for s in settings):
        picture = grey_on_map(image, made.to_cutout, shape)
    said = fitted = None
    if grid.algorithm in FOLLOW_LIGHT:
        try:
            around = rings(light_on_map(image, made.to_cutout, shape))
        except NoBarError:
            return {}
        if grid.algorithm == "consensus":
            said = said_length(image)
            fitted = fitted_bar(image, said)
    try:
        average = mean_of_scaled(list(maps.values()), grid.algorithm) if len(maps) > 1 else None
    except NoBarError:
        average = None
    found: dict[tuple[str, Setting], float] = {}
    for setting in settings:
        find = Finder(made.to_cutout, grid.bar(setting), around, picture, said, fitted)
        each = {name: f.length for name, m in maps.items() if (f := find.or_none(m)) is not None}
        found |= {(name, setting): length for name, length in each.items()}
        if len(maps) > 1 and each:
            found[AVERAGE_LENGTH, setting] = float(np.mean(list(each.values())))
        if average is not None and (joined := find.or_none(average, is_scaled=True)) is not None:
            found[AVERAGE_MAP, setting] = joined.length
    return found
