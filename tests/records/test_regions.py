from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.records.record import Record
from galaxyscope.records.regions import read_regions
from galaxyscope.records.tables import TableError, write_records

numbers = st.floats(-1e4, 1e4, allow_nan=False)


@settings(deadline=None)
@given(ends=st.tuples(numbers, numbers, numbers, numbers), observer=st.text(max_size=20))
def test_lines_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    ends: tuple[float, float, float, float],
    observer: str,
) -> None:
    path = tmp_path_factory.mktemp("reg") / "bars.reg"
    x1, y1, x2, y2 = ends
    row = Record("a.fits", kind="drawn", observer=observer, x1=x1, y1=y1, x2=x2, y2=y2)
    write_records(path, [row, Record("a.fits", error="no bar")])
    [(found, _)] = read_regions(path)
    assert found == pytest.approx(ends, abs=1e-4)


def test_first_pixel_is_one_for_ds9(tmp_path: Path) -> None:
    path = tmp_path / "bars.reg"
    write_records(path, [Record("a.fits", x1=0.0, y1=0.0, x2=10.0, y2=5.5)])
    assert "line(1.0000,1.0000,11.0000,6.5000)" in path.read_text()


def test_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "bad.reg"
    path.write_text("image\nline(1,2,three,4)\n")
    with pytest.raises(TableError, match=r"bad\.reg: line 2"):
        read_regions(path)
    path.write_bytes(b"\xff\xfe\x00line(")
    with pytest.raises(TableError, match=r"bad\.reg"):
        read_regions(path)
