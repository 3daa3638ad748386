"""`measure-map`: maps that the program wrote, and any other array."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galaxyscope.records.maps import write_map
from galaxyscope.records.record import Record
from galaxyscope.sky.image import SkyImage
from tests.cli.running import rows, run

pytestmark = pytest.mark.usefixtures("light_model")


def angle(path: Path) -> float:
    """Position angle that the command finds on a map."""
    assert run("measure-map", path, "-o", path.with_suffix(".csv")) == 0
    (row,) = rows(path.with_suffix(".csv"))
    assert row["pa_frame"] == "image"
    return float(row["pa_deg"])


@pytest.mark.parametrize("y_up", [True, False])
def test_a_map_has_one_angle_in_every_format(tmp_path: Path, y_up: bool) -> None:
    """Of a FITS cutout the angle on the array was the mirrored one."""
    y, x = np.mgrid[:80, :80] - 39.5
    along, across = x * np.cos(0.5) + y * np.sin(0.5), y * np.cos(0.5) - x * np.sin(0.5)
    values = np.exp(-((along / 14) ** 4) - (across / 4) ** 2).astype(np.float32)
    cutout = SkyImage(data=values[None], name="g", sha256="f" * 64, y_up=y_up)
    for name in ("a.fits", "b.npy"):
        write_map(tmp_path / name, cutout, values, Record("g"))
    np.save(tmp_path / "c.npy", values)
    degrees = np.rad2deg(0.5)
    expected = 90 + degrees if y_up else 90 - degrees
    assert angle(tmp_path / "a.fits") == pytest.approx(expected, abs=2)
    assert angle(tmp_path / "b.npy") == pytest.approx(expected, abs=2)
    assert angle(tmp_path / "c.npy") == pytest.approx(90 - degrees, abs=2), "of somebody else's"


@pytest.mark.parametrize("suffix", [".fits", ".npy"])
def test_measure_map_measures_what_explain_wrote(folder: Path, tmp_path: Path, suffix: str) -> None:
    measure = ("measure", folder / "a bar.fits", "--algorithm", "invariant")
    assert run(*measure, "-o", tmp_path / "t.csv", "--samples", 16) == 0
    assert (
        run("explain", folder / "a bar.fits", "-o", tmp_path / f"m{suffix}", "--samples", 16) == 0
    )
    assert run("measure-map", tmp_path / f"m{suffix}", "-o", tmp_path / "m.csv") == 0
    (whole,), (step,) = rows(tmp_path / "t.csv"), rows(tmp_path / "m.csv")
    for column in ("length_px", "x1", "y1", "x2", "y2"):
        assert float(step[column]) == pytest.approx(float(whole[column]), abs=2), column
    assert (step["scale_source"] == "WCS") == (suffix == ".fits")
    assert bool(step["length_arcsec"]) == (suffix == ".fits")


def test_measure_map_is_the_measuring_step(tmp_path: Path) -> None:
    from galaxyscope.measure.bars import BarSettings, measure_bar
    from galaxyscope.sky.frame import Affine

    values = np.random.default_rng(5).random((48, 64))
    np.save(tmp_path / "m.npy", values)
    out = tmp_path / "t.csv"
    words = ["--algorithm", "published", "--correlation", "0.6", "--min-pixels", "12"]
    assert run("measure-map", tmp_path / "m.npy", "-o", out, *words, "--scale", "2") == 0
    (row,) = rows(out)
    settings = BarSettings("published", correlation=0.6, min_pixels=12)
    expected = measure_bar(values.astype(np.float32), Affine(), settings=settings)
    assert expected.ends is not None
    assert float(row["length_px"]) == expected.length_px
    assert (float(row["x1"]), float(row["y1"])) == expected.ends[0]
    assert float(row["threshold"]) == expected.threshold
    assert float(row["length_arcsec"]) == pytest.approx(2 * float(row["length_px"]))
    assert row["scale_source"] == "user"
    assert len(row["image_sha256"]) == 64


class Trap:
    """Unpickling this would make a file."""

    def __reduce__(self) -> Any:
        return (os.mkdir, ("sprung",))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda p: np.save(p, np.array([Trap()]), allow_pickle=True), ".npy"),
        (lambda p: np.save(p, np.zeros(5)), "2-D"),
        (lambda p: np.save(p, np.zeros((0, 5))), "0×5"),
        (lambda p: np.save(p, np.zeros((5, 5), complex)), "complex128"),
        (lambda p: p.write_bytes(b"\x93NUMPY" + b"\xff" * 40), ".npy"),
        (lambda p: p.write_bytes(b"\x93NUMPY"), ".npy"),
        (lambda p: np.save(p, np.zeros((4097, 4096), np.uint8)), "4096 × 4097 pixels are too many"),
        (lambda p: p.write_bytes(b"hello"), "not a FITS, JPEG, PNG or TIFF file"),
        (lambda p: p.mkdir(), "a folder"),
        (lambda p: None, "no such file"),
    ],
)
def test_what_is_no_map_gives_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, make: Any, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "m.npy"
    make(path)
    assert run("measure-map", path, "-o", tmp_path / "t.csv") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "m.npy" in said
    assert reason in said
    (row,) = rows(tmp_path / "t.csv")
    assert row["error"]
    assert row["length_px"] == ""
    assert not (tmp_path / "sprung").exists()


@pytest.mark.skipif(os.name == "nt", reason="named pipes are files on POSIX only")
def test_a_pipe_is_no_map_and_nobody_waits_for_it(tmp_path: Path, capsys: Any) -> None:
    os.mkfifo(tmp_path / "m.npy")
    assert run("measure-map", tmp_path / "m.npy", "-o", tmp_path / "t.csv") == 1
    assert "device or pipe" in capsys.readouterr().err


def test_a_map_with_numbers_beyond_float32(tmp_path: Path, capsys: Any) -> None:
    rows_, columns = np.mgrid[-20:20, -20:20]
    values = np.exp(-((rows_ / 4) ** 2) - (columns / 12) ** 2)
    values[0, 0], values[0, 1] = 1e300, np.inf
    np.save(tmp_path / "m.npy", values)
    assert run("measure-map", tmp_path / "m.npy", "-o", tmp_path / "t.csv") == 0
    assert capsys.readouterr().err == ""
    (row,) = rows(tmp_path / "t.csv")
    assert float(row["length_px"]) > 10
    assert "not-finite" in row["flags"]


def test_a_lying_npy_header_takes_no_memory(tmp_path: Path, capsys: Any) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (900000, 900000), }"
    header += b" " * (117 - len(header)) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 64
    (tmp_path / "m.npy").write_bytes(content)
    assert run("measure-map", tmp_path / "m.npy", "-o", tmp_path / "t.csv") == 1
    assert "m.npy" in capsys.readouterr().err


def test_a_flat_map_has_no_bar(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.zeros((20, 20)))
    assert run("measure-map", tmp_path / "m.npy", "-o", tmp_path / "t.csv") == 0
    (row,) = rows(tmp_path / "t.csv")
    assert row["length_px"] == row["x1"] == row["pa_deg"] == ""
    assert row["flags"] == "no-bar"
    assert row["reason"]
