"""Network architectures: pure torch, built by name from the parameters on a model card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from galaxyscope.classify.architectures.preact_resnet import preact_resnet

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = {"preact-resnet": preact_resnet}


def build(architecture: str, outputs: int, parameters: Mapping[str, Any]) -> nn.Module:
    """Make an untrained network.

    Parameters
    ----------
    architecture : str
        A key of `ARCHITECTURES`.
    outputs : int
        Number of logits.
    parameters : mapping
        Keyword arguments of the architecture.

    Raises
    ------
    ValueError
        If there is no such architecture, or it does not take these parameters.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(
            f"no architecture called {architecture!r}; there are: "
            f"{', '.join(sorted(ARCHITECTURES))}"
        )
    try:
        return ARCHITECTURES[architecture](outputs=outputs, **parameters)
    except TypeError as error:
        raise ValueError(f"architecture {architecture!r}: {error}") from error
