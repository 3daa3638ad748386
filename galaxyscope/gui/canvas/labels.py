"""Where labels go: beside an end of their line, outside it, never on another label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from galaxyscope.gui.canvas.camera import Ends, Point

Box = tuple[float, float, float, float]
GAP = 14.0
AIR = 6.0
_DIAGONAL = math.sqrt(0.5)


@dataclass(frozen=True)
class Label:
    """A label that wants a place.

    Parameters
    ----------
    ends : ((x1, y1), (x2, y2))
        Ends of the line in widget pixels.
    size : (width, height)
    """

    ends: Ends
    size: tuple[float, float]


def place_labels(labels: Sequence[Label], width: float, height: float) -> list[Box]:
    """Choose a place for each label, the first ones first.

    Parameters
    ----------
    labels : sequence of Label
    width, height : float
        Size of the widget.

    Returns
    -------
    list of (left, top, width, height)
        No two overlap as long as there is a free place beside one of the ends.
    """
    placed: list[Box] = []
    for label in labels:
        candidates = [_inside(box, width, height) for box in _candidates(label)]
        costs = [
            _cost(box, rank, placed, labels, width, height) for rank, box in enumerate(candidates)
        ]
        placed.append(candidates[costs.index(min(costs))])
    return placed


def _candidates(label: Label) -> list[Box]:
    """Boxes around each end, those that lie in the line's own direction first."""
    boxes = []
    w, h = label.size
    first, second = label.ends
    # The right-hand end first: a label that starts where the line ends is read with it.
    outer = (second, first) if second[0] >= first[0] else (first, second)
    for end, other in (outer, outer[::-1]):
        towards = math.atan2(end[1] - other[1], end[0] - other[0]) if end != other else 0.0
        for turn in (0, 45, -45, 90, -90, 135, -135):
            angle = towards + math.radians(turn)
            boxes.append(_beside(end, (math.cos(angle), math.sin(angle)), w, h))
    # Free rows above and below, for when many lines end in one place.
    x, y = outer[0]
    boxes += [(x + GAP, y + step * (h + 2), w, h) for step in (1, -2, 2, -3, 3, -4)]
    return boxes


def _beside(end: Point, direction: Point, w: float, h: float) -> Box:
    """Box of the given size whose nearest point lies `GAP` away from `end`."""
    dx, dy = direction
    x = end[0] + GAP * dx + (0 if dx > 0.38 else -w if dx < -0.38 else -w / 2)
    y = end[1] + GAP * dy + (0 if dy > _DIAGONAL else -h if dy < -_DIAGONAL else -h / 2)
    return x, y, w, h


def _inside(box: Box, width: float, height: float) -> Box:
    x, y, w, h = box
    margin = 4.0
    return (
        min(max(x, margin), max(width - w - margin, margin)),
        min(max(y, margin), max(height - h - margin, margin)),
        w,
        h,
    )


def _cost(
    box: Box,
    rank: int,
    placed: Sequence[Box],
    labels: Sequence[Label],
    width: float,
    height: float,
) -> float:
    overlap = sum(_shared(box, _with_air(other)) for other in placed)
    crossed = sum(_crossed(box, label.ends) for label in labels)
    return 1e4 * overlap + 40.0 * crossed + rank


def _with_air(box: Box) -> Box:
    """Widen a box by what parts two labels, so that they do not read as one."""
    x, y, w, h = box
    return x - AIR, y, w + 2 * AIR, h


def _shared(a: Box, b: Box) -> float:
    """Area that two boxes share, in square pixels."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(w, 0.0) * max(h, 0.0)


def _crossed(box: Box, ends: Ends) -> float:
    """Length of a line inside a box (Liang–Barsky clipping)."""
    (x1, y1), (x2, y2) = ends
    dx, dy = x2 - x1, y2 - y1
    start, stop = 0.0, 1.0
    sides = (
        (-dx, x1 - box[0]),
        (dx, box[0] + box[2] - x1),
        (-dy, y1 - box[1]),
        (dy, box[1] + box[3] - y1),
    )
    for p, q in sides:
        if p == 0:
            if q < 0:
                return 0.0
        elif p < 0:
            start = max(start, q / p)
        else:
            stop = min(stop, q / p)
    return max(stop - start, 0.0) * math.hypot(dx, dy)
