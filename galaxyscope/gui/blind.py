"""Drawing blind: an observer sees galaxies in random order, and nothing that was measured."""

from __future__ import annotations

import functools
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject
from PySide6.QtWidgets import QDockWidget

from galaxyscope.gui import chores, dialogs
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.blind import BlindBar
from galaxyscope.measure.series import Look, plan_series
from galaxyscope.records.blind_series import SeriesResult, result_of
from galaxyscope.records.edits import SeeNoBar
from galaxyscope.records.record import now
from galaxyscope.records.store import Session

if TYPE_CHECKING:
    from galaxyscope.gui.window import MainWindow

#: What an observer may do in a series; everything else would show something, or lead away.
FREE = frozenset(
    (
        *(
            "quit",
            "undo",
            "redo",
            "delete",
            "commands",
            "fit",
            "one",
            "north_up",
            "centre",
            "reset",
        ),
        *(f"zoom{n}" for n in range(2, 10)),
        *("tool_pan", "tool_line", "tool_width", "tool_ruler", "freeze", "full_screen"),
        *("theme_system", "theme_light", "theme_dark", "width_lines", "keys", "about"),
    )
)


@dataclass(frozen=True)
class Series:
    """One series as it was begun."""

    name: str
    looks: tuple[Look, ...]
    galaxies: tuple[Galaxy, ...]
    width: bool


