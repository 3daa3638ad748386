"""`galaxyscope compare` and `galaxyscope import` from the words to the files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from galaxyscope.launch import main
from galaxyscope.records.record import Record
from galaxyscope.records.tables import read_records, write_records


def run(*words: object) -> int:
    return main([str(word) for word in words])


def own_table(path: Path, kinds: tuple[str, ...] = ("automatic", "drawn")) -> Path:
    rows = [
        Record(
            f"g{i}.fits", kind, length_px=10.0 + i + (kind == "drawn") * (i % 3 - 1),
            observer="Ann" if kind == "drawn" else "",
        )
        for i in range(12)
        for kind in kinds
    ]  # fmt: skip
    write_records(path, rows)
    return path


def test_automatic_against_drawn_rows_of_one_table(tmp_path: Path, capsys: Any) -> None:
    own_table(tmp_path / "t.csv")
    assert run("compare", tmp_path / "t.csv", "-o", tmp_path / "pairs.csv") == 0
    said = capsys.readouterr().out
    assert "A: t.csv (automatic)" in said
    assert "12 galaxies with both lengths, joined by file name" in said
    with (tmp_path / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert float(rows[0]["a_px"]) == 10
    assert float(rows[0]["b_px"]) == 9


def test_a_catalogue_is_imported_and_compared(tmp_path: Path, capsys: Any) -> None:
    own_table(tmp_path / "auto.csv", ("automatic",))
    (tmp_path / "cat.csv").write_text(
        "name_of_file,bar\n" + "".join(f"g{i}.jpg,{(10 + i) / 2}\n" for i in range(12))
    )
    words = ["--map", "image=name_of_file", "--map", "semi_length_px=bar"]
    assert run("import", tmp_path / "cat.csv", "-o", tmp_path / "c.csv", *words) == 0
    assert len(read_records(tmp_path / "c.csv")) == 12
    figure = tmp_path / "f.svg"
    both = (tmp_path / "auto.csv", tmp_path / "c.csv")
    assert run("compare", *both, "--figure", figure, "--resamples", 20) == 0
    assert "bias A/B             1.000" in capsys.readouterr().out
    assert figure.read_text().count("<svg") == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["compare", "drawn.csv"], "holds no automatic rows"),
        (["compare", "t.csv", "--observer", "Bob"], "no line is by 'Bob'; there are Ann"),
        (["compare", "t.csv", "t.csv", "t.csv"], "two tables"),
        (["compare", "t.csv", "--figure", "f.gif"], ".svg"),
        (["compare", "t.csv", "other.csv"], "no galaxy in common"),
        (["compare", "none.csv"], "none.csv: cannot be read"),
        (["import", "t.csv", "-o", "o.csv", "--map", "length_px"], "MEANING=COLUMN"),
        (["import", "t.csv", "-o", "o.csv", "--map", "length_px=q"], "no column 'q'"),
    ],
)
def test_impossible_comparisons_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, words: list[str], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    own_table(tmp_path / "t.csv")
    own_table(tmp_path / "drawn.csv", ("drawn",))
    write_records(tmp_path / "other.csv", [Record("z.fits", "drawn", length_px=1.0)])
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert "Traceback" not in said
