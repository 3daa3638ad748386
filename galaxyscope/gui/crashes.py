"""A log of how a program ended that did not end well, kept for its next start.

Each process writes a file of its own, from before the first window on: what kills the
interpreter (`faulthandler`), and errors that nobody caught. A process that ends well and had
nothing to say takes its file away. Standard library only.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import appdirs

from galaxyscope import __version__

KEPT = 5
LONGEST = 256 * 1024
# An error that comes with every frame must not fill the disk.
MOST_ERRORS = 20
FATAL = ("Fatal Python error", "Windows fatal")  # as faulthandler begins


def default_log_folder() -> Path:
    """Where the logs of this user lie."""
    return Path(appdirs.user_log_dir("galaxyscope", appauthor=False))


@dataclass(frozen=True)
class Crash:
    """What a process left behind.

    Parameters
    ----------
    path : Path
        Its log.
    text : str
        What the log says, the newest part of a very long one.
    fatal : bool
        True if it ended by it; False if it only had errors that nobody caught.
    """

    path: Path
    text: str
    fatal: bool


class CrashLog:
    """The log of this process.

    Parameters
    ----------
    folder : Path
        Made if it does not exist; where it cannot be written, nothing is logged.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"running-{os.getpid()}.log"
        self._file: TextIO | None = None
        self._errors = 0
        self._before: tuple[Any, Any, Any] | None = None
        #: Called, on any thread, after an error that nobody caught was written down.
        self.told: Callable[[], object] = lambda: None

    def begin(self) -> None:
        """From now on write down what goes wrong."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # The log of a process that had this number before is a crash of its own.
            if self._path.exists():
                self._path.replace(self._path.with_name(f"ended-{os.getpid()}-{_stamp()}.log"))
            self._file = self._path.open("w", encoding="utf-8", errors="backslashreplace")
        except OSError:
            return
        self._file.write(f"GalaxyScope {__version__}, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        self._file.flush()
        faulthandler.enable(self._file)
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = self._uncaught
        threading.excepthook = self._uncaught_in_thread
        sys.unraisablehook = self._unraisable

    def end(self) -> None:
        """Note that the process ends well; a log with nothing in it is taken away."""
        if self._file is None or self._before is None:
            return
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before
        faulthandler.disable()
        self._file.close()
        self._file = None
        with contextlib.suppress(OSError):
            if self._errors:
                self._path.replace(self._path.with_name(f"ended-{os.getpid()}-{_stamp()}.log"))
            else:
                self._path.unlink()

    def write(self, error: BaseException | None, where: str = "") -> None:
        """Write an error down; `where` begins with a space."""
        if error is None or self._file is None:
            return
        self._errors += 1
        if self._errors > MOST_ERRORS:
            return
        with contextlib.suppress(OSError, ValueError):  # a full disk; closed meanwhile
            self._file.write(f"\nNot caught{where}, {datetime.now(UTC):%H:%M:%S} UTC:\n")
            traceback.print_exception(error, file=self._file)
            self._file.flush()

    def _uncaught(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        assert self._before is not None
        if not issubclass(kind, KeyboardInterrupt):
            self.write(error)
            self.told()
        self._before[0](kind, error, trace)

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        assert self._before is not None
        name = args.thread.name if args.thread is not None else "a thread"
        self.write(args.exc_value, f" in {name}")
        self.told()
        self._before[1](args)

    def _unraisable(self, args: sys.UnraisableHookArgs) -> None:
        assert self._before is not None
        self.write(args.exc_value, " while tidying up")
        self._before[2](args)


def take_crashes(folder: Path) -> list[Crash]:
    """Return what processes that are gone have left behind, oldest first, once.

    Their logs stay as ``seen-….log``, the newest few of them. Logs that say nothing (of a
    process that was killed, or lost its power) are taken away.
    """
    try:
        logs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    except OSError:
        return []
    found, seen = [], [path for path in logs if path.name.startswith("seen-")]
    for path in logs:
        if path in seen or (path.name.startswith("running-") and is_running(_pid(path))):
            continue
        with contextlib.suppress(OSError):
            text = _tail(path)
            if "\n" not in text.strip():
                path.unlink()
                continue
            aside = path.with_name(f"seen-{path.stem}-{_stamp()}.log")
            path.replace(aside)
            seen.append(aside)
            found.append(Crash(aside, text, any(word in text for word in FATAL)))
    for path in seen[:-KEPT]:
        with contextlib.suppress(OSError):
            path.unlink()
    return found


def is_running(pid: int) -> bool:
    """Whether a process of this number lives."""
    if sys.platform == "win32":  # os.kill would end it there
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    if pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _pid(path: Path) -> int:
    number = path.stem.partition("-")[2]
    return int(number) if number.isascii() and number.isdigit() else 0


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LONGEST))
        return file.read(LONGEST).decode("utf-8", "replace")


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
