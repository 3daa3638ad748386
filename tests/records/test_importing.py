"""Lines from elsewhere: catalogues, Zooniverse exports, DS9 regions; hostile ones included."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galaxyscope.records.importing import read_any
from galaxyscope.records.importing.rows import read_table
from galaxyscope.records.record import Record
from galaxyscope.records.regions import write_regions
from galaxyscope.records.tables import TableError, read_records, write_records
from galaxyscope.sky.coordinates import COSMOLOGY_NAME, kpc_per_arcsec


def written(path: Path, *rows: list[Any], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def test_reading_leaves_the_limit_of_cells_to_others(tmp_path: Path) -> None:
    """It is one for the whole process: two tables read in turn once left it raised for good."""
    path = written(tmp_path / "t.csv", ["id"], ["1"], ["2"])
    before = csv.field_size_limit()
    rows = read_table(path)
    assert next(iter(rows)).line == 2
    assert csv.field_size_limit() == before


def test_hoyles_catalogue(tmp_path: Path) -> None:
    """Kiloparsecs become the angle that they are at that redshift; rows say where they stood."""
    path = written(
        tmp_path / "hoyle.csv",
        ["OBJID", "ra", "dec", "z", "length_avg", "length_std"],
        ["587722", "180.5", "-1.25", "0.05", "9.8", "0.98"],
        ["587723", "181.5", "2", "0.02", "", ""],
    )
    first, second = read_any(path)
    assert first.object_id == "587722"
    assert first.length_kpc == pytest.approx(9.8)
    assert first.length_arcsec == pytest.approx(9.8 / kpc_per_arcsec(0.05))
    assert first.length_err_arcsec == pytest.approx(first.length_arcsec / 10)
    assert (first.ra_deg, first.dec_deg) == (180.5, -1.25)
    assert first.cosmology == COSMOLOGY_NAME
    assert first.kind == "drawn"
    assert first.observer == "Hoyle et al. (2011)"
    assert "hoyle.csv" in first.source
    assert first.source.endswith("line 2")
    assert second.length_arcsec is second.length_kpc is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_known_by_name_or_named(tmp_path: Path, delimiter: str) -> None:
    path = written(
        tmp_path / "t.csv",
        ["file", "bar_full_length_arcsec", "a_bar", "petroR90_r_arcsec"],
        ["x.fits", 12.5, 0.05, 10],
        delimiter=delimiter,
    )
    (row,) = read_any(path)
    assert (row.path, row.length_arcsec, row.r90_arcsec) == ("x.fits", 12.5, 10)
    (row,) = read_any(path, {"semi_length_arcsec": "a_bar:arcmin"})
    assert row.length_arcsec == pytest.approx(6)
    (row,) = read_any(path, {"length_px": "bar_full_length_arcsec"}, scale=0.4)
    assert (row.length_px, row.length_arcsec) == (12.5, pytest.approx(5))
    assert row.scale_source == "user"
    (row,) = read_any(path, {"length_kpc": "bar_full_length_arcsec:kpc/h"})
    assert row.length_kpc == pytest.approx(12.5 / 0.7)
    assert row.length_arcsec is None  # no redshift


@pytest.mark.parametrize(
    ("text", "mapping", "reason"),
    [
        ("image,bar\na,3\n", {}, "no column is known to hold lengths"),
        ("bar_length_px\n3\n", {}, "which galaxy"),
        ("image,length_px\na,x3\n", {}, "line 2: length_px is not a number: 'x3'"),
        ("image,length_px\na,3\nb\n", {}, "line 3 has 1 cells"),
        ("image,length_px\na,-3\n", {}, "line 2: a length is negative"),
        ("image,image,length_px\na,a,3\n", {}, "two columns are called 'image'"),
        ("image,length_px\na,3\n", {"length_arcsec": "bar"}, "no column 'bar'"),
        ("image,length_px\na,3\n", {"size": "length_px"}, "no meaning"),
        ("image,length_px\na,3\n", {"length_arcsec": "length_px:kg"}, "cannot be turned into"),
        ("image,length_px\na,3\n", {"length_arcsec": "length_px:__import__('os')"}, "turned into"),
        ('image,length_px\n"a,3\n', {}, "not a CSV table"),
        ("", {}, "which galaxy"),
    ],
)
def test_bad_tables_are_one_sentence(
    tmp_path: Path, text: str, mapping: dict[str, str], reason: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError) as caught:
        read_any(path, mapping)
    assert str(caught.value).startswith("t.csv: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_and_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        read_any(tmp_path)
    with pytest.raises(TableError, match="cannot be read"):
        read_any(tmp_path / "none.csv")


def line(x1: float, y1: float, x2: float, y2: float, **more: Any) -> dict[str, Any]:
    return {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "frame": 0, "details": [], **more}


HEADER = [
    "classification_id", "user_name", "created_at", "gold_standard", "annotations", "subject_data"
]  # fmt: skip


def zooniverse(path: Path, *classifications: tuple[Any, Any]) -> Path:
    rows = [
        [100 + i, f"user{i}", "2015-07-01 12:30:00 UTC", "", json.dumps(a), json.dumps(s)]
        for i, (a, s) in enumerate(classifications)
    ]
    return written(path, HEADER, *rows)


SUBJECT = {"7": {"retired": {"id": 3}, "Filename": "g7.jpg", "#ra": "12.5", "dec": 3}}


def test_zooniverse_lines(tmp_path: Path) -> None:
    """Corner-based pixels become centre-based; widths and other shapes are left out."""
    marks = [
        line(10.5, 20.5, 40.5, 60.5, tool=0, tool_label="Bar length"),
        line(20, 40, 30, 35, tool=1, tool_label="Bar width"),
        {"x": 3, "y": 4, "r": 5, "tool": 2, "tool_label": "Star"},
    ]
    tasks = [
        {"task": "T0", "task_label": "Is there a bar?", "value": "Yes"},
        {"task": "T1", "task_label": "Draw", "value": marks},
    ]
    combined = [{"task": "T9", "task_label": None, "value": tasks}]
    active = {"8": {"retired": None, "objid": "587", "Filename": ""}}
    nothing = [{"task": "T0", "value": "No"}]
    path = zooniverse(tmp_path / "c.csv", (tasks, SUBJECT), (combined, active), (nothing, SUBJECT))
    first, second = read_any(path, scale=0.5)
    assert first.ends == ((10, 20), (40, 60))
    assert first.length_px == pytest.approx(50)
    assert first.length_arcsec == pytest.approx(25)
    assert (first.path, first.observer) == ("g7.jpg", "user0")
    assert first.created_at == "2015-07-01T12:30:00Z"
    assert (first.ra_deg, first.dec_deg, first.flags) == (12.5, 3, "")
    assert first.source.endswith("line 2, classification 100")
    # 30 right and 40 down: from up 36.87° to the left, seen the other way.
    assert first.pa_deg == pytest.approx(36.8699, abs=1e-3)
    assert (second.path, second.object_id, second.flags) == ("subject 8", "587", "not-retired")


def test_zooniverse_tools_must_be_clear(tmp_path: Path) -> None:
    marks = [line(0, 0, 9, 0, tool=0, tool_label="A"), line(0, 0, 5, 0, tool=1, tool_label="B")]
    path = zooniverse(tmp_path / "c.csv", ([{"task": "T", "value": marks}], SUBJECT))
    with pytest.raises(TableError, match=r"several tools drew lines.*A, B"):
        read_any(path)
    (row,) = read_any(path, {"tool": "B"})
    assert row.length_px == 5
    with pytest.raises(TableError, match="no line was drawn with 'C'"):
        read_any(path, {"tool": "C"})


@pytest.mark.parametrize(
    ("annotations", "subject", "reason"),
    [
        ("__import__('os').system('false')", "{}", "annotations is not JSON"),
        ("[" * 100_000, "{}", "annotations is not JSON"),
        ('{"a": 1}', "{}", "not a list of tasks"),
        ('[{"value": [{"x1": 1, "y1": 2, "x2": "a", "y2": 3}]}]', "{}", "four numbers"),
        ('[{"value": [{"x1": 1, "y1": 2, "x2": NaN, "y2": 3}]}]', "{}", "four numbers"),
        ('[{"value": [{"x1": 1, "y1": 2, "x2": 1e400, "y2": 3}]}]', "{}", "four numbers"),
        ('[{"value": [{"x1": 1, "y1": 2, "x2": -1e308, "y2": 1e308}]}]', "{}", "four numbers"),
        (f'[{{"value": [{{"x1": 1, "y1": 2, "x2": {"9" * 400}, "y2": 3}}]}}]', "{}", "four num"),
        ('[{"value": [{"x1": 1, "y1": 2, "x2": 1, "y2": 2}]}]', "{}", "no length"),
        ('[{"value": [{"x1": 1, "y1": 2, "x2": 1, "y2": 3}]}]', "{}", "not about one subject"),
        ('[{"value": [{"x1": 1, "y1": 2, "x2": 1, "y2": 3}]}]', '{"1": 2}', "one subject"),
    ],
)
def test_bad_classifications_name_file_and_line(
    tmp_path: Path, annotations: str, subject: str, reason: str
) -> None:
    path = written(tmp_path / "c.csv", HEADER, [1, "u", "", "", annotations, subject])
    with pytest.raises(TableError, match=r"c\.csv: line 2: ") as caught:
        read_any(path)
    assert reason in str(caught.value)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: (
    st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["value", "x1", "y1", "x2", "y2", "tool"]), inner, max_size=6)
)))  # fmt: skip
def test_any_json_is_read_or_refused(tmp_path: Path, document: Any) -> None:
    path = zooniverse(tmp_path / "c.csv", (document, SUBJECT))
    try:
        rows, said = read_any(path), "c.csv: "
    except TableError as error:
        rows, said = [], str(error)
    assert said.startswith("c.csv: ")
    assert all(row.length_px for row in rows)


def test_regions_of_ds9(tmp_path: Path) -> None:
    path = tmp_path / "n4643.reg"
    path.write_text(
        "# Region file format: DS9 version 4.1\n"
        'global color=green dashlist=8 3 width=1 font="helvetica 10"\n'
        "image\n"
        "circle(10,10,5)\n"
        "line(11,21,41,61) # line=0 0 text={Ann}\n"
        "# ruler(1,1,4,5) ruler=image color=red\n"
        "fk5;line(12:00:00.0,+10:00:00,12:00:00.0,+10:01:00)\n"
        "icrs\n"
        "line(180.0d,-0.01d,180.0d,0.01d)\n",
        encoding="utf-8",
    )
    drawn, ruler, sky, last = read_any(path, scale=0.5)
    assert drawn.ends == ((10, 20), (40, 60))
    assert (drawn.length_px, drawn.length_arcsec, drawn.observer) == (50, 25, "Ann")
    assert ruler.ends == ((0, 0), (3, 4))
    assert ruler.path == "n4643"
    assert sky.length_arcsec == pytest.approx(60, abs=1e-6)
    assert sky.pa_deg % 180 == pytest.approx(0, abs=1e-5)
    assert (sky.ra_deg, sky.dec_deg) == pytest.approx((180, 10 + 0.5 / 60), abs=1e-4)
    assert last.length_arcsec == pytest.approx(72)
    assert last.source.endswith("line 9")


def test_our_own_regions_come_back_under_their_pictures(tmp_path: Path) -> None:
    rows = [
        Record("a (1).fits", "drawn", "line", x1=1.0, y1=2.0, x2=4.0, y2=6.0, observer="Ann"),
        Record("b.jpg", "automatic", "phase", x1=0.0, y1=0.0, x2=0.0, y2=7.0),
    ]
    write_regions(tmp_path / "r.reg", rows)
    back = read_any(tmp_path / "r.reg")
    assert [(r.path, r.kind, r.length_px, r.ends) for r in back] == [
        ("a (1).fits", "drawn", 5, rows[0].ends),
        ("b.jpg", "automatic", 7, rows[1].ends),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("physical\nline(1,2,3,4)\n", "line 2 is in physical coordinates"),
        ("line(1,2,3,4)\n", "line 1 is in no coordinates"),
        ("fk5\nwcsa;line(1,2,3,4)\n", "line 2 is in wcsa coordinates"),
        ("image\nline(1,2,3)\n", "four numbers"),
        ("image\nline(1,2,3,nan)\n", "four numbers"),
        ("fk5\nline(1,95,3,4)\n", "four numbers"),
        ("image\nline(1,2,1,2)\n", "has no length"),
    ],
)
def test_regions_that_cannot_be_trusted(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "r.reg"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=r"^r\.reg: ") as caught:
        read_any(path)
    assert reason in str(caught.value)


def test_imported_rows_survive_a_table_and_stay_harmless(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", ["image", "length_px", "observer"], ["=1+1", 3, "@x"])
    rows = read_any(path)
    write_records(tmp_path / "out.csv", rows)
    assert read_records(tmp_path / "out.csv") == rows == read_any(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell.startswith(("=", "@")) for cell in cells)


@pytest.mark.parametrize("header", [["id\x1b[31m", "bar\x01"], ["image", "bar\x1b]0;x\x07"]])
def test_messages_about_columns_say_nothing_to_the_terminal(
    header: list[str], tmp_path: Path
) -> None:
    """Found by fuzzing: the names of a stranger's columns were printed as they were."""
    path = written(tmp_path / "t.csv", header, ["a.fits", "1"])
    with pytest.raises(TableError) as caught:
        read_any(path)
    assert str(caught.value).isprintable()
    assert "\\x1b" in str(caught.value)


