"""Padding of turned and shifted pictures is told from sky."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import rotate, shift

from galaxyscope.sky.padding import without_padding


def picture(sky=8.0, size=200, seed=0):
    """Grey levels of a galaxy on noisy sky."""
    rows, columns = np.mgrid[:size, :size]
    flux = 150 * np.exp(-np.hypot(columns - size / 2, rows - size / 2) / 9)
    noise = np.random.default_rng(seed).normal(0, 3, flux.shape)
    return np.clip(np.rint(flux + sky + noise), 0, 255).astype(np.float32)


def as_jpeg(values):
    packed = io.BytesIO()
    Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8)).save(packed, "JPEG")
    return np.asarray(Image.open(packed), np.float32)


@pytest.mark.parametrize("degrees", [10, 30, 45])
@pytest.mark.parametrize("saved", [np.asarray, as_jpeg], ids=["exact", "jpeg"])
def test_corners_of_a_turned_picture(degrees, saved):
    turned = saved(rotate(picture(), degrees, reshape=False, order=1, cval=0))
    inside = rotate(np.ones((200, 200)), degrees, reshape=False, order=1, cval=0) > 0.999
    found = np.isnan(without_padding(turned, 255.0))
    assert found[~inside].mean() > 0.97
    assert found[inside].mean() < 0.05


def test_strips_of_a_shifted_picture():
    moved = shift(picture(), (20, -30), order=1, cval=0)
    found = np.isnan(without_padding(moved, 255.0))
    assert found[:19].all()
    assert found[:, -29:].all()
    assert found.mean() < (200 * 20 + 180 * 30) / 200**2 + 0.03


@pytest.mark.parametrize(
    "values",
    [
        picture(),
        picture(sky=0.0),  # half of its sky is clipped to zero
        picture(sky=-30.0),  # all of it: the galaxy fades into black
        np.zeros((50, 60), np.float32),
        np.full((50, 60), np.nan, np.float32),
        np.full((3, 3), 7.0, np.float32),
    ],
    ids=["sky", "clipped", "black", "zeros", "nan", "tiny"],
)
def test_a_dark_sky_is_no_padding(values):
    assert without_padding(values, 255.0) is values


def test_flux_padded_with_its_own_sky_level():
    """Zero corners of a sky-subtracted frame have no noise: they say nothing of the sky."""
    flux = np.random.default_rng(1).normal(0, 1, (100, 100)).astype(np.float32)
    flux[:30] = 0
    found = np.isnan(without_padding(flux))
    assert found[:30].all()
    assert not found[33:].any()


def test_flux_without_noise_is_left_alone():
    rows, columns = np.mgrid[:100, :100]
    smooth = np.float32(37) + np.exp(-np.hypot(columns - 50, rows - 50) / 3).astype(np.float32)
    assert (smooth[:5, :5] == 37).all()
    assert without_padding(smooth) is smooth


def test_counts_are_left_alone():
    counts = np.random.default_rng(2).poisson(0.01, (100, 100)).astype(np.float32)
    counts[:10, :10] = 0
    assert without_padding(counts) is counts


def test_the_largest_numbers_and_infinity():
    values = np.full((60, 60), np.finfo(np.float32).max)
    values[:10], values[-9:] = np.finfo(np.float32).min, np.inf
    found = np.isnan(without_padding(values))
    assert found.shape == values.shape


def test_a_lone_object_on_a_sky_without_noise_is_left_alone():
    rows, columns = np.mgrid[:100, :100]
    lone = np.float32(np.hypot(columns - 50, (rows - 50) * 3) < 30) * np.float32(1.5)
    assert without_padding(lone) is lone
