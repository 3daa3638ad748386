"""Several networks that answer together: the mean of what they say, and how far they differ.

Averaging the predictions of networks of different architecture is what Bhambra, Joachimi &
Lahav 2022 (MNRAS 511, 5032, section 3) do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from galaxyscope.classify.card import ModelCard, ModelError

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier

_SHARED = ("classes", "activation", "input_size", "frame", "field_r90", "field_px", "stretch")


class MeanLogits(nn.Module):
    """Mean of the logits of several networks, differentiable.

    Parameters
    ----------
    networks : sequence of torch.nn.Module
        One of them may have moved to another device, where memory ran out.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, size, size) to (n, classes)."""
        found = [
            # a copy: a network may work on it in place
            network(x.to(_device(network, x), copy=True)).to(x.device)
            for network in self.networks
        ]
        return torch.stack(found).mean(dim=0)


def _device(network: nn.Module, x: Tensor) -> torch.device:
    weights = chain(network.parameters(), network.buffers())
    return next((weight.device for weight in weights), x.device)


def joint_sha256(hashes: Sequence[str]) -> str:
    """Hash of an ensemble: SHA-256 of its members' hashes, one per line, in the card's order."""
    return hashlib.sha256("".join(f"{one}\n" for one in hashes).encode()).hexdigest()


def check_members(card: ModelCard, members: Sequence[Classifier]) -> None:
    """Require that members answer the same question about the same input.

    Raises
    ------
    ModelError
        Naming the first member that does not fit, and in what.
    """
    for name, member in zip(card.members, members, strict=True):
        for field in _SHARED:
            if getattr(member.card, field) != getattr(card, field):
                raise ModelError(card.name, f"its member {name} has another {field} than its card")
    if joint_sha256([member.card.sha256 for member in members]) != card.sha256:
        raise ModelError(card.name, "the members are not those the card was written for")
