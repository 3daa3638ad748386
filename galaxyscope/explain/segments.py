"""Superpixels: where they lie, and what stands where something is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.classifier import NetworkInput

_TIE_SEED = 42  # breaks ties within quickshift; scikit-image's default, which `lime` gets too
_BORDER = 1 / 16


def segments_of(net_input: NetworkInput, settings: Mapping[str, Any]) -> NDArray[np.int32]:
    """Superpixels that a method with these settings works on.

    Quickshift (Vedaldi & Soatto 2008) of scikit-image, as the `lime` package calls it. They
    depend on the picture and the three settings alone, never on the seed, so a window can draw
    the superpixels of an Attribution from its `parameters`.

    Parameters
    ----------
    net_input : NetworkInput
    settings : mapping
        ``kernel_size`` (pixels: larger, fewer superpixels), ``max_dist`` (superpixels are not
        joined over larger distances), ``ratio`` (weight of colour against place).

    Returns
    -------
    ndarray, shape (size, size), int32
        Numbers from 0 without gaps; read-only, since those of the last pictures are kept: several
        methods and the networks of an ensemble ask for the same.

    Raises
    ------
    ValueError
        If the settings are those of a method without superpixels.
    """
    if missing := sorted({"kernel_size", "max_dist", "ratio"} - set(settings)):
        raise ValueError(f"a method without {', '.join(missing)} has no superpixels")
    pixels = np.ascontiguousarray(net_input.pixels, np.float32)
    asked = [float(settings[name]) for name in ("kernel_size", "max_dist", "ratio")]
    return _quickshift(pixels.tobytes(), pixels.shape, *asked)


@lru_cache(maxsize=16)
def _quickshift(
    pixels: bytes, shape: tuple[int, ...], kernel_size: float, max_dist: float, ratio: float
) -> NDArray[np.int32]:
    from skimage.segmentation import quickshift  # slow to import

    found = quickshift(
        np.frombuffer(pixels, np.float32).reshape(shape).transpose(1, 2, 0),
        kernel_size=kernel_size,
        max_dist=max_dist,
        ratio=ratio,
        rng=_TIE_SEED,
    )
    numbers: NDArray[np.int32] = np.unique(found, return_inverse=True)[1].astype(np.int32)
    numbers = numbers.reshape(found.shape)
    numbers.flags.writeable = False
    return numbers


def hidden_picture(
    pixels: NDArray[np.float32],
    settings: Mapping[str, Any],
    segments: NDArray[np.int32] | None = None,
) -> NDArray[np.float32]:
    """Picture that shows through wherever something is hidden.

    Parameters
    ----------
    pixels : ndarray, shape (3, size, size)
    settings : mapping
        The first that is set decides: ``mean``, the mean colour of each superpixel;
        ``blur``, the picture blurred by a Gaussian of that many pixels; ``sky``, the median
        colour along the border; none of them: black.
    segments : ndarray, shape (size, size), int, optional
        Needed for ``mean``.

    Returns
    -------
    ndarray, shape (3, size, size), float32
    """
    if settings.get("mean"):
        assert segments is not None
        return mean_colours(pixels, segments)
    if settings.get("blur"):
        from scipy.ndimage import gaussian_filter  # slow to import

        sigma = float(settings["blur"])
        blurred: NDArray[np.float32] = gaussian_filter(pixels, (0, sigma, sigma), mode="nearest")
        return blurred
    colour = sky_colour(pixels) if settings.get("sky") else np.zeros(3, np.float32)
    return np.broadcast_to(colour[:, None, None], pixels.shape).astype(np.float32)


def mean_colours(pixels: NDArray[np.float32], segments: NDArray[np.int32]) -> NDArray[np.float32]:
    """Each superpixel in its mean colour, shape of `pixels`."""
    flat = segments.ravel()
    area = np.bincount(flat)
    means = [np.bincount(flat, channel.ravel().astype(np.float64)) / area for channel in pixels]
    return np.stack([mean[segments] for mean in means]).astype(np.float32)


def sky_colour(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of each channel along the border (a sixteenth of the side), shape (3,)."""
    size = pixels.shape[-1]
    width = max(1, round(size * _BORDER))
    border = np.ones(pixels.shape[1:], bool)
    border[width:-width, width:-width] = False
    return np.median(pixels[:, border], axis=1).astype(np.float32)
