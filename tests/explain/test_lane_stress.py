"""Why networks have lanes: many explanations at once are those of one after another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.explain.protocol import Attribution
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.work.lanes import IO, Lanes
from galaxyscope.work.watch import Watch

Request = tuple[str, int, str, int]
"""Method, number of the picture, target, seed."""

#: Methods of attention have their own tests; the network here has none.
ON_CONVOLUTIONS = [name for name, found in METHODS.items() if found.card.family != "Transformers"]


@pytest.fixture
def small(small):
    """With a max pooling, which every method can use."""
    small.network.features.append(nn.MaxPool2d(3, stride=1, padding=1))
    return small


def requests(count: int) -> list[Request]:
    """All methods, targets and several pictures, mixed."""
    rng = np.random.default_rng(0)
    targets = ("Class3.1", "Class3.2", "Class1.1")
    names = list(ON_CONVOLUTIONS)
    return [
        (names[i % len(names)], int(rng.integers(4)), targets[int(rng.integers(3))], i)
        for i in range(count)
    ]


@pytest.fixture
def answer(small, make_input, few) -> Callable[..., Attribution]:
    """Explain one request on the one network."""
    pictures = [make_input(seed=seed) for seed in range(4)]

    def explain(request: Request, watch: Watch) -> Attribution:
        name, picture, target, seed = request
        return method(name).explain(small, pictures[picture], target, few(name, seed=seed), watch)

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


@pytest.mark.parametrize("lane", ["network", IO])
def test_many_mixed_explanations_at_once_equal_one_after_another(
    small, answer, monkeypatch, lane: str
) -> None:
    """From eight threads, on a lane; the pool has no lane and must give wrong maps.

    Every request finds the network in training mode, puts that off and leaves it as it was:
    without a lane, under the feet of the others.
    """

    def ask(request: Request, watch: Watch) -> Attribution:
        small.network.train()
        return answer(request, watch)

    asked = requests(200)
    expected = [answer(request, Watch()) for request in asked]
    monkeypatch.setattr(small, "logits", Meeting(small.logits, 0.001))
    with Lanes() as lanes, ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda request: lanes.submit(lane, ask, request), asked))
        assert all(job.wait(120) for job in jobs)
        found = [job.result if job.error is None else job.error.exception for job in jobs]
    wrong = disagreements(found, expected)
    assert bool(wrong) == (lane == IO), f"{len(wrong)} of {len(asked)} maps are wrong"


def test_without_a_lane_two_explanations_that_overlap_are_wrong(small, answer, monkeypatch) -> None:
    """The first to finish puts the network's mode back while the second still runs."""
    request: Request = ("gradient", 0, "Class3.1", 0)
    small.network.drop.p = 0.9
    expected = answer(request, Watch())
    small.network.train()
    inner, callers = small.logits, []
    both, finished = threading.Event(), threading.Event()

    def logits(x: torch.Tensor) -> torch.Tensor:
        callers.append(threading.get_ident())
        if len(callers) == 1:
            second.start()
            assert both.wait(10)
        else:
            both.set()
            assert finished.wait(10)
        return inner(x)

    monkeypatch.setattr(small, "logits", logits)
    found: list[Attribution | BaseException | None] = []
    second = threading.Thread(target=lambda: found.append(answer(request, Watch())))
    first = answer(request, Watch())
    finished.set()
    second.join(10)
    assert not disagreements([first], [expected])
    assert disagreements(found, [expected]) == [0]
