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
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import make_attribution, steady, tensor
from galaxyscope.explain.features import FeatureMap, Meeting, Watching, upsampled
from galaxyscope.explain.operations import depends, name_of
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.search import MOST_EXTRA, patches_and_order
from galaxyscope.explain.target import Score, score_of
from galaxyscope.work.watch import Watch

_APART = 1e-3
"""Tokens that change each other by a smaller part do so by rounding."""


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


class _Watching(TorchFunctionMode):
    """Collects attention weights; fused attentions are written out.

    Parameters
    ----------
    apart : bool
        Each token shall attend to itself alone.
    """

    def __init__(self, apart: bool = False) -> None:
        super().__init__()
        self.maps: list[Tensor] = []
        self.mixing: set[str] = set()
        self._apart = apart

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        keywords, name = dict(kwargs or {}), name_of(func)
        if name == "scaled_dot_product_attention":
            return self._scaled(*args, **keywords)
        if name == "multi_head_attention_forward":
            return self._many_heads(inspect.signature(func).bind(*args, **keywords).arguments)
        result = func(*args, **keywords)
        if name in {"softmax", "_softmax"} and isinstance(result, Tensor):
            dim = keywords.get("dim", args[1] if len(args) > 1 else None)
            return self.noted(result, dim)
        if self.maps and depends(result) and _mixes(name, args, keywords):
            self.mixing.add(name)
        return result

    def noted(self, weights: Tensor, dim: int | None = -1) -> Tensor:
        """Keep the weights of an attention; what a softmax over something else gives is none."""
        square = weights.ndim in {3, 4} and weights.shape[-1] == weights.shape[-2] > 1
        if not depends(weights):
            return weights
        if not square or dim is None or dim % weights.ndim != weights.ndim - 1:
            if weights.ndim > 2:
                self.mixing.add("softmax")
            return weights
        if self._apart:
            weights = weights * 0 + torch.eye(weights.shape[-1], device=weights.device)
        self.maps.append(weights)
        return weights

    def _scaled(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        """Write out the fused kernel, which shows no weights; its arguments are called so."""
        if enable_gqa:
            repeat = query.shape[-3] // key.shape[-3]
            key, value = (one.repeat_interleave(repeat, -3) for one in (key, value))
        scores = query @ key.transpose(-2, -1)
        scores = scores * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        if is_causal:
            attn_mask = torch.ones_like(scores[0, 0], dtype=torch.bool).tril()
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, float("-inf"))
        elif attn_mask is not None:
            scores = scores + attn_mask
        return self.noted(scores.softmax(-1)) @ value

    def _many_heads(self, given: Mapping[str, Any]) -> tuple[Tensor, Tensor | None]:
        """Write out what ``torch.nn.MultiheadAttention`` calls, for tokens that see each other."""
        unusual = ("bias_k", "bias_v", "key_padding_mask", "attn_mask", "static_k", "static_v")
        if (
            any(given.get(name) is not None for name in unusual)
            or given.get("add_zero_attn")
            or given.get("use_separate_proj_weight")
        ):
            raise ValueError("the network's attention is masked or has keys of its own")
        q, k, v = (given[name].transpose(0, 1) for name in ("query", "key", "value"))
        heads, weight, bias = given["num_heads"], given["in_proj_weight"], given["in_proj_bias"]
        biases = (None,) * 3 if bias is None else bias.chunk(3)
        q, k, v = (
            functional.linear(x, w, b).unflatten(-1, (heads, -1)).transpose(1, 2)
            for x, w, b in zip((q, k, v), weight.chunk(3), biases, strict=True)
        )
        weights = self.noted((q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1))
        mixed = (weights @ v).transpose(1, 2).flatten(2).transpose(0, 1)
        found = functional.linear(mixed, given["out_proj_weight"], given["out_proj_bias"])
        if not given.get("need_weights", True):
            return found, None
        return found, weights.mean(1) if given.get("average_attn_weights", True) else weights


def _mixes(name: str, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> bool:
    """Whether an operation lets neighbouring cells see each other."""
    if name in {"conv1d", "conv2d", "conv3d"}:
        weight = keywords.get("weight", args[1] if len(args) > 1 else None)
        return isinstance(weight, Tensor) and max(weight.shape[2:]) > 1
    return name in {"max_pool2d", "avg_pool2d", "unfold"}


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
    watching, x = _Watching(), x.detach().clone().requires_grad_(True)
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
    gradients = [torch.zeros_like(a) if g is None else g for a, g in zip(maps, found, strict=True)]
    heads = [one.detach().float().reshape(-1, tokens, tokens) for one in maps]
    slopes = [one.detach().float().reshape(-1, tokens, tokens) for one in gradients]
    rows = _read(slopes)
    if not len(rows):
        raise ValueError("the answer does not depend on its attention")
    return Attentions(tuple(heads), tuple(slopes), rows, cells, grid, where)


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
    the answer reads patches, by the last tokens: each may change with its own patch alone.
    """
    x = x.detach().clone().requires_grad_(True)
    if set(found.rows.tolist()) & set(found.cells):
        return _patches_stay_apart(classifier, x, found)
    with _Watching(apart=True):
        logits = classifier.logits(x)
    slope = torch.autograd.grad(logits.sum(), x, allow_unused=True)[0]
    return slope is None or not bool((slope != 0).any())


def _patches_stay_apart(classifier: Classifier, x: Tensor, found: Attentions) -> bool:
    patches: list[Tensor] = []
    last: list[tuple[Tensor, Tensor]] = []

    def look(number: int, name: str, args: object, options: object, y: Tensor) -> Tensor:
        if patches and y.requires_grad and (readings := _readings(y, found)):
            last[:] = readings
        return y

    def meet(y: Tensor) -> Tensor:
        patches.append(y)
        return y

    with _Watching(apart=True), Watching(look):
        Meeting(found.patches, meet).answer(classifier.logits, x)
    return any(_each_its_own(*reading, patches[0], found) for reading in last)


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
