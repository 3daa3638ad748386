"""What a model card may hold: each check raises ValueError with half a sentence on what is wrong.

Cards come from anybody. A card that was checked cannot name a file outside its folder, and
what it asks for has the type that the code expects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+.-]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LARGEST_ARGUMENT = 2**16
_MOST_ARGUMENTS = 256


def text(value: object, what: str) -> None:
    """Require a string."""
    if not isinstance(value, str):
        raise ValueError(f"{what} must be text, not {_shown(value)}")


def number(value: object, what: str, low: float = -math.inf, high: float = math.inf) -> None:
    """Require a finite number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{what} must be a number, not {_shown(value)}")
    # An int may be too large for a float, but not for a comparison.
    if (isinstance(value, float) and not math.isfinite(value)) or not low <= value <= high:
        raise ValueError(f"{what} is out of range: {_shown(value)}")


def whole(value: object, what: str, low: float = -math.inf, high: float = math.inf) -> None:
    """Require a whole number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{what} must be a whole number, not {_shown(value)}")
    number(value, what, low, high)


def choice(value: object, what: str, possible: Sequence[str]) -> None:
    """Require one of some words."""
    if value not in possible:
        raise ValueError(f"unknown {what} {_shown(value)}; there are: {', '.join(possible)}")


def table(value: object, what: str) -> None:
    """Require a mapping with strings as keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{what} must be a table of names, not {_shown(value)}")


def listed(value: object, what: str) -> tuple[Any, ...]:
    """Require a list; as a tuple."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"{what} must be a list, not {_shown(value)}")
    return tuple(value)


def names(value: Sequence[object], what: str) -> None:
    """Require different strings."""
    for one in listed(value, what):
        text(one, f"each of the {what}")
    if len(set(value)) != len(value):
        raise ValueError(f"the {what} must be different names, at least one")


def folders(value: Sequence[object]) -> None:
    """Require names of subfolders: one step down, without links out of it by name."""
    names(value, "members")
    for one in value:
        plain = isinstance(one, str) and _FOLDER.fullmatch(one) and not _RESERVED.fullmatch(one)
        if not plain:
            raise ValueError(f"the members must be names of subfolders, not {_shown(one)}")


def arguments(value: object) -> None:
    """Require keyword arguments of an architecture: JSON, and no size that fills the memory."""
    table(value, "parameters")
    assert isinstance(value, Mapping)
    left = [_MOST_ARGUMENTS]

    def look(one: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise ValueError("there are too many parameters")
        if isinstance(one, list | tuple):
            for each in one:
                look(each)
        elif one is not None and not isinstance(one, str | bool):
            number(one, "each of the parameters", -_LARGEST_ARGUMENT, _LARGEST_ARGUMENT)

    for each in value.values():
        look(each)


def _shown(value: object) -> str:
    if isinstance(value, int) and not -(10**30) < value < 10**30:
        return "a huge number"  # Python refuses to print some of them
    said = " ".join(repr(value).split())
    return said if len(said) <= 60 else f"{said[:57]}…"
