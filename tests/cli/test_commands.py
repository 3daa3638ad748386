"""The commands as functions, on a network whose answer is known."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galaxyscope.cli.main import main
from galaxyscope.sky.readers import open_image
from tests.cli.running import rows, run

pytestmark = pytest.mark.usefixtures("light_model")
QUICK = ["--samples", "16"]


def test_measure_a_folder(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "t.csv"
    assert run("measure", folder, "-o", out, "--algorithm", "phase", *QUICK) == 0
    fits, jpeg = rows(tmp_path / "t.csv")
    assert fits["path"] == str(folder / "a bar.fits")
    assert float(fits["length_px"]) == pytest.approx(60, rel=0.06)
    assert float(fits["length_arcsec"]) == pytest.approx(60 * 0.396, rel=0.06)
    assert float(fits["pa_deg"]) == pytest.approx(30, abs=2)
    assert (fits["pa_frame"], fits["scale_source"], fits["algorithm"]) == (
        "sky",
        "WCS",
        "phase",
    )
    assert (fits["samples"], fits["seed"], fits["model"]) == ("16", "0", "light")
    assert fits["method"] == "smoothgrad/rotation-averaged"
    assert jpeg["path"].endswith("b ☉.jpg")
    assert float(jpeg["length_px"]) == pytest.approx(40, rel=0.2), "blurred by stretch and JPEG"
    assert float(jpeg["pa_deg"]) == pytest.approx(120, abs=3)
    assert jpeg["pa_frame"] == "image"
    assert jpeg["length_arcsec"] == jpeg["length_kpc"] == jpeg["scale_arcsec_per_px"] == ""
    asked = (
        "path, algorithm, length_px, length_err_px, length_arcsec, length_kpc, pa_deg, x1, y1, x2,"
        " y2, threshold, flags, scale_arcsec_per_px, scale_source, model, model_sha256, method,"
        " samples, noise, seed, version"
    )
    assert set(asked.split(", ")) <= set(fits)


def test_measure_options_reach_the_row(folder: Path, tmp_path: Path) -> None:
    words = ["--algorithm", "published", "--scale", "0.5", "--redshift", "0.05", "--seed", "7"]
    words += ["--method", "smoothgrad/tf-keras-vis", "--noise", "0.05", "--target", "none"]
    words += ["--correlation", "0.9", "--min-pixels", "30", "--model", "light", "--device", "cpu"]
    out = tmp_path / "t.csv"
    assert run("measure", folder / "b ☉.jpg", "-o", out, *QUICK, *words) == 0
    (row,) = rows(out)
    assert (row["algorithm"], row["scale_source"], row["target"]) == (
        "published",
        "user",
        "Class3.2",
    )
    assert (row["redshift"], row["seed"], row["noise"]) == ("0.05", "7", "0.05")
    assert row["method"] == "smoothgrad/tf-keras-vis"
    assert float(row["length_arcsec"]) == pytest.approx(float(row["length_px"]) * 0.5)
    assert float(row["length_kpc"]) == pytest.approx(float(row["length_arcsec"]) * 0.977, rel=1e-3)
    settings = json.loads(row["parameters"])
    assert (settings["correlation"], settings["min_pixels"]) == (0.9, 30)


def test_the_same_command_gives_the_same_rows(folder: Path, tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        assert run("measure", folder, "-o", tmp_path / name, *QUICK) == 0
    one, two = (rows(tmp_path / name) for name in ("one.csv", "two.csv"))
    for row in one + two:  # the second time the network's fastest batch may be known
        assert json.loads(row.pop("ran"))
    assert one == two


def test_a_bad_file_stops_nobody(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "aa broken.fits").write_bytes(b"SIMPLE  =                    T" + b"\xff" * 999)
    empty = tmp_path / "empty"
    empty.mkdir()
    paths = [folder, tmp_path / "missing.png", empty]
    for command, extra in (("measure", QUICK), ("predict", [])):
        out = tmp_path / f"{command}.csv"
        assert run(command, *paths, "-o", out, *extra) == 1
        table = rows(out)
        assert [Path(r["path"]).name for r in table] == [
            "a bar.fits",
            "aa broken.fits",
            "b ☉.jpg",
            "missing.png",
            "empty",
        ]
        assert [bool(r["error"]) for r in table] == [False, True, False, True, True]
        complaints = capsys.readouterr().err.splitlines()
        assert len(complaints) == 3
        for line, name in zip(complaints, ("aa broken.fits", "missing.png", "empty"), strict=True):
            assert line.startswith("galaxyscope: ")
            assert name in line


@pytest.mark.skipif(os.name == "nt", reason="names with control characters exist on POSIX only")
def test_a_file_name_cannot_speak_to_the_terminal(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "\x1b[2J\nfine.fits").write_bytes(b"no picture")
    assert run("predict", tmp_path, "-o", tmp_path / "t.csv") == 1
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert said.count("\n") == 1
    assert r"\x1b[2J\nfine.fits" in said


def test_what_libraries_print_is_no_line_for_the_user(tmp_path: Path, capfd: Any) -> None:
    """The decoder libtiff, which is written in C, prints on the file descriptor itself."""
    from PIL import Image

    path = tmp_path / "damaged.tif"
    noise = np.random.default_rng(1).integers(0, 255, (64, 64)).astype(np.uint8)
    Image.fromarray(noise).save(path, compression="tiff_lzw")
    content = bytearray(path.read_bytes())
    content[200:400] = b"\xff" * 200
    path.write_bytes(content)
    assert run("predict", path, "-o", tmp_path / "t.csv") == 1
    said = capfd.readouterr().err
    assert said == f"galaxyscope: {path}: the TIFF file is damaged\n"


def test_nothing_is_said_of_nothing(tmp_path: Path, capsys: Any) -> None:
    """The network would answer for an image without a single value."""
    from astropy.io import fits

    path = tmp_path / "nothing.fits"
    fits.PrimaryHDU(np.full((64, 64), np.nan, np.float32)).writeto(path)
    for command, extra in (("measure", QUICK), ("predict", [])):
        assert run(command, path, "-o", tmp_path / "t.csv", *extra) == 1
        (row,) = rows(tmp_path / "t.csv")
        assert row["error"] == "no pixel of this picture has a value"
    assert run("explain", path, "-o", tmp_path / "m.npy", *QUICK) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [f"galaxyscope: {path}: no pixel of this picture has a value"] * 3


def test_no_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    np.save(tmp_path / "m.npy", np.eye(64))
    monkeypatch.setattr("sys.stdout", None)  # as `>&-` leaves it
    assert run("measure-map", tmp_path / "m.npy") == 2
    assert "give -o OUT" in capsys.readouterr().err


def test_a_fault_in_the_work_is_an_error_of_one_row(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from galaxyscope import pipeline

    honest = pipeline.prepared

    def faulty(image: Any, classifier: Any) -> Any:
        if image.name.startswith("a"):
            raise RuntimeError("no memory\nwith a second line")
        return honest(image, classifier)

    monkeypatch.setattr(pipeline, "prepared", faulty)
    assert run("predict", folder, "-o", tmp_path / "t.csv") == 1
    first, second = rows(tmp_path / "t.csv")
    assert (first["error"], second["error"]) == ("no memory", "")
    assert capsys.readouterr().err.count("\n") == 1


def test_one_unusable_answer_of_a_batch_is_an_error_of_one_row(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that went through the network with it keep their answers."""
    from galaxyscope.classify.classifier import Classifier

    bad, honest = [], Classifier.predict_many

    def brittle(self: Any, inputs: Any) -> Any:
        inputs = list(inputs)
        bad[:] = bad or inputs[:1]
        if any(one is bad[0] for one in inputs):
            raise RuntimeError("its answers are not finite")
        return honest(self, inputs)

    monkeypatch.setattr(Classifier, "predict_many", brittle)
    monkeypatch.setattr(Classifier, "at_once", 8)
    assert run("predict", folder, "-o", tmp_path / "t.csv") == 1
    first, second = rows(tmp_path / "t.csv")
    assert (first["error"], second["error"]) == ("its answers are not finite", "")
    assert float(second["Class3.1"]) > 0


