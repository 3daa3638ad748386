"""Lines as DS9 regions, so that bars can be laid over the same cutout in other programs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from galaxyscope.records.record import Record
from galaxyscope.records.tables import TableError, plain_text, replacing

COLOURS = {"automatic": "#ffb000", "drawn": "#00d5ff"}
_LINE = re.compile(r"^line\(([^)]*)\)(?:\s*#.*?text=\{([^}]*)\})?", re.IGNORECASE)


def write_regions(path: Path, records: Iterable[Record]) -> None:
    """Write one ``line`` for every row that has ends, in image coordinates.

    DS9 counts pixels from 1, so that the centre of the first pixel is (1, 1).

    Parameters
    ----------
    path : Path
        ``.reg`` file; replaced only when the new one is whole.
    records : iterable of Record
        Rows of several files stand under a comment with the file's name.
    """
    lines = ["# Region file format: DS9 version 4.1", "global width=2", "image"]
    name = None
    for record in records:
        if record.x1 is None or record.y1 is None or record.x2 is None or record.y2 is None:
            continue
        if record.path != name:
            name = record.path
            lines.append(f"# {_label(Path(name).name)}")
        ends = (record.x1, record.y1, record.x2, record.y2)
        place = ",".join(f"{value + 1:.4f}" for value in ends)
        who = record.observer if record.kind == "drawn" and record.observer else record.kind
        lines.append(
            f"line({place}) # line=0 0 color={COLOURS[record.kind]} text={{{_label(who)}}}"
        )
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_regions(path: Path) -> list[tuple[tuple[float, float, float, float], str]]:
    """Read the ``line`` regions of a DS9 file in image coordinates.

    Returns
    -------
    list of ((x1, y1, x2, y2), text)
        0-based pixels, as everywhere in GalaxyScope.

    Raises
    ------
    TableError
        If the file is not text, or a line has no four numbers.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TableError(f"{path.name}: is not a region file") from error
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = _LINE.match(line.strip())
        if match is None:
            continue
        try:
            x1, y1, x2, y2 = (float(part) - 1 for part in match[1].split(","))
        except ValueError as error:
            raise TableError(f"{path.name}: line {number} does not hold four numbers") from error
        found.append(((x1, y1, x2, y2), match[2] or ""))
    return found


def _label(text: str) -> str:
    """Text that can end neither its braces nor its line."""
    return plain_text(text).replace("{", "(").replace("}", ")").replace("\n", " ")
