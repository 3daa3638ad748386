"""Open pictures of the sky: FITS, JPEG, PNG and TIFF, told apart by their content."""

from __future__ import annotations

import re
from pathlib import Path

from galaxyscope.sky.image import ImageError, Plane, SkyImage

__all__ = ["is_image_name", "list_images", "open_image"]

_SUFFIXES = (".fits", ".fit", ".fts", ".fz", ".jpg", ".jpeg", ".png", ".tif", ".tiff")
_PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".z")


def open_image(path: Path | str, plane: Plane | None = None) -> SkyImage:
    """Open a picture; its data are copied and the file is closed again.

    Safe to call from several threads at once.

    Parameters
    ----------
    path : path-like
        FITS (also gzip, bzip2, xz, LZW or tile compressed), JPEG, PNG or TIFF, whatever
        the file is called.
    plane : Plane, optional
        Which of the file's pictures, as listed in :attr:`SkyImage.planes`; the first one
        by default.

    Returns
    -------
    SkyImage

    Raises
    ------
    ImageError
        One sentence that names the file and says why it cannot be shown.
    """
    from galaxyscope.sky.readers.fits import read_fits
    from galaxyscope.sky.readers.raster import read_raster
    from galaxyscope.sky.readers.source import open_source

    path = Path(path)
    with open_source(path) as source:
        reader = read_fits if source.kind == "FITS" else read_raster
        try:
            image = reader(source, plane)
        except MemoryError as error:
            raise ImageError(path, "there is not enough memory for this picture") from error
    if not image.has_values:
        image = image.replace(notes=(*image.notes, "No pixel of this picture has a value."))
    return image


def is_image_name(path: Path | str) -> bool:
    """Tell by its name alone whether a file may be a picture (for lists of folders)."""
    name = Path(path).name.lower()
    for packed in _PACKED_SUFFIXES:
        if name.endswith(packed):
            return name.removesuffix(packed).endswith(_SUFFIXES)
    return name.endswith(_SUFFIXES)


def list_images(folder: Path | str) -> list[Path]:
    """List the pictures of a folder, not of its subfolders, in natural order of their names.

    Hidden files are left out. A packed file whose name says nothing of what is inside
    (``source.totsky.gz``) is looked into.

    Raises
    ------
    ImageError
        If the folder cannot be read.
    """
    folder = Path(folder)
    try:
        found = [p for p in folder.iterdir() if not p.name.startswith(".") and _is_image(p)]
    except OSError as error:
        raise ImageError(folder, f"the folder cannot be read ({error.strerror})") from error
    return sorted(found, key=_natural_order)


def _is_image(path: Path) -> bool:
    if is_image_name(path):
        return path.is_file()
    if not path.name.lower().endswith(_PACKED_SUFFIXES) or not path.is_file():
        return False
    from galaxyscope.sky.readers.packing import holds_fits

    return holds_fits(path)


def _natural_order(path: Path) -> list[tuple[int, int, str]]:
    """Sort ``m2`` before ``m10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", path.name.lower())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]
