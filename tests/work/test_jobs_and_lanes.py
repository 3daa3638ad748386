"""Jobs, lanes, cancel, priorities, shutdown."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyscope.work.jobs import Job, JobState
from galaxyscope.work.lanes import IO, Lanes
from galaxyscope.work.watch import Cancelled, Watch

#: Seconds to wait for what takes milliseconds: other work on the machine must fail no test.
PATIENCE = 30


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    with Lanes(io_threads=3) as made:
        yield made


class Gate:
    """Keeps a lane busy until it is opened."""

    def __init__(self, lanes: Lanes, lane: str) -> None:
        self._open, entered = threading.Event(), threading.Event()

        def hold() -> None:
            entered.set()
            assert self._open.wait(PATIENCE)

        self.job = lanes.submit(lane, hold)
        assert entered.wait(PATIENCE)

    def open(self) -> None:
        self._open.set()


def test_a_job_tells_its_life_from_the_working_thread(lanes: Lanes) -> None:
    seen: list[tuple[JobState, int, int, object, str]] = []

    def work(n: int, watch: Watch) -> int:
        for i in range(n):
            watch.report(i + 1, n, f"part {i}")
        return n * 2

    def note(job: Job[int]) -> None:
        name = threading.current_thread().name
        seen.append((job.state, job.done, job.total, job.partial, name))

    job = lanes.submit("net", work, 2, title="twice", on_state=note)
    assert job.wait(PATIENCE)
    assert [row[:4] for row in seen] == [
        (JobState.BUSY, 0, 0, None),
        (JobState.BUSY, 1, 2, "part 0"),
        (JobState.BUSY, 2, 2, "part 1"),
        (JobState.COMPLETED, 2, 2, None),
    ]
    assert {row[4] for row in seen} == {"lane net 0"}
    assert (job.result, job.error, job.title, job.lane) == (4, None, "twice", "net")


def test_errors_are_values_with_their_traceback(lanes: Lanes) -> None:
    class Big:
        pass

    kept: list[weakref.ref[Big]] = []

    def fails() -> None:
        data = Big()
        kept.append(weakref.ref(data))
        raise ValueError("m51.fits: not an image")

    job = lanes.submit(IO, fails)
    assert job.wait(PATIENCE)
    assert job.state is JobState.FAILED
    assert job.result is None
    assert job.error is not None
    assert str(job.error) == "m51.fits: not an image"
    assert isinstance(job.error.exception, ValueError)
    assert "in fails" in job.error.traceback
    assert kept[0]() is None, "an error must not keep the data of its frames alive"
    assert lanes.submit(IO, len, "abc").wait(PATIENCE), "the lane lives on"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_no_error_ends_a_lane(lanes: Lanes, error: BaseException) -> None:
    def leave() -> None:
        raise error

    job = lanes.submit("net", leave)
    after = lanes.submit("net", len, "abcd")
    assert after.wait(PATIENCE)
    assert job.state is JobState.FAILED
    assert after.result == 4


def test_a_failing_listener_is_heard_and_harms_nothing(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: heard.append(str(args.exc_value)))

    def listener(job: Job[int]) -> None:
        raise RuntimeError(f"while {job.state.value}")

    job = lanes.submit("net", len, "ab", on_state=listener)
    assert job.wait(PATIENCE)
    assert (job.state, job.result) == (JobState.COMPLETED, 2)
    assert heard == ["while busy", "while completed"]


def test_a_serial_lane_never_runs_two_jobs_and_the_pool_does(lanes: Lanes) -> None:
    inside, most, lock = [0], {"net": 0, IO: 0}, threading.Lock()
    meet = {"net": threading.Barrier(1), IO: threading.Barrier(3)}

    def work(lane: str) -> None:
        with lock:
            inside[0] += 1
            most[lane] = max(most[lane], inside[0])
        meet[lane].wait(PATIENCE)
        time.sleep(0.001)
        with lock:
            inside[0] -= 1

    for lane in ("net", IO):
        jobs = [lanes.submit(lane, work, lane) for _ in range(21)]
        assert all(job.wait(PATIENCE) for job in jobs)
    assert {job.state for job in jobs} == {JobState.COMPLETED}
    assert most == {"net": 1, IO: 3}


def test_two_serial_lanes_run_side_by_side(lanes: Lanes) -> None:
    meet = threading.Barrier(2)
    jobs = [lanes.submit(name, meet.wait, PATIENCE) for name in ("net a", "net b")]
    assert all(job.wait(PATIENCE) for job in jobs)
    assert {job.state for job in jobs} == {JobState.COMPLETED}


@given(st.lists(st.integers(-3, 3), max_size=20))
def test_priority_first_then_order_of_submission(priorities: list[int]) -> None:
    with Lanes() as lanes:
        gate, ran = Gate(lanes, "net"), []
        jobs = [
            lanes.submit("net", ran.append, (p, i), priority=p) for i, p in enumerate(priorities)
        ]
        gate.open()
        assert all(job.wait(PATIENCE) for job in jobs)
    oracle = [(p, i) for p in range(3, -4, -1) for i, q in enumerate(priorities) if q == p]
    assert ran == oracle


def test_the_same_key_replaces_the_pending_job_only(lanes: Lanes) -> None:
    gate = Gate(lanes, "net")
    first = lanes.submit("net", len, "a", key="selected")
    other = lanes.submit("net", len, "abc", key="other")
    second = lanes.submit("net", len, "ab", key="selected")
    assert first.state is JobState.CANCELLED
    gate.open()
    assert second.wait(PATIENCE)
    assert other.wait(PATIENCE)
    assert (first.result, second.result, other.result) == (None, 2, 3)

    busy = Gate(lanes, "net")
    running_key = lanes.submit("net", len, "abcd", key="selected")
    busy.open()
    assert running_key.wait(PATIENCE)
    assert running_key.state is JobState.COMPLETED, "an ended job leaves its key free"


def test_cancel_of_a_pending_job_is_immediate(lanes: Lanes) -> None:
    gate, states, ran = Gate(lanes, "net"), [], []
    job = lanes.submit("net", ran.append, 1, on_state=lambda job: states.append(job.state))
    assert job.cancel()
    assert job.state is JobState.CANCELLED
    assert job.wait(0)
    gate.open()
    assert gate.job.wait(PATIENCE)
    assert lanes.submit("net", len, "").wait(PATIENCE)
    assert (ran, states) == ([], [JobState.CANCELLED])
    assert not job.cancel(), "it ended already"


def test_cancel_of_a_running_job_takes_effect_at_its_next_check(lanes: Lanes) -> None:
    started, cancelled, beyond = threading.Event(), threading.Event(), threading.Event()

    def work(watch: Watch) -> None:
        watch.check()
        started.set()
        assert cancelled.wait(PATIENCE)
        watch.check()
        beyond.set()

    job = lanes.submit("net", work)
    assert started.wait(PATIENCE)
    assert job.cancel()
    assert job.state is JobState.BUSY
    cancelled.set()
    assert job.wait(PATIENCE)
    assert job.state is JobState.CANCELLED
    assert not beyond.is_set()


def test_a_cancelled_job_never_completes_but_its_errors_are_kept(lanes: Lanes) -> None:
    for fails in (False, True):
        started, go = threading.Event(), threading.Event()

        def deaf(
            fails: bool = fails, started: threading.Event = started, go: threading.Event = go
        ) -> str:
            started.set()
            assert go.wait(PATIENCE)
            if fails:
                raise OSError("disk full")
            return "too late"

        job = lanes.submit(IO, deaf)
        assert started.wait(PATIENCE)
        assert job.cancel()
        go.set()
        assert job.wait(PATIENCE)
        assert job.state is (JobState.FAILED if fails else JobState.CANCELLED)
        assert job.result is None


def test_cancel_by_lane_and_by_choice(lanes: Lanes) -> None:
    gate = Gate(lanes, "net")
    thumbs = [lanes.submit("net", len, "", key=("thumbnail", i)) for i in range(4)]
    wanted = lanes.submit("net", len, "a", key=("open", 1))
    assert lanes.jobs("net") == [gate.job, *thumbs, wanted]
    assert lanes.cancel("net", lambda job: job.key is not None and job.key[0] == "thumbnail") == 4
    assert lanes.cancel("elsewhere") == 0
    gate.open()
    assert wanted.wait(PATIENCE)
    assert {job.state for job in thumbs} == {JobState.CANCELLED}
    assert wanted.state is JobState.COMPLETED


def test_a_watch_that_is_shared_keeps_its_own_listener(lanes: Lanes) -> None:
    heard: list[tuple[int, int, object | None]] = []
    watch = Watch(lambda *report: heard.append(report))

    def work(watch: Watch) -> None:
        watch.report(3, 4)

    job = lanes.submit("net", work, watch, watch=watch)
    assert job.wait(PATIENCE)
    assert heard == [(3, 4, None)]
    assert (job.done, job.total) == (3, 4)
    watch.cancel()
    late = lanes.submit("net", work, watch, watch=watch)
    assert late.wait(PATIENCE)
    assert late.state is JobState.CANCELLED


def test_shutdown_cancels_everything_and_joins_the_threads() -> None:
    lanes, started = Lanes(), threading.Event()

    def endless(watch: Watch) -> None:
        started.set()
        while True:
            time.sleep(0.001)
            watch.check()

    running = lanes.submit("net", endless)
    pending = lanes.submit("net", len, "abc")
    assert started.wait(PATIENCE)
    assert lanes.shutdown(timeout=PATIENCE)
    assert (running.state, pending.state) == (JobState.CANCELLED, JobState.CANCELLED)
    assert not [t for t in threading.enumerate() if t.name.startswith("lane ")]
    with pytest.raises(RuntimeError, match="shut down"):
        lanes.submit("net", len, "")
    assert lanes.shutdown()


def test_shutdown_says_when_a_job_did_not_stop() -> None:
    lanes, release = Lanes(), threading.Event()
    job = lanes.submit("net", release.wait, PATIENCE)
    while job.state is JobState.PENDING:
        time.sleep(0.001)
    assert not lanes.shutdown(timeout=0.05)
    release.set()
    assert job.wait(PATIENCE)


def test_closing_one_lane_leaves_the_others(lanes: Lanes) -> None:
    gate = Gate(lanes, "other")
    assert lanes.submit("net", len, "").wait(PATIENCE)
    assert lanes.close("net", timeout=PATIENCE)
    assert lanes.close("never there")
    assert not [t for t in threading.enumerate() if t.name.startswith("lane net")]
    gate.open()
    assert gate.job.wait(PATIENCE)
    assert gate.job.state is JobState.COMPLETED
    assert lanes.submit("net", len, "ab").wait(PATIENCE), "the name can be used again"


def test_a_job_may_close_its_own_lanes() -> None:
    lanes = Lanes()
    job = lanes.submit("net", lanes.shutdown, 5.0)
    assert job.wait(PATIENCE)
    assert job.state is JobState.CANCELLED


def test_wrong_arguments_are_refused_at_once(lanes: Lanes) -> None:
    with pytest.raises(TypeError):
        lanes.submit("net", lambda a: a, 1, 2)


def test_an_ended_job_keeps_only_its_result(lanes: Lanes) -> None:
    class Data:
        pass

    data = Data()
    gone = weakref.ref(data)
    job = lanes.submit("net", lambda thing: None, data)
    assert job.wait(PATIENCE)
    del data
    deadline = time.monotonic() + PATIENCE
    while gone() is not None and time.monotonic() < deadline:
        time.sleep(0.001)
    assert gone() is None


def test_hundreds_of_jobs_from_many_threads_each_run_once(lanes: Lanes) -> None:
    ran: list[int] = []
    jobs: list[Job[None]] = []

    def ask(start: int) -> None:
        for i in range(start, start + 100):
            jobs.append(lanes.submit("net", ran.append, i))
            if i % 7 == 0:
                jobs[-1].cancel()

    threads = [threading.Thread(target=ask, args=(100 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(job.wait(PATIENCE) for job in jobs)
    assert len(ran) == len(set(ran))
    completed = sum(job.state is JobState.COMPLETED for job in jobs)
    assert {job.state for job in jobs} <= {JobState.COMPLETED, JobState.CANCELLED}
    assert completed >= 800 - len([i for i in range(800) if i % 7 == 0])


def test_watch_reports_and_checks() -> None:
    heard: list[tuple[int, int, object | None]] = []
    watch = Watch(lambda *report: heard.append(report))
    watch.report(1, 2, "x")
    watch.cancel()
    assert watch.cancelled
    for call in (watch.check, lambda: watch.report(2, 2)):
        with pytest.raises(Cancelled):
            call()
    assert heard == [(1, 2, "x")]


def test_work_needs_the_standard_library_only() -> None:
    code = (
        "import sys, galaxyscope.work.lanes\n"
        "alien = {'numpy', 'torch', 'PySide6', 'astropy'} & set(sys.modules)\n"
        "sys.exit(str(alien) if alien else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_watch_knows_whether_anybody_listens() -> None:
    watch = Watch()
    part = watch.part()
    assert not watch.heard
    assert not part.heard
    watch.listen(lambda *_: None)
    assert watch.heard
    watch.cancel()
    with pytest.raises(Cancelled):
        part.report(1, 2)  # cancelled together, heard or not
