"""The user's own models: which of them are broken, taking one in, putting one aside."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import appdirs

from galaxyscope.classify.card import CARD_FILE, ModelCard, ModelError, read_card
from galaxyscope.classify.store import model_folders
from galaxyscope.resources import models_folder

_WEIGHTS = (".safetensors", ".pt2")


def own_folder() -> Path:
    """Folder of the models that the user installed; it need not exist."""
    return Path(appdirs.user_data_dir("galaxyscope", appauthor=False)) / "models"


def broken_models() -> dict[Path, str]:
    """Folders among the models whose card or files are missing or bad, each with its reason.

    Returns
    -------
    dict
        One sentence by folder. Damage inside the weights shows only when they are loaded.
    """
    known, found = model_folders(), {}
    for name, folder in known.items():
        try:
            read_model(folder)
        except ModelError as error:
            found[folder] = f"{name}: {error.reason}"
    for parent in (models_folder(), own_folder()):
        for folder in _folders(parent):
            name = folder.name
            if name not in known:
                found[folder] = f"{name}: there is no {CARD_FILE} beside the weights"
            elif known[name] != folder:
                found[folder] = f"{name}: another model has this name already; rename {folder}"
    return found


def read_model(folder: Path) -> ModelCard:
    """Read the card of a model folder, and see that the files it needs are there.

    Raises
    ------
    ModelError
        One sentence, if there is no card, it is not one, or files are missing.
    """
    card = read_card(folder)
    for inner in [folder / name for name in card.members] or [folder]:
        if not (inner / CARD_FILE).is_file():
            raise ModelError(folder.name, f"its member {inner.name} is missing")
        if not any(one.suffix in _WEIGHTS for one in _files(inner)):
            whose = f"its member {inner.name}" if card.members else "its weights file"
            what = "has no weights file" if card.members else "is missing"
            raise ModelError(folder.name, f"{whose} {what}")
    return card


def install_model(folder: Path) -> str:
    """Copy a model folder to the user's own models.

    Only plain files of the folder and of its members are copied, no links and nothing else
    that lies there; the copy appears whole or not at all.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    str
        The name by which `galaxyscope.classify.store.load_model` takes it; another number is
        put behind it where the folder's name is taken.

    Raises
    ------
    ModelError
        If there is no card, it is not one, or files are missing, see `read_model`; the weights
        are tried only when the model is loaded.
    OSError
        If it cannot be copied.
    """
    card = read_model(folder)
    own, taken = own_folder(), model_folders()
    base = folder.resolve().name or card.name
    numbered = (f"{base}-{n}" for n in range(2, 1000))
    name = next(one for one in (base, *numbered) if one not in taken and not (own / one).exists())
    own.mkdir(parents=True, exist_ok=True)
    coming = own / f".coming-{uuid.uuid4().hex}"
    try:
        for place in (Path(), *map(Path, card.members)):
            (coming / place).mkdir(parents=True)
            for file in _files(folder / place):
                shutil.copyfile(file, coming / place / file.name)
        coming.rename(own / name)
    except OSError:
        shutil.rmtree(coming, ignore_errors=True)
        raise
    return name


def put_aside(name: str) -> Path:
    """Take an installed model off the list without deleting it.

    Returns
    -------
    Path
        Where it lies now, for `take_back`.

    Raises
    ------
    OSError
        If it is not there or cannot be moved.
    """
    aside = own_folder().parent / "models-put-aside" / uuid.uuid4().hex
    aside.parent.mkdir(parents=True, exist_ok=True)
    (own_folder() / name).rename(aside)
    return aside


def take_back(aside: Path, name: str) -> None:
    """Put a model that was put aside on the list again.

    Raises
    ------
    OSError
        If its place is taken or it cannot be moved.
    """
    aside.rename(own_folder() / name)


def _folders(parent: Path) -> Iterator[Path]:
    """Folders that look like models."""
    try:
        inside = sorted(parent.iterdir())
    except OSError:
        return
    for one in inside:
        if one.name.startswith(".") or not one.is_dir():
            continue
        if any(file.name == CARD_FILE or file.suffix in _WEIGHTS for file in _files(one)):
            yield one


def _files(folder: Path) -> list[Path]:
    """Plain files of a folder, no links; none where it cannot be listed."""
    try:
        return [one for one in sorted(folder.iterdir()) if one.is_file() and not one.is_symlink()]
    except OSError:
        return []
