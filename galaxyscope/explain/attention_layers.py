"""Which softmaxes of a run are attentions between tokens, and which of them make up one layer.

Heads may be computed together or one by one, and blocks may lie side by side, x + f(x) + g(x).
With W the part of the last dense layer that belongs to a head, both are x + Σ A_h V_h W_h: one
layer whose heads are all of theirs. What is told apart is only whether one attention has seen
what another made, by the steps on the way back from it.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from galaxyscope.classify.memory import out_of_memory
from galaxyscope.explain.operations import depends, name_of
from galaxyscope.work.reasons import first_line

_WRITTEN_OUT = frozenset(["scaled_dot_product_attention", "multi_head_attention_forward"])


class AttentionWatching(TorchFunctionMode):
    """Collects attention weights; fused attentions are written out.

    Parameters
    ----------
    instead : callable, optional
        Gets how many tokens there are and gives the weights to attend by, (tokens, tokens).
    """

    def __init__(self, instead: Callable[[int], Tensor] | None = None) -> None:
        super().__init__()
        self.maps: list[Tensor] = []
        self.mixing: set[str] = set()
        self._instead = instead

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        keywords, name = dict(kwargs or {}), name_of(func)
        if name in _WRITTEN_OUT:
            return self._written_out(func, args, keywords)
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
        if self._instead is not None:
            weights = weights * 0 + self._instead(weights.shape[-1]).to(weights)
        self.maps.append(weights)
        return weights.clone()  # the network may write over what it gets

    def _written_out(
        self, func: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Any:
        try:
            if name_of(func) == "scaled_dot_product_attention":
                return self._scaled(*args, **keywords)
            return self._many_heads(inspect.signature(func).bind(*args, **keywords).arguments)
        except Exception as error:  # the network runs: what it asks for we cannot write out
            if out_of_memory(error) or isinstance(error, ValueError):
                raise
            said = f"the network's attention cannot be written out ({first_line(error)})"
            raise ValueError(said) from error

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
            attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
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
        alone = given["query"].ndim == 2  # the tokens of one picture, not of several
        q, k, v = (given[name] for name in ("query", "key", "value"))
        q, k, v = (x[None] if alone else x.transpose(0, 1) for x in (q, k, v))
        heads, weight, bias = given["num_heads"], given["in_proj_weight"], given["in_proj_bias"]
        biases = (None,) * 3 if bias is None else bias.chunk(3)
        q, k, v = (
            functional.linear(x, w, b).unflatten(-1, (heads, -1)).transpose(1, 2)
            for x, w, b in zip((q, k, v), weight.chunk(3), biases, strict=True)
        )
        weights = self.noted((q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1))
        mixed = (weights @ v).transpose(1, 2).flatten(2)
        found = functional.linear(mixed, given["out_proj_weight"], given["out_proj_bias"])
        found = found[0] if alone else found.transpose(0, 1)
        if not given.get("need_weights", True):
            return found, None
        shown = weights.mean(1) if given.get("average_attn_weights", True) else weights
        return found, shown[0] if alone else shown


def _mixes(name: str, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> bool:
    """Whether an operation lets neighbouring cells see each other."""
    if name in {"conv1d", "conv2d", "conv3d"}:
        weight = keywords.get("weight", args[1] if len(args) > 1 else None)
        return isinstance(weight, Tensor) and max(weight.shape[2:]) > 1
    return name in {"max_pool2d", "avg_pool2d", "unfold"}


def layers(maps: Sequence[Tensor]) -> list[list[int]]:
    """Which attentions make up each layer, as numbers of `maps`, the first layer first.

    Parameters
    ----------
    maps : sequence of Tensor
        Weights in the order of their making, with the steps that lead back from them.

    Raises
    ------
    ValueError
        If one has seen some attentions of the layer before, and not all.
    """
    seen = _seen(maps)
    depths: list[int] = []
    for before in seen:
        depths.append(1 + max((depths[number] for number in before), default=-1))
    found = [[n for n, d in enumerate(depths) if d == depth] for depth in range(max(depths) + 1)]
    if any(not seen[one].issuperset(before) for before, after in pairwise(found) for one in after):
        raise ValueError("its attentions lie in branches, and not in layers one after the other")
    return found


def _seen(maps: Sequence[Tensor]) -> list[frozenset[int]]:
    """Numbers of the attentions that each has seen, also by way of others."""
    numbers = {one.grad_fn: frozenset([number]) for number, one in enumerate(maps)}
    seen: dict[Any, frozenset[int]] = {}
    waiting: list[Any] = [one.grad_fn for one in maps]
    while waiting:  # each step once: there are thousands behind each of hundreds of heads
        before = [step for step, _ in waiting[-1].next_functions if step is not None]
        missing = [step for step in before if step not in seen]
        waiting += missing
        if not missing:
            those = (seen[step] | numbers.get(step, frozenset()) for step in before)
            seen[waiting.pop()] = frozenset().union(*those)
    return [seen[one.grad_fn] for one in maps]
