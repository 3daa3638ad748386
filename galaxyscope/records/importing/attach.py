"""Imported rows and the pictures that they are of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from galaxyscope.records.joining import JoinError, join_records, picture_name
from galaxyscope.records.making import compared
from galaxyscope.records.record import Record
from galaxyscope.sky.coordinates import COSMOLOGY_NAME, kpc_per_arcsec


def attach(
    rows: Sequence[Record], known: Sequence[Record], files: Mapping[str, str]
) -> tuple[list[Record], int]:
    """Give imported rows the picture that they are of, where it is known.

    Parameters
    ----------
    rows : sequence of Record
        As an import gives them.
    known : sequence of Record
        Rows of pictures that were measured here: they know hash, name and place on the sky.
    files : mapping of path to hash
        Pictures that are on the list, whether they were measured or not.

    Returns
    -------
    attached : list of Record
        In the order of `rows`. A row that names a picture, or lies within 3″ of one, gets its path,
        hash and plane; ends, lengths and angles stay as they were imported. Drawn rows are compared
        with the newest automatic one of their picture.
    count : int
        How many rows are of a picture that is known here.
    """
    pictures: dict[tuple[str, str], Record] = {}
    for row in known:
        if row.image_sha256:
            pictures.setdefault((row.image_sha256, row.plane), row)
    measured = {row.image_sha256 for row in pictures.values()}
    for path, sha256 in files.items():
        if sha256 not in measured:
            pictures[sha256, ""] = Record(path, image_sha256=sha256)
    found: dict[int, Record] = {}
    by_name: dict[str | None, list[Record]] = {}
    for picture in pictures.values():
        by_name.setdefault(picture_name(picture), []).append(picture)
    for number, row in enumerate(rows):
        named = by_name.get(picture_name(row), [])
        if not row.image_sha256 and len(named) == 1:
            found[number] = named[0]
    placed = [n for n, r in enumerate(rows) if n not in found and not r.image_sha256]
    placed = [n for n in placed if rows[n].ra_deg is not None]
    measured_places = [p for p in pictures.values() if p.ra_deg is not None]
    if placed and measured_places:
        found |= _by_position(rows, placed, measured_places)
    attached = [_of(row, found[n]) if n in found else row for n, row in enumerate(rows)]
    automatic = {
        (row.image_sha256, row.plane): row
        for row in sorted(known, key=lambda row: row.created_at)
        if row.kind == "automatic" and not row.error
    }
    attached = [
        compared(row, automatic.get((row.image_sha256, row.plane))) if row.kind == "drawn" else row
        for row in attached
    ]
    here = {sha256 for sha256, _ in pictures}
    return attached, sum(row.image_sha256 in here for row in attached)


def _by_position(
    rows: Sequence[Record], placed: Sequence[int], pictures: Sequence[Record]
) -> dict[int, Record]:
    number = {id(rows[n]): n for n in placed}
    try:
        join = join_records([rows[n] for n in placed], pictures, by="position")
    except JoinError:
        return {}
    return {
        number[id(row)]: of_picture[0]
        for mine, of_picture in join.galaxies
        if len(of_picture) == 1
        for row in mine
    }


def _of(row: Record, picture: Record) -> Record:
    """`row` of a picture: sizes in pixels, on the sky and in kpc follow from each other."""
    changes = {
        "path": picture.path,
        "image_sha256": picture.image_sha256,
        "plane": picture.plane,
    }
    scale = row.scale_arcsec_per_px or picture.scale_arcsec_per_px
    sizes: dict[str, Any] = {}
    if scale and row.length_arcsec is None and row.length_px:
        sizes["length_arcsec"] = row.length_px * scale
    if scale and row.length_px is None and row.length_arcsec:
        sizes["length_px"] = row.length_arcsec / scale
    if scale and row.scale_arcsec_per_px is None:
        sizes |= {"scale_arcsec_per_px": scale, "scale_source": picture.scale_source}
    if row.light_r90_px is None:
        sizes["light_r90_px"] = picture.light_r90_px
    z, arcsec = row.redshift or picture.redshift, sizes.get("length_arcsec", row.length_arcsec)
    if z and arcsec and row.length_kpc is None:
        kpc = float(arcsec) * kpc_per_arcsec(z)
        sizes |= {"length_kpc": kpc, "redshift": z, "cosmology": COSMOLOGY_NAME}
    return dataclasses.replace(row, **changes, **sizes)  # type: ignore[arg-type]


def sentence_of(rows: Sequence[Record], before: int, attached: int, names: Sequence[str]) -> str:
    """Say in one sentence what an import brought.

    Parameters
    ----------
    rows : sequence of Record
        New ones.
    before : int
        Rows that were in the session already.
    attached : int
        New rows whose picture is known.
    names : sequence of str
        The files.
    """
    lengths = sum(bool(r.length_px or r.length_arcsec or r.length_kpc) for r in rows)
    galaxies = len({(r.image_sha256 or r.path, r.plane) for r in rows})
    text = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} of {galaxies} "
    text += f"{'galaxy' if galaxies == 1 else 'galaxies'} imported from {', '.join(names)}"
    parts = []
    if lengths < len(rows):
        parts.append(f"{len(rows) - lengths} without a length")
    parts.append(f"{attached} of pictures that are open or measured here")
    if before:
        parts.append(f"{before} more were here already")
    return f"{text}; {', '.join(parts)}"
