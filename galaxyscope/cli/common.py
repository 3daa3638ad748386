"""What the commands share: options, the list of images, the loop over them."""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyscope.classify.store import DEVICES
from galaxyscope.cli.progress import Progress, complain, silenced_stderr
from galaxyscope.records.columns import Column
from galaxyscope.records.growing import GrowingTable
from galaxyscope.records.tables import TABLE_SUFFIXES, check_suffix, csv_cells
from galaxyscope.sky.image import ImageError, Plane, SkyImage
from galaxyscope.sky.readers import list_images, open_image
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier
    from galaxyscope.measure.bars import BarSettings
    from galaxyscope.pipeline import MeasureSettings

Row = Mapping[str, Any]
STDOUT = Path("-")

#: About what the shipped ensemble takes of a picture, and of its map, on two cores.
SECONDS_A_PREDICTION, SECONDS_A_MAP = 0.01, 3.0
#: To measure how a network runs best takes half a minute, and saves about a quarter after it.
_WORTH_CALIBRATING = 90.0


class UsageError(Exception):
    """The command line asks for something impossible; exit status 2."""


def number(
    low: float = -math.inf, high: float = math.inf, above: bool = False, whole: bool = False
) -> Callable[[str], Any]:
    """Type for argparse: a finite number in [low, high], or in (low, high] with `above`."""

    def parse(text: str) -> float | int:
        try:
            value: float | int = int(text) if whole else float(text)
            if not math.isfinite(value):
                raise OverflowError
        except ValueError:
            kind = "whole number" if whole else "number"
            raise argparse.ArgumentTypeError(f"{text!r} is not a {kind}") from None
        except OverflowError:
            raise argparse.ArgumentTypeError(f"{text} is not a finite number") from None
        if value < low or value > high or (above and value == low):
            bounds = f"{'above' if above else 'at least'} {low:g}" + (
                f" and at most {high:g}" if math.isfinite(high) else ""
            )
            raise argparse.ArgumentTypeError(f"{text} must be {bounds}")
        return value

    return parse


def add_paths(parser: argparse.ArgumentParser) -> None:
    """PATH... and the table they go to."""
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="image, or folder")
    add_table(parser)


