"""Commands as functions, and the tables that they write."""

from __future__ import annotations

import csv
from pathlib import Path

from galaxyscope.cli.main import main


def run(*words: object) -> int:
    """Run a command; its exit status."""
    return main([str(word) for word in words])


def rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV table as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
