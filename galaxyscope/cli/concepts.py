"""Ask whether the network uses a concept that folders of examples show (TCAV)."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyscope.cli.common import (
    UsageError,
    add_model,
    add_paths,
    check_table,
    list_paths,
    load_classifier,
    number,
    opened_table,
    read_image,
    sentence,
)
from galaxyscope.cli.progress import Progress, complain
from galaxyscope.records.columns import CONCEPT_COLUMNS

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, NetworkInput

NAME, HELP = "concepts", "does the network use a concept that examples show (TCAV)?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_paths(parser)
    parser.add_argument(
        "--concept",
        metavar="FOLDER",
        type=Path,
        action="append",
        required=True,
        help="examples of a concept, named by its folder; may be given several times",
    )
    parser.add_argument(
        "--random", metavar="FOLDER", type=Path, required=True, help="pictures of anything"
    )
    parser.add_argument("--target", metavar="T", help="answer to ask about (default: bar)")
    parser.add_argument(
        "--counterparts",
        metavar="N",
        type=number(2, 1000, whole=True),
        default=20,
        help="random sets to compare with (default: 20)",
    )
    parser.add_argument(
        "--seed", type=number(0, 2**31 - 1, whole=True), default=0, help="default: 0"
    )
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    check_table(args.output)
    names = [folder.resolve().name for folder in args.concept]
    if len(set(names)) < len(names):
        raise UsageError("two --concept folders have the same name, and concepts are named by it")
    classifier = load_classifier(args)
    from galaxyscope.explain.concepts import concept_scores

    failed: list[Path] = []
    with Progress(1) as progress:
        progress.begin("concepts")
        examples = {
            name: _inputs([folder], classifier, failed)
            for name, folder in zip(names, args.concept, strict=True)
        }
        random = _inputs([args.random], classifier, failed)
        pictures = _inputs(args.paths, classifier, failed)
        try:
            scores = concept_scores(
                classifier,
                examples,
                random,
                pictures,
                args.target,
                args.counterparts,
                args.seed,
                progress.watch(),
            )
        except (ValueError, RuntimeError, MemoryError) as error:
            complain(f"galaxyscope: {sentence(error)}")
            return 1
    with opened_table(args.output, CONCEPT_COLUMNS) as add:
        for score in scores:
            add(dataclasses.asdict(score))
    return 1 if failed else 0


def _inputs(
    paths: Sequence[Path], classifier: Classifier, failed: list[Path]
) -> list[NetworkInput]:
    """Prepare the pictures at some paths; those that fail are said and left out."""
    found: list[NetworkInput] = []
    for entry in list_paths(paths):
        path, reason = entry if isinstance(entry, tuple) else (entry, "")
        try:
            if not reason:
                found.append(classifier.prepare(read_image(path)))
        except Exception as error:  # one bad file never stops the others
            reason = sentence(error)
        if reason:
            complain(f"galaxyscope: {path}: {reason}")
            failed.append(path)
    return found
