"""The map over the galaxy: visibility, style and threshold, from panel to canvas."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QTimer, Signal

from galaxyscope.explain.cards import CARDS
from galaxyscope.gui import chores_lines
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.canvas import Canvas, Overlay
from galaxyscope.gui.computed_lines import how_long
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.model import Galaxy, ShownMap
from galaxyscope.gui.panels.computed import ComputedPopover
from galaxyscope.gui.panels.overlay import OverlayPanel, OverlayStyle
from galaxyscope.gui.rows import length_of
from galaxyscope.gui.tasks import target_text
from galaxyscope.measure.curve import LengthCurve

if TYPE_CHECKING:
    from galaxyscope.explain.protocol import Attribution

DEFAULT_THRESHOLD = 0.5
BLINK_MS = 500


def source_text(attribution: Attribution) -> str:
    """``"bar · SmoothGrad · galaxyzoo"``: the answer, the method and the network of a map."""
    card = next((card for card in CARDS if card.name == attribution.method), None)
    method = attribution.method if card is None else card.title
    return one_line(f"{target_text(attribution.target)} · {method} · {attribution.model}")


def overlay_of(shown: ShownMap, style: OverlayStyle, threshold: float) -> Overlay:
    """Return a map as it lies over its galaxy."""
    return Overlay(
        shown.values,
        threshold=threshold,
        opacity=style.opacity,
        colormap=style.colormap,
        mask=style.mask,
        contour=style.contour,
        outline=shown.outline if style.segments else None,
    )


class Mapping(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    canvas : Canvas
    panel : OverlayPanel
    """

    visible_changed = Signal(bool)
    blinking_changed = Signal(bool)
    style_changed = Signal()

    def __init__(self, desk: Desk, canvas: Canvas, panel: OverlayPanel) -> None:
        super().__init__(desk.window)
        self._workspace, self._canvas, self._panel = desk.workspace, canvas, panel
        self._bridge = desk.bridge
        self._curve: tuple[Attribution, LengthCurve] | None = None
        panel.length_asked.connect(self.ask_length)
        self.visible = True
        self._elsewhere = (False, False)
        self._blink = QTimer(self)
        self._blink.setInterval(BLINK_MS)
        self._blink.timeout.connect(self._toggle)
        self._phase = True
        panel.style_changed.connect(self._restyle)
        panel.visible_changed.connect(self.set_visible)
        panel.threshold_changed.connect(self.set_threshold)
        desk.workspace.changed.connect(self._changed)
        desk.workspace.current_changed.connect(self._show_panel)
        desk.workspace.blind_changed.connect(lambda: self._show(desk.workspace.current))

    @property
    def style(self) -> OverlayStyle:
        """How maps lie over their galaxy."""
        return self._panel.overlay_style()

    def style_also(self, maps: bool, segments: bool) -> None:
        """Offer styles for maps that are shown elsewhere, and whether these have segments."""
        if (maps, segments) != self._elsewhere:
            self._elsewhere = (maps, segments)
            self._offer_styles()

    def _offer_styles(self) -> None:
        galaxy, (maps, segments) = self._workspace.current, self._elsewhere
        shown = None if galaxy is None or galaxy.image is None else galaxy.shown_map
        outlined = shown is not None and shown.outline is not None
        self._panel.offer_styles(shown is not None or maps, outlined or segments)

    def _restyle(self, _style: OverlayStyle) -> None:
        self._show(self._workspace.current)
        self.style_changed.emit()

    def set_visible(self, visible: bool) -> None:
        """Show or hide the map."""
        self.set_blinking(False)
        self.visible = visible
        self._canvas.set_overlay_visible(visible)
        self._panel.set_visible_map(visible)
        self.visible_changed.emit(visible)

    def set_blinking(self, blinking: bool) -> None:
        """Show and hide the map in turn."""
        if blinking == self._blink.isActive():
            return
        if blinking:
            self._phase = True
            self._blink.start()
        else:
            self._blink.stop()
            self._canvas.set_overlay_visible(self.visible)
        self.blinking_changed.emit(blinking)

    def set_threshold(self, threshold: float) -> None:
        """Move the threshold, relative to the map's maximum."""
        galaxy = self._workspace.current
        if galaxy is not None and (galaxy.shown_map is not None or self._elsewhere[0]):
            galaxy.threshold = min(max(threshold, 0.0), 1.0)
            self._show(galaxy)
            self.style_changed.emit()

    def step_threshold(self, by: float) -> None:
        """Move the threshold by a step."""
        galaxy = self._workspace.current
        if galaxy is not None:
            now = DEFAULT_THRESHOLD if galaxy.threshold is None else galaxy.threshold
            self.set_threshold(round(now + by, 4))

    def value_at(self, x: float, y: float) -> float | None:
        """Value of the shown map at a cutout pixel, None where there is none."""
        galaxy = self._workspace.current
        if galaxy is None or galaxy.shown_map is None or self._workspace.blind:
            return None
        return galaxy.shown_map.at(x, y)

    @property
    def curve(self) -> LengthCurve | None:
        """Length over threshold of the finished map that is shown; None until it is computed."""
        galaxy = self._workspace.current
        if self._curve is None or galaxy is None or galaxy.map is None:
            return None
        attribution, curve = self._curve
        return curve if attribution is galaxy.map.attribution and galaxy.growing is None else None

    def ask_length(self) -> None:
        """Tell how the length at the threshold is computed."""
        galaxy, curve = self._workspace.current, self.curve
        if galaxy is not None and galaxy.map is not None and curve is not None:
            threshold = DEFAULT_THRESHOLD if galaxy.threshold is None else galaxy.threshold
            found = how_long(
                curve, threshold, galaxy.map.attribution, self._length(galaxy, threshold)
            )
            popover = ComputedPopover(found, self._panel)
            popover.open_above(self._panel.readout.mapToGlobal(QPoint(0, 0)))

    def _length(self, galaxy: Galaxy, threshold: float) -> str:
        """Length of the map at a threshold, as the panel writes it."""
        px = None if self.curve is None else self.curve.at(threshold)
        return "" if px is None or galaxy.image is None else length_of(galaxy.image, px)

    def _follow_curve(self, galaxy: Galaxy) -> None:
        """Have the curve of a finished map computed, and show it."""
        if galaxy.map is None or galaxy.growing is not None:
            self._panel.show_curve(None)
            return
        attribution = galaxy.map.attribution
        if self.curve is not None:
            self._show_curve(galaxy)
            return
        self._panel.show_curve(None)
        self._bridge.run(
            Task(
                "Length over threshold",
                galaxy.path,
                "curve",
                functools.partial(chores_lines.follow_lengths, attribution),
                done=functools.partial(self._followed, galaxy, attribution),
                key="curve",
                quiet=True,
            )
        )

    def _followed(self, galaxy: Galaxy, attribution: Attribution, curve: LengthCurve) -> None:
        self._curve = attribution, curve
        if galaxy is self._workspace.current and self.curve is not None:
            self._show_curve(galaxy)
            self._show(galaxy)

    def _show_curve(self, galaxy: Galaxy) -> None:
        bar = galaxy.bar
        stop, length = (None, None) if bar is None else (bar.threshold, bar.length_px)
        self._panel.show_curve(self.curve, stop, length)

    def stop(self) -> None:
        """Stop blinking, before the window closes."""
        self._blink.stop()

    def _toggle(self) -> None:
        self._phase = not self._phase
        self._canvas.set_overlay_visible(self._phase)

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if galaxy is self._workspace.current and what in ("map", "image"):
            self._show_panel(galaxy)

    def _show_panel(self, galaxy: Galaxy | None) -> None:
        shown = None if galaxy is None or galaxy.image is None else galaxy.shown_map
        if shown is None:
            self._panel.show_map(None)
        else:
            self._panel.show_map(shown.histogram, source_text(shown.attribution))
            assert galaxy is not None
            self._follow_curve(galaxy)
        self._offer_styles()
        self._show(galaxy)

    def _show(self, galaxy: Galaxy | None) -> None:
        shown = None if galaxy is None else galaxy.shown_map
        hidden = self._workspace.blind or self._canvas.image is not getattr(galaxy, "image", None)
        if galaxy is None or shown is None or hidden:
            self._canvas.set_overlay(None)
            return
        threshold = DEFAULT_THRESHOLD if galaxy.threshold is None else galaxy.threshold
        self._canvas.set_overlay(overlay_of(shown, self._panel.overlay_style(), threshold))
        if not self._blink.isActive():
            self._canvas.set_overlay_visible(self.visible)
        length = self._length(galaxy, threshold)
        self._panel.show_threshold(threshold, shown.pixels_above(threshold), length)
