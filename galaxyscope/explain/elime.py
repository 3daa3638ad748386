"""E-LIME (Wang, Pei, Xue & Zhang 2025, IEEE TETCI; arXiv:2211.15143): evolved explanations.

A genetic algorithm over which superpixels are kept. Fitness is the probability of the target
for the picture in which only those are kept: no linear model stands in for the network, and
the number of superpixels is found, not given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.forward import MaskedAnswers, forward
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.segments import hidden_picture, segments_of
from galaxyscope.work.watch import Watch

_PARENTS = 4  # the fittest one in so many have children
_TRIES = 50  # per child, before every reachable mask counts as known
_DIGITS = 6  # answers differ by rounding with the batch; evolution must not


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """One on the superpixels of the fittest mask, zero elsewhere; see :meth:`Explainer.explain`.

    Progress is counted in evaluations of the network. The probability is never below that of
    the whole picture, which is one of the first masks. An ensemble is asked as one network: the
    mean of masks that suit each of its networks suits none.
    """
    segments = segments_of(net_input, settings)
    count = int(segments.max()) + 1
    budget = min(int(settings["evaluations"]), 2**count)
    rng = np.random.default_rng(int(settings["seed"]))
    size = min(int(settings["population"]), budget)
    with forward(classifier, net_input, target, card.scale, watch) as asking:
        hidden = hidden_picture(net_input.pixels, settings, segments)
        masked = MaskedAnswers(asking, hidden, segments)
        watch.report(0, budget)
        population, children = np.zeros((0, count), bool), founders(size, count, rng)
        while len(children):
            everybody = np.concatenate([population, children])
            ranks = ranked(everybody, masked(everybody), float(settings["parsimony"]))
            population = everybody[ranks][: int(settings["population"])]
            best = population[0][segments].astype(np.float32)
            result = asking.attribution(card, settings, best, False, asking.evaluations)
            result = replace(result, segments=segments)
            children = offspring(
                population,
                min(int(settings["population"]), budget - asking.evaluations),
                float(settings["mutation"]),
                masked.known,
                rng,
            )
            watch.report(
                asking.evaluations, budget if len(children) else asking.evaluations, result
            )
    return result


def founders(size: int, superpixels: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """First generation: the whole picture, and random masks each of its own density.

    Returns
    -------
    ndarray, shape (≤ size, superpixels), bool
        All different.
    """
    masks = rng.random((size, superpixels)) < rng.random((size, 1))
    masks[0] = True
    return masks[np.sort(np.unique(masks, axis=0, return_index=True)[1])]


def ranked(
    masks: NDArray[np.bool_], answers: NDArray[np.float64], parsimony: float
) -> NDArray[np.intp]:
    """Order by fitness, the fittest first; among equals the smaller mask.

    Fitness is the answer minus `parsimony` × the share of superpixels that are kept.
    """
    fitness = np.round(answers - parsimony * masks.mean(1), _DIGITS)
    return np.lexsort((masks.sum(1), -fitness))


def offspring(
    population: NDArray[np.bool_],
    size: int,
    mutations: float,
    known: Callable[[NDArray[np.bool_]], bool],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Children of the fittest quarter: uniform crossover, then each superpixel may flip.

    A child that was seen before is no child: evaluations are spent on new masks only. The
    population itself stays in the competition (elitism).

    Parameters
    ----------
    population : ndarray, shape (n, superpixels), bool
        The fittest first.
    size : int
        How many children.
    mutations : float
        Expected number of flips in a child.
    known : callable
        Whether a mask was evaluated before.

    Returns
    -------
    ndarray, shape (≤ size, superpixels), bool
        Fewer where new masks could not be found.
    """
    parents = population[: max(2, len(population) // _PARENTS)]
    superpixels = population.shape[1]
    born: dict[bytes, NDArray[np.bool_]] = {}
    for _ in range(_TRIES * size):
        if len(born) == size:
            break
        one, other = parents[rng.integers(0, len(parents), 2)]
        child = np.where(rng.random(superpixels) < 0.5, one, other)
        child ^= rng.random(superpixels) < mutations / superpixels
        if not known(child):
            born.setdefault(child.tobytes(), child)
    return np.array(list(born.values()), bool).reshape(-1, superpixels)
