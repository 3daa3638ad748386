"""What is told of an error."""

from __future__ import annotations

import pytest

from galaxyscope.work.reasons import first_line


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("one\ntwo"), "one"),
        (RuntimeError("\n  two\nthree"), "two"),
        (AssertionError(), "AssertionError"),
        (OSError(" "), "OSError"),
        (ValueError("x" * 999), "x" * 300),
    ],
)
def test_one_line_of_an_error(error: Exception, said: str) -> None:
    assert first_line(error) == said
