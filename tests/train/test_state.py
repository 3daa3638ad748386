"""Going on with a run: only with the recipe, the labels and the files that it had."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from galaxyscope.train import loop
from galaxyscope.train.loop import train
from galaxyscope.train.recipe import Recipe, read_recipe
from galaxyscope.train.state import differences, read_history
from galaxyscope.train.table import DataError

Made = Callable[..., Recipe]


def quiet(_line: str) -> None:
    pass


def test_another_stretch_is_another_run(recipe: Made, tmp_path: Path) -> None:
    train(recipe(), tmp_path / "run", quiet)
    stored = json.loads((tmp_path / "run" / "progress.json").read_text())["recipe"]
    assert differences(stored, replace(recipe(), stretch="radio")) == ["stretch"]


def edit(table: Path) -> None:
    """Swap the answers of one picture to train on."""
    with table.open(newline="") as file:
        header, *rows = csv.reader(file)
    one = next(row for row in rows if row[1] == "train")
    one[3], one[4] = one[4], one[3]
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.mark.parametrize("epochs", [1, 2], ids=["finished", "interrupted"])
def test_other_labels_under_the_same_names(
    data: Path, write: Callable[..., Path], tmp_path: Path, epochs: int
) -> None:
    elsewhere, path = tmp_path / "elsewhere", write(epochs)
    elsewhere.mkdir()
    for name in ("p.zip", "p.csv"):
        shutil.copyfile(data / name, elsewhere / name)
    train(read_recipe(path, data), tmp_path / "run", quiet, epochs=1)
    path.rename(tmp_path / "elsewhere" / "r.toml")
    (data / "p.csv").unlink()
    moved = read_recipe(elsewhere / "r.toml", elsewhere)
    train(moved, tmp_path / "run", quiet, epochs=1)
    edit(elsewhere / "p.csv")
    with pytest.raises(DataError, match="labels of this run are no longer those") as caught:
        train(moved, tmp_path / "run", quiet)
    assert "\n" not in str(caught.value)
    # Older versions kept no hash.
    progress = json.loads((tmp_path / "run" / "progress.json").read_text())
    del progress["labels"]
    (tmp_path / "run" / "progress.json").write_text(json.dumps(progress))
    train(moved, tmp_path / "run", quiet)


def test_state_without_progress_is_not_overwritten(recipe: Made, tmp_path: Path) -> None:
    train(recipe(2), tmp_path / "run", quiet, epochs=1)
    (tmp_path / "run" / "progress.json").unlink()
    before = (tmp_path / "run" / "state.safetensors").read_bytes()
    with pytest.raises(DataError, match=r"run: this run cannot be gone on with .*progress\.json"):
        train(recipe(2), tmp_path / "run", quiet)
    assert (tmp_path / "run" / "state.safetensors").read_bytes() == before


def test_the_best_epoch_comes_out_of_the_plateau_schedule(
    recipe: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not the run was interrupted after it."""
    figures = iter([3.0, 1.0, 2.0, 2.0, 2.0] * 2)
    monkeypatch.setattr(loop, "watched", lambda *_: next(figures))
    made = replace(recipe(9), schedule="plateau", patience=1, ema=0.0)
    best = train(made, tmp_path / "run", quiet, epochs=2).state_dict()
    train(made, tmp_path / "run", quiet, epochs=3)
    found = train(made, tmp_path / "run", quiet)
    assert len(read_history(tmp_path / "run")) == 4  # stopped after twice the patience
    state = load_file(tmp_path / "run" / "state.safetensors")
    assert all(torch.equal(best[k], v) for k, v in found.state_dict().items())
    assert any(not torch.equal(best[k], state[f"average.{k}"]) for k in best)
    again = train(made, tmp_path / "run", quiet).state_dict()
    assert all(torch.equal(best[k], again[k]) for k in best)
    # Of a state that an older version kept, the last weights stand in.
    older = {k: v for k, v in state.items() if not k.startswith("best.")}
    save_file(older, tmp_path / "run" / "state.safetensors")
    last = train(made, tmp_path / "run", quiet).state_dict()
    assert all(torch.equal(last[k], state[f"average.{k}"]) for k in last)


def test_kernels_are_repeatable_during_a_run_only(
    recipe: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cudnn, read, seen = torch.backends.cudnn, loop.read_pictures, []

    def looked(*args: object, **more: object) -> object:
        seen.append((cudnn.deterministic, cudnn.benchmark))
        return read(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "read_pictures", looked)
    monkeypatch.setattr(cudnn, "benchmark", True)
    train(recipe(), tmp_path / "run", quiet)
    assert set(seen) == {(True, False)}
    assert (cudnn.deterministic, cudnn.benchmark) == (False, True)
