from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from galaxyscope.classify.card import ENSEMBLE, read_card, write_card
from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.ensemble import joint_sha256
from galaxyscope.classify.store import load_model
from galaxyscope.train import predictions
from galaxyscope.train.evaluate import evaluate
from galaxyscope.train.loop import train
from galaxyscope.train.plain_table import table_recipe
from galaxyscope.train.publish import publish
from galaxyscope.train.recipe import Recipe
from galaxyscope.train.table import DataError
from tests.train.conftest import CLASSES

Made = Callable[..., Recipe]


def made(recipe: Recipe, folder: Path) -> Path:
    """Model after one short epoch."""
    network = train(recipe, folder.parent / f"run-{folder.name}", lambda _: None)
    publish(network, recipe, folder.parent / f"run-{folder.name}", folder)
    return folder


def ensemble(folder: Path, *recipes: Recipe) -> Path:
    folder.mkdir()
    for number, recipe in enumerate(recipes):
        made(recipe, folder / f"m{number}")
    cards = [read_card(folder / f"m{number}") for number in range(len(recipes))]
    joint = dataclasses.replace(
        cards[0],
        name="joint",
        architecture=ENSEMBLE,
        parameters={},
        members=tuple(f"m{number}" for number in range(len(recipes))),
        sha256=joint_sha256([card.sha256 for card in cards]),
    )
    write_card(joint, folder)
    return folder


