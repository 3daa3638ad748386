"""`Lanes`: where background work waits and runs.

An explainer hooks the network, so two of them on one network at once give wrong maps
without an error: every network replica has its own *serial lane*, one thread that does one
job at a time. Files and thumbnails go to the pool :data:`IO`, which has several threads.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any, TypeVar

from galaxyscope.work.jobs import Job, JobState
from galaxyscope.work.watch import Watch

T = TypeVar("T")

IO = "io"
"""Name of the pool for files and thumbnails; every other name is a serial lane."""

THREAD_NAME = "lane"
"""What the names of all threads of lanes begin with."""


class Lanes:
    """All background work of the program; a context manager that shuts down at its end.

    Parameters
    ----------
    io_threads : int
        Threads of the pool :data:`IO`.

    Examples
    --------
    >>> with Lanes() as lanes:
    ...     job = lanes.submit("network", pow, 2, 5)
    ...     _ = job.wait()
    >>> job.result
    32
    """

    def __init__(self, io_threads: int = 4) -> None:
        self._io_threads = io_threads
        self._lanes: dict[str, _Lane] = {}
        self._lock = threading.Lock()
        self._open = True

    def submit(
        self,
        lane: str,
        function: Callable[..., T],
        *args: object,
        title: str = "",
        key: Hashable | None = None,
        priority: int = 0,
        watch: Watch | None = None,
        on_state: Callable[[Job[T]], None] | None = None,
    ) -> Job[T]:
        """Queue work; see :class:`Job` for the parameters.

        Parameters
        ----------
        lane : str
            :data:`IO` or the name of a serial lane, which is made at its first use.
        function, *args
            The work. Keyword arguments: :func:`functools.partial`.
        title, key, priority, watch, on_state
            As in :class:`Job`. A pending job on this lane with the same `key` is cancelled.

        Raises
        ------
        RuntimeError
            After :meth:`shutdown`.
        TypeError
            If `args` do not fit `function`.
        """
        job = Job(
            lane,
            function,
            args,
            title=title,
            key=key,
            priority=priority,
            watch=watch,
            on_state=on_state,
        )
        with self._lock:
            if not self._open:
                raise RuntimeError("these lanes are shut down")
            if lane not in self._lanes:
                self._lanes[lane] = _Lane(lane, self._io_threads if lane == IO else 1)
            replaced = self._lanes[lane].put(job)
        if replaced is not None:
            replaced.cancel()
        return job

    def jobs(self, lane: str | None = None) -> list[Job[Any]]:
        """Pending and running jobs, of one lane or of all, oldest first."""
        with self._lock:
            lanes = [one for name, one in self._lanes.items() if lane in (None, name)]
        return sorted((job for one in lanes for job in one.jobs()), key=lambda job: job.number)

    def cancel(
        self, lane: str | None = None, where: Callable[[Job[Any]], bool] | None = None
    ) -> int:
        """Cancel pending and running jobs.

        Parameters
        ----------
        lane : str, optional
            Only on this lane.
        where : callable, optional
            Only jobs for which it is true, e.g. the thumbnails of a folder just left.

        Returns
        -------
        int
            How many jobs were cancelled.
        """
        return sum(job.cancel() for job in self.jobs(lane) if where is None or where(job))

    def close(self, lane: str, timeout: float | None = None) -> bool:
        """Cancel everything on one lane and end its thread, e.g. when a network is unloaded.

        Returns
        -------
        bool
            False if a job did not stop within `timeout` seconds.
        """
        with self._lock:
            closing = self._lanes.pop(lane, None)
        return closing is None or _close([closing], timeout)

    def shutdown(self, timeout: float | None = None) -> bool:
        """Cancel everything, end all threads and refuse new work.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait for running jobs. Threads are daemons, so that a job which never
            checks its watch (a dead network drive) cannot keep the process alive.

        Returns
        -------
        bool
            False if a job did not stop in time.
        """
        with self._lock:
            self._open = False
            closing = list(self._lanes.values())
            self._lanes.clear()
        return _close(closing, timeout)

    def __enter__(self) -> Lanes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()


def _close(lanes: list[_Lane], timeout: float | None) -> bool:
    """Close all first, then wait: they stop at the same time."""
    deadline = None if timeout is None else time.monotonic() + timeout
    for lane in lanes:
        lane.close()
    return all(lane.join(deadline) for lane in lanes)


class _Lane:
    """A queue ordered by priority, and the threads that empty it."""

    def __init__(self, name: str, threads: int) -> None:
        self._changed = threading.Condition()
        self._queue: list[tuple[int, int, Job[Any]]] = []
        self._pending: dict[Hashable, Job[Any]] = {}
        self._running: set[Job[Any]] = set()
        self._open = True
        self._threads = [
            threading.Thread(target=self._loop, name=f"{THREAD_NAME} {name} {i}", daemon=True)
            for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, job: Job[Any]) -> Job[Any] | None:
        """Queue a job; return the pending one that it replaces."""
        replaced = None
        with self._changed:
            if job.key is not None:
                replaced = self._pending.get(job.key)
                self._pending[job.key] = job
            heapq.heappush(self._queue, (-job.priority, job.number, job))
            self._changed.notify()
        if replaced is not None and replaced.state is JobState.PENDING:
            return replaced
        return None

    def jobs(self) -> list[Job[Any]]:
        """Jobs that have not ended."""
        with self._changed:
            jobs = [job for _, _, job in self._queue] + list(self._running)
        return [job for job in jobs if not job.state.finished]

    def close(self) -> None:
        """Cancel all jobs and let the threads end."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        for job in self.jobs():
            job.cancel()

    def join(self, deadline: float | None) -> bool:
        """Wait for the threads; False if one is still alive at the deadline."""
        for thread in self._threads:
            if thread is threading.current_thread():
                continue
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        others = [t for t in self._threads if t is not threading.current_thread()]
        return not any(thread.is_alive() for thread in others)

    def _loop(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            with self._changed:
                self._running.discard(job)
            del job  # an idle lane keeps no result alive

    def _next(self) -> Job[Any] | None:
        with self._changed:
            while True:
                while self._open and not self._queue:
                    self._changed.wait()
                if not self._queue:
                    return None
                job = heapq.heappop(self._queue)[2]
                if job.key is not None and self._pending.get(job.key) is job:
                    del self._pending[job.key]
                if not job.state.finished:
                    self._running.add(job)
                    return job
