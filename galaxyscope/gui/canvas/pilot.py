"""What pointer and keys do in each tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from galaxyscope.gui.canvas.camera import Ends, Point
from galaxyscope.gui.canvas.gestures import (
    ContrastBias,
    Draw,
    Gesture,
    MoveLine,
    Pan,
    stretch_draft,
)

if TYPE_CHECKING:
    from galaxyscope.gui.canvas.widget import Canvas

Tool = Literal["pan", "line", "width", "ruler", "profile"]
TOOLS: tuple[Tool, ...] = ("pan", "line", "width", "ruler", "profile")
#: Tools whose lines leave no record.
PASSING: tuple[Tool, ...] = ("ruler", "profile")

_Key = Qt.Key
_ARROWS = {
    _Key.Key_Left: (-1, 0),
    _Key.Key_Right: (1, 0),
    _Key.Key_Up: (0, -1),
    _Key.Key_Down: (0, 1),
}
_ENTER = (_Key.Key_Return, _Key.Key_Enter)
_TAB = (_Key.Key_Tab, _Key.Key_Backtab)
_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
_DELETE = (_Key.Key_Delete, _Key.Key_Backspace)


class Pilot:
    """Chooses the gesture for a press, and answers the keys."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.gesture: Gesture | None = None
        self.button: Qt.MouseButton = Qt.MouseButton.NoButton
        self.at: Point | None = None
        self._space = False
        self._space_dragged = False
        # A line begun with the mouse follows it; the first arrow key takes it over.
        self._follows = False

    @property
    def held(self) -> str | None:
        """Key of the line that is being moved."""
        return self.gesture.key if isinstance(self.gesture, MoveLine) else None

    # -- pointer

    def press(self, at: Point, button: Qt.MouseButton, shift: bool) -> None:
        """Begin what this button does here."""
        if self.gesture is not None or self.canvas.image is None:
            return
        self.at = at
        if button == Qt.MouseButton.LeftButton and not self._space:
            self.gesture = self._left(at, shift)
        elif button in (Qt.MouseButton.MiddleButton, Qt.MouseButton.LeftButton):
            self._space_dragged = True
            self.gesture = Pan(self.canvas, at)
        elif button == Qt.MouseButton.RightButton:
            self.gesture = ContrastBias(self.canvas, at)
        self.button = button

    def _left(self, at: Point, shift: bool) -> Gesture:
        canvas = self.canvas
        self._follows = True
        if canvas.tool in PASSING or canvas.lines.draft is not None:
            return Draw(canvas, at, shift)
        hit = canvas.lines.at(at, editable=True)
        if canvas.tool in ("line", "width"):
            # A new line may begin on the middle of an old one, unless that is selected.
            if hit is None or (hit[1] == "body" and hit[0] != canvas.selected_line):
                return Draw(canvas, at, shift, over=hit[0] if hit else None)
            return MoveLine(canvas, at, *hit)
        if hit is not None:
            return MoveLine(canvas, at, *hit)
        fixed = canvas.lines.at(at, editable=False)
        if fixed is not None:
            canvas.select_line(fixed[0])
        return Pan(canvas, at, deselects=fixed is None)

    def move(self, at: Point, shift: bool) -> None:
        """Follow the pointer, pressed or not."""
        self.at = at
        if self.gesture is not None:
            self.gesture.move(at, shift)
        elif self.canvas.lines.draft is not None:
            if self._follows:
                stretch_draft(self.canvas, at, shift)
        else:
            hit = (
                self.canvas.lines.at(at, editable=True) if self.canvas.tool not in PASSING else None
            )
            self.canvas.lines.hover(hit[0] if hit else None)

    def release(self, at: Point, button: Qt.MouseButton, shift: bool) -> None:
        """End what its press began."""
        if self.gesture is not None and button == self.button:
            gesture, self.gesture = self.gesture, None
            gesture.release(at, shift)

    def leave(self) -> None:
        """Forget the pointer."""
        self.at = None
        self.canvas.lines.hover(None)

    def stop(self) -> bool:
        """Undo what is under way; False where there was nothing."""
        if self.gesture is not None:
            gesture, self.gesture = self.gesture, None
            gesture.cancel()
            return True
        return self.canvas.lines.cancel()

    @property
    def cursor(self) -> Qt.CursorShape:
        """Shape of the pointer for what a press would do."""
        if isinstance(self.gesture, Pan):
            return Qt.CursorShape.ClosedHandCursor
        if self._space:
            return Qt.CursorShape.OpenHandCursor
        if self.canvas.image is None:
            return Qt.CursorShape.ArrowCursor
        hit = None
        if self.at is not None and self.gesture is None and self.canvas.tool not in PASSING:
            hit = self.canvas.lines.at(self.at, editable=True)
        if hit is not None and (self.canvas.tool == "pan" or hit[0] == self.canvas.selected_line):
            return Qt.CursorShape.SizeAllCursor
        if self.canvas.tool == "pan":
            return Qt.CursorShape.OpenHandCursor
        return Qt.CursorShape.CrossCursor

    # -- keys

    def wants(self, key: int) -> bool:
        """Whether the canvas itself answers this key now, before any shortcut."""
        if self.canvas.image is None:
            return False
        lines, drawing = self.canvas.lines, self.canvas.tool != "pan"
        if key == _Key.Key_Space:
            return True
        if key in _ENTER:
            return drawing
        if key in _ARROWS:
            return lines.draft is not None or lines.editable_key is not None
        if key in _DELETE:
            return lines.editable_key is not None and lines.draft is None
        if key in _TAB:
            busy = lines.draft is not None or lines.editable_key is not None
            begins = key == _Key.Key_Tab and self.canvas.tool in ("line", "width")
            return busy or (begins and any(line.editable for line in lines.lines))
        if key == _Key.Key_Escape:
            busy = self.gesture is not None or lines.draft is not None
            return busy or lines.ruler is not None or lines.key is not None
        return False

    def key(self, event: QKeyEvent) -> bool:
        """Answer the press of a key; False where it means nothing here."""
        key, lines = event.key(), self.canvas.lines
        if key == _Key.Key_Shift:
            self._shift(True)
            return False
        if event.modifiers() & _COMMAND or not self.wants(key):
            return False
        if key == _Key.Key_Space:
            if not event.isAutoRepeat():
                self._space, self._space_dragged = True, False
        elif key in _ENTER:
            self._enter()
        elif key in _ARROWS:
            self._arrow(_ARROWS[_Key(key)], event.modifiers())
        elif key in _DELETE and lines.editable_key is not None:
            lines.delete_requested.emit(lines.editable_key)
        elif key in _TAB:
            self._tab(key == _Key.Key_Backtab)
        elif key == _Key.Key_Escape and not self.stop():
            self.canvas.select_line(None)
        return True

    def key_up(self, event: QKeyEvent) -> bool:
        """Answer the release of a key: Space tapped in a drawing tool is as good as Enter."""
        if event.key() == _Key.Key_Shift:
            self._shift(False)
        if event.key() != _Key.Key_Space or event.isAutoRepeat() or not self._space:
            return False
        self._space = False
        if not self._space_dragged and self.canvas.tool != "pan" and self.gesture is None:
            self._enter()
        return True

    def focus_lost(self) -> None:
        """Forget Space: its release goes to another widget."""
        self._space = False

    def _shift(self, down: bool) -> None:
        """Snap or free what is being drawn as soon as Shift changes."""
        if self.at is not None and (self.gesture or self._follows):
            self.move(self.at, down)

    def _enter(self) -> None:
        lines = self.canvas.lines
        if lines.draft is not None:
            lines.finish()
            return
        at = self.at if self.at is not None else self.canvas.middle()
        self._follows = False
        lines.begin(self.canvas.to_cutout(at), ruler=self.canvas.tool in PASSING)

    def _tab(self, back: bool) -> None:
        lines = self.canvas.lines
        if lines.draft is not None:
            lines.end = 1 - lines.end
            lines.stretch(lines.draft)
        elif back or lines.editable_key is None:
            lines.select_next()
        else:
            lines.select(lines.editable_key, 1 - lines.end)

    def _arrow(self, arrow: tuple[int, int], modifiers: Qt.KeyboardModifier) -> None:
        step = 1.0
        if modifiers & Qt.KeyboardModifier.AltModifier:
            step = 0.1
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            step = 10.0
        dx, dy = self.canvas.screen_direction(arrow)
        lines = self.canvas.lines
        key = lines.editable_key
        ends = lines.draft if lines.draft is not None else lines.ends(key) if key else None
        if ends is None:
            return
        self._follows = False
        moved = list(ends)
        x, y = moved[lines.end]
        moved[lines.end] = (x + step * dx, y + step * dy)
        new: Ends = (moved[0], moved[1])
        if lines.draft is not None:
            lines.stretch(new)
        elif key is not None:
            lines.move(key, new, live=False)
            lines.commit(key)
