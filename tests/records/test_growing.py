"""Tables of long runs: each row is on disk when it is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from galaxyscope.records.columns import RECORD_COLUMNS
from galaxyscope.records.growing import GrowingTable
from galaxyscope.records.record import Record
from galaxyscope.records.tables import TableError, read_records, record_row

ROWS = [Record(path=f"{n}.fits", length_px=n + 0.1) for n in range(3)]


def test_rows_are_on_disk_at_once_and_the_table_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("an older table")
    with GrowingTable(path, RECORD_COLUMNS) as table:
        for count, row in enumerate(ROWS, 1):
            table.add(record_row(row))
            assert read_records(tmp_path / "t.csv.part") == ROWS[:count]
            assert path.read_text() == "an older table"
    assert read_records(path) == ROWS
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".vot"])
def test_an_interrupted_run_keeps_its_rows(tmp_path: Path, suffix: str) -> None:
    from astropy.table import Table

    path = tmp_path / f"t{suffix}"

    def run() -> None:
        with GrowingTable(path, RECORD_COLUMNS) as table:
            table.add(record_row(ROWS[0]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    kind = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".vot": "votable"}[suffix]
    read = Table.read(path, format=kind)
    assert [str(p) for p in read["path"]] == ["0.fits"]
    assert float(read["length_px"][0]) == 0.1
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_that_made_nothing_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("an older table")
    with pytest.raises(KeyboardInterrupt), GrowingTable(path, RECORD_COLUMNS):
        raise KeyboardInterrupt
    assert path.read_text() == "an older table"
    assert list(tmp_path.iterdir()) == [path]


def test_rows_of_a_killed_run_stay(tmp_path: Path) -> None:
    (tmp_path / "t.csv.part").write_text("rows of a run that was killed")
    with GrowingTable(tmp_path / "t.csv", RECORD_COLUMNS) as table:
        table.add(record_row(ROWS[0]))
    assert (tmp_path / "t.csv.part").read_text() == "rows of a run that was killed"
    assert read_records(tmp_path / "t.csv") == ROWS[:1]


def test_impossible_places_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="xlsx"):
        GrowingTable(tmp_path / "t.xlsx", RECORD_COLUMNS)
    with pytest.raises(TableError, match="no folder"):
        GrowingTable(tmp_path / "no" / "t.csv", RECORD_COLUMNS)


def test_the_rows_of_a_link_grow_beside_the_table_that_it_leads_to(tmp_path: Path) -> None:
    """A link may lead to another disk, and no file can be renamed from one to the other."""
    (tmp_path / "elsewhere").mkdir()
    link, table = tmp_path / "link.csv", tmp_path / "elsewhere" / "t.csv"
    link.symlink_to(table)
    with GrowingTable(link, RECORD_COLUMNS) as first, GrowingTable(link, RECORD_COLUMNS) as second:
        assert first.part == table.with_name("t.csv.part")
        assert second.part == table.with_name("t.csv.part2")
        first.add(record_row(ROWS[0]))
    assert read_records(table) == ROWS[:1]
    assert link.is_symlink()
