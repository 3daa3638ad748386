"""Where a transformer's attention leads: rollout, and relevance weighted by the gradient.

With A the attention weights of one layer, (heads, tokens, tokens), rows summing to one:

- Attention rollout (Abnar & Zuidema 2020, arXiv:2005.00928, section 3, equation 1): heads are
  averaged, half of each token stays where it is because of the skip connection, and the layers are
  multiplied: R ← (A + I)/2 · R. The same for every target.
- Gradient-weighted relevance (Chefer, Gur & Wolf 2021, "Generic Attention-model Explainability",
  ICCV, arXiv:2103.15679, equations 5 and 6, self-attention): R ← R + E_heads((∇A ⊙ A)⁺) · R,
  R = I at first, with ∇A the derivative of the score with respect to A.

The map are the tokens of the patches in the row of R that the answer is read from: that of the
class token, or the mean over the rows where it reads many. Which these are, and which operations
are attentions, is found by watching a run: a softmax whose rows are as long as there are tokens.
Heads are of one layer where none sees what another made: `galaxyscope.explain.attention_layers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.attention_layers import AttentionWatching, layers
from galaxyscope.explain.engine import make_attribution, steady, tensor
from galaxyscope.explain.features import FeatureMap, Meeting, Watching, upsampled
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.search import MOST_EXTRA, patches_and_order
from galaxyscope.explain.target import Score, score_of
from galaxyscope.work.watch import Watch

_APART = 1e-3
"""Tokens that change each other by a smaller part do so by rounding."""

_OPPOSED = 1e-5
"""Slopes whose cosine is as near to -1 are the same but for rounding, the sign and a factor."""


@dataclass(frozen=True)
class Attentions:
    """What one picture's run through a transformer shows.

    Parameters
    ----------
    weights, gradients : tuple of Tensor, each of shape (heads, tokens, tokens)
        By layer; gradients of the score.
    rows : Tensor, shape (n,), int
        Tokens that the answer is read from.
    cells : tuple of int
        Which token each patch is, row by row; the others are no patches.
    grid : (rows, columns)
        Of the patches.
    patches : FeatureMap
        What the tokens are made of, with the place of each patch on the network input.
    """

    weights: tuple[Tensor, ...]
    gradients: tuple[Tensor, ...]
    rows: Tensor
    cells: tuple[int, ...]
    grid: tuple[int, int]
    patches: FeatureMap


def attentions(classifier: Classifier, x: Tensor, score: Score) -> Attentions:
    """Run a transformer once there and back; inside `galaxyscope.explain.engine.steady`.

    Parameters
    ----------
    classifier : Classifier
    x : Tensor, shape (1, 3, rows, columns)
    score : Score

    Raises
    ------
    ValueError
        Why the network has no attentions that could be followed.
    """
    watching, x = AttentionWatching(), x.detach().clone().requires_grad_(True)
    with watching:
        logits = classifier.logits(x)
    maps = watching.maps
    if not maps:
        raise ValueError("the network has no attention between tokens (softmax over tokens)")
    if watching.mixing:
        raise ValueError(
            "its tokens see each other otherwise than by attention of all to all: "
            + ", ".join(sorted(watching.mixing))
        )
    tokens = maps[0].shape[-1]
    if any(one.shape[-1] != tokens or (one.ndim == 4 and len(one) > 1) for one in maps):
        raise ValueError("its attentions are within windows, or not all between the same tokens")
    where, cells = patches_and_order(classifier, x, tokens)
    grid = (where.shape[1], where.shape[2])
    if not 0 <= tokens - math.prod(grid) <= MOST_EXTRA:
        raise ValueError(
            f"its {tokens} tokens are not those of a grid of {grid[0]}×{grid[1]} patches"
        )
    if cells is None:
        raise ValueError(f"which of its {tokens} tokens is which patch cannot be told")
    answer = score(logits)[0]
    if not answer.requires_grad:
        raise ValueError("the answer does not depend on its attention")
    found = torch.autograd.grad(answer, maps, allow_unused=True)
    used = [(one, slope) for one, slope in zip(maps, found, strict=True) if slope is not None]
    groups = layers([one for one, _ in used])
    heads, slopes = (
        [_heads([used[number][which] for number in group]) for group in groups] for which in (0, 1)
    )
    rows = _read(slopes)
    if not len(rows):
        raise ValueError("the answer does not depend on its attention")
    if any(_opposed(one[..., list(cells)]) for one in slopes):
        raise ValueError(
            "its attention takes the weights of one softmax from those of another, and the "
            "method is made for weights that are not below zero"
        )
    return Attentions(tuple(heads), tuple(slopes), rows, cells, grid, where)


def _heads(parts: Sequence[Tensor]) -> Tensor:
    """Join what is of one layer, as (heads, tokens, tokens)."""
    return torch.cat([one.detach().float().reshape(-1, *one.shape[-2:]) for one in parts])


def _opposed(slopes: Tensor) -> bool:
    """Whether the slopes of two heads are opposite, but for a factor.

    They are where the weights of one are taken away from those of the other before they meet the
    values. Where all patches look the same they are too: such slopes, even along a row, do not
    count.
    """
    shares = functional.normalize(slopes.flatten(1)).view_as(slopes)
    uneven = (shares - shares.mean(-1, keepdim=True)).flatten(1)
    directions = functional.normalize(uneven, eps=_APART)
    return bool((directions @ directions.T).min() < _OPPOSED - 1)


def _read(slopes: list[Tensor]) -> Tensor:
    """Tokens whose own row of the last attention that counts changes the answer."""
    for last in reversed(slopes):
        rows = (last != 0).any(-1).any(0).nonzero()[:, 0]
        if len(rows):
            return rows
    return torch.empty(0, dtype=torch.long)


def sees_by_attention_alone(classifier: Classifier, x: Tensor, found: Attentions) -> bool:
    """Whether tokens see nothing of each other where each attends to itself alone.

    Told by the tokens that are no patches: without attention they cannot know the picture. Where
    the answer reads patches, by the last tokens: each may change with its own patch alone, and
    must change with others where all attend to all alike. Else what attends are the channels, of
    which there are as many.
    """
    x = x.detach().clone().requires_grad_(True)
    if set(found.rows.tolist()) & set(found.cells):
        patches, alone = _last_tokens(classifier, x, found, torch.eye)
        if not any(_each_its_own(*reading, patches, found) for reading in alone):
            return False
        patches, alike = _last_tokens(classifier, x, found, _alike)
        return all(_see_others(*reading, patches, found) for reading in alike)
    with AttentionWatching(torch.eye):
        logits = classifier.logits(x)
    slope = torch.autograd.grad(logits.sum(), x, allow_unused=True)[0]
    return slope is None or not bool((slope != 0).any())


def _alike(tokens: int) -> Tensor:
    return torch.full((tokens, tokens), 1 / tokens)


def _last_tokens(
    classifier: Classifier, x: Tensor, found: Attentions, instead: Callable[[int], Tensor]
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Patches, and what can be read as tokens last, of a run with other attention weights."""
    patches: list[Tensor] = []
    last: list[tuple[Tensor, Tensor]] = []

    def look(number: int, name: str, args: object, options: object, y: Tensor) -> Tensor:
        if patches and y.requires_grad and (readings := _readings(y, found)):
            last[:] = readings
        return y

    def meet(y: Tensor) -> Tensor:
        patches.append(y)
        return y

    with AttentionWatching(instead), Watching(look):
        Meeting(found.patches, meet).answer(classifier.logits, x)
    return patches[0], last


