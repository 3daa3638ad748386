"""Kill a window that is at work at random moments: nothing that its table showed may be lost.

The window runs in a process of its own, without a screen. It draws, changes and deletes lines,
measures, sets scales, undoes and redoes, goes from galaxy to galaxy, and writes what its table
shows to a pipe each time that changes. It is killed (``SIGKILL``) at a random moment; then the
session on disk is compared with what was shown last of every galaxy. Only the one change that
was under way in that moment may have been made or not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.reliability import stage

# What follows from other rows is brought up to date with the next change of the picture.
DERIVED = ("difference_percent", "difference_deg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--count", type=int, default=200, help="how often it is killed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3.0, help="latest moment of a kill")


def run(args: argparse.Namespace) -> int:
    """Kill and compare; 1 if anything was lost."""
    import galaxyscope.gui.app  # once, so that each child starts at once

    assert galaxyscope.gui.app
    chance, lost, shown, changes = random.Random(args.seed), [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        pictures = stage.galaxies(Path(folder) / "pictures", 3)
        for number in range(args.count):
            session = Path(folder) / f"{number}" / "session.sqlite"
            lines = _killed_run(session, pictures, chance, args.seconds)
            tables = [line["rows"] for line in lines if "rows" in line]
            shown += len(tables[-1]) if tables else 0
            changes += len(tables)
            lost += [f"run {number}: {fault}" for fault in _compare(session, lines)]
    print(f"seed {args.seed}: killed {args.count} times, {changes} tables shown,", end=" ")
    print(f"{shown} rows in those shown last, {len(lost)} lost")
    for fault in lost:
        print("  ", fault)
    return 1 if lost or not shown else 0


def _killed_run(
    session: Path, pictures: Path, chance: random.Random, latest: float
) -> list[dict[str, Any]]:
    """Run a window, kill it, and return what it said before."""
    seed, moment = chance.randrange(2**31), chance.uniform(0.0, latest)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            _work(session, pictures, random.Random(seed), write)
        finally:
            os._exit(3)
    os.close(write)
    said = bytearray()
    with os.fdopen(read, "rb", buffering=0) as pipe:
        said += pipe.read(1 << 16) or b""  # the clock starts with the first table
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        while part := pipe.read(1 << 16):
            said += part
    _, status = os.waitpid(child, 0)
    lines = [json.loads(line) for line in bytes(said).split(b"\n")[:-1]]
    if not os.WIFSIGNALED(status):
        lines.append({"fault": f"the window ended by itself ({status})"})
    return lines


def _compare(session: Path, lines: list[dict[str, Any]]) -> list[str]:
    """Tell what was shown and is not on disk, or is there but was neither shown nor under way."""
    from galaxyscope.records.store import Session

    faults = [line["fault"] for line in lines if "fault" in line]
    shown: dict[str, list[dict[str, Any]]] = {}
    doing: dict[str, Any] = {}
    for line in lines:
        if "doing" in line:
            doing = line
        elif "rows" in line:
            shown[line["sha256"]] = line["rows"]
    with Session(session) as there:
        for sha256, rows in shown.items():
            kept = {r.id: _plain(r) for r in there.records(sha256)}
            seen = {row["id"]: row for row in rows}
            free = set(doing.get("ids", ())) if doing.get("sha256") == sha256 else set()
            for key, row in seen.items():
                if key not in free and kept.get(key) != row:
                    faults.append(f"{row['kind']} {key[:8]} was shown and is not there")
            extra = kept.keys() - seen.keys() - free
            if extra and not (len(extra) == 1 and doing.get("sha256") == sha256):
                faults.append(f"{len(extra)} rows are there that were never shown")
    return faults


def _plain(record: Any) -> dict[str, Any]:
    import dataclasses

    values = dataclasses.asdict(record)
    return {k: v for k, v in json.loads(json.dumps(values)).items() if k not in DERIVED}


def _work(session: Path, pictures: Path, chance: random.Random, pipe: int) -> None:
    """Work without end, and say what is shown."""

    def say(**what: Any) -> None:
        os.write(pipe, json.dumps(what).encode() + b"\n")

    stage.homes(session.parent / "home")
    window = stage.make_window(session, session.parent / "window.ini")
    table = window.measurements.table

    def show() -> None:
        galaxy = window.workspace.current
        if galaxy is not None and galaxy.image is not None:
            say(sha256=galaxy.image.sha256, rows=[_plain(row) for row in table.records])

    table.modelReset.connect(show)
    table.dataChanged.connect(lambda *_: show())
    window.open([pictures])
    stage.until(lambda: window.canvas.image is not None)
    window.sessions.start()
    show()
    last: list[str] = []
    while True:
        _step(window, chance, say, last)


def _step(window: Any, chance: random.Random, say: Any, last: list[str]) -> None:
    """Do one thing and wait until it is shown."""
    galaxy, rows = window.workspace.current, list(window.measurements.table.records)
    if galaxy.image is None:
        stage.until(lambda: galaxy.image is not None)
        return
    drawn = [row.id for row in rows if row.kind == "drawn"]
    every = [row.id for row in rows]
    kind = chance.choice(("draw", "draw", "draw", "change", "delete", "bar", "scale", "undo"))
    kind = "next" if chance.random() < 0.1 else "redo" if chance.random() < 0.1 else kind
    ends = tuple((chance.uniform(0, 95), chance.uniform(0, 95)) for _ in range(2))
    if kind in ("change", "delete") and not drawn:
        kind = "draw"
    target = chance.choice(drawn) if kind in ("change", "delete") else ""
    # Undoing may touch any row and show another galaxy; a scale changes all rows.
    free = {"draw": [], "change": [target], "delete": [target]}.get(kind, every)
    stack = window.undo
    if kind in ("undo", "redo"):
        can = stack.canUndo() if kind == "undo" else stack.canRedo()
        if not can:
            return
    say(doing=kind, sha256=galaxy.image.sha256, ids=free)
    if kind == "next":
        window.browsing.next() if chance.random() < 0.5 else window.browsing.previous()
    elif kind == "draw":
        window.canvas.line_drawn.emit(ends)
    elif kind == "change":
        window.canvas.line_changed.emit(target, ends)
    elif kind == "delete":
        window.measuring.delete(target)
    elif kind == "bar":
        window.keeping.do(galaxy, "measure bar", _bar(galaxy, ends))
    elif kind == "scale":
        window.measuring.set_scale(chance.choice((None, 0.5, 1.25)))
    else:
        getattr(stack, kind)()
    stage.until(lambda: not window.bridge.running)


def _bar(galaxy: Any, ends: Any) -> Any:
    import math

    from galaxyscope.measure.results import BarMeasurement
    from galaxyscope.records.edits import KeepBar
    from galaxyscope.records.record import Provenance

    bar = BarMeasurement("phase", ends, math.dist(*ends), 1.0, 0.5, 0.9, 50)
    return KeepBar(galaxy.image, bar, Provenance("scripted", "0" * 64, "scripted", "bar", 0.9))
