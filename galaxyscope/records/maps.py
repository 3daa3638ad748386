"""Attributions on disk: FITS with the cutout's WCS and its own history, or ``.npy``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.records.record import Record, provenance, provenance_text
from galaxyscope.records.tables import check_suffix, plain_text, replacing
from galaxyscope.sky.image import SkyImage

MAP_SUFFIXES = (".fits", ".fit", ".npy")
_ROWORDER = {True: "BOTTOM-UP", False: "TOP-DOWN"}
# Characters; what we write beside an array is far shorter.
_LONGEST = 1024 * 1024


def write_map(path: Path, image: SkyImage, values: NDArray[np.float32], record: Record) -> None:
    """Write an attribution that lies on the cutout's pixel grid, atomically.

    Parameters
    ----------
    path : Path
        ``.fits``/``.fit`` or ``.npy``; rows in the order of the cutout's file. Beside an array,
        which can tell nothing of itself, goes ``NAME.npy.json`` with row order and how it was made.
    image : SkyImage
        The cutout; a FITS map takes over its WCS, distortion tables included, and row order.
    values : ndarray, shape (rows, columns), float32
    record : Record
        How the map was made; goes to the FITS header.

    Raises
    ------
    TableError
        If the suffix or the folder does not exist.
    ValueError
        If the map is not on the cutout's grid.
    """
    check_suffix(path, MAP_SUFFIXES)
    if values.shape != image.shape:
        raise ValueError(f"{path.name}: the map is {values.shape}, the cutout {image.shape}")
    values = np.ascontiguousarray(values, np.float32)
    with replacing(path) as temporary:
        if path.suffix.lower() == ".npy":
            with temporary.open("wb") as file:
                np.save(file, values, allow_pickle=False)
            told = {"roworder": _ROWORDER[image.y_up], **provenance(record)}
            with replacing(_beside(path)) as beside:
                beside.write_text(json.dumps(told) + "\n", encoding="utf-8")
        else:
            _hdus(image, values, record).writeto(temporary, overwrite=True)


def is_bottom_up(path: Path) -> bool:
    """Tell whether an array's first row is the lowest one, as the file beside it says.

    False where nothing is said: the arrays of other programs begin at the top.
    """
    beside = _beside(path)
    if not beside.is_file():  # opening a pipe would wait for its writer for ever
        return False
    try:
        with beside.open(encoding="utf-8") as file:
            told = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("roworder") == _ROWORDER[True]


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _hdus(image: SkyImage, values: NDArray[np.float32], record: Record) -> Any:
    """Put the map first, and the tables of its WCS into extensions."""
    from astropy.io import fits

    wcs = image.wcs
    hdus = fits.HDUList(fits.PrimaryHDU()) if wcs is None else wcs.deepcopy().to_fits(relax=True)
    hdus[0].data = values
    header = hdus[0].header
    cards = (
        ("ROWORDER", _ROWORDER[image.y_up], "where the first row is drawn"),
        ("BUNIT", "", "attribution, no unit"),
        ("CREATOR", f"GalaxyScope {record.version}", "program"),
        ("CUTOUT", _ascii(image.name), "file that was explained"),
        ("CUTPLANE", record.plane, "HDU and plane of it"),
        ("CUTSHA", record.image_sha256, "its sha256"),
        ("MODEL", _ascii(record.model), "network"),
        ("MODELSHA", record.model_sha256, "sha256 of its weights"),
        ("METHOD", _ascii(record.method), "explanation method"),
        ("TARGET", _ascii(record.target), "answer that was explained"),
        ("SAMPLES", record.samples, "samples the map is the mean of"),
        ("NOISE", record.noise, "noise over the range of the input"),
        ("SEED", record.seed, "seed of the random numbers"),
    )
    for name, value, comment in cards:
        if value is not None and value != "":
            # 80 columns less name, "= ", quotes and " / "; a comment that does not fit would warn.
            fits_beside = len(str(value).replace("'", "''")) + len(comment) <= 65
            header[name] = (value, comment if fits_beside else "")
    # Everything, settings included; astropy breaks it into cards of 72 characters.
    header.add_history(f"GalaxyScope {provenance_text(record)}")
    return hdus


def _ascii(text: str) -> str:
    """Keep to what a FITS card can hold."""
    return plain_text(text).encode("ascii", "backslashreplace").decode("ascii")