def _readings(y: Tensor, found: Attentions) -> list[tuple[Tensor, Tensor]]:
    """Ways to read a result as tokens, (tokens, channels), with the number of each cell's token."""
    tokens, numbers = found.weights[0].shape[-1], torch.tensor(found.cells) + 1
    by_row = torch.arange(len(found.cells)) + 1
    ways: list[tuple[Tensor, Tensor]] = []
    if y.ndim == 3 and 1 in y.shape[:2]:
        one = y[0] if len(y) == 1 else y[:, 0]
        ways = [(way, numbers) for way in (one, one.mT) if len(way) == tokens]
    elif y.ndim == 4 and len(y) == 1:
        ways += [(y[0].flatten(1).mT, by_row)] if y.shape[2:] == found.grid else []
        ways += [(y[0].flatten(0, 1), by_row)] if y.shape[1:3] == found.grid else []
    return ways


def _each_its_own(tokens: Tensor, numbers: Tensor, patches: Tensor, found: Attentions) -> bool:
    """Whether each patch changes the token of its number and no other.

    Told by two slopes of all tokens together, in one of them each times its number.
    """
    weights = 1 + torch.rand(tokens.shape, generator=torch.Generator().manual_seed(0)).to(tokens)
    times = torch.arange(1, len(tokens) + 1).to(tokens)[:, None]
    slopes = [
        torch.autograd.grad((one * tokens).sum(), patches, retain_graph=True, allow_unused=True)[0]
        for one in (weights, weights * times)
    ]
    if slopes[0] is None:
        return False
    plain, multiplied = (found.patches.of(one)[0].flatten(1) for one in slopes)
    off = (multiplied - numbers.to(plain) * plain).abs().amax()
    return bool(off <= _APART * multiplied.abs().amax())


