"""Classification exports of the Zooniverse: lines inside JSON inside CSV.

Each row is one classification by one volunteer. ``annotations`` is a list of tasks; the value of a
drawing task is a list of marks, and a mark of the line tool has x1, y1, x2 and y2 in pixels of the
picture, from the outer corner of its top left pixel. ``subject_data`` maps the subject's number to
whatever its uploader said of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxyscope.measure.lines import pixel_angle
from galaxyscope.records.importing.rows import Row, read_table, source_of, utc
from galaxyscope.records.record import Record
from galaxyscope.records.tables import TableError, plain_text

_COLUMNS = frozenset({"classification_id", "annotations", "subject_data"})
_FILE = ("filename", "file", "file_name", "image", "image_name", "image1", "image_1", "path")
_NAME = ("object_id", "objid", "dr7objid", "dr8objid", "sdss_id", "galaxy_id", "id", "name")
_PLACE = {"ra_deg": ("ra", "ra_deg"), "dec_deg": ("dec", "dec_deg")}
_END = ("x1", "y1", "x2", "y2")
# Pixels that no picture has.
_BEYOND = 1e9


def is_zooniverse(header: Sequence[str]) -> bool:
    """Tell a classification export by its columns."""
    return set(header) >= _COLUMNS


def read_zooniverse(
    path: Path, tool: str | None = None, scale: float | None = None
) -> list[Record]:
    """Read the lines of a classification export.

    Where an export knows several line tools, those whose label speaks of a width are left out
    (Galaxy Zoo asks for the width of a bar too), and if one speaks of a length, only it counts.

    Parameters
    ----------
    path : Path
    tool : str, optional
        Label of the tool that drew lengths, or its number where tools have no labels.
    scale : float, optional
        Arcsec per pixel.

    Returns
    -------
    list of Record
        Drawn rows, flagged ``not-retired`` where the subject needs more classifications, and
        ``gold-standard`` where the classification is an expert's example.

    Raises
    ------
    TableError
        If a cell is no JSON, a line has no four numbers, or it is not clear which tool drew
        lengths.
    """
    source = source_of(path, "Zooniverse classifications")
    found = [(row, mark, label) for row in read_table(path) for mark, label in _marks(row)]
    wanted = _tools(path, {label for _, _, label in found}, tool)
    return [_record(row, mark, source, scale) for row, mark, label in found if label in wanted]


def _tools(path: Path, labels: set[str], tool: str | None) -> set[str]:
    if tool is not None:
        if tool not in labels:
            raise TableError(f"{path.name}: no line was drawn with {tool!r}; {_listed(labels)}")
        return {tool}
    kept = {label for label in labels if "width" not in label.lower()}
    kept = {label for label in kept if "length" in label.lower()} or kept
    if len(kept) > 1:
        raise TableError(
            f"{path.name}: several tools drew lines; name the one for lengths, as in tool=LABEL"
            f" ({_listed(labels)})"
        )
    return kept


def _listed(labels: set[str]) -> str:
    return "tools: " + plain_text(", ".join(sorted(labels)))[:200]


def _marks(row: Row) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Lines in the annotations of a row, each with the label of its tool."""
    tasks = _json(row, "annotations")
    if not isinstance(tasks, list):
        raise row.fail("annotations is not a list of tasks")
    for value in _values(tasks):
        if not set(_END) <= set(value):
            continue
        label = value.get("tool_label")
        if label is None:
            label = value.get("tool", value.get("toolIndex", ""))
        yield value, str(label)


def _values(tasks: list[Any]) -> Iterator[Mapping[str, Any]]:
    """Go through the marks of all tasks, also of those inside combination tasks."""
    waiting = list(reversed(tasks))
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            inner = item.get("value")
            if isinstance(inner, list):
                waiting.extend(reversed(inner))
            else:
                yield item


def _json(row: Row, column: str) -> Any:
    try:
        return json.loads(row.cells[column])
    except (ValueError, RecursionError) as error:
        raise row.fail(f"{column} is not JSON ({str(error)[:80]})") from error


def _record(row: Row, mark: Mapping[str, Any], source: str, scale: float | None) -> Record:
    ends = []
    for name in _END:
        value = mark[name]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not abs(value) < _BEYOND:  # NaN is in no order with anything
            raise row.fail("a line does not hold four numbers that can be pixels")
        # From the corner of the first pixel to its centre.
        ends.append(float(value) - 0.5)
    x1, y1, x2, y2 = ends
    length = math.hypot(x2 - x1, y2 - y1)
    if length == 0:
        raise row.fail("a line has no length")
    subject, about = _subject(row)
    image, name = _said(about, _FILE), _said(about, _NAME)
    retired = about.get("retired")
    gold = row.cells.get("gold_standard", "").strip().lower() == "true"
    flags = {"not-retired": "retired" in about and not retired, "gold-standard": gold}
    place = {column: _degrees(_said(about, names)) for column, names in _PLACE.items()}
    if None in place.values():
        place = dict.fromkeys(place)
    return Record(
        path=image or f"subject {subject}",
        kind="drawn",
        algorithm="line",
        length_px=length,
        length_arcsec=None if scale is None else length * scale,
        scale_arcsec_per_px=scale,
        scale_source="" if scale is None else "user",
        # Rows of pictures run down the screen; the angle is counted against the clock from up.
        pa_deg=(90 - pixel_angle((x1, y1), (x2, y2))) % 180,
        pa_frame="image",
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        flags=" ".join(flag for flag, raised in flags.items() if raised),
        observer=row.cells.get("user_name", "").strip() or "not logged in",
        created_at=utc(row.cells.get("created_at", "")),
        object_id=name or subject,
        source=f"{source}, line {row.line}, classification {row.cells['classification_id']}",
        ra_deg=place["ra_deg"],
        dec_deg=place["dec_deg"],
    )


def _subject(row: Row) -> tuple[str, dict[str, Any]]:
    """Return the number of the subject, and what its uploader said of it by name in lower case."""
    subjects = _json(row, "subject_data")
    if not isinstance(subjects, dict) or len(subjects) != 1:
        raise row.fail("subject_data is not about one subject")
    ((number, about),) = subjects.items()
    if not isinstance(about, dict):
        raise row.fail("subject_data is not about one subject")
    # Hidden fields begin with # or //, see the Zooniverse's help on manifests.
    return number, {str(k).lstrip("#/!").strip().lower(): v for k, v in about.items()}


def _said(about: Mapping[str, Any], names: Sequence[str]) -> str:
    found = (about[name] for name in names if about.get(name) not in (None, ""))
    value = next(found, "")
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def _degrees(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
