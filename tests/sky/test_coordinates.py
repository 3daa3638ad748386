"""Sky positions, angles, lengths: known answers and astropy's own."""

from __future__ import annotations

import re

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from galaxyscope.sky.coordinates import (
    compass,
    format_arcsec,
    format_sky,
    image_angle,
    kpc_per_arcsec,
    lengths,
    pixel_position,
    position_angle,
    scale_bar,
    sky_position,
)
from galaxyscope.sky.image import PixelScale, SkyImage


def sky_image(rotation=0.0, flip=-1, ctype=("RA---TAN", "DEC--TAN"), crval=(190.8, 2.0), **keys):
    """Return an image of 0.5″ pixels; `rotation` turns north from up towards left."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ctype, crval, (51, 41)
    cos, sin = np.cos(np.deg2rad(rotation)), np.sin(np.deg2rad(rotation))
    step = 0.5 / 3600
    wcs.wcs.cd = step * np.array([[flip * cos, flip * sin], [-sin, cos]])
    for key, value in keys.items():
        setattr(wcs.wcs, key, value)
    wcs.wcs.set()
    data = np.zeros((1, 81, 101), np.float32)
    return SkyImage(data, "sky", y_up=True, wcs=wcs, scale=PixelScale(0.5, "WCS"))


PLAIN = SkyImage(np.zeros((1, 81, 101), np.float32), "plain")


def test_reference_pixel_is_counted_from_zero():
    assert sky_position(sky_image(), 50, 40) == pytest.approx((190.8, 2.0))
    assert sky_position(PLAIN, 50, 40) is None
    assert pixel_position(PLAIN, 190.8, 2.0) is None


@given(st.floats(-20, 120), st.floats(-20, 100), st.floats(0, 360))
def test_round_trip(x, y, rotation):
    image = sky_image(rotation)
    place = sky_position(image, x, y)
    assert place is not None
    assert pixel_position(image, *place) == pytest.approx((x, y), abs=1e-5)


@pytest.mark.parametrize(
    ("ctype", "crval", "keys", "frame"),
    [
        (("GLON-TAN", "GLAT-TAN"), (120.0, 30.0), {}, "galactic"),
        (("RA---TAN", "DEC--TAN"), (120.0, 30.0), {"radesys": "FK4", "equinox": 1950.0}, "fk4"),
        (("RA---TAN", "DEC--TAN"), (120.0, 30.0), {"radesys": "FK5", "equinox": 2000.0}, "fk5"),
        (("DEC--TAN", "RA---TAN"), (30.0, 120.0), {}, "icrs"),
    ],
)
def test_other_frames_become_icrs(ctype, crval, keys, frame):
    image = sky_image(ctype=ctype, crval=crval, **keys)
    expected = SkyCoord(120.0, 30.0, unit="deg", frame=frame).icrs
    place = sky_position(image, 50, 40)
    assert place is not None
    assert SkyCoord(*place, unit="deg").separation(expected).arcsec < 0.03
    assert pixel_position(image, *place) == pytest.approx((50, 40), abs=0.1)


@pytest.mark.parametrize("rotation", [0, 30, 90, 200])
@pytest.mark.parametrize("flip", [-1, 1])
@pytest.mark.parametrize("dec", [2.0, -65.0, 89.9])
def test_position_angle_against_astropy(rotation, flip, dec):
    image = sky_image(rotation, flip, crval=(190.8, dec))
    for degrees in range(0, 360, 25):
        dx, dy = 10 * np.cos(np.deg2rad(degrees)), 10 * np.sin(np.deg2rad(degrees))
        p1, p2 = (50 - dx, 40 - dy), (50 + dx, 40 + dy)
        ends = [sky_position(image, *p) for p in ((50, 40), p2)]
        a, b = (SkyCoord(*end, unit="deg") for end in ends)
        found = position_angle(image, p1, p2)
        assert found == pytest.approx(position_angle(image, p2, p1), abs=1e-9)
        assert found is not None
        assert 0 <= found < 180
        difference = (found - a.position_angle(b).deg + 90) % 180 - 90
        assert abs(difference) < 0.01 if dec < 89 else abs(difference) < 2


def test_position_angle_needs_two_places_and_a_sky():
    assert position_angle(PLAIN, (0, 0), (5, 5)) is None
    assert position_angle(sky_image(), (5, 5), (5, 5)) is None
    # North up, east left: along y is 0°, up and to the left is 45°.
    upwards = position_angle(sky_image(), (50, 20), (50, 60))
    assert upwards is not None
    assert (upwards + 90) % 180 == pytest.approx(90, abs=1e-6)
    assert position_angle(sky_image(), (60, 30), (40, 50)) == pytest.approx(45, abs=1e-3)


def test_image_angle_is_as_drawn():
    up = PLAIN.replace(y_up=True)
    assert image_angle(up, (0, 0), (0, 5)) == 0
    assert image_angle(up, (0, 0), (-5, 5)) == pytest.approx(45)  # up and left on the screen
    assert image_angle(PLAIN, (0, 0), (-5, -5)) == pytest.approx(45)  # rows from the top
    assert image_angle(PLAIN, (0, 0), (5, 0)) == pytest.approx(90)
    assert 0 <= image_angle(PLAIN, (0, 0), (1e-18, -5)) < 180


def test_compass():
    north, east = compass(sky_image())
    assert north == pytest.approx((0, 1), abs=1e-4)
    assert east == pytest.approx((-1, 0), abs=1e-4)
    for rotation in (25.0, 160.0):
        north, east = compass(sky_image(rotation))
        turned = np.deg2rad(rotation)
        assert north == pytest.approx((-np.sin(turned), np.cos(turned)), abs=1e-4)
        assert east == pytest.approx((-np.cos(turned), -np.sin(turned)), abs=1e-4)
    north, east = compass(sky_image(crval=(0.0, 60.0)))  # right ascension jumps from 360 to 0
    assert east == pytest.approx((-1, 0), abs=1e-3)
    assert compass(PLAIN) is None


def test_real_bar_has_its_position_angle(shared_data):
    """NGC 4643: a line along the visible bar, whose published position angle is 133°."""
    from galaxyscope.sky.readers import open_image

    image = open_image(shared_data / "fits" / "galaxies" / "n4643irac1ss_fitted_cutout.fits")
    assert format_sky(*sky_position(image, 246.0, 230.0)).startswith("12:43:20")
    rows, columns = np.indices(image.shape)
    dx, dy = columns - 246.08, rows - 230.56
    centre = np.array([246.08, 230.56])
    ring = (np.hypot(dx, dy) > 45) & (np.hypot(dx, dy) < 75)
    excess = np.maximum(image.light[ring] - np.median(image.light[ring]), 0)
    twofold = (excess * np.exp(2j * np.arctan2(dy[ring], dx[ring]))).sum()
    along = 50 * np.array([np.cos(np.angle(twofold) / 2), np.sin(np.angle(twofold) / 2)])
    found = position_angle(image, tuple(centre - along), tuple(centre + along))
    assert found == pytest.approx(133, abs=2)


def test_formats():
    assert format_sky(190.83375, 1.97833) == "12:43:20.1 +01:58:42"
    assert format_sky(359.99999999, -0.00001) == "00:00:00.0 +00:00:00"
    assert format_sky(14.99999999, -5.99999) == "01:00:00.0 -06:00:00"
    assert format_sky(0.0, -0.5) == "00:00:00.0 -00:30:00"
    assert [format_arcsec(v) for v in (31.23, 2.5, 150.0, 8000.0, 0.0)] == [
        "31.2″",
        "2.50″",
        "2.50′",
        "2.22°",
        "0″",
    ]


@given(st.floats(0, 360, exclude_max=True), st.floats(-90, 90))
def test_format_sky_is_right_to_its_last_digit(ra, dec):
    written = format_sky(ra, dec)
    assert re.fullmatch(r"\d\d:[0-5]\d:[0-5]\d\.\d [+-]\d\d:[0-5]\d:[0-5]\d", written)
    back = SkyCoord(written, unit=("hourangle", "deg"))
    assert abs((back.ra.deg - ra + 180) % 360 - 180) <= 0.7501 / 3600
    assert abs(back.dec.deg - dec) <= 0.5001 / 3600


def test_kpc_against_hand_calculation():
    """Comoving distance by Simpson's rule over 1/E(z)."""
    z = 0.0269
    grid = np.linspace(0, z, 2001)
    inverse = 1 / np.sqrt(0.3 * (1 + grid) ** 3 + 0.7)
    weights = np.ones(2001)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    comoving_mpc = 299792.458 / 70 * (weights * inverse).sum() * (z / 2000) / 3
    expected = comoving_mpc / (1 + z) * 1000 * np.pi / 180 / 3600
    assert kpc_per_arcsec(z) == pytest.approx(expected, rel=1e-6)
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="positive redshift"):
            kpc_per_arcsec(bad)


