"""The agreement panel: compares rows of the session away from the GUI thread."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from galaxyscope.gui import chores_lines, dialogs
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.agreement import AgreementPanel
from galaxyscope.gui.saving import ask_where
from galaxyscope.records.session_agreement import (
    AUTOMATIC,
    DRAWN,
    SessionAgreement,
    Unit,
    compare_session,
)
from galaxyscope.records.store import Session
from galaxyscope.work.lanes import IO
from galaxyscope.work.watch import Watch

STATISTICS = "statistics"
# Rows come in bursts, while the list is measured; one comparison for a burst is enough.
PAUSE_MS = 300
HIDDEN = "Automatic lengths stay hidden until the blind series has ended."


class Agreeing(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    panel : AgreementPanel

    Signals
    -------
    open_requested : list of Path, the file of a galaxy that is not on the list
    """

    open_requested = Signal(object)

    def __init__(self, desk: Desk, panel: AgreementPanel) -> None:
        super().__init__(desk.window)
        self._desk, self._panel = desk, panel
        self._a, self._b = AUTOMATIC, DRAWN
        self._unit: Unit = "relative"
        self._stale = True
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._compare)
        panel.chosen.connect(self.choose)
        panel.galaxy_chosen.connect(self._open)
        panel.export_requested.connect(self.ask_figure)
        desk.workspace.changed.connect(self._changed)
        desk.workspace.current_changed.connect(lambda _galaxy: self._show_current())
        desk.workspace.blind_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Compare again: now where the panel is seen, else when it is shown."""
        self._stale = True
        if self._panel.isVisible():
            self._timer.start()

    def shown(self) -> None:
        """Compare if anything has changed: the panel has come to the front."""
        if self._stale and not self._timer.isActive():
            self._compare()

    def choose(self, a: str, b: str, unit: Unit) -> None:
        """Compare other rows, or in another unit."""
        self._a, self._b, self._unit = a, b, unit
        self._compare()

    def stop(self) -> None:
        """Compare no more, before the window closes."""
        self._timer.stop()

    def _changed(self, _galaxy: Galaxy, what: str) -> None:
        if what in ("records", "scale"):
            self.refresh()
        elif what == "image":
            self._show_current()

    def _compare(self) -> None:
        self._stale = False
        if self._desk.workspace.blind:
            self._panel.show_message(HIDDEN)
            return
        self._panel.show_busy()
        self._desk.bridge.run(
            Task(
                "Compare",
                None,
                STATISTICS,
                functools.partial(_compare, self._desk.session, self._a, self._b, self._unit),
                done=self._show,
                failed=lambda failure: self._panel.show_message(
                    one_line(f"The comparison failed: {failure}")
                ),
                key="compare",
                quiet=True,
            )
        )

    def _show(self, found: SessionAgreement) -> None:
        if not self._desk.workspace.blind:
            self._panel.show_agreement(found)
            self._show_current()

    # -- points and galaxies

    def _show_current(self) -> None:
        found, galaxy = self._panel.shown, self._desk.workspace.current
        image = None if galaxy is None else galaxy.image
        if found is None or galaxy is None or image is None:
            self._panel.show_current(None)
        else:
            self._panel.show_current(found.places.get((image.sha256, galaxy.plane_key)))

    def _open(self, index: int) -> None:
        """Show the galaxy of a pair."""
        found, workspace = self._panel.shown, self._desk.workspace
        if found is None or found.found is None:
            return
        pair = found.found.pairs[index]
        for row in (*pair.a.rows, *pair.b.rows):
            galaxy = workspace.find(Path(row.path))
            if galaxy is not None:
                workspace.select(galaxy)
                return
        path = next((Path(r.path) for r in pair.a.rows if Path(r.path).is_absolute()), None)
        if path is None:
            self._desk.say(one_line(f"{pair.name} is not on the list and has no file here"))
        else:
            self.open_requested.emit([path])

    # -- figure

    def ask_figure(self) -> None:
        """Let the user choose a file and draw all views to it."""
        found = self._panel.shown
        if found is None or found.found is None:
            self._desk.say("There is no agreement to draw yet")
            return
        folder = self._desk.workspace.folder or Path.home()
        path = ask_where(dialogs.ask_figure_name, self._desk, folder / "agreement.pdf")
        if path is not None:
            self.export(path)

    def export(self, path: Path) -> None:
        """Draw all views of the shown comparison to a file."""
        found = self._panel.shown
        if found is None or found.found is None:
            return
        self._desk.bridge.run(
            Task(
                "Draw figure",
                path,
                IO,
                functools.partial(
                    chores_lines.draw_figure, found.found, path, self._desk.session.path
                ),
                done=lambda _: self._desk.say(f"Figure written to {path.name}"),
                failed=lambda failure: self._desk.say(one_line(f"Figure failed: {failure}")),
            )
        )


def _compare(session: Session, a: str, b: str, unit: Unit, watch: Watch) -> SessionAgreement:
    return compare_session(session, a, b, unit, check=watch.check)
