"""What an error says, for a sentence."""

from __future__ import annotations

_LONGEST = 300


def first_line(error: BaseException) -> str:
    """First line of an error's message, or its kind where it says nothing."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:_LONGEST]
