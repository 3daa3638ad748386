"""Which models there are, and loading one: safetensors and a card, never a pickle."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
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
    """Folders that hold a model, by name: the shipped ones, then the user's own.

    Models inside a model's folder, the members of an ensemble, follow it as ``parent/child``.
    """
    own = Path(appdirs.user_data_dir("galaxyscope", appauthor=False)) / "models"
    found: dict[str, Path] = {}
    for parent in (models_folder(), own):
        for folder in _inside(parent):
            if folder.name not in found:
                found[folder.name] = folder
                found |= {f"{folder.name}/{one.name}": one for one in _inside(folder)}
    return found


def _inside(parent: Path) -> Iterator[Path]:
    """Model folders directly inside a folder; nothing where it cannot be listed."""
    try:
        yield from (one for one in sorted(parent.iterdir()) if (one / CARD_FILE).is_file())
    except OSError:
        return


def list_models() -> tuple[ModelCard, ...]:
    """Cards of all models that can be loaded, the default one first; broken cards are left out.

    Each is named as `load_model` takes it; members come after their ensemble.
    """
    cards = []
    for name, folder in model_folders().items():
        try:
            cards.append(dataclasses.replace(read_card(folder), name=name))
        except ModelError:
            continue

    def order(card: ModelCard) -> tuple[bool, list[str]]:
        parts = card.name.split("/")
        return parts[0] != DEFAULT_MODEL, parts

    return tuple(sorted(cards, key=order))


def load_model(
    name: str | Path | None = None, device: str = "auto", precision: str = "fp32"
) -> Classifier:
    """Load a model.

    Parameters
    ----------
    name : str or Path, optional
        Name of a shipped or installed model, or a model folder; default: the shipped
        Galaxy Zoo one. A member of an ensemble is ``ensemble/member``.
    device : {"auto", "cpu", "cuda", "mps"}
    precision : {"fp32", "auto"}
        ``"auto"``: also run in a faster number format where that was found to agree with
        float32 (see `galaxyscope.classify.calibrate`).

    Raises
    ------
    ModelError
        If there is no such model, or its card, weights and hash do not fit together.
    """
    asked = DEFAULT_MODEL if name is None else name
    folder, known = _folder_of(asked)
    card = read_card(folder)
    if known:
        card = dataclasses.replace(card, name=known)
    where = choose_device(device)
    if card.members:
        return _load_ensemble(card, folder, where, precision)
    return _load_network(card, folder, where, precision)


def _load_ensemble(
    card: ModelCard, folder: Path, device: torch.device, precision: str
) -> Classifier:
    from galaxyscope.classify.classifier import Classifier
    from galaxyscope.classify.ensemble import MeanLogits, check_members

    members = []
    for name in card.members:
        inner = folder / name
        if inner.resolve().parent != folder.resolve():
            raise ModelError(card.name, f"its member {name} is a link to somewhere else")
        own = read_card(inner)
        if own.members:
            raise ModelError(card.name, f"its member {name} is an ensemble itself")
        own = dataclasses.replace(own, name=f"{card.name}/{name}")
        members.append(_load_network(own, inner, device, precision))
    check_members(card, members)
    network = MeanLogits([member.network for member in members])
    return Classifier(card, network, device, members, precision)


def _load_network(
    card: ModelCard, folder: Path, device: torch.device, precision: str
) -> Classifier:
    from galaxyscope.classify.calibrate import recalled
    from galaxyscope.classify.classifier import Classifier
    from galaxyscope.classify.exported import EXPORTED, PROGRAM_FILE, load_exported
    from galaxyscope.classify.weights import fill

    exported = card.architecture == EXPORTED
    path = folder / (PROGRAM_FILE if exported else WEIGHTS_FILE)
    try:
        if not path.is_file():
            raise FileNotFoundError(2, "there is no such file")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(card.name, f"{path.name} cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise ModelError(card.name, "the weights are not those the card was written for")
    classifier = Classifier(
        card, (load_exported if exported else fill)(card, data), device, precision=precision
    )
    classifier.calibrated(recalled(classifier))
    return classifier


def choose_device(device: str = "auto") -> torch.device:
    """`torch.device` for a name; ``auto`` takes CUDA, then MPS, then the CPU.

    Where CUDA is taken, float32 means float32 from then on, and convolutions are repeatable.

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
        device = next(d for d in ("cuda", "mps", "cpu") if there[d])
    if not there.get(device, False):
        raise ModelError(
            device,
            f"this device is not there; there are: {', '.join(d for d, ok in there.items() if ok)}",
        )
    if device == "cuda":
        # Torch's default is convolutions of 10 bits, by whichever kernel, in whichever order.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.deterministic = True
    return torch.device(device)


def _folder_of(name: str | Path) -> tuple[Path, str]:
    """Folder of a model, and the name by which it is known (empty for a folder that was given)."""
    folders = model_folders()
    if str(name) in folders:
        return folders[str(name)], str(name)
    if (Path(name) / CARD_FILE).is_file():
        return Path(name), ""
    top = [known for known in folders if "/" not in known]
    raise ModelError(name, f"there is no such model; there are: {', '.join(top) or 'none'}")
