"""What a model says of labelled pictures, seen in several ways; kept, so that it can go on."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.classify.preprocess import network_frame, stretch
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.locate import GalaxyExtent
from galaxyscope.sky.resample import resample
from galaxyscope.train.data import Pictures
from galaxyscope.train.table import DataError
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.card import ModelCard

ZOOMS = (0.5, 0.7, 1.4)
SCALES = (1.0, 0.5, 2.0)
_BATCH = 32
_STAMP_FILE = "made_with.json"
#: What `galaxyscope.train.evaluate` writes beside the predictions.
RESULTS = (
    "metrics.json",
    "classes.csv",
    "confusion.png",
    "calibration.png",
    "scatter.png",
    "rmse.png",
    "bar-fraction.png",
    "questions.png",
    "disagreement.csv",
    "disagreement.png",
    "worst.png",
)


@dataclass(frozen=True)
class View:
    """A way to show a picture to a network.

    Parameters
    ----------
    name : str
        Follows the name of a figure; empty for the way that the model is judged by.
    zoom : float
        Side of the field in units of the card's.
    grey : bool
        The colours replaced by their mean.
    scale : float or None
        The picture resampled to so many times its pixels, then opened as the program opens
        a cutout, the galaxy located from its light; None: the field is known.
    """

    name: str
    zoom: float = 1.0
    grey: bool = False
    scale: float | None = None


_ZOOMED = [View(f" at zoom {zoom:g}", zoom=zoom) for zoom in ZOOMS]
_OPENED = [
    View(" as opened" + (f" at {scale:g}× the pixels" if scale != 1 else ""), scale=scale)
    for scale in SCALES
]


def views_of(card: ModelCard, pictures: Pictures, field: float) -> tuple[View, ...]:
    """All ways that a model is looked at: the first is the one it is judged by.

    Parameters
    ----------
    card : ModelCard
    pictures : Pictures
    field : float
        Side of the card's field in pixels of the pictures; 0: unknown.
    """
    coloured = any(np.ptp(one, axis=0).any() for one in pictures.pixels[:20])
    if not field:
        grey = [View(" in grey", grey=True, scale=1.0)] if coloured else []
        return (View("", scale=1.0), *grey)
    # The program never shows more than the cutout: a wider view would be another in disguise.
    widest = pictures.pixels.shape[-1] / field
    found = [View("")]
    found += [view for view in _ZOOMED if view.zoom <= widest]
    found += [View(" in grey", grey=True)] if coloured else []
    if card.frame == "r90":
        found += _OPENED
    return tuple(found)


def network_input(
    pixels: NDArray[np.uint8], field: float, view: View, classifier: Classifier
) -> NetworkInput:
    """Bring a picture into the network's frame.

    Parameters
    ----------
    pixels : ndarray, shape (3, side, side), uint8
    field : float
        Side of the card's field in pixels of the picture, centred.
    view : View
    classifier : Classifier
    """
    data = pixels.astype(np.float32)
    if view.grey:
        data = data.mean(axis=0, keepdims=True)
    if view.scale is not None and view.scale != 1:
        shape = pixels.shape[1:]
        size = (round(shape[0] * view.scale), round(shape[1] * view.scale))
        data = resample(data, Affine.resize(shape, size), size)
    image = SkyImage(data, "picture", full_scale=255.0)
    if view.scale is not None:
        return classifier.prepare(image)
    size = classifier.card.input_size
    middle = (pixels.shape[-1] - 1) / 2
    extent = GalaxyExtent(middle, middle, field)
    frame = network_frame(image, extent, size, view.zoom)
    seen = resample(stretch(image, extent), frame, (size, size))
    if len(seen) == 1:
        seen = np.repeat(seen, 3, axis=0)
    return NetworkInput(np.ascontiguousarray(seen, np.float32), frame)


def predict_views(
    classifier: Classifier,
    pictures: Pictures,
    field: float,
    views: tuple[View, ...],
    folder: Path,
    watch: Watch,
    unit: float = 0.0,
) -> dict[str, NDArray[np.float64]]:
    """Answers in every view, shape (n, classes) each, by the view's name.

    With `unit`, pixels of the pictures, they are logarithms of lengths in units of the field that
    was seen, and are given in that unit.

    Every view is a table in `folder` that grows by one row per picture; rows that are there
    are not asked for again, unless model or data are others than they were; then all that the
    last evaluation left there is deleted.

    Raises
    ------
    DataError
        If files of the names of an evaluation are in the folder that are from none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stamp = {"model": classifier.card.sha256, "pictures": fingerprint(pictures), "field": field}
    if (last := _stamp(folder)) != stamp:
        old = [folder / name for name in (*_tables(), *RESULTS) if (folder / name).exists()]
        if old and last is None:
            raise DataError(
                f"{folder}: {old[0].name} is in this folder, but from no evaluation; choose "
                "another with -o"
            )
        for one in old:
            one.unlink()
        (folder / _STAMP_FILE).write_text(json.dumps(stamp) + "\n", encoding="utf-8")
    total = len(views) * len(pictures.names)
    found = {}
    for number, view in enumerate(views):
        before = number * len(pictures.names)
        path = folder / table_name(view)
        for done in _grow(path, classifier, pictures, field, view, unit):
            watch.report(before + done, total)
        found[view.name] = read_predictions(path, classifier.card.classes)
    return found


