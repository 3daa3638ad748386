"""Show where the network looked: an attribution on the cutout's own pixel grid."""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.cli.common import (
    SECONDS_A_MAP,
    STDOUT,
    UsageError,
    add_explainer,
    add_model,
    add_plane,
    check_method,
    load_classifier,
    opened_table,
    read_image,
    refuse_input,
    sentence,
    settings_of,
)
from galaxyscope.cli.measure import add_bar, add_scale, with_scale
from galaxyscope.cli.progress import Progress, complain
from galaxyscope.explain.target import parse_target
from galaxyscope.records.columns import Column
from galaxyscope.records.grid_figure import FIGURE_SUFFIXES as GRID_SUFFIXES
from galaxyscope.records.grid_figure import MapPane, draw_grid
from galaxyscope.records.maps import MAP_SUFFIXES, write_map
from galaxyscope.records.tables import check_suffix, replacing
from galaxyscope.sky.image import ImageError, SkyImage

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier
    from galaxyscope.pipeline import Measured, MeasureSettings

NAME, HELP = "explain", "where the network looked, as an image"
FIGURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")

COLUMNS = (
    Column("method", "text", "explanation method"),
    Column("outcome", "text", "fits, adapted, refused or failed"),
    Column("seconds", "float", "time that it took, or with --estimate will take", "s"),
    Column(
        "source_share",
        "float",
        "share of the positive relevance inside the 3σ source mask; 1 = all",
    ),
    Column("reason", "text", "how it was adapted, or why there is no map"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("path", metavar="PATH", type=Path, help="image")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        type=Path,
        help="2-D float32 on the grid of the image: .fits (with its WCS) or .npy; with several "
        "methods a folder for METHOD.fits",
    )
    parser.add_argument(
        "--figure",
        metavar="FILE",
        type=Path,
        help="picture of image, map and bar (.png …); with several methods one figure of them all "
        "(.png, .svg, .pdf), or a folder",
    )
    parser.add_argument(
        "--estimate",
        action="store_true",
        help="no map: print how long each method will take on this machine",
    )
    add_plane(parser)
    add_explainer(parser, several=True)
    add_bar(parser)
    add_scale(parser)
    add_model(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    from galaxyscope.explain.registry import PRESETS, methods

    for name in args.method or ():
        if name not in PRESETS:
            check_method(name)
    asked = tuple(dict.fromkeys(one for name in args.method or () for one in methods(name)))
    several = asked if len(asked) > 1 else None
    if args.output is None and args.figure is None and not args.estimate:
        raise UsageError("explain needs -o OUT or --figure FILE, or --estimate")
    for path, suffixes in ((args.output, MAP_SUFFIXES), (args.figure, FIGURE_SUFFIXES)):
        if path is None or args.estimate:
            continue
        if several is None:
            check_suffix(path, suffixes)
        elif path == args.figure and path.suffix.lower() in GRID_SUFFIXES:
            check_suffix(path, GRID_SUFFIXES)
        elif path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file; several methods need a folder")
        refuse_input(path, args.path)
    args.method = asked[0] if len(asked) == 1 else None
    settings_of(args)  # refused before torch is loaded
    try:
        image = with_scale(read_image(args.path, args.plane), args)
    except ImageError as error:
        complain(f"galaxyscope: {args.path}: {error.reason}")
        return 1
    classifier = load_classifier(args, SECONDS_A_MAP * len(asked))
    settings = settings_of(args)
    if several or args.estimate:
        return _table(args, image, classifier, settings, several or (settings.method,))
    # torch is loaded by now, so the pipeline costs nothing more
    from galaxyscope.pipeline import measure_image

    try:
        with Progress(1) as progress:
            progress.begin(args.path.name)
            found = measure_image(image, classifier, settings, progress.watch())
    except (ValueError, RuntimeError, MemoryError) as error:
        complain(f"galaxyscope: {args.path}: {sentence(error)}")
        return 1
    _write(image, classifier, found, args.output, args.figure)
    return 0


def _table(
    args: argparse.Namespace,
    image: SkyImage,
    classifier: Classifier,
    settings: MeasureSettings,
    methods: tuple[str, ...],
) -> int:
    """Explain by several methods, or estimate; one line for each. 1 if any failed, else 0.

    A method that does not fit the network has not failed.
    """
    from galaxyscope.explain.cost import predicted_seconds, units_of
    from galaxyscope.explain.preflight import preflight
    from galaxyscope.explain.registry import method
    from galaxyscope.explain.source_share import positive_share, source_mask
    from galaxyscope.pipeline import explainer_parameters, measure_image

    status = 0
    source = source_mask(image.light)
    net_input = classifier.prepare(image)
    units = units_of(classifier, net_input) if args.estimate else {}
    whole = args.figure if args.figure and args.figure.suffix.lower() in GRID_SUFFIXES else None
    panes = [MapPane("Galaxy")]
    folders = (args.output, None if whole else args.figure)
    for folder in folders:
        if folder is not None and not args.estimate:
            folder.mkdir(parents=True, exist_ok=True)
    with opened_table(STDOUT, COLUMNS) as add, Progress(len(methods)) as progress:
        for name in methods:
            progress.begin(name)
            one = dataclasses.replace(settings, method=name)
            outcome, reason, seconds, share = "failed", "", float("nan"), float("nan")
            try:
                fit = preflight(name, classifier, net_input, settings.target)
                reason = fit.reason
                if fit.verdict == "refused":
                    panes.append(MapPane(method(name).card.title, (name,), reason=reason))
                if fit.verdict != "refused" and args.estimate:
                    parameters = explainer_parameters(method(name).card, one)
                    seconds = predicted_seconds(name, classifier, net_input, parameters, units)
                elif fit.verdict != "refused":
                    started = time.perf_counter()
                    found = measure_image(image, classifier, one, progress.watch())
                    seconds = time.perf_counter() - started
                    output, figure = (
                        None if folder is None else folder / f"{name.replace('/', '-')}{suffix}"
                        for folder, suffix in zip(folders, (".fits", ".png"), strict=True)
                    )
                    refuse_input(output, args.path)
                    refuse_input(figure, args.path)
                    values = _write(image, classifier, found, output, figure)
                    panes.append(_pane(found, values, fit.reason))
                    if source.any():  # else there is no share, not a share of 0
                        share = positive_share(values, source)
                outcome = fit.verdict
            except Exception as error:  # one method never stops the others
                reason, status = sentence(error), 1
                complain(f"galaxyscope: {args.path}: {name}: {reason}")
            told = (name, outcome, seconds, share, reason)
            add({column.name: cell for column, cell in zip(COLUMNS, told, strict=True)})
            progress.end()
    if whole is not None and not args.estimate:
        draw_grid(whole, image, panes)
    return status


def _pane(found: Measured, values: NDArray[np.float32], adapted: str) -> MapPane:
    """Return the pane of a map in the figure of all of them."""
    from galaxyscope.explain.outline import outline
    from galaxyscope.explain.provenance import made_by
    from galaxyscope.explain.registry import method

    attribution = found.attribution
    lines = None
    if attribution.segments is not None:
        lines = attribution.to_cutout(outline(attribution.segments))
    notes = tuple(note for note in attribution.notes if not note.startswith("Adapted"))
    about = (attribution.method, *(["adapted"] if adapted else []), *notes)
    return MapPane(
        method(attribution.method).card.title,
        about,
        values,
        outline=lines,
        provenance=made_by(attribution),
    )


def _write(
    image: SkyImage,
    classifier: Classifier,
    found: Measured,
    output: Path | None,
    figure: Path | None,
) -> NDArray[np.float32]:
    """Write the map, and the figure of it; return it on the cutout's grid."""
    from galaxyscope.explain.grid import on_cutout

    values = np.asarray(on_cutout(found.attribution, image.shape), np.float32)
    if output is not None:
        write_map(output, image, values, found.record)
    if figure is not None:
        from galaxyscope.records.figure import draw_figure, save_figure

        asked = parse_target(found.attribution.target, classifier.card.class_of)
        is_bar = asked.class_name == classifier.card.targets.get("bar") and not asked.negated
        with replacing(figure) as temporary:
            drawn = draw_figure(image, values, found.record if is_bar else None)
            save_figure(drawn, temporary, found.record)
    return values
