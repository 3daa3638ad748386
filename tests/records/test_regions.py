from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.records.record import Record
from galaxyscope.records.regions import parse_regions, read_regions
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


@pytest.mark.parametrize(
    "name", ["a.fts", "a.fits.bz2", "a.fit.xz", "a.fts.Z", "a.fits.fz", "a.jpg.gz", "a;b [1].fits"]
)
def test_a_comment_names_a_picture_by_any_suffix(tmp_path: Path, name: str) -> None:
    """Found by review: lines of ``.fts`` and ``.xz`` went to the picture above them."""
    path = tmp_path / "bars.reg"
    path.write_text(
        f"image\n# b.fits\nline(1,1,4,5)\n# {name}\nline(1,1,4,5)\n"
        f"# Filename: folder/{name}[SCI][1]\nline(1,1,4,5)\n"
    )
    assert [line.name for line in parse_regions(path)] == ["b.fits", name, f"folder/{name}"]


def test_our_own_lines_know_their_picture_whatever_it_is_called(tmp_path: Path) -> None:
    paths = ["a.fits", "C:\\data\\source.totsky.gz", "{odd} name", "/data/b.fits"]
    path = tmp_path / "bars.reg"
    write_records(path, [Record(p, x1=0.0, y1=0.0, x2=3.0, y2=4.0) for p in paths])
    names = ["a.fits", "source.totsky.gz", "{odd} name", "b.fits"]
    assert [line.name for line in parse_regions(path)] == names
    for damaged in ("{", "[" * 9999, '{"path": 3}', "{}", "[]"):
        path.write_text(f"image\n# b.fits\n# made by GalaxyScope: {damaged}\nline(1,1,4,5)\n")
        assert [line.name for line in parse_regions(path)] == ["b.fits"]


def test_every_legal_line_is_read(tmp_path: Path) -> None:
    """Several on one row, without brackets, with semicolons in texts and sizes in arcsec."""
    path = tmp_path / "bars.reg"
    path.write_text(
        "fk5;line(10,20,10.01,20);line(11,20,11.01,20) # text={a; line(1,2,3,4)}; galactic\n"
        "# a remark; line(1,2,3,4)\n"
        "# line 3 of this file is a remark, too\n"
        "image # the system of all below\n"
        "line 1 2 30 40 # text='b;c'\n"
        "  -line 1,2 31,40\n"
        "circle(1,2,5\");line(1,2,32,40);box(1,2,5',6',0);# ruler(1 2 33 40) ruler=image\n"
        "line(1,2,34,40) # color=red; text={d}\n"
    )
    found = parse_regions(path)
    assert [(line.system, line.number, line.ends[1][0], line.text) for line in found] == [
        ("fk5", 1, 10.01, ""),
        ("fk5", 1, 11.01, "a; line(1,2,3,4)"),
        ("image", 5, 29, "b;c"),
        ("image", 6, 30, ""),
        ("image", 7, 31, ""),
        ("image", 7, 32, ""),
        ("image", 8, 33, "d"),
    ]
    path.write_text("image\nline 1 2 30\n")
    with pytest.raises(TableError, match=r"line 2 does not hold four numbers"):
        parse_regions(path)
