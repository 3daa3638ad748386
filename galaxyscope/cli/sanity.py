"""Score how much the maps of each method depend on what the network learned (randomisation)."""

from __future__ import annotations

import argparse
from pathlib import Path

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

NAME, HELP = "sanity", "do maps change when the network is randomised? kept beside its card"

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
        "-o", "--output", metavar="FOLDER", type=Path, help="default: the model's own folder"
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
    folder = args.output or _folder(args.model)
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    from galaxyscope.explain.randomisation import randomisation_scores, write_scores

    asked = {"samples": args.samples, "seed": args.seed}
    settings = {
        name: {
            p.name: asked[p.name]
            for p in method(name).card.parameters
            if asked.get(p.name) is not None
        }
        for name in methods(args.method)
    }
    pictures, status = [], 0
    with Progress(1) as progress:
        progress.begin(classifier.card.name)
        for entry in list_paths(args.paths):
            path, reason = entry if isinstance(entry, tuple) else (entry, "")
            try:
                if not reason:
                    pictures.append(classifier.prepare(read_image(path)))
            except Exception as error:  # one bad file never stops the others
                reason = sentence(error)
            if reason:
                complain(f"galaxyscope: {path}: {reason}")
                status = 1
        try:
            scores = randomisation_scores(
                classifier, pictures, args.target, settings, args.seed, progress.watch()
            )
        except ValueError as error:
            complain(f"galaxyscope: {sentence(error)}")
            return 1
    write_scores(scores, folder)
    with opened_table(STDOUT, COLUMNS) as add:
        for name in settings:
            one = scores.methods.get(name)
            add(
                {
                    "method": name,
                    "similarity": float("nan") if one is None else one.similarity[-1],
                    "outcome": "refused" if one is None else "passes" if one.passes else "fails",
                    "reason": scores.refused.get(name, ""),
                }
            )
    return status


def _folder(model: str | None) -> Path:
    """Return the folder of a model that could be loaded."""
    from galaxyscope.classify.store import DEFAULT_MODEL, model_folders

    name = model or DEFAULT_MODEL
    return model_folders().get(name, Path(name))
