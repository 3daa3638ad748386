"""An F goes through every path and comes back where it was, to 0.05 px.

An F has no symmetry: any flip, transposition, half pixel or wrong scale shows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits
from PIL import Image
from pytestqt.qtbot import QtBot
from scipy import ndimage

from galaxyscope.classify.card import ModelCard
from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.preprocess import prepare
from galaxyscope.explain.grid import on_cutout
from galaxyscope.gui.canvas import Canvas
from galaxyscope.measure.bars import BarSettings, measure_bar
from galaxyscope.pipeline import MeasureSettings, explain_image
from galaxyscope.records.making import record_of_bar
from galaxyscope.records.record import Provenance
from galaxyscope.records.regions import read_regions
from galaxyscope.records.tables import read_records, write_records
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.readers import open_image

CARD = ModelCard("eye", "eye", "t", "eye", {}, ("light",), {"bar": "light"}, 128, 3.2, "0" * 64)
STROKES = [(0.35, 0.2, 0.45, 0.8), (0.45, 0.2, 0.7, 0.3), (0.45, 0.45, 0.62, 0.55)]


class Eye(torch.nn.Module):
    """A linear network: the gradient times the input is the picture itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(dim=(1, 2, 3))[:, None]


def letter(shape: tuple[int, int]) -> np.ndarray:
    """An F on black, 0 … 200, drawn with the top of the letter at row 0."""
    rows, columns = shape
    side = min(shape)
    picture = np.zeros(shape, np.uint8)
    for x1, y1, x2, y2 in STROKES:
        left, top = (columns - side) // 2, (rows - side) // 2
        picture[
            top + round(y1 * side) : top + round(y2 * side),
            left + round(x1 * side) : left + round(x2 * side),
        ] = 200
    return picture


def write(picture: np.ndarray, path: Path) -> SkyImage:
    if path.suffix == ".png":
        Image.fromarray(picture).save(path)
        return open_image(path)
    header = fits.Header()
    if "top" in path.name:
        header["ROWORDER"] = "TOP-DOWN"
        fits.PrimaryHDU(picture.astype(np.float32), header).writeto(path)
    else:
        fits.PrimaryHDU(picture[::-1].astype(np.float32), header).writeto(path)
    # The strokes are already what they shall look like: no stretch, so that centroids stay.
    return open_image(path).replace(full_scale=255.0)


