from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from galaxyscope.classify.card import read_card
from galaxyscope.launch import main

RECIPE = """
name = "tiny"
title = "Tiny"
target = "classes"
task = "tests"
frame = "pixels"
outputs = ["bright", "faint"]
batch = 4
[parameters]
stem = 4
widths = [8]
blocks = [1]
[[sources]]
pictures = "p.zip"
table = "p.csv"
identifier = "id"
label = "kind"
field_px = 24
[[stages]]
input_size = 16
epochs = 2
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    with (
        zipfile.ZipFile(tmp_path / "p.zip", "w") as archive,
        (tmp_path / "p.csv").open("w", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(["id", "split", "kind"])
        for i in range(16):
            pixels = generator.integers(0, 40, (32, 32, 3), np.uint8)
            pixels[12:20, 12:20] += np.uint8(180 * (i % 2))
            Image.fromarray(pixels).save(tmp_path / "x.png")
            archive.write(tmp_path / "x.png", f"{i}.png")
            table.writerow([i, "val" if i % 4 > 1 else "train", ("faint", "bright")[i % 2]])
    (tmp_path / "r.toml").write_text(RECIPE)
    return tmp_path


def words(data: Path, *more: str) -> list[str]:
    folders = ["--data", str(data), "-o", str(data / "m"), "--run", str(data / "run")]
    return ["train", str(data / "r.toml"), *folders, "--device", "cpu", *more]


def test_train_goes_on_and_prints_what_the_card_says(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(data, "--epochs", "1")) == 0
    said = capsys.readouterr()
    assert "epoch 1/1" in said.err
    assert main(words(data)) == 0
    said = capsys.readouterr()
    assert "epoch 1/" not in said.err
    assert "epoch 2/2" in said.err
    card = read_card(data / "m")
    assert card.training["epochs"] == 2
    assert card.training["command"] == "galaxyscope train r.toml --data DATA -o m"
    assert said.out.splitlines() == [
        f"{m.name}: {m.value} ({m.split}, {m.count})" for m in card.metrics
    ]
    assert len(card.metrics) > 3


def test_evaluate_gives_the_figures_of_the_card(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(words(data, "--epochs", "1"))
    first = capsys.readouterr().out
    folders = ["--data", str(data), "-o", str(data / "e")]
    assert main(["evaluate", str(data / "m"), str(data / "r.toml"), *folders]) == 0
    assert capsys.readouterr().out == first
    trained = read_card(data / "m")
    more = ["--split", "train", "--fast", "--write-card"]
    assert main(["evaluate", str(data / "m"), str(data / "r.toml"), *folders, *more]) == 0
    card = read_card(data / "m")
    assert {metric.split for metric in card.metrics} == {"train"}
    assert card.metrics != trained.metrics
    assert card.sha256 == trained.sha256


def test_without_an_output_no_shipped_model_is_touched(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command on a shipped card, run where it was trained."""
    monkeypatch.chdir(data)
    (data / "models" / "tiny").mkdir(parents=True)
    assert main(["train", "r.toml", "--data", ".", "--device", "cpu"]) == 0
    assert not list((data / "models" / "tiny").iterdir())
    assert read_card(Path("runs/tiny/model")).training["command"] == (
        "galaxyscope train r.toml --data DATA"
    )


def test_evaluations_of_other_pictures_are_beside_each_other(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(words(data, "--epochs", "1"))
    monkeypatch.chdir(data)
    (data / "s.toml").write_text(RECIPE)
    for more in (["r.toml"], ["r.toml", "--split", "train"], ["s.toml"]):
        assert main(["evaluate", "m", *more, "--fast"]) == 0
    folders = {path.name for path in Path("evaluation/m").iterdir()}
    assert folders == {"r-val", "r-train", "s-val"}
    assert all((Path("evaluation/m") / one / "predictions.csv").exists() for one in folders)


def test_output_that_is_no_model_is_refused_before_the_training(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "m" / "notes").mkdir(parents=True)
    assert main(words(data)) == 1
    error = capsys.readouterr().err
    assert "more than a model is in this folder (notes); choose another with -o" in error
    assert error.count("\n") == 1
    assert not (data / "run").exists()


@pytest.mark.parametrize(
    ("spoil", "status", "says"),
    [
        (lambda d: (d / "r.toml").write_text("name ="), 2, "r.toml: not a usable recipe"),
        (lambda d: (d / "r.toml").unlink(), 2, "r.toml: not a usable recipe"),
        (lambda d: (d / "p.csv").unlink(), 1, "p.csv: the table cannot be read"),
        (lambda d: (d / "p.zip").unlink(), 1, "p.zip: the pictures cannot be read"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    data: Path, capsys: pytest.CaptureFixture[str], spoil: object, status: int, says: str
) -> None:
    spoil(data)  # type: ignore[operator]
    assert main(words(data)) == status
    error = capsys.readouterr().err
    assert error.startswith("galaxyscope: ")
    assert says in error
    assert error.count("\n") == 1


def test_folder_of_another_run(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(words(data, "--epochs", "1"))
    assert main(words(data, "--seed", "7")) == 1
    assert "this folder holds a run of another recipe (it differs in seed)" in (
        capsys.readouterr().err
    )


def test_evaluate_of_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(data / "none"), str(data / "r.toml")]) == 2
    assert "there is no model" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_interrupted_by_the_user(data: Path) -> None:
    """Ctrl-C after the first epoch: status 130, and that epoch is kept."""
    text = (data / "r.toml").read_text().replace("epochs = 2", "epochs = 100000")
    (data / "r.toml").write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "galaxyscope", *words(data)], stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 100
        while not (data / "run" / "state.safetensors").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert error.rstrip().endswith("galaxyscope: interrupted")
    assert "Traceback" not in error
    assert len((data / "run" / "history.csv").read_text().splitlines()) >= 2
