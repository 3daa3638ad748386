"""Simulated galaxies measure as their truth says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from scipy.special import gammainc

from galaxyscope.sky.simulate import (
    BANDS,
    Colour,
    GalaxyTruth,
    Neighbour,
    draw_truth,
    draw_varied,
    plain_bar,
    simulate_galaxy,
)

CLEAN = GalaxyTruth(noise=False, psf_fwhm_arcsec=0.0, clumpiness=0.0)


def bar_only(**changes: object) -> GalaxyTruth:
    return plain_bar(60.0, 30.0, bar_edge=6.0, bar_boxiness=2.6).replace(**changes)


def half_plateau_ends(picture: np.ndarray, truth: GalaxyTruth) -> np.ndarray:
    """Walk out from the centre along the bar until the light is half of the plateau."""
    size = picture.shape[0]
    centre = np.array(truth.centre_px(size))
    found = []
    for end in np.array(truth.bar_ends(size)):
        direction = (end - centre) / np.hypot(*(end - centre))
        t = np.arange(0, size / 2, 0.02)
        x, y = centre[:, None] + direction[:, None] * t
        light = map_coordinates(picture, [y, x], order=1)
        plateau = light[t < 0.2 * truth.bar_length_px / 2].mean()
        found.append(centre + direction * t[np.argmax(light < plateau / 2)])
    return np.array(found)


@settings(max_examples=12, deadline=None)
@given(
    length=st.floats(40, 90),
    pa=st.floats(0, 180),
    inclination=st.floats(0, 65),
    disc_pa=st.floats(0, 180),
    north=st.floats(-180, 180),
)
def test_half_of_the_plateau_lies_at_the_bar_ends(
    length: float, pa: float, inclination: float, disc_pa: float, north: float
) -> None:
    truth = bar_only(
        bar_length_arcsec=length * 0.396,
        bar_pa_deg=pa,
        bar_axis_ratio=0.45,
        inclination_deg=inclination,
        disc_pa_deg=disc_pa,
        north_deg=north,
        offset_px=(1.3, -2.6),
    )
    ends = half_plateau_ends(simulate_galaxy(truth, 128, "r").data[0], truth)
    assert np.hypot(*(ends[0] - ends[1])) == pytest.approx(length, rel=0.01)
    np.testing.assert_allclose(ends, truth.bar_ends(128), atol=0.35)


@pytest.mark.parametrize("pa", [0.0, 17.0, 45.0, 90.0, 133.0])
def test_second_moments_of_a_sharp_bar(pa: float) -> None:
    truth = plain_bar(60.0, pa)
    light = simulate_galaxy(truth, 100, "r").data[0].astype(float)
    y, x = np.mgrid[:100, :100] - 49.5
    cov = np.cov(np.array([x.ravel(), y.ravel()]), aweights=light.ravel(), ddof=0)
    values, vectors = np.linalg.eigh(cov)
    # A uniform ellipse has the variance a²/4 along its semi-axis a.
    assert 4 * np.sqrt(values[1]) == pytest.approx(60.0, rel=0.01)
    angle = np.rad2deg(np.arctan2(-vectors[0, 1], vectors[1, 1])) % 180
    assert abs((angle - pa + 90) % 180 - 90) < 0.3


def test_uniform_bar_is_uniform_and_ends() -> None:
    light = simulate_galaxy(plain_bar(60.0, 0.0), 101, "r").data[0]
    inside = light[22:79, 50]
    assert np.ptp(inside) < 1e-5 * inside.mean()
    assert np.all(light[:19] == 0)
    assert np.all(light[82:] == 0)


def test_position_angle_on_the_sky_through_the_wcs() -> None:
    from astropy.coordinates import SkyCoord

    for pa, north, dec in ((20.0, 0.0, 0.0), (133.0, 35.0, 40.0), (90.0, -110.0, 55.0)):
        truth = CLEAN.replace(bar_pa_deg=pa, north_deg=north, dec_deg=dec)
        image = simulate_galaxy(truth, 64)
        assert image.wcs is not None
        one, two = (image.wcs.pixel_to_world(*end) for end in truth.bar_ends(64))
        assert isinstance(one, SkyCoord)
        found = one.position_angle(two).deg
        assert abs((found - pa + 90) % 180 - 90) < 0.05
        assert one.separation(two).arcsec == pytest.approx(truth.bar_length_arcsec, rel=1e-5)
        centre = image.wcs.pixel_to_world(*truth.centre_px(64))
        assert centre.separation(SkyCoord(180, dec, unit="deg")).arcsec < 1e-6


def test_deprojection_of_a_bar_on_the_minor_axis() -> None:
    truth = CLEAN.replace(
        inclination_deg=60.0, disc_thickness=0.0, disc_pa_deg=10.0, bar_pa_deg=100.0
    )
    assert truth.disc_q == pytest.approx(0.5)
    assert truth.bar_intrinsic_arcsec == pytest.approx(2 * truth.bar_length_arcsec)
    assert truth.replace(bar_pa_deg=10.0).bar_intrinsic_arcsec == pytest.approx(16.0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"inclination_deg": 60.0, "bar_pa_deg": 80.0},
        {"psf_fwhm_arcsec": 1.3, "psf_beta": 4.5},
        {"ring_fraction": 0.2},
        {"bulge_fraction": 0.6, "bulge_n": 1.0, "young_fraction": 0.1},
        {"arm_count": 0},
    ],
)
def test_total_flux(changes: dict[str, object]) -> None:
    # A scale length of 8 px in 320 px: 99.9 % of every component lies inside.
    truth = CLEAN.replace(disc_h_arcsec=3.2, bar_length_arcsec=8.0, **changes)
    image = simulate_galaxy(truth, 320)
    expected = 10 ** (0.4 * (22.5 - truth.r_mag))
    assert image.data[BANDS.index("r")].sum(dtype=float) == pytest.approx(expected, rel=0.01)


def test_sersic_bulge_holds_half_its_light_in_the_effective_radius() -> None:
    truth = CLEAN.replace(
        bulge_fraction=1.0,
        bar_fraction=0.0,
        young_fraction=0.0,
        knot_fraction=0.0,
        bulge_n=4.0,
        bulge_q=1.0,
        bulge_re_arcsec=10 * 0.396,
    )
    light = simulate_galaxy(truth, 201, "r").data[0]
    y, x = np.mgrid[:201, :201] - 100.0
    b = 7.669249443
    for radius in (9.8, 19.8, 40.2):
        inside = light[np.hypot(x, y) < radius].sum(dtype=float) / 1000
        assert inside == pytest.approx(gammainc(8, b * (radius / 10) ** 0.25), rel=0.01)


def test_colours_are_those_of_the_truth() -> None:
    red = plain_bar(40.0, 0.0).replace(bar_colour=Colour(0.8, 0.4))
    i, r, g = simulate_galaxy(red, 64).data.sum(axis=(1, 2))
    assert 2.5 * np.log10(r / g) == pytest.approx(0.8, abs=1e-3)
    assert 2.5 * np.log10(i / r) == pytest.approx(0.4, abs=1e-3)


def second_harmonic(light: np.ndarray, radius: float) -> float:
    angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    middle = (light.shape[0] - 1) / 2
    where = [middle + radius * np.sin(angle), middle + radius * np.cos(angle)]
    ring = map_coordinates(light, where, order=1)
    return float(abs(np.fft.rfft(ring)[2]) * 2 / abs(np.fft.rfft(ring)[0]))


def test_unbarred_has_no_second_harmonic_where_a_bar_would_be() -> None:
    smooth = CLEAN.replace(bulge_q=1.0, young_fraction=0.0, knot_fraction=0.0)
    barred = simulate_galaxy(smooth, 128, "r").data[0]
    unbarred = simulate_galaxy(smooth.replace(bar_fraction=0.0), 128, "r").data[0]
    assert second_harmonic(barred, 14.0) > 0.2
    for radius in (6.0, 10.0, 14.0, 20.0):
        assert second_harmonic(unbarred, radius) < 0.01


def test_arms_start_at_the_bar_ends_and_wind_by_their_pitch() -> None:
    truth = CLEAN.replace(
        bulge_fraction=0.0,
        bar_fraction=0.01,
        young_fraction=0.99,
        knot_fraction=0.0,
        arm_contrast=1.0,
        arm_pitch_deg=20.0,
        bar_pa_deg=0.0,
    )
    light = simulate_galaxy(truth, 200, "r").data[0]
    start = truth.bar_length_px / 2
    for factor in (1.1, 1.5, 2.0):
        angle = np.linspace(0, np.pi, 720, endpoint=False)
        r = factor * start
        # Counter-clockwise from up, where the bar points.
        where = [99.5 + r * np.cos(angle), 99.5 - r * np.sin(angle)]
        peak = angle[np.argmax(map_coordinates(light, where, order=1))]
        expected = np.log(factor) / np.tan(np.deg2rad(20.0))
        difference = (peak - expected + np.pi / 2) % np.pi - np.pi / 2
        assert abs(difference) < 0.06


def test_the_other_sense_is_the_mirror_image() -> None:
    truth = CLEAN.replace(bar_pa_deg=0.0, knot_fraction=0.0)
    one = simulate_galaxy(truth, 64, "r").data[0]
    other = simulate_galaxy(truth.replace(arm_sense=-1), 64, "r").data[0]
    np.testing.assert_allclose(one, other[:, ::-1], rtol=2e-3, atol=1e-5)


def test_psf_has_its_width() -> None:
    star = Neighbour(0.0, 0.0, 15.0, Colour(0.5, 0.2))
    for beta in (3.5, np.inf):
        truth = GalaxyTruth(
            r_mag=40.0, noise=False, psf_fwhm_arcsec=2.376, psf_beta=beta, neighbours=(star,)
        )
        light = simulate_galaxy(truth, 65, "r").data[0]
        profile = light[32, 32:] / light[32, 32]
        half = np.interp(-0.5, -profile, np.arange(33.0))
        assert 2 * half == pytest.approx(6.0, rel=0.03)


def test_noise_has_the_variance_of_its_electrons() -> None:
    truth = GalaxyTruth(r_mag=40.0)
    image = simulate_galaxy(truth, 200)
    for band, plane in zip(BANDS, image.data, strict=True):
        which = "gri".index(band)
        gain, sky = truth.electrons_per_nmgy[which], truth.sky_nmgy[which] * 0.396**2
        expected = np.sqrt(sky * gain + truth.read_noise**2) / gain
        assert plane.std() == pytest.approx(expected, rel=0.02)
        assert abs(plane.mean()) < 5 * expected / 200


def test_resampled_picture_keeps_place_and_surface_brightness() -> None:
    plain = CLEAN.replace(psf_fwhm_arcsec=1.3, offset_px=(4.0, -3.0))
    own = simulate_galaxy(plain, 200, "r").data[0]
    for detector in (0.2, 0.6):
        other = plain.replace(detector_arcsec_per_px=detector)
        light = simulate_galaxy(other, 200, "r").data[0]
        assert light.sum(dtype=float) == pytest.approx(own.sum(dtype=float), rel=0.01)
        y, x = np.mgrid[:200, :200]
        for axis, expected in ((x, 103.5), (y, 96.5)):
            core = light[77:117, 83:125].astype(float)
            assert (axis[77:117, 83:125] * core).sum() / core.sum() == pytest.approx(
                expected, abs=0.15
            )


def test_same_truth_same_pixels_and_seed_changes_them() -> None:
    truth = draw_truth(7, 3)
    assert truth == draw_truth(7, 3)
    assert truth != draw_truth(7, 4)
    one, two = simulate_galaxy(truth, 96), simulate_galaxy(truth, 96)
    np.testing.assert_array_equal(one.data, two.data)
    assert one.sha256 == two.sha256
    np.testing.assert_array_equal(simulate_galaxy(truth, 96, "g").data[0], one.data[2])
    assert simulate_galaxy(truth.replace(seed=1), 96).sha256 != one.sha256


def test_picture_carries_its_geometry() -> None:
    image = simulate_galaxy(GalaxyTruth(redshift=0.021), 64)
    assert image.data.dtype == np.float32
    assert image.data.shape == (3, 64, 64)
    assert not image.data.flags.writeable
    assert image.y_up
    assert image.redshift == 0.021
    assert image.scale is not None
    assert (image.scale.arcsec_per_px, image.scale.source) == (0.396, "WCS")


def test_drawn_galaxies_spread_as_the_survey_does() -> None:
    truths = [draw_truth(0, index) for index in range(200)]
    bars = np.array([t.bar_length_px for t in truths if t.barred])
    # Quartiles of the bars measured by people: 40, 48 and 57 px of 424.
    np.testing.assert_allclose(np.percentile(bars, [25, 50, 75]), [38, 46, 57], rtol=0.12)
    assert 0.7 < len(bars) / len(truths) < 0.9
    assert all(not draw_truth(0, index, barred=False).barred for index in range(5))
    assert all(0.014 <= t.redshift <= 0.065 for t in truths)


def test_varied_galaxies_are_of_any_kind() -> None:
    truths = [draw_varied(0, index) for index in range(200)]
    assert truths[7] == draw_varied(0, 7) != draw_varied(1, 7)
    assert all(t.barred and t.disc_fraction >= 0.049 for t in truths)
    # Bars of all sizes against their discs, with and without arms, sharp and soft.
    relative = [t.bar_length_arcsec / 2 / t.disc_h_arcsec for t in truths]
    assert min(relative) < 0.9
    assert max(relative) > 2.3
    for share in (
        np.mean([np.isinf(t.bar_edge) for t in truths]),
        np.mean([t.young_fraction == 0 for t in truths]),
        np.mean([t.detector_arcsec_per_px is None for t in truths]),
    ):
        assert 0.2 < share < 0.5
    widths = np.array([t.bar_axis_ratio for t in truths])
    assert widths.min() < 0.12
    assert widths.max() > 0.5


def test_very_soft_edges_with_sharp_corners_do_not_overflow() -> None:
    truth = CLEAN.replace(bar_edge=2.5, bar_boxiness=5.0)
    with np.errstate(over="raise"):
        assert np.isfinite(simulate_galaxy(truth, 64).data).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bulge_fraction": 0.9, "bar_fraction": 0.5}, "add up"),
        ({"arcsec_per_px": 0.0}, "positive"),
        ({"bar_edge": 2.0}, "edge"),
        ({"inclination_deg": 95.0}, "inclination"),
    ],
)
def test_impossible_galaxies_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GalaxyTruth().replace(**changes)


def test_a_picture_is_not_too_small() -> None:
    with pytest.raises(ValueError, match="16"):
        simulate_galaxy(CLEAN, 8)
