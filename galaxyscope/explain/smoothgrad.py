"""SmoothGrad (Smilkov et al. 2017, arXiv:1706.03825) in the two forms of the bar paper.

``tf-keras-vis``: mean over N of |∂y/∂x| per channel, then the maximum over channels, as
Bhambra, Joachimi & Lahav (2022, MNRAS 511, 5032) ran it. ``signed``: their equation 2, the
mean of ∂y/∂x; channels are *summed*, which keeps the sign and is the reaction of the logit to
the same amount of light added in all of them.

And what the same noisy copies say in second order, summed over channels: SmoothGrad², the mean
of (∂y/∂x)² (Hooker et al. 2019, arXiv:1806.10758), and VarGrad, the variance of ∂y/∂x (Adebayo
et al. 2018, arXiv:1810.03292).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import torch

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import explain_samples, gradients, steady, tensor
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.target import score_of
from galaxyscope.work.watch import Watch

_THREADS = min(8, os.cpu_count() or 1)
"""That draw for a graphics card: one draws more slowly than a card explains."""


class NoisySampler:
    """Noisy copies of one picture, and the mean of what the network's gradient says there.

    Parameters
    ----------
    image : Tensor, shape (1, 3, size, size)
    settings : mapping
        ``samples`` N; ``noise`` S_noise = σ / (x_max − x_min); ``times_input`` X_input;
        ``seed``.
    signed : bool
        Mean of ∂y/∂x, summed over channels; else mean of |∂y/∂x|, maximum over channels.
    """

    channels = 3

    def __init__(self, image: torch.Tensor, settings: Mapping[str, Any], signed: bool) -> None:
        self.signed = signed
        self.count = int(settings["samples"])
        self._image, self._seed = image, int(settings["seed"])
        self._factor = image if settings["times_input"] else torch.ones_like(image)
        self._sigma = float(settings["noise"]) * float(image.max() - image.min())

    def inputs(self, samples: Sequence[int]) -> torch.Tensor:
        """Noisy copies."""
        return self._image + noise(samples, self._image, self._sigma, self._seed)

    def maps(
        self, samples: Sequence[int], gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Gradients per channel, each sample with weight one."""
        found = gradients if self.signed else gradients.abs()
        return found * self._factor, found.new_ones(len(samples), 1, 1, 1)

    def reduce(self, stack: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """Sum over channels, or the channel where the mean of all samples is largest."""
        if self.signed:
            return stack.sum(-3)
        strongest = mean.argmax(-3, keepdim=True).expand(*stack.shape[:-3], 1, *mean.shape[-2:])
        return stack.gather(-3, strongest).squeeze(-3)


class SquareSampler(NoisySampler):
    """Mean of the squared gradient, or its variance, of noisy copies; summed over channels.

    Parameters
    ----------
    image, settings
        As for :class:`NoisySampler`, without ``times_input``.
    centre : Tensor, shape (1, 3, size, size), optional
        Any guess of the mean gradient; with it the variance is taken. Gradients are counted
        from there, because the difference of two large numbers loses digits.
    """

    def __init__(
        self,
        image: torch.Tensor,
        settings: Mapping[str, Any],
        centre: torch.Tensor | None = None,
    ) -> None:
        super().__init__(image, {**settings, "times_input": False}, signed=False)
        self._centre = centre
        self.channels = 3 if centre is None else 6

    def maps(
        self, samples: Sequence[int], gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Squares; for the variance with the gradients themselves."""
        weights = gradients.new_ones(len(samples), 1, 1, 1)
        if self._centre is None:
            return gradients.square(), weights
        off = gradients - self._centre
        return torch.cat([off.square(), off], dim=1), weights

    def reduce(self, stack: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """Sum over channels; deviations are taken from the mean of all samples."""
        if self._centre is None:
            return stack.sum(-3)
        squares, off = stack.split(3, dim=-3)
        middle = mean[3:]
        return (squares - 2 * middle * off + middle.square()).sum(-3).clamp(min=0)


def noise(samples: Sequence[int], like: torch.Tensor, sigma: float, seed: int) -> torch.Tensor:
    """Gaussian noise, drawn for each sample from a generator of its own.

    So a sample has the same noise whatever the batch it is in and whatever the device.

    Parameters
    ----------
    samples : sequence of int
        Numbers of the samples.
    like : Tensor, shape (1, 3, size, size)
        Gives shape and device.
    sigma : float
        Standard deviation in the units of the network input.
    seed : int

    Returns
    -------
    Tensor, shape (n, 3, size, size)
    """
    drawn = torch.empty((len(samples), *like.shape[1:]), pin_memory=like.is_cuda)

    def draw(places: torch.Tensor, numbers: Sequence[int]) -> None:
        generator = torch.Generator()
        for place, number in zip(places, numbers, strict=True):
            # Mixed, since nearby seeds shall not give similar streams.
            (mixed,) = np.random.SeedSequence((seed, number)).generate_state(1)
            place.normal_(generator=generator.manual_seed(int(mixed)))

    if like.device.type == "cpu":  # whose threads the network needs
        draw(drawn, samples)
        return drawn * sigma
    each = -(-len(samples) // _THREADS)
    parts = [slice(start, start + each) for start in range(0, len(samples), each)]
    for _ in _threads().map(draw, [drawn[p] for p in parts], [samples[p] for p in parts]):
        pass
    return drawn.to(like.device, non_blocking=like.is_cuda) * sigma


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="drawing-noise")


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """SmoothGrad in the form that the card names; see :meth:`Explainer.explain`."""
    signed = card.name == "smoothgrad/signed"
    sampler = NoisySampler(tensor(classifier, net_input), settings, signed)
    return explain_samples(classifier, net_input, target, card, settings, watch, sampler)


def explain_squared(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """SmoothGrad²; see :meth:`Explainer.explain`."""
    sampler = SquareSampler(tensor(classifier, net_input), settings)
    return explain_samples(classifier, net_input, target, card, settings, watch, sampler)


def explain_variance(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """VarGrad; see :meth:`Explainer.explain`."""
    image, score = tensor(classifier, net_input), score_of(classifier, target, card.scale)
    with steady(classifier.network):
        centre = gradients(classifier, image, score)
    watch.check()
    sampler = SquareSampler(image, settings, centre)
    return explain_samples(classifier, net_input, target, card, settings, watch, sampler)
