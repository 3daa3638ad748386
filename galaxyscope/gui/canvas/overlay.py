"""An attribution laid over the galaxy: colours, mask over the threshold, contour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.frame import Affine

#: A contour of more pieces is drawn of a coarser map.
MOST_SEGMENTS = 4000

COLORMAPS = ("magma", "viridis", "gray", "RdBu")

#: Where a colour map begins: its black end would darken the galaxy where the map is faint.
_DARKEST = 0.25

# ColorBrewer's RdBu without its white middle, which the transparent middle of the overlay
# replaces: blue speaks against the target, red for it.
_BLUE = np.array([[146, 197, 222], [67, 147, 195], [33, 102, 172]], float)
_RED = np.array([[244, 165, 130], [222, 86, 68], [190, 20, 44]], float)


@dataclass(frozen=True, eq=False)
class Overlay:
    """A map on the cutout's own pixel grid and how to show it.

    Parameters
    ----------
    values : ndarray, shape (rows, columns), float32
        NaN where there is no value.
    threshold : float
        Fraction of the maximum, 0 to 1.
    opacity : float
        0 to 1.
    colormap : {"magma", "viridis", "gray", "RdBu"}
        RdBu is centred on 0, red for and blue against; the others show the positive part.
    mask : bool
        Show only the pixels over the threshold, evenly strong.
    contour : bool
        Draw the line where the map crosses the threshold.
    outline : ndarray, shape (lines, 2, 2), or None
        Both ends of lines to draw, in cutout pixels: borders of the map's segments.
    """

    values: NDArray[np.float32]
    threshold: float = 0.5
    opacity: float = 0.7
    colormap: str = "magma"
    mask: bool = False
    contour: bool = False
    outline: NDArray[np.float64] | None = None

    def same_as(self, other: Overlay) -> bool:
        """Whether the other one looks the same: the very map in the same style."""
        style = ("threshold", "opacity", "colormap", "mask", "contour")
        alike = all(getattr(self, name) == getattr(other, name) for name in style)
        return alike and self.values is other.values and self.outline is other.outline


def maximum(values: NDArray[np.float32]) -> float:
    """Largest finite value, 0 where there is none or it is negative."""
    return float(np.max(values, where=np.isfinite(values), initial=0.0))


def over_threshold(values: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Pixels *above* ``threshold`` × maximum; none where the map has no positive value.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    threshold : float

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    top = maximum(values)
    if top <= 0:
        return np.zeros(values.shape, bool)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(values) & (values > np.float32(threshold * top)))


@lru_cache(maxsize=64)
def _table(colormap: str, opacity: float, even: bool) -> NDArray[np.uint32]:
    """256 premultiplied ARGB colours, from −1 (index 0) or 0 to 1 (index 255)."""
    x = np.linspace(0, 1, 256)
    if colormap == "RdBu":
        t = np.clip((np.arange(256) - 127) / 127, -1, 1)  # 127 is exactly 0
        stops = np.linspace(0, 1, 3)
        rgb = np.empty((256, 3))
        for channel in range(3):
            red = np.interp(np.abs(t), stops, _RED[:, channel])
            blue = np.interp(np.abs(t), stops, _BLUE[:, channel])
            rgb[:, channel] = np.where(t >= 0, red, blue)
        strength = np.abs(t)
    elif colormap == "gray":
        rgb, strength = np.repeat(255 * x[:, None], 3, axis=1), x
    else:
        import pyqtgraph as pg

        chosen = pg.colormap.get(colormap)
        rgb = chosen.getLookupTable(_DARKEST, 1.0, 256, alpha=False).astype(float)
        strength = x
    # Alpha grows with the value, fast enough that faint structure shows, and is nothing
    # where the map is empty, so that the galaxy stays visible there.
    gain = 1.0 if colormap == "RdBu" else 1.6
    alpha = opacity * (np.ones(256) if even else np.clip(gain * strength, 0, 1) ** 0.8)
    argb = np.round(np.column_stack([alpha * 255, rgb * alpha[:, None]])).astype(np.uint32)
    packed = (argb[:, 0] << 24) | (argb[:, 1] << 16) | (argb[:, 2] << 8) | argb[:, 3]
    return packed.astype(np.uint32)


def colours(overlay: Overlay) -> NDArray[np.uint32]:
    """Colour of every pixel.

    Returns
    -------
    ndarray, shape (rows, columns), uint32
        Premultiplied ARGB, as ``QImage.Format_ARGB32_Premultiplied`` has it. Fully
        transparent where the map has no value.

    Raises
    ------
    ValueError
        If the colour map is unknown.
    """
    if overlay.colormap not in COLORMAPS:
        raise ValueError(f"no colour map {overlay.colormap!r}; there are {', '.join(COLORMAPS)}")
    values = overlay.values
    finite = np.isfinite(values)
    if overlay.colormap == "RdBu":
        top = float(np.max(np.abs(values), where=finite, initial=0.0))
        scale, zero = (127.0 / top if top > 0 else 0.0), np.float32(127.5)
    else:
        top = maximum(values)
        scale, zero = (255.0 / top if top > 0 else 0.0), np.float32(0)
    level = np.where(finite, values, np.float32(0)) * np.float32(scale) + zero
    index = np.clip(level, 0, 255).astype(np.uint8)
    table = _table(overlay.colormap, round(float(overlay.opacity), 3), overlay.mask)
    argb: NDArray[np.uint32] = table[index]
    shown = over_threshold(values, overlay.threshold) if overlay.mask else finite
    argb[~shown] = 0
    return argb


def contour(values: NDArray[np.float32], level: float) -> NDArray[np.float64]:
    """Line where the map crosses a level, by marching squares.

    Saddles are cut the way that keeps the higher corners apart.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        NaN counts as 0.
    level : float
        Positive.

    Returns
    -------
    ndarray, shape (segments, 2, 2)
        Both ends ``(x, y)`` of each segment, in pixels of the map.
    """
    cell = _cells(values, level)
    # Only the cells that the line crosses are looked at again.
    rows, columns = np.nonzero((cell != 0) & (cell != 15))
    kind = cell[rows, columns]
    finite = np.where(np.isfinite(values), values, 0).astype(float)
    corners = np.stack(
        [finite[rows + dy, columns + dx] for dy, dx in ((0, 0), (0, 1), (1, 1), (1, 0))]
    )

    def crossing(first: int, second: int) -> NDArray[np.float64]:
        step = corners[second] - corners[first]
        safe = np.where(step == 0, 1.0, step)
        return np.clip((level - corners[first]) / safe, 0, 1)

    edges = np.stack(
        [
            np.stack([columns + crossing(0, 1), rows + 0.0 * rows], -1),
            np.stack([columns + 1.0, rows + crossing(1, 2)], -1),
            np.stack([columns + crossing(3, 2), rows + 1.0], -1),
            np.stack([columns + 0.0, rows + crossing(0, 3)], -1),
        ]
    )
    pieces = []
    for kinds, first, second in _SEGMENTS:
        chosen = np.isin(kind, kinds)
        pieces.append(np.stack([edges[first][chosen], edges[second][chosen]], axis=1))
    return np.concatenate(pieces)


def _cells(values: NDArray[np.float32], level: float) -> NDArray[np.uint8]:
    """Which corners of each square of four pixels lie above the level, one bit each."""
    with np.errstate(invalid="ignore"):
        above = (values > np.float32(level)).astype(np.uint8)
    return np.asarray(
        above[:-1, :-1] | above[:-1, 1:] << 1 | above[1:, 1:] << 2 | above[1:, :-1] << 3
    )


def readable_contour(overlay: Overlay, most: int = MOST_SEGMENTS) -> NDArray[np.float64]:
    """Contour at the threshold, of a coarser map where it would be a thicket.

    A map of pixel noise is crossed in nearly every square, which can neither be read nor
    painted in time; it is averaged over 2×2 pixels until the line has at most `most` pieces.

    Returns
    -------
    ndarray, shape (segments, 2, 2)
        In pixels of the overlay.
    """
    values = overlay.values
    level = overlay.threshold * maximum(values)
    if level <= 0:
        return np.empty((0, 2, 2))
    while True:
        cell = _cells(values, level)
        if np.count_nonzero((cell != 0) & (cell != 15)) <= most:
            break
        rows, columns = (n - n % 2 for n in values.shape)
        even = np.nan_to_num(values[:rows, :columns])
        values = even.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3), dtype=np.float32)
    scale = overlay.values.shape[0] // values.shape[0]
    covered = (values.shape[0] * scale, values.shape[1] * scale)
    return Affine.resize(covered, values.shape)(contour(values, level))


# Which cells (bit per corner above the level) have a segment between which two edges.
_SEGMENTS = (
    ((1, 14, 5), 3, 0),
    ((2, 13, 10), 0, 1),
    ((4, 11, 5), 1, 2),
    ((8, 7, 10), 2, 3),
    ((3, 12), 3, 1),
    ((6, 9), 0, 2),
)
