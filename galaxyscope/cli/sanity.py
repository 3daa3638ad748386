"""Score how much the maps of each method depend on what the network learned (randomisation)."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyscope.cli.common import (
    STDOUT,
    UsageError,
    add_model,
    check_method,
    list_paths,
    load_classifier,
    number,
    opened_table,
    read_image,
    sentence,
)
from galaxyscope.cli.progress import Progress, complain
from galaxyscope.records.columns import Column

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, NetworkInput
    from galaxyscope.sky.image import SkyImage
    from galaxyscope.work.watch import Watch

NAME, HELP = "sanity", "do maps change when the network is randomised?"

COLUMNS = (
    Column("method", "text", "explanation method"),
    Column("similarity", "float", "rank correlation with the maps of the randomised network"),
    Column("outcome", "text", "passes, fails or refused"),
    Column("reason", "text", "why it was refused"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="image, or folder")
    parser.add_argument(
        "--method", metavar="M", default="all", help="method, 'benchmark' or 'all' (the default)"
    )
    parser.add_argument("--target", metavar="T", help="answer to explain (default: bar)")
    parser.add_argument(
        "--samples", metavar="N", type=number(1, whole=True), help="noise samples of each map"
    )
    parser.add_argument(
        "--seed", type=number(0, 2**31 - 1, whole=True), default=0, help="default: 0"
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, help="folder for randomisation.json"
    )
    parser.add_argument(
        "--write-card",
        action="store_true",
        help="put the scores beside the model's card, where the window finds them; those of other "
        "methods with the same pictures stay",
    )
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.explain.registry import PRESETS, method, methods

    if args.method not in PRESETS:
        check_method(args.method)
    classifier = load_classifier(args)
    if len(classifier.members) > 1:
        raise UsageError(f"{classifier.card.name} is an ensemble: name one of its members")
    folders = [*([args.output] if args.output else ())]
    folders += [_folder(args.model)] if args.write_card else []
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder")
    asked = {"samples": args.samples, "seed": args.seed}
    settings = {
        name: {
            p.name: asked[p.name]
            for p in method(name).card.parameters
            if asked.get(p.name) is not None
        }
        for name in methods(args.method)
    }
    status = 0
    pictures: list[tuple[SkyImage, NetworkInput]] = []
    with opened_table(STDOUT, COLUMNS) as add, Progress(len(settings)) as progress:
        for entry in list_paths(args.paths):
            path, reason = entry if isinstance(entry, tuple) else (entry, "")
            try:
                if not reason:
                    image = read_image(path)
                    pictures.append((image, classifier.prepare(image)))
            except Exception as error:  # one bad file never stops the others
                reason = sentence(error)
            if reason:
                complain(f"galaxyscope: {path}: {reason}")
                status = 1
        for name, own in settings.items():
            progress.begin(name)
            try:
                _score(args, classifier, pictures, {name: own}, folders, add, progress.watch())
            except ValueError as error:
                complain(f"galaxyscope: {sentence(error)}")
                return 1
            progress.end()
    return status


def _score(
    args: argparse.Namespace,
    classifier: Classifier,
    pictures: Sequence[tuple[SkyImage, NetworkInput]],
    settings: Mapping[str, Mapping[str, Any]],
    folders: Sequence[Path],
    add: Callable[[Mapping[str, Any]], None],
    watch: Watch,
) -> None:
    """Score methods, keep what was found at once, and say it."""
    from galaxyscope.explain.randomisation import randomisation_scores, read_scores, write_scores

    inputs = [net_input for _, net_input in pictures]
    found = randomisation_scores(classifier, inputs, args.target, settings, args.seed, watch)
    found = dataclasses.replace(found, pictures={image.name: image.sha256 for image, _ in pictures})
    for folder in folders:
        try:
            before = read_scores(folder, found.model_sha256)
        except ValueError:  # damaged: replaced
            before = None
        write_scores(found if before is None else found.joined(before), folder)
    for name in settings:
        one = found.methods.get(name)
        add(
            {
                "method": name,
                "similarity": float("nan") if one is None else one.similarity[-1],
                "outcome": "refused" if one is None else "passes" if one.passes else "fails",
                "reason": found.refused.get(name, ""),
            }
        )


def _folder(model: str | None) -> Path:
    """Return the folder of a model that could be loaded."""
    from galaxyscope.classify.store import DEFAULT_MODEL, model_folders

    name = model or DEFAULT_MODEL
    return model_folders().get(name, Path(name))
