"""From jobs to the window: threads, throttle, errors, the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from galaxyscope.gui.bridge import SECONDS_BETWEEN_PARTIALS, Bridge, Task
from galaxyscope.work.jobs import JobState
from galaxyscope.work.lanes import Lanes
from galaxyscope.work.watch import Watch


@pytest.fixture
def bridge(qapp: Any) -> Iterator[Bridge]:
    made = Bridge(Lanes(io_threads=1))
    yield made
    made.close("none")


def task(function: Any, **more: Any) -> Task:
    return Task(
        "test", None, more.pop("lane", "lane"), function, **{"done": lambda _: None, **more}
    )


def test_results_come_on_the_gui_thread(bridge: Bridge, qtbot: Any) -> None:
    found: list[Any] = []
    bridge.run(task(threading.get_ident, done=lambda r: found.append((r, threading.get_ident()))))
    qtbot.waitUntil(lambda: bool(found))
    worker, gui = found[0]
    assert gui == threading.get_ident() != worker


def test_partials_are_throttled_and_prepared_elsewhere(bridge: Bridge, qtbot: Any) -> None:
    shown: list[int] = []
    threads: set[int] = set()

    def work(watch: Watch) -> str:
        end = time.monotonic() + 0.5
        count = 0
        while time.monotonic() < end:
            count += 1
            watch.report(count, 10**9, count)
            time.sleep(0.0005)
        return "done"

    def prepare(partial: int) -> int:
        threads.add(threading.get_ident())
        return -partial

    done: list[str] = []
    bridge.run(task(work, partial=shown.append, prepare=prepare, done=done.append))
    qtbot.waitUntil(lambda: bool(done))
    assert 3 <= len(shown) <= 0.5 / SECONDS_BETWEEN_PARTIALS + 2
    assert all(value < 0 for value in shown)
    assert threads
    assert threading.get_ident() not in threads


def test_a_slow_window_gets_fewer_partials_not_a_queue(bridge: Bridge, qtbot: Any) -> None:
    shown: list[int] = []
    worked = threading.Event()

    def work(watch: Watch) -> None:
        for count in range(1, 101):
            watch.report(count, 100, count)
            time.sleep(0.005)
        worked.set()

    done: list[Any] = []
    bridge.run(task(work, partial=shown.append, done=lambda _: done.append(1)))
    assert worked.wait(30)  # the window is busy while all the work is done
    qtbot.waitUntil(lambda: bool(done))
    assert len(shown) <= 1


def test_errors_are_values(bridge: Bridge, qtbot: Any) -> None:
    def work() -> None:
        raise OSError("the disk is full")

    failed: list[Any] = []
    one = bridge.run(task(work, failed=failed.append))
    qtbot.waitUntil(lambda: bool(failed))
    assert str(failed[0]) == "the disk is full"
    assert one.state is JobState.FAILED
    assert bridge.running == []


def test_a_replaced_task_is_cancelled_and_forgotten(bridge: Bridge, qtbot: Any) -> None:
    gate = threading.Event()
    bridge.run(task(gate.wait))
    ends: list[str] = []
    for name in "abc":
        bridge.run(
            task(
                lambda: None,
                key="same",
                done=lambda _, name=name: ends.append(f"{name} done"),
                cancelled=lambda name=name: ends.append(f"{name} cancelled"),
            )
        )
    gate.set()
    qtbot.waitUntil(lambda: len(ends) == 3)
    assert sorted(ends) == ["a cancelled", "b cancelled", "c done"]
    qtbot.waitUntil(lambda: bridge.running == [])


def test_close_finishes_what_has_to_be_kept(qapp: Any) -> None:
    bridge = Bridge(Lanes(io_threads=1))
    kept: list[int] = []

    def keep(number: int) -> None:
        time.sleep(0.02)
        kept.append(number)

    def forever(watch: Watch) -> None:
        while True:
            watch.check()
            time.sleep(0.005)

    bridge.run(task(forever, lane="network"))
    for number in range(5):
        bridge.run(task(lambda n=number: keep(n), lane="session"))
    started = time.monotonic()
    assert bridge.close(finish="session")
    assert time.monotonic() - started < 1.0
    assert kept == [0, 1, 2, 3, 4]


def test_work_that_nobody_waits_for_gives_way(bridge: Bridge, qtbot: Any) -> None:
    """It is cancelled by the next task of its lane, not by one of another lane."""
    began, said = threading.Event(), []

    def idle(watch: Watch) -> None:
        began.set()
        while True:
            watch.check()
            time.sleep(0.001)

    patient = bridge.run(task(idle, gives_way=True, cancelled=lambda: said.append("gave way")))
    assert began.wait(2)
    bridge.run(task(lambda: None, lane="io", done=lambda _: said.append("other lane")))
    qtbot.waitUntil(lambda: said == ["other lane"])
    assert patient.state is JobState.BUSY
    bridge.run(task(lambda: None, done=lambda _: said.append("same lane")))
    qtbot.waitUntil(lambda: len(said) == 3)
    assert said[1:] == ["gave way", "same lane"]
