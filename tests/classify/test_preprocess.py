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


def spots(size: tuple[int, int], *places: tuple[int, int]) -> SkyImage:
    """A radio map: noise of one unit, spots of a hundred."""
    data = np.random.default_rng(0).normal(0, 1, (1, *size)).astype(np.float32)
    for row, column in places:
        data[0, row, column] = 100
    return SkyImage(data=data, name="spots")


def test_pixels_frame_is_the_centre_whatever_is_there() -> None:
    image = spots((301, 301), (150, 150), (40, 260))
    card = replace(CARD, frame="pixels", field_px=100, field_r90=0, input_size=50)
    found = prepare(image, card)
    assert found.to_cutout([24.5, 24.5]) == pytest.approx([150, 150])
    assert found.to_cutout.pixel_size == pytest.approx(2)


def test_pixels_frame_ends_at_the_cutout() -> None:
    card = replace(CARD, frame="pixels", field_px=300, field_r90=0)
    found = prepare(spots((150, 150), (75, 75)), card).to_cutout
    assert found([-0.5, -0.5]) == pytest.approx([-0.5, -0.5])
    assert found([127.5, 127.5]) == pytest.approx([149.5, 149.5])


def test_whole_frame_is_the_square_around_the_cutout() -> None:
    card = replace(CARD, frame="whole", field_r90=0, input_size=100)
    found = prepare(spots((100, 200), (50, 20)), card).to_cutout
    assert found([-0.5, -0.5]) == pytest.approx([-0.5, -50.5])
    assert found([99.5, 99.5]) == pytest.approx([199.5, 149.5])


def test_radio_stretch_clips_noise_and_shows_the_root_of_the_rest() -> None:
    card = replace(CARD, frame="whole", field_r90=0, input_size=64, stretch="radio")
    image = spots((64, 64), (10, 20), (50, 40))
    data = image.data.copy()
    data[0, 30, 30] = 50
    data[0, 0, 0] = np.nan
    pixels = prepare(replace(image, data=data), card).pixels[0]
    assert (pixels > 0).mean() < 0.01, "three sigma of noise leave next to nothing"
    assert pixels[10, 20] == pixels[50, 40] == 1
    assert pixels[30, 30] == pytest.approx(((50 - 3) / (100 - 3)) ** 0.5, abs=0.01)
    assert pixels[0, 0] == 0
    louder = replace(image, data=(data * 7e-4).astype(np.float32))
    assert np.abs(prepare(louder, card).pixels[0] - pixels).max() < 1e-3


def test_radio_stretch_shows_the_root_of_finished_pictures() -> None:
    card = replace(CARD, frame="whole", field_r90=0, input_size=64, stretch="radio")
    data = np.random.default_rng(0).integers(0, 256, (1, 64, 64)).astype(np.float32)
    image = SkyImage(data=data, name="png", full_scale=255.0)
    wanted = np.sqrt(data[0] / 255)
    np.testing.assert_allclose(prepare(image, card).pixels[0], wanted, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, np.nan, 3.0])
def test_empty_radio_map_gives_a_black_input(value: float) -> None:
    card = replace(CARD, frame="whole", field_r90=0, stretch="radio")
    image = SkyImage(data=np.full((1, 90, 70), value, np.float32), name="empty")
    assert not prepare(image, card).pixels.any()
