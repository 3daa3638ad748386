"""What the window has done on lanes: reading, thumbnails, asking the network.

Plain functions that run on worker threads. Heavy packages are imported inside them, so that
the first paint does not wait for these.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtGui import QImage

from galaxyscope.gui.model import ShownMap
from galaxyscope.gui.suit import unsuitable
from galaxyscope.records.record import Record, plane_key, record_of_bar
from galaxyscope.records.store import ImageSettings, Session
from galaxyscope.sky.image import PixelScale, Plane, SkyImage
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, Prediction
    from galaxyscope.explain.preflight import Fit
    from galaxyscope.explain.protocol import Attribution
    from galaxyscope.measure.results import BarMeasurement
    from galaxyscope.sky.stretch import Display

HISTOGRAM_BINS = 96
# The network's replica that the window works with; explanations and predictions share it.
NETWORK = "network"
# One thread writes to the session, so that changes and their undoing keep their order.
SESSION = "session"


@dataclass(frozen=True, eq=False)
class Picture:
    """A file that was read, with what the session knows of it."""

    file_image: SkyImage
    image: SkyImage
    display: Display
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Kept:
    """What is on disk for one picture after a change."""

    settings: ImageSettings
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Request:
    """What is asked of an explainer, and how its map is measured."""

    method: str
    target: str
    parameters: Mapping[str, Any]
    algorithm: str


@dataclass(frozen=True, eq=False)
class Explained:
    """A map, ready for the screen, and the bar found on it; None on the map of another answer."""

    map: ShownMap
    bar: BarMeasurement | None


def with_settings(image: SkyImage, settings: ImageSettings) -> SkyImage:
    """Return the image with what the user said of its scale and redshift."""
    changes: dict[str, Any] = {}
    if settings.scale_arcsec_per_px is not None:
        changes["scale"] = PixelScale(settings.scale_arcsec_per_px, "user")
    if settings.redshift is not None:
        changes["redshift"] = settings.redshift
    return image.replace(**changes) if changes else image


def read_picture(path: Path, plane: Plane | None, session: Session) -> Picture:
    """Read a file.

    Raises
    ------
    ImageError
        One sentence, if it cannot be shown.
    """
    from galaxyscope.sky.readers import open_image
    from galaxyscope.sky.stretch import default_display, warm_up

    warm_up()
    file_image = open_image(path, plane)
    warm_up_sky(file_image)
    image = with_settings(file_image, session.settings(file_image.sha256))
    records = session.records(image.sha256, plane_key(image))
    return Picture(file_image, image, default_display(image), tuple(records))


def warm_up_sky(image: SkyImage) -> None:
    """Import what coordinates need here and not under the user's cursor."""
    from galaxyscope.sky.coordinates import compass, scale_bar, sky_position

    own = worker_copy(image)
    sky_position(own, 0.0, 0.0)
    compass(own)
    scale_bar(own, 100.0)


def worker_copy(image: SkyImage) -> SkyImage:
    """Return the image with a WCS of its own: WCS objects are not thread-safe."""
    return image if image.wcs is None else image.replace(wcs=image.wcs.deepcopy())


def measured_files(session: Session) -> dict[str, frozenset[str]]:
    """Kinds of rows in the session by the file they belong to."""
    kinds: dict[str, set[str]] = {}
    for record in session.records():
        kinds.setdefault(record.path, set()).add(record.kind)
    return {path: frozenset(found) for path, found in kinds.items()}


def make_thumbnail(path: Path, side: int) -> QImage:
    """Return a small picture of a file; every n-th pixel of a large one.

    Raises
    ------
    ImageError
    """
    from galaxyscope.sky.readers import open_image
    from galaxyscope.sky.stretch import default_display, display_buffer

    image = open_image(path)
    step = max(1, min(image.shape) // (2 * side))
    if step > 1:
        image = image.replace(data=np.ascontiguousarray(image.data[:, ::step, ::step]))
    buffer = display_buffer(image, default_display(image))
    if image.y_up:
        buffer = buffer[::-1]
    buffer = np.ascontiguousarray(buffer)
    colour = buffer.ndim == 3
    kind = QImage.Format.Format_RGB888 if colour else QImage.Format.Format_Grayscale8
    rows, columns = buffer.shape[:2]
    full = QImage(buffer.data, columns, rows, buffer.strides[0], kind)
    from PySide6.QtCore import Qt

    # `scaled` copies, so that nothing points into the numpy buffer afterwards.
    return full.scaled(
        side,
        side,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    ).copy()


def load_network(name: str | None) -> Classifier:
    """Load a network, leaving the window one core.

    Raises
    ------
    Exception
        As the model store raises it; one sentence.
    """
    import torch

    from galaxyscope.classify.store import load_model

    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))
    return load_model(name)


def calibrate(classifier: Classifier, watch: Watch) -> None:
    """Find out how the network runs best here, and run it that way from now on.

    Raises
    ------
    Cancelled
        Soon after ``watch.cancel()``.
    """
    from galaxyscope.classify.calibrate import calibrate as measure_speed

    measure_speed(classifier, watch)


def predict(classifier: Classifier, image: SkyImage) -> Prediction:
    """Return what the network says of an image."""
    from galaxyscope.pipeline import predict_image

    return predict_image(image, classifier)


