"""A progress bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from galaxyscope.records.tables import plain_text
from galaxyscope.work.watch import Watch


class Progress:
    """Bar over `total` pieces of work on stderr, drawn only if that is a terminal."""

    def __init__(self, total: int) -> None:
        terminal = sys.stderr.isatty()
        # Some terminals (serial lines, containers) say that they are 0 columns wide.
        width = None if terminal and os.get_terminal_size(sys.stderr.fileno()).columns else 80
        self._bar = tqdm(
            total=total,
            file=sys.stderr,
            disable=not terminal,
            ncols=width,
            bar_format="{percentage:3.0f}% |{bar}| {desc} [{elapsed}<{remaining}]",
            leave=False,
        )
        self._done = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def begin(self, name: str) -> None:
        """Say what is being worked on."""
        self._bar.set_description_str(plain_text(name))

    def watch(self) -> Watch:
        """Watch that moves the bar within the present piece of work."""

        def report(done: int, total: int, _partial: object | None) -> None:
            self._bar.n = self._done + min(1.0, done / max(1, total))
            self._bar.refresh()

        return Watch(report)

    def end(self) -> None:
        """Count the present piece of work as done."""
        self._done += 1
        self._bar.n = self._done
        self._bar.refresh()


@contextmanager
def silenced_stderr() -> Iterator[None]:
    """Send what libraries in C print on stderr nowhere; not for use with threads."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def complain(line: str) -> None:
    """Print one line on stderr without breaking a progress bar.

    File names cannot break the line or speak to the terminal: control characters are escaped.
    """
    tqdm.write(plain_text(line), file=sys.stderr)
