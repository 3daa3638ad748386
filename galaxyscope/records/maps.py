"""Attributions on disk: FITS with the cutout's WCS and its own history, or ``.npy``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.records.record import Record, provenance_text
from galaxyscope.records.tables import check_suffix, plain_text, replacing
from galaxyscope.sky.image import SkyImage

MAP_SUFFIXES = (".fits", ".fit", ".npy")


def write_map(path: Path, image: SkyImage, values: NDArray[np.float32], record: Record) -> None:
    """Write an attribution that lies on the cutout's pixel grid, atomically.

    Parameters
    ----------
    path : Path
        ``.fits``/``.fit`` or ``.npy``; rows in the order of the cutout's file. Beside an array,
        which can tell nothing of itself, goes ``NAME.npy.json`` with how it was made.
    image : SkyImage
        The cutout; a FITS map takes over its WCS and row order.
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
            told = path.with_name(f"{path.name}.json")
            with replacing(told) as beside:
                beside.write_text(provenance_text(record) + "\n", encoding="utf-8")
        else:
            _hdu(image, values, record).writeto(temporary, overwrite=True)


def _hdu(image: SkyImage, values: NDArray[np.float32], record: Record) -> Any:
    from astropy.io import fits

    header = fits.Header() if image.wcs is None else image.wcs.deepcopy().to_header(relax=True)
    cards = (
        ("ROWORDER", "BOTTOM-UP" if image.y_up else "TOP-DOWN", "where the first row is drawn"),
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
    return fits.PrimaryHDU(values, header)


def _ascii(text: str) -> str:
    """Keep to what a FITS card can hold."""
    return plain_text(text).encode("ascii", "backslashreplace").decode("ascii")
