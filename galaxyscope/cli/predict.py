"""Ask the network about each image: one row per image, one column per class."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyscope import __version__
from galaxyscope.cli.common import (
    SECONDS_A_PREDICTION,
    Row,
    add_model,
    add_paths,
    add_plane,
    check_table,
    list_paths,
    opened_table,
    read_image,
    sentence,
)
from galaxyscope.cli.common import load_classifier as load
from galaxyscope.cli.progress import Progress, complain
from galaxyscope.records.columns import Column

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, NetworkInput, Prediction

NAME, HELP = "predict", "what the network says of each image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_paths(parser)
    add_plane(parser)
    add_model(parser)


def columns(classes: tuple[str, ...], joint: bool = False) -> tuple[Column, ...]:
    """Columns of the table for a network with these classes, or an ensemble (`joint`)."""
    spread = "standard deviation of it over the ensemble's networks"
    return (
        Column("path", "text", "file"),
        Column("model", "text", "network"),
        *(Column(name, "float", "probability or vote fraction, 0 to 1") for name in classes),
        *(Column(f"{name}_spread", "float", spread) for name in classes if joint),
        Column("model_sha256", "text", "hash of the network's weights"),
        Column("image_sha256", "text", "hash of the file's bytes"),
        Column("version", "text", "version of GalaxyScope"),
        Column("notes", "text", "what was odd in the making"),
        Column("error", "text", "why there is no prediction"),
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    check_table(args.output)
    listed = list_paths(args.paths)
    classifier = load(args, SECONDS_A_PREDICTION * len(listed))
    card = classifier.card
    made_with = {"model": card.name, "model_sha256": card.sha256, "version": __version__}
    status = 0
    table = opened_table(args.output, columns(tuple(card.classes), bool(card.members)))
    with table as add, Progress(len(listed)) as progress:
        for start in range(0, len(listed), classifier.at_once):
            some = listed[start : start + classifier.at_once]
            for path, said in _answers(some, args.plane, classifier):
                progress.begin(path.name)
                if isinstance(said, str):
                    complain(f"galaxyscope: {path}: {said}")
                    status = 1
                    add({"path": str(path), **made_with, "error": said})
                else:
                    add({"path": str(path), **said, **made_with})
                progress.end()
    return status


def _answers(
    listed: list[Path | tuple[Path, str]],
    plane: tuple[int, int | None] | None,
    classifier: Classifier,
) -> list[tuple[Path, Row | str]]:
    """Row, or one sentence why there is none, for images that go through the network together."""
    # torch is loaded by now, so the pipeline costs nothing more
    from galaxyscope.pipeline import prepared

    found: list[tuple[Path, Row | str]] = []
    inputs: list[tuple[int, NetworkInput]] = []
    for entry in listed:
        path, reason = entry if isinstance(entry, tuple) else (entry, "")
        found.append((path, reason))
        if not reason:
            try:
                image = read_image(path, plane)
                inputs.append((len(found) - 1, prepared(image, classifier)))
                found[-1] = (path, {"image_sha256": image.sha256})
            except Exception as error:  # one bad file never stops the others
                found[-1] = (path, sentence(error))
    try:
        said: list[Prediction | str] = list(classifier.predict_many([one for _, one in inputs]))
    except Exception:  # which of them it was shows one by one
        said = [_alone(one, classifier) for _, one in inputs]
    for (place, _), answer in zip(inputs, said, strict=True):
        path, row = found[place]
        if isinstance(answer, str) or isinstance(row, str):
            found[place] = (path, str(answer))
            continue
        spread = {f"{name}_spread": value for name, value in answer.spread.items()}
        notes = {"notes": "; ".join(answer.notes)}
        found[place] = (path, {**row, **answer.probabilities, **spread, **notes})
    return found


def _alone(one: NetworkInput, classifier: Classifier) -> Prediction | str:
    try:
        return classifier.predict(one)
    except Exception as error:
        return sentence(error)