def add_table(parser: argparse.ArgumentParser) -> None:
    """-o OUT for commands that write a table."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        type=Path,
        default=STDOUT,
        help=f"table to write ({', '.join(TABLE_SUFFIXES)}); '-', the default: CSV on stdout",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model, --device and --precision."""
    parser.add_argument(
        "--model", metavar="NAME", help="network, by name or folder (default: the shipped one)"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default: auto")
    parser.add_argument(
        "--precision",
        choices=("fp32", "auto"),
        default="fp32",
        help="auto: a faster number format where it was found to agree (default: fp32)",
    )


def add_explainer(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """--target, --method (with `several` any number of them) and what methods can be told."""
    parser.add_argument(
        "--target",
        metavar="T",
        help="answer to explain (default: bar): bar, 'p(bar)', 'logit(bar)', bar-vs-siblings; "
        "--target=-bar for what speaks against it",
    )
    parser.add_argument(
        "--method",
        metavar="M",
        action="append" if several else "store",
        help="explanation method (default: the best)"
        + ("; give it several times for several, or a preset of methods" if several else ""),
    )
    parser.add_argument("--samples", metavar="N", type=number(1, whole=True), help="noise samples")
    parser.add_argument(
        "--noise", metavar="S", type=number(0, 1), help="noise over the range of the input"
    )
    parser.add_argument(
        "--agreement",
        metavar="R",
        type=number(0, 0.9999),
        help="stop when the maps of two halves of the samples correlate so well",
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        type=_setting,
        help="any other setting of the method, as in the column parameters",
    )
    parser.add_argument(
        "--seed", type=number(0, 2**31 - 1, whole=True), default=0, help="default: 0"
    )


def _setting(text: str) -> tuple[str, float | int | bool]:
    """``steps=64``, ``sky=true``."""
    name, equals, value = text.partition("=")
    number: float | int | bool = value.lower() == "true"
    try:
        if value.lower() not in ("true", "false"):
            number = float(value) if set(value) & set(".eEn") else int(value)
        finite = math.isfinite(number)
    except (ValueError, OverflowError):
        finite = False
    if not equals or not name or not finite:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=NUMBER, NAME=true or NAME=false")
    return name, number


def load_classifier(args: argparse.Namespace, seconds: float = math.inf) -> Classifier:
    """Load the network that --model names; check --target where the command has one.

    Without ``--target`` a Galaxy Zoo network is asked for the bar, any other for the first
    target of its card. How it runs best here is measured first where that was never done and
    about as many seconds of work are to come as make it worth while.

    Raises
    ------
    UsageError
        If there is no such network or target.
    """
    from galaxyscope.classify.card import ModelError
    from galaxyscope.classify.store import load_model
    from galaxyscope.explain.target import score_of

    try:
        classifier = load_model(args.model, device=args.device, precision=args.precision)
        if "target" in args:
            named = list(classifier.card.targets) or list(classifier.card.classes)
            if args.target is None:
                args.target = "bar" if "bar" in named else named[0]
            score_of(classifier, args.target)
    except (ModelError, KeyError, ValueError) as error:
        raise UsageError(sentence(error)) from error
    if seconds > _WORTH_CALIBRATING and any(not member.modes for member in classifier.members):
        from galaxyscope.classify.calibrate import calibrate

        with Progress(1) as progress:
            progress.begin("how this network runs best here (once)")
            calibrate(classifier, progress.watch())
    return classifier


def check_method(name: str | None) -> None:
    """Refuse a method that is not in the registry.

    Raises
    ------
    UsageError
        With the names of all methods.
    """
    from galaxyscope.explain.registry import METHODS

    if name is not None and name not in METHODS:
        raise UsageError(f"there is no method {name!r}; choose one of {', '.join(METHODS)}")


def bar_settings(args: argparse.Namespace) -> BarSettings:
    """Collect the settings of the measuring step, defaults where nothing was given."""
    from galaxyscope.measure.bars import BarSettings
    from galaxyscope.pipeline import DEFAULT_BAR

    names = ("algorithm", "correlation", "min_pixels", "average", "x_input")
    asked = {name: getattr(args, name, None) for name in names}
    if asked["algorithm"] is None:
        # T_c and T_1 belong to the search on the map.
        given = args.correlation is not None or args.min_pixels is not None
        asked["algorithm"] = "invariant" if given else DEFAULT_BAR.algorithm
    try:
        return BarSettings(**{name: value for name, value in asked.items() if value is not None})
    except ValueError as error:
        raise UsageError(str(error)) from error


def settings_of(args: argparse.Namespace) -> MeasureSettings:
    """Collect the settings of explainer and measuring step, defaults where nothing was given."""
    from galaxyscope.explain.cards import settings as complete
    from galaxyscope.explain.registry import method
    from galaxyscope.pipeline import MeasureSettings, explainer_parameters

    names = ("method", "samples", "noise", "seed", "target", "agreement")
    asked = {name: getattr(args, name, None) for name in names}
    given = {name: value for name, value in asked.items() if value is not None}
    more = dict(getattr(args, "set", None) or [])
    settings = MeasureSettings(bar=bar_settings(args), more=more, **given)
    card = method(settings.method).card
    if unknown := sorted(more.keys() - {p.name for p in card.parameters}):
        have = ", ".join(p.name for p in card.parameters) or "nothing to be set"
        raise UsageError(f"{card.name} has no setting {unknown[0]!r}; it has {have}")
    try:
        complete(card, explainer_parameters(card, settings))
    except ValueError as error:
        raise UsageError(str(error)) from error
    return settings


def sentence(error: BaseException) -> str:
    """First line of an error, without the quotes that KeyError puts around it."""
    if isinstance(error, ImageError):
        return error.reason  # whoever says it names the file
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text.strip().split("\n", 1)[0] or type(error).__name__


def add_plane(parser: argparse.ArgumentParser) -> None:
    """--plane, as the column of that name has it."""
    parser.add_argument(
        "--plane",
        metavar="HDU[:INDEX]",
        type=_plane,
        help="picture of files that hold several, as in the column plane (default: the first)",
    )


def _plane(text: str) -> tuple[int, int | None]:
    hdu, _, index = text.partition(":")
    try:
        return int(hdu), int(index) if index else None
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not HDU or HDU:INDEX") from None


def read_image(path: Path, plane: tuple[int, int | None] | None = None) -> SkyImage:
    """Open a picture; what libtiff prints about damaged ones does not reach the terminal.

    Raises
    ------
    ImageError
        If it cannot be read, or has no such plane.
    """
    wanted = None
    if plane is not None:
        hdu, index = plane
        wanted = Plane(hdu, index, f"{hdu}" if index is None else f"{hdu}:{index}")
    with silenced_stderr():
        return open_image(path, wanted)


def refuse_input(out: Path | None, *inputs: Path) -> None:
    """Refuse an output that is one of the files to be read.

    Raises
    ------
    UsageError
    """
    if out is not None and out.exists() and any(p.exists() and out.samefile(p) for p in inputs):
        raise UsageError(f"{out}: is to be read; the result needs another name")


def check_table(out: Path) -> None:
    """Refuse an output that cannot be written, before any work is done."""
    if out != STDOUT:
        check_suffix(out)


def list_paths(paths: Sequence[Path]) -> list[Path | tuple[Path, str]]:
    """Images named by files and folders, in order; ``(folder, why)`` for a folder without any."""
    found: list[Path | tuple[Path, str]] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        try:
            images = list_images(path)
        except ImageError as error:
            found.append((path, error.reason))
            continue
        found.extend(images or [(path, "there is no image in this folder")])
    return found


def each_image(
    args: argparse.Namespace,
    columns: Sequence[Column],
    work: Callable[[SkyImage, Watch], Row],
    failed: Callable[[Path, str], Row],
) -> int:
    """Make one row of each image and write them to the table that -o names.

    Parameters
    ----------
    args : Namespace
        With ``paths`` and ``output``.
    columns : sequence of Column
    work : callable
        Row of an image; whatever it raises becomes the row's error.
    failed : callable
        Row of an image that failed, from its path and one sentence.

    Returns
    -------
    int
        1 if anything failed, else 0.
    """
    status = 0
    listed = list_paths(args.paths)
    with opened_table(args.output, columns) as add, Progress(len(listed)) as progress:
        for entry in listed:
            path, reason = entry if isinstance(entry, tuple) else (entry, "")
            progress.begin(path.name)
            try:
                plane = getattr(args, "plane", None)
                row = work(read_image(path, plane), progress.watch()) if not reason else None
            except Exception as error:  # one bad file never stops the others
                reason = sentence(error)
            if reason:
                row = failed(path, reason)
                complain(f"galaxyscope: {path}: {reason}")
                status = 1
            add(row)
            progress.end()
    return status


@contextmanager
def opened_table(out: Path, columns: Sequence[Column]) -> Iterator[Callable[[Row], None]]:
    """Give a function that adds a row to the table at `out` (``-``: CSV on stdout)."""
    if out != STDOUT:
        with GrowingTable(out, columns) as table:
            yield table.add
        return
    if sys.stdout is None:  # started with `>&-`
        raise UsageError("there is no standard output to write to; give -o OUT")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(column.name for column in columns)

    def add(row: Row) -> None:
        writer.writerow(csv_cells(columns, row))
        sys.stdout.flush()

    yield add