def _see_others(tokens: Tensor, numbers: Tensor, patches: Tensor, found: Attentions) -> bool:
    """Whether every second token changes with a patch that is none of theirs, however little."""
    weights = 1 + torch.rand(tokens.shape, generator=torch.Generator().manual_seed(0)).to(tokens)
    seen = torch.arange(1, len(tokens) + 1) % 2 == 0
    answer = (weights * tokens)[seen.to(tokens.device)].sum()
    slope = torch.autograd.grad(answer, patches, retain_graph=True, allow_unused=True)[0]
    if slope is None:
        return False
    others = found.patches.of(slope)[0].flatten(1)[:, (numbers % 2 != 0).to(slope.device)]
    return bool((others != 0).any())


def rollout(found: Attentions) -> Tensor:
    """Rows of R that the answer is read from, (n, tokens): Abnar & Zuidema, equation 1."""
    relevance = torch.eye(found.weights[0].shape[-1], device=found.weights[0].device)
    for weights in found.weights:
        relevance = (
            (weights.mean(0) + torch.eye(len(relevance), device=weights.device)) / 2 @ relevance
        )
    return relevance[found.rows]


def relevance(found: Attentions) -> Tensor:
    """Rows of R that the answer is read from, (n, tokens): Chefer et al., equations 5 and 6."""
    relevant = torch.eye(found.weights[0].shape[-1], device=found.weights[0].device)
    for weights, slope in zip(found.weights, found.gradients, strict=True):
        relevant = relevant + (slope * weights).relu().mean(0) @ relevant
    return relevant[found.rows]


_FORMULAS: Mapping[str, Callable[[Attentions], Tensor]] = {
    "attention-rollout": rollout,
    "attention-relevance": relevance,
}


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Return the map of the method that the card names; see :meth:`Explainer.explain`."""
    score, x = score_of(classifier, target, card.scale), tensor(classifier, net_input)
    watch.report(0, 1)
    with steady(classifier.network):
        found = attentions(classifier, x, score)
    watch.check()
    coarse = _FORMULAS[card.name](found).mean(0)[list(found.cells)].reshape(1, *found.grid)
    values = upsampled(coarse, found.patches.to_input, (x.shape[-2], x.shape[-1]))[0]
    result = make_attribution(classifier, net_input, score, card, settings, values, signed=False)
    watch.report(1, 1, result)
    return result
