"""What a model is worth: figures on pictures that it was not trained on."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.card import Metric, ModelCard
from galaxyscope.train import figures, scores
from galaxyscope.train.data import Pictures, read_pictures
from galaxyscope.train.predictions import predict_views, views_of
from galaxyscope.train.recipe import Recipe
from galaxyscope.train.table import DataError
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier

BAR = "Class3.1"
#: Share of the people from which Galaxy Zoo counts a galaxy as clean (Lintott et al. 2008).
CLEAR = 0.8
_SHOWN = 30
Array = NDArray[np.float64]


def evaluate(
    model: str | Path,
    recipe: Recipe,
    folder: Path,
    split: str = "",
    *,
    device: str = "auto",
    fast: bool = False,
    watch: Watch | None = None,
) -> list[Metric]:
    """Measure a model, single or ensemble, as `Classifier.predict` answers.

    Parameters
    ----------
    model : str or Path
        As `galaxyscope.classify.store.load_model` takes it.
    recipe : Recipe
        Says what the pictures and labels are; its first source is used.
    folder : Path
        Gets ``metrics.json``, ``predictions.csv`` (one row per picture), tables and figures.
        What is there already of the same model and pictures is not asked for again.
    split : str
        Default: the split that the recipe is judged on.
    device : {"auto", "cpu", "cuda", "mps"}
    fast : bool
        Only the view that the model is judged by: no zooms, no grey, nothing opened from
        the whole picture.
    watch : Watch, optional

    Returns
    -------
    list of Metric
        For the card.

    Raises
    ------
    DataError
        If the data cannot be used, or the model answers something else than the recipe asks.
    ModelError
        If the model cannot be loaded.
    """
    from galaxyscope.classify.store import load_model

    split = split or recipe.judged
    classifier = load_model(model, device)
    _check(classifier.card, recipe)
    pictures = read_pictures(recipe, split, whole=True)
    known = recipe.sources[0].field_px > 0
    field = _field(classifier.card, pictures, recipe.sources[0].r90_px) if known else 0.0
    views = views_of(classifier.card, pictures, field)
    side = pictures.pixels.shape[-1]
    found = predict_views(
        classifier,
        pictures,
        field,
        views[:1] if fast else views,
        folder,
        watch or Watch(),
        (pictures.field or side) if recipe.target == "length" else 0.0,
    )
    people = pictures.values.astype(float)
    count = len(pictures.names)
    metrics = [
        Metric(name, round(value, 4), split, size)
        for name, value, size in _figures(people, found, recipe, count, pictures.agreed >= CLEAR)
        if math.isfinite(value)
    ]
    _write(folder, metrics, classifier, pictures, found[""], recipe, split)
    return metrics


def _check(card: ModelCard, recipe: Recipe) -> None:
    from galaxyscope.train.targets import ACTIVATION

    if card.classes != recipe.outputs or card.activation != ACTIVATION[recipe.target]:
        raise DataError(f"the model {card.name} does not answer what {recipe.name} asks")


def _field(card: ModelCard, pictures: Pictures, r90: float) -> float:
    """Side of the model's field in pixels of the stored pictures."""
    if card.frame == "r90":
        return card.field_r90 * r90
    return float(card.field_px if card.frame == "pixels" else pictures.pixels.shape[-1])


def _figures(
    people: Array, found: dict[str, Array], recipe: Recipe, count: int, clear: NDArray[np.bool_]
) -> Iterable[tuple[str, float, int]]:
    """Name, value and number of pictures of every figure on the card."""
    if recipe.target == "classes":
        commonest = float(people.mean(axis=0).max())
        yield "accuracy of always saying the commonest class", commonest, count
    else:
        yield "rmse of predicting the mean", scores.rmse_of_the_mean(people), count
    for view, network in found.items():
        if recipe.target == "classes":
            yield f"accuracy{view}", scores.accuracy(people, network), count
            if 0 < clear.sum() < count:
                right = scores.accuracy(people[clear], network[clear])
                yield (
                    f"accuracy where {CLEAR:.0%} of the people agree{view}",
                    right,
                    int(clear.sum()),
                )
            if recipe.pair:
                among = [recipe.outputs.index(name) for name in recipe.pair]
                right = scores.accuracy(people, network, among)
                size = int(people[:, among].sum())
                yield f"accuracy of {' against '.join(recipe.pair)}{view}", right, size
            continue
        yield f"rmse{view}", scores.rmse(people, network), count
        if recipe.is_number:
            rho = scores.correlation(people[:, 0], network[:, 0])
            yield f"correlation{view}", rho, count
        elif BAR in recipe.outputs:
            bar = recipe.outputs.index(BAR)
            rho = scores.correlation(people[:, bar], network[:, bar])
            yield f"correlation of the bar fraction{view}", rho, count
    network = found[""]
    if recipe.target == "classes":
        table = scores.class_scores(scores.confusion(people, network), recipe.outputs)
        yield "mean recall of the classes", float(np.mean([s.recall for s in table])), count
    if not recipe.is_number:
        yield "calibration error", _calibration(people, network, recipe).error, count
    for question in scores.questions(people, network, recipe.outputs):
        if question.key == "Class3":
            size = int(question.asked.sum())
            yield "agreement with most people on the bar", question.accuracy, size


