from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from galaxyscope.classify.card import read_card
from galaxyscope.classify.store import load_model
from galaxyscope.train.data import Pictures
from galaxyscope.train.evaluate import evaluate
from galaxyscope.train.loop import _draws, plateau, train
from galaxyscope.train.publish import publish, write_metrics
from galaxyscope.train.recipe import Recipe, Source, Stage, read_recipe
from galaxyscope.train.state import branch, differences, read_history
from galaxyscope.train.table import DataError
from galaxyscope.train.targets import loss, watched
from galaxyscope.work.watch import Cancelled, Watch
from tests.train.conftest import CLASSES, NUMBER

Made = Callable[..., Recipe]


def quiet(_line: str) -> None:
    pass


def same(first: Path, second: Path) -> bool:
    one, two = (load_file(folder / "state.safetensors") for folder in (first, second))
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("muon", ["", "muon = 0.02"])
def test_two_epochs_are_one_and_one_bit_for_bit(recipe: Made, tmp_path: Path, muon: str) -> None:
    """Dropout is drawn as well, so that the global generator matters."""
    made = recipe(2, more=muon)
    made = replace(
        made, parameters=dict(made.parameters, dropout=0.5, widths=[8, 8], blocks=[1, 1])
    )
    train(made, tmp_path / "once", quiet)
    train(made, tmp_path / "twice", quiet, epochs=1)
    assert [line["epoch"] for line in read_history(tmp_path / "twice")] == [1]
    train(made, tmp_path / "twice", quiet)
    assert same(tmp_path / "once", tmp_path / "twice")
    curves = [read_history(tmp_path / name) for name in ("once", "twice")]
    for line in (line for curve in curves for line in curve):
        del line["seconds"]
    assert curves[0] == curves[1]
    assert len(curves[0]) == 2


def test_another_seed_other_weights(recipe: Made, tmp_path: Path) -> None:
    train(recipe(), tmp_path / "a", quiet)
    train(recipe(more="seed = 1"), tmp_path / "b", quiet)
    assert not same(tmp_path / "a", tmp_path / "b")


def test_run_that_is_stopped_within_an_epoch_goes_on_from_the_last(
    recipe: Made, tmp_path: Path
) -> None:
    made, watch = recipe(2), Watch()
    watch.listen(lambda done, total, _: watch.cancel() if done > 0.7 * total else None)
    with pytest.raises(Cancelled):
        train(made, tmp_path / "stopped", quiet, watch=watch)
    assert len(read_history(tmp_path / "stopped")) == 1
    train(made, tmp_path / "stopped", quiet)
    train(made, tmp_path / "whole", quiet)
    assert same(tmp_path / "stopped", tmp_path / "whole")


def test_killed_between_two_files_of_the_state(recipe: Made, tmp_path: Path) -> None:
    """History and progress of the epoch are there, but the state is still that before it."""
    made, run = recipe(2), tmp_path / "run"
    train(made, run, quiet, epochs=1)
    shutil.copyfile(run / "state.safetensors", tmp_path / "before")
    train(made, run, quiet)
    shutil.copytree(run, tmp_path / "whole")
    shutil.copyfile(tmp_path / "before", run / "state.safetensors")
    train(made, run, quiet)
    assert same(run, tmp_path / "whole")
    assert len(read_history(run)) == 2


def test_run_of_another_recipe_is_refused(recipe: Made, tmp_path: Path) -> None:
    train(recipe(), tmp_path / "run", quiet)
    before = (tmp_path / "run" / "state.safetensors").read_bytes()
    others = [replace(recipe(), rate=1e-3)]
    for more in ("seed = 4", "[augmentation]\nblur = 0.0", "[weights]\n'Class3.1' = 2"):
        others.append(recipe(more=more))
    for other in others:
        with pytest.raises(DataError, match=r"another recipe \(it differs in [a-z]+\)"):
            train(other, tmp_path / "run", quiet)
    assert (tmp_path / "run" / "state.safetensors").read_bytes() == before
    # What the card says may be put better, and the data may lie elsewhere.
    moved = replace(recipe().sources[0], table=Path("/elsewhere/p.csv"))
    assert not differences(stored(tmp_path), replace(recipe(), title="Better", limits="few"))
    assert not differences(stored(tmp_path), replace(recipe(), sources=(moved,)))


