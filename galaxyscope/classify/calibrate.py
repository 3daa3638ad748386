"""Which way to run a network is fastest here, and agrees with float32? Measured, then remembered.

There is no rule: bfloat16 halves the time of a convolution network on some CPUs and doubles
that of a transformer's way back. So each network is timed once per device in every combination
of number format, memory layout and folded batch norms, forward and backward, and then with
several batch sizes. Timings are *paired*: a round times the plain network and every candidate
one after the other, and what counts is the median over rounds of the quotient, so that other
work on the machine slows both sides. A candidate must agree with the plain network
(:data:`AGREEMENT`) and be faster by :data:`_WORTH`, else the simpler one stays. Only how long a
batch may take before a cancel is heard is absolute. A graphics card is asked about as many pictures
as the plain network does best: with a few it waits for the processor in every mode.

The result lies in the user's cache folder, keyed by weights, device, torch and number of
threads. A damaged file there counts as none.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import appdirs
import numpy as np
import torch
from torch import Tensor

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.memory import give_back, out_of_memory
from galaxyscope.classify.modes import PRECISIONS, WORKS, Mode, Modes, Run, Work, runner
from galaxyscope.work.watch import Watch

AGREEMENT: Mapping[tuple[Work, str], float] = {
    ("forward", "fp32"): 1e-4,
    ("forward", "bf16"): 0.01,
    ("backward", "fp32"): 1e-3,
    ("backward", "bf16"): 0.1,
}
"""Largest difference of a probability (forward); largest relative error, in the root of the sum
of squares, of the map gradient × picture of a single picture (backward). 0.1 there means a
correlation of at least 0.995."""

_FINAL: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda logits: logits.softmax(-1),
    "identity": lambda logits: logits,
}
USUAL_BATCH = 4
SECONDS = 5.0
_SHARES: Mapping[Work, float] = {"forward": 0.35, "backward": 0.65}  # of the time
_FORMAT = 4  # changes with what a mode does, so that old figures are measured anew
_WORTH, _WORTH_A_LARGER_BATCH = 1.03, 1.04
_ROUNDS = 3, 9  # at least, at most
_HOPELESS = 4.0, 0.05  # times the plain network, and seconds, above which a format is given up
_PICTURES = 4
_BATCHES = (8, 16, 32, 64, 256)  # fewer than usual are no faster, but beside other programs
_LONGEST_BATCH = 0.4  # seconds; a cancel takes effect after one batch


def calibrate(classifier: Classifier, watch: Watch | None = None, seconds: float = SECONDS) -> None:
    """Measure how a network runs best on its device, remember it and use it from now on.

    Parameters
    ----------
    classifier : Classifier
        Used by nobody else meanwhile. Of an ensemble each member is measured; one for which
        memory runs out stays as it is, with a notice.
    watch : Watch, optional
        Checked between timings.
    seconds : float
        About how long it may take in all; slow networks get their three rounds all the same.

    Raises
    ------
    Cancelled
        Soon after ``watch.cancel()``; nothing is remembered then.
    """
    watch, members = watch or Watch(), classifier.members
    for number, member in enumerate(members):
        modes: dict[tuple[Work, str], Mode] = {}
        try:
            for work, share in _SHARES.items():
                watch.report(len(WORKS) * number + len(modes) // 2, len(WORKS) * len(members))
                bench = _Bench(member, work, seconds * share / len(members), watch)
                modes |= {(work, asked): bench.best(asked) for asked in PRECISIONS}
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            modes = {}
        if modes:
            member.calibrated(modes)
            _remember(member, modes)
        else:
            give_back()
            member.notice(
                f"The memory of {member.device} does not suffice to try how the network runs best."
            )
    watch.report(len(WORKS) * len(members), len(WORKS) * len(members))


def recalled(classifier: Classifier) -> Modes:
    """Return what was measured before for this network here; empty where there is nothing."""
    try:
        kept = json.loads(cache_file(classifier).read_text(encoding="utf-8"))
        modes = {(one.pop("work"), one.pop("asked")): Mode(**one) for one in kept["modes"]}
        return modes if modes.keys() == {(w, p) for w in WORKS for p in PRECISIONS} else {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def cache_file(classifier: Classifier) -> Path:
    """Where the figures for this network, device, torch and number of threads lie."""
    card = classifier.card
    what = (card.sha256, card.input_size, card.activation)
    key = json.dumps([_FORMAT, *what, *_circumstances(classifier).values()])
    folder = Path(appdirs.user_cache_dir("galaxyscope", appauthor=False)) / "calibration"
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def pictures(size: int, count: int = _PICTURES) -> Tensor:
    """Discs with a bar and some noise, (count, 3, size, size) in [0, 1]; always the same."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((size, size)) / (size - 1) - 0.5
    found = []
    for angle in rng.uniform(0, math.pi, count):
        along = columns * math.cos(angle) + rows * math.sin(angle)
        across = rows * math.cos(angle) - columns * math.sin(angle)
        disc = 0.5 * np.exp(-np.hypot(along, across * 1.3) / 0.15)
        bar = 0.4 * np.exp(-((along / 0.2) ** 4) - (across / 0.04) ** 2)
        light = (disc + bar) * np.array([1.0, 0.9, 0.7])[:, None, None]
        found.append(np.clip(light + rng.normal(0.03, 0.02, (3, size, size)), 0, 1))
    return torch.from_numpy(np.array(found, np.float32))


