"""List the networks that can be loaded, with what is known of each."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyscope.cli.common import check_table, opened_table
from galaxyscope.records.columns import Column
from galaxyscope.records.tables import plain_text

if TYPE_CHECKING:
    from galaxyscope.classify.card import ModelCard

NAME, HELP = "models", "what can be loaded, with metrics"
COLUMNS = (
    Column("name", "text", "what --model takes"),
    Column("title", "text", "what the menu shows"),
    Column("task", "text", "what the network was trained for"),
    Column("architecture", "text", "kind of network"),
    Column("classes", "text", "class names, separated by spaces"),
    Column("metrics", "text", "JSON list of name, value, split and count"),
    Column("sha256", "text", "hash of the weights"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "-o", "--output", metavar="OUT", type=Path, help="table to write instead of the text"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    if args.output is not None:
        check_table(args.output)
    from galaxyscope.classify.store import list_models

    cards = list_models()
    if args.output is None:
        print("\n\n".join(text(card) for card in cards) or "there are no models")
        return 0
    with opened_table(args.output, COLUMNS) as add:
        for card in cards:
            add(
                {
                    **{c.name: getattr(card, c.name) for c in COLUMNS},
                    "classes": " ".join(card.classes),
                    "metrics": json.dumps([asdict(metric) for metric in card.metrics]),
                }
            )
    return 0


def text(card: ModelCard) -> str:
    """Everything about a model, one line each under its name."""
    lines = [plain_text(card.name)]
    for label in ("title", "task", "architecture"):
        lines.append(f"  {label:<14}{plain_text(str(getattr(card, label)))}")
    lines.append(f"  {'classes':<14}{len(card.classes)}: {plain_text(' '.join(card.classes))}")
    for metric in card.metrics:
        said = f"{metric.name} {metric.value:.4g} on {metric.count} of {metric.split}"
        lines.append(f"  {'metric':<14}{plain_text(said)}")
    lines.append(f"  {'sha256':<14}{card.sha256}")
    return "\n".join(lines)
