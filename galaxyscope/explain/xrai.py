"""XRAI (Kapishnikov et al. 2019, arXiv:1906.02825): regions of highest mean attribution.

Integrated Gradients (Sundararajan et al. 2017, arXiv:1703.01365) from black and, as the authors
do, from white; over-segmentation at six scales with the authors' values on 224 pixels; then
regions join one after the other, the one whose new pixels have the highest mean first. Channels
are summed, so that the map sums to what Integrated Gradients sum to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain import engine
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.target import score_of
from galaxyscope.work.watch import Watch

_SCALES = (50, 100, 150, 250, 500, 1200)
_SIGMA = 0.8
_SMALLEST_SEGMENT = 150
_SIDE = 224  # the authors' values hold for pictures of this side, scaled to [−1, 1]
_DILATION = 5
_SMALLEST_GAIN = 50


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Mean attribution density of regions; see :meth:`Explainer.explain`."""
    score, steps = score_of(classifier, target, card.scale), int(settings["samples"])
    watch.report(0, steps)
    regions = regions_of(net_input.pixels, watch)
    x = engine.tensor(classifier, net_input)
    starts = [torch.zeros_like(x), torch.ones_like(x)] if settings["white"] else [x * 0]
    count = max(steps, len(starts))
    batch = engine.batch_size(classifier, x.shape[-1])
    smallest = _SMALLEST_GAIN * (x.shape[-1] / _SIDE) ** 2

    def at(number: int) -> tuple[torch.Tensor, float]:
        """Start of a step's path and the step's place on it (midpoint rule)."""
        kind = number % len(starts)
        steps_of_kind = len(range(kind, count, len(starts)))
        return starts[kind], (number // len(starts) + 0.5) / steps_of_kind

    total = torch.zeros(x.shape[1:], dtype=torch.float64)  # not every device has it
    with engine.steady(classifier.network):
        for first in range(0, count, batch):
            numbers = range(first, min(first + batch, count))
            path = torch.cat([start + place * (x - start) for start, place in map(at, numbers)])
            found = engine.gradients(classifier, path, score)
            for number, gradient in zip(numbers, found, strict=True):
                start, _ = at(number)
                share = len(range(number % len(starts), count, len(starts))) * len(starts)
                total += (gradient * (x - start)[0] / share).cpu()
            if numbers.stop < count:
                watch.report(numbers.stop, count)
        # One at a time: a network may take no more, or answer otherwise beside others.
        told = [engine.answers(classifier, one, score) for one in (x, *starts)]
        ends = torch.cat(told).cpu().double()
    if not bool(torch.isfinite(total).all()):
        raise ValueError(f"{card.name}: {classifier.card.name} gives no finite gradients")
    density = total.sum(0).numpy()
    segments = partition(density, regions, smallest)
    values = spread(density, segments)
    result = engine.make_attribution(
        classifier,
        net_input,
        score,
        card,
        settings,
        torch.from_numpy(values),
        True,
        count,
        promise=float(ends[0] - ends[1:].mean()),
    )
    result = replace(result, segments=segments)
    watch.report(count, count, result)
    return result


def regions_of(pixels: NDArray[np.float32], watch: Watch | None = None) -> NDArray[np.bool_]:
    """Overlapping regions from fine to coarse (Felzenszwalb & Huttenlocher 2004), widened.

    Parameters
    ----------
    pixels : ndarray, shape (3, size, size)
    watch : Watch, optional
        Checked between the scales.

    Returns
    -------
    ndarray, shape (regions, size, size), bool
    """
    from scipy.ndimage import binary_dilation  # slow to import
    from skimage.morphology import disk
    from skimage.segmentation import felzenszwalb

    size = pixels.shape[-1]
    low, high = float(pixels.min()), float(pixels.max())
    scaled = torch.from_numpy((pixels - low) / max(high - low, 1e-12) * 2 - 1)[None]
    large = torch.nn.functional.interpolate(
        scaled, size=(_SIDE, _SIDE), mode="bicubic", antialias=True
    )
    picture = large[0].permute(1, 2, 0).double().numpy()
    nearest = ((np.arange(size) + 0.5) * _SIDE / size).astype(int)
    around = disk(max(1, round(_DILATION * size / _SIDE)))
    regions: list[NDArray[np.bool_]] = []
    for scale in _SCALES:
        if watch is not None:
            watch.check()
        fine = felzenszwalb(picture, scale=scale, sigma=_SIGMA, min_size=_SMALLEST_SEGMENT)
        numbers = fine[np.ix_(nearest, nearest)]
        regions += [binary_dilation(numbers == n, around) for n in np.unique(numbers)]
    return np.array(regions)


def partition(
    attribution: NDArray[np.float64], regions: NDArray[np.bool_], smallest: float
) -> NDArray[np.int32]:
    """Join regions one after the other, the one whose new pixels have the highest mean first.

    Every pixel joins once, so the sums that decide are updated with the new pixels alone.

    Parameters
    ----------
    attribution : ndarray, shape (size, size)
    regions : ndarray, shape (regions, size, size), bool
    smallest : float
        Regions that would bring fewer pixels than this are left out.

    Returns
    -------
    ndarray, shape (size, size), int32
        With which region each pixel joined, counted from 0, the best; what no region brought
        comes last.
    """
    flat = regions.reshape(len(regions), -1)
    density, numbers = attribution.ravel(), np.zeros(attribution.size, np.int32)
    free = np.ones(attribution.size, bool)
    area, sums = flat.sum(1).astype(float), flat @ density
    number = 0
    while len(usable := np.flatnonzero(area >= max(smallest, 1))):
        best = usable[np.argmax(sums[usable] / area[usable])]
        new = flat[best] & free
        numbers[new] = number
        number += 1
        free &= ~new
        area -= flat[:, new].sum(1)
        sums -= flat[:, new] @ density[new]
    numbers[free] = number
    return numbers.reshape(attribution.shape)


def spread(attribution: NDArray[np.float64], segments: NDArray[np.int32]) -> NDArray[np.float64]:
    """Give every pixel the mean attribution of its segment; the sum stays what it was."""
    flat = segments.ravel()
    means = np.bincount(flat, attribution.ravel()) / np.maximum(np.bincount(flat), 1)
    values: NDArray[np.float64] = means[segments]
    return values


def joined(
    attribution: NDArray[np.float64], regions: NDArray[np.bool_], smallest: float
) -> NDArray[np.float64]:
    """Mean attribution of the pixels with which each region joined, see `partition`."""
    return spread(attribution, partition(attribution, regions, smallest))
