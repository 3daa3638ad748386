"""Limits, stretches and the display buffer, against astropy.visualization."""

from __future__ import annotations

import astropy.visualization as vis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.stretch import (
    LIMITS,
    NAN_LEVEL,
    STRETCHES,
    Display,
    default_display,
    display_buffer,
    limits,
    sky_level,
)


def grey(values, **fields):
    return SkyImage(np.asarray(values, np.float32)[None], "test", **fields)


FLUX = np.random.default_rng(4).gamma(0.5, 30.0, (60, 80)).astype(np.float32)


def test_limits_agree_with_astropy():
    image = grey(FLUX)
    assert limits(image, Display("zscale")) == pytest.approx(vis.ZScaleInterval().get_limits(FLUX))
    expected = vis.PercentileInterval(98.0).get_limits(FLUX)
    assert limits(image, Display("percentile", percentile=98.0)) == pytest.approx(expected)
    assert limits(image, Display("minmax")) == (FLUX.min(), FLUX.max())
    assert limits(image, Display("manual", vmin=1.0)) == (1.0, FLUX.max())


@pytest.mark.parametrize("stretch", STRETCHES)
def test_stretches_agree_with_astropy(stretch):
    functions = {
        "linear": vis.LinearStretch(),
        "sqrt": vis.SqrtStretch(),
        "log": vis.LogStretch(1000.0),
        "asinh": vis.AsinhStretch(0.05),
    }
    ramp = np.linspace(-10, 110, 4000).reshape(40, 100)
    drawn = display_buffer(grey(ramp), Display("manual", vmin=0, vmax=100, stretch=stretch))
    expected = functions[stretch](np.clip(ramp / 100, 0, 1)) * 255
    assert np.abs(drawn - expected).max() <= 0.76  # half a level, and a step of the table


def test_contrast_bias_and_invert():
    ramp = np.linspace(0, 1, 501).reshape(1, 501)
    display = Display("manual", vmin=0, vmax=1, contrast=2.0, bias=0.25)
    expected = np.rint(np.clip((ramp - 0.25) * 2 + 0.5, 0, 1) * 255)
    drawn = display_buffer(grey(ramp), display).astype(int)
    assert np.abs(drawn - expected).max() <= 1
    assert drawn[0, 125] == pytest.approx(128, abs=1)  # bias is where middle grey lies
    inverted = Display("manual", vmin=0, vmax=1, contrast=2.0, bias=0.25, invert=True)
    assert np.abs(255 - display_buffer(grey(ramp), inverted).astype(int) - drawn).max() <= 1


@pytest.mark.parametrize("invert", [False, True])
def test_nan_has_its_own_level(invert):
    values = FLUX.copy()
    values[5, 6] = np.nan
    display = Display("zscale", contrast=0.1, invert=invert)  # nothing else is that dark
    drawn = display_buffer(grey(values), display)
    assert drawn[5, 6] == NAN_LEVEL
    assert (np.delete(drawn, 5 * 80 + 6) > 50).all()


@settings(max_examples=120, deadline=None)
@given(
    arrays(np.float32, (1, 5, 7), elements=st.floats(width=32)),
    st.sampled_from(LIMITS),
    st.sampled_from(STRETCHES),
)
def test_any_values_are_drawn(values, kind, stretch):
    image = SkyImage(np.where(np.isinf(values), np.float32(np.nan), values), "any")
    display = Display(kind, stretch=stretch)
    lo, hi = limits(image, display)
    assert np.isfinite([lo, hi]).all()
    assert lo < hi
    drawn = display_buffer(image, display)
    assert drawn.shape == (5, 7)
    assert drawn.dtype == np.uint8
    assert (drawn[np.isnan(image.data[0])] == NAN_LEVEL).all()


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30, 1e-30, np.nan])
@pytest.mark.parametrize("kind", LIMITS)
def test_constant_images(value, kind):
    lo, hi = limits(grey(np.full((6, 6), value)), Display(kind))
    assert lo < hi
    assert display_buffer(grey(np.full((6, 6), value)), Display(kind)).max() <= 128


