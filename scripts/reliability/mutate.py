"""Mutants of good files: bytes changed at random, and changes that a format's own words suggest."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

ODD_BYTES = (0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x22, 0x2C, 0x3D)
ODD_WORDS = (
    b"-1", b"0", b"nan", b"inf", b"1e999", b"-1e-999", b"99999999999999999999", b"2147483648",
    b"T", b"F", b"''", b'"', b"null", b"{}", b"[]", b"true", b"\x1b[31m", b"=1+1", b"<b>",
    b"\xc3\x28", b"\xe2\x80\xae", b"../../x", b"\r\n", b"\0", b"(" * 40, b"[" * 2000,
)  # fmt: skip

Change = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def _place(chance: random.Random, data: bytearray) -> int:
    """Return any place, the first bytes more often: there stand the headers."""
    end = len(data) if chance.random() < 0.5 else min(len(data), 600)
    return chance.randrange(max(1, end))


def _flip(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        data[_place(chance, data)] ^= 1 << chance.randrange(8)


def _put(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    data[_place(chance, data)] = chance.choice(ODD_BYTES)


def _number(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at, size = _place(chance, data), chance.choice((1, 2, 4, 8))
    value = chance.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1, 65535, 256))
    data[at : at + size] = (value % 256**size).to_bytes(size, chance.choice(("big", "little")))


def _word(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at, word = _place(chance, data), chance.choice(ODD_WORDS)
    data[at : at + (len(word) if chance.random() < 0.6 else 0)] = word


def _digits(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    """Change a digit, where there is one: numbers in text stay numbers."""
    places = [i for i in range(min(len(data), 6000)) if 48 <= data[i] <= 57]
    for _ in range(chance.choice((1, 2, 6)) if places else 0):
        data[chance.choice(places)] = chance.choice(b"0123456789.-eE")


def _cut(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    del data[_place(chance, data) :]


def _drop(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = _place(chance, data)
    del data[at : at + chance.choice((1, 2, 7, 80, 500, 2880))]


def _double(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = _place(chance, data)
    data[at:at] = data[at : at + chance.choice((1, 8, 80, 400, 2880))]


def _splice(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = chance.choice(seeds)
    at = _place(chance, data)
    data[at:] = other[min(at, len(other)) :]


CHANGES: tuple[Change, ...] = (
    *(_flip, _put, _number, _word, _digits, _digits, _cut, _drop, _double, _splice),
)


def mutant(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Change one of some good files in one to five ways."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if data:
            chance.choice(CHANGES)(chance, data, seeds)
    return bytes(data)
