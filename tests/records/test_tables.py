"""Tables: exact numbers, no formulas, one header row, whole files."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galaxyscope.records.columns import RECORD_COLUMNS
from galaxyscope.records.record import Record
from galaxyscope.records.tables import (
    TableError,
    check_suffix,
    plain_text,
    read_records,
    replacing,
    write_records,
    write_rows,
)

ROWS = [
    Record(path="a.fits", length_px=0.1 + 0.2, length_arcsec=1e-17, samples=256, pa_frame="sky"),
    Record(path="b, c.fits", kind="drawn", observer="Élodie “Ω”", x1=-3.25, error='said "no"'),
    Record(path="=cmd|' /C calc'!A0", observer="@SUM(A1)", flags="-1+1", reason="'=quoted"),
]
FLOATS = [column.name for column in RECORD_COLUMNS if column.type == "float"]
TEXTS = [
    column.name for column in RECORD_COLUMNS if column.type == "text" and column.name != "kind"
]
# What a table can hold as it is; test_what_no_table_can_hold_is_escaped covers the rest.
LEGIBLE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])).filter(
    lambda text: not set(text) & {"\ufffe", "\uffff"}
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    optional = st.none() | st.floats(allow_nan=False, allow_infinity=False)
    fields: dict[str, object] = {name: draw(LEGIBLE) for name in TEXTS}
    fields["path"] = draw(LEGIBLE.filter(bool))
    fields |= {name: draw(optional) for name in FLOATS}
    fields |= {name: draw(st.none() | st.integers(0, 2**53)) for name in ("samples", "seed")}
    return Record(kind=draw(st.sampled_from(["automatic", "drawn"])), **fields)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(records(), max_size=3))
def test_csv_comes_back_exactly(tmp_path: Path, rows: list[Record]) -> None:
    write_records(tmp_path / "t.csv", rows)
    assert read_records(tmp_path / "t.csv") == rows


def test_one_header_row_and_one_line_each(tmp_path: Path) -> None:
    write_records(tmp_path / "t.csv", ROWS)
    lines = (tmp_path / "t.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1 + len(ROWS)
    assert lines[0].split(",")[:5] == ["path", "kind", "algorithm", "length_px", "length_err_px"]
    assert "0.30000000000000004" in lines[1]


def test_unknown_is_an_empty_cell(tmp_path: Path) -> None:
    write_records(tmp_path / "t.csv", [Record(path="a", length_px=float("nan"))])
    with (tmp_path / "t.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["length_px"] == row["length_arcsec"] == row["samples"] == row["observer"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "'=", "''@"])
def test_no_cell_is_a_formula(tmp_path: Path, start: str) -> None:
    write_records(tmp_path / "t.csv", [Record(path=f"{start}1+1", x1=-2.5)])
    with (tmp_path / "t.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["path"][0] in "'\\"
    assert row["x1"] == "-2.5", "numbers are no formulas"


def test_what_no_table_can_hold_is_escaped(tmp_path: Path) -> None:
    name = os.fsdecode(b"n\xffame\n\x00\x1b[31m") + "\u2028\ufffe"
    assert plain_text(name) == r"n\xffame\n\x00\x1b[31m\u2028\ufffe"
    assert plain_text("gpj.\u202estif.fits") == r"gpj.\u202estif.fits", "no turning of the reading"
    for suffix in (".csv", ".ecsv", ".vot"):
        write_records(tmp_path / f"t{suffix}", [Record(path=name)])
        assert r"n\xffame\n" in (tmp_path / f"t{suffix}").read_text("utf-8").replace(
            "\\\\", "\\"
        ), suffix


@pytest.mark.parametrize(("suffix", "kind"), [(".ecsv", "ascii.ecsv"), (".vot", "votable")])
def test_typed_tables_have_units_and_masks(tmp_path: Path, suffix: str, kind: str) -> None:
    from astropy.table import Table

    path = tmp_path / f"t{suffix}"
    write_records(path, ROWS)
    table = Table.read(path, format=kind)
    assert table.colnames == [column.name for column in RECORD_COLUMNS]
    assert str(table["length_arcsec"].unit) == "arcsec"
    assert str(table["length_kpc"].unit) == "kpc"
    assert str(table["pa_deg"].unit) == "deg"
    assert table["length_px"].description == "full length of the bar in pixels of the file"
    assert table["length_px"][0] == 0.1 + 0.2
    assert table["length_px"].mask.tolist() == [False, True, True]
    assert table["samples"][0] == 256
    assert table["samples"].mask.tolist() == [False, True, True]
    assert str(table["observer"][1]) == "Élodie “Ω”"
    assert str(table["error"][1]) == 'said "no"'


def test_a_name_that_looks_like_a_comment_is_not_lost(tmp_path: Path) -> None:
    from astropy.table import Table

    rows = [dataclasses.replace(ROWS[0], path=name) for name in ("#1.fits", "# 1", "#", '#"', "a")]
    write_records(tmp_path / "t.ecsv", rows)
    table = Table.read(tmp_path / "t.ecsv", format="ascii.ecsv")
    assert list(table["path"]) == [row.path for row in rows]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(row=records())
def test_typed_tables_hold_any_row(tmp_path: Path, row: Record) -> None:
    from astropy.table import Table

    for suffix, kind in ((".ecsv", "ascii.ecsv"), (".xml", "votable")):
        path = tmp_path / f"t{suffix}"
        write_records(path, [row])
        table = Table.read(path, format=kind)
        for name in FLOATS:
            value = getattr(row, name)
            # astropy reads an infinite cell of a VOTable as masked; no measurement is infinite.
            if value is not None and math.isfinite(value):
                assert table[name][0] == value


def test_a_table_without_rows(tmp_path: Path) -> None:
    from astropy.table import Table

    for suffix, kind in ((".ecsv", "ascii.ecsv"), (".vot", "votable")):
        write_records(tmp_path / f"t{suffix}", [])
        assert len(Table.read(tmp_path / f"t{suffix}", format=kind)) == 0
    write_records(tmp_path / "t.csv", [])
    assert read_records(tmp_path / "t.csv") == []


def test_the_old_table_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_records(path, ROWS)
    before = path.read_bytes()

    def rows() -> object:
        yield {"path": "one"}
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_rows(path, RECORD_COLUMNS, rows())  # type: ignore[arg-type]  # a generator
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
def test_writing_through_a_link_with_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link, plain = tmp_path / "link.csv", tmp_path / "plain"
    link.symlink_to(tmp_path / "real" / "t.csv")
    write_records(link, ROWS)
    plain.write_text("")
    assert link.is_symlink()
    assert read_records(tmp_path / "real" / "t.csv") == ROWS
    assert (tmp_path / "real" / "t.csv").stat().st_mode == plain.stat().st_mode


def test_unknown_suffixes_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"t\.xlsx: .*\.csv, \.ecsv"):
        check_suffix(tmp_path / "t.xlsx")
    with pytest.raises(TableError, match="there is no folder"):
        check_suffix(tmp_path / "no" / "t.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(TableError, match="is a folder"):
        check_suffix(tmp_path / "d.csv")
    check_suffix(tmp_path / "T.CSV")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no column path"),
        (b"a,b\n1,2\n", "no column path"),
        (b"path,x1\ng.fits,abc\n", "x1 is not a number: 'abc'"),
        (b"path,x1\ng.fits\n", "1 cells"),
        (b"path\n\xff\n", "UTF-8"),
        (b'path\n"a\n', "CSV"),
        (b"path,kind\ng.fits,guessed\n", "automatic or drawn"),
        (b"path,kind\n,drawn\n", "row 2 names no path"),
        (b"path\n" + b"x" * 200_000, "CSV"),
    ],
)
def test_what_is_no_table_gives_a_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=reason) as caught:
        read_records(path)
    assert "t.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(TableError, match=r"no\.csv: cannot be read"):
        read_records(tmp_path / "no.csv")


def test_a_table_that_passed_through_a_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(
        b"\xef\xbb\xbflength_px, path,mine\r\n40,g.fits,note\r\n\r\n,h.fits,\r\n"
    )
    first, second = read_records(tmp_path / "t.csv")
    assert (first.path, first.length_px, second.length_px) == ("g.fits", 40.0, None)


def test_replacing_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing(tmp_path / "x.bin") as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_rows_are_plain_numbers_whatever_they_were(tmp_path: Path) -> None:
    import numpy as np

    row = dataclasses.replace(ROWS[0], x1=np.float64(1.5), samples=np.int64(3))
    write_records(tmp_path / "t.csv", [row])
    cells = next(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text("utf-8"))))
    assert (cells["x1"], cells["samples"]) == ("1.5", "3")


def test_whole_numbers_that_passed_through_pandas(tmp_path: Path) -> None:
    """A column with gaps is one of floats there."""
    path = tmp_path / "t.csv"
    path.write_text("path,samples,seed\na.fits,96.0,1e3\nb.fits,,\nc.fits,7,9223372036854775807\n")
    first, second, third = read_records(path)
    assert (first.samples, first.seed, second.samples) == (96, 1000, None)
    assert (third.samples, third.seed) == (7, 2**63 - 1)
    assert isinstance(first.samples, int)
    for cell in ("96.5", "1e300", "9.223372036854776e+18", "9" * 400):
        path.write_text(f"path,samples\na.fits,{cell}\n")
        with pytest.raises(TableError, match=r"t\.csv: samples is not a whole number: '9|1e300"):
            read_records(path)
