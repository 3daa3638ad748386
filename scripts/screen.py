"""A virtual screen, a program on it, keys, and a look into its session (needs Xvfb, xdotool)."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the background and end it."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def display(width: int, height: int, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """Start a virtual display, with a window manager if there is one."""
    read, write = os.pipe()
    server = ["Xvfb", "-ac", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24"]
    process = subprocess.Popen(server, pass_fds=(write,), stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as number:
            env = {**env, "DISPLAY": f":{number.readline().strip()}", "QT_QPA_PLATFORM": "xcb"}
        if shutil.which("openbox"):
            with running(["openbox"], env):
                yield env
        else:
            yield env
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(true: Callable[[], bool], what: str, patience_s: float, every_s: float = 0.5) -> None:
    """Wait until something is so.

    Raises
    ------
    SystemExit
        If it is not so after `patience_s` seconds.
    """
    deadline = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come in {patience_s:g} s")
        time.sleep(every_s)


def rows(session: Path, kind: str) -> int:
    """Count the measurements that the window has kept."""
    if not session.exists():
        return 0
    with sqlite3.connect(f"{session.as_uri()}?mode=ro", uri=True) as database:
        tables = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'record'").fetchall()
        query = "SELECT COUNT(*) FROM record WHERE kind = ? AND NOT deleted"
        return database.execute(query, (kind,)).fetchone()[0] if tables else 0


def press(env: dict[str, str], *names: str) -> None:
    """Press keys, one after the other."""
    subprocess.run(["xdotool", "key", "--delay", "40", *names], env=env, check=True)


def write(env: dict[str, str], text: str) -> None:
    """Type text."""
    subprocess.run(["xdotool", "type", "--delay", "40", text], env=env, check=True)


def windows(env: dict[str, str], *search: str) -> list[str]:
    """Numbers of the visible windows that ``xdotool search`` finds."""
    found = subprocess.run(
        ["xdotool", "search", "--onlyvisible", *search], env=env, capture_output=True, text=True
    )
    return found.stdout.split()
