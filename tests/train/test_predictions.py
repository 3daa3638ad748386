"""Tables of what a model said: kept, begun again, and never somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from galaxyscope.train import predictions
from galaxyscope.train.evaluate import evaluate
from galaxyscope.train.recipe import Recipe
from galaxyscope.train.table import DataError
from tests.train.conftest import CLASSES, NUMBER
from tests.train.test_evaluate import made

Made = Callable[..., Recipe]


def test_only_files_of_an_evaluation_are_deleted(recipe: Made, tmp_path: Path) -> None:
    tiny, folder = recipe(**CLASSES), tmp_path / "e"
    model = made(tiny, tmp_path / "m")
    evaluate(model, tiny, folder, device="cpu")
    assert (folder / "predictions-at-zoom-0.5.csv").exists()
    (folder / "worst.png").touch()
    (folder / "disagreement.png").touch()
    mine = folder / "predictions_mine.csv"
    mine.write_text("mine")
    evaluate(model, tiny, folder, "train", device="cpu", fast=True)
    assert mine.read_text() == "mine"
    assert not (folder / "predictions-at-zoom-0.5.csv").exists()
    assert not (folder / "disagreement.png").exists()
    report = json.loads((folder / "metrics.json").read_text())
    right = next(m["value"] for m in report["metrics"] if m["name"] == "accuracy")
    assert (folder / "worst.png").exists() == (right < 1)


@pytest.mark.parametrize("name", ["predictions.csv", "predictions-in-grey.csv", "metrics.json"])
def test_folder_with_files_of_those_names_that_are_not_ours(
    recipe: Made, tmp_path: Path, name: str
) -> None:
    tiny, folder = recipe(), tmp_path / "e"
    folder.mkdir()
    (folder / name).write_text("mine")
    with pytest.raises(DataError, match=f"e: {name} is in this folder, but from no evaluation"):
        evaluate(made(tiny, tmp_path / "m"), tiny, folder, device="cpu")
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == "mine"


@pytest.mark.parametrize("changes", [{}, CLASSES, NUMBER], ids=["fractions", "classes", "number"])
def test_names_of_all_that_is_written_are_known(
    recipe: Made, tmp_path: Path, changes: dict[str, str]
) -> None:
    """Else an evaluation would leave the files of another behind."""
    tiny = recipe(**changes)
    evaluate(made(tiny, tmp_path / "m"), tiny, tmp_path / "e", device="cpu")
    known = {*predictions.RESULTS, *predictions._tables(), "made_with.json"}
    assert {path.name for path in (tmp_path / "e").iterdir()} <= known


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"\n3,", b"\n\xff,"), (b"\n3,", b"\n4,"), (b"\n3,0", b"\n3,x"), (b"\n3,", b'\n3"\n,')],
    ids=["byte", "name", "number", "row"],
)
def test_damaged_table_is_begun_again(recipe: Made, tmp_path: Path, old: bytes, new: bytes) -> None:
    tiny, folder = replace(recipe(**CLASSES)), tmp_path / "e"
    model = made(tiny, tmp_path / "m")
    first = evaluate(model, tiny, folder, device="cpu", fast=True)
    path = folder / "predictions.csv"
    whole = path.read_bytes()
    assert whole.count(old) == 1
    path.write_bytes(whole.replace(old, new))
    assert evaluate(model, tiny, folder, device="cpu", fast=True) == first
    assert path.read_bytes() == whole
