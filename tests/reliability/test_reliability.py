"""The scripts behind docs/reliability.md, in small: they run, and find nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.name == "nt", reason="needs fork and resource limits")
@pytest.mark.parametrize(
    "words",
    [
        ("fuzz", "--count", "600"),
        ("kill", "--count", "5"),
        ("actions", "--count", "120"),
        ("quitting", "--count", "5"),
    ],
    ids=lambda words: words[0],
)
def test_nothing_is_found(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.reliability", *words, "--seed", "11"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
