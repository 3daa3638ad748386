"""Ask the network about each image: one row per image, one column per class."""

from __future__ import annotations

import argparse
from pathlib import Path

from galaxyscope import __version__
from galaxyscope.cli.common import Row, add_model, add_paths, check_table, each_image
from galaxyscope.cli.common import load_classifier as load
from galaxyscope.records.columns import Column
from galaxyscope.sky.image import SkyImage
from galaxyscope.work.watch import Watch

NAME, HELP = "predict", "what the network says of each image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_paths(parser)
    add_model(parser)


def columns(classes: tuple[str, ...]) -> tuple[Column, ...]:
    """Columns of the table for a network with these classes."""
    return (
        Column("path", "text", "file"),
        Column("model", "text", "network"),
        *(Column(name, "float", "probability or vote fraction, 0 to 1") for name in classes),
        Column("model_sha256", "text", "hash of the network's weights"),
        Column("image_sha256", "text", "hash of the file's bytes"),
        Column("version", "text", "version of GalaxyScope"),
        Column("error", "text", "why there is no prediction"),
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    check_table(args.output)
    classifier = load(args)
    # torch is loaded by now, so the pipeline costs nothing more
    from galaxyscope.pipeline import predict_image

    card = classifier.card
    made_with = {"model": card.name, "model_sha256": card.sha256, "version": __version__}

    def work(image: SkyImage, _watch: Watch) -> Row:
        said = predict_image(image, classifier)
        return {
            "path": str(image.path),
            **said.probabilities,
            **made_with,
            "image_sha256": image.sha256,
        }

    def failed(path: Path, error: str) -> Row:
        return {"path": str(path), **made_with, "error": error}

    return each_image(args, columns(tuple(card.classes)), work, failed)
