"""Guided Backpropagation and Deconvolution: only what speaks for the answer goes back.

Guided Backpropagation (Springenberg et al. 2015, arXiv:1412.6806): at each ReLU the way back
lets through what is positive, where the ReLU was open. Deconvolution (Zeiler & Fergus 2014,
arXiv:1311.2901): what is positive, wherever the ReLU was.

The latter sees the picture only in its max pooling; networks without are refused.

Both are made for ReLU. Other activations (SiLU, GELU …) have no closed side, but a slope f′;
here the way back is max(g, 0) · max(f′(x), 0) for Guided Backpropagation and max(g, 0) for
Deconvolution, which are the published rules where f is ReLU.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import explain_samples, gradients, tensor
from galaxyscope.explain.gradient import Contribution
from galaxyscope.explain.operations import Function, Rules, slope
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.target import score_of
from galaxyscope.work.watch import Watch


class _Valve(torch.autograd.Function):
    """The value as it is; back goes max(g, 0) × gain."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, gain: Tensor) -> Tensor:
        ctx.save_for_backward(gain)
        return y.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (gain,) = ctx.saved_tensors
        return grads[0].clamp(min=0) * gain, None, None


class GuidedRules(Rules):
    """Guided Backpropagation."""

    method = "Guided Backpropagation"

    def activation(self, function: Function, x: Tensor) -> Tensor:
        """Let through what is positive, where the activation rises."""
        if not x.requires_grad:
            return super().activation(function, x)
        found: Tensor = _Valve.apply(x, function(x.detach()), self.gain(function, x))
        return found

    def gain(self, function: Function, x: Tensor) -> Tensor:
        """How far the activation is open: its slope where that is positive."""
        return slope(function, x).clamp(min=0)


class DeconvolutionRules(GuidedRules):
    """Deconvolution."""

    method = "Deconvolution"

    def gain(self, function: Function, x: Tensor) -> Tensor:
        """Open everywhere."""
        return torch.ones_like(x)


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
