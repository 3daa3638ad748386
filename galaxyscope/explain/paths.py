"""Gradients along the way from a dark sky to the picture.

Integrated Gradients (Sundararajan, Taly & Yan 2017, arXiv:1703.01365): mean gradient on the
straight line from the black sky, times the picture. The map sums to the change of the logit.
The line is cut into equal steps with the gradient in the middle of each, which is of second
order in the step.

Smooth IG: the mean of Integrated Gradients of noisy copies (Smilkov et al. 2017,
arXiv:1706.03825, applied to it as Goh et al. 2021, arXiv:2007.10685).

GradientSHAP, also called expected gradients (Lundberg & Lee 2017, arXiv:1705.07874; Erion et
al. 2021, arXiv:1906.10670): a random place between a random reference sky and the noisy
picture, gradient there × (picture − reference). The places are drawn from equal parts of the
way, one from each, which leaves the mean and takes most of its scatter. References are black
skies with noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import (
    answers,
    batch_size,
    block_count,
    explain_samples,
    steady,
    tensor,
)
from galaxyscope.explain.gradient import Contribution
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.smoothgrad import noise
from galaxyscope.explain.target import Score, score_of
from galaxyscope.work.watch import Watch

_SKIES = 2**32
"""Seeds of reference skies start here, away from those of the noise on the picture."""


def references(numbers: Sequence[int], like: torch.Tensor, sigma: float, seed: int) -> torch.Tensor:
    """Black skies with Gaussian noise, shape (n, 3, size, size); each from its own number."""
    return noise(numbers, like, sigma, seed + _SKIES)


class _Line(Contribution):
    """Steps on the line from the black sky to each of some noisy copies of the picture.

    Sample ``step · copies + copy``, so that each block has whole lines.
    """

    def __init__(
        self, image: torch.Tensor, steps: int, copies: int = 1, sigma: float = 0.0, seed: int = 0
    ) -> None:
        super().__init__(image, image)
        self.count = steps * copies
        self._steps, self._copies, self._sigma, self._seed = steps, copies, sigma, seed

    def _ends(self, samples: Sequence[int]) -> torch.Tensor:
        if not self._sigma:
            return self._image.expand(len(samples), -1, -1, -1)
        copies = [sample % self._copies for sample in samples]
        return self._image + noise(copies, self._image, self._sigma, self._seed)

    def inputs(self, samples: Sequence[int]) -> torch.Tensor:
        """Points in the middle of the steps."""
        share = [(sample // self._copies + 0.5) / self._steps for sample in samples]
        return self._ends(samples) * self._image.new_tensor(share)[:, None, None, None]

    def maps(
        self, samples: Sequence[int], gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Gradient × end of the line."""
        return gradients * self._ends(samples), gradients.new_ones(len(samples), 1, 1, 1)


class _Between(Contribution):
    """Random places between reference skies and noisy copies of the picture."""

    def __init__(self, image: torch.Tensor, settings: Mapping[str, Any]) -> None:
        super().__init__(image, image)
        self.count, self._seed = int(settings["samples"]), int(settings["seed"])
        self._skies = int(settings["references"])
        self._sigma = float(settings["noise"]) * float(image.max() - image.min())

    def reference(self, samples: Sequence[int]) -> torch.Tensor:
        """Return the reference sky of each sample: they take turns, alike in every block."""
        blocks = block_count(self.count)
        numbers = [(sample // blocks) % self._skies for sample in samples]
        return references(numbers, self._image, self._sigma, self._seed)

    def inputs(self, samples: Sequence[int]) -> torch.Tensor:
        """Return the random places: each sample has its own part of the way."""
        draws = [np.random.default_rng((self._seed, sample, 1)).random() for sample in samples]
        share = [(sample + draw) / self.count for sample, draw in zip(samples, draws, strict=True)]
        place = self._image.new_tensor(share)[:, None, None, None]
        noisy = self._image + noise(samples, self._image, self._sigma, self._seed)
        sky = self.reference(samples)
        return sky + place * (noisy - sky)

    def maps(
        self, samples: Sequence[int], gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Gradient × (picture − reference)."""
        found = gradients * (self._image - self.reference(samples))
        return found, gradients.new_ones(len(samples), 1, 1, 1)


def change(
    classifier: Classifier, image: torch.Tensor, skies: torch.Tensor, score: Score, watch: Watch
) -> float:
    """Score of the picture less the mean score of the reference skies."""
    size = batch_size(classifier, image.shape[-1])
    with steady(classifier.network):
        found = [answers(classifier, image, score)]
        for start in range(0, len(skies), size):
            watch.check()
            found.append(answers(classifier, skies[start : start + size], score))
    watch.check()
    return float(found[0][0] - torch.cat(found[1:]).mean())


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Integrated Gradients from the black sky; see :meth:`Explainer.explain`."""
    image, score = tensor(classifier, net_input), score_of(classifier, target, card.scale)
    promise = change(classifier, image, torch.zeros_like(image), score, watch)
    sampler = _Line(image, int(settings["steps"]))
    return explain_samples(
        classifier, net_input, target, card, settings, watch, sampler, blocks=1, promise=promise
    )


def explain_smooth(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Smooth IG; see :meth:`Explainer.explain`.

    With blocks where the number of copies is a multiple of theirs: each has whole lines.
    """
    image, copies = tensor(classifier, net_input), int(settings["copies"])
    sigma = float(settings["noise"]) * float(image.max() - image.min())
    sampler = _Line(image, int(settings["steps"]), copies, sigma, int(settings["seed"]))
    blocks = block_count(sampler.count)
    return explain_samples(
        classifier,
        net_input,
        target,
        card,
        settings,
        watch,
        sampler,
        blocks=blocks if copies % blocks == 0 else 1,
    )


def explain_shap(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """GradientSHAP; see :meth:`Explainer.explain`."""
    image, score = tensor(classifier, net_input), score_of(classifier, target, card.scale)
    sampler = _Between(image, settings)
    sigma = float(settings["noise"]) * float(image.max() - image.min())
    skies = references(range(int(settings["references"])), image, sigma, int(settings["seed"]))
    promise = change(classifier, image, skies, score, watch)
    return explain_samples(
        classifier, net_input, target, card, settings, watch, sampler, promise=promise
    )