class Blind(QObject):
    """See the module.

    Parameters
    ----------
    window : MainWindow
        Its docks are put away while a series runs.
    bar : BlindBar
    """

    def __init__(self, window: MainWindow, bar: BlindBar) -> None:
        super().__init__(window)
        self._window, self._desk, self._bar = window, window.desk, bar
        self._series: Series | None = None
        self._place = 0
        self._undo_limit = 0
        self._layout = QByteArray()
        self._enabled: dict[str, bool] = {}
        bar.next_requested.connect(self.next)
        bar.no_bar_requested.connect(self.no_bar)
        bar.end_requested.connect(self.end)
        self._desk.undo.indexChanged.connect(self.hold)
        self._desk.undo.canUndoChanged.connect(self.hold)
        self._desk.workspace.changed.connect(self._changed)

    @property
    def series(self) -> Series | None:
        """The series that runs, None if there is none."""
        return self._series

    @property
    def look(self) -> Look | None:
        """What the observer looks at now."""
        return None if self._series is None else self._series.looks[self._place]

    def ask(self) -> None:
        """Let the user begin a series with the galaxies of the gallery."""
        galaxies = [g for g in self._window.gallery.model.shown() if not g.error]
        if not galaxies or self._series is not None:
            self._desk.say("Open some galaxies first")
            return
        settings = self._desk.settings
        plan = dialogs.ask_series(
            self._desk.window, settings.observer, len(galaxies), settings.flag("width_lines")
        )
        if plan is not None:
            if plan.observer != settings.observer:
                self._window.measuring.set_observer(plan.observer)
            self.start(plan.share, plan.seed, plan.width)

    def start(self, share: float, seed: int, width: bool = False) -> None:
        """Begin a series with the galaxies of the gallery."""
        galaxies = tuple(g for g in self._window.gallery.model.shown() if not g.error)
        if not galaxies or self._series is not None:
            return
        # Before anything holds them: from the moment that there is a series, all are held.
        actions = self._window.actions_.items()
        self._enabled = {spec.id: action.isEnabled() for spec, action in actions}
        looks = plan_series(len(galaxies), share, seed)
        self._series = Series(f"{now()} seed {seed}", looks, galaxies, width)
        window = self._window
        window.comparing.set_open(False)
        window.explaining.cancel()
        self._layout = window.saveState()
        for dock in window.findChildren(QDockWidget):
            dock.setVisible(dock.objectName() == "gallery")
        order = tuple(galaxies[look.galaxy] for look in looks if look.number == 1)
        self._desk.workspace.set_look("")
        window.gallery.set_blind(order)
        self._bar.show()
        window.top_bar.blind = True
        self._go(0)

    def next(self) -> None:
        """Finish this look and go on; the line is on disk already."""
        if self._series is None:
            return
        if not self._drawn():
            self._desk.say("Draw the line first, or press No bar")
        elif self._place + 1 < len(self._series.looks):
            self._go(self._place + 1)
        else:
            self.end()

    def no_bar(self) -> None:
        """Keep that the observer saw no bar, and go on."""
        galaxy, look = self._desk.workspace.current, self.look
        if galaxy is None or galaxy.image is None or look is None or self._drawn():
            return
        assert self._series is not None
        record_id = uuid.uuid4().hex
        marks = {"id": record_id, "blind_look": look.number, "blind_series": self._series.name}
        image, observer = chores.worker_copy(galaxy.image), self._desk.settings.observer
        self._desk.workspace.set_look(record_id)
        self._window.keeping.do(galaxy, "see no bar", SeeNoBar(image, observer, now(), marks))
        if self._place + 1 < len(self._series.looks):
            self._go(self._place + 1)
        else:
            self.end()

    def end(self) -> None:
        """End the series: everything is to be seen again, and what was drawn is summed up."""
        series, self._series = self._series, None
        if series is None:
            return
        window = self._window
        window.canvas.set_tool("pan")
        self._bar.hide()
        window.top_bar.blind = False
        window.restoreState(self._layout)
        window.gallery.set_blind(None)
        window.measuring.begin_look(None)
        self._desk.workspace.set_look(None)
        for spec, action in window.actions_.items():
            if spec.id not in FREE:
                action.setEnabled(self._enabled[spec.id])
        self.hold()
        window._follow_current()
        self._desk.bridge.run(
            Task(
                "Sum up",
                None,
                chores.SESSION,
                functools.partial(_sum_up, self._desk.session, series.name),
                done=lambda result: self._desk.say(summary(result)),
                quiet=True,
            )
        )

    def stop(self) -> None:
        """End a series before the window closes, so that the layout is the user's own again."""
        self.end()
        self._desk.undo.indexChanged.disconnect(self.hold)
        self._desk.undo.canUndoChanged.disconnect(self.hold)

    def hold(self, _changed: object = None) -> None:
        """Keep actions away that would show something; no undo reaches before this look."""
        undo, actions = self._desk.undo, self._window.actions_
        free = self._series is None
        actions["undo"].setEnabled(undo.canUndo() and (free or undo.index() > self._undo_limit))
        if not free:
            for spec, action in actions.items():
                if spec.id not in FREE:
                    action.setEnabled(False)

    # -- looks

    def _go(self, place: int) -> None:
        series, workspace = self._series, self._desk.workspace
        assert series is not None
        self._place, look = place, series.looks[place]
        self._undo_limit = self._desk.undo.index()
        workspace.set_look("")
        self._window.measuring.begin_look((series.name, look.number), series.width)
        workspace.select(series.galaxies[look.galaxy])
        if self._series is not series or self._place != place:
            return  # this file cannot be shown, and the series has gone on already
        self._window.canvas.set_tool("line")
        self._bar.show_place(place, len(series.looks))
        self._show_line()
        self.hold()

    def _drawn(self) -> bool:
        galaxy = self._desk.workspace.current
        return galaxy is not None and bool(self._desk.workspace.seen(galaxy))

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if self._series is None or galaxy is not self._desk.workspace.current:
            return
        if what == "records":
            self._show_line()
        elif what == "image" and galaxy.image is None:
            self._desk.say("This file cannot be shown; it was left out of the series")
            self._skip()

    def _skip(self) -> None:
        assert self._series is not None
        if self._place + 1 < len(self._series.looks):
            self._go(self._place + 1)
        else:
            self.end()

    def _show_line(self) -> None:
        galaxy = self._desk.workspace.current
        rows = () if galaxy is None else self._desk.workspace.seen(galaxy)
        wanted = self._series is not None and self._series.width
        self._bar.show_line(bool(rows), wanted and bool(rows) and rows[0].width_px is None)


def summary(result: SeriesResult) -> str:
    """Return one sentence on how a series went."""
    text = f"Blind series ended: {result.lines} {'line' if result.lines == 1 else 'lines'} on "
    text += f"{result.galaxies} {'galaxy' if result.galaxies == 1 else 'galaxies'}"
    if result.without:
        text += f", no bar {result.without} times" if result.without > 1 else ", no bar once"
    if result.within is not None:
        text += (
            f"; {result.repeated} drawn twice: {result.within.form} {result.within.value:.2f}, "
            f"scatter {100 * result.within.scatter:.0f} %"
        )
    return text


def _sum_up(session: Session, series: str) -> SeriesResult:
    return result_of(session.records(), series)
