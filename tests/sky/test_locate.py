"""Finding the central galaxy: known profiles, and SDSS's own radii."""

from __future__ import annotations

import csv
import io
import itertools
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.locate import FALLBACK_FRACTION, locate_galaxy
from galaxyscope.sky.readers import open_image
from galaxyscope.sky.resample import resample


def disc(size, x, y, h, noise=0.0, seed=0):
    rows, columns = np.mgrid[:size, :size]
    flux = 1000 * np.exp(-np.hypot(columns - x, rows - y) / h)
    return flux + np.random.default_rng(seed).normal(0, noise or 1e-3, flux.shape) + 37.0


def flux_image(values):
    return SkyImage(np.asarray(values, np.float32)[None], "disc")


@pytest.mark.parametrize("size", [64, 200, 424, 1000])
def test_exponential_disc(size):
    """An exponential disc has 90 % of its light within 3.89 scale lengths."""
    h = size / 30
    x, y = 0.5 * size + 3.2, 0.48 * size
    extent = locate_galaxy(flux_image(disc(size, x, y, h, noise=1.0)))
    assert (extent.x, extent.y) == pytest.approx((x, y), abs=0.3 + size / 700)
    assert extent.r90_px == pytest.approx(3.89 * h, rel=0.08)


def test_colour_and_missing_values():
    one = disc(200, 100, 100, 7, noise=1.0).astype(np.float32)
    one[20:30] = np.nan
    image = SkyImage(np.stack([one, 2 * one, 0.5 * one]), "rgb")
    extent = locate_galaxy(image)
    assert (extent.x, extent.y) == pytest.approx((100, 100), abs=0.5)
    assert extent.r90_px == pytest.approx(27.2, rel=0.1)


def test_neighbours_are_rejected():
    alone = disc(300, 150, 150, 8, noise=1.0)
    crowd = alone + disc(300, 185, 170, 6) + 20 * disc(300, 60, 240, 4) - 21 * 37
    a, b = locate_galaxy(flux_image(alone)), locate_galaxy(flux_image(crowd))
    assert (b.x, b.y) == pytest.approx((a.x, a.y), abs=1.5)
    assert b.r90_px == pytest.approx(a.r90_px, rel=0.2)


def test_padding_of_a_mosaic_is_no_sky():
    flux = disc(300, 150, 150, 8, noise=1.0)
    padded = flux.copy()
    padded[:70], padded[:, :60] = -500.0, -500.0
    a, b = locate_galaxy(flux_image(flux)), locate_galaxy(flux_image(padded))
    assert (b.x, b.y, b.r90_px) == pytest.approx((a.x, a.y, a.r90_px), rel=0.1)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((100, 80)),
        np.full((100, 80), np.nan),
        np.random.default_rng(3).normal(size=(100, 80)),
    ],
    ids=["zeros", "nan", "noise"],
)
def test_fallback(values):
    extent = locate_galaxy(flux_image(values))
    assert (extent.x, extent.y) == (39.5, 49.5)
    assert extent.r90_px == pytest.approx(80 * FALLBACK_FRACTION)


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(st.sampled_from([1, 3]), st.integers(1, 20), st.integers(1, 300)).flatmap(
        lambda shape: arrays(
            np.float32,
            shape,
            elements=st.floats(-(2.0**100), 2.0**100, width=32) | st.just(float("nan")),
        )
    ),
    st.sampled_from([None, 255.0, 65535.0]),
)
def test_never_fails(values, white):
    extent = locate_galaxy(SkyImage(values, "any", full_scale=white))
    assert np.isfinite([extent.x, extent.y, extent.r90_px]).all()
    assert extent.r90_px > 0
    assert -0.5 <= extent.x <= values.shape[2]
    assert -0.5 <= extent.y <= values.shape[1]


def _jpegs(folder, name):
    from PIL import Image

    with open(folder / f"{name}.csv") as table, zipfile.ZipFile(folder / f"{name}.zip") as packed:
        for row in csv.DictReader(table):
            pixels = np.asarray(Image.open(io.BytesIO(packed.read(row["image"]))).convert("RGB"))
            data = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)
            true = float(row["petroR90_r_arcsec"]) / float(row["scale_arcsec_per_px"])
            yield SkyImage(data, row["image"], full_scale=255.0), true


