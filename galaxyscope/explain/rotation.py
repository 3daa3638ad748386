"""Rotation-averaged SmoothGrad: every noise sample sees the galaxy turned its own way.

A galaxy has no preferred direction, but a trained network answers each orientation with its
own accidents. Sample ``k`` of N shows the picture rotated by ``k · 2π/N``, every second one
mirrored, with noise added in the network's frame. The signed gradient × (noiseless) picture
is turned back to the sky before it is averaged: accidents cancel, and what all orientations
agree on stays.

Geometry. A turn is a bilinear rotation by at most 45° followed by an exact quarter turn and
an exact mirror. What comes into the frame from outside is the picture's reflection, as in
training with rotations: black corners would be edges that the network sees. The map is turned
back by the same interpolation; there the outside counts nothing, and each pixel is averaged
over the orientations in which it was in the frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import block_count, explain_samples, tensor
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.smoothgrad import noise
from galaxyscope.work.watch import Watch


@dataclass(frozen=True)
class Turn:
    """Rotation by ``quarters · 90° + radians`` (counter-clockwise, row 0 on top), then mirror.

    Parameters
    ----------
    quarters : int
        Exact quarter turns, 0 to 3.
    radians : float
        The rest, within ±π/4; 0 for an exact turn.
    mirror : bool
        Left and right exchanged afterwards.
    """

    quarters: int
    radians: float
    mirror: bool


def turn_of(sample: int, samples: int) -> Turn:
    """Orientation of one sample: ``sample · 2π/samples``, every second one of a block mirrored.

    In integers, so that quarter turns are exact.
    """
    quarters = (8 * sample + samples) // (2 * samples)  # nearest quarter turn
    rest = 4 * sample - quarters * samples  # in units of π / (2 samples)
    mirror = sample // block_count(samples) % 2 == 1
    return Turn(quarters % 4, rest * math.pi / (2 * samples), mirror)


def turned(x: torch.Tensor, turns: Sequence[Turn]) -> torch.Tensor:
    """Turn pictures: (n, C, size, size) → the same shape; reflected beyond the frame."""
    x = _rotated(x, [turn.radians for turn in turns], "reflection")

    def turn(some: torch.Tensor, quarters: int, mirror: bool) -> torch.Tensor:
        some = torch.rot90(some, quarters, (-2, -1))
        return some.flip(-1) if mirror else some

    return _alike(x, turns, turn)


def turned_back(x: torch.Tensor, turns: Sequence[Turn]) -> torch.Tensor:
    """Undo :func:`turned` for maps; zero beyond the frame."""

    def turn(some: torch.Tensor, quarters: int, mirror: bool) -> torch.Tensor:
        return torch.rot90(some.flip(-1) if mirror else some, -quarters, (-2, -1))

    return _rotated(_alike(x, turns, turn), [-turn.radians for turn in turns], "zeros")


def _alike(
    x: torch.Tensor,
    turns: Sequence[Turn],
    turn: Callable[[torch.Tensor, int, bool], torch.Tensor],
) -> torch.Tensor:
    """Turn by quarters and mirror; those that are turned alike at once."""
    groups: dict[tuple[int, bool], list[int]] = {}
    for place, one in enumerate(turns):
        groups.setdefault((one.quarters, one.mirror), []).append(place)
    order = [place for places in groups.values() for place in places]
    parts = torch.split(x[order], [len(places) for places in groups.values()])
    found = [turn(part, *group) for part, group in zip(parts, groups, strict=True)]
    return torch.cat(found)[np.argsort(order)]


def _rotated(
    x: torch.Tensor, radians: Sequence[float], outside: Literal["reflection", "zeros"]
) -> torch.Tensor:
    """Bilinear rotation about the centre of the frame; angle 0 leaves the picture as it is."""
    if not any(radians):
        return x
    rows = [[[math.cos(a), -math.sin(a), 0.0], [math.sin(a), math.cos(a), 0.0]] for a in radians]
    grid = functional.affine_grid(x.new_tensor(rows), list(x.shape), align_corners=False)
    sampled = functional.grid_sample(
        x, grid, mode="bilinear", padding_mode=outside, align_corners=False
    )
    still = torch.tensor([a == 0 for a in radians], device=x.device)[:, None, None, None]
    return torch.where(still, x, sampled)


class TurningSampler:
    """Signed gradient × input of turned, noisy copies, turned back to the sky.

    Parameters
    ----------
    image : Tensor, shape (1, 3, size, size)
    settings : mapping
        ``samples`` N; ``noise`` S_noise = σ / (x_max − x_min); ``seed``.
    """

    signed = True
    channels = 1

    def __init__(self, image: torch.Tensor, settings: Mapping[str, Any]) -> None:
        self.count = int(settings["samples"])
        self._image, self._seed = image, int(settings["seed"])
        self._sigma = float(settings["noise"]) * float(image.max() - image.min())
        self._shown: tuple[tuple[int, ...], torch.Tensor] = ((), image)

    def _turns(self, samples: Sequence[int]) -> list[Turn]:
        return [turn_of(sample, self.count) for sample in samples]

    def _pictures(self, samples: Sequence[int]) -> torch.Tensor:
        # Asked for twice per batch: for the network, and for the product with its gradient.
        if self._shown[0] != tuple(samples):
            copies = self._image.expand(len(samples), -1, -1, -1)
            self._shown = tuple(samples), turned(copies, self._turns(samples))
        return self._shown[1]

    def inputs(self, samples: Sequence[int]) -> torch.Tensor:
        """Turn the picture, then add noise in the network's frame."""
        return self._pictures(samples) + noise(samples, self._image, self._sigma, self._seed)

    def maps(
        self, samples: Sequence[int], gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Gradient × input summed over channels, and coverage, both turned back."""
        found = (gradients * self._pictures(samples)).sum(1, keepdim=True)
        both = torch.cat([found, torch.ones_like(found)], dim=1)
        back = turned_back(both, self._turns(samples))
        return back[:, :1], back[:, 1:]

    def reduce(self, stack: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """There is one channel."""
        return stack.squeeze(-3)


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Rotation-averaged gradient × input; see :meth:`Explainer.explain`.

    Signed: the positive part speaks for the target and is what bars are measured on.
    """
    sampler = TurningSampler(tensor(classifier, net_input), settings)
    return explain_samples(classifier, net_input, target, card, settings, watch, sampler)
