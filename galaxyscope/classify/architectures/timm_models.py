"""Architectures of the library timm, where it is installed (``pip install galaxyscope[timm]``)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

TIMM = "timm/"

_TAKEN_WORDS = """
model_name num_classes in_chans pretrained pretrained_cfg pretrained_cfg_overlay checkpoint_path
cache_dir
"""
_TAKEN = frozenset(_TAKEN_WORDS.split())
"""Arguments of timm that are ours, or that would load a file."""


class TimmModel(nn.Module):
    """A timm network behind the normalisation that it was made for.

    Parameters
    ----------
    network : torch.nn.Module
        Maps normalised pictures to logits.
    mean, std : tuple of float
        Of red, green, blue.
    """

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 3, h, w), values in [0, 1], to logits (n, outputs)."""
        logits: Tensor = self.network((x - self.get_buffer("mean")) / self.get_buffer("std"))
        return logits


def timm_model(name: str, outputs: int, **parameters: Any) -> TimmModel:
    """Build a timm network without weights; nothing is ever downloaded.

    Parameters
    ----------
    name : str
        As timm knows it: ``"convnext_nano"``.
    outputs : int
    **parameters
        What the network takes; ``mean`` and ``std`` of the pictures (three numbers each)
        replace those that timm has for it.

    Raises
    ------
    ValueError
        If timm is not there, has no such network, or a parameter would load weights.
    """
    try:
        import timm
    except (ImportError, RuntimeError) as error:  # torchvision of another build: RuntimeError
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"it needs timm, which is not installed or does not start ({reason})"
        ) from error
    if taken := sorted(_TAKEN & parameters.keys()):
        raise ValueError(f"parameters that a card may not give: {', '.join(taken)}")
    if not timm.is_model(name):  # names with a source, "hf-hub:…", are no models here
        raise ValueError(f"timm has no network called {name!r}")
    mean, std = parameters.pop("mean", None), parameters.pop("std", None)
    # The weights of a fused attention cannot be seen, and explainers ask for them.
    timm.layers.set_fused_attn(False)
    network = timm.create_model(name, pretrained=False, num_classes=outputs, **parameters)
    made_for = network.pretrained_cfg
    return TimmModel(network, tuple(mean or made_for["mean"]), tuple(std or made_for["std"]))