def test_the_error_in_kpc_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", ["galaxy", "length_kpc", "length_err_kpc"], ["N1", 8, 1])
    (row,) = read_any(path)
    assert (row.length_kpc, row.length_err_kpc, row.length_err_arcsec) == (8, 1, None)
    header = ["galaxy", "semi_length_kpc", "semi_length_err_kpc", "z"]
    (row,) = read_any(written(tmp_path / "t.csv", header, ["N1", 4, 0.5, 0.03]))
    assert (row.length_kpc, row.length_err_kpc) == (8, 1)
    assert row.length_err_arcsec == pytest.approx(1 / kpc_per_arcsec(0.03))


def test_a_scale_copied_from_cdelt1_is_the_size_of_a_pixel(tmp_path: Path) -> None:
    header = ["galaxy", "length_px", "scale_arcsec_per_px", "r90_arcsec"]
    path = written(tmp_path / "t.csv", header, ["N1", 8, -0.4, 0], ["N2", 8, 0, ""])
    first, second = read_any(path)
    assert (first.length_arcsec, first.scale_arcsec_per_px) == (pytest.approx(3.2), 0.4)
    assert (second.length_arcsec, second.scale_arcsec_per_px, second.scale_source) == (
        None, None, ""
    )  # fmt: skip
    assert first.r90_arcsec is None, "a galaxy has a size"
    assert read_any(path, scale=0.5)[1].length_arcsec == 4


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("r90_arcsec", -9999, "r90_arcsec is negative (-9999)"),
        ("r25_arcsec", -1, "r25_arcsec is negative (-1)"),
        ("dec", 95, "dec_deg is beyond 90 degrees (95)"),
        ("dec", -999, "dec_deg is beyond 90 degrees (-999)"),
    ],
)
def test_what_no_galaxy_has_is_refused(
    tmp_path: Path, column: str, cell: float, reason: str
) -> None:
    path = written(tmp_path / "t.csv", ["galaxy", "length_px", column], ["N1", 8, cell])
    with pytest.raises(TableError) as caught:
        read_any(path)
    assert str(caught.value) == f"t.csv: line 2: {reason}"


