"""`Watch`: how long-running work reports progress and learns that it was cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable

Report = Callable[[int, int, object | None], None]


class Cancelled(Exception):
    """Raised inside a job by :meth:`Watch.check` after somebody cancelled it."""


class Watch:
    """Handed to every long-running function; safe to use from any thread.

    Parameters
    ----------
    report : callable, optional
        Called as ``report(done, total, partial)`` from the working thread; `partial` is
        an intermediate result or None.
    """

    def __init__(self, report: Report | None = None) -> None:
        self._cancelled = threading.Event()
        self._reports: tuple[Report, ...] = () if report is None else (report,)

    def listen(self, report: Report) -> None:
        """Add another listener; call it before the work starts."""
        self._reports = (*self._reports, report)

    @property
    def heard(self) -> bool:
        """Whether anybody listens; if not, intermediate results need not be made."""
        return bool(self._reports)

    def part(self, report: Report | None = None) -> Watch:
        """Watch over a part of the work: cancelled together with this one, reports go to `report`.

        Parameters
        ----------
        report : callable, optional
            As for the constructor; it may call :meth:`report` of this watch.
        """
        part = Watch(report)
        part._cancelled = self._cancelled
        return part

    def cancel(self) -> None:
        """Ask the work to stop at its next check."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """True once :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise :class:`Cancelled` if the work was cancelled; call it between batches."""
        if self._cancelled.is_set():
            raise Cancelled

    def report(self, done: int, total: int, partial: object | None = None) -> None:
        """Say how far the work is; raises :class:`Cancelled` like :meth:`check`."""
        self.check()
        for report in self._reports:
            report(done, total, partial)
