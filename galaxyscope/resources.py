"""Where the files that ship with GalaxyScope lie: samples, icons, models.

They are found in an installed wheel (``galaxyscope/_data``) as well as in a source
checkout (``resources`` and ``models`` beside the package). Standard library only.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """Folder (or file) `name` of the data that ship with the program.

    Parameters
    ----------
    name : str
        Relative path with ``/``, e.g. ``"resources/icons"``.

    Returns
    -------
    Path
        The installed copy if there is one, else the one of the source checkout. It need
        not exist: a checkout in which no model was trained yet has no ``models``.
    """
    installed = _PACKAGE / "_data" / name
    return installed if installed.exists() else _PACKAGE.parent / name


def samples_folder() -> Path:
    """Folder of the simulated galaxies that are shown when nothing else is open."""
    return bundled("resources/samples")


def icons_folder() -> Path:
    """Folder of the SVG icons."""
    return bundled("resources/icons")


def models_folder() -> Path:
    """Folder of the weights and model cards that ship with the program."""
    return bundled("models")
