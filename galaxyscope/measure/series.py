"""A blind series: in which order an observer sees galaxies, and which of them twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: So many other galaxies lie between two looks at one, where there are enough of them.
APART = 5


@dataclass(frozen=True)
class Look:
    """One look at a galaxy.

    Parameters
    ----------
    galaxy : int
        Which galaxy, as it stood in the list.
    number : int
        1 for the first look at it, 2 for the second.
    """

    galaxy: int
    number: int


def plan_series(galaxies: int, share: float = 0.2, seed: int = 0) -> tuple[Look, ...]:
    """Shuffle galaxies and show a share of them twice.

    A second look comes at a random place behind the first, with at least `APART` others between
    them where the order has so many: who sees a galaxy again at once draws from memory.

    Parameters
    ----------
    galaxies : int
        How many there are.
    share : float
        Of the galaxies that are shown twice, 0 to 1.
    seed : int
        The same seed gives the same order.

    Returns
    -------
    tuple of Look

    Raises
    ------
    ValueError
        If there is no galaxy or the share is not in [0, 1].
    """
    if galaxies < 1:
        raise ValueError("a series needs at least one galaxy")
    if not 0 <= share <= 1:
        raise ValueError(f"the share that is shown twice must lie in [0, 1], not {share}")
    rng = np.random.default_rng(seed)
    order = rng.permutation(galaxies)
    # Who comes last could not be shown again with others between.
    early = rng.permutation(max(galaxies - APART, 0))
    late = np.arange(len(early), galaxies)
    twice = np.concatenate([early, late])[: round(share * galaxies)]
    # Each second look gets a place behind its first one; halves lie between the first looks.
    earliest = np.minimum(twice + APART, galaxies - 1)
    places = earliest + 0.5 + np.floor(rng.random(len(twice)) * (galaxies - earliest))
    looks = [(float(k), Look(int(galaxy), 1)) for k, galaxy in enumerate(order)]
    looks += [(float(p), Look(int(order[k]), 2)) for p, k in zip(places, twice, strict=True)]
    return tuple(look for _, look in sorted(looks, key=lambda found: found[0]))
