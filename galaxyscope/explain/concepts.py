"""TCAV: whether a network uses a concept that the user shows by examples.

Kim et al. 2018, "Interpretability beyond feature attribution" (arXiv:1711.11279): a linear
classifier tells the activations of the examples from those of random pictures; the normal of its
plane, toward the examples, is the concept's direction (section 3.2). The score is the share of
pictures in which the answer's derivative in that direction is positive (equations 1 and 2). Many
random counterparts give many scores; a two-sided t-test against the scores of random against
random tells whether the concept means anything (section 3.3).

The activations are those of the network's last feature map. captum's TCAV is not used: it keeps
activations and directions in pickled files, which GalaxyScope never opens.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.concept_score import ConceptScore
from galaxyscope.explain.engine import steady, tensor
from galaxyscope.explain.features import features_and_gradient
from galaxyscope.explain.search import last_feature_map
from galaxyscope.explain.target import Score, score_of
from galaxyscope.work.watch import Watch

FEWEST = 6
"""Examples of a concept; random pictures must be twice as many as are drawn."""
_HELD_OUT = 3  # every third example tests the classifier


def concept_scores(
    classifier: Classifier,
    examples: Mapping[str, Sequence[NetworkInput]],
    random: Sequence[NetworkInput],
    pictures: Sequence[NetworkInput],
    target: str,
    counterparts: int = 20,
    seed: int = 0,
    watch: Watch | None = None,
) -> list[ConceptScore]:
    """Score concepts for one answer, on each network of an ensemble by itself.

    Parameters
    ----------
    classifier : Classifier
        Used by nobody else meanwhile.
    examples : mapping of concept name to sequence of NetworkInput
        At least `FEWEST` of each.
    random : sequence of NetworkInput
        Pictures of anything; at least twice as many as `FEWEST`. Where there are less than twice
        the examples of a concept, only half as many examples are drawn each time.
    pictures : sequence of NetworkInput
        Whose answers are asked about: usually galaxies that have the answer.
    target : str
        Text form, see `galaxyscope.explain.target`.
    counterparts : int
        Random sets that the examples are compared with, at least 2.
    seed : int
    watch : Watch, optional

    Raises
    ------
    ValueError
        If there are too few pictures, a network is random or has no feature map, or its last one
        that counts is not the same for all pictures.
    Cancelled
        Soon after ``watch.cancel()``.
    """
    watch = watch or Watch()
    counts = {f"the concept {name}": (len(some), FEWEST) for name, some in examples.items()}
    counts |= {"random": (len(random), 2 * FEWEST), "explained": (len(pictures), 1)}
    for name, (given, needed) in counts.items():
        if given < needed:
            raise ValueError(f"{given} pictures of {name} are too few: {needed} are needed")
    if counterparts < 2:
        raise ValueError("a test needs at least 2 random counterparts")
    scores: list[ConceptScore] = []
    total = len(classifier.members) * (
        sum(map(len, examples.values())) + len(random) + len(pictures)
    )
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        watch.report(done, total)

    for member in classifier.members:
        score = score_of(member, target)
        felt = partial(_felt, member, score, step, set())
        shown = {name: np.array([felt(one)[0] for one in some]) for name, some in examples.items()}
        anything = np.array([felt(one)[0] for one in random])
        slopes = np.array([felt(one)[1] for one in pictures])
        for name, activations in shown.items():
            watch.check()
            found = compared(activations, anything, slopes, counterparts, seed, watch)
            scores.append(
                ConceptScore(
                    concept=name,
                    target=score.text,
                    model=member.card.name,
                    score=float(found.scores.mean()),
                    spread=float(found.scores.std(ddof=1)),
                    random_score=float(found.random_scores.mean()),
                    p_value=p_value(found.scores, found.random_scores),
                    accuracy=float(found.accuracies.mean()),
                    examples=len(activations),
                    pictures=len(slopes),
                    counterparts=counterparts,
                    seed=seed,
                )
            )
    return scores


def _felt(
    classifier: Classifier,
    score: Score,
    step: Callable[[], None],
    layers: set[object],
    net_input: NetworkInput,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Activations of the last feature map and the score's derivative there, flat.

    `layers` are those of the pictures before: directions are compared within one.
    """
    x = tensor(classifier, net_input)
    with steady(classifier.network):
        where = last_feature_map(classifier, x, score)
        layers.add((where.operation.name, where.shape))
        if len(layers) > 1:
            raise ValueError(
                f"the last feature map of {classifier.card.name} that the answer depends on "
                "is not the same one for all pictures"
            )
        features, slope, _ = features_and_gradient(classifier, x, where, score)
    step()
    return features.flatten().cpu().numpy(), slope.flatten().cpu().numpy()


