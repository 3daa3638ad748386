"""Fixtures for all tests: the shared real data, and a check that nothing is left behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if "PYTEST_XDIST_WORKER" in os.environ:  # tests on every core: threads would only queue
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell ignores Ctrl-C for what it starts in the background, and processes inherit that: tests
# that interrupt one would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is measured of this machine is kept for the tests alone, those of processes too."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let benchmarks run on a graphics card: ``pytest -m benchmark tests/benchmarks --device``."""
    parser.addoption("--device", default="cpu", choices=("cpu", "cuda", "mps"))


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """Where the networks of a benchmark run."""
    return str(request.config.getoption("--device"))


@pytest.fixture(scope="session")
def accelerator() -> str:
    """Name of a device other than the CPU."""
    from galaxyscope.classify.store import choose_device

    found = choose_device("auto").type
    if found == "cpu":
        pytest.skip("this machine has no graphics card that torch can use")
    return found


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("the shared real data do not lie beside this checkout")
    return SHARED


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread or an active timer behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2.0
    # Library-wide helper threads (tqdm's monitor, torch's pools, ours that draw noise) live as
    # long as the process.
    ours = _new_threads(before)
    while ours and time.monotonic() < deadline:
        time.sleep(0.01)
        ours = _new_threads(before)
    assert not ours, f"the test left threads running: {ours}"
    timers = _active_timers()
    assert not timers, f"the test left timers running: {timers}"


def _new_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    new = [t for t in threading.enumerate() if t not in before and t.is_alive()]
    ours = [t for t in new if type(t).__name__ not in {"TMonitor", "_DummyThread"}]
    return [t for t in ours if not t.name.startswith("drawing-noise")]


def _active_timers() -> list[object]:
    core = sys.modules.get("PySide6.QtCore")
    app = core.QCoreApplication.instance() if core else None
    if core is None or app is None:
        return []
    widgets = sys.modules.get("PySide6.QtWidgets")
    roots: list[object] = [app]
    if widgets is not None:
        roots += [w for w in widgets.QApplication.topLevelWidgets() if w.isVisible()]
    found: list[object] = []
    for root in roots:
        found += [t for t in root.findChildren(core.QTimer) if t.isActive()]
    return found
