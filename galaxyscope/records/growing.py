"""`GrowingTable`: a table of a long run, each row on disk at the moment it is made."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from galaxyscope.records.columns import Column
from galaxyscope.records.tables import check_suffix, csv_cells, read_rows, write_rows


class GrowingTable:
    """Collect rows in ``NAME.part`` (CSV) and turn it into `path` at the end.

    Use it in a ``with`` block. However the block ends, the rows so far become the table;
    if the process is killed they are in the part file. `path` itself is only ever
    replaced by a whole table.

    Parameters
    ----------
    path : Path
        Its suffix decides the format, see `galaxyscope.records.tables.write_rows`.
    columns : sequence of Column
    title : str

    Raises
    ------
    TableError
        If the suffix or the folder does not exist.
    OSError
        If nothing can be written there.
    """

    def __init__(self, path: Path, columns: Sequence[Column], title: str = "") -> None:
        check_suffix(path)
        self.path, self.columns, self.title = path, columns, title
        self.rows = 0
        # Beside the file that a link leads to: it may lie on another disk.
        target = path.resolve()
        self.part = target.with_name(f"{target.name}.part")
        number = 1
        while True:
            try:
                # "x": the rows of a run that was killed, or still goes on, are not overwritten.
                self._file = self.part.open("x", encoding="utf-8", newline="")
                break
            except FileExistsError:
                number += 1
                self.part = target.with_name(f"{target.name}.part{number}")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(column.name for column in columns)
        self._file.flush()

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one row; it is with the operating system when this returns."""
        self._writer.writerow(csv_cells(self.columns, row))
        self._file.flush()
        self.rows += 1

    def __enter__(self) -> GrowingTable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if error is None or self.rows:
            if self.path.suffix.lower() == ".csv":
                self.part.replace(self.path.resolve())
                return
            write_rows(self.path, self.columns, read_rows(self.part, self.columns), self.title)
        self.part.unlink()
