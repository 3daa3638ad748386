"""From the bytes of a weights file to a network; what does not fit is said in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from galaxyscope.classify.architectures import build
from galaxyscope.classify.card import ModelCard, ModelError
from galaxyscope.work.reasons import first_line

_SHOWN = 3


def fill(card: ModelCard, data: bytes) -> nn.Module:
    """Build the network that a card names and give it the weights of a safetensors file.

    Parameters
    ----------
    card : ModelCard
    data : bytes
        The file. Weights stored as float16 or bfloat16 become float32.

    Raises
    ------
    ModelError
        If the file is damaged, has more or fewer tensors than the network, others in shape
        or kind, or values that are not finite; or if the network cannot see pictures of
        ``card.input_size``.
    """

    def wrong(reason: str) -> ModelError:
        return ModelError(card.name, f"card and weights do not fit together ({reason})")

    try:
        weights = load(data)
        outline = _outline(card)
        if outline is not None:
            _compare(outline.state_dict(), weights)
            _shown(outline, card)
        network = build(card.architecture, len(card.classes), card.parameters)
        _compare(network.state_dict(), weights)
        network.load_state_dict(weights)
    except (SafetensorError, RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        raise wrong(first_line(error)) from error
    except (TypeError, AttributeError, LookupError, AssertionError) as error:
        # Architectures check their parameters; this is for what slips through.
        said = f"the network cannot be built, {type(error).__name__}: {error}"
        raise wrong(said[:300]) from error
    return network


def _outline(card: ModelCard) -> nn.Module | None:
    """Build a network whose tensors have names and shapes, but no memory.

    So a card whose network does not fit the file, or that lies about the size of pictures, is
    refused before gigabytes are asked for.
    """
    try:
        with torch.device("meta"):
            return build(card.architecture, len(card.classes), card.parameters)
    except ValueError:
        # Some networks compute with their values while they are built; others have no right
        # parameters, and the real attempt says what is wrong.
        return None


def _shown(outline: nn.Module, card: ModelCard) -> None:
    """Show an outline a picture of the card's size; only shapes are computed."""
    size = card.input_size
    picture = torch.empty((1, 3, size, size), device="meta")
    try:
        with torch.no_grad():
            outline.eval()
            outline(picture)
    except NotImplementedError:
        return  # it asks for values, which an outline does not have
    except (RuntimeError, ValueError, AssertionError, ArithmeticError, LookupError) as error:
        raise ValueError(
            f"the network does not take pictures of {size}×{size} px: {first_line(error)}"
        ) from error


def _compare(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    if missing := [name for name in wanted if name not in found]:
        raise ValueError(f"the file has no {_few(missing)}")
    if extra := [name for name in found if name not in wanted]:
        raise ValueError(f"the network has no {_few(extra)}")
    for name, tensor in wanted.items():
        given = found[name]
        if given.shape != tensor.shape:
            shapes = f"{tuple(given.shape)} and not {tuple(tensor.shape)}"
            raise ValueError(f"the shape of {name} is {shapes}")
        if given.is_complex() or given.is_floating_point() != tensor.is_floating_point():
            raise ValueError(f"{name} has numbers of the kind {str(given.dtype)[6:]}")
        if given.is_floating_point() and not bool(torch.isfinite(given.float()).all()):
            raise ValueError(f"{name} has values that are not finite")


def _few(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
