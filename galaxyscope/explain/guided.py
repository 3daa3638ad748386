"""Guided Backpropagation and Deconvolution: only what speaks for the answer goes back.

Guided Backpropagation (Springenberg et al. 2015, arXiv:1412.6806): at each ReLU the way back
lets through what is positive, where the ReLU was open. Deconvolution (Zeiler & Fergus 2014,
arXiv:1311.2901): what is positive, wherever the ReLU was.

The latter sees the picture only in its max pooling; networks without are refused.

Both are made for ReLU. Other activations (SiLU, GELU …) have no closed side, but a slope f′;
here the way back is max(g, 0) · max(f′(x), 0) for Guided Backpropagation and max(g, 0) for
Deconvolution, which are the published rules where f is ReLU. A product of two activations (a
gate) lets back max(g, 0) times the other factor where that is positive. Attention and
normalisation stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import explain_samples, gradients, tensor
from galaxyscope.explain.gradient import Contribution
from galaxyscope.explain.operations import NoRule, Rules, depends, name_of
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.slopes import Function, value_and_slope
from galaxyscope.explain.target import score_of
from galaxyscope.work.watch import Watch


class _Valve(torch.autograd.Function):
    """A new value, as it is; back goes max(g, 0) × gain."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, gain: Tensor) -> Tensor:
        ctx.save_for_backward(gain)
        ctx.mark_dirty(y)  # so that it may be written over, which a view of it might not
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (gain,) = ctx.saved_tensors
        return grads[0].clamp(min=0) * gain, None, None


_AS_THEY_ARE: Mapping[str, str] = dict.fromkeys(
    ("softmax", "log_softmax", "scaled_dot_product_attention", "multi_head_attention_forward"),
    "attention",
) | dict.fromkeys(
    ("layer_norm", "group_norm", "instance_norm", "rms_norm", "local_response_norm", "normalize"),
    "normalisation",
)
"""Operations that the method leaves alone, and what they are called."""

_WINNERS_WORDS = """
max min maximum minimum amin topk sort max_pool1d max_pool3d max_pool2d_with_indices
adaptive_max_pool1d adaptive_max_pool3d adaptive_max_pool2d_with_indices
"""
_WINNERS = frozenset(_WINNERS_WORDS.split())
"""All goes to the largest or smallest, as in max pooling."""

_SIDE_BY_SIDE = frozenset(["stack", "cat", "concat", "concatenate", "hstack", "vstack"])


class GuidedRules(Rules):
    """Guided Backpropagation."""

    method = "Guided Backpropagation"
    own = (_Valve,)
    chooses = True

    def __init__(self) -> None:
        super().__init__()
        self._beside_constants = WeakTensorKeyDictionary()

    def activation(self, function: Function, x: Tensor) -> Tensor:
        """Let through what is positive, where the activation rises."""
        if not x.requires_grad:
            return super().activation(function, x)
        y, rise = value_and_slope(function, x)
        found: Tensor = _Valve.apply(x, y, self.gain(rise))
        return found

    def product(self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Let through what is positive, to each factor where the other is positive."""
        result = func(*args, **keywords)
        if len(depends(args, *keywords.values())) < 2:
            return result
        if name_of(func) not in {"mul", "multiply"}:
            self.beyond.add("matrix products of two activations")
            return result
        self.activations.add("products of two activations")
        a, b = (factor.expand_as(result) for factor in args)
        y = result.detach()
        one: Tensor = _Valve.apply(a, y, b.detach().clamp(min=0))
        other = _Valve.apply(b, torch.zeros_like(y), a.detach().clamp(min=0))
        return one + other

    def other(
        self, func: Function, name: str, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Attention and normalisation as they are; what is unknown is refused."""
        result = func(*args, **keywords)
        if name in _AS_THEY_ARE and depends(args, *keywords.values()):
            self.beyond.add(_AS_THEY_ARE[name])
        elif name in _WINNERS:
            self._refuse_rectifier(args)
        else:
            if name in _SIDE_BY_SIDE:
                parts = args[0] if args else keywords["tensors"]
                if not all(map(depends, parts)):
                    self._beside_constants[result] = True
            return self.refuse_unknown(name, args, keywords, result)
        return result

    def maximum(self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """All goes to the winner."""
        self._refuse_rectifier(args)
        return super().maximum(func, args, keywords)

    def _refuse_rectifier(self, args: tuple[Any, ...]) -> None:
        """Refuse a ReLU that is written as the larger of an activation and zero, side by side."""
        if args[0] in self._beside_constants:
            raise NoRule(f"{self.method} has no rule for the largest of activations and constants")

    def gain(self, rise: Tensor) -> Tensor:
        """How far an activation of that slope is open: the slope where that is positive."""
        return rise.clamp(min=0)


class GuidedTrial(GuidedRules):
    """Notes what Guided Backpropagation meets on the way there; back is closed."""

    def activation(self, function: Function, x: Tensor) -> Tensor:
        """Spare the slope."""
        y = super(GuidedRules, self).activation(function, x.detach())
        found: Tensor = _Valve.apply(x, y, y.new_zeros(())) if x.requires_grad else y
        return found


class DeconvolutionRules(GuidedRules):
    """Deconvolution."""

    method = "Deconvolution"

    def gain(self, rise: Tensor) -> Tensor:
        """Open everywhere."""
        return torch.ones_like(rise)


def _explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
    rules: type[GuidedRules],
) -> Attribution:
    image, score = tensor(classifier, net_input), score_of(classifier, target, card.scale)

    def gradient(samples: object, x: Tensor) -> Tensor:
        return gradients(classifier, x, score, rules())

    sampler = Contribution(image, torch.ones_like(image))
    return explain_samples(
        classifier, net_input, target, card, settings, watch, sampler, gradient=gradient
    )


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Guided Backpropagation, summed over channels; see :meth:`Explainer.explain`."""
    return _explain(classifier, net_input, target, card, settings, watch, GuidedRules)


def explain_deconvolution(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Deconvolution, summed over channels; see :meth:`Explainer.explain`."""
    return _explain(classifier, net_input, target, card, settings, watch, DeconvolutionRules)
