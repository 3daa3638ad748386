"""What the window has done on lanes: reading, thumbnails, asking the network.

Plain functions that run on worker threads. Heavy packages are imported inside them, so that
the first paint does not wait for these.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtGui import QImage

from galaxyscope.classify.suit import unsuitable
from galaxyscope.gui.model import ShownMap
from galaxyscope.gui.tasks import shows_bar
from galaxyscope.records.edits import with_settings
from galaxyscope.records.making import plane_key
from galaxyscope.records.record import Record
from galaxyscope.records.store import Session
from galaxyscope.sky.image import Plane, SkyImage
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, Prediction
    from galaxyscope.explain.preflight import Fit
    from galaxyscope.explain.protocol import Attribution
    from galaxyscope.explain.randomisation import Randomisation
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
    # A file that was moved takes its rows along; a copy beside the old one does not.
    gone = {r.path for r in records if r.path != str(path) and not os.path.exists(r.path)}
    if gone:
        session.relocate(dict.fromkeys(gone, str(path)))
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


def hash_of(path: Path) -> str:
    """Hash of a file's bytes, as pictures have it; empty if it cannot be read."""
    import hashlib

    try:
        # Opening a pipe would wait for its writer for ever.
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def make_thumbnail(path: Path, side: int) -> QImage:
    """Return a small picture of a file, with its hash as the text ``sha256``.

    It has every n-th pixel of a large one.

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
    small = full.scaled(
        side,
        side,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    ).copy()
    small.setText("sha256", image.sha256)
    return small


@dataclass(frozen=True)
class Running:
    """How a network is run.

    Parameters
    ----------
    device, precision : str
        As `galaxyscope.classify.store.load_model` takes them.
    threads : int
        On the processor; 0: all but one, which the window keeps.
    """

    device: str = "auto"
    precision: str = "fp32"
    threads: int = 0


def load_network(name: str | None, running: Running) -> Classifier:
    """Load a network.

    Raises
    ------
    Exception
        As the model store raises it; one sentence.
    """
    import torch

    from galaxyscope.classify.card import ModelError
    from galaxyscope.classify.store import choose_device, load_model

    device = running.device
    try:
        choose_device(device)
    except ModelError:  # preferred once, and not there today
        device = "auto"
    torch.set_num_threads(running.threads or max(1, (os.cpu_count() or 2) - 1))
    return load_model(name, device, running.precision)


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


def preflight(classifier: Classifier, image: SkyImage | None, method: str, target: str) -> Fit:
    """Ask whether a method of explaining fits the network, by trial runs on a picture."""
    from galaxyscope.explain.preflight import preflight as fits

    return fits(method, classifier, image and classifier.prepare(image), target or None)


def predict_time(
    classifier: Classifier,
    image: SkyImage,
    method: str,
    parameters: Mapping[str, Any],
    watch: Watch,
) -> float:
    """Return how many seconds a map will take at most; times the network where nobody has yet.

    Raises
    ------
    Cancelled
        Soon after ``watch.cancel()``.
    """
    from galaxyscope.explain.cost import known_units, predicted_seconds

    net_input = classifier.prepare(image)
    units = known_units(classifier, net_input, watch)
    watch.check()
    return predicted_seconds(method, classifier, net_input, parameters, units)


def randomisation_scores(
    members: Sequence[tuple[str, str]],
) -> dict[str, Randomisation | None]:
    """Read how a network's methods fare when it is randomised; None where that is not known.

    Parameters
    ----------
    members : sequence of (name, sha256)
        The network, or the members of an ensemble, by the names that the model store takes.
    """
    from galaxyscope.classify.store import model_folders
    from galaxyscope.explain.randomisation import read_scores

    folders, found = model_folders(), dict[str, "Randomisation | None"]()
    for name, sha256 in members:
        folder = folders.get(name, Path(name))
        try:
            found[name] = read_scores(folder, sha256)
        except ValueError:  # damaged scores are as good as none
            found[name] = None
    return found


def explain(classifier: Classifier, image: SkyImage, request: Request, watch: Watch) -> Explained:
    """Ask where the network looked, and measure the bar there.

    Raises
    ------
    Cancelled
        Soon after ``watch.cancel()``.
    """
    from galaxyscope.classify.circumstances import how_it_runs
    from galaxyscope.explain.registry import method

    ran = how_it_runs(classifier)
    net_input = classifier.prepare(image)
    found = method(request.method).explain(
        classifier, net_input, request.target, request.parameters, watch
    )
    attribution = dataclasses.replace(found, image_sha256=image.sha256, ran=ran)
    watch.check()
    barred = shows_bar(classifier.card, request.target)
    bar = measure(image, attribution, request.algorithm, watch) if barred else None
    watch.check()
    return Explained(make_shown(attribution, image.shape), bar)


def measure(
    image: SkyImage, attribution: Attribution, algorithm: str, watch: Watch | None = None
) -> BarMeasurement:
    """Find the bar on a map."""
    from galaxyscope.measure.bars import BarSettings
    from galaxyscope.pipeline import measure_attribution

    return measure_attribution(image, attribution, BarSettings(algorithm=algorithm), watch=watch)


def make_shown(attribution: Attribution, shape: tuple[int, int]) -> ShownMap:
    """Bring a map onto the cutout's grid, divide it by its maximum and count its values."""
    from galaxyscope.explain.grid import on_cutout
    from galaxyscope.explain.outline import outline

    values = on_cutout(attribution, shape)
    top = float(values.max(initial=0.0))
    if top > 0:
        values = values / np.float32(top)
    inside = values[values > 0]
    histogram = np.histogram(inside, HISTOGRAM_BINS, (0.0, 1.0))[0]
    lines = None
    if attribution.segments is not None:
        lines = attribution.to_cutout(outline(attribution.segments))
    return ShownMap(values, np.sort(values, axis=None), histogram, attribution, lines)


def save_picture(picture: QImage, path: Path) -> None:
    """Write a picture.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if not picture.save(str(path)):
        raise OSError(f"{path.name}: the picture cannot be written")
