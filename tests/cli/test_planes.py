"""Pictures of a file by name, also those that no list offers."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from astropy.io import fits

from galaxyscope.cli.common import read_image
from galaxyscope.replay import _image
from galaxyscope.sky.image import ImageError


@pytest.fixture
def cube(tmp_path):
    path = tmp_path / "c.fits"
    values = np.arange(600, dtype=np.float32)[:, None, None] * np.ones((3, 4), np.float32)
    fits.PrimaryHDU(values).writeto(path)
    return path


def test_any_plane_is_opened_by_name(cube):
    assert (read_image(cube).data == 0).all()
    assert (read_image(cube, (0, 550)).data == 550).all()


@pytest.mark.parametrize(
    ("plane", "name"),
    [((0, 600), "0:600"), ((0, 10**19), f"0:{10**19}"), ((0, -1), "0:-1"), ((3, None), "3")],
)
def test_a_plane_that_is_not_there(cube, plane, name):
    with pytest.raises(ImageError, match=rf"^c\.fits: there is no picture “{name}”"):
        read_image(cube, plane)


def test_a_recipe_names_any_plane(cube):
    sha256 = hashlib.sha256(cube.read_bytes()).hexdigest()
    row = {"path": str(cube), "sha256": sha256, "plane": "0:550", "settings": {}}
    assert (_image(row).data == 550).all()
    with pytest.raises(ImageError, match="there is no picture “0:600”"):
        _image(row | {"plane": "0:600"})
