"""Diagnostics to be copied: asked for in the menu, or shown after an end that was not well."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from galaxyscope.gui import diagnostics
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.crashes import Crash
from galaxyscope.gui.desk import Desk
from galaxyscope.gui.theme import is_dark
from galaxyscope.work.jobs import Failure
from galaxyscope.work.lanes import IO

if TYPE_CHECKING:
    from galaxyscope.gui.panels.diagnostics import DiagnosticsDialog

ASKED = (
    "What somebody who is to help you needs to know: versions, computer, preferences. It holds "
    "nothing of your files."
)
_REPORT = (
    "If it happens again, please report it with these diagnostics. They hold nothing of your "
    "files, but an error may name one."
)
ENDED = (
    "GalaxyScope did not end well the last time. Measurements that the table had shown are "
    f"kept.\n\n{_REPORT} To start with default settings and without the last session: "
    "galaxyscope --safe-mode"
)
ERRORS = (
    f"Something went wrong the last time GalaxyScope ran, and may not have been done.\n\n{_REPORT}"
)


class Diagnosing(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    network : callable
        Says which network is loaded, and where it runs.
    """

    def __init__(self, desk: Desk, network: Callable[[], str]) -> None:
        super().__init__(desk.window)
        self._desk, self._network = desk, network
        self.dialog: DiagnosticsDialog | None = None

    def open_dialog(self) -> None:
        """Show the diagnostics of this moment."""
        self._show("Diagnostics", ASKED, ())

    def show_crashes(self, crashes: Sequence[Crash]) -> None:
        """Say how the program ended the last time, if there is something to say."""
        if crashes:
            fatal = any(crash.fatal for crash in crashes)
            title = "GalaxyScope ended unexpectedly" if fatal else "Something went wrong"
            self._show(title, ENDED if fatal else ERRORS, crashes)

    def _show(self, title: str, text: str, crashes: Sequence[Crash]) -> None:
        from galaxyscope.gui.panels.diagnostics import DiagnosticsDialog

        settings = self._desk.settings
        dialog = self.dialog = DiagnosticsDialog(title, text, self._desk.window)
        dialog.finished.connect(functools.partial(self._close, dialog))
        dialog.open()
        where = {
            "Screen": diagnostics.screens() + (", dark" if is_dark() else ", light"),
            "Network": self._network(),
            "Mode": "safe" if settings.path is None else "usual",
        }
        self._desk.bridge.run(
            Task(
                "Diagnostics",
                None,
                IO,
                functools.partial(diagnostics.write, settings.preferences, where, crashes),
                done=functools.partial(self._made, dialog),
                failed=functools.partial(self._failed, dialog),
                quiet=True,
            )
        )

    def _made(self, dialog: DiagnosticsDialog, text: str) -> None:
        if dialog is self.dialog:  # not closed meanwhile
            dialog.show_text(text)

    def _failed(self, dialog: DiagnosticsDialog, failure: Failure) -> None:
        self._made(dialog, f"The diagnostics cannot be made: {failure}")

    def _close(self, dialog: DiagnosticsDialog, _result: int) -> None:
        if dialog is self.dialog:
            self.dialog = None
        dialog.deleteLater()