def test_lengths_are_honest():
    assert lengths(PLAIN, 40.0).arcsec is None
    scaled = PLAIN.replace(scale=PixelScale(0.6, "user"))
    assert lengths(scaled, 40.0).arcsec == pytest.approx(24.0)
    assert lengths(scaled, 40.0).kpc is None
    assert lengths(scaled.replace(redshift=-0.001), 40.0).kpc is None
    assert lengths(PLAIN.replace(redshift=0.05), 40.0).kpc is None
    assert lengths(scaled.replace(redshift=0.05), 40.0).kpc == pytest.approx(
        24.0 * kpc_per_arcsec(0.05)
    )


@given(st.floats(0.01, 5000), st.floats(0.001, 200))
def test_scale_bar_is_round_and_fits(max_px, per_px):
    image = PLAIN.replace(scale=PixelScale(per_px, "user"))
    length, label = scale_bar(image, max_px)
    assert max_px / 7 < length <= max_px * (1 + 1e-9)
    value, unit = re.fullmatch(r"([\d.e+-]+)(″|′|°)", label).groups()
    arcsec = float(value) * {"″": 1, "′": 60, "°": 3600}[unit]
    assert arcsec == pytest.approx(length * per_px)
    assert f"{float(value):.0e}"[0] in "125"


def test_scale_bar_labels():
    assert scale_bar(PLAIN, 60.0) == (50.0, "50 px")
    image = PLAIN.replace(scale=PixelScale(0.5, "WCS"), redshift=0.02)
    length, label = scale_bar(image, 90.0)
    assert length == 40.0
    assert label == f"20″ = {20 * kpc_per_arcsec(0.02):.1f} kpc"
