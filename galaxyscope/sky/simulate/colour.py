"""Colour pictures as the Sloan survey makes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.image import SkyImage

SCALES = (1.8, 2.1, 3.1)
"""Weights of i, r, g per nanomaggy and pixel of 0.396″. Chosen, with the softening, so that
brightness and hue of drawn galaxies come near those of barred ones in Galaxy Zoo's pictures."""
SOFTENING = 1.8
BLACK = 3 / 255
"""Level of the empty sky, so that its noise is not cut off at black."""


def lupton_colour(image: SkyImage, brightness: float = 1.0) -> NDArray[np.uint8]:
    """Arcsinh colour that keeps its hue where it saturates.

    Parameters
    ----------
    image : SkyImage
        Three linear channels i, r, g in nanomaggies per pixel, with a scale.
    brightness : float
        Multiplies the flux.

    Returns
    -------
    ndarray, shape (rows, columns, 3), uint8
        In *screen* order: first row on top.

    Raises
    ------
    ValueError
        If the image has not three channels.

    Notes
    -----
    Lupton et al. (2004, PASP 116, 133), equation 2, with the constants above.
    """
    if image.data.shape[0] != 3:
        raise ValueError(f"{image.name}: a colour picture needs three channels")
    pixel = image.scale.arcsec_per_px if image.scale else 0.396
    per_sloan_pixel = brightness * (0.396 / pixel) ** 2
    weights = np.array(SCALES, np.float32)[:, None, None] * np.float32(per_sloan_pixel)
    flux = np.nan_to_num(image.data) * weights
    total = np.maximum(flux.sum(axis=0), 1e-6)
    picture = flux * (np.arcsinh(SOFTENING * total) / (SOFTENING * total))
    picture = picture / np.maximum(picture.max(axis=0), 1.0)
    rgb = np.clip((picture + BLACK) * 255, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(rgb[::-1] if image.y_up else rgb)
