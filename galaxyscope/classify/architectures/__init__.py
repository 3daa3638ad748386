"""Network architectures: pure torch, built by name from the parameters on a model card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from galaxyscope.classify.architectures.densenet import densenet121
from galaxyscope.classify.architectures.mobilenet import mobilenetv2
from galaxyscope.classify.architectures.preact_resnet import preact_resnet
from galaxyscope.classify.architectures.resnet import resnet50, resnet50v2
from galaxyscope.classify.architectures.three_block import three_block
from galaxyscope.classify.architectures.timm_models import TIMM, timm_model
from galaxyscope.classify.architectures.vgg import vgg16
from galaxyscope.classify.architectures.vit import vit
from galaxyscope.classify.architectures.xception import xception

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = {
    "vgg16": vgg16,
    "resnet50": resnet50,
    "resnet50v2": resnet50v2,
    "xception": xception,
    "densenet121": densenet121,
    "mobilenetv2": mobilenetv2,
    "vit": vit,
    "three-block": three_block,
    "preact-resnet": preact_resnet,
}


def build(architecture: str, outputs: int, parameters: Mapping[str, Any]) -> nn.Module:
    """Make an untrained network.

    Parameters
    ----------
    architecture : str
        A key of `ARCHITECTURES`, or ``timm/<name>`` where timm is installed.
    outputs : int
        Number of logits.
    parameters : mapping
        Keyword arguments of the architecture.

    Returns
    -------
    torch.nn.Module
        Maps (n, 3, h, w), values in [0, 1], to logits (n, outputs).

    Raises
    ------
    ValueError
        If there is no such architecture, or it does not take these parameters.
    """
    try:
        if architecture.startswith(TIMM):
            return timm_model(architecture.removeprefix(TIMM), outputs, **parameters)
        if architecture in ARCHITECTURES:
            return ARCHITECTURES[architecture](outputs=outputs, **parameters)
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise ValueError(f"architecture {architecture!r}: {error}") from error
    raise ValueError(
        f"no architecture called {architecture!r}; there are: "
        f"{', '.join(sorted(ARCHITECTURES))} and {TIMM}<name>"
    )
