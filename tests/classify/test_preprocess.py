from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from galaxyscope.classify.card import ModelCard
from galaxyscope.classify.preprocess import network_frame, prepare
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.locate import GalaxyExtent

CARD = ModelCard("t", "t", "t", "preact-resnet", {}, ("a",), {}, 128, 3.2, "")


def galaxy(size: int, r: float, x: float, y: float, y_up: bool = False) -> SkyImage:
    """A round exponential disc with one brighter blob to the upper right on screen."""
    rows, columns = np.indices((size, size))
    up = 1 if y_up else -1
    light = np.exp(-np.hypot(columns - x, rows - y) / (0.35 * r))
    blob = np.hypot(columns - x - 0.5 * r, rows - y - up * 0.5 * r)
    light += 0.6 * np.exp(-((blob / (0.05 * size)) ** 2))
    data = (1000 * light[None] + 50).astype(np.float32)
    return SkyImage(data=data, name="disc", y_up=y_up)


@pytest.mark.parametrize("y_up", [False, True])
def test_network_sees_the_picture_as_it_is_on_screen(y_up: bool) -> None:
    image = galaxy(300, 60, 150, 150, y_up)
    pixels = prepare(image, CARD).pixels
    assert pixels.shape == (3, 128, 128)
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    half = pixels[0] > 0.5
    rows, columns = np.nonzero(half)
    assert columns.mean() > 63.5
    assert rows.mean() < 63.5


@pytest.mark.parametrize("y_up", [False, True])
def test_frame_is_centred_on_the_galaxy(y_up: bool) -> None:
    image = galaxy(400, 50, 180.25, 210.75, y_up)
    frame = network_frame(image, GalaxyExtent(180.25, 210.75, 50.0), 128, 3.2)
    assert frame([63.5, 63.5]) == pytest.approx([180.25, 210.75])
    assert frame.pixel_size == pytest.approx(3.2 * 50 / 128)
    below = frame([63.5, 100])
    assert (below[1] < 210.75) == y_up


def test_field_never_exceeds_the_cutout() -> None:
    image = galaxy(64, 90, 31.5, 31.5)
    frame = network_frame(image, GalaxyExtent(31.5, 31.5, 90.0), 128, 3.2)
    assert frame([-0.5, -0.5]) == pytest.approx([-0.5, -0.5])
    assert frame([127.5, 127.5]) == pytest.approx([63.5, 63.5])


def test_flux_unit_does_not_matter() -> None:
    image = galaxy(300, 60, 150, 150)
    other = replace(image, data=(image.data * 3e-9).astype(np.float32))
    difference = np.abs(prepare(image, CARD).pixels - prepare(other, CARD).pixels)
    assert difference.max() < 2e-3


def test_grey_becomes_three_equal_channels_and_nan_becomes_sky() -> None:
    image = galaxy(300, 60, 150, 150)
    data = image.data.copy()
    data[0, :20] = np.nan
    pixels = prepare(replace(image, data=data), CARD).pixels
    assert np.isfinite(pixels).all()
    assert (pixels[0] == pixels[2]).all()


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_empty_picture_gives_a_black_input(value: float) -> None:
    image = SkyImage(data=np.full((1, 90, 70), value, np.float32), name="empty")
    assert not prepare(image, CARD).pixels.any()


def test_pixel_size_of_the_cutout_does_not_matter() -> None:
    small = prepare(galaxy(200, 40, 99.5, 99.5), CARD)
    large = prepare(galaxy(400, 80, 199.5, 199.5), CARD)
    ratio = large.to_cutout.pixel_size / small.to_cutout.pixel_size
    assert ratio == pytest.approx(2.0, rel=0.03)
    assert np.abs(small.pixels - large.pixels).mean() < 0.02