def test_predict_has_a_column_per_class(folder: Path, tmp_path: Path) -> None:
    assert run("predict", folder, "-o", tmp_path / "t.csv") == 0
    first, _ = rows(tmp_path / "t.csv")
    assert list(first)[:4] == ["path", "model", "Class3.1", "Class3.2"]
    assert float(first["Class3.1"]) + float(first["Class3.2"]) == pytest.approx(1)
    assert first["model"] == "light"
    assert len(first["image_sha256"]) == 64


@pytest.mark.parametrize("suffix", [".ecsv", ".vot", ".xml"])
def test_other_tables_hold_the_same(folder: Path, tmp_path: Path, suffix: str) -> None:
    from astropy.table import Table

    out = tmp_path / f"t{suffix}"
    assert run("predict", folder, "-o", out) == 0
    table = Table.read(out, format="ascii.ecsv" if suffix == ".ecsv" else "votable")
    assert len(table) == 2
    assert table.colnames[:4] == ["path", "model", "Class3.1", "Class3.2"]


def test_tables_on_stdout(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("predict", folder) == 0
    first = capsys.readouterr().out
    assert run("predict", folder, "-o", "-") == 0
    assert capsys.readouterr().out == first
    assert len(list(csv.DictReader(first.splitlines()))) == 2


@pytest.mark.parametrize("suffix", [".fits", ".npy"])
@pytest.mark.parametrize("name", ["a bar.fits", "b ☉.jpg"])
def test_explain_gives_the_cutouts_own_grid(
    folder: Path, tmp_path: Path, name: str, suffix: str
) -> None:
    cutout = open_image(folder / name)
    assert (
        run("explain", folder / name, "--target", "bar", "-o", tmp_path / f"m{suffix}", *QUICK) == 0
    )
    if suffix == ".npy":
        values = np.load(tmp_path / "m.npy", allow_pickle=False)
    else:
        found = open_image(tmp_path / "m.fits")
        values = found.data[0]
        assert found.y_up == cutout.y_up
        assert (found.wcs is None) == (cutout.wcs is None)
    assert values.dtype == np.float32
    assert values.shape == cutout.shape
    light = cutout.light / cutout.light.max()
    both = np.corrcoef((light**2).ravel(), values.ravel())
    assert both[0, 1] > 0.9, "the map lies where the light is, also after the flip of FITS rows"
    assert np.corrcoef((light[::-1] ** 2).ravel(), values.ravel())[0, 1] < 0.8


def test_a_figure_shows_the_bar(folder: Path, tmp_path: Path) -> None:
    from PIL import Image

    out = tmp_path / "figure.png"
    along_light = ("--algorithm", "phase")  # a network for lengths knows no bar without a galaxy
    assert run("explain", folder / "a bar.fits", "--figure", out, *along_light, *QUICK) == 0
    with Image.open(out) as picture:
        assert picture.size == (720, 720)
        colours = np.asarray(picture.convert("RGB")).astype(int)
    amber = np.abs(colours - (255, 179, 0)).sum(axis=-1) < 60
    assert amber[200:520, 200:520].sum() > 200
    assert run("explain", folder / "a bar.fits", "--figure", out, "--target", "none", *QUICK) == 0
    with Image.open(out) as picture:
        colours = np.asarray(picture.convert("RGB")).astype(int)
    assert (np.abs(colours - (255, 179, 0)).sum(axis=-1) < 30).sum() == 0, "only bars have one"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["predict", "a.fits", "-o", "t.xlsx"], ".ecsv"),
        (["predict", "a.fits", "-o", "no/t.csv"], "no folder"),
        (["measure", "a.fits", "-o", "t.txt"], ".csv"),
        (["measure", "a.fits", "--scale", "0"], "above 0"),
        (["measure", "a.fits", "--scale", "nan"], "not a finite number"),
        (["measure", "a.fits", "--redshift", "-1"], "above 0"),
        (["measure", "a.fits", "--samples", "0"], "at least 1"),
        (["measure", "a.fits", "--samples", "2.5"], "whole number"),
        (["measure", "a.fits", "--samples", "99999999"], "16384"),
        (["measure", "a.fits", "--noise", "2"], "at most 1"),
        (["measure", "a.fits", "--correlation", "0"], "above 0"),
        (["measure", "a.fits", "--algorithm", "best"], "published"),
        (["measure", "a.fits", "--model", "hubble"], "there are: light"),
        (["measure", "a.fits", "--target", "ring"], "Class3.1"),
        (["measure", "a.fits", "--method", "tarot"], "grad-cam"),
        (["explain", "a.fits", "-o", "m.npy", "--method", "tarot"], "smoothgrad/signed"),
        (["explain", "a.fits", "-o", "m.csv"], ".npy"),
        (["explain", "a.fits", "-o", "m.npy", "--figure", "f.csv"], ".png"),
        (["explain", "a.fits"], "--figure"),
        (["measure-map", "m.npy", "-o", "t.doc"], ".csv"),
        (["measure"], "PATH"),
        (["paint"], "measure-map"),
        (["simulate", "--count", "3"], "--output"),
        (["simulate", "-o", "a.fits"], "not a folder"),
        (["models", "-o", "t.xlsx"], ".csv"),
    ],
)
def test_impossible_commands_say_why_and_do_nothing(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    reason: str,
) -> None:
    shutil.copy(folder / "a bar.fits", folder / "a.fits")
    monkeypatch.chdir(folder)
    before = sorted(os.listdir())
    assert main(words) == 2
    said = capsys.readouterr()
    assert reason in said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    assert sorted(os.listdir()) == before


