"""What was made of which tensor, number by number: by that a written-out activation is known.

``x * sigmoid(x)`` is two operations and one activation. Each operation that gives one number for
each of a tensor's is noted with the nearest tensor that alone decides its result. Where operands
meet, the nearest tensor that both were made of is found again, and the operations since are one
function of it: behind a scale and a shift, ``y = w * x + b; y * sigmoid(y)``, that is y, not x.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from galaxyscope.explain.kinds import CHOOSING, JOINING, SUMS
from galaxyscope.explain.slopes import Function, slope


@dataclass(frozen=True, eq=False)
class Made:
    """How a tensor was made.

    Parameters
    ----------
    source : Point or None
        The nearest tensor that it is a function of; None if it is of no one tensor alone.
    function : callable
        Of the source's value.
    mask : bool
        Whether a comparison has made it, so that no gradient tells of the source.
    bent : bool
        Whether the function is an activation, no scale and shift.
    """

    source: Point | None
    function: Function
    mask: bool
    bent: bool


@dataclass(frozen=True, eq=False)
class Point:
    """A tensor as it is at a moment: networks write over tensors."""

    tensor: Tensor
    version: int
    made: Made | None = None

    @property
    def mask(self) -> bool:
        """Whether a comparison has made it."""
        return self.made is not None and self.made.mask

    @property
    def lives(self) -> bool:
        """Whether the tensor still has its value."""
        return _version(self.tensor) == self.version

    def equals(self, other: Point) -> bool:
        """Whether both are the same tensor at the same moment."""
        return self.tensor is other.tensor and self.version == other.version

    def line(self) -> Iterator[Point]:
        """Itself, what it was made of, what that was made of, and so on."""
        point: Point | None = self
        while point is not None:
            yield point
            point = point.made.source if point.made is not None else None

    def of(self, x: Tensor, source: Point) -> Any:
        """Value if a point of its line had the value x."""
        if self.equals(source):
            return x
        if self.made is None or self.made.source is None:
            raise ValueError("not made of that tensor")
        return self.made.function(self.made.source.of(x, source))

    def bent_since(self, source: Point) -> bool:
        """Whether an activation lies between a point of its line and itself."""
        for point in self.line():
            if point.equals(source):
                break
            if point.made is not None and point.made.bent:
                return True
        return False


def meeting(points: Sequence[Point]) -> Point | None:
    """Find the nearest point, of those whose value is still there, on the lines of all."""
    if not points:
        return None
    first, *others = points
    for point in first.line():
        if point.lives and all(any(map(point.equals, other.line())) for other in others):
            return point
    return None


def joins(name: str, points: Sequence[Point], source: Point) -> bool:
    """Whether functions of one tensor meet in an operation that makes an activation of them."""
    if name in CHOOSING:
        return True
    bent = any(point.bent_since(source) for point in points)
    return len(points) > 1 and (name in JOINING or (name in SUMS and bent))


def joint(
    func: Function, parts: Sequence[Any], named: Mapping[str, Any], source: Point
) -> Function:
    """Return an operation as a function of a point that all its operands were made of."""

    def function(x: Tensor) -> Any:
        args = [_of(part, x, source) for part in parts]
        if args and isinstance(args[0], Tensor):  # which may be written over
            args[0] = args[0].clone()
        return func(*args, **{key: _of(part, x, source) for key, part in named.items()})

    return function


def _of(part: Any, x: Tensor, source: Point) -> Any:
    return part.of(x, source) if isinstance(part, Point) else part


def rising(function: Function, points: Sequence[Point], source: Point) -> tuple[Function, Tensor]:
    """Take the source's negative where an operand falls with it.

    ``where(x < 0, -x, 0)`` is the rectifier of −x and not a function of x that falls.

    Returns
    -------
    callable, Tensor
        The same function, and what it is a function of.
    """
    x = source.tensor
    straight = [point for point in points if not (point.mask or point.bent_since(source))]
    if not straight or any(point.equals(source) for point in straight):
        return function, x
    falls = slope(lambda value: straight[0].of(value, source), x) < 0
    if not bool(falls.any()):
        return function, x
    sign = torch.where(falls, -1.0, 1.0).to(x.dtype)
    return lambda value: function(value * sign), x * sign


class Trace:
    """Notes how tensors were made, as long as they are there."""

    def __init__(self) -> None:
        self._made = WeakTensorKeyDictionary()

    def point(self, value: Any) -> Point | None:
        """Return a value as it is now; None for what does not depend on the picture."""
        if not isinstance(value, Tensor):
            return None
        version, made = self._made.get(value, (None, None))
        if made is not None and version == _version(value):
            return Point(value, version, made)
        return Point(value, value._version) if value.requires_grad else None

    def note(self, result: Tensor, made: Made) -> None:
        """Keep how a tensor was made, as it is now."""
        self._made[result] = (_version(result), made)


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version
