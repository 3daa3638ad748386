"""Rows of foreign CSV tables, with the lines on which they stand."""

from __future__ import annotations

import csv
import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from galaxyscope.records.tables import TableError, delimiter_of, no_number

# What a file of these kinds begins with.
_OTHERS = {"# %ECSV": "an ECSV table", "<?xml": "a VOTable", "<VOTABLE": "a VOTable"}
#: Zooniverse puts whole JSON documents into cells; nothing sensible is longer than this.
_LARGEST_CELL = 16 * 1024 * 1024


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Parameters
    ----------
    file : str
        Name of the table.
    line : int
        Line in the file on which the row ends, from 1.
    cells : mapping of str to str
        By header as it stands in the file.
    """

    file: str
    line: int
    cells: dict[str, str]

    def fail(self, reason: str) -> TableError:
        """One sentence that names file and line."""
        return TableError(f"{self.file}: line {self.line}: {reason}")

    def number(self, column: str) -> float | None:
        """Return a number; None for an empty cell and what catalogues write for the unknown.

        Raises
        ------
        TableError
        """
        text = self.cells[column].strip()
        if text.lower() in ("", "nan", "null", "none", "n/a", "--", "-", "inf", "-inf"):
            return None
        try:
            value = float(text)
        except ValueError:
            raise self.fail(no_number(column, text)) from None
        return value if math.isfinite(value) else None


def header_of(path: Path) -> list[str]:
    """Names in the first line of a table.

    Raises
    ------
    TableError
        If it cannot be read or is an ECSV table or a VOTable.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(_LARGEST_CELL)
        # Not read by astropy: a VOTable may make it fetch what another address holds.
        if kind := next((kind for start, kind in _OTHERS.items() if first.startswith(start)), ""):
            raise TableError(f"{path.name}: {kind} cannot be read; save it as CSV")
        return next(csv.reader([first], delimiter=delimiter_of(first), strict=True), [])
    except OSError as error:
        raise TableError(f"{path.name}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path.name}: not a CSV table in UTF-8 ({error})") from error


def read_table(path: Path) -> list[Row]:
    """Read the rows of a CSV table (commas, semicolons or tabs).

    Raises
    ------
    TableError
        If it is no such table, two columns share a name or a row has too many or few cells.
    """
    header = header_of(path)
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise TableError(f"{path.name}: two columns are called {sorted(twice)[0]!r}")
    rows = []
    # The limit is one for all readers of the process: it must not stay raised while the caller
    # thinks about a row, so all are read at once.
    before = csv.field_size_limit(_LARGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = delimiter_of(file.readline(_LARGEST_CELL))
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            next(reader)
            for cells in reader:
                if not any(cells):
                    continue
                if len(cells) != len(header):
                    raise TableError(
                        f"{path.name}: line {reader.line_num} has {len(cells)} cells"
                        f" instead of {len(header)}"
                    )
                rows.append(Row(path.name, reader.line_num, dict(zip(header, cells, strict=True))))
    except OSError as error:
        raise TableError(f"{path.name}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path.name}: not a CSV table in UTF-8 ({error})") from error
    finally:
        csv.field_size_limit(before)
    return rows


def source_of(path: Path, form: str) -> str:
    """Say where rows come from: name, hash of the bytes and form of a file."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{path.name} (sha256 {sha256[:12]}), {form}"


def utc(text: str) -> str:
    """Time of a foreign table as ISO 8601 in UTC; empty where it is in no known form."""
    for form in ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            when = datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return when.isoformat(timespec="seconds").replace("+00:00", "Z")
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return ""
    if when.tzinfo is None:  # whose midnight, nobody knows
        return ""
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
