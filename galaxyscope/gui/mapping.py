"""The map over the galaxy: visibility, style and threshold, from panel to canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from galaxyscope.explain.cards import CARDS
from galaxyscope.gui.canvas import Canvas, Overlay
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.overlay import OverlayPanel
from galaxyscope.gui.tasks import answer_text

if TYPE_CHECKING:
    from galaxyscope.explain.protocol import Attribution

DEFAULT_THRESHOLD = 0.5
BLINK_MS = 500


def source_text(attribution: Attribution) -> str:
    """``"bar · SmoothGrad · galaxyzoo"``: the answer, the method and the network of a map."""
    card = next((card for card in CARDS if card.name == attribution.method), None)
    method = attribution.method if card is None else card.title
    return one_line(f"{answer_text(attribution.target)} · {method} · {attribution.model}")


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

    def __init__(self, desk: Desk, canvas: Canvas, panel: OverlayPanel) -> None:
        super().__init__(desk.window)
        self._workspace, self._canvas, self._panel = desk.workspace, canvas, panel
        self.visible = True
        self._blink = QTimer(self)
        self._blink.setInterval(BLINK_MS)
        self._blink.timeout.connect(self._toggle)
        self._phase = True
        panel.style_changed.connect(lambda _style: self._show(self._workspace.current))
        panel.visible_changed.connect(self.set_visible)
        panel.threshold_changed.connect(self.set_threshold)
        desk.workspace.changed.connect(self._changed)
        desk.workspace.current_changed.connect(self._show_panel)
        desk.workspace.blind_changed.connect(lambda: self._show(desk.workspace.current))

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
        if galaxy is not None and galaxy.shown_map is not None:
            galaxy.threshold = min(max(threshold, 0.0), 1.0)
            self._show(galaxy)

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
        values = galaxy.shown_map.values
        row, column = round(y), round(x)
        if not (0 <= row < values.shape[0] and 0 <= column < values.shape[1]):
            return None
        value = float(values[row, column])
        return value if np.isfinite(value) else None

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
        self._show(galaxy)

    def _show(self, galaxy: Galaxy | None) -> None:
        shown = None if galaxy is None else galaxy.shown_map
        hidden = self._workspace.blind or self._canvas.image is not getattr(galaxy, "image", None)
        if galaxy is None or shown is None or hidden:
            self._canvas.set_overlay(None)
            return
        threshold = DEFAULT_THRESHOLD if galaxy.threshold is None else galaxy.threshold
        style = self._panel.overlay_style()
        self._canvas.set_overlay(
            Overlay(
                shown.values,
                threshold=threshold,
                opacity=style.opacity,
                colormap=style.colormap,
                mask=style.mask,
                contour=style.contour,
            )
        )
        if not self._blink.isActive():
            self._canvas.set_overlay_visible(self.visible)
        self._panel.show_threshold(threshold, shown.pixels_above(threshold))
