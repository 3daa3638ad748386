"""What the commands read and write: nothing that is read is lost, and no name stops them."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from galaxyscope.records.record import Record
from galaxyscope.records.tables import write_records
from tests.cli.running import rows, run

pytestmark = pytest.mark.usefixtures("light_model")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    kinds = ("automatic", "drawn")
    write_records(tmp_path / "t.csv", [Record("g.fits", kind, length_px=9.0) for kind in kinds])
    return tmp_path / "t.csv"


def refused(path: Path, capsys: Any, *words: object) -> bool:
    before = path.read_bytes()
    status, said = run(*words), capsys.readouterr().err
    assert "is to be read; the result needs another name" in said
    assert said.count("\n") == 1
    return status == 2 and path.read_bytes() == before


def test_no_picture_is_replaced_by_its_map(folder: Path, tmp_path: Path, capsys: Any) -> None:
    picture = folder / "a bar.fits"
    assert refused(picture, capsys, "explain", picture, "-o", picture)
    (tmp_path / "link.fits").symlink_to(picture)
    assert refused(picture, capsys, "explain", picture, "-o", tmp_path / "link.fits")
    drawn = folder / "b ☉.jpg"
    assert refused(drawn, capsys, "explain", drawn, "--figure", drawn)


def test_nor_by_one_of_several_maps(folder: Path, tmp_path: Path, capsys: Any) -> None:
    picture = shutil.copy(folder / "a bar.fits", tmp_path / "gradient.fits")
    before = picture.read_bytes()
    methods = ["--method", "gradient", "--method", "input-x-gradient"]
    assert run("explain", picture, *methods, "-o", tmp_path) == 1
    assert "gradient: " in capsys.readouterr().err
    assert picture.read_bytes() == before
    assert (tmp_path / "input-x-gradient.fits").exists()


def test_no_table_is_replaced_by_what_was_made_of_it(table: Path, capsys: Any) -> None:
    assert refused(table, capsys, "compare", table, "-o", table)
    assert refused(table, capsys, "import", table, "-o", table)
    assert refused(table, capsys, "tune", table.parent, table, "-o", table)


def test_predict_asks_about_the_plane_that_is_named(tmp_path: Path) -> None:
    faint = np.zeros((64, 64), np.float32)
    faint[30:32, 30:32] = 1.0
    wide = np.zeros((64, 64), np.float32)
    wide[31:33, 30:33] = 1.0
    units = [fits.PrimaryHDU(faint), fits.ImageHDU(faint.T.copy()), fits.ImageHDU(wide)]
    fits.HDUList(units).writeto(tmp_path / "three.fits")

    def said(*words: str) -> dict[str, str]:
        run("predict", tmp_path / "three.fits", *words, "-o", tmp_path / "p.csv")
        return rows(tmp_path / "p.csv")[0]

    assert said()["Class3.1"] == said("--plane", "0")["Class3.1"]
    assert said("--plane", "2")["Class3.1"] != said()["Class3.1"]
    assert "9" in said("--plane", "9")["error"]


def test_another_seed_leaves_the_truth_of_the_first(tmp_path: Path) -> None:
    for seed in (1, 2, 1):
        assert run("simulate", "-o", tmp_path, "--count", 1, "--seed", seed, "--size", 64) == 0
    truth = [row["file"] for row in rows(tmp_path / "truth.csv")]
    assert truth == ["simulated_2_0000.fits", "simulated_1_0000.fits"]
    (tmp_path / "simulated_1_0000.fits").unlink()
    assert run("simulate", "-o", tmp_path, "--count", 1, "--seed", 3, "--size", 64) == 0
    truth = [row["file"] for row in rows(tmp_path / "truth.csv")]
    assert truth == ["simulated_2_0000.fits", "simulated_3_0000.fits"]


def test_a_terminal_that_knows_no_greek(
    folder: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (("predict", folder), ("compare", table, "-o", tmp_path / "pairs.csv")):
        terminal = io.TextIOWrapper(io.BytesIO(), "latin-1")
        monkeypatch.setattr(sys, "stdout", terminal)
        assert run(*words) == 0
        terminal.flush()
        assert rb"\u" in terminal.buffer.getvalue()  # type: ignore[attr-defined]
    assert (tmp_path / "pairs.csv").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"name,length\na,3\n"])
def test_what_is_no_table_of_truths_is_not_replaced(
    tmp_path: Path, capsys: Any, content: bytes
) -> None:
    (tmp_path / "truth.csv").write_bytes(content)
    assert run("simulate", "-o", tmp_path, "--count", 1, "--size", 64) == 2
    assert "truth.csv is not a table of truths" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["truth.csv"]
    assert (tmp_path / "truth.csv").read_bytes() == content


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["line", "a.fits", "3", "4", "3", "4"], "two different ends"),
        (["measure", "a.fits", "--scale", "1e400"], "1e400 is not a finite number"),
        (["measure", "a.fits", "--seed", "9" * 320], "is not a finite number"),
        (["measure", "a.fits", "--set", "steps=" + "9" * 320], "is not NAME=NUMBER"),
    ],
)
def test_numbers_that_cannot_be(words: list[str], says: str, folder: Path, capsys: Any) -> None:
    words = [str(folder / "a bar.fits") if word == "a.fits" else word for word in words]
    assert run(*words) == 2
    assert says in capsys.readouterr().err
