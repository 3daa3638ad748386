"""A progress bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys

from tqdm import tqdm

from galaxyscope.work.watch import Watch


class Progress:
    """Bar over `total` pieces of work on stderr, drawn only if that is a terminal."""

    def __init__(self, total: int) -> None:
        self._bar = tqdm(
            total=total,
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
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
        self._bar.set_description_str(name)

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


def complain(line: str) -> None:
    """Print one line on stderr without breaking a progress bar."""
    tqdm.write(line, file=sys.stderr)
