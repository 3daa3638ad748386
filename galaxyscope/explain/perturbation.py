"""Hide parts of the picture and watch the answer: occlusion, RISE, KernelSHAP."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import block_count, sample_order
from galaxyscope.explain.forward import MaskedAnswers, forward
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.segments import hidden_picture, segments_of
from galaxyscope.work.watch import Watch


def occlusion(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """By how much the logit falls when a square is hidden; see :meth:`Explainer.explain`.

    Zeiler & Fergus 2014, arXiv:1311.2901, with captum's definition of the map: each pixel gets
    the mean over the squares that hide it. Squares at the right and lower edge are cut off.

    Raises
    ------
    ValueError
        If the stride would leave pixels that no square hides.
    """
    if settings["stride"] > settings["window"]:
        raise ValueError(f"{card.name}: stride must not be larger than window")
    with forward(classifier, net_input, target, card.scale, watch) as asking:
        size = asking.image.shape[-1]
        places = windows(size, int(settings["window"]), int(settings["stride"]))
        shadow = torch.from_numpy(hidden_picture(net_input.pixels, settings))
        shadow = shadow.to(asking.image.device)
        whole = next(asking.answers([0], lambda some: asking.image))[1][0]
        total, hits = np.zeros((size, size)), np.zeros((size, size))

        def pictures(some: Sequence[int]) -> torch.Tensor:
            x = asking.image.repeat(len(some), 1, 1, 1)
            for one, number in zip(x, some, strict=True):
                rows, columns = places[number]
                one[:, rows, columns] = shadow[:, rows, columns]
            return x

        watch.report(0, len(places))
        done = 0
        for some, answers in asking.answers(
            sample_order(len(places), block_count(len(places))), pictures
        ):
            for number, answer in zip(some, answers, strict=True):
                total[places[number]] += whole - answer
                hits[places[number]] += 1
            done += len(some)
            if done == len(places) or watch.heard:
                values = total / np.maximum(hits, 1)
                result = asking.attribution(card, settings, values, True, done)
            watch.report(done, len(places), result if watch.heard else None)
    return result


def windows(size: int, window: int, stride: int) -> list[tuple[slice, slice]]:
    """Squares of side `window` every `stride` pixels that together reach every edge."""
    window = min(window, size)
    starts = [k * stride for k in range(math.ceil((size - window) / stride) + 1)]
    spans = [slice(start, min(start + window, size)) for start in starts if start < size]
    return [(rows, columns) for rows in spans for columns in spans]


def rise(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Mean probability of the target where a pixel is kept; see :meth:`Explainer.explain`.

    RISE (Petsiuk, Das & Saenko 2018, arXiv:1806.07421, equation 6): random smooth masks,
    weighted by the probability of the picture that each leaves, over the expected mask.
    """
    count, keep = int(settings["samples"]), float(settings["keep"])
    blocks = block_count(count)
    with forward(classifier, net_input, target, card.scale, watch) as asking:
        size, device = asking.image.shape[-1], asking.image.device
        signed = asking.score.may_be_negative
        shadow = torch.from_numpy(hidden_picture(net_input.pixels, settings)).to(device)
        masks = torch.empty(0)
        sums = torch.zeros((blocks, size, size), dtype=torch.float64)  # not every device has it
        members = np.zeros(blocks)

        def pictures(some: Sequence[int]) -> torch.Tensor:
            nonlocal masks
            masks = smooth_masks(some, size, int(settings["cells"]), keep, int(settings["seed"]))
            return shadow + masks.to(device) * (asking.image - shadow)

        def attribution(done: int, parts: NDArray[np.float64] | None = None) -> Attribution:
            values = (sums.sum(0) / (keep * done)).numpy()
            return asking.attribution(card, settings, values, signed, done, parts)

        watch.report(0, count)
        done = 0
        for some, answers in asking.answers(sample_order(count, blocks), pictures):
            shares = torch.zeros(blocks, len(some))
            for place, number in enumerate(some):
                shares[number % blocks, place] = float(answers[place])
                members[number % blocks] += 1
            sums += torch.tensordot(shares, masks[:, 0], 1).double()
            done += len(some)
            if done < count:
                watch.report(done, count, attribution(done) if watch.heard else None)
        parts = sums.numpy() / (keep * members[:, None, None]) if blocks > 1 else None
        result = attribution(count, parts)
    watch.report(count, count, result)
    return result


def smooth_masks(
    numbers: Sequence[int], size: int, cells: int, keep: float, seed: int
) -> torch.Tensor:
    """Masks of RISE: coarse random cells, enlarged bilinearly, shifted by part of a cell.

    Each is drawn from a generator of its own.

    Parameters
    ----------
    numbers : sequence of int
    size : int
        Side of the picture.
    cells : int
        Cells along a side.
    keep : float
        Probability that a cell is kept.
    seed : int

    Returns
    -------
    Tensor, shape (n, 1, size, size), float32
        In [0, 1].
    """
    cell = math.ceil(size / cells)
    drawn, shifts = [], []
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        drawn.append(rng.random((cells, cells)) < keep)
        shifts.append(rng.integers(0, cell, 2))
    coarse = torch.from_numpy(np.array(drawn, np.float32))[:, None]
    large = functional.interpolate(coarse, size=((cells + 1) * cell,) * 2, mode="bilinear")
    return torch.stack(
        [one[:, v : v + size, u : u + size] for one, (v, u) in zip(large, shifts, strict=True)]
    )


