"""Lines as DS9 regions, so that bars can be laid over the same cutout in other programs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from galaxyscope.measure.results import Point
from galaxyscope.records.record import Record, provenance_text
from galaxyscope.records.tables import TableError, plain_text, replacing
from galaxyscope.sky.readers import is_image_name

COLOURS = {"automatic": "#ffb000", "drawn": "#00d5ff"}
_MADE_BY = "# made by GalaxyScope: "
# DS9 writes the shapes that other programs do not know, rulers among them, behind a "#". Behind
# one, "line" without brackets is a word of a remark.
_LINE = re.compile(
    r"^(?:(?:#\s*)?[+-]?(?:line|ruler)\s*\(([^)]*)\)|[+-]?(?:line|ruler)\s+([^#(]*))"
    r"(?:.*?text=(?:\{([^}]*)|\"([^\"]*)|'([^']*)))?",
    re.IGNORECASE,
)
# Up to a semicolon that stands in no text and has no property behind it. A quotation mark begins
# a text only behind "=": elsewhere it stands for seconds of arc.
_STATEMENT = re.compile(r"(?:=\s*(?:\{[^}]*|\"[^\"]*\"?|'[^']*'?)|[^;]|;(?=\s*\w+\s*=))+")
_SYSTEMS = {"j2000": "fk5", "b1950": "fk4"} | {
    name: name for name in ("image", "icrs", "fk5", "fk4", "galactic")
}
# What these mean only the image's own header can tell.
_REFUSED = ("physical", "detector", "amplifier", "wcs", "linear", "ecliptic")


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
        lines.append(f"{_MADE_BY}{provenance_text(record)}")
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
    for number, statement in _statements(text):
        if named := _named(statement):
            name = named
            continue
        word = statement.partition("#")[0].strip().lower()
        if word in _SYSTEMS or word.startswith(_REFUSED):
            system = _SYSTEMS.get(word, word)
        match = _LINE.match(statement)
        if match is None:
            continue
        if system not in _SYSTEMS:
            raise TableError(
                f"{path.name}: line {number} is in {system or 'no'} coordinates; save the regions"
                " in image, ICRS or FK5 coordinates"
            )
        bracketed, bare, *labels = match.groups()
        ends = _ends(bare if bracketed is None else bracketed, system)
        if ends is None:
            raise TableError(f"{path.name}: line {number} does not hold four numbers")
        label = next((part for part in labels if part is not None), "")
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


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Systems, shapes and comments, each with the number of its line; ``;`` parts the first two."""
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if line.startswith("#") and _LINE.match(line) is None:
            yield number, line
        else:
            yield from ((number, found.strip()) for found in _STATEMENT.findall(line))


def _named(comment: str) -> str:
    """Picture that a comment names, empty if it is no such comment."""
    if comment.startswith(_MADE_BY):
        # What the file is called is no matter here.
        try:
            made = json.loads(comment.removeprefix(_MADE_BY))
        except (ValueError, RecursionError):
            return ""
        path = made.get("path") if isinstance(made, dict) else None
        # Names of other systems have other separators.
        name = PurePath(path.replace("\\", "/")).name if isinstance(path, str) else ""
        return plain_text(name)
    if not comment.startswith("#"):
        return ""
    name = re.sub(r"^#\s*(?:Filename:\s*)?", "", comment, flags=re.IGNORECASE)
    while name.endswith("]"):  # extension and plane, as DS9 writes them
        name = name.rpartition("[")[0]
    return name if is_image_name(name) else ""


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
