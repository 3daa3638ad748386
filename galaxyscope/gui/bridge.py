"""From jobs to the window: one `QObject`, made on the GUI thread, owns every signal.

Worker threads put what they have to say into a queue and ring; the GUI thread empties the
queue. Partial results are throttled where they are made: none is prepared (resampled,
normalised) or sent while the window still has an older one to draw.
"""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from galaxyscope.work.jobs import Failure, Job, JobState
from galaxyscope.work.lanes import IO, Lanes

DRAW_PRIORITY = 20
SECONDS_BETWEEN_PARTIALS = 1 / 15


@dataclass(eq=False)
class Task:
    """One job as the window sees it; its public fields change on the GUI thread only.

    Parameters
    ----------
    title : str
        What is done, for the list of jobs.
    path : Path or None
        The file it is done to.
    lane : str
    function : callable
        The work; a parameter named ``watch`` is filled in.
    done, failed, cancelled, partial : callable
        Called on the GUI thread with the result, the failure, nothing, the partial result.
    prepare : callable or None
        Called on the working thread with a partial result that will be shown; gives what
        is handed to `partial`.
    quiet : bool
        True for housekeeping (thumbnails, saving) that the list of jobs does not show,
        unless it fails and nobody listens to `failed`.
    gives_way : bool
        True for work that nobody waits for: cancelled as soon as another task comes to its lane.
    key, priority
        As in `galaxyscope.work.jobs.Job`.
    """

    title: str
    path: Path | None
    lane: str
    function: Callable[..., Any]
    done: Callable[[Any], None]
    failed: Callable[[Failure], None] | None = None
    cancelled: Callable[[], None] | None = None
    partial: Callable[[Any], None] | None = None
    prepare: Callable[[Any], Any] | None = None
    quiet: bool = False
    gives_way: bool = False
    key: Hashable | None = None
    priority: int = 0
    state: JobState = JobState.PENDING
    steps: tuple[int, int] = (0, 0)
    failure: Failure | None = None
    _job: Job[Any] | None = field(default=None, repr=False)
    _told: float = field(default=0.0, repr=False)
    _telling: bool = field(default=False, repr=False)

    def cancel(self) -> None:
        """Ask it to stop; nothing happens if it has ended."""
        if self._job is not None:
            self._job.cancel()


class Bridge(QObject):
    """Runs tasks on lanes and brings what they say to the GUI thread.

    Parameters
    ----------
    lanes : Lanes
    parent : QObject, optional
    """

    task_changed = Signal(object)
    _rung = Signal()

    def __init__(self, lanes: Lanes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lanes = lanes
        self._events: deque[Callable[[], None]] = deque()
        self._running: list[Task] = []
        self._closed = False
        self._rung.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def running(self) -> list[Task]:
        """Tasks that have not ended, the quiet ones too, oldest first."""
        return list(self._running)

    def run(self, task: Task) -> Task:
        """Start a task (or start it again); call it on the GUI thread."""
        if self._closed:
            return task
        for other in self._running:
            if other.gives_way and other.lane == task.lane and not task.gives_way:
                other.cancel()
        task.state, task.steps, task.failure = JobState.PENDING, (0, 0), None
        task._telling = False
        self._running.append(task)
        self.task_changed.emit(task)
        task._job = self._lanes.submit(
            task.lane,
            task.function,
            title=task.title,
            key=task.key,
            priority=task.priority,
            on_state=functools.partial(self._hear, task),
        )
        return task

    def draw(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Have a picture drawn before files are read; `done` gets None if it cannot be."""
        self.run(
            Task(
                "Draw",
                None,
                IO,
                work,
                done,
                failed=lambda _failure: done(None),
                quiet=True,
                priority=DRAW_PRIORITY,
            )
        )

    def close(self, finish: str, timeout: float = 2.0) -> bool:
        """Cancel everything and wait for the lanes; nothing is delivered afterwards.

        Parameters
        ----------
        finish : str
            The lane whose jobs are done first and not cancelled: what the user did last
            has to be kept.
        timeout : float
            Seconds.

        Returns
        -------
        bool
            False if a job did not stop in time.
        """
        self._closed = True
        deadline = time.monotonic() + timeout
        self._lanes.cancel(where=lambda job: job.lane != finish)
        for job in self._lanes.jobs(finish):
            job.wait(max(0.0, deadline - time.monotonic()))
        stopped = self._lanes.shutdown(max(0.1, deadline - time.monotonic()))
        self._events.clear()
        self._running.clear()
        return stopped

    def _hear(self, task: Task, job: Job[Any]) -> None:
        """Any thread: a job changed its state or made progress."""
        if job.state.finished:
            self._post(functools.partial(self._settle, task, job))
        elif job.total:
            self._progress(task, job)
        else:
            self._post(functools.partial(self._start, task, job))

    def _progress(self, task: Task, job: Job[Any]) -> None:
        now = time.monotonic()
        if task._telling or now - task._told < SECONDS_BETWEEN_PARTIALS:
            return
        task._telling, task._told = True, now
        steps, shown = (job.done, job.total), None
        if job.partial is not None and task.partial is not None:
            shown = job.partial if task.prepare is None else task.prepare(job.partial)
        self._post(functools.partial(self._show, task, job, steps, shown))

    def _post(self, event: Callable[[], None]) -> None:
        if not self._closed:
            self._events.append(event)
            self._rung.emit()

    def _start(self, task: Task, job: Job[Any]) -> None:
        if not task.state.finished:
            task.state = JobState.BUSY
            self.task_changed.emit(task)

    def _show(self, task: Task, job: Job[Any], steps: tuple[int, int], shown: Any) -> None:
        task._telling = False
        # A cancelled job may have one more map on its way; the window has moved on.
        if job is not task._job or task.state.finished or job.watch.cancelled:
            return
        task.steps = steps
        if shown is not None and task.partial is not None:
            task.partial(shown)
        self.task_changed.emit(task)

    def _settle(self, task: Task, job: Job[Any]) -> None:
        # A pending job that is cancelled inside `submit` settles before it is known here.
        if task.state.finished or task._job not in (None, job):
            return
        task.state, task.failure, task._job = job.state, job.error, None
        self._running.remove(task)
        try:
            if job.state is JobState.COMPLETED:
                task.done(job.result)
            elif job.state is JobState.CANCELLED and task.cancelled is not None:
                task.cancelled()
            elif job.error is not None and task.failed is not None:
                task.failed(job.error)
        finally:
            self.task_changed.emit(task)

    @Slot()
    def _deliver(self) -> None:
        while self._events and not self._closed:
            self._events.popleft()()
