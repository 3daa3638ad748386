"""The plain gradient (Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import explain_samples, tensor
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.work.watch import Watch


class _Once:
    """A single sample without noise; |∂y/∂x|, maximum over channels."""

    signed = False
    count = 1
    channels = 3

    def __init__(self, image: torch.Tensor) -> None:
        self._image = image

    def inputs(self, samples: Sequence[int]) -> torch.Tensor:
        return self._image

    def maps(
        self, samples: Sequence[int], gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return gradients.abs(), gradients.new_ones(len(samples), 1, 1, 1)

    def reduce(self, stack: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        return stack.amax(-3)


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Maximum over channels of |∂ logit / ∂ input|; see :meth:`Explainer.explain`."""
    sampler = _Once(tensor(classifier, net_input))
    return explain_samples(classifier, net_input, target, card, settings, watch, sampler)
