"""Measure bars: one row per image with the full length, its error and the position angle."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from galaxyscope.cli.common import (
    SECONDS_A_MAP,
    Row,
    UsageError,
    add_explainer,
    add_model,
    add_paths,
    add_plane,
    check_method,
    check_table,
    each_image,
    list_paths,
    load_classifier,
    number,
    settings_of,
)
from galaxyscope.measure.algorithms import ALGORITHMS
from galaxyscope.measure.deproject import Disc
from galaxyscope.measure.variants import AVERAGES, X_INPUTS
from galaxyscope.records.columns import RECORD_COLUMNS
from galaxyscope.records.making import record_of_error
from galaxyscope.records.record import Record
from galaxyscope.records.tables import record_row
from galaxyscope.sky.image import PixelScale, SkyImage
from galaxyscope.work.watch import Watch

NAME, HELP = "measure", "bar lengths, one row per image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_paths(parser)
    add_plane(parser)
    add_bar(parser)
    add_variants(parser)
    add_scale(parser)
    add_more(parser)
    add_explainer(parser)
    add_model(parser)


def add_bar(parser: argparse.ArgumentParser, algorithms: Sequence[str] = ALGORITHMS) -> None:
    """Options of the measuring step."""
    parser.add_argument(
        "--algorithm",
        choices=algorithms,
        help="default: consensus, the one that agrees best with people",
    )
    parser.add_argument(
        "--correlation",
        metavar="T_C",
        type=number(0, 1, above=True),
        help="elongation at which to stop",
    )
    parser.add_argument(
        "--min-pixels", metavar="T_1", type=number(1, whole=True), help="fewest pixels of a bar"
    )


def add_variants(parser: argparse.ArgumentParser) -> None:
    """Variants of the paper, for maps that have members and a picture."""
    parser.add_argument(
        "--average",
        choices=AVERAGES,
        help="of several networks: their mean map (default), the mean of maps that are scaled"
        " first (the paper's average map), or the mean of their lengths",
    )
    parser.add_argument(
        "--x-input",
        choices=X_INPUTS,
        help="multiply the map by the grey picture: plain as in the paper's program, or"
        " renormalised to its own range (default: no)",
    )


def add_scale(parser: argparse.ArgumentParser) -> None:
    """Add what the user knows better than the file."""
    parser.add_argument(
        "--scale",
        metavar="ARCSEC_PER_PX",
        type=number(0, above=True),
        help="size of a pixel; wins over the file's own",
    )
    parser.add_argument(
        "--redshift", metavar="Z", type=number(0, 1000, above=True), help="for lengths in kpc"
    )


def add_more(parser: argparse.ArgumentParser) -> None:
    """Add what is known of the galaxy, and what else shall be found out."""
    parser.add_argument(
        "--opinions",
        action="store_true",
        help="isophotes, Fourier component, a network's answer and a model of the light too "
        "(seconds per galaxy); isophotes also say how the disc lies",
    )
    parser.add_argument(
        "--inclination",
        metavar="DEG",
        type=number(0, 89.9),
        help="of the disc; with --disc-pa, for lengths in its plane",
    )
    parser.add_argument(
        "--inclination-err", metavar="DEG", type=number(0, 90), default=0.0, help="default: 0"
    )
    parser.add_argument(
        "--disc-pa",
        metavar="DEG",
        type=number(-360, 360),
        help="position angle of the disc, counted as in the column pa_deg",
    )
    parser.add_argument(
        "--disc-pa-err", metavar="DEG", type=number(0, 90), default=0.0, help="default: 0"
    )
    parser.add_argument(
        "--r90", metavar="ARCSEC", type=number(0, above=True), help="petroR90 of the galaxy"
    )
    parser.add_argument(
        "--r25", metavar="ARCSEC", type=number(0, above=True), help="radius at 25 mag/arcsec²"
    )
    parser.add_argument("--kpc-h", action="store_true", help="lengths in kpc/h as well")


def disc_asked(args: argparse.Namespace) -> Disc | None:
    """Disc that was given.

    Raises
    ------
    UsageError
        If only one of inclination and position angle was.
    """
    if (args.inclination is None) != (args.disc_pa is None):
        raise UsageError("--inclination and --disc-pa belong together")
    if args.inclination is None:
        return None
    return Disc(args.inclination, args.disc_pa, args.inclination_err, args.disc_pa_err)


def told_more(
    record: Record, image: SkyImage, args: argparse.Namespace, disc: Disc | None
) -> Record:
    """Return the row with all that was asked for beyond the bar."""
    from galaxyscope.records import opinions

    measured = None
    if args.opinions:
        record, measured = opinions.with_opinions(record, image)
        record = _with_answer(record, image)
    if (disc := disc or measured) is not None:
        record = opinions.with_disc(record, disc)
    if args.r90 is not None or args.r25 is not None:
        record = opinions.with_sizes(record, args.r90, args.r25)
    return opinions.with_kpc_h(record) if args.kpc_h else record


def _with_answer(record: Record, image: SkyImage) -> Record:
    """Row with what the network for lengths answers and what a model begun there fits.

    Unchanged where it has an answer already, or that network is not installed.
    """
    from galaxyscope.classify.card import ModelError
    from galaxyscope.pipeline import fitted_bar, said_length

    if record.network_length_px is not None:
        return record
    try:
        said = said_length(image)
    except ModelError:
        return record
    fitted = fitted_bar(image, said)
    return dataclasses.replace(
        record,
        network_length_px=said,
        fitted_length_px=None if fitted is None else fitted.length,
        fitted_residual=None if fitted is None else fitted.residual,
    )


def with_scale(image: SkyImage, args: argparse.Namespace) -> SkyImage:
    """`image` with the scale and redshift that were given."""
    if args.scale is not None:
        image = image.replace(scale=PixelScale(args.scale, "user"))
    return image if args.redshift is None else image.replace(redshift=args.redshift)


def run(args: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    check_table(args.output)
    check_method(args.method)
    disc = disc_asked(args)
    settings_of(args)  # refused before torch is loaded
    classifier = load_classifier(args, SECONDS_A_MAP * len(list_paths(args.paths)))
    settings = settings_of(args)
    # torch is loaded by now, so the pipeline costs nothing more
    from galaxyscope.pipeline import measure_image

    def work(image: SkyImage, watch: Watch) -> Row:
        # No time of day in the row: the same command on the same files gives the same bytes.
        image = with_scale(image, args)
        found = measure_image(image, classifier, settings, watch, created_at="")
        return record_row(told_more(found.record, image, args, disc))

    def failed(path: Path, error: str) -> Row:
        return record_row(record_of_error(path, error))

    return each_image(args, RECORD_COLUMNS, work, failed)
