"""Show where the network looked: an attribution on the cutout's own pixel grid."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from galaxyscope.cli.common import (
    UsageError,
    add_explainer,
    add_model,
    check_method,
    load_classifier,
    read_image,
    sentence,
    settings_of,
)
from galaxyscope.cli.measure import add_bar, add_scale, with_scale
from galaxyscope.cli.progress import Progress, complain
from galaxyscope.records.maps import MAP_SUFFIXES, write_map
from galaxyscope.records.tables import check_suffix, replacing
from galaxyscope.sky.image import ImageError

NAME, HELP = "explain", "where the network looked, as an image"
FIGURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("path", metavar="PATH", type=Path, help="image")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        type=Path,
        help="2-D float32 on the grid of the image: .fits (with its WCS) or .npy",
    )
    parser.add_argument(
        "--figure", metavar="FILE", type=Path, help="picture of image, map and bar (.png …)"
    )
    add_explainer(parser)
    add_bar(parser)
    add_scale(parser)
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    if args.output is None and args.figure is None:
        raise UsageError("explain needs -o OUT or --figure FILE")
    if args.output is not None:
        check_suffix(args.output, MAP_SUFFIXES)
    if args.figure is not None:
        check_suffix(args.figure, FIGURE_SUFFIXES)
    check_method(args.method)
    settings_of(args)  # refused before torch is loaded
    try:
        image = with_scale(read_image(args.path), args)
    except ImageError as error:
        complain(f"galaxyscope: {args.path}: {error.reason}")
        return 1
    classifier = load_classifier(args)
    settings = settings_of(args)
    # torch is loaded by now, so the pipeline costs nothing more
    from galaxyscope.explain.grid import on_cutout
    from galaxyscope.pipeline import measure_image

    try:
        with Progress(1) as progress:
            progress.begin(args.path.name)
            found = measure_image(image, classifier, settings, progress.watch())
    except (ValueError, RuntimeError, MemoryError) as error:
        complain(f"galaxyscope: {args.path}: {sentence(error)}")
        return 1
    values = np.asarray(on_cutout(found.attribution, image.shape), np.float32)
    if args.output is not None:
        write_map(args.output, image, values, found.record)
    if args.figure is not None:
        from galaxyscope.records.figure import draw_figure

        is_bar = found.attribution.target == classifier.card.targets.get("bar")
        with replacing(args.figure) as temporary:
            draw_figure(image, values, found.record if is_bar else None).save(temporary)
    return 0
