"""Lines as DS9 regions, so that bars can be laid over the same cutout in other programs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from galaxyscope.measure.results import Point
from galaxyscope.records.record import Record, provenance_text
from galaxyscope.records.tables import TableError, plain_text, replacing

COLOURS = {"automatic": "#ffb000", "drawn": "#00d5ff"}
# DS9 writes the shapes that other programs do not know, rulers among them, behind a "#".
_LINE = re.compile(
    r"^(?:#\s*)?[+-]?(?:line|ruler)\s*\(([^)]*)\)"
    r"(?:.*?text=(?:\{([^}]*)\}|\"([^\"]*)\"|'([^']*)'))?",
    re.IGNORECASE,
)
_SYSTEMS = {"j2000": "fk5", "b1950": "fk4"} | {
    name: name for name in ("image", "icrs", "fk5", "fk4", "galactic")
}
# What these mean only the image's own header can tell.
_REFUSED = ("physical", "detector", "amplifier", "wcs", "linear", "ecliptic")
_NAME = re.compile(
    r"^#\s*(?:Filename:\s*)?(\S.*?\.(?:fits?|fz|fits?\.gz|jpe?g|png|tiff?))(?:\[[^\]]*\])*$",
    re.IGNORECASE,
)


def write_regions(path: Path, records: Iterable[Record]) -> None:
    """Write one ``line`` for every row that has ends, in image coordinates.

    DS9 counts pixels from 1, so that the centre of the first pixel is (1, 1).

    Parameters
    ----------
    path : Path
        ``.reg`` file; replaced only when the new one is whole.
    records : iterable of Record
        Rows of several files stand under a comment with the file's name, and every line under
        one with its provenance.
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
        lines.append(f"# made by GalaxyScope: {provenance_text(record)}")
        who = record.observer if record.kind == "drawn" and record.observer else record.kind
        lines.append(
            f"line({place}) # line=0 0 color={COLOURS[record.kind]} text={{{_label(who)}}}"
        )
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class RegionLine:
    """A ``line`` or ``ruler`` of a region file.

    Parameters
    ----------
    system : {"image", "icrs", "fk5", "fk4", "galactic"}
    ends : ((x1, y1), (x2, y2))
        0-based pixels, or degrees.
    text : str
    name : str
        Picture that a comment above names, empty if none does.
    number : int
        Line in the file.
    """

    system: str
    ends: tuple[Point, Point]
    text: str
    name: str
    number: int


def parse_regions(path: Path) -> list[RegionLine]:
    """Read the lines and rulers of a DS9 file; every other shape is passed over.

    Raises
    ------
    TableError
        If the file is not text, a line has no four coordinates, or its coordinate system is none
        of those above.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"{path.name}: is not a region file") from error
    except OSError as error:
        raise TableError(f"{path.name}: cannot be read ({error.strerror})") from error
    system, name, found = "", "", []
    for number, whole in enumerate(text.splitlines(), start=1):
        named = _NAME.match(whole.strip())
        if named is not None:
            name = named[1]
            continue
        # A system may stand on a line of its own or before the shape: "fk5;line(…)".
        head, _, tail = whole.strip().partition(";")
        if (word := head.strip().lower()) in _SYSTEMS or word.startswith(_REFUSED):
            system, whole = _SYSTEMS.get(word, word), tail
        match = _LINE.match(whole.strip())
        if match is None:
            continue
        if system not in _SYSTEMS:
            raise TableError(
                f"{path.name}: line {number} is in {system or 'no'} coordinates; save the regions"
                " in image, ICRS or FK5 coordinates"
            )
        ends = _ends(match[1], system)
        if ends is None:
            raise TableError(f"{path.name}: line {number} does not hold four numbers")
        label = next((part for part in match.groups()[1:] if part is not None), "")
        found.append(RegionLine(system, ends, label, name, number))
    return found


def read_regions(path: Path) -> list[tuple[tuple[float, float, float, float], str]]:
    """Read the lines of a DS9 file that are in image coordinates.

    Returns
    -------
    list of ((x1, y1, x2, y2), text)
        0-based pixels, as everywhere in GalaxyScope.

    Raises
    ------
    TableError
        See `parse_regions`.
    """
    return [
        ((*line.ends[0], *line.ends[1]), line.text)
        for line in parse_regions(path)
        if line.system == "image"
    ]


def _ends(text: str, system: str) -> tuple[Point, Point] | None:
    """Both ends from what stands between the brackets; None unless they are four coordinates."""
    parts = text.replace(",", " ").split()
    if len(parts) != 4:
        return None
    try:
        if system == "image":
            x1, y1, x2, y2 = (float(part) - 1 for part in parts)
        else:
            hours = system != "galactic"  # only right ascension is written in hours
            x1, x2 = (_angle(part, hours) for part in parts[::2])
            y1, y2 = (_angle(part, False) for part in parts[1::2])
    except ValueError:
        return None
    if not all(math.isfinite(v) for v in (x1, y1, x2, y2)):
        return None
    if system != "image" and max(abs(y1), abs(y2)) > 90:
        return None
    return (x1, y1), (x2, y2)


def _angle(text: str, hours: bool) -> float:
    """Degrees from ``187.5``, ``187.5d``, ``12:30:00`` or ``12h30m00s``."""
    parts = [p for p in re.split(r"[:hdms]", text.strip().lower()) if p]
    if len(parts) == 1 and not text.lower().endswith(("h", "m", "s")):
        return float(parts[0])
    if not 2 <= len(parts) <= 3:
        raise ValueError(text)
    size: float = sum(abs(float(part)) / 60**power for power, part in enumerate(parts))
    if parts[0].startswith("-"):
        size = -size
    return size * 15 if hours and "d" not in text.lower() else size


def _label(text: str) -> str:
    """Text that can end neither its braces nor its line."""
    return plain_text(text).replace("{", "(").replace("}", ")").replace("\n", " ")
