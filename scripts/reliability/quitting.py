"""Quit in the middle of every kind of job: the program ends at once, cleanly, without a word.

Each time a new process opens the real program (its ``main``) without a screen, begins a job and
closes the window at a random moment.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.reliability import stage

JOBS = (
    "start", "load", "predict", "explain", "preflight", "thumbnails", "read", "draw", "export",
    "save", "open", "measure", "script", "models",
)  # fmt: skip
PATIENCE_S = 60.0
MODEL = "bars"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--count", type=int, default=50, help="how often it is quit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Quit again and again; 1 if it ever crashed, complained or did not end."""
    if args.work:
        job, seed, folder = args.work
        return _work(job, int(seed), Path(folder))
    chance, faults, longest = random.Random(args.seed), [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        stage.galaxies(Path(folder) / "pictures", 30)
        for number in range(args.count):
            job = JOBS[number % len(JOBS)]
            command = [sys.executable, "-m", "scripts.reliability", "quitting", "--work", job]
            command += [f"{chance.randrange(2**31)}", folder]
            started = time.monotonic()
            try:
                done = subprocess.run(
                    command, cwd=Path(__file__).resolve().parents[2], capture_output=True,
                    text=True, timeout=PATIENCE_S * 3,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                faults.append(f"{number} {job}: did not end in {PATIENCE_S * 3:g} s")
                continue
            words = done.stdout.split()
            if done.returncode or done.stderr.strip() or words[:1] != ["closed"]:
                said = (done.stdout + done.stderr).strip()[-1500:]
                faults.append(f"{number} {job}: exit status {done.returncode}: {said}")
            else:
                longest = max(longest, float(words[1]))
            print(f"{number + 1:3} {job:10} {time.monotonic() - started:6.1f} s", flush=True)
    print(f"seed {args.seed}: quit {args.count} times in {len(JOBS)} kinds of job;", end=" ")
    print(f"longest from close to end {longest:.2f} s; {len(faults)} faults")
    for fault in faults:
        print("  ", fault)
    return 1 if faults else 0


def _work(job: str, seed: int, folder: Path) -> int:
    """Open the program, begin the job, close the window at a random moment."""
    chance = random.Random(seed)
    stage.homes(folder / "home")
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from galaxyscope.gui import app
    from galaxyscope.gui.window import MainWindow
    from galaxyscope.work.ending import end

    application = QApplication([])
    closed: list[float] = []

    def window() -> MainWindow | None:
        found = [w for w in application.topLevelWidgets() if isinstance(w, MainWindow)]
        return found[0] if found else None

    def close() -> None:
        shown = window()
        if shown is not None:
            closed.append(time.monotonic())
            shown.close()
        elif not closed:
            QTimer.singleShot(5, close)

    def begin() -> None:
        shown = window()
        if shown is None or not _ready(shown, job):
            QTimer.singleShot(5, begin)
            return
        _begin(shown, job, folder, chance)
        # Jobs are short or long: half of the moments fall into the first tenths of a second.
        QTimer.singleShot(int(1000 * stage.spread(chance, 2.0)), close)

    QTimer.singleShot(0, begin)
    QTimer.singleShot(int(1000 * PATIENCE_S), close)
    with stage.listening() as complaints:
        code = app.main([str(folder / "pictures")])
    print("closed", f"{time.monotonic() - closed[0]:.3f}" if closed else "never")
    for text in complaints.heard:
        print(text, file=sys.stderr)
    return end(code)  # as the program itself ends, also where a network is still being loaded


def _ready(window: object, job: str) -> bool:
    """Whether a job can be begun."""
    if job in ("start", "load", "thumbnails", "models"):
        return True
    picture = window.canvas.image is not None  # type: ignore[attr-defined]
    if job in ("predict", "explain", "preflight", "measure"):
        return bool(picture and window.classifying.classifier is not None)  # type: ignore[attr-defined]
    return bool(picture)


def _begin(window: object, job: str, folder: Path, chance: random.Random) -> None:
    from galaxyscope.gui.window import MainWindow

    assert isinstance(window, MainWindow)
    out = folder / f"out-{os.getpid()}"
    if job == "load":
        window.classifying.load(MODEL)
    elif job == "predict":
        for galaxy in window.workspace.galaxies:
            window.classifying.fill_badge(galaxy)
    elif job == "explain":
        window.explaining.explain()
    elif job == "measure":
        window.explaining.measure_bar()
    elif job == "preflight":
        window.explain_panel.method.choose("occlusion")
    elif job == "thumbnails":
        window.browsing.open([folder / "pictures"])
    elif job == "read":
        for _ in range(6):
            window.browsing.next()
    elif job == "models":
        window.choosing.look()
    elif job in ("draw", "export", "save", "script"):
        for _ in range(8):
            ends = tuple((chance.uniform(0, 95), chance.uniform(0, 95)) for _ in range(2))
            window.canvas.line_drawn.emit(ends)
        if job == "export":
            window.measuring.export(out.with_suffix(".vot"))
        elif job == "save":
            window.sessions.save(out.with_suffix(".galaxyscope"))
        elif job == "script":
            window.measuring.export_script(out.with_suffix(".py"))
    elif job == "open":
        window.sessions.save(out.with_suffix(".galaxyscope"))
        window.sessions.close_shared()
        window.sessions.open(out.with_suffix(".galaxyscope"))
