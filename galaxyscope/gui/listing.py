"""What was opened or dropped: pictures, folders of them, and model folders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Listed:
    """What a gallery shows for files and folders that were opened.

    Parameters
    ----------
    paths : list of Path
    folder : Path or None
        Whose content it is, None for a loose list.
    first : Path or None
        Which one to show.
    models : tuple of Path
        Model folders that were among them.
    """

    paths: list[Path]
    folder: Path | None = None
    first: Path | None = None
    models: tuple[Path, ...] = ()


def list_pictures(paths: list[Path]) -> Listed:
    """Return what a gallery shows for files and folders, and the models that are among them."""
    from galaxyscope.classify.card import CARD_FILE
    from galaxyscope.sky.readers import list_images

    paths = [Path(os.path.abspath(path)) for path in paths]
    cards = {path: path if path.name == CARD_FILE else path / CARD_FILE for path in paths}
    models = tuple(dict.fromkeys(card.parent for card in cards.values() if card.is_file()))
    paths = [path for path in paths if not cards[path].is_file()]
    if not paths:
        return Listed([], models=models)
    if len(paths) == 1:
        only = paths[0]
        folder = only if only.is_dir() else only.parent
        inside = list_images(folder) if folder.is_dir() else []
        if only.is_dir():
            return Listed(inside, folder, inside[0] if inside else None, models)
        # A name that does not look like a picture is tried all the same.
        return Listed(inside if only in inside else [only, *inside], folder, only, models)
    found: list[Path] = []
    for path in paths:
        found += list_images(path) if path.is_dir() else [path]
    return Listed(found, None, found[0] if found else None, models)