def predict_file(classifier: Classifier, path: Path, plane: Plane | None) -> Prediction:
    """Return what the network says of a file that is not shown.

    Raises
    ------
    ImageError
        If it cannot be shown, or the network was not made for such pictures.
    """
    from galaxyscope.sky.image import ImageError
    from galaxyscope.sky.readers import open_image

    image = open_image(path, plane)
    if why := unsuitable(classifier.card, image):
        raise ImageError(path, why)
    return predict(classifier, image)


def preflight(classifier: Classifier, method: str) -> Fit:
    """Ask whether a method of explaining fits the network, by trial runs."""
    from galaxyscope.explain.preflight import preflight as fits

    return fits(method, classifier)


def explain(classifier: Classifier, image: SkyImage, request: Request, watch: Watch) -> Explained:
    """Ask where the network looked, and measure the bar there.

    Raises
    ------
    Cancelled
        Soon after ``watch.cancel()``.
    """
    from galaxyscope.explain.registry import method

    net_input = classifier.prepare(image)
    found = method(request.method).explain(
        classifier, net_input, request.target, request.parameters, watch
    )
    attribution = dataclasses.replace(found, image_sha256=image.sha256)
    watch.check()
    card = classifier.card
    barred = card.targets.get("bar") == card.class_of(request.target)
    bar = measure(image, attribution, request.algorithm) if barred else None
    watch.check()
    return Explained(make_shown(attribution, image.shape), bar)


def measure(image: SkyImage, attribution: Attribution, algorithm: str) -> BarMeasurement:
    """Find the bar on a map."""
    from galaxyscope.measure.bars import BarSettings
    from galaxyscope.pipeline import measure_attribution

    return measure_attribution(image, attribution, BarSettings(algorithm=algorithm))


def make_shown(attribution: Attribution, shape: tuple[int, int]) -> ShownMap:
    """Bring a map onto the cutout's grid, divide it by its maximum and count its values."""
    from galaxyscope.explain.grid import on_cutout

    values = on_cutout(attribution, shape)
    top = float(values.max(initial=0.0))
    if top > 0:
        values = values / np.float32(top)
    inside = values[values > 0]
    histogram = np.histogram(inside, HISTOGRAM_BINS, (0.0, 1.0))[0]
    return ShownMap(values, np.sort(values, axis=None), histogram, attribution)


def keep_bar(
    session: Session,
    image: SkyImage,
    bar: BarMeasurement,
    attribution: Attribution,
    prediction: Prediction | None,
) -> tuple[Record, ...]:
    """Keep an automatic row, in the place of one made the same way, and compare the drawn ones.

    Returns
    -------
    tuple of Record
        All rows of the picture, as they are on disk now.
    """
    from galaxyscope.pipeline import provenance

    new = record_of_bar(image, bar, provenance(attribution, prediction))
    rows = session.records(image.sha256, new.plane)
    for old in rows:
        if old.kind == "automatic" and _made_alike(old, new):
            session.replace(dataclasses.replace(new, id=old.id))
            break
    else:
        session.add(new)
    return compare_again(session, image.sha256, new.plane)


def keep(session: Session, sha256: str, plane: str, step: Callable[[], Any]) -> Kept:
    """Change what is kept for a picture and say how it stands on disk."""
    step()
    records = compare_again(session, sha256, plane)
    return Kept(session.settings(sha256), records)


def export(session: Session, files: list[str], path: Path) -> int:
    """Write the rows of some files, in the order of these files.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    TableError, OSError
        If the table cannot be written.
    """
    from galaxyscope.records.tables import write_records

    place = {name: i for i, name in enumerate(files)}
    rows = [record for record in session.records() if record.path in place]
    rows.sort(key=lambda record: place[record.path])
    write_records(path, rows)
    return len(rows)


def save_picture(picture: QImage, path: Path) -> None:
    """Write a picture.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if not picture.save(str(path)):
        raise OSError(f"{path.name}: the picture cannot be written")


def compare_again(session: Session, sha256: str, plane: str) -> tuple[Record, ...]:
    """Bring the differences of drawn rows up to date with the newest automatic one."""
    from galaxyscope.records.record import compared

    rows = session.records(sha256, plane)
    automatic = newest_automatic(rows)
    for row in rows:
        if row.kind == "drawn":
            fresh = compared(row, automatic)
            if fresh != row:
                session.replace(fresh)
    return tuple(session.records(sha256, plane))


def newest_automatic(rows: tuple[Record, ...] | list[Record]) -> Record | None:
    """Return the automatic row that counts, None if there is none."""
    automatic = [row for row in rows if row.kind == "automatic" and not row.error]
    return max(automatic, key=lambda row: row.created_at, default=None)


def rescaled(record: Record, image: SkyImage) -> Record:
    """Return a row with its arcsec and kpc as the image has scale and redshift now."""
    from galaxyscope.sky.coordinates import COSMOLOGY_NAME, lengths

    size = None if record.length_px is None else lengths(image, record.length_px)
    kpc = None if size is None else size.kpc
    scale = image.scale
    return dataclasses.replace(
        record,
        length_arcsec=None if size is None else size.arcsec,
        length_kpc=kpc,
        cosmology="" if kpc is None else COSMOLOGY_NAME,
        scale_arcsec_per_px=None if scale is None else scale.arcsec_per_px,
        scale_source="" if scale is None else scale.source,
        redshift=image.redshift,
    )


def _made_alike(old: Record, new: Record) -> bool:
    fields = ("algorithm", "method", "target", "model_sha256")
    return all(getattr(old, name) == getattr(new, name) for name in fields)