def test_classes_are_reported_in_full(recipe: Made, tmp_path: Path) -> None:
    tiny = recipe(**CLASSES)
    metrics = evaluate(made(tiny, tmp_path / "m"), tiny, tmp_path / "e", device="cpu")
    report = json.loads((tmp_path / "e" / "metrics.json").read_text())
    assert report["metrics"] == [dataclasses.asdict(metric) for metric in metrics]
    assert np.sum(report["confusion"]) == 9
    with (tmp_path / "e" / "classes.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["A", "B"]
    named = {metric.name: metric.value for metric in metrics}
    right = np.trace(report["confusion"]) / 9
    assert named["accuracy"] == pytest.approx(right, abs=1e-4)
    assert {"accuracy at zoom 0.5", "accuracy in grey", "calibration error"} <= set(named)
    assert (tmp_path / "e" / "calibration.png").exists()
    assert (tmp_path / "e" / "worst.png").exists() == (right < 1)


def test_ensemble_is_measured_as_it_answers(recipe: Made, tmp_path: Path) -> None:
    """Mean of the members' probabilities over eight turned copies, figure by figure."""
    tiny = recipe()
    folder = ensemble(tmp_path / "joint", tiny, dataclasses.replace(tiny, seed=1))
    metrics = {m.name: m.value for m in evaluate(folder, tiny, tmp_path / "e", device="cpu")}
    with (tmp_path / "e" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    people, network, spread = (
        np.array([[float(row[f"{kind}{c}"]) for c in tiny.outputs] for row in rows])
        for kind in ("people ", "", "spread ")
    )
    assert metrics["rmse"] == pytest.approx(np.sqrt(np.mean((people - network) ** 2)), abs=1e-4)
    bar = np.corrcoef(people[:, 0], network[:, 0])[0, 1]
    assert metrics["correlation of the bar fraction"] == pytest.approx(bar, abs=1e-4)
    assert (spread > 0).any()
    # By hand, for one picture.
    from galaxyscope.train.data import read_pictures

    pictures = read_pictures(tiny, "val", whole=True)
    classifier = load_model(folder, "cpu")
    view = predictions.View("")
    seen = predictions.network_input(pictures.pixels[0], 24.0, view, classifier)
    x = torch.from_numpy(seen.pixels)[None]
    turned = [torch.rot90(x, k, (2, 3)) for k in range(4)]
    copies = torch.cat(turned + [one.flip(3) for one in turned])
    with torch.inference_mode():
        said = [m.network(copies).mean(dim=0).sigmoid() for m in classifier.members]
    assert network[0] == pytest.approx(torch.stack(said).mean(dim=0).numpy(), abs=1e-5)
    assert {"questions.png", "disagreement.csv", "rmse.png"} <= {
        path.name for path in (tmp_path / "e").iterdir()
    }


def test_field_that_is_known_is_the_one_that_was_trained_on(recipe: Made, tmp_path: Path) -> None:
    """The program's way to the network's frame and the training's give one picture."""
    from galaxyscope.train.augment import plain
    from galaxyscope.train.data import read_pictures

    tiny = recipe(**CLASSES)
    classifier = load_model(made(tiny, tmp_path / "m"), "cpu")
    pictures = read_pictures(tiny, "val", whole=True)
    smooth = np.repeat(np.repeat(pictures.pixels[:, :, ::4, ::4], 4, 2), 4, 3)
    for whole, zoom in ((24.0, 1.0), (16.0, 1.0), (24.0, 0.5)):
        view = predictions.View("", zoom=zoom)
        mine = predictions.network_input(smooth[0], whole, view, classifier).pixels
        theirs = plain(torch.from_numpy(smooth[:1]), 16, whole * zoom)[0].numpy()
        assert np.abs(mine - theirs).mean() < 0.01
    # With a frame in pixels, opening a cutout is the same as knowing its field.
    opened = predictions.View("", scale=1.0)
    known = predictions.network_input(smooth[0], 24.0, predictions.View(""), classifier)
    assert np.allclose(
        predictions.network_input(smooth[0], 0.0, opened, classifier).pixels, known.pixels
    )


def test_what_was_asked_is_kept(
    recipe: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An evaluation that was cut off goes on; another model or other pictures begin anew."""
    tiny = recipe(**CLASSES)
    folder = made(tiny, tmp_path / "m")
    whole = evaluate(folder, tiny, tmp_path / "e", device="cpu", fast=True)
    path = tmp_path / "e" / "predictions.csv"
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    asked: list[int] = []
    ask = Classifier.predict_many

    def counted(self: Classifier, inputs: list[object]) -> object:
        asked.append(len(inputs))
        return ask(self, inputs)  # type: ignore[arg-type]

    monkeypatch.setattr(Classifier, "predict_many", counted)
    path.write_text("".join(lines[:5]) + lines[5][:7])
    assert evaluate(folder, tiny, tmp_path / "e", device="cpu", fast=True) == whole
    assert path.read_text() == text
    assert sum(asked) == 9 - 4
    assert evaluate(folder, tiny, tmp_path / "e", device="cpu", fast=True) == whole
    assert sum(asked) == 9 - 4
    other = made(dataclasses.replace(tiny, seed=3), tmp_path / "other")
    evaluate(other, tiny, tmp_path / "e", device="cpu", fast=True)
    assert sum(asked) == 9 - 4 + 9


def test_table_with_pictures_beside_it(recipe: Made, data: Path, tmp_path: Path) -> None:
    """Without a recipe: classes under the card's names, the pictures opened as cutouts."""
    folder = made(recipe(**CLASSES), tmp_path / "m")
    text = (data / "p.csv").read_text().replace("bright", "A").replace("faint", "B")
    (data / "p.csv").write_text(text.replace("kind", "class"))
    card = read_card(folder)
    for path in (data / "p.csv", data / "p.zip"):
        metrics = evaluate(folder, table_recipe(path, card), tmp_path / "e", device="cpu")
        named = {metric.name: metric for metric in metrics}
        assert named["accuracy"].count == 24
        assert named["accuracy"].split == "all"
    (data / "p.csv").write_text(text)
    with pytest.raises(DataError, match=r"^p\.csv: there is no column class, label"):
        table_recipe(data / "p.csv", card)
    with pytest.raises(DataError, match=r"^q\.csv: the table cannot be read"):
        table_recipe(data / "q.csv", card)


def test_model_that_answers_something_else(recipe: Made, tmp_path: Path) -> None:
    folder = made(recipe(), tmp_path / "m")
    with pytest.raises(DataError, match="the model tiny does not answer what tiny asks"):
        evaluate(folder, recipe(**CLASSES), tmp_path / "e", device="cpu")