def read_predictions(path: Path, classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Answers of the network in a table that `predict_views` wrote, shape (n, classes)."""
    with path.open(newline="", encoding="utf-8") as file:
        return np.array([[float(row[c]) for c in classes] for row in csv.DictReader(file)])


def fingerprint(pictures: Pictures) -> str:
    """SHA-256 of names, values and pixels."""
    digest = hashlib.sha256("\n".join(pictures.names).encode())
    for block in (pictures.values, pictures.pixels):
        digest.update(np.ascontiguousarray(block))
    return digest.hexdigest()


def _stamp(folder: Path) -> object:
    try:
        return json.loads((folder / _STAMP_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def table_name(view: View) -> str:
    """Name of the file with the answers in a view."""
    slug = "".join(c if c.isalnum() or c == "." else "-" for c in view.name.replace("×", "x"))
    return f"predictions{slug}.csv"


def _tables() -> list[str]:
    """Names that `table_name` gives for all views there can be."""
    return [table_name(view) for view in (View(""), View(" in grey"), *_ZOOMED, *_OPENED)]


def _grow(
    path: Path,
    classifier: Classifier,
    pictures: Pictures,
    field: float,
    view: View,
    unit: float,
) -> Iterator[int]:
    """Add the rows that are missing; gives the number of rows that are there."""
    classes = classifier.card.classes
    header = [
        "name",
        *classes,
        *(f"people {c}" for c in classes),
        *(f"spread {c}" for c in classes),
    ]
    done = _whole_rows(path, header, pictures.names)
    yield done
    with path.open("a", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        if not done:
            file.truncate(0)
            table.writerow(header)
        while done < len(pictures.names):
            some = range(done, min(done + _BATCH, len(pictures.names)))
            inputs = [network_input(pictures.pixels[i], field, view, classifier) for i in some]
            answers = classifier.predict_many(inputs)
            for i, seen, said in zip(some, inputs, answers, strict=True):
                side = seen.field_px / (view.scale or 1)
                shift = math.log(side / unit) if unit else 0.0
                spread = [f"{said.spread[c]:.6f}" if said.spread else "" for c in classes]
                people = [f"{value:.6f}" for value in pictures.values[i]]
                told = [f"{said.probabilities[c] + shift:.6f}" for c in classes]
                table.writerow([pictures.names[i], *told, *people, *spread])
            file.flush()
            done = some.stop
            yield done


def _whole_rows(path: Path, header: list[str], names: tuple[str, ...]) -> int:
    """Rows of a table that was begun, 0 if it is damaged; a last row cut off is taken away."""
    if not path.exists():
        return 0
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        path.write_bytes(whole)
    numbers = len(header) // 3 * 2  # spreads may be empty
    try:
        first, *rows = csv.reader(io.StringIO(whole.decode("utf-8"), newline=""))
        told = [float(cell) for row in rows for cell in row[1 : 1 + numbers]]
    except (ValueError, csv.Error):
        return 0
    usable = (
        first == header
        and all(len(row) == len(header) for row in rows)
        and tuple(row[0] for row in rows) == names[: len(rows)]
        and all(map(math.isfinite, told))
    )
    return len(rows) if usable else 0