def _calibration(people: Array, network: Array, recipe: Recipe) -> scores.Calibration:
    if recipe.target == "classes":
        best = network.argmax(axis=1)
        return scores.calibration(network.max(axis=1), people[np.arange(len(best)), best])
    column = recipe.outputs.index(BAR) if BAR in recipe.outputs else slice(None)
    return scores.calibration(network[:, column].ravel(), people[:, column].ravel())


def _write(
    folder: Path,
    metrics: list[Metric],
    classifier: Classifier,
    pictures: Pictures,
    network: Array,
    recipe: Recipe,
    split: str,
) -> None:
    """Tables and figures of an evaluation."""
    card, people = classifier.card, pictures.values.astype(float)
    report: dict[str, Any] = {
        "model": card.name,
        "model_sha256": card.sha256,
        "split": split,
        "metrics": [asdict(metric) for metric in metrics],
    }
    if recipe.target == "classes":
        counts = scores.confusion(people, network)
        table = scores.class_scores(counts, recipe.outputs)
        report["confusion"] = counts.tolist()
        _table(folder / "classes.csv", [asdict(score) for score in table])
        figures.confusion_figure(counts, recipe.outputs, folder / "confusion.png")
    if not recipe.is_number:
        found = _calibration(people, network, recipe)
        figures.calibration_figure(found.said, found.seen, found.counts, folder / "calibration.png")
    else:
        path = folder / "scatter.png"
        figures.scatter_figure(people[:, 0], network[:, 0], recipe.outputs[0], path)
    if recipe.target == "fractions":
        each = [scores.rmse(people[:, [i]], network[:, [i]]) for i in range(people.shape[1])]
        figures.bars_figure(recipe.outputs, each, "rmse", folder / "rmse.png")
        if BAR in recipe.outputs:
            bar = recipe.outputs.index(BAR)
            path = folder / "bar-fraction.png"
            figures.scatter_figure(people[:, bar], network[:, bar], "bar fraction", path)
    if asked := scores.questions(people, network, recipe.outputs):
        _questions(folder, asked, pictures, report)
    _worst(folder, pictures, people, network, recipe)
    (folder / "metrics.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _questions(
    folder: Path,
    asked: list[scores.QuestionScore],
    pictures: Pictures,
    report: dict[str, Any],
) -> None:
    """Accuracy of every question, and where the network contradicts most people.

    Such galaxies are worth a look, see Bhambra et al. 2022, section 5.2.
    """
    usable = [q for q in asked if math.isfinite(q.accuracy)]
    report["questions"] = {q.key: round(q.accuracy, 4) for q in usable}
    names = [f"{q.text} ({int(q.asked.sum())})" for q in usable]
    path = folder / "questions.png"
    figures.bars_figure(names, [q.accuracy for q in usable], "agreement with most people", path)
    rows = [
        {
            "name": pictures.names[i],
            "question": q.text,
            "people": q.answers[q.people[i]],
            "share of people": round(float(q.sure[i]), 3),
            "network": q.answers[q.network[i]],
        }
        for q in usable
        for i in np.flatnonzero(q.differ)[np.argsort(-q.sure[q.differ], kind="stable")]
    ]
    path = folder / "disagreement.csv"
    _table(path, rows, ["name", "question", "people", "share of people", "network"])
    index = {name: i for i, name in enumerate(pictures.names)}
    for question in [q for q in usable if q.key == "Class3"]:
        shown = [row for row in rows if row["question"] == question.text][:_SHOWN]
        if shown:
            figures.contact_sheet(
                [_picture(pictures, index[str(row["name"])]) for row in shown],
                [
                    f"{row['name']}\npeople: {row['people']} ({row['share of people']:.0%})\n"
                    f"network: {row['network']}"
                    for row in shown
                ],
                "Bars on which the network contradicts most people",
                folder / "disagreement.png",
            )


def _worst(folder: Path, pictures: Pictures, people: Array, network: Array, recipe: Recipe) -> None:
    """Contact sheet of the pictures with the largest errors; of classes only mistakes."""
    if recipe.target == "classes":
        wrong = network.argmax(axis=1) != people.argmax(axis=1)
        error = np.where(wrong, network.max(axis=1), -1.0)
    else:
        error = np.sqrt(np.mean((network - people) ** 2, axis=1))
    worst = [int(i) for i in np.argsort(-error, kind="stable")[:_SHOWN] if error[i] >= 0]
    captions = []
    for i in worst:
        if recipe.target == "classes":
            said = recipe.outputs[network[i].argmax()], recipe.outputs[people[i].argmax()]
            text = f"people: {said[1]}\nnetwork: {said[0]} ({network[i].max():.0%})"
        else:
            at = int(np.abs(network[i] - people[i]).argmax())
            text = (
                f"{recipe.outputs[at]}\npeople: {people[i, at]:.2f}, network: {network[i, at]:.2f}"
            )
        captions.append(f"{pictures.names[i]}\n{text}")
    if worst:
        pixels = [_picture(pictures, i) for i in worst]
        figures.contact_sheet(pixels, captions, "Worst mistakes", folder / "worst.png")


def _picture(pictures: Pictures, index: int) -> NDArray[np.uint8]:
    return pictures.pixels[index].transpose(1, 2, 0)


def _table(path: Path, rows: list[dict[str, Any]], header: list[str] | None = None) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, header or list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