def kernel_shap(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Shapley values of superpixels, spread over their pixels; see :meth:`Explainer.explain`.

    KernelSHAP (Lundberg & Lee 2017, arXiv:1705.07874, theorem 2). The map sums to the logit of
    the picture minus that of the picture with all superpixels hidden. With as many samples as
    there are coalitions the values are exact. At least two samples per superpixel are taken:
    fewer do not determine them.
    """
    segments = segments_of(net_input, settings)
    count = int(segments.max()) + 1
    area = np.bincount(segments.ravel())
    masks, weights = coalitions(count, int(settings["samples"]), int(settings["seed"]))
    with forward(classifier, net_input, target, card.scale, watch) as asking:
        hidden = hidden_picture(net_input.pixels, settings, segments)
        masked = MaskedAnswers(asking, hidden, segments)
        nothing, whole = masked(np.array([[False] * count, [True] * count]))
        gram, moment = np.zeros((count, count)), np.zeros(count)
        total, done = len(masks) + 2, 2

        def attribution() -> Attribution:
            shares = constrained(gram, moment, whole - nothing)
            values = (shares / area)[segments]
            made = asking.attribution(
                card, settings, values, True, done, promise=float(whole - nothing)
            )
            return replace(made, segments=segments)

        watch.report(done, total)
        for some, answers in masked.batches(masks):
            kept = masks[some].astype(np.float64)
            weighted = kept * weights[some, None]
            gram += kept.T @ weighted
            moment += weighted.T @ (answers - nothing)
            done += len(some)
            if done < total:
                shown = watch.heard and done > 2 * count
                watch.report(done, total, attribution() if shown else None)
        result = attribution()
    watch.report(total, total, result)
    return result


def coalitions(
    players: int, samples: int, seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Coalitions to ask about, neither empty nor whole, with their weights in the regression.

    All of them where `samples` allow. Else sizes are taken whole from the outside in (one
    player, all but one, two …) while they fit; the weight of the rest goes to random
    coalitions of the remaining sizes, each together with its complement.

    Parameters
    ----------
    players : int
    samples : int
    seed : int

    Returns
    -------
    masks : ndarray, shape (n, players), bool
        All different; n ≤ max(samples, 2 · players).
    weights : ndarray, shape (n,)
        Sum to one.
    """
    if players == 1:
        return np.zeros((0, 1), bool), np.zeros(0)
    left = max(samples, 2 * players)
    weight_of = {s: (players - 1) / (s * (players - s)) for s in range(1, players)}  # of a size
    found: dict[bytes, float] = {}
    open_sizes = list(range(1, players))
    while open_sizes:
        pair = sorted({open_sizes[0], open_sizes[-1]})
        if sum(math.comb(players, s) for s in pair) > left:
            break
        for s in pair:
            for kept in combinations(range(players), s):
                mask = np.zeros(players, bool)
                mask[list(kept)] = True
                found[mask.tobytes()] = weight_of[s] / math.comb(players, s)
            left -= math.comb(players, s)
            open_sizes.remove(s)
    if open_sizes:
        chances = np.array([weight_of[s] for s in open_sizes])
        rng = np.random.default_rng(seed)
        drawn: dict[bytes, int] = {}
        while len(drawn) + 2 <= left:
            kept = rng.permutation(players)[: rng.choice(open_sizes, p=chances / chances.sum())]
            mask = np.zeros(players, bool)
            mask[kept] = True
            for one in (mask, ~mask):
                drawn[one.tobytes()] = drawn.get(one.tobytes(), 0) + 1
        each = chances.sum() / max(1, sum(drawn.values()))
        found.update((key, times * each) for key, times in drawn.items())
    masks = np.array([np.frombuffer(key, bool) for key in found])
    weights = np.array(list(found.values()))
    return masks, weights / weights.sum()


def constrained(
    gram: NDArray[np.float64], moment: NDArray[np.float64], total: float
) -> NDArray[np.float64]:
    """Least squares under the constraint that the unknowns sum to `total` (Lagrange).

    Parameters
    ----------
    gram : ndarray, shape (n, n)
        Σ weight · zᵀz; not singular, which all coalitions of one player ensure.
    moment : ndarray, shape (n,)
        Σ weight · z · answer.
    total : float
    """
    count = len(moment)
    system = np.ones((count + 1, count + 1))
    system[:count, :count], system[count, count] = gram, 0
    return np.linalg.solve(system, np.append(moment, total))[:count]