def test_explaining_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.fits").write_bytes(b"no picture")
    assert run("explain", tmp_path / "x.fits", "-o", tmp_path / "m.npy") == 1
    assert "x.fits" in capsys.readouterr().err
    assert not (tmp_path / "m.npy").exists()


def test_ctrl_c_keeps_the_rows_so_far(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxyscope import pipeline

    honest = pipeline.measure_image

    def interrupted(image: Any, *others: Any, **more: Any) -> Any:
        if image.name.startswith("b"):
            raise KeyboardInterrupt
        return honest(image, *others, **more)

    monkeypatch.setattr(pipeline, "measure_image", interrupted)
    assert run("measure", folder, "-o", tmp_path / "t.csv", *QUICK) == 130
    (row,) = rows(tmp_path / "t.csv")
    assert row["path"].endswith("a bar.fits")
    assert row["length_px"]


def test_simulate_makes_galaxies_and_their_truth(tmp_path: Path) -> None:
    words = ["--count", "2", "--seed", "3", "--size", "96", "--jpeg"]
    assert run("simulate", "-o", tmp_path / "one" / "two", *words) == 0
    assert run("simulate", "-o", tmp_path / "again", *words) == 0
    made = sorted(p.name for p in (tmp_path / "again").iterdir())
    assert made == [
        "simulated_3_0000.fits",
        "simulated_3_0000.jpg",
        "simulated_3_0001.fits",
        "simulated_3_0001.jpg",
        "truth.csv",
    ]
    for name in made:
        one, two = tmp_path / "one" / "two" / name, tmp_path / "again" / name
        assert one.read_bytes() == two.read_bytes()
    truth = rows(tmp_path / "again" / "truth.csv")
    assert [row["file"] for row in truth] == made[:-1]
    image = open_image(tmp_path / "again" / "simulated_3_0000.fits")
    assert image.shape == (96, 96)
    assert image.scale is not None
    assert image.scale.arcsec_per_px == pytest.approx(float(truth[0]["scale_arcsec_per_px"]))


def test_models_tells_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models") == 0
    said = capsys.readouterr().out
    for part in ("light", "Squared light", "tests", "none", "Class3.1", "RMSE 0.1 on 7", "ab" * 32):
        assert part in said
    assert run("models", "-o", tmp_path / "t.csv") == 0
    (row,) = rows(tmp_path / "t.csv")
    assert row["name"] == "light"
    assert json.loads(row["metrics"])[0]["split"] == "validation"


@pytest.mark.skipif(os.name == "nt", reason="names that are not Unicode exist on POSIX only")
def test_odd_file_names(folder: Path, tmp_path: Path) -> None:
    odd = ["=1+1.fits", "-o.fits", "line\nend.fits", 'comma, "quote".fits', "ünï ☉.fits"]
    odd_folder = tmp_path / "odd"
    odd_folder.mkdir()
    for name in odd:
        shutil.copy(folder / "a bar.fits", odd_folder / name)
    shutil.copy(folder / "a bar.fits", os.fsencode(odd_folder) + b"/latin \xfc.fits")
    assert run("predict", odd_folder, "-o", tmp_path / "t.csv") == 0
    table = rows(tmp_path / "t.csv")
    names = {Path(row["path"]).name for row in table}
    expected = set(odd) - {"line\nend.fits"} | {r"line\nend.fits", r"latin \xfc.fits"}
    assert names == expected
    assert (tmp_path / "t.csv").read_text("utf-8").count("\n") == 1 + len(table)