@dataclass(frozen=True, eq=False)
class Compared:
    """Scores and accuracies of one concept, one for each counterpart, and those of random."""

    scores: NDArray[np.float64]
    random_scores: NDArray[np.float64]
    accuracies: NDArray[np.float64]


def compared(
    concept: NDArray[np.float32],
    random: NDArray[np.float32],
    slopes: NDArray[np.float32],
    counterparts: int,
    seed: int,
    watch: Watch | None = None,
) -> Compared:
    """Compare a concept with random sets of its size, and random sets with each other.

    Parameters
    ----------
    concept, random, slopes : ndarray, shape (n, features)
        Activations of the examples and of random pictures; derivatives of the answer.
    counterparts, seed : int
    watch : Watch, optional

    Returns
    -------
    Compared
    """
    rng = np.random.default_rng(seed)
    size = min(len(concept), len(random) // 2)
    scores, random_scores, accuracies = [], [], []
    for _ in range(counterparts):
        if watch is not None:
            watch.check()
        one, other = rng.permutation(len(random))[: 2 * size].reshape(2, size)
        drawn = rng.permutation(len(concept))[:size]
        direction, accuracy = concept_direction(concept[drawn], random[one])
        scores.append(tcav(slopes, direction))
        accuracies.append(accuracy)
        random_scores.append(tcav(slopes, concept_direction(random[other], random[one])[0]))
    return Compared(np.array(scores), np.array(random_scores), np.array(accuracies))


def concept_direction(
    concept: NDArray[np.float32], random: NDArray[np.float32]
) -> tuple[NDArray[np.float64], float]:
    """Concept activation vector: unit normal of a linear classifier, toward the concept.

    Parameters
    ----------
    concept, random : ndarray, shape (n, features)

    Returns
    -------
    direction : ndarray, shape (features,)
    accuracy : float
        On every third picture of each, which did not train the classifier.
    """
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    x = np.concatenate([concept, random]).astype(np.float64)
    y = np.repeat([1, 0], [len(concept), len(random)])
    number = np.concatenate([np.arange(len(concept)), np.arange(len(random))])
    held = number % _HELD_OUT == _HELD_OUT - 1
    # One scale for all features: it changes no direction, and the penalty means the same anywhere.
    x = (x - x[~held].mean(0)) / max(float(x[~held].std()), np.finfo(np.float32).tiny)
    model = LogisticRegression(max_iter=1000).fit(x[~held], y[~held])
    normal = np.asarray(model.coef_[0], np.float64)
    length = float(np.linalg.norm(normal))
    return normal / length if length > 0 else normal, float(model.score(x[held], y[held]))


def tcav(slopes: NDArray[np.float32], direction: NDArray[np.float64]) -> float:
    """Share of pictures whose answer rises in a direction: Kim et al. 2018, equation 2."""
    return float((slopes.astype(np.float64) @ direction > 0).mean())


def p_value(scores: NDArray[np.float64], random_scores: NDArray[np.float64]) -> float:
    """Two-sided Welch test of two sets of scores; 1 where all of them are the same."""
    from scipy.stats import ttest_ind

    if np.ptp(scores) == 0 and np.ptp(random_scores) == 0:  # no scatter, no test
        return 1.0 if scores[0] == random_scores[0] else 0.0
    with warnings.catch_warnings():  # one of them may scatter too little for its moments
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(ttest_ind(scores, random_scores, equal_var=False).pvalue)
