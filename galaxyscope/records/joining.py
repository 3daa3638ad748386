"""Rows of two tables that are of the same galaxies."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

import numpy as np

from galaxyscope.records.record import Record

# Not the last dot of a name like "ngc.4643".
_SUFFIX = re.compile(r"\.(?:fits?|fts|jpe?g|png|tiff?|npy|reg)(?:\.(?:gz|fz|z|bz2|xz))?$|\.fz$")
Key = Literal["hash", "id", "name", "position"]
#: The surest first.
KEYS: tuple[Key, ...] = ("hash", "id", "name", "position")
TOLERANCE_ARCSEC = 3.0


class JoinError(ValueError):
    """Tables that have no galaxy in common; one sentence."""


@dataclass(frozen=True, eq=False)
class Join:
    """Rows of two sides by galaxy.

    Parameters
    ----------
    by : {"hash", "id", "name", "position"}
        How galaxies were found again.
    galaxies : tuple of (list of Record, list of Record)
        Rows of both sides, for each galaxy that both have.
    only : (int, int)
        Galaxies that only one side has.
    """

    by: Key
    galaxies: tuple[tuple[list[Record], list[Record]], ...]
    only: tuple[int, int]


def join_records(
    a: Sequence[Record],
    b: Sequence[Record],
    by: Key | None = None,
    tolerance_arcsec: float = TOLERANCE_ARCSEC,
) -> Join:
    """Find the galaxies that both sides have; see `compare_records`.

    Raises
    ------
    JoinError
        If there is none.
    """
    a, b = ([r for r in rows if not r.error] for rows in (a, b))
    by, groups_a, groups_b = _joined(a, b, by, tolerance_arcsec)
    shared = [key for key in groups_a if key in groups_b]
    only = (len(groups_a) - len(shared), len(groups_b) - len(shared))
    return Join(by, tuple((groups_a[key], groups_b[key]) for key in shared), only)


Groups = dict[Hashable, list[Record]]


def _joined(
    a: Sequence[Record], b: Sequence[Record], by: Key | None, tolerance: float
) -> tuple[Key, Groups, Groups]:
    best: tuple[int, Key, Groups, Groups] | None = None
    for key in KEYS if by is None else (by,):
        one, two = _groups(a, b, key, tolerance)
        count = sum(k in two for k in one)
        if count and (best is None or count > best[0]):
            best = (count, key, one, two)
    if best is None:
        how = "hash, catalogue name, file name or position" if by is None else by
        raise JoinError(f"the tables have no galaxy in common by {how}")
    return best[1], best[2], best[3]


def _groups(
    a: Sequence[Record], b: Sequence[Record], by: Key, tolerance: float
) -> tuple[Groups, Groups]:
    """Rows of each side by galaxy; rows that have no such key stand alone."""
    if by == "position":
        places = _places([*a, *b], tolerance)
        keys = places[: len(a)], places[len(a) :]
    else:
        keys = [_key(r, by) for r in a], [_key(r, by) for r in b]
    found: tuple[Groups, Groups] = ({}, {})
    for side, (rows, of_rows) in enumerate(zip((a, b), keys, strict=True)):
        doubtful = _doubtful(rows, of_rows) if by == "name" else set()
        for number, (row, key) in enumerate(zip(rows, of_rows, strict=True)):
            if key in doubtful:
                key = None
            found[side].setdefault(("alone", side, number) if key is None else key, []).append(row)
    return found


def _key(row: Record, by: Key) -> Hashable | None:
    if by == "hash":
        return (row.image_sha256, row.plane) if row.image_sha256 else None
    if by == "id":
        return row.object_id.strip() or None
    return picture_name(row)


def picture_name(row: Record) -> str | None:
    """Name of a row's picture without folder and suffix, in lower case."""
    # Names of other systems have other separators.
    name = PurePath(row.path.replace("\\", "/")).name.lower()
    return _SUFFIX.sub("", name) or None


def _doubtful(rows: Sequence[Record], keys: Sequence[Hashable | None]) -> set[Hashable | None]:
    """Names under which several pictures go, such as ``cutout.fits`` in many folders."""
    pictures: dict[Hashable | None, set[tuple[str, str]]] = {}
    for row, key in zip(rows, keys, strict=True):
        if row.image_sha256:
            pictures.setdefault(key, set()).add((row.image_sha256, row.plane))
    return {key for key, found in pictures.items() if len(found) > 1}


def _places(rows: Sequence[Record], tolerance: float) -> list[Hashable | None]:
    """Give each row the number of its galaxy: rows within the tolerance of its first row."""
    from scipy.spatial import KDTree  # heavy

    placed = [i for i, r in enumerate(rows) if r.ra_deg is not None and r.dec_deg is not None]
    found: list[Hashable | None] = [None] * len(rows)
    if not placed:
        return found
    degrees = np.array([[rows[i].ra_deg, rows[i].dec_deg] for i in placed], float)
    ra, dec = np.deg2rad(degrees).T
    sphere = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    chord = 2 * math.sin(math.radians(tolerance / 3600) / 2)
    near = KDTree(sphere).query_ball_point(sphere, chord)
    for number, i in enumerate(placed):
        if found[i] is None:
            for j in near[number]:
                if found[placed[j]] is None:
                    found[placed[j]] = number
    return found
