"""Lines and lengths from elsewhere: catalogues, Zooniverse exports, plain tables, DS9 regions.

Everything becomes rows (`Record`) whose `source` says from which line of which file they came. What
is read is data: parsed, never evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from galaxyscope.records.importing.catalogue import read_catalogue
from galaxyscope.records.importing.lines import read_line_regions
from galaxyscope.records.importing.rows import header_of
from galaxyscope.records.importing.zooniverse import is_zooniverse, read_zooniverse
from galaxyscope.records.record import Record
from galaxyscope.records.tables import TableError, read_records

__all__ = ["read_any"]


def read_any(
    path: Path, columns: Mapping[str, str] | None = None, scale: float | None = None
) -> list[Record]:
    """Read rows from a file of any known form.

    Parameters
    ----------
    path : Path
        GalaxyScope's own CSV, a Zooniverse classification export, a catalogue (CSV with commas,
        semicolons or tabs) or a DS9 region file (``.reg``).
    columns : mapping, optional
        For catalogues: which column means what, see `read_catalogue`. For Zooniverse exports
        ``tool`` names the line tool that drew lengths.
    scale : float, optional
        Arcsec per pixel, for lines that are known in pixels only.

    Raises
    ------
    TableError
        One sentence that names the file and the line.
    """
    columns = columns or {}
    if path.suffix.lower() == ".reg":
        _no_mapping(path, columns)
        return read_line_regions(path, scale)
    header = header_of(path)
    if {"path", "kind"} <= set(header) and not columns:
        return read_records(path)
    if is_zooniverse(header):
        _no_mapping(path, {k: v for k, v in columns.items() if k != "tool"})
        return read_zooniverse(path, columns.get("tool"), scale)
    return read_catalogue(path, columns, scale)


def _no_mapping(path: Path, columns: Mapping[str, str]) -> None:
    if columns:
        raise TableError(f"{path.name}: this form of file has no columns to be named")
