"""How well observers repeat themselves and each other: intraclass correlations.

Names as in Shrout & Fleiss (1979, Psychol. Bull. 86, 420). Lengths differ by factors, not by
amounts: all of this is meant for their logarithms.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Intraclass:
    """One intraclass correlation.

    Parameters
    ----------
    form : str
        ``"ICC(1,1)"``: one-way, a line by any observer; ``"ICC(2,1)"``: two-way random effects,
        absolute agreement, one line by one observer.
    value : float
    scatter : float
        One standard deviation of a single value within a galaxy (of ln length: a fraction).
    targets, ratings : int
        Galaxies with more than one value, and values of them.
    """

    form: str
    value: float
    scatter: float
    targets: int
    ratings: int


def one_way(groups: Sequence[Sequence[float]]) -> Intraclass | None:
    """ICC(1,1) from any number of values per galaxy.

    One-way analysis of variance; groups of unequal size as in Donner (1986, Int. Stat. Rev.
    54, 67): the mean group size is ``(N − Σ n²/N) / (k − 1)``.

    Parameters
    ----------
    groups : sequence of sequences of float
        Values of each galaxy; those with fewer than two are left out.

    Returns
    -------
    Intraclass or None
        None for fewer than two galaxies, or if all values are equal.
    """
    kept = [np.asarray(g, np.float64) for g in groups if len(g) > 1]
    k, sizes = len(kept), np.array([len(g) for g in kept])
    if k < 2:
        return None
    total = int(sizes.sum())
    grand = float(np.concatenate(kept).mean())
    means = np.array([g.mean() for g in kept])
    between = float(sizes @ (means - grand) ** 2) / (k - 1)
    within = float(sum(((g - g.mean()) ** 2).sum() for g in kept)) / (total - k)
    size = (total - float((sizes**2).sum()) / total) / (k - 1)
    apart = between + (size - 1) * within
    if apart <= 0:
        return None
    return Intraclass("ICC(1,1)", (between - within) / apart, float(np.sqrt(within)), k, total)


def two_way(table: Floats) -> Intraclass | None:
    """ICC(2,1) of a complete table: every observer measured every galaxy once.

    Parameters
    ----------
    table : ndarray, shape (galaxies, observers)

    Returns
    -------
    Intraclass or None
        None for fewer than two galaxies or observers, or if all values are equal. Its scatter
        is that between observers on one galaxy, their habits included.
    """
    if table.ndim != 2 or min(table.shape) < 2:
        return None
    n, k = table.shape
    grand = table.mean()
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    ms_rows = k * float(((rows - grand) ** 2).sum()) / (n - 1)
    ms_columns = n * float(((columns - grand) ** 2).sum()) / (k - 1)
    rest = table - rows[:, None] - columns[None, :] + grand
    ms_rest = float((rest**2).sum()) / ((n - 1) * (k - 1))
    apart = ms_rows + (k - 1) * ms_rest + k * (ms_columns - ms_rest) / n
    if apart <= 0:
        return None
    scatter = float(np.sqrt(max(ms_rest + (ms_columns - ms_rest) / n, 0)))
    return Intraclass("ICC(2,1)", (ms_rows - ms_rest) / apart, scatter, n, n * k)


@dataclass(frozen=True)
class Observers:
    """How well the lines of several observers agree.

    Parameters
    ----------
    names : tuple of str
    within : Intraclass or None
        ICC(1,1) of repeats: lines that one observer drew on one galaxy.
    between : Intraclass or None
        ICC(1,1) over galaxies, one value (the mean) per observer, whoever they are.
    complete : Intraclass or None
        ICC(2,1) over the galaxies that every observer measured.
    """

    names: tuple[str, ...]
    within: Intraclass | None
    between: Intraclass | None
    complete: Intraclass | None


def observers(lines: Mapping[tuple[Hashable, str], Sequence[float]]) -> Observers:
    """Compare observers with themselves and with each other.

    Parameters
    ----------
    lines : mapping of (galaxy, observer) to lengths
        Full lengths of the lines that an observer drew on a galaxy, positive; of each the
        natural logarithm is taken.
    """
    logs = {k: np.log(np.asarray(found, np.float64)) for k, found in lines.items() if len(found)}
    names = tuple(sorted({observer for _, observer in logs}))
    galaxies: dict[Hashable, dict[str, float]] = {}
    for (galaxy, observer), values in logs.items():
        galaxies.setdefault(galaxy, {})[observer] = float(values.mean())
    table = [[g[name] for name in names] for g in galaxies.values() if len(g) == len(names)]
    return Observers(
        names,
        one_way([list(values) for values in logs.values()]),
        one_way([list(g.values()) for g in galaxies.values()]),
        two_way(np.array(table)) if table else None,
    )
