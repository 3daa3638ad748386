"""All lines on the canvas: which there are, which is selected, the one being drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QRectF, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGraphicsScene

from galaxyscope.gui.canvas.camera import Ends, Point, length
from galaxyscope.gui.canvas.labels import Label, place_labels
from galaxyscope.gui.canvas.line import CanvasLine, LineItem, Part
from galaxyscope.sky.frame import Affine

#: A shorter line (in cutout pixels) is a slip of the mouse.
SHORTEST = 0.5


class LineLayer(QObject):
    """Keeps the items in step with the lines, the camera and each other.

    Parameters
    ----------
    scene : QGraphicsScene
        Its coordinates are the widget's pixels.
    font : QFont
        For labels.
    parent : QObject
    """

    drawn = Signal(object)
    changed = Signal(str, object)
    delete_requested = Signal(str)
    selected = Signal(object)
    laid = Signal(object)

    def __init__(self, scene: QGraphicsScene, font: QFont, parent: QObject) -> None:
        super().__init__(parent)
        self.formatter: Callable[[Ends], str] = lambda ends: f"{length(ends):.1f} px"
        self.end = 1
        self._scene, self._font = scene, font
        self._items: dict[str, LineItem] = {}
        self._draft: LineItem | None = None
        self._ruler: LineItem | None = None
        self._key: str | None = None
        self._hovered: str | None = None
        self._to_widget = Affine()
        self._size = (1.0, 1.0)

    # -- what there is

    @property
    def lines(self) -> tuple[CanvasLine, ...]:
        """The lines as given, with changes that are under way."""
        return tuple(item.line for item in self._items.values())

    @property
    def key(self) -> str | None:
        """Key of the selected line."""
        return self._key

    @property
    def draft(self) -> Ends | None:
        """Ends of the line being drawn."""
        return self._draft.line.ends if self._draft else None

    @property
    def draft_label(self) -> str:
        """What the label of the line being drawn says."""
        return self._draft.label if self._draft else ""

    @property
    def ruler(self) -> Ends | None:
        """Ends of the ruler that lies on the picture."""
        return self._ruler.line.ends if self._ruler else None

    def set_lines(self, lines: Sequence[CanvasLine]) -> None:
        """Replace all lines; the selection stays where its line does.

        Raises
        ------
        ValueError
            If two lines have one key.
        """
        wanted = {line.key: line for line in lines}
        if len(wanted) != len(lines):
            raise ValueError("each line on the canvas needs a key of its own")
        for key in [key for key in self._items if key not in wanted]:
            self._scene.removeItem(self._items.pop(key))
        for key, line in wanted.items():
            if key in self._items:
                self._items[key].line = line
                self._items[key].live_label = None
            else:
                self._items[key] = self._new(line)
        self._items = {key: self._items[key] for key in wanted}
        if self._key not in self._items and self._key is not None:
            self.select(None)
        if self._hovered not in self._items:
            self._hovered = None
        self._layout()

    def select(self, key: str | None, end: int | None = None) -> None:
        """Select a line by its key (None for none); `end` gets the arrow keys."""
        if key is not None and key not in self._items:
            raise KeyError(f"no line {key!r} on the canvas")
        changed = key != self._key
        if end is not None:
            self.end = end
        elif changed:
            self.end = 1
        self._key = key
        self._looks()
        if changed:
            self.selected.emit(key)

    @property
    def editable_key(self) -> str | None:
        """Key of the selected line if it can be changed."""
        item = self._items.get(self._key) if self._key is not None else None
        return self._key if item is not None and item.line.editable else None

    def select_next(self) -> bool:
        """Select the next line that can be changed; False where there is none."""
        keys = [key for key, item in self._items.items() if item.line.editable]
        if not keys:
            return False
        place = keys.index(self._key) + 1 if self._key in keys else 0
        self.select(keys[place % len(keys)])
        return True

    # -- pointer

    def at(self, point: Point, *, editable: bool) -> tuple[str, Part] | None:
        """Line and part under a widget pixel: the selected line first, ends before bodies."""
        found: list[tuple[bool, bool, str, Part]] = []
        for key, item in self._items.items():
            part = item.part_at(point) if item.line.editable or not editable else None
            if part is not None:
                found.append((part == "body", key != self._key, key, part))
        if not found:
            return None
        _, _, key, part = min(found, key=lambda f: f[:2])
        return key, part

    def hover(self, key: str | None) -> None:
        """Show the handles of the line under the pointer."""
        if key != self._hovered:
            self._hovered = key
            self._looks()

    # -- changing a line

    def ends(self, key: str) -> Ends:
        """Return the ends of a line in cutout pixels."""
        return self._items[key].line.ends

    def move(self, key: str, ends: Ends, *, live: bool = True) -> None:
        """Show a line elsewhere without saying so; `live` shows its length meanwhile."""
        item = self._items[key]
        item.line = dataclasses.replace(item.line, ends=ends)
        item.live_label = self.formatter(ends) if live else None
        self._layout()

    def commit(self, key: str) -> None:
        """Say that a line was changed."""
        self.changed.emit(key, self._items[key].line.ends)

    # -- drawing a line

    def begin(self, start: Point, *, ruler: bool) -> None:
        """Start a line (or a ruler) with both ends in one place."""
        self.cancel()
        self.select(None)
        self.end = 1
        line = CanvasLine("", (start, start), "ruler" if ruler else "drawn", editable=True)
        self._draft = self._new(line)
        self.stretch((start, start))

    def stretch(self, ends: Ends) -> None:
        """Move the ends of the line being drawn."""
        if self._draft is not None:
            self._draft.line = dataclasses.replace(self._draft.line, ends=ends)
            self._draft.live_label = self.formatter(ends)
            self._looks()
            self._layout()

    def finish(self) -> bool:
        """Commit the line being drawn; False (and nothing happens) while it is too short."""
        draft = self._draft
        if draft is None or length(draft.line.ends) < SHORTEST:
            return False
        self._draft = None
        if draft.line.role == "ruler":
            self._ruler = draft
            draft.set_look(selected=False, hovered=False, end=1)
            self._layout()
            self.laid.emit(draft.line.ends)
            return True
        self._scene.removeItem(draft)
        self._layout()
        self.drawn.emit(draft.line.ends)
        return True

    def lay(self, ends: Ends) -> None:
        """Move the ruler that lies on the picture."""
        if self._ruler is not None:
            self._ruler.line = dataclasses.replace(self._ruler.line, ends=ends)
            self._ruler.live_label = self.formatter(ends)
            self._layout()

    def cancel(self) -> bool:
        """Drop the line being drawn and the ruler; False where there was neither."""
        gone = [item for item in (self._draft, self._ruler) if item is not None]
        laid = self._ruler is not None
        self._draft = self._ruler = None
        if laid:
            self.laid.emit(None)
        for item in gone:
            self._scene.removeItem(item)
        if gone:
            self._layout()
        return bool(gone)

    # -- places

    def place(self, to_widget: Affine, size: tuple[float, float]) -> None:
        """Follow the camera: `to_widget` maps cutout pixels to widget pixels."""
        self._to_widget, self._size = to_widget, size
        self._layout()

    def _new(self, line: CanvasLine) -> LineItem:
        item = LineItem(line, self._font)
        self._scene.addItem(item)
        return item

    def _all(self) -> list[LineItem]:
        extra = [item for item in (self._draft, self._ruler) if item is not None]
        return [*extra, *self._items.values()]

    def _looks(self) -> None:
        for key, item in self._items.items():
            item.set_look(selected=key == self._key, hovered=key == self._hovered, end=self.end)
        if self._draft is not None:
            self._draft.set_look(selected=True, hovered=False, end=self.end)

    def _layout(self) -> None:
        items = self._all()
        # A shorter line lies over a longer one: of two along one bar both are seen.
        longest_first = sorted(items, key=lambda item: -length(item.line.ends))
        for rank, item in enumerate(longest_first, start=1):
            item.setZValue(rank / (len(items) + 1))
            item.place(self._to_widget)
        labelled = [item for item in items if item.label]
        boxes = place_labels(
            [Label(item.points, item.label_size) for item in labelled], *self._size
        )
        for item, box in zip(labelled, boxes, strict=True):
            item.set_label_box(QRectF(*box))
        for item in items:
            item.update()
