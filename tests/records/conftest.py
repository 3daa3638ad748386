"""Images to make rows of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galaxyscope.sky.image import SkyImage


@pytest.fixture
def image() -> Callable[..., SkyImage]:
    """Make an image without scale; keyword arguments set its fields."""

    def make(shape: tuple[int, int] = (60, 80), **fields: Any) -> SkyImage:
        data = np.zeros((1, *shape), np.float32)
        return SkyImage(data=data, **{"name": "g.fits", "sha256": "f" * 64, **fields})

    return make


@pytest.fixture
def with_wcs(image: Callable[..., SkyImage]) -> SkyImage:
    """North up, east left, 0.5 arcsec per pixel, z = 0.05."""
    from astropy.wcs import WCS

    from galaxyscope.sky.image import PixelScale

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix, wcs.wcs.crval = [40, 30], [180, 20]
    wcs.wcs.cdelt = [-0.5 / 3600, 0.5 / 3600]
    return image(
        wcs=wcs,
        y_up=True,
        scale=PixelScale(0.5, "WCS"),
        redshift=0.05,
        path=Path("folder/g.fits"),
    )
