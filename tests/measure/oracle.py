"""Algorithm 1 spelled out with loops, as slow as it reads, and bars of known size.

The loops follow the program of Bhambra, Joachimi & Lahav (2022) step by step: every threshold
in turn, numpy.corrcoef of the pixels above it, every pair of pixels.
"""

from __future__ import annotations

import warnings

import numpy as np


def scaled_by_range(values):
    finite = values[np.isfinite(values)]
    scaled = (values - finite.min()) / (finite.max() - finite.min())
    scaled[~np.isfinite(values)] = np.nan
    return scaled.astype(np.float32)


def barlength_mask(relative, correlation=0.85, min_pixels=40):
    """Mask, threshold and |r| where the loop over the thresholds ends."""
    for threshold in np.arange(0.5, 1.0, 0.0001):
        threshold = np.float32(threshold)  # as numpy 1 did for a float32 map
        x, y = np.asarray(relative > threshold).nonzero()
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # corrcoef warns of single pixels
            r = abs(np.corrcoef(x, y)[1, 0]) if len(x) else np.nan
        if r > correlation or len(x) < min_pixels:
            break
    return relative > threshold, threshold, r


def barlength(mask):
    """Largest distance of two pixel centres; the authors start from 1."""
    x, y = np.where(mask)
    length = 1.0
    for i in range(len(x)):
        for j in range(len(x)):
            distance = np.sqrt((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2)
            length = distance if distance > length else length
    return float(length)


def lambda_ratio(mask):
    """R = (λ1 − λ2) / (λ1 + λ2) from the eigenvalues of the covariance matrix."""
    if mask.sum() < 2:
        return np.nan
    low, high = np.linalg.eigvalsh(np.cov(np.nonzero(mask)))
    return (high - low) / (high + low)


def drawn_bar(length, width, degrees, centre, shape=(64, 64), subpixels=16, kind="rectangle"):
    """An antialiased bar: the share of every pixel that the shape covers.

    `degrees` counts from +x towards +y; `centre` is (x, y) with integer pixel centres.
    """
    fine = (np.arange(subpixels) + 0.5) / subpixels - 0.5
    y = (np.arange(shape[0])[:, None] + fine).ravel()[:, None] - centre[1]
    x = (np.arange(shape[1])[:, None] + fine).ravel()[None, :] - centre[0]
    along, across = turned(x, y, degrees)
    if kind == "rectangle":
        inside = (np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)
    else:
        inside = (2 * along / length) ** 2 + (2 * across / width) ** 2 <= 1
    blocks = inside.reshape(shape[0], subpixels, shape[1], subpixels)
    return blocks.mean(axis=(1, 3)).astype(np.float32)


def gaussian_bar(sigma, axis_ratio, degrees, centre, shape=(128, 128)):
    """An elliptical Gaussian of known widths."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    along, across = turned(x - centre[0], y - centre[1], degrees)
    return np.exp(-0.5 * (along**2 + (across / axis_ratio) ** 2) / sigma**2).astype(np.float32)


def turned(x, y, degrees):
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return x * cos + y * sin, y * cos - x * sin
