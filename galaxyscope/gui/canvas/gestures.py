"""Gestures: what happens between the press of a button and its release."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

from galaxyscope.gui.canvas.camera import Point, snapped

if TYPE_CHECKING:
    from galaxyscope.gui.canvas.widget import Canvas

#: Shorter movements of the pointer (widget pixels) are a click.
CLICK = 3.0


class Gesture(Protocol):
    """From the press of a button to its release; positions in widget pixels."""

    def move(self, at: Point, shift: bool) -> None:
        """Follow the pointer."""

    def release(self, at: Point, shift: bool) -> None:
        """Do what the gesture was for."""

    def cancel(self) -> None:
        """Leave everything as it was."""


class Pan:
    """Drags the picture; a click where there is no line selects none."""

    def __init__(self, canvas: Canvas, at: Point, *, deselects: bool = False) -> None:
        self.canvas, self.last, self.start = canvas, at, at
        self.before = canvas.view_state()
        self.deselects, self.moved = deselects, False

    def move(self, at: Point, shift: bool) -> None:
        """Follow the pointer."""
        self.moved = self.moved or _far(self.start, at)
        if self.moved:
            self.canvas.pan_by(at[0] - self.last[0], at[1] - self.last[1])
            self.last = at

    def release(self, at: Point, shift: bool) -> None:
        """Do what the gesture was for."""
        if self.deselects and not self.moved:
            self.canvas.select_line(None)

    def cancel(self) -> None:
        """Leave everything as it was."""
        self.canvas.set_view_state(self.before)


class ContrastBias:
    """Right-drag as in DS9: across changes the bias, upwards raises the contrast."""

    def __init__(self, canvas: Canvas, at: Point) -> None:
        self.canvas, self.start, self.before = canvas, at, canvas.display

    def move(self, at: Point, shift: bool) -> None:
        """Follow the pointer."""
        if self.before is None:
            return
        across = (at[0] - self.start[0]) / max(self.canvas.width(), 1)
        upwards = (self.start[1] - at[1]) / max(self.canvas.height(), 1)
        contrast = min(max(self.before.contrast * 8.0**upwards, 0.05), 20.0)
        bias = min(max(self.before.bias + across, 0.0), 1.0)
        self.canvas.change_display(dataclasses.replace(self.before, contrast=contrast, bias=bias))

    def release(self, at: Point, shift: bool) -> None:
        """Nothing more: each step was shown and told."""

    def cancel(self) -> None:
        """Leave everything as it was."""
        if self.before is not None:
            self.canvas.change_display(self.before)


class Draw:
    """Draws a line: drag it out, or click twice; `over` is a line that a click selects."""

    def __init__(self, canvas: Canvas, at: Point, shift: bool, over: str | None = None) -> None:
        self.canvas, self.start, self.over = canvas, at, over
        self.moved = False
        # The second click of a line that was begun before ends that line.
        self.second = canvas.lines.draft is not None
        if self.second:
            self.move(at, shift)
        elif over is None:
            self._begin()

    def _begin(self) -> None:
        start = self.canvas.to_cutout(self.start)
        self.canvas.lines.begin(start, ruler=self.canvas.tool in ("ruler", "profile"))

    def move(self, at: Point, shift: bool) -> None:
        """Follow the pointer."""
        if not self.moved and _far(self.start, at):
            self.moved = True
            if self.canvas.lines.draft is None:
                self._begin()
        if self.moved or self.second:
            stretch_draft(self.canvas, at, shift)

    def release(self, at: Point, shift: bool) -> None:
        """Do what the gesture was for."""
        if self.moved or self.second:
            self.move(at, shift)
            self.canvas.lines.finish()
        elif self.over is not None:
            self.canvas.select_line(self.over)

    def cancel(self) -> None:
        """Leave everything as it was."""
        self.canvas.lines.cancel()


class MoveLine:
    """Moves one end of a line (`part` 0 or 1) or all of it."""

    def __init__(self, canvas: Canvas, at: Point, key: str, part: int | str) -> None:
        self.canvas, self.start, self.key, self.part = canvas, at, key, part
        self.before = canvas.lines.ends(key)
        self.moved = False
        canvas.lines.select(key, part if isinstance(part, int) else None)

    def move(self, at: Point, shift: bool) -> None:
        """Follow the pointer."""
        self.moved = self.moved or _far(self.start, at)
        if not self.moved:
            return
        # From where the line was, by as much as the pointer went: no jump at the start.
        x0, y0 = self.canvas.to_cutout(self.start)
        x1, y1 = self.canvas.to_cutout(at)
        first, second = self.before
        if self.part != 1:
            first = (first[0] + x1 - x0, first[1] + y1 - y0)
        if self.part != 0:
            second = (second[0] + x1 - x0, second[1] + y1 - y0)
        if shift and self.part == 0:
            first = snapped(second, first)
        elif shift and self.part == 1:
            second = snapped(first, second)
        self.canvas.lines.move(self.key, (first, second))

    def release(self, at: Point, shift: bool) -> None:
        """Do what the gesture was for."""
        if self.moved:
            self.move(at, shift)
            self.canvas.lines.move(self.key, self.canvas.lines.ends(self.key), live=False)
            self.canvas.lines.commit(self.key)

    def cancel(self) -> None:
        """Leave everything as it was."""
        self.canvas.lines.move(self.key, self.before, live=False)


def stretch_draft(canvas: Canvas, at: Point, shift: bool) -> None:
    """Let the free end of the line being drawn follow the pointer."""
    draft = canvas.lines.draft
    if draft is None:
        return
    free = canvas.lines.end
    anchor, point = draft[1 - free], canvas.to_cutout(at)
    if shift:
        point = snapped(anchor, point)
    canvas.lines.stretch((anchor, point) if free == 1 else (point, anchor))


def _far(a: Point, b: Point) -> bool:
    return max(abs(a[0] - b[0]), abs(a[1] - b[1])) >= CLICK