def test_galaxy_zoo_radii(shared_data):
    """On stretched JPEGs of 424 px: the median of r90 over petroR90 is 1.01, its scatter 7 %."""
    ratios, offsets = [], []
    for image, true in _jpegs(shared_data / "bar_lengths", "galaxyzoo_424"):
        extent = locate_galaxy(image)
        ratios.append(extent.r90_px / true)
        offsets.append(np.hypot(extent.x - 211.5, extent.y - 211.5))
    assert len(ratios) == 60
    assert np.median(ratios) == pytest.approx(1.0, abs=0.03)
    assert 1.4826 * np.median(np.abs(ratios - np.median(ratios))) < 0.09
    assert min(ratios) > 0.75
    assert max(ratios) < 2.0
    assert max(offsets) < 6


def test_galaxies_that_fill_their_frame(shared_data):
    """On 64-px cutouts the radius is limited by the frame, never small."""
    found = []
    for image, true in _jpegs(shared_data / "bar_lengths", "sdss_64"):
        extent = locate_galaxy(image)
        assert np.hypot(extent.x - 31.5, extent.y - 31.5) < 5
        if true > 32:
            found.append(extent.r90_px)
    assert len(found) > 250
    assert np.percentile(found, 2) > 10
    assert max(found) < 46


def test_real_flux(shared_data):
    folder = shared_data / "fits" / "galaxies"
    expected = {  # centre in pixels, and a generous range of radii, read off the pictures
        "n4643irac1ss_fitted_cutout.fits": (246, 230, 80, 140),
        "NGC4037_r.fits": (393, 398, 55, 100),
        "PGC0000243_r.fits": (127, 127, 30, 55),
        "legacy_survey_cutout.fits": (127, 127, 8, 17),
    }
    for name, (x, y, least, most) in expected.items():
        extent = locate_galaxy(open_image(folder / name))
        assert (extent.x, extent.y) == pytest.approx((x, y), abs=8), name
        assert least < extent.r90_px < most, name


def _copies(image):
    """Turned, shifted and padded with black: (what, pixel of the copy → pixel, copy)."""
    rows, columns = image.shape
    ways = {f"{d}°": Affine.rotation(d, ((columns - 1) / 2, (rows - 1) / 2)) for d in (15, 45, 90)}
    for dx, dy in ((0.1, -0.07), (-0.1, 0.0), (0.0, 0.1)):
        ways[f"{dx}, {dy}"] = Affine.translation(dx * columns, dy * rows)
    for what, to_picture in ways.items():
        yield what, to_picture, image.replace(data=resample(image.data, to_picture, image.shape))


def test_turned_and_shifted_copies(shared_data):
    """Black corners, and neighbours whose opposite lies beyond the frame, change nothing."""
    changes, offsets = [], []
    for image, _ in itertools.islice(_jpegs(shared_data / "bar_lengths", "galaxyzoo_424"), 20):
        own = locate_galaxy(image)
        for _, to_picture, copy in _copies(image):
            found = locate_galaxy(copy)
            x, y = to_picture([found.x, found.y])
            changes.append(abs(np.log(found.r90_px / own.r90_px)))
            offsets.append(np.hypot(x - own.x, y - own.y) / own.r90_px)
    assert np.median(changes) < 0.01
    assert max(changes) < 0.1
    assert np.median(offsets) < 0.01
    assert max(offsets) < 0.05


def test_an_off_centre_galaxy_among_neighbours():
    """A neighbour whose opposite lies outside the frame counts no more than the galaxy there."""
    alone = disc(300, 100, 150, 8, noise=1.0)
    crowd = alone + disc(300, 240, 150, 14) - 37
    a, b = locate_galaxy(flux_image(alone)), locate_galaxy(flux_image(crowd))
    assert (b.x, b.y) == pytest.approx((a.x, a.y), abs=1.5)
    assert b.r90_px == pytest.approx(a.r90_px, rel=0.2)