@pytest.fixture(params=["f.png", "f.fits", "f-top.fits", "wide.png", "tall.fits"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> SkyImage:
    shape = {"wide.png": (150, 260), "tall.fits": (301, 180)}.get(request.param, (200, 200))
    return write(letter(shape), tmp_path / request.param)


def centroid(picture: np.ndarray) -> np.ndarray:
    y, x = np.indices(picture.shape)
    return np.array([(picture * x).sum(), (picture * y).sum()]) / picture.sum()


def corner(picture: np.ndarray) -> np.ndarray:
    """Third moments: where the mass leans, which tells an F from its mirror images."""
    y, x = np.indices(picture.shape)
    cx, cy = centroid(picture)
    return np.array([((x - cx) ** 3 * picture).sum(), ((y - cy) ** 3 * picture).sum()])


def test_network_input(image: SkyImage) -> None:
    net_input = prepare(image, CARD)
    seen = net_input.to_cutout(centroid(net_input.pixels[0]))
    assert seen == pytest.approx(centroid(image.data[0]), abs=0.05)
    on_screen = image.data[0][::-1] if image.y_up else image.data[0]
    assert (np.sign(corner(net_input.pixels[0])) == np.sign(corner(on_screen))).all()


@pytest.mark.parametrize("method", ["smoothgrad/rotation-averaged", "smoothgrad/tf-keras-vis"])
def test_attribution(image: SkyImage, method: str) -> None:
    classifier = Classifier(CARD, Eye(), torch.device("cpu"))
    settings = MeasureSettings(method=method, samples=16, noise=0.0)
    attribution = explain_image(image, classifier, settings)
    values = attribution.values
    if method.endswith("tf-keras-vis"):  # a linear network has the same gradient everywhere
        assert np.ptp(values) == pytest.approx(0, abs=1e-5)
        return
    assert attribution.to_cutout(centroid(values)) == pytest.approx(
        centroid(image.data[0]), abs=0.05
    )
    back = on_cutout(attribution, image.shape)
    assert back.shape == image.shape
    assert centroid(back) == pytest.approx(centroid(image.data[0]), abs=0.05)
    assert (np.sign(corner(back)) == np.sign(corner(image.data[0]))).all()


def test_measurement_table_and_regions(image: SkyImage, tmp_path: Path) -> None:
    """The long stroke alone, measured on the network's grid, lands on the cutout's stroke."""
    net_input = prepare(image, CARD)
    to_cutout = net_input.to_cutout
    truth = np.array([[30.25, 50.5], [95.75, 80.0]])  # network pixels
    y, x = np.indices((128, 128))
    axis = (truth[1] - truth[0]) / np.hypot(*(truth[1] - truth[0]))
    middle, half = truth.mean(0), np.hypot(*(truth[1] - truth[0])) / 2
    along = (x - middle[0]) * axis[0] + (y - middle[1]) * axis[1]
    across = -(x - middle[0]) * axis[1] + (y - middle[1]) * axis[0]
    bar = 1 / (1 + np.exp((np.abs(along) - half) * 2)) * np.exp(-((across / 4) ** 2))
    found = measure_bar(bar.astype(np.float32), to_cutout, None, BarSettings("invariant", 0.4))
    assert found.ends is not None
    wanted = to_cutout(truth)
    ends = np.array(sorted(found.ends))
    size = to_cutout.pixel_size
    assert ends == pytest.approx(np.array(sorted(map(tuple, wanted))), abs=0.15 * size)

    record = record_of_bar(image, found, Provenance())
    write_records(tmp_path / "bars.csv", [record])
    [row] = read_records(tmp_path / "bars.csv")
    kept = [(row.x1, row.y1), (row.x2, row.y2)]
    assert np.array(kept) == pytest.approx(np.array(found.ends), abs=1e-9)
    write_records(tmp_path / "bars.reg", [record])
    [((x1, y1, x2, y2), _)] = read_regions(tmp_path / "bars.reg")
    assert np.array([(x1, y1), (x2, y2)]) == pytest.approx(np.array(found.ends), abs=1e-4)


def test_screen(image: SkyImage, qtbot: QtBot) -> None:
    """What is painted, and where the mouse says it is."""
    canvas = Canvas()
    qtbot.addWidget(canvas)
    canvas.resize(900, 700)
    canvas.show()
    canvas.set_image(image)
    canvas.zoom(2)
    grabbed = canvas.grab_image()
    plain = grabbed.convertToFormat(grabbed.Format.Format_RGB32)  # owns the bytes read below
    ratio = grabbed.devicePixelRatio()
    width, height = grabbed.width(), grabbed.height()
    pixels = np.frombuffer(plain.constBits(), "u1")
    green = pixels.reshape(height, width, 4)[..., 1].astype(float)
    painted = green > 120  # the strokes; compass, scale bar and background are darker or small
    labels, count = ndimage.label(painted)
    largest = 1 + np.argmax(ndimage.sum_labels(painted, labels, np.arange(1, count + 1)))
    shape = (labels == largest).astype(float)
    # Pixel n of the grabbed picture covers [n, n + 1) of the widget.
    x, y = (centroid(shape) + 0.5) / ratio
    seen = canvas.to_cutout((x, y))
    assert np.array(seen) == pytest.approx(centroid(image.data[0]), abs=0.05)
    on_screen = image.data[0][::-1] if image.y_up else image.data[0]
    assert (np.sign(corner(shape)) == np.sign(corner(on_screen))).all()
