"""The profile panel: what lies along the selected line, or along one that leaves no record."""

from __future__ import annotations

import functools
import math

from PySide6.QtCore import QObject, QPoint, Signal

from galaxyscope.gui import chores, chores_lines
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.canvas import Canvas, Ends
from galaxyscope.gui.computed_lines import how_profiled
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.computed import ComputedPopover
from galaxyscope.gui.panels.profile import HINT, ProfilePanel
from galaxyscope.gui.rows import MINUS, length_of, who
from galaxyscope.gui.theme import DATA
from galaxyscope.measure.profile import moved_end

PROFILE = "profile"
RULER_COLOUR = "#B8B8BC"


class Profiling(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    canvas : Canvas
    panel : ProfilePanel

    Signals
    -------
    wanted : the profile tool was taken, or a line was drawn with it
    """

    wanted = Signal()

    def __init__(self, desk: Desk, canvas: Canvas, panel: ProfilePanel) -> None:
        super().__init__(desk.window)
        self._desk, self._canvas, self._panel = desk, canvas, panel
        self._ruler: Ends | None = None
        self._ends: Ends | None = None
        self._found: chores_lines.Profiles | None = None
        self._name = ""
        canvas.tool_changed.connect(self._take)
        canvas.ruler_laid.connect(self._lay)
        panel.width_changed.connect(lambda _width: self.refresh())
        panel.plot.end_dragged.connect(self._drag)
        panel.plot.end_moved.connect(self._move)
        panel.readout.asked.connect(self.ask)
        desk.workspace.changed.connect(self._changed)
        desk.workspace.current_changed.connect(lambda _galaxy: self._forget())
        desk.workspace.blind_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Compute the profile again, where the panel is seen."""
        if not self._panel.isVisible():
            return
        galaxy = self._desk.workspace.current
        line = None if galaxy is None else self._line(galaxy)
        if galaxy is None or galaxy.image is None or line is None:
            self._ends = None
            self._panel.show_hint(HINT)
            return
        self._name, self._ends, colour, editable = line
        if math.dist(*self._ends) < 1:
            self._panel.show_hint("This line is too short for a profile.")
            return
        image = galaxy.image
        hidden = self._desk.workspace.blind or galaxy.map is None
        attribution = None if hidden or galaxy.map is None else galaxy.map.attribution
        width = self._panel.width_px.value()
        self._desk.bridge.run(
            Task(
                "Profile",
                galaxy.path,
                PROFILE,
                functools.partial(
                    chores_lines.profiles, chores.worker_copy(image), attribution, self._ends, width
                ),
                done=functools.partial(self._show, galaxy, self._ends, colour, editable),
                failed=lambda failure: self._panel.show_hint(one_line(f"No profile: {failure}")),
                key=PROFILE,
                quiet=True,
            )
        )

    def ask(self) -> None:
        """Tell how the profile was computed."""
        if self._found is not None:
            readout = self._panel.readout
            found = how_profiled(self._found, self._name, readout.text())
            ComputedPopover(found, self._panel).open_above(readout.mapToGlobal(QPoint(0, 0)))

    # -- which line

    def _line(self, galaxy: Galaxy) -> tuple[str, Ends, str, bool] | None:
        """Name, ends, colour and whether it can be changed; of what was touched last."""
        if self._ruler is not None:
            return "profile line, leaves no record", self._ruler, RULER_COLOUR, True
        rows = [r for r in self._desk.workspace.seen(galaxy) if r.ends is not None]
        chosen = [r for r in rows if r.id == galaxy.selected]
        if not chosen:
            drawn = [r for r in rows if r.kind == "drawn"]
            automatic = [r for r in rows if r is galaxy.automatic]
            chosen = drawn[-1:] or automatic
        if not chosen or chosen[0].ends is None:
            return None
        row = chosen[0]
        return one_line(who(row)), row.ends, DATA[row.kind], row.kind == "drawn"

    def _take(self, tool: str) -> None:
        """Show the profile of the selected line, until another is drawn."""
        if tool == "profile":
            self.wanted.emit()
            self.refresh()

    def _lay(self, ends: Ends | None) -> None:
        if ends is None:
            if self._ruler is not None:
                self._ruler = None
                self.refresh()
        elif self._canvas.tool == "profile":
            self._ruler = ends
            self.wanted.emit()
            self.refresh()

    def _forget(self) -> None:
        self._ruler = None
        self.refresh()

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if galaxy is not self._desk.workspace.current:
            return
        if what == "selection" and galaxy.selected is not None:
            self._ruler = None
        if what in ("selection", "records", "image", "map", "scale") and galaxy.growing is None:
            self.refresh()

    # -- plot

    def _show(
        self, galaxy: Galaxy, ends: Ends, colour: str, editable: bool, found: chores_lines.Profiles
    ) -> None:
        image = galaxy.image
        if galaxy is not self._desk.workspace.current or image is None or ends != self._ends:
            return
        self._found = found
        scale = None if image.scale is None else image.scale.arcsec_per_px
        self._panel.plot.show_profiles(
            found, scale or 1.0, "px" if scale is None else "arcsec", colour, editable
        )
        self._panel.show_plot(
            self._name, f"{length_of(image, found.light.length_px)} long{_at_ends(found)}"
        )

    def _drag(self, end: int, along: float) -> None:
        """Show the line elsewhere while its end is dragged."""
        if self._ends is None:
            return
        ends = moved_end(self._ends, end, along)
        if self._ruler is not None:
            self._canvas.lines.lay(ends)
            return
        key = self._key()
        if key is not None:
            self._canvas.lines.move(key, ends)

    def _move(self, end: int, along: float) -> None:
        """Give the line its new end: the same row, undoable."""
        if self._ends is None:
            return
        ends = moved_end(self._ends, end, along)
        if self._ruler is not None:
            self._ruler = ends
            self._canvas.lines.lay(ends)
            self.refresh()
            return
        key = self._key()
        if key is not None:
            self._canvas.lines.move(key, ends, live=False)
            self._canvas.lines.commit(key)

    def _key(self) -> str | None:
        """Key on the canvas of the line whose profile is shown, if it can be changed."""
        galaxy = self._desk.workspace.current
        rows = () if galaxy is None else self._desk.workspace.seen(galaxy)
        return next((r.id for r in rows if r.kind == "drawn" and r.ends == self._ends), None)


def _at_ends(found: chores_lines.Profiles) -> str:
    """Return what light and map are at the ends, as shares of their peaks on the line."""
    parts = []
    for name, profile in (("light", found.light), ("map", found.map)):
        if profile is None or not profile.peak:
            continue
        half = profile.length_px / 2
        shares = [profile.at(-half), profile.at(half)]
        if None not in shares:
            texts = [
                f"{round(100 * (share or 0.0) / profile.peak)} %".replace("-", MINUS)
                for share in shares
            ]
            parts.append(f"{name} {texts[0]} and {texts[1]}")
    return f"; at the ends {', '.join(parts)} of the peak" if parts else ""
