"""`Canvas`: one galaxy with its overlay and lines, and the tools to work on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QTransform
from PySide6.QtWidgets import QVBoxLayout, QWidget

from galaxyscope.gui.canvas.camera import Ends, Point
from galaxyscope.gui.canvas.layer import LineLayer
from galaxyscope.gui.canvas.line import CanvasLine
from galaxyscope.gui.canvas.marks import Marks, MarksItem, Message, picture_marks
from galaxyscope.gui.canvas.navigation import Navigation
from galaxyscope.gui.canvas.overlay import Overlay
from galaxyscope.gui.canvas.pilot import TOOLS, Pilot, Tool
from galaxyscope.gui.canvas.render import Later, Renderer, at_once, same_picture
from galaxyscope.gui.canvas.view import CanvasView
from galaxyscope.sky.frame import Affine

if TYPE_CHECKING:
    from galaxyscope.sky.image import SkyImage
    from galaxyscope.sky.stretch import Display


class Canvas(Navigation):
    """Shows a `SkyImage` and lets the user look around, set limits and draw lines.

    All positions in its methods and signals are cutout pixels (0-based, integer centres).

    Parameters
    ----------
    parent : QWidget, optional
    later : callable
        Has large pictures drawn on another thread, see `render.Newest`; by default they are
        drawn here, and the window waits.

    Signals
    -------
    cursor_moved : (x, y), or None where the pointer is not on the picture
    line_drawn : ends of a new line, which the canvas does not keep by itself
    line_changed : key and new ends of a line, on release of the mouse and on each key
    line_delete_requested : key
    line_selected : key or None
    display_changed : Display, after the user changed or reset contrast and bias
    files_dropped : list of Path, local files and folders only
    tool_changed : "pan", "line" or "ruler"
    view_changed : zoom or centre changed
    """

    cursor_moved = Signal(object)
    line_drawn = Signal(object)
    line_changed = Signal(str, object)
    line_delete_requested = Signal(str)
    line_selected = Signal(object)
    display_changed = Signal(object)
    files_dropped = Signal(object)
    tool_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None, later: Later = at_once) -> None:
        super().__init__(parent)
        self._tool: Tool = "pan"
        self._frozen = False
        self._frozen_at: Point | None = None
        self._message = Message()
        self._chips: tuple[str, ...] = ()
        self._cross: Point | None = None
        self._bare = False
        self._dropping = False

        self._renderer = Renderer(self, later)
        self._marks = MarksItem(self.font())
        self._view = CanvasView(self)
        self._view.scene().addItem(self._renderer.item)
        self._view.scene().addItem(self._marks)
        self.lines = LineLayer(self._view.scene(), self.font(), self)
        self.pilot = Pilot(self)
        self.lines.drawn.connect(self.line_drawn)
        self.lines.changed.connect(self.line_changed)
        self.lines.delete_requested.connect(self.line_delete_requested)
        self.lines.selected.connect(self.line_selected)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self.setFocusProxy(self._view)
        self.setMinimumSize(160, 120)

    # -- picture

    def set_image(self, image: SkyImage | None, keep_view: bool = True) -> None:
        """Show an image.

        Overlay and lines belong to one picture and go with it; zoom, centre, tool and
        display stay (`keep_view`, and only between pictures of one shape and kind).

        Parameters
        ----------
        image : SkyImage or None
        keep_view : bool
            False fits the picture into the canvas.
        """
        from galaxyscope.sky.coordinates import compass
        from galaxyscope.sky.stretch import default_display

        before = self._image
        self._image = image
        self.pilot.stop()
        if not same_picture(before, image):
            self.set_overlay(None)
            self.lines.set_lines([])
        if image is None:
            self._to_screen, self._compass = Affine(), None
            self._renderer.set_image(None, self.display)
            self._refresh()
            self.cursor_moved.emit(None)
            return
        self._to_screen = image.to_screen
        self._compass = compass(image)
        self._turn()
        self.set_message()
        display = self.display
        if display is None or before is None or before.full_scale != image.full_scale:
            display = default_display(image)
        self._renderer.set_image(image, display)
        if before is None or before.shape != image.shape or not keep_view:
            self._fitted = True
        if self._fitted:
            self._camera = self._camera.fitting(*image.shape)
        if self._frozen_at is not None and not self._on_picture(self._frozen_at):
            self._frozen_at = None
        self._moved()
        if self._frozen:
            self.cursor_moved.emit(self._frozen_at)

    @property
    def display(self) -> Display | None:
        """Limits, stretch, contrast and bias; None before the first picture."""
        return self._renderer.display

    def set_display(self, display: Display) -> None:
        """Show the picture with other limits or another stretch."""
        if display != self.display:
            self._renderer.set_display(display)

    def change_display(self, display: Display) -> None:
        """Do as `set_display`, and say so (the user did it here)."""
        if display != self.display:
            self.set_display(display)
            self.display_changed.emit(display)

    def reset_display(self) -> None:
        """Contrast and bias back to 1 and 0.5; limits and stretch stay."""
        if self.display is not None:
            self.change_display(dataclasses.replace(self.display, contrast=1.0, bias=0.5))

    # -- overlay

    @property
    def overlay(self) -> Overlay | None:
        """What lies over the picture, visible or not."""
        return self._renderer.overlay

    def set_overlay(self, overlay: Overlay | None) -> None:
        """Lay a map over the picture, or take it away.

        Raises
        ------
        ValueError
            If the map has not the shape of the picture, or its colour map is unknown.
        """
        self._renderer.set_overlay(overlay, self.overlay_visible)

    @property
    def overlay_visible(self) -> bool:
        """Whether the overlay is shown where there is one."""
        return self._renderer.visible

    def set_overlay_visible(self, visible: bool) -> None:
        """Show or hide the overlay."""
        if visible != self.overlay_visible:
            self._renderer.set_overlay(self.overlay, visible)

    # -- lines and tools

    def set_lines(self, lines: Sequence[CanvasLine]) -> None:
        """Show these lines and no others; the selected one stays selected.

        A line that is under the user's hand stays there: others may change meanwhile.

        Raises
        ------
        ValueError
            If two lines have one key.
        """
        held = self.pilot.held
        if held is not None and all(line.key != held for line in lines):
            self.pilot.stop()
        elif held is not None:
            ends = self.lines.ends(held)
            lines = [
                dataclasses.replace(line, ends=ends) if line.key == held else line for line in lines
            ]
        self.lines.set_lines(lines)

    def select_line(self, key: str | None) -> None:
        """Select a line; KeyError where there is no such line."""
        self.lines.select(key)

    @property
    def selected_line(self) -> str | None:
        """Key of the selected line."""
        return self.lines.key

    def set_length_formatter(self, formatter: Callable[[Ends], str]) -> None:
        """Set what the label of a line says while it is being drawn or changed."""
        self.lines.formatter = formatter

    @property
    def tool(self) -> Tool:
        """What the left button does."""
        return self._tool

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does: ``"pan"``, ``"line"`` or ``"ruler"``.

        Raises
        ------
        ValueError
            If there is no such tool.
        """
        if tool not in TOOLS:
            raise ValueError(f"a tool is one of {', '.join(TOOLS)}, not {tool!r}")
        if tool != self._tool:
            self.pilot.stop()
            self._tool = tool
            self._view.viewport().setCursor(self.pilot.cursor)
            self.tool_changed.emit(tool)
        if tool != "pan":
            # Enter and the arrows draw from here on, wherever the keys went before.
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- what follows

    def viewport(self) -> QWidget:
        """Return the widget that gets the mouse; its pixels are the widget pixels meant here."""
        viewport: QWidget = self._view.viewport()
        return viewport

    def grab_image(self) -> QImage:
        """Picture of the canvas as it is seen."""
        self._renderer.render_now()
        picture: QImage = self._view.grab().toImage()
        return picture

    def _moved(self) -> None:
        """Let everything follow the camera."""
        camera = self._camera.to_widget
        self._renderer.item.setTransform(
            QTransform(camera.a, camera.d, camera.b, camera.e, camera.c, camera.f)
        )
        self.lines.place(self.to_widget, self._camera.size)
        self._refresh()
        if self.pilot.at is not None:
            self.pointer_moved(self.pilot.at)
        super()._moved()

    # -- coordinates, marks, states

    def set_frozen(self, frozen: bool) -> None:
        """Keep the coordinates of this moment (True) or follow the pointer again."""
        self._frozen = frozen
        at = self.pilot.at
        self._frozen_at = None
        if frozen and at is not None and self._on_picture(self.to_cutout(at)):
            self._frozen_at = self.to_cutout(at)
        self._refresh()
        if not frozen:
            self.pointer_moved(at)

    @property
    def frozen(self) -> bool:
        """Whether the coordinates are frozen."""
        return self._frozen

    def set_cross(self, at: Point | None) -> None:
        """Show a cross on a cutout pixel, where the pointer is on another canvas."""
        self._cross = at
        if self._image is not None:
            cross = self._frozen_at or at
            place = None if cross is None else self._at_widget(cross)
            self._marks.set_marks(dataclasses.replace(self.marks, frozen=place))

    def _at_widget(self, point: Point) -> Point:
        x, y = self.to_widget(point).tolist()
        return x, y

    def set_bare(self, bare: bool) -> None:
        """Leave out compass and scale bar, on one of many small pictures of the same field."""
        self._bare = bare
        self._refresh()

    def set_message(self, title: str = "", text: str = "", kind: str = "info") -> None:
        """Tell a state in the middle of the canvas; empty takes it away.

        Parameters
        ----------
        title, text : str
            One short line; what it means and what to do.
        kind : {"empty", "loading", "failed", "info"}
        """
        self._message = Message(title, text, kind)
        self._view.setAccessibleDescription(f"{title}. {text}" if title else text)
        self._refresh()

    def set_chips(self, chips: Sequence[str]) -> None:
        """Show short remarks in a corner, e.g. ``"no WCS: pixels only"``."""
        self._chips = tuple(chips)
        self._refresh()

    def set_dropping(self, dropping: bool) -> None:
        """Show that the files under the pointer are welcome."""
        self._dropping = dropping
        self._refresh()

    def _refresh(self) -> None:
        """Compute the marks anew."""
        marks = Marks()
        cross = self._frozen_at or self._cross
        if self._image is not None and self._bare:
            place = None if cross is None else self._at_widget(cross)
            marks = Marks(frozen=place, chips=self._chips, picture=True)
        elif self._image is not None:
            marks = picture_marks(
                self._image, self._compass, self.to_widget, self._camera.size[0], cross
            )
            marks = dataclasses.replace(marks, chips=self._chips)
        self._marks.set_marks(
            dataclasses.replace(marks, message=self._message, dropping=self._dropping)
        )

    @property
    def marks(self) -> Marks:
        """Compass, scale bar, chips and message as they are shown now."""
        return self._marks.marks

    def _on_picture(self, point: Point) -> bool:
        if self._image is None:
            return False
        rows, columns = self._image.shape
        return -0.5 <= point[0] < columns - 0.5 and -0.5 <= point[1] < rows - 0.5

    def pointer_moved(self, at: Point | None) -> None:
        """Tell which cutout pixel lies under the pointer."""
        if self._frozen:
            return
        point = self.to_cutout(at) if at is not None and self._image is not None else None
        self.cursor_moved.emit(point if point is not None and self._on_picture(point) else None)

    # -- events

    def view_resized(self, width: float, height: float) -> None:
        """Follow the size of the viewport."""
        self._camera = self._camera.resized(width, height)
        self._marks.set_size(width, height)
        if self._fitted and self._image is not None:
            self._camera = self._camera.fitting(*self._image.shape)
        self._moved()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Answer keys that were sent to the canvas itself."""
        event.setAccepted(self.pilot.key(event))

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Answer keys that were sent to the canvas itself."""
        event.setAccepted(self.pilot.key_up(event))
