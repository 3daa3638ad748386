"""Catalogues of bar lengths: any CSV table whose columns can be told.

The form of Hoyle et al. (2011, MNRAS 415, 3627) is known by its column ``length_avg``: the mean
full length in kpc (H0 = 70 km/s/Mpc, Ωm = 0.3), from which the angle follows with the redshift.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from galaxyscope.records.importing.rows import Row, header_of, read_table, source_of, utc
from galaxyscope.records.record import Record
from galaxyscope.records.tables import TableError, plain_text
from galaxyscope.sky.coordinates import COSMOLOGY_NAME, kpc_per_arcsec

_TEXTS = ("image", "object_id", "observer", "created_at")
_NUMBERS = {
    "ra_deg": "deg", "dec_deg": "deg", "redshift": "", "r90_arcsec": "arcsec",
    "r25_arcsec": "arcsec", "pa_deg": "deg", "inclination_deg": "deg", "disc_pa_deg": "deg",
    "probability": "", "scale_arcsec_per_px": "arcsec / pix",
    "x1": "pix", "y1": "pix", "x2": "pix", "y2": "pix",
}  # fmt: skip
_ENDS = ("x1", "y1", "x2", "y2")
_AS_THEY_ARE = ("ra_deg", "dec_deg", "inclination_deg", "disc_pa_deg", *_ENDS)
_UNITS = {"px": "pix", "arcsec": "arcsec", "kpc": "kpc"}
_LENGTHS = {
    f"{kind}_{unit}": astropy_unit
    for unit, astropy_unit in _UNITS.items()
    for kind in ("length", "length_err", "semi_length", "semi_length_err")
}
#: What a column can be said to mean.
MEANINGS = (*_TEXTS, *_NUMBERS, *_LENGTHS)
#: h of the cosmology that kpc are in; kpc/h are these times it.
H = 0.7

# Names that columns go by, in lower case, the best first.
_KNOWN = {
    "image": ("image", "path", "file", "filename", "file_name", "image_name"),
    "object_id": (
        "object_id", "objid", "sdss_dr7_objid", "dr7objid", "dr7_objid", "sdss_objid", "dr8objid",
        "kaggle_galaxy_id", "galaxyid", "galaxy_id", "galaxy",
    ),
    "observer": ("observer", "user_name", "user", "person"),
    "created_at": ("created_at", "drawn_at", "date"),
    "ra_deg": ("ra_deg", "ra", "raj2000", "_raj2000"),
    "dec_deg": ("dec_deg", "dec", "dej2000", "_dej2000", "de"),
    "redshift": ("redshift", "z", "specz", "spec_z"),
    "r90_arcsec": ("r90_arcsec", "petror90_r_arcsec", "petror90_arcsec", "petror90_r", "petror90"),
    "r25_arcsec": ("r25_arcsec",),
    "pa_deg": ("pa_deg", "bar_pa_deg", "bar_pa"),
    "inclination_deg": ("inclination_deg",),
    "disc_pa_deg": ("disc_pa_deg",),
    "probability": ("probability", "target_probability"),
    "scale_arcsec_per_px": ("scale_arcsec_per_px",),
    "x1": ("x1",), "y1": ("y1",), "x2": ("x2",), "y2": ("y2",),
}  # fmt: skip
_LENGTH_NAME = re.compile(r"(?:bar_)?(?:full_)?(semi_)?length(_err)?_(px|arcsec|kpc)")
# Hoyle et al. (2011): lengths in kpc without saying so.
_HOYLE = {
    "length_avg": "length_kpc",
    "length_err": "length_err_kpc",
    "length_avg_err": "length_err_kpc",
    "length_std": "length_err_kpc",
}


def read_catalogue(
    path: Path, columns: Mapping[str, str] | None = None, scale: float | None = None
) -> list[Record]:
    """Read a catalogue.

    Parameters
    ----------
    path : Path
    columns : mapping of meaning to column, optional
        Meanings are those of `MEANINGS`. A unit behind a colon is converted:
        ``{"length_arcsec": "bar:arcmin"}``, ``{"length_kpc": "L:kpc/h"}`` (h = 0.7). Columns
        that are not named are recognised by well-known names.
    scale : float, optional
        Arcsec per pixel for rows that have none.

    Returns
    -------
    list of Record
        Drawn rows. Rows without a length are kept without one. Semi-lengths are doubled.

    Raises
    ------
    TableError
        If a named column is missing, no length or no galaxy can be told, or a cell is no number.
    """
    header = header_of(path)
    chosen = _meanings(path, header, columns or {})
    if not {"image", "object_id"} & set(chosen) and not {"ra_deg", "dec_deg"} <= set(chosen):
        raise TableError(
            f"{path.name}: no column says which galaxy a row is of;"
            f" name one of image, object_id, ra_deg and dec_deg ({_listed(header)})"
        )
    if not set(_LENGTHS) & set(chosen) and not set(_ENDS) <= set(chosen):
        raise TableError(
            f"{path.name}: no column is known to hold lengths with a unit;"
            f" name one, as in length_arcsec=COLUMN ({_listed(header)})"
        )
    hoyle = any(name.lower() == "length_avg" for name, _ in chosen.values())
    source = source_of(path, "catalogue of Hoyle et al. (2011)" if hoyle else "table")
    default = "Hoyle et al. (2011)" if hoyle else path.stem
    return [_record(row, chosen, source, default, scale) for row in read_table(path)]


def _listed(header: list[str]) -> str:
    # Of a file of somebody else's: nothing in it may speak to the terminal.
    return "columns: " + plain_text(", ".join(header))[:200]


def _meanings(
    path: Path, header: list[str], columns: Mapping[str, str]
) -> dict[str, tuple[str, float]]:
    """Column and factor for each meaning that the table has."""
    chosen: dict[str, tuple[str, float]] = {}
    lower = {name.strip().lower(): name for name in reversed(header)}
    for meaning, names in _KNOWN.items():
        found = next((lower[name] for name in names if name in lower), None)
        if found is not None:
            chosen[meaning] = (found, 1.0)
    for name, column in lower.items():
        match = _LENGTH_NAME.fullmatch(name)
        if match is not None:
            meaning = f"{match[1] or ''}length{match[2] or ''}_{match[3]}"
            chosen.setdefault(meaning, (column, 1.0))
        elif name in _HOYLE and "length_avg" in lower:
            chosen.setdefault(_HOYLE[name], (column, 1.0))
    if any(meaning in _LENGTHS for meaning in columns):  # who names one means this one
        chosen = {m: c for m, c in chosen.items() if m not in _LENGTHS and m not in _ENDS}
    for meaning, text in columns.items():
        chosen[meaning] = _named(path, header, meaning, text)
    return chosen


def _named(path: Path, header: list[str], meaning: str, text: str) -> tuple[str, float]:
    if meaning not in MEANINGS:
        raise TableError(
            f"{path.name}: {meaning!r} is no meaning of a column; there are {', '.join(MEANINGS)}"
        )
    name, colon, unit = (text, "", "") if text in header else text.rpartition(":")
    name = name if colon else text
    if name not in header:
        raise TableError(f"{path.name}: there is no column {name!r} ({_listed(header)})")
    if not colon:
        return name, 1.0
    into = {**_NUMBERS, **_LENGTHS}.get(meaning, "")
    if into == "kpc" and unit.replace(" ", "") in ("kpc/h", "h-1kpc"):
        return name, 1 / H
    from astropy import units  # heavy

    try:
        return name, float(units.Unit(unit).to(units.Unit(into)))
    except (ValueError, TypeError, units.UnitConversionError) as error:
        raise TableError(
            f"{path.name}: {name} in {unit!r} cannot be turned into {into or 'a plain number'}"
        ) from error


def _record(
    row: Row,
    chosen: Mapping[str, tuple[str, float]],
    source: str,
    observer: str,
    scale: float | None,
) -> Record:
    def number(meaning: str) -> float | None:
        if meaning not in chosen:
            return None
        column, factor = chosen[meaning]
        value = row.number(column)
        return None if value is None else value * factor

    def text(meaning: str) -> str:
        return row.cells[chosen[meaning][0]].strip() if meaning in chosen else ""

    z = number("redshift")
    values: dict[str, Any] = {name: number(name) for name in _AS_THEY_ARE}
    values |= {name: _size(row, name, number(name)) for name in ("r90_arcsec", "r25_arcsec")}
    if abs(values["dec_deg"] or 0) > 90:
        raise row.fail(f"dec_deg is beyond 90 degrees ({values['dec_deg']:g})")
    # One that was copied from CDELT1 is negative; no pixel has the size 0.
    own_scale = abs(number("scale_arcsec_per_px") or 0) or None
    per_px = own_scale or scale
    image, galaxy = text("image"), text("object_id")
    if not image and not galaxy and values["ra_deg"] is None:
        raise row.fail("nothing says which galaxy it is of")
    angle = number("pa_deg")
    values |= _lengths(row, number, values, per_px, z)
    if angle is not None:
        values |= {"pa_deg": angle % 180, "pa_frame": "sky"}
    kpc = values.get("length_kpc")
    return Record(
        path=image or galaxy or f"line {row.line} of {row.file}",
        kind="drawn",
        algorithm="line",
        observer=text("observer") or observer,
        created_at=utc(text("created_at")),
        object_id=galaxy,
        redshift=z,
        target_probability=number("probability"),
        scale_arcsec_per_px=per_px,
        scale_source="" if per_px is None else "user" if own_scale is None else "catalogue",
        cosmology="" if kpc is None else COSMOLOGY_NAME,
        source=f"{source}, line {row.line}",
        **values,
    )


def _lengths(
    row: Row, number: Any, ends: Mapping[str, float | None], per_px: float | None, z: float | None
) -> dict[str, float | None]:
    """Full lengths and errors in every unit that can be known."""
    found: dict[str, float | None] = {}
    for unit in _UNITS:
        for what in ("length", "length_err"):
            full, semi = number(f"{what}_{unit}"), number(f"semi_{what}_{unit}")
            value = full if full is not None else None if semi is None else 2 * semi
            found[f"{what}_{unit}"] = _size(row, f"a {what.replace('_', ' ')}", value)
    if found["length_px"] is None and None not in [ends[e] for e in _ENDS]:
        x1, y1, x2, y2 = (float(ends[e] or 0) for e in _ENDS)
        found["length_px"] = math.hypot(x2 - x1, y2 - y1) or None
    per_arcsec = kpc_per_arcsec(z) if z is not None and 0 < z < 1000 else None
    for what in ("length", "length_err"):
        px, arcsec, kpc = (found[f"{what}_{unit}"] for unit in _UNITS)
        if arcsec is None and px is not None and per_px:
            arcsec = px * per_px
        if arcsec is None and kpc is not None and per_arcsec:
            arcsec = kpc / per_arcsec
        if kpc is None and arcsec is not None and per_arcsec:
            kpc = arcsec * per_arcsec
        if px is None and arcsec is not None and per_px:
            px = arcsec / per_px
        found |= {f"{what}_px": px, f"{what}_arcsec": arcsec, f"{what}_kpc": kpc}
    return found


def _size(row: Row, name: str, value: float | None) -> float | None:
    """Give a size; None for 0, which catalogues write where there is no bar."""
    if value is not None and value < 0:
        raise row.fail(f"{name} is negative ({value:g})")
    return value or None
