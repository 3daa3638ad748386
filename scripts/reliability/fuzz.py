"""Read mutants of good files, in processes that may not take long, nor much memory.

Each process writes an input to disk before it reads it: if it dies, the file that killed it is
known. More than two seconds of CPU on one input ends the process (``SIGPROF``), more than a
GiB of new memory is a `MemoryError` that a reader must turn into a sentence, and the most that
was ever taken is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from scripts.reliability.mutate import mutant
from scripts.reliability.readers import READERS, Reader

CPU_S = 2.0
MEMORY = 2**30
PER_PROCESS = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--count", type=int, default=100_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one reader alone", choices=[r.name for r in READERS])
    parser.add_argument("--keep", type=Path, help="folder for the inputs that show a fault")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Fuzz all readers and print a table; 1 if any showed a fault."""
    if args.work:
        reader, seed, count = args.work
        _work(next(r for r in READERS if r.name == reader), int(seed), int(count))
        return 0
    chosen = [r for r in READERS if args.only in (None, r.name)]
    shares = sum(r.share for r in chosen)
    print(f"seed {args.seed}")
    print("reader    inputs    read refused CPU (s)  MiB faults (most CPU and memory of an input)")
    faults = total = 0
    for reader in chosen:
        count = max(1, round(args.count * reader.share / shares))
        found = _fuzz(reader, args.seed, count, args.keep)
        faults, total = faults + len(found["faults"]), total + found["inputs"]
        print(
            f"{reader.name:8} {found['inputs']:7} {found['read']:7} {found['refused']:7}"
            f" {found['cpu']:6.2f} {found['memory'] / 2**20:6.0f} {len(found['faults']):3}",
            flush=True,
        )
        for fault in found["faults"]:
            print("   ", fault, flush=True)
    print(f"{total} inputs, {faults} faults")
    return 1 if faults else 0


def _fuzz(reader: Reader, seed: int, count: int, keep: Path | None) -> dict:  # type: ignore[type-arg]
    """Work through `count` inputs, a new process after each `PER_PROCESS` and each death."""
    sums = {"inputs": 0, "read": 0, "refused": 0, "cpu": 0.0, "memory": 0, "faults": []}
    part = 0
    while sums["inputs"] < count:
        part += 1
        left = min(PER_PROCESS, count - sums["inputs"])
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            command = [sys.executable, "-m", "scripts.reliability", "fuzz", "--work", reader.name]
            command += [f"{seed * 100_003 + part}", f"{left}"]
            done = subprocess.run(
                command, cwd=_root(), env={**os.environ, "TMPDIR": folder, "OMP_NUM_THREADS": "1"},
                capture_output=True, text=True, errors="replace",
            )  # fmt: skip
            report = Path(folder) / "report.json"
            found = json.loads(report.read_text()) if report.exists() else {}
            for name in ("inputs", "read", "refused"):
                sums[name] += found.get(name, 0)
            for name in ("cpu", "memory"):
                sums[name] = max(sums[name], found.get(name, 0))
            sums["faults"] += found.get("faults", [])
            if done.returncode:
                sums["inputs"] += 1
                why = _death(done.returncode)
                sums["faults"].append(f"{why}: part {part}; {done.stderr.strip()[-300:]}")
                if not found and done.returncode > 0:
                    return sums  # it does not even begin
            if keep is not None:
                _keep_files(Path(folder), keep, reader, part)
    return sums


def _death(code: int) -> str:
    if code == -signal.SIGPROF:
        return f"more than {CPU_S:g} s of CPU"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def _keep_files(folder: Path, keep: Path, reader: Reader, part: int) -> None:
    for path in [*folder.glob("fault-*"), *folder.glob("last/*")]:
        if path.parent.name == "last" and (folder / "finished").exists():
            continue
        keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, keep / f"{reader.name}-{part}-{path.name}")


def _root() -> Path:
    return Path(__file__).resolve().parents[2]


def _work(reader: Reader, seed: int, count: int) -> None:
    """In a process of its own: read mutants; the report is written as it grows."""
    warnings.simplefilter("error")
    chance, folder = random.Random(seed), Path(os.environ["TMPDIR"])
    seeds, refusals = reader.seeds(), reader.refusals()
    place = folder / "last"
    place.mkdir()
    path = place / reader.file
    for good in seeds:  # imports, and a proof that the good ones are good
        path.write_bytes(good)
        try:
            reader.read(path)
        except refusals as refusal:
            if "table" not in str(refusal):  # a file of tables alone is a seed, too
                raise
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    _limit_memory()
    sums = {"inputs": 0, "read": 0, "refused": 0, "cpu": 0.0, "memory": 0, "faults": []}
    for _ in range(count):
        for old in place.iterdir():
            old.unlink() if not old.is_dir() else shutil.rmtree(old)
        path.write_bytes(mutant(chance, seeds))
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, CPU_S)
        try:
            outcome = _read(reader, path, refusals)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        sums["cpu"] = max(sums["cpu"], time.process_time() - started)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        sums["memory"] = max(sums["memory"], peak - base)
        sums["inputs"] += 1
        if outcome in ("read", "refused"):
            sums[outcome] += 1
        else:
            sums["faults"].append(outcome)
            shutil.copy(path, folder / f"fault-{sums['inputs']}-{path.name}")
        if outcome not in ("read", "refused") or sums["inputs"] % 50 == 0:
            (folder / "report.json").write_text(json.dumps(sums))
    (folder / "report.json").write_text(json.dumps(sums))
    (folder / "finished").touch()


def _read(reader: Reader, path: Path, refusals: tuple[type[Exception], ...]) -> str:
    """``"read"``, ``"refused"`` or what is wrong."""
    try:
        reader.read(path)
    except refusals as refusal:
        said = str(refusal)
        if not said or "\n" in said or len(said) > 800 or "\x1b" in said:
            return f"no clear sentence: {said[:120]!r}"
        return "refused"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:120]!r} at {where.filename}:{where.lineno}"
    return "read"


def _limit_memory() -> None:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(s for s in status.read_text().splitlines() if s.startswith("VmSize"))
        most = int(line.split()[1]) * 1024 + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
