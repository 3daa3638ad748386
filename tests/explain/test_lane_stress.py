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
    found: list[Attribution | BaseException | None], expected: list[Attribution]
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


class Meeting:
    """Holds a thread inside the network until another one comes in, or the time is up.

    What the scheduler does by chance happens here every time: a second explanation enters
    the network before the first has left it, if nothing keeps them apart.
    """

    def __init__(self, logits: Callable[[torch.Tensor], torch.Tensor], timeout: float) -> None:
        self._logits, self._both, self._timeout = logits, threading.Barrier(2), timeout

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self._wait()
        result = self._logits(x)
        self._wait()
        return result

    def _wait(self) -> None:
        try:
            self._both.wait(self._timeout)
        except threading.BrokenBarrierError:
            self._both.reset()


@pytest.mark.parametrize("lane", [True, False])
def test_200_mixed_explanations_at_once_equal_one_after_another(
    small, answer, monkeypatch, lane
) -> None:
    """From eight threads, on a lane; the same without the lane is wrong."""
    asked = requests(200)
    expected = [answer(request, Watch()) for request in asked]
    monkeypatch.setattr(small, "logits", Meeting(small.logits, 0.003))
    with Lanes() as lanes, ThreadPoolExecutor(8) as pool:
        if lane:
            jobs = list(pool.map(lambda request: lanes.submit("network", answer, request), asked))
            assert all(job.wait(60) for job in jobs)
            assert all(job.error is None for job in jobs)
            found = [job.result for job in jobs]
        else:
            futures = [pool.submit(answer, request, Watch()) for request in asked]
            found = [future.exception() or future.result() for future in futures]
    wrong = disagreements(found, expected)
    assert (wrong == []) is lane, f"{len(wrong)} of 200 maps are not as they should be"


def test_without_a_lane_two_explanations_that_overlap_are_wrong(small, answer, monkeypatch) -> None:
    """The smallest case, without chance: captum's hooks of both are on one layer."""
    asked: list[Request] = [("grad-cam", 0, "Class3.1", 0), ("grad-cam", 1, "Class3.2", 0)]
    expected = [answer(request, Watch()) for request in asked]
    assert not np.array_equal(expected[0].values, expected[1].values)
    monkeypatch.setattr(small, "logits", Meeting(small.logits, 10))
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(answer, request, Watch()) for request in asked]
        found = [future.exception() or future.result() for future in futures]
    assert disagreements(found, expected)
