"""Where the files of a session are now: in their place, moved with it, or found by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from galaxyscope.records.store import SessionFile

# So much of the folders around a session is looked through: a home folder takes a moment.
_MOST_ENTRIES = 20_000
_DEEPEST = 4


def find_again(
    files: Sequence[SessionFile], session: Path, places: Sequence[Path] = ()
) -> tuple[dict[str, str], list[str]]:
    """Find the files of a session.

    A file that is not in its place is looked for where it lies seen from the session (they
    were moved together); where the others of its folder went; and by name, size and hash in
    the session's folder and in `places`, so that one that was renamed is found too.

    Parameters
    ----------
    files : sequence of SessionFile
    session : Path
        The session's file.
    places : sequence of Path
        Folders to look through besides the session's own.

    Returns
    -------
    moved : dict
        New path by old path.
    missing : list of str
        Paths of files that were not found.
    """
    moved: dict[str, str] = {}
    missing = [file for file in files if not _is_file(file.path)]
    base = session.absolute().parent
    rest = []
    for file in missing:
        near = os.path.normpath(base / file.relative) if file.relative else ""
        if near and _is_file(near):
            moved[file.path] = near
        else:
            rest.append(file)
    if not rest:
        return moved, []
    found = _Found((base, *places))
    for file in rest:
        folders = {os.path.dirname(old): os.path.dirname(new) for old, new in moved.items()}
        folder = folders.get(os.path.dirname(file.path), "")
        beside = os.path.join(folder, os.path.basename(file.path)) if folder else ""
        if beside and _is_file(beside):
            moved[file.path] = beside
        elif place := found.place_of(file):
            moved[file.path] = place
    return moved, [file.path for file in rest if file.path not in moved]


class _Found:
    """Files of some folders by name and by size."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._by_name: dict[str, list[str]] = {}
        self._by_size: dict[int, list[str]] = {}
        for path, size in _walk(folders):
            self._by_name.setdefault(os.path.basename(path), []).append(path)
            self._by_size.setdefault(size, []).append(path)

    def place_of(self, file: SessionFile) -> str:
        """Return where a file is, empty if it is not there."""
        same_size = [] if file.size is None else self._by_size.get(file.size, [])
        named = self._by_name.get(os.path.basename(file.path), [])
        if file.sha256:  # its bytes are known, so nothing else will do
            likely = sorted(same_size, key=lambda path: path not in named)
            return next((path for path in likely if _sha256(path) == file.sha256), "")
        likely = [path for path in named if file.size is None or path in same_size]
        return likely[0] if len(likely) == 1 else ""


def _walk(folders: Sequence[Path]) -> Iterator[tuple[str, int]]:
    """Regular files below some folders with their sizes; links are not followed."""
    left, seen = _MOST_ENTRIES, set()
    waiting = [(str(folder), 0) for folder in folders]
    while waiting:
        folder, depth = waiting.pop(0)
        if folder in seen:
            continue
        seen.add(folder)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        return
                    if entry.is_dir(follow_symlinks=False):
                        if depth < _DEEPEST and not entry.name.startswith("."):
                            waiting.append((entry.path, depth + 1))
                    elif entry.is_file(follow_symlinks=False):
                        yield entry.path, entry.stat(follow_symlinks=False).st_size
        except OSError:  # one closed folder does not end the search
            continue


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:  # a path that cannot be, from a damaged session
        return False


def _sha256(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
