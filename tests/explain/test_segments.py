"""Superpixels, and what stands where they are hidden."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.segmentation import quickshift

from galaxyscope.explain.registry import method
from galaxyscope.explain.segments import hidden_picture, mean_colours, segments_of, sky_colour
from galaxyscope.work.watch import Watch


def test_superpixels_are_quickshifts_and_numbered_without_gaps(make_input) -> None:
    picture = make_input(48)
    found = segments_of(picture, {"kernel_size": 4.0, "max_dist": 200.0, "ratio": 0.2})
    image = picture.pixels.transpose(1, 2, 0)
    np.testing.assert_array_equal(found, quickshift(image, ratio=0.2, kernel_size=4, max_dist=200))
    assert (np.unique(found) == np.arange(found.max() + 1)).all()
    finer = segments_of(picture, {"kernel_size": 1.5, "max_dist": 200.0, "ratio": 0.2})
    assert finer.max() > found.max()


@pytest.mark.parametrize("name", ["lime/fine", "kernel-shap", "e-lime"])
def test_an_attribution_says_what_its_superpixels_were(small, make_input, name) -> None:
    picture = make_input()
    few = {"evaluations": 20} if name == "e-lime" else {"samples": 20}
    found = method(name).explain(small, picture, "Class3.1", few, Watch())
    segments = segments_of(picture, found.parameters)
    for number in range(segments.max() + 1):
        assert np.ptp(found.values[segments == number]) == 0


def test_methods_without_superpixels_are_refused_in_one_sentence(make_input) -> None:
    with pytest.raises(ValueError, match="has no superpixels"):
        segments_of(make_input(), {"window": 3})


def test_hidden_pictures() -> None:
    pixels = np.full((3, 32, 32), 0.1, np.float32) * np.array([1, 2, 3], np.float32)[:, None, None]
    pixels[:, 10:22, 10:22] = 0.9
    segments = np.zeros((32, 32), np.int32)
    segments[:, 16:] = 1
    np.testing.assert_allclose(sky_colour(pixels), [0.1, 0.2, 0.3])
    sky = hidden_picture(pixels, {"sky": True, "blur": 0.0})
    np.testing.assert_allclose(sky[:, 15, 15], [0.1, 0.2, 0.3])
    assert not hidden_picture(pixels, {"sky": False}).any()
    blurred = hidden_picture(pixels, {"sky": True, "blur": 4.0})
    assert blurred.mean() == pytest.approx(pixels.mean(), rel=0.05)
    assert blurred.max() < 0.8
    mean = hidden_picture(pixels, {"mean": True}, segments)
    np.testing.assert_array_equal(mean, mean_colours(pixels, segments))
    for number in (0, 1):
        inside = segments == number
        np.testing.assert_allclose(
            mean[:, inside],
            pixels[:, inside].mean(1, keepdims=True).repeat(inside.sum(), 1),
            rtol=1e-5,
        )
