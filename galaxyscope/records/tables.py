"""Tables on disk: CSV, ECSV and VOTable by suffix, written atomically; CSV read back."""

from __future__ import annotations

import csv
import math
import os
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from galaxyscope.records.columns import RECORD_COLUMNS, Column
from galaxyscope.records.record import Record

TABLE_SUFFIXES = (".csv", ".ecsv", ".vot", ".xml")
RECORD_SUFFIXES = (*TABLE_SUFFIXES, ".reg")
# What a spreadsheet may run as a formula (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@")
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
# No characters; and those that make "stif.exe" look like "exe.fits" (Unicode, UAX 9).
_MISLEADING = "\ufffe\uffff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class TableError(ValueError):
    """A table that cannot be read or written; ``str()`` is one sentence naming it."""


def check_suffix(path: Path, suffixes: Sequence[str] = TABLE_SUFFIXES) -> None:
    """Refuse a name whose suffix no writer knows, and a folder that is not there.

    Raises
    ------
    TableError
    """
    if path.suffix.lower() not in suffixes:
        known = ", ".join(suffixes)
        raise TableError(f"{path.name}: cannot write this kind of file; use one of {known}")
    if not path.parent.is_dir():
        raise TableError(f"{path.name}: there is no folder {path.parent}")
    if path.is_dir():
        raise TableError(f"{path.name}: is a folder")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, renamed onto it at the end if all went well.

    What stood at `path` stays there until the new file is whole.
    """
    target = path.resolve()  # a link stays a link
    temporary = target.with_name(f".{target.stem[:40]}-{uuid.uuid4().hex[:8]}{target.suffix}")
    try:
        yield temporary
        with temporary.open("r+b") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write rows as the suffix says: a table, or the lines as DS9 regions (``.reg``).

    Raises
    ------
    TableError
        If the suffix or the folder does not exist.
    OSError
        If the file cannot be written; what stood there before still does.
    """
    check_suffix(path, RECORD_SUFFIXES)
    if path.suffix.lower() == ".reg":
        from galaxyscope.records.regions import write_regions

        write_regions(path, records)
        return
    write_rows(path, RECORD_COLUMNS, (record_row(r) for r in records))


def record_row(record: Record) -> dict[str, Any]:
    """Cells of a row by column name."""
    return {column.name: getattr(record, column.name) for column in RECORD_COLUMNS}


def read_records(path: Path) -> list[Record]:
    """Read rows back from a CSV file that GalaxyScope wrote (with any columns left out).

    Raises
    ------
    TableError
        If the file is no such table; one sentence says where.
    """
    rows = read_rows(path, RECORD_COLUMNS)
    records = []
    for number, row in enumerate(rows, start=2):
        if not row.get("path"):
            raise TableError(f"{path.name}: row {number} names no path")
        if row.get("kind", "automatic") not in ("automatic", "drawn"):
            raise TableError(f"{path.name}: row {number}: kind is automatic or drawn")
        records.append(Record(**row))
    return records


def write_rows(
    path: Path, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], title: str = ""
) -> None:
    """Write any table by suffix, atomically: the old file stays until the new one is whole.

    Parameters
    ----------
    path : Path
    columns : sequence of Column
    rows : iterable of mapping
        Cells by column name; None, NaN and absent ones are left empty.
    title : str
        Description of the table where the format has a place for it.
    """
    check_suffix(path)
    with replacing(path) as temporary:
        if path.suffix.lower() == ".csv":
            with temporary.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(column.name for column in columns)
                writer.writerows(csv_cells(columns, row) for row in rows)
        else:
            table = _astropy_table(columns, list(rows), title)
            kind = "ascii.ecsv" if path.suffix.lower() == ".ecsv" else "votable"
            table.write(temporary, format=kind, overwrite=True)
            if kind == "ascii.ecsv":
                temporary.write_text(_without_comments(temporary.read_text("utf-8")), "utf-8")


def _without_comments(text: str) -> str:
    """Quote first cells that begin with ``#``: astropy writes them bare and does not read them."""
    lines = text.split("\n")
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    for number in range(first, len(lines)):
        if lines[number].startswith("#"):
            cell, space, rest = lines[number].partition(" ")
            lines[number] = f'"{cell}"{space}{rest}'
    return "\n".join(lines)