def stored(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "run" / "progress.json").read_text())["recipe"]
    assert isinstance(found, dict)
    return found


def test_run_of_an_older_version_goes_on(recipe: Made, tmp_path: Path) -> None:
    """It did not know all fields of today, and its state did not say how many epochs it holds."""
    from safetensors.torch import save_file

    made, run = recipe(2), tmp_path / "run"
    train(made, run, quiet, epochs=1)
    state = run / "state.safetensors"
    save_file(load_file(state), state)
    progress = json.loads((run / "progress.json").read_text())
    for name in ("judged", "precision", "pair", "source"):
        del progress["recipe"][name]
    for source in progress["recipe"]["sources"]:
        del source["columns"], source["sky"]
    (run / "progress.json").write_text(json.dumps(progress))
    train(made, run, quiet)
    train(made, tmp_path / "new", quiet)
    assert same(run, tmp_path / "new")


@pytest.mark.parametrize("broken", ["state.safetensors", "progress.json", "history.csv"])
def test_damaged_run_is_one_sentence(recipe: Made, tmp_path: Path, broken: str) -> None:
    train(recipe(2), tmp_path / "run", quiet, epochs=1)
    (tmp_path / "run" / broken).write_bytes(b"\xff\xfe{")
    with pytest.raises(DataError, match="run: this run cannot be gone on with") as caught:
        train(recipe(2), tmp_path / "run", quiet)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "card"),
    [
        ({}, {"activation": "sigmoid", "frame": "r90", "field_r90": 24 / 50, "field_px": 0}),
        (CLASSES, {"activation": "softmax", "frame": "pixels", "field_px": 24, "field_r90": 0}),
        (NUMBER, {"activation": "identity", "frame": "r90"}),
    ],
    ids=["fractions", "classes", "number"],
)
def test_train_publish_load_evaluate(
    recipe: Made, tmp_path: Path, changes: dict[str, str], card: dict[str, object]
) -> None:
    """A network learns what is plain to see; its folder loads and answers the same."""
    made = replace(recipe(12, **changes), rate=2e-2, cooldown=0.8)
    network = train(made, tmp_path / "run", quiet)
    publish(network, made, tmp_path / "run", tmp_path / "model", "the command")
    found = read_card(tmp_path / "model")
    assert {name: getattr(found, name) for name in card} == card
    assert found.training["source"] == "made up"
    assert found.training["command"] == "the command"
    assert found.limits == "everything"
    assert (tmp_path / "model" / "learning.png").stat().st_size > 1000
    metrics = {m.name: m for m in evaluate(tmp_path / "model", made, tmp_path / "e", device="cpu")}
    if made.target == "classes":
        assert metrics["accuracy"].value == 1.0
        assert metrics["accuracy of A against B"].count == 9
        assert (tmp_path / "e" / "confusion.png").exists()
    else:
        name = "correlation" + (" of the bar fraction" if made.target == "fractions" else "")
        assert metrics[name].value > 0.8
        assert metrics["rmse"].value < metrics["rmse of predicting the mean"].value
    assert metrics["rmse" if "rmse" in metrics else "accuracy"].count == 9
    write_metrics(tmp_path / "model", list(metrics.values()))
    assert read_card(tmp_path / "model").metrics == tuple(metrics.values())
    loaded = load_model(tmp_path / "model", "cpu")
    x = torch.rand(3, 3, 16, 16)
    with torch.inference_mode():
        assert torch.equal(loaded.logits(x), network(x))