def test_signalling_nans_of_damaged_files_are_nans():
    data = np.ones((3, 4, 4), np.float32)
    data.view(np.uint32)[1, 2, 3] = 0x7F800001
    image = SkyImage(data, "damaged")
    assert np.array_equal(image.light, np.ones((4, 4)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", LIMITS)
def test_values_at_both_ends_of_float32(channels, kind):
    """Their sums and differences are beyond float32."""
    end = np.finfo(np.float32).max
    plane = np.where(np.indices((20, 20)).sum(axis=0) % 2, end, -end).astype(np.float32)
    plane[:5] = end
    image = SkyImage(np.stack([plane] * channels), "ends")
    assert np.array_equal(image.light, plane)
    lo, hi = limits(image, Display(limits=kind))
    assert lo < hi
    assert np.isfinite([lo, hi]).all()
    buffer = display_buffer(image, Display(limits=kind))
    if channels == 1 and kind in ("minmax", "manual"):
        assert np.array_equal(buffer, np.where(plane > 0, 255, 0))


def test_raster_pictures_are_drawn_as_they_are():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 30, 40)).astype(np.float32)
    image = SkyImage(pixels, "x.jpg", full_scale=255.0)
    assert np.array_equal(display_buffer(image, default_display(image)), pixels.transpose(1, 2, 0))
    deep = SkyImage(pixels[:1] * 257, "x.png", full_scale=65535.0)
    assert np.array_equal(display_buffer(deep, default_display(deep)), pixels[0])


def test_colour_flux_keeps_its_hue():
    mean = np.geomspace(1, 100, 30).reshape(1, 30)
    flux = np.stack([1.2 * mean, mean, 0.8 * mean]).astype(np.float32)
    image = SkyImage(flux, "rgb.fits")
    drawn = display_buffer(image, Display("manual", vmin=0.0, vmax=1000.0, stretch="asinh"))
    red, green, blue = np.moveaxis(drawn.astype(float), -1, 0)
    assert np.abs(red - 1.2 * green).max() <= 1.2  # rounding of both
    assert np.abs(blue - 0.8 * green).max() <= 1.0
    assert green.max() > 80
    grey_level = display_buffer(grey(mean), Display("manual", vmin=0, vmax=1000, stretch="asinh"))
    assert np.abs(green - grey_level).max() <= 1
    bright = display_buffer(SkyImage(flux * 100, "b"), Display("manual", vmin=0, vmax=100))
    assert (bright[..., 0] == 255).all()  # the brightest channel clips, the hue stays
    assert (np.abs(bright[..., 2].astype(float) - 255 * 0.8 / 1.2) <= 1).all()


def test_colour_nan_and_invert():
    flux = np.ones((3, 4, 4), np.float32)
    flux[:, 1, 1] = np.nan
    drawn = display_buffer(SkyImage(flux, "n"), Display("manual", vmin=0, vmax=2, invert=True))
    assert drawn[1, 1].tolist() == [NAN_LEVEL] * 3
    assert (np.delete(drawn.reshape(-1, 3), 5, axis=0) >= 126).all()


def test_default_shows_core_and_disc(shared_data):
    """On real galaxies the core is not burnt out, the disc clear of the sky."""
    from galaxyscope.sky.readers import open_image

    image = open_image(shared_data / "fits" / "galaxies" / "pgc57129_r.fits")
    drawn = display_buffer(image, default_display(image))
    assert (drawn == 255).mean() < 0.002
    assert np.median(drawn) < 60
    ring = drawn[265:285, 290:310]
    assert np.median(ring) > np.median(drawn) + 20


def test_sky_level_of_noise_with_stars():
    rng = np.random.default_rng(9)
    values = rng.normal(10.0, 2.0, 20_000)
    values[:1500] += 100
    sky, noise = sky_level(values)
    assert sky == pytest.approx(10.0, abs=0.1)
    assert noise == pytest.approx(2.0, rel=0.05)


def test_large_images_are_sampled_alike():
    wide = np.random.default_rng(1).normal(size=(1000, 1200)).astype(np.float32)
    lo, hi = limits(grey(wide), Display("percentile", percentile=90.0))
    assert (lo, hi) == pytest.approx((-1.645, 1.645), abs=0.03)
