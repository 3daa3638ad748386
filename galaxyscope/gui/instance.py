"""One window: a second start hands its files to the window that is there, and ends.

Who has the lock is the window that is there; it listens at a local socket. The lock, not the
socket, decides who comes first: a process that dies leaves its socket behind, but its lock is
free. A window that does not answer in time is left alone, and the second one opens by itself.
The talking is done in `galaxyscope.gui.door`, which the first paint does not wait for.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import appdirs
from PySide6.QtCore import QLockFile

VERSION = 1
# More than a command line can hold: nothing that a second start sends is larger.
LIMIT = 4 * 2**20
_PATH_LIMIT = 100  # of a socket; the systems allow 104 and 108


class MessageError(ValueError):
    """What came is no message of this version."""


@dataclass(frozen=True)
class Message:
    """What a second start has to say.

    Parameters
    ----------
    paths : tuple of str
        Files and folders, absolute; none: only show the window.
    samples : bool
        Open the bundled samples.
    token : str
        What the desktop gave to the second start so that the window may come to the front.
    """

    paths: tuple[str, ...] = ()
    samples: bool = False
    token: str = ""


def encode(message: Message) -> bytes:
    """One line; names of files that are no proper Unicode go through as they are."""
    content = {"paths": message.paths, "samples": message.samples, "token": message.token}
    return json.dumps({"galaxyscope": VERSION, **content}).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """Read what `encode` wrote.

    Raises
    ------
    MessageError
        If it is anything else.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MessageError("no JSON") from error
    if not isinstance(found, dict) or found.get("galaxyscope") != VERSION:
        raise MessageError("another version")
    paths, samples, token = (found.get(name) for name in ("paths", "samples", "token"))
    if not isinstance(paths, list) or not all(_is_path(path) for path in paths):
        raise MessageError("paths are not absolute")
    if not isinstance(samples, bool) or not isinstance(token, str) or "\0" in token:
        raise MessageError("fields are missing")
    return Message(tuple(paths), samples, token)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value and Path(value).is_absolute()


@dataclass(frozen=True)
class Place:
    """Where the windows of one user meet.

    Parameters
    ----------
    lock : Path
    socket : str
        Path, or the name of a pipe on Windows.
    """

    lock: Path
    socket: str


def place_of(session: Path) -> Place:
    """Return where windows on this session and this screen meet."""
    screen = [os.environ.get(name, "") for name in ("WAYLAND_DISPLAY", "DISPLAY")]
    name = hashlib.sha256("\0".join([str(session), *screen]).encode("utf-8", "replace"))
    stem = f"galaxyscope-{name.hexdigest()[:16]}"
    folder = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if not folder.is_absolute() or not folder.is_dir():
        folder = Path(appdirs.user_cache_dir("galaxyscope", appauthor=False))
    socket = folder / f"{stem}.socket"
    # A bare name is a pipe on Windows, and a socket in the folder for temporary files elsewhere.
    plain = os.name == "nt" or len(os.fsencode(socket)) > _PATH_LIMIT
    return Place(folder / f"{stem}.lock", stem if plain else str(socket))


def claim(place: Place) -> QLockFile | None:
    """Become the window that others call; None if there is one already.

    The lock is free again when the object goes, and when its process ends in whatever way.
    """
    try:
        place.lock.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    lock = QLockFile(str(place.lock))
    lock.setStaleLockTime(0)  # age says nothing, only whether its process lives
    return lock if lock.tryLock(0) else None