def test_a_branch_becomes_what_it_would_have_become_from_the_beginning(
    recipe: Made, tmp_path: Path
) -> None:
    """Two recipes that differ in a source which takes part from the second epoch only."""
    one = recipe()
    first = one.sources[0]
    stages = (replace(one.stages[0], epochs=1, sources=1), replace(one.stages[0], epochs=1))
    one, other = (
        replace(one, stages=stages, sources=(first, replace(first, unless={"id": names})))
        for names in (["0"], ["1", "2", "5"])
    )
    train(one, tmp_path / "shared", quiet, epochs=1)
    branch(tmp_path / "shared", tmp_path / "branch", other)
    train(other, tmp_path / "branch", quiet)
    train(other, tmp_path / "whole", quiet)
    train(one, tmp_path / "one", quiet)
    assert same(tmp_path / "branch", tmp_path / "whole")
    assert not same(tmp_path / "branch", tmp_path / "one")


def lines(*values: float) -> list[dict[str, float]]:
    return [{"val_rmse": value} for value in values]


def test_plateau_halves_after_five_and_stops_after_ten(recipe: Made) -> None:
    made = replace(recipe(), schedule="plateau", patience=5)
    assert plateau([], made) == (1.0, False)
    assert plateau(lines(3, 2, 1), made) == (1.0, False)
    assert plateau(lines(1, *[2] * 4), made) == (1.0, False)
    assert plateau(lines(1, *[2] * 5), made) == (0.5, False)
    assert plateau(lines(1, *[2] * 5, 0.5), made) == (0.5, False)
    assert plateau(lines(1, *[2] * 5, 0.5, *[0.5] * 5), made) == (0.25, False)
    assert plateau(lines(1, *[2] * 10), made) == (0.25, True)
    assert plateau(lines(1, *[2] * 10), replace(made, schedule="cooldown")) == (1.0, False)


def test_sources_share_the_batch() -> None:
    def pictures(count: int) -> Pictures:
        names = tuple(map(str, range(count)))
        return Pictures(
            names, np.zeros((count, 3, 1, 1), np.uint8), *[np.zeros(count)] * 2, 1.0, np.ones(count)
        )  # type: ignore[arg-type]

    paths = (Path("p"), Path("t"))
    sources = (Source(*paths, "id", 1, share=3.0), Source(*paths, "id", 1, share=1.0))
    made = Recipe("n", "t", ("a",), sources, (Stage(8, 1),), batch=8)
    first, second = _draws([pictures(12), pictures(3)], made, 2, torch.Generator().manual_seed(0))
    assert first.shape == (2, 6)
    assert sorted(first.ravel()) == list(range(12))  # an epoch sees each once
    assert second.shape == (2, 2)
    assert set(second.ravel()) <= {0, 1, 2}


def test_losses_have_known_answers(recipe: Made) -> None:
    rows, columns = torch.tensor([1.0, 3.0]), torch.tensor([1.0, 2.0])
    logits = torch.zeros(2, 2)
    wanted = torch.tensor([[1.0, 0.5], [0.5, 0.5]])
    # One of four differences is 0.5: 0.25 · 1 · 1 over (1 + 2) · (1 + 3).
    assert loss(logits, wanted, rows, columns, recipe()).item() == pytest.approx((0.25 / 12) ** 0.5)
    classes = recipe(**CLASSES)
    wanted = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    expected = (1 * 1 + 2 * 3) / 4 * np.log(2)
    assert loss(logits, wanted, rows, columns, classes).item() == pytest.approx(expected)
    predicted = np.array([[0.9, 0.1], [0.8, 0.2]], np.float32)
    assert watched(predicted, wanted.numpy(), classes) == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "name = 1",
        "[",
        "surprise = 3",
        "target = 'guess'",
        "schedule = 'never'",
        "batch = 0",
        "[weights]\nunknown = 2",
        "name = 3",
    ],
)
def test_bad_recipe_is_one_sentence_naming_the_file(write: Callable[..., Path], text: str) -> None:
    path = write(more=text)
    with pytest.raises(ValueError, match=r"^r\.toml: not a usable recipe") as caught:
        read_recipe(path, path.parent)
    assert "\n" not in str(caught.value)