class _Bench:
    """Timings of one network at one kind of work."""

    def __init__(self, classifier: Classifier, work: Work, seconds: float, watch: Watch) -> None:
        self._classifier, self._work, self._watch = classifier, work, watch
        self._seconds = seconds
        card = classifier.card
        self._target = classifier.class_index(next(iter(card.targets), card.classes[0]))
        self._x = self._pictures = pictures(card.input_size).to(classifier.device)
        self._plain = Mode(batch=USUAL_BATCH)
        self._runs: dict[Mode, Run] = {self._plain: classifier.network}
        if classifier.device.type != "cpu":
            self._x = self._stack(self._batched(self._plain).batch)
        began = time.perf_counter()
        self._truth = self._answer(classifier.network)
        self._once = time.perf_counter() - began
        gains = self._race(self._agreeing(), seconds * 0.6)
        chosen = self._chosen(gains)
        batched = {mode: self._batched(mode) for mode in set(chosen.values())}
        self._best = {asked: batched[mode] for asked, mode in chosen.items()}

    def best(self, asked: str) -> Mode:
        return self._best[asked]

    def _stack(self, batch: int) -> Tensor:
        return self._pictures.repeat(-(-batch // _PICTURES), 1, 1, 1)[:batch]

    def _agreeing(self) -> list[Mode]:
        """Modes that run on this device and agree with the plain network."""
        found, hopeless = [], set[str]()
        for precision in ("fp32", "bf16"):
            for folded in (False, True):
                for channels_last in (False, True):
                    self._watch.check()
                    mode = Mode(precision, channels_last, folded, USUAL_BATCH)
                    if mode == self._plain or precision in hopeless:
                        continue
                    try:
                        run = runner(self._classifier.network, mode)
                        if self._x.device.type != "cpu":
                            self._answer(run)  # the first time kernels are loaded
                        began = time.perf_counter()
                        error = self._error(self._answer(run))
                    except (RuntimeError, ValueError, NotImplementedError, TypeError):
                        continue  # not possible here
                    took = time.perf_counter() - began
                    if took > _HOPELESS[0] * self._once and took > _HOPELESS[1]:
                        hopeless.add(precision)  # emulated: this CPU does not know the format
                        continue
                    if error <= AGREEMENT[self._work, precision]:  # False for NaN too
                        mode = dataclasses.replace(mode, error=error)
                        self._runs[mode] = run
                        found.append(mode)
        return found

    def _answer(self, run: Run) -> Tensor:
        """Probabilities, or the maps gradient × picture; float64 on the CPU."""
        x = self._pictures
        if self._work == "forward":
            with torch.no_grad():
                logits = run(x).cpu().double()  # MPS has no float64
                return _FINAL[self._classifier.card.activation](logits)
        return (self._gradient(run, x) * x).sum(1).cpu().double()

    def _gradient(self, run: Run, x: Tensor) -> Tensor:
        x = x.detach().requires_grad_(True)
        return torch.autograd.grad(run(x)[:, self._target].sum(), x)[0]

    def _error(self, answer: Tensor) -> float:
        off = answer - self._truth
        if self._work == "forward":
            return float(off.abs().max())
        size = self._truth.flatten(1).norm(dim=1)
        return float((off.flatten(1).norm(dim=1) / size).max())

    def _seconds_of(self, run: Run, x: Tensor) -> float:
        self._watch.check()
        _synchronise(x.device)
        began = time.perf_counter()
        if self._work == "forward":
            with torch.no_grad():
                run(x)
        else:
            self._gradient(run, x)
        _synchronise(x.device)
        return time.perf_counter() - began

    def _own_seconds_of(self, run: Run, x: Tensor) -> float:
        """Without what other programs take of a CPU: they will not always be there."""
        began = time.process_time()
        took = self._seconds_of(run, x)
        if x.device.type != "cpu":
            return took
        return min(took, (time.process_time() - began) / torch.get_num_threads())

    def _race(self, modes: Sequence[Mode], seconds: float) -> dict[Mode, float]:
        """Speed of each mode over that of the plain one."""
        gains: dict[Mode, float] = {}
        for precision in ("fp32", "bf16"):  # apart, since hopeless ones leave a race early
            some = {m: (self._runs[m], self._x) for m in modes if m.precision == precision}
            gains |= self._paired(some, (self._runs[self._plain], self._x), seconds / 2)
        return gains

    def _paired(
        self,
        candidates: Mapping[Any, tuple[Run, Tensor]],
        reference: tuple[Run, Tensor],
        seconds: float,
    ) -> dict[Any, float]:
        """Median over rounds of the time per picture of the reference over that of each."""
        ends = time.perf_counter() + seconds
        gains: dict[Any, list[float]] = {key: [] for key in candidates}
        alive = list(candidates)
        for turn in range(_ROUNDS[1]):
            if turn >= _ROUNDS[0] and time.perf_counter() > ends:
                break
            plain = self._seconds_of(*reference) / len(reference[1])
            for key in alive:
                run, x = candidates[key]
                gains[key].append(plain / (self._seconds_of(run, x) / len(x)))
            if turn >= 1:
                top = max((statistics.median(gains[key]) for key in alive), default=1.0)
                alive = [key for key in alive if statistics.median(gains[key]) > 0.7 * top]
        return {key: statistics.median(values) for key, values in gains.items()}

    def _chosen(self, gains: Mapping[Mode, float]) -> dict[str, Mode]:
        """Choose the best mode for each of `PRECISIONS`; a simpler one that is about as fast."""
        found = {}
        for asked in PRECISIONS:
            best = self._plain
            for mode, gain in gains.items():  # from simple to involved
                allowed = asked == "auto" or mode.precision == "fp32"
                if allowed and gain > _WORTH * best.gain:
                    best = dataclasses.replace(mode, gain=gain)
            found[asked] = best
        return found

    def _batched(self, mode: Mode) -> Mode:
        """Find the best batch of a mode."""
        key, usual = dataclasses.replace(mode, gain=1.0), len(self._x)
        run = self._runs[key]
        once = min(self._own_seconds_of(run, self._x) for _ in range(2)) / usual
        fitting = {}
        for batch in _BATCHES:
            x = self._stack(batch)
            if batch * once > _LONGEST_BATCH:
                break
            try:
                once = min(once, self._own_seconds_of(run, x) / batch)  # larger ones are faster
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                break
            fitting[batch] = (run, x)
        gains = self._paired(fitting, (run, self._x), self._seconds * 0.2)
        best, factor = usual, 1.0
        for batch, gain in gains.items():
            if gain > _WORTH_A_LARGER_BATCH * factor:
                best, factor = batch, gain
        if once * best > _LONGEST_BATCH:  # too slow to be cancelled
            best = max(1, int(_LONGEST_BATCH / once))
        return dataclasses.replace(mode, batch=best, gain=round(mode.gain * factor, 3))


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _circumstances(classifier: Classifier) -> dict[str, str]:
    device = classifier.device
    return {
        "device": _device_name(device),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()) if device.type == "cpu" else "",
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        capability = torch.backends.cpu.get_cpu_capability()
        return f"{_cpu_name()}, {capability}, {os.cpu_count()} cores"
    return f"{device.type}, {platform.machine()}, {platform.release()}"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model n"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _remember(classifier: Classifier, modes: Modes) -> None:
    """Write the figures whole or not at all; a cache that cannot be written is none."""
    path = cache_file(classifier)
    kept = {
        "model": classifier.card.name,
        **_circumstances(classifier),
        "modes": [
            {"work": work, "asked": asked, **dataclasses.asdict(mode)}
            for (work, asked), mode in modes.items()
        ],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1)
        os.replace(temporary, path)
    except OSError:
        return