@pytest.mark.parametrize("suffix", [".ecsv", ".vot", ".xml"])
def test_our_own_tables_of_other_kinds_are_refused_by_their_kind(
    tmp_path: Path, suffix: str
) -> None:
    write_records(tmp_path / f"t{suffix}", [Record("a.fits", length_px=3.0)])
    with pytest.raises(TableError) as caught:
        read_any(tmp_path / f"t{suffix}")
    kind = "an ECSV table" if suffix == ".ecsv" else "a VOTable"
    assert str(caught.value) == f"t{suffix}: {kind} cannot be read; save it as CSV"


def test_our_own_table_saved_by_a_spreadsheet_with_semicolons(tmp_path: Path) -> None:
    rows = [Record("a.fits", length_px=10.5, samples=96), Record("b;c, d.fits", kind="drawn")]
    write_records(tmp_path / "t.csv", rows)
    with (tmp_path / "t.csv").open(newline="") as file:
        cells = list(csv.reader(file))
    for delimiter in ";\t":
        path = written(tmp_path / "again.csv", *cells, delimiter=delimiter)
        assert read_any(path) == rows
    german = [[cell.replace("10.5", "10,5") for cell in row] for row in cells]
    path = written(tmp_path / "german.csv", *german, delimiter=";")
    sentence = "not a number: '10,5'; save the table with decimal points"
    with pytest.raises(TableError) as caught:
        read_any(path)
    assert str(caught.value) == f"german.csv: length_px is {sentence}"
    path = written(path, ["galaxy", "length_px"], ["N1", "10,5"], delimiter=";")
    with pytest.raises(TableError) as caught:
        read_any(path)
    assert str(caught.value) == f"german.csv: line 2: length_px is {sentence}"