def read_rows(path: Path, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Read a CSV file (commas, or what a spreadsheet made of them: semicolons or tabs).

    Cells come back with the types of their columns, empty ones as None. Columns that the file
    lacks are absent from the rows, unknown ones are ignored.

    Raises
    ------
    TableError
    """
    known = {column.name: column for column in columns}
    rows = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = delimiter_of(file.readline())
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if columns[0].name not in header:
                raise TableError(f"{path.name}: the first row has no column {columns[0].name}")
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise TableError(
                        f"{path.name}: line {reader.line_num} has {len(cells)} cells"
                        f" where the header has {len(header)}"
                    )
                row = zip(header, cells, strict=True)
                rows.append({n: _parse(path, known[n], cell) for n, cell in row if n in known})
    except OSError as error:
        raise TableError(f"{path.name}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path.name}: not a CSV table in UTF-8 ({error})") from error
    return rows


def delimiter_of(first_line: str) -> str:
    """Tell what stands between the cells of a table by its first line."""
    return max(",;\t", key=first_line.count)


def no_number(column: str, cell: str) -> str:
    """Say that a cell is not a number, and what to do where a decimal comma is the reason."""
    advice = "; save the table with decimal points" if "," in cell else ""
    return f"{column} is not a number: {cell[:40]!r}{advice}"


def csv_cells(columns: Sequence[Column], row: Mapping[str, Any]) -> list[str]:
    """Cells of one CSV row: shortest digits that give the same float, formulas neutralised."""
    return [_cell(column, row.get(column.name)) for column in columns]


def plain_text(value: str) -> str:
    r"""Keep text on one line that every table format can hold.

    Control characters, line ends, marks that turn the direction of writing and bytes of file
    names that are not UTF-8 are written as escapes (``\n``, ``\xff``); everything else stays as
    it is.
    """
    return "".join(_escape(c) for c in value)


def _escape(character: str) -> str:
    if unicodedata.category(character) in _UNPRINTABLE or character in _MISLEADING:
        if "\udc80" <= character <= "\udcff":  # Python's stand-in for a byte that is not UTF-8
            return f"\\x{ord(character) - 0xDC00:02x}"
        return character.encode("unicode_escape").decode("ascii")
    return character


def _cell(column: Column, value: Any) -> str:
    value = _known(column, value)
    if value is None:
        return ""
    if column.type == "text":
        # One apostrophe more wherever one could be missed, so that reading can take it off.
        return f"'{value}" if value.lstrip("'").startswith(_FORMULA) else value
    return repr(value)


def _known(column: Column, value: Any) -> Any:
    """Give a Python str, int or float; None where nothing is known."""
    if column.type == "text":
        return plain_text(str(value)) if value else None
    if value is None or not math.isfinite(value):
        return None
    return int(value) if column.type == "int" else float(value)


def _parse(path: Path, column: Column, cell: str) -> Any:
    if column.type == "text":
        return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(_FORMULA) else cell
    if not cell.strip():
        return None
    try:
        value = float(cell)
    except ValueError:
        raise TableError(f"{path.name}: {no_number(column.name, cell)}") from None
    if column.type == "float" or math.isnan(value):
        return value if math.isfinite(value) else None
    whole = _whole(cell)
    if whole is None:
        raise TableError(f"{path.name}: {column.name} is not a whole number: {cell[:40]!r}")
    return whole


def _whole(cell: str) -> int | None:
    """Give a whole number, also from ``96.0``; None for others, and those that lost digits."""
    try:
        whole, exact = int(cell), 2**63
    except ValueError:
        value = float(cell)
        whole, exact = (int(value), 2**53) if value.is_integer() else (0, 0)
    return whole if abs(whole) < exact else None


def _astropy_table(columns: Sequence[Column], rows: list[Mapping[str, Any]], title: str) -> Any:
    """Make an astropy table whose unknown cells are masked."""
    from astropy.table import MaskedColumn, Table  # heavy; only these formats

    empty: dict[str, Any] = {"text": "", "float": math.nan, "int": 0}
    types: dict[str, Any] = {"text": str, "float": float, "int": "int64"}
    table = Table(meta={"description": title} if title else None)
    for column in columns:
        values = [_known(column, row.get(column.name)) for row in rows]
        table[column.name] = MaskedColumn(
            [empty[column.type] if value is None else value for value in values],
            mask=[value is None and column.type != "text" for value in values],
            dtype=types[column.type],
            unit=column.unit or None,
            description=column.description,
        )
    return table
