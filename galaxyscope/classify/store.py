"""Which models there are, and loading one: safetensors and a card, never a pickle."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import appdirs

from galaxyscope.classify.card import CARD_FILE, WEIGHTS_FILE, ModelCard, ModelError, read_card
from galaxyscope.resources import models_folder

if TYPE_CHECKING:
    import torch

    from galaxyscope.classify.classifier import Classifier

DEFAULT_MODEL = "galaxyzoo"
DEVICES = ("auto", "cpu", "cuda", "mps")


def model_folders() -> dict[str, Path]:
    """Folders that hold a model, by name: the shipped ones, then the user's own."""
    own = Path(appdirs.user_data_dir("galaxyscope", appauthor=False)) / "models"
    found: dict[str, Path] = {}
    for parent in (models_folder(), own):
        if parent.is_dir():
            for folder in sorted(parent.iterdir()):
                if (folder / CARD_FILE).is_file():
                    found.setdefault(folder.name, folder)
    return found


def list_models() -> tuple[ModelCard, ...]:
    """Cards of all models that can be loaded, the default one first; broken cards are left out."""
    cards = []
    for folder in model_folders().values():
        try:
            cards.append(read_card(folder))
        except ModelError:
            continue
    return tuple(sorted(cards, key=lambda card: (card.name != DEFAULT_MODEL, card.name)))


def load_model(name: str | Path | None = None, device: str = "auto") -> Classifier:
    """Load a model.

    Parameters
    ----------
    name : str or Path, optional
        Name of a shipped or installed model, or a model folder; default: the shipped
        Galaxy Zoo one.
    device : {"auto", "cpu", "cuda", "mps"}

    Raises
    ------
    ModelError
        If there is no such model, or its card, weights and hash do not fit together.
    """
    folder = _folder_of(DEFAULT_MODEL if name is None else name)
    card = read_card(folder)
    weights = folder / WEIGHTS_FILE
    try:
        found = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(card.name, f"{WEIGHTS_FILE} cannot be read ({error.strerror})") from error
    if found != card.sha256:
        raise ModelError(card.name, "the weights are not those the card was written for")

    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from galaxyscope.classify.architectures import build
    from galaxyscope.classify.classifier import Classifier

    try:
        network = build(card.architecture, len(card.classes), card.parameters)
        network.load_state_dict(load_file(weights))
    except (SafetensorError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(card.name, f"card and weights do not fit together ({reason})") from error
    return Classifier(card, network, choose_device(device))


def choose_device(device: str = "auto") -> torch.device:
    """`torch.device` for a name; ``auto`` takes CUDA, then MPS, then the CPU.

    Raises
    ------
    ModelError
        If that device is not there.
    """
    import torch

    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if device == "auto":
        return torch.device(next(d for d in ("cuda", "mps", "cpu") if there[d]))
    if not there.get(device, False):
        raise ModelError(
            device,
            f"this device is not there; there are: {', '.join(d for d, ok in there.items() if ok)}",
        )
    return torch.device(device)


def _folder_of(name: str | Path) -> Path:
    folders = model_folders()
    if str(name) in folders:
        return folders[str(name)]
    if (Path(name) / CARD_FILE).is_file():
        return Path(name)
    raise ModelError(name, f"there is no such model; there are: {', '.join(folders) or 'none'}")
