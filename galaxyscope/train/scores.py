"""Figures of merit: from what people say and what a network says to numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.decision_tree import QUESTIONS

Values = NDArray[np.floating]
BINS = 10


def rmse(people: Values, network: Values) -> float:
    """Root of the mean squared difference over all pictures and outputs."""
    return float(np.sqrt(np.mean((np.asarray(network, float) - people) ** 2)))


def rmse_of_the_mean(people: Values) -> float:
    """Root mean squared error of saying the mean of these very pictures each time."""
    return rmse(people, np.broadcast_to(people.mean(axis=0), people.shape))


def correlation(a: Values, b: Values) -> float:
    """Pearson's correlation; 0 where one side is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def accuracy(people: Values, network: Values, among: Sequence[int] | None = None) -> float:
    """Share of pictures whose likeliest class is the true one.

    Parameters
    ----------
    people, network : ndarray, shape (n, classes)
        One-hot, and probabilities.
    among : sequence of int, optional
        Only pictures of these classes, and only these as answers; NaN if there is none.
    """
    if among is not None:
        people, network = people[:, among], network[:, among]
        people, network = people[people.any(axis=1)], network[people.any(axis=1)]
    if not len(people):
        return float("nan")
    return float(np.mean(people.argmax(axis=1) == network.argmax(axis=1)))


def confusion(people: Values, network: Values) -> NDArray[np.int64]:
    """Count, shape (classes, classes): row the true class, column the network's."""
    found = np.zeros((people.shape[1],) * 2, np.int64)
    np.add.at(found, (people.argmax(axis=1), network.argmax(axis=1)), 1)
    return found


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found; 0 where nothing was to be divided by.

    Parameters
    ----------
    name : str
    precision, recall, f1 : float
    count : int
        Pictures of this class.
    """

    name: str
    precision: float
    recall: float
    f1: float
    count: int


def class_scores(counts: NDArray[np.int64], names: Sequence[str]) -> list[ClassScore]:
    """Precision, recall and F1 of every class from a confusion matrix."""
    hit = np.diag(counts).astype(float)
    said, true = counts.sum(axis=0), counts.sum(axis=1)
    precision = hit / np.maximum(said, 1)
    recall = hit / np.maximum(true, 1)
    f1 = 2 * hit / np.maximum(said + true, 1)
    return [
        ClassScore(name, float(p), float(r), float(f), int(n))
        for name, p, r, f, n in zip(names, precision, recall, f1, true, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Whether a probability of 0.8 is right eight times in ten.

    Parameters
    ----------
    said, seen : ndarray, shape (BINS,)
        Mean of what the network says in each bin, and of what was so; NaN where empty.
    counts : ndarray, shape (BINS,)
    error : float
        Expected calibration error: mean of |said − seen|, weighted by the counts (Guo et
        al. 2017, arXiv:1706.04599, eq. 3).
    """

    said: NDArray[np.float64]
    seen: NDArray[np.float64]
    counts: NDArray[np.int64]
    error: float


def calibration(said: Values, seen: Values) -> Calibration:
    """Compare probabilities with what was so, in ten bins of equal width.

    Parameters
    ----------
    said : ndarray, shape (n,), in [0, 1]
        Of classes the probability of the likeliest; of vote fractions the fraction itself.
    seen : ndarray, shape (n,), in [0, 1]
        1 where that class was right; of vote fractions what people say.
    """
    which = np.minimum((np.asarray(said, float) * BINS).astype(int), BINS - 1)
    counts = np.bincount(which, minlength=BINS)
    with np.errstate(invalid="ignore"):
        mean_said = np.bincount(which, said, BINS) / counts
        mean_seen = np.bincount(which, seen, BINS) / counts
    error = float(np.nansum(np.abs(mean_said - mean_seen) * counts) / max(1, len(which)))
    return Calibration(mean_said, mean_seen, counts, error)


@dataclass(frozen=True, eq=False)
class QuestionScore:
    """One question of the decision tree.

    Parameters
    ----------
    key, text : str
    asked : ndarray, shape (n,), bool
        Pictures where at least half of the people got to this question.
    people, network : ndarray, shape (n,), int
        Index of the answer with the most votes.
    sure : ndarray, shape (n,)
        Share of the people asked who gave their commonest answer.
    accuracy : float
        Share of the asked pictures where both answers are one; NaN if none was asked.
    answers : tuple of str
    """

    key: str
    text: str
    asked: NDArray[np.bool_]
    people: NDArray[np.int64]
    network: NDArray[np.int64]
    sure: NDArray[np.float64]
    accuracy: float
    answers: tuple[str, ...]

    @property
    def differ(self) -> NDArray[np.bool_]:
        """Pictures where the network's answer is not that of most people."""
        return self.asked & (self.people != self.network)


def questions(people: Values, network: Values, outputs: Sequence[str]) -> list[QuestionScore]:
    """Score the questions that a network answers (Willett et al. 2013, table 2)."""
    found = []
    for question in QUESTIONS:
        names = [answer.class_name for answer in question.answers]
        if any(name not in outputs for name in names):
            continue
        columns = [outputs.index(name) for name in names]
        votes, said = np.asarray(people, float)[:, columns], np.asarray(network)[:, columns]
        total = votes.sum(axis=1)
        asked = total >= 0.5
        most, best = votes.argmax(axis=1), said.argmax(axis=1)
        right = float(np.mean((most == best)[asked])) if asked.any() else float("nan")
        sure = votes.max(axis=1) / np.maximum(total, 1e-9)
        texts = tuple(answer.text for answer in question.answers)
        found.append(
            QuestionScore(question.key, question.text, asked, most, best, sure, right, texts)
        )
    return found
