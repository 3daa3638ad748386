"""Why networks have lanes: hundreds of explanations at once are those of one after another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from galaxyscope.explain.protocol import Attribution
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.work.jobs import Job
from galaxyscope.work.lanes import Lanes
from galaxyscope.work.watch import Watch

Request = tuple[str, int, str, int]
"""Method, number of the picture, target, seed."""


def requests(count: int) -> list[Request]:
    """All methods, targets and several pictures, mixed."""
    rng = np.random.default_rng(0)
    targets = ("Class3.1", "Class3.2", "Class1.1")
    names = list(METHODS)
    return [
        (names[i % 5], int(rng.integers(4)), targets[int(rng.integers(3))], i) for i in range(count)
    ]


@pytest.fixture
def answer(small, make_input) -> Callable[..., Attribution]:
    """Explain one request on the one network."""
    pictures = [make_input(seed=seed) for seed in range(4)]

    def explain(request: Request, watch: Watch) -> Attribution:
        name, picture, target, seed = request
        ask = {"samples": 16, "seed": seed} if name.startswith("smoothgrad/") else {}
        return method(name).explain(small, pictures[picture], target, ask, watch)

    return explain


def disagreements(
    found: list[Attribution | BaseException], expected: list[Attribution]
) -> list[int]:
    """Which maps are not those that the same requests give one after another."""
    return [
        i
        for i, (one, other) in enumerate(zip(found, expected, strict=True))
        if not (
            isinstance(one, Attribution)
            and one.target == other.target
            and np.array_equal(one.values, other.values)
        )
    ]


def test_200_mixed_explanations_at_once_equal_one_after_another(answer) -> None:
    asked = requests(200)
    expected = [answer(request, Watch()) for request in asked]
    jobs: dict[int, Job[Attribution]] = {}
    with Lanes() as lanes:

        def ask(first: int) -> None:
            for i in range(first, len(asked), 8):
                jobs[i] = lanes.submit("network", answer, asked[i])

        threads = [threading.Thread(target=ask, args=(first,)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(job.wait(60) for job in jobs.values())
    assert all(job.error is None for job in jobs.values())
    found = [jobs[i].result for i in range(len(asked))]
    assert disagreements(found, expected) == []


class Meeting:
    """Makes two threads enter the network together; alone, it lets a thread pass."""

    def __init__(self, logits: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._logits, self._both = logits, threading.Barrier(2)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self._wait()
        result = self._logits(x)
        self._wait()
        return result

    def _wait(self) -> None:
        try:
            self._both.wait(timeout=0.2)
        except threading.BrokenBarrierError:
            self._both.reset()


@pytest.mark.parametrize("on_a_lane", [True, False])
def test_without_the_lane_the_maps_are_wrong(small, answer, monkeypatch, on_a_lane) -> None:
    """The twin: the same two requests, made to overlap. Only the lane keeps them apart."""
    asked: list[Request] = [("grad-cam", 0, "Class3.1", 0), ("grad-cam", 1, "Class3.2", 0)]
    expected = [answer(request, Watch()) for request in asked]
    assert not np.array_equal(expected[0].values, expected[1].values)
    monkeypatch.setattr(small, "logits", Meeting(small.logits))
    found: list[Attribution | BaseException]
    if on_a_lane:
        with Lanes() as lanes:
            jobs = [lanes.submit("network", answer, request) for request in asked]
            assert all(job.wait(20) for job in jobs)
            found = [job.result for job in jobs]
        assert disagreements(found, expected) == []
    else:
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(answer, request, Watch()) for request in asked]
            found = [future.exception() or future.result() for future in futures]
        assert disagreements(found, expected), "captum's hooks of both are on one layer"
