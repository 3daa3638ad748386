"""Measure the bar on a saved map (.npy, or any image): lengths in pixels of the map.

Only the positive part of a map counts: evidence for the target.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np

from galaxyscope.cli.common import (
    add_table,
    bar_settings,
    check_table,
    opened_table,
    read_image,
    sentence,
)
from galaxyscope.cli.measure import add_bar, add_scale, with_scale
from galaxyscope.cli.progress import complain
from galaxyscope.records.columns import RECORD_COLUMNS
from galaxyscope.records.making import record_of_bar, record_of_error
from galaxyscope.records.maps import is_bottom_up
from galaxyscope.records.tables import record_row
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import ImageError, SkyImage

NAME, HELP = "measure-map", "bar length on a saved map"
# Pixels of a map; measuring this many takes seconds and some gigabytes.
_LARGEST = 4096 * 4096
_MAGIC = b"\x93NUMPY"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("map", metavar="MAP", type=Path, help=".npy, .fits …")
    add_table(parser)
    # A map alone has no light to follow along the bar.
    add_bar(parser, ("invariant", "published"))
    parser.set_defaults(algorithm="invariant")
    add_scale(parser)


def open_map(path: Path) -> SkyImage:
    """Read a map; ``.npy`` files are never unpickled.

    Their first row is the top one, unless the file that GalaxyScope wrote beside them says
    otherwise.

    Raises
    ------
    ImageError
    """
    if _is_npy(path):
        return _read_npy(path)
    image = read_image(path)
    _check_size(path, image.shape)
    return image


def _check_size(path: Path, shape: tuple[int, ...]) -> None:
    rows, columns = shape
    if rows * columns > _LARGEST:
        raise ImageError(path, f"{columns} × {rows} pixels are too many for a map")


def _is_npy(path: Path) -> bool:
    if not path.is_file():  # opening a pipe would wait for its writer for ever
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        raise ImageError(path, f"cannot be read ({error.strerror})") from error


def _read_npy(path: Path) -> SkyImage:
    try:
        # Mapped first: a header that promises more than the file holds is refused unread.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
        if values.ndim != 2 or values.dtype.kind not in "fiub" or 0 in values.shape:
            raise ImageError(path, f"a map is 2-D and of numbers, this is {_kind(values)}")
        _check_size(path, values.shape)
        with np.errstate(over="ignore"):
            data = np.array(values, np.float32)[None]
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except (ValueError, EOFError, OSError, TypeError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(path, f"not a readable .npy array ({sentence(error)})") from error
    data[np.isinf(data)] = np.nan
    data.setflags(write=False)
    return SkyImage(data=data, name=path.name, path=path, sha256=sha256, y_up=is_bottom_up(path))


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.measure.bars import measure_bar

    check_table(args.output)
    settings = bar_settings(args)
    error = ""
    try:
        image = with_scale(open_map(args.map), args)
        bar = measure_bar(np.maximum(image.light, 0), Affine(), settings=settings)
        record = record_of_bar(image, bar, created_at="")
    except (ValueError, MemoryError) as refused:
        error = sentence(refused)
    if error:
        complain(f"galaxyscope: {args.map}: {error}")
        record = record_of_error(args.map, error)
    with opened_table(args.output, RECORD_COLUMNS) as add:
        add(record_row(record))
    return 1 if error else 0


def _kind(values: np.ndarray) -> str:
    return f"{'×'.join(map(str, values.shape)) or 'a single'} {values.dtype}"
