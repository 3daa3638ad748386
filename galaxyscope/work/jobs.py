"""`Job`: one unit of background work, its state, and what came of it."""

from __future__ import annotations

import enum
import inspect
import itertools
import threading
import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from galaxyscope.work.watch import Cancelled, Watch

T = TypeVar("T")

_numbers = itertools.count(1)


class JobState(enum.Enum):
    """Where a job is in its life."""

    PENDING = "pending"
    BUSY = "busy"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """True for the three states that a job never leaves."""
        return self not in (JobState.PENDING, JobState.BUSY)


@dataclass(frozen=True)
class Failure:
    """An error as a value.

    Parameters
    ----------
    exception : BaseException
        What the work raised; its frames are cleared so that they keep no data alive.
    traceback : str
        The formatted traceback.
    """

    exception: BaseException
    traceback: str

    def __str__(self) -> str:
        """One line for the user."""
        return str(self.exception) or type(self.exception).__name__


class Job(Generic[T]):
    """One unit of background work on a lane; made by :meth:`Lanes.submit`.

    Its identity (`number`, `lane`, `title`, `key`, `priority`, `watch`) never changes; its
    `state`, `done`, `total`, `partial`, `result` and `error` can be read from any thread.

    Parameters
    ----------
    lane : str
        Name of the lane it waits on.
    function : callable
        The work; receives ``watch=job.watch`` where it has an unfilled parameter of that name.
    args : tuple
        Positional arguments for `function`.
    title : str
        What a list of jobs shows.
    key : hashable, optional
        A newer job with the same key replaces this one while it is pending.
    priority : int
        Higher runs first; equals run in the order of their submission.
    watch : Watch, optional
        To share one with other work; its other listeners stay.
    on_state : callable, optional
        Called as ``on_state(job)`` on each change of state and each progress report, from
        the working thread (from the cancelling thread where a pending job is cancelled).
    """

    def __init__(
        self,
        lane: str,
        function: Callable[..., T],
        args: tuple[object, ...] = (),
        *,
        title: str = "",
        key: Hashable | None = None,
        priority: int = 0,
        watch: Watch | None = None,
        on_state: Callable[[Job[T]], None] | None = None,
    ) -> None:
        self.number: Final = next(_numbers)
        self.lane: Final = lane
        self.title: Final = title or getattr(function, "__name__", "")
        self.key: Final = key
        self.priority: Final = priority
        self.watch: Final = watch or Watch()
        self.watch.listen(self._progress)
        self._on_state = on_state
        self._work: Callable[[], T] | None = _bind(function, args, self.watch)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._state = JobState.PENDING
        self._done = self._total = 0
        self._partial: Any = None
        self._result: T | None = None
        self._error: Failure | None = None

    def __repr__(self) -> str:
        return f"<Job {self.number} {self.title!r} on {self.lane!r}: {self._state.value}>"

    @property
    def state(self) -> JobState:
        """Where the job is now."""
        return self._state

    @property
    def done(self) -> int:
        """Steps done, as last reported."""
        return self._done

    @property
    def total(self) -> int:
        """Steps in all, 0 before the first report."""
        return self._total

    @property
    def partial(self) -> Any:
        """The latest intermediate result, None after the job ended."""
        return self._partial

    @property
    def result(self) -> T | None:
        """What the work returned; None unless COMPLETED."""
        return self._result

    @property
    def error(self) -> Failure | None:
        """What the work raised; None unless FAILED."""
        return self._error

    def cancel(self) -> bool:
        """Cancel: a pending job at once, a running one at its next check of the watch.

        Returns
        -------
        bool
            False if the job had already ended. After True it never becomes COMPLETED.
        """
        with self._lock:
            if self._state.finished:
                return False
            self.watch.cancel()
            if self._state is JobState.BUSY:
                return True
            self._state, self._work = JobState.CANCELLED, None
        self._end()
        return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job ended and its listener was told; not from that listener.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        bool
            False if the time ran out first.
        """
        return self._ended.wait(timeout)

    def run(self) -> None:
        """Do the work in this thread; nothing happens unless the job is pending."""
        with self._lock:
            if self._state is not JobState.PENDING or self._work is None:
                return
            self._state, work = JobState.BUSY, self._work
            self._work = None
        self._tell()
        result, error, state = None, None, JobState.COMPLETED
        try:
            self.watch.check()
            result = work()
        except Cancelled:
            state = JobState.CANCELLED
        except BaseException as exception:  # a value for the listener; the lane must live on
            error, state = _failure(exception), JobState.FAILED
        del work
        with self._lock:
            if state is JobState.COMPLETED and self.watch.cancelled:
                result, state = None, JobState.CANCELLED
            self._result, self._error, self._state = result, error, state
        self._end()

    def _progress(self, done: int, total: int, partial: object | None) -> None:
        self._done, self._total = done, total
        if partial is not None:
            self._partial = partial
        self._tell()

    def _end(self) -> None:
        self._partial = None
        self._tell()
        self._on_state = None
        self._ended.set()

    def _tell(self) -> None:
        """Call the listener; its errors go where those of threads go, not into the work."""
        if self._on_state is None:
            return
        try:
            self._on_state(self)
        except Exception as exception:
            thread = threading.current_thread()
            threading.excepthook(
                threading.ExceptHookArgs(
                    (type(exception), exception, exception.__traceback__, thread)
                )
            )


def _bind(function: Callable[..., T], args: tuple[object, ...], watch: Watch) -> Callable[[], T]:
    """Fill in the arguments, and ``watch`` where the function takes one."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # some built-in functions have none
        return lambda: function(*args)
    bound = signature.bind_partial(*args)
    if "watch" in signature.parameters and "watch" not in bound.arguments:
        return lambda: function(*args, watch=watch)
    return lambda: function(*args)


def _failure(exception: BaseException) -> Failure:
    text = "".join(traceback.format_exception(exception))
    traceback.clear_frames(exception.__traceback__)
    return Failure(exception, text)
