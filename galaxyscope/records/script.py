"""A table as a script that makes it again, byte for byte on the same machine.

Automatic bars are measured anew by the script; drawn lines are data and are taken over, their
lengths and angles computed anew. Times are data too: `created_at` says when something was
measured or drawn first, and running a script later does not change that.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from galaxyscope import __version__
from galaxyscope.records.drawn import KEPT
from galaxyscope.records.record import Record
from galaxyscope.records.store import ImageSettings
from galaxyscope.records.tables import check_suffix, plain_text, replacing, write_records

SCRIPT_SUFFIX = (".py",)
FORMAT = 1
_TEXT = '''\
#!/usr/bin/env python3
"""Makes {name} again: {rows} rows, exported from GalaxyScope {version}.

    python {script} [OUT.csv]

Every picture and every network is compared with the hash it had. Automatic bars are measured
anew with the same method, settings and seed; drawn lines are data, as a hand drew them, and
their lengths and angles are computed anew. The column created_at holds the times of the first
measurement, which are data too. On the machine that exported the table the bytes are the same;
elsewhere the last digits of a map may differ, and the script says so.
"""

import json

from galaxyscope.replay import main

RECIPE = json.loads(r"""
{recipe}
""")

raise SystemExit(main(RECIPE))
'''


def recipe_of(
    records: Sequence[Record], settings: Callable[[str], ImageSettings], name: str
) -> dict[str, Any]:
    """Return what it takes to make rows again; JSON types only.

    Parameters
    ----------
    records : sequence of Record
        In the order of the table.
    settings : callable
        Gives what the user said of a file, by its hash.
    name : str
        File name of the table.
    """
    return {
        "format": FORMAT,
        "version": __version__,
        "name": name,
        "sha256": table_sha256(records),
        "rows": [_row(record, settings(record.image_sha256)) for record in records],
    }


def write_script(path: Path, recipe: dict[str, Any]) -> None:
    """Write the script.

    Raises
    ------
    TableError
        If the suffix or the folder does not exist.
    OSError
        If it cannot be written.
    """
    check_suffix(path, SCRIPT_SUFFIX)
    # ASCII on indented lines: it can be read, and no text in it can end Python's raw string,
    # because JSON never has three quotes side by side without a backslash.
    text = json.dumps(recipe, indent=1, allow_nan=False)
    script = _TEXT.format(
        name=_word(recipe["name"]),
        rows=len(recipe["rows"]),
        version=recipe["version"],
        script=_word(path.name),
        recipe=text,
    )
    with replacing(path) as temporary:
        temporary.write_text(script, encoding="utf-8")


def table_sha256(records: Sequence[Record]) -> str:
    """Hash of the bytes of the CSV table of some rows."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        write_records(table, records)
        return hashlib.sha256(table.read_bytes()).hexdigest()


def _row(record: Record, settings: ImageSettings) -> dict[str, Any]:
    """How one row is made again."""
    row: dict[str, Any] = {
        "path": record.path,
        "sha256": record.image_sha256,
        "plane": record.plane,
        "created_at": record.created_at,
        "settings": dataclasses.asdict(settings),
    }
    # What came from elsewhere, or failed, is taken as it was.
    given = bool(record.source or record.error or not record.image_sha256)
    if record.kind == "drawn" and record.ends is not None and not given:
        kept = {name: getattr(record, name) for name in KEPT}
        line = {"ends": record.ends, "observer": record.observer, "kept": kept}
        return {"make": "line", **row, **line}
    if record.kind == "automatic" and record.model and not given:
        names = ("model", "model_sha256", "method", "target", "algorithm", "parameters", "ran")
        return {"make": "measure", **row, **{name: getattr(record, name) for name in names}}
    content = dataclasses.asdict(record)
    del content["id"]
    return {"make": "given", "record": content}


def _word(text: str) -> str:
    """Text that is safe inside the script's own docstring."""
    return plain_text(text).replace("\\", "/").replace('"', "'")
