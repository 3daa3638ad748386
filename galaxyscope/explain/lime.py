"""LIME for pictures (Ribeiro, Singh & Guestrin 2016, arXiv:1602.04938) as the `lime` package.

The package's definition of the result: probability of the target, quickshift superpixels,
masks from numpy's legacy generator, weights √exp(−d²/w²) of the cosine distance d to the whole
picture, selection of features, then ridge regression with penalty 1. The same seed draws the
masks that the package draws for ``random_state=seed``.

Faster than the package: a mask that was drawn twice is asked about once and counts twice, and
the regression keeps running sums (Gram matrix) in place of the table of samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.forward import MaskedAnswers, forward
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.segments import hidden_picture, segments_of
from galaxyscope.work.watch import Watch

_PENALTY = 1.0
_SELECTION_PENALTY = 0.01
_FORWARD_SELECTION = 6  # the package's "auto": up to so many features are chosen one by one


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Weight of each superpixel in LIME's linear model; see :meth:`Explainer.explain`.

    Progress is counted in samples; repeated ones are done at once.
    """
    segments = segments_of(net_input, settings)
    count, samples = int(segments.max()) + 1, int(settings["samples"])
    masks, times = different(drawn_masks(samples, count, int(settings["seed"])))
    weights = times * proximity(masks, float(settings["width"]))
    with forward(classifier, net_input, target, card.scale, watch) as asking:
        hidden = hidden_picture(net_input.pixels, settings, segments)
        masked = MaskedAnswers(asking, hidden, segments)
        sums = Sums.of(count)
        done = 0

        def attribution() -> Attribution:
            found = fitted(sums, int(settings["features"]))
            made = asking.attribution(card, settings, found[segments], True, done)
            return replace(made, segments=segments)

        watch.report(0, samples)
        for some, answers in masked.batches(masks):
            sums.add(masks[some], answers, weights[some])
            done += int(times[some].sum())
            if done < samples:
                watch.report(done, samples, attribution() if watch.heard else None)
        result = attribution()
    watch.report(samples, samples, result)
    return result


def drawn_masks(samples: int, superpixels: int, seed: int) -> NDArray[np.bool_]:
    """Masks of the package for ``random_state=seed``; the first keeps everything.

    Returns
    -------
    ndarray, shape (samples, superpixels), bool
    """
    rng = np.random.RandomState(seed)  # the generator of the package
    rng.randint(0, 1000)  # it draws a seed for the superpixels first
    rows = [rng.randint(0, 2, superpixels).astype(bool) for _ in range(samples)]
    rows[0][:] = True
    return np.array(rows)


def different(masks: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Masks without repetition, in order of first appearance, and how often each occurs."""
    times: dict[bytes, int] = {}
    for mask in masks:
        times[mask.tobytes()] = times.get(mask.tobytes(), 0) + 1
    rows = np.array([np.frombuffer(key, bool) for key in times])
    return rows, np.array(list(times.values()), np.int64)


def proximity(masks: NDArray[np.bool_], width: float) -> NDArray[np.float64]:
    """Weight of each mask from its cosine distance to the mask that keeps everything.

    The distance of the empty mask is 1, as scikit-learn has it.
    """
    cosine = np.sqrt(masks.sum(1) / masks.shape[1])
    weights: NDArray[np.float64] = np.sqrt(np.exp(-((1 - cosine) ** 2) / width**2))
    return weights


@dataclass
class Sums:
    """Weighted sums over samples that a linear regression needs."""

    weight: float
    x: NDArray[np.float64]
    y: float
    xx: NDArray[np.float64]
    xy: NDArray[np.float64]

    @staticmethod
    def of(features: int) -> Sums:
        """Start with no samples."""
        zeros = np.zeros(features)
        return Sums(0.0, zeros.copy(), 0.0, np.zeros((features, features)), zeros.copy())

    def add(
        self, masks: NDArray[np.bool_], answers: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> None:
        """Add samples."""
        kept = masks.astype(np.float64)
        weighted = kept * weights[:, None]
        self.weight += float(weights.sum())
        self.x += weighted.sum(0)
        self.y += float(weights @ answers)
        self.xx += weighted.T @ kept
        self.xy += weighted.T @ answers

    def centred(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Σ w (x−x̄)(x−x̄)ᵀ and Σ w (x−x̄)(y−ȳ)."""
        xx = self.xx - np.outer(self.x, self.x) / self.weight
        xy = self.xy - self.x * self.y / self.weight
        return xx, xy


def fitted(sums: Sums, features: int) -> NDArray[np.float64]:
    """Coefficients of the linear model; 0 for superpixels that were not selected.

    Parameters
    ----------
    sums : Sums
    features : int
        How many superpixels the model may use; 0: all.

    Returns
    -------
    ndarray, shape (superpixels,)
    """
    xx, xy = sums.centred()
    chosen = _selected(xx, xy, features or len(xy))
    coefficients = np.zeros(len(xy))
    coefficients[chosen] = _ridge(xx, xy, chosen, _PENALTY)
    return coefficients


def _selected(xx: NDArray[np.float64], xy: NDArray[np.float64], features: int) -> list[int]:
    if features >= len(xy):
        return list(range(len(xy)))
    if features > _FORWARD_SELECTION:
        weights = np.abs(_ridge(xx, xy, list(range(len(xy))), _SELECTION_PENALTY))
        return sorted(range(len(xy)), key=lambda i: -weights[i])[:features]
    chosen: list[int] = []
    for _ in range(min(features, len(xy))):
        rest = [i for i in range(len(xy)) if i not in chosen]
        # R² of least squares grows with (coefficients · xy)
        gains = [_ridge(xx, xy, [*chosen, i], 0.0) @ xy[[*chosen, i]] for i in rest]
        chosen.append(rest[int(np.argmax(gains))])
    return chosen


def _ridge(
    xx: NDArray[np.float64], xy: NDArray[np.float64], chosen: list[int], penalty: float
) -> NDArray[np.float64]:
    system = xx[np.ix_(chosen, chosen)] + penalty * np.eye(len(chosen))
    if penalty > 0:
        return np.linalg.solve(system, xy[chosen])
    solved: NDArray[np.float64] = np.linalg.lstsq(system, xy[chosen], rcond=None)[0]
    return solved
