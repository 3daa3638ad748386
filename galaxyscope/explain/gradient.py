"""One pass back: gradient and input × gradient.

Gradient: Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034. Input × gradient: Shrikumar et
al. 2016, arXiv:1605.01713.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import explain_samples, tensor
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.work.watch import Watch


class Strength:
    """A single sample without noise; |∂y/∂x|, maximum over channels.

    Parameters
    ----------
    image : Tensor, shape (1, 3, size, size)
    """

    signed = False
    count = 1
    channels = 3

    def __init__(self, image: torch.Tensor) -> None:
        self._image = image

    def inputs(self, samples: Sequence[int]) -> torch.Tensor:
        """Return the picture."""
        return self._image

    def maps(
        self, samples: Sequence[int], gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return absolute gradients, with weight one."""
        return gradients.abs(), gradients.new_ones(len(samples), 1, 1, 1)

    def reduce(self, stack: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """Take the largest channel."""
        return stack.amax(-3)


class Contribution(Strength):
    """A single sample without noise; gradient × factor, summed over channels.

    Parameters
    ----------
    image : Tensor, shape (1, 3, size, size)
    factor : Tensor, shape (1, 3, size, size)
        The picture, or its difference from a baseline; ones for the gradient itself.
    """

    signed = True

    def __init__(self, image: torch.Tensor, factor: torch.Tensor) -> None:
        super().__init__(image)
        self._factor = factor

    def maps(
        self, samples: Sequence[int], gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return gradient × factor, with weight one."""
        return gradients * self._factor, gradients.new_ones(len(samples), 1, 1, 1)

    def reduce(self, stack: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """Sum over channels."""
        return stack.sum(-3)


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Maximum over channels of |∂ logit / ∂ input|; see :meth:`Explainer.explain`."""
    sampler = Strength(tensor(classifier, net_input))
    return explain_samples(classifier, net_input, target, card, settings, watch, sampler)


def explain_times_input(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Sum over channels of input × ∂ logit / ∂ input; see :meth:`Explainer.explain`."""
    image = tensor(classifier, net_input)
    sampler = Contribution(image, image)
    return explain_samples(classifier, net_input, target, card, settings, watch, sampler)
