"""Rows from DS9 region files: their lines and rulers."""

from __future__ import annotations

import math
from pathlib import Path

from galaxyscope.records.importing.rows import source_of
from galaxyscope.records.record import Record
from galaxyscope.records.regions import RegionLine, parse_regions
from galaxyscope.records.tables import TableError


def read_line_regions(path: Path, scale: float | None = None) -> list[Record]:
    """Read the lines and rulers of a region file.

    The picture is the one that a comment above the line names (as GalaxyScope and older DS9 write
    it), else the one that is called like the region file.

    Parameters
    ----------
    path : Path
    scale : float, optional
        Arcsec per pixel of lines in image coordinates.

    Returns
    -------
    list of Record
        Lines in image coordinates have pixels and ends; lines on the sky arcsec, place and
        position angle.

    Raises
    ------
    TableError
    """
    source = source_of(path, "DS9 regions")
    return [_record(path, line, source, scale) for line in parse_regions(path)]


def _record(path: Path, line: RegionLine, source: str, scale: float | None) -> Record:
    where = {
        "path": line.name or path.stem,
        "source": f"{source}, line {line.number}",
        # GalaxyScope labels lines with their observer, automatic ones with that word.
        "kind": "automatic" if line.text == "automatic" else "drawn",
        "observer": "" if line.text == "automatic" else line.text or path.stem,
    }
    (x1, y1), (x2, y2) = line.ends
    if line.ends[0] == line.ends[1]:
        raise TableError(f"{path.name}: line {line.number} has no length")
    if line.system == "image":
        length = math.hypot(x2 - x1, y2 - y1)
        return Record(
            algorithm="line",
            length_px=length,
            length_arcsec=None if scale is None else length * scale,
            scale_arcsec_per_px=scale,
            scale_source="" if scale is None else "user",
            x1=x1,
            y1=y1,
            x2=x2,
            y2=y2,
            **where,  # type: ignore[arg-type]
        )
    from astropy.coordinates import SkyCoord  # heavy

    one, two = SkyCoord([x1, x2], [y1, y2], unit="deg", frame=line.system).icrs
    apart = one.separation(two)
    angle = one.position_angle(two)
    middle = one.directional_offset_by(angle, apart / 2)
    return Record(
        algorithm="line",
        length_arcsec=float(apart.arcsec),
        pa_deg=float(middle.position_angle(two).deg) % 180,
        pa_frame="sky",
        ra_deg=float(middle.ra.deg),
        dec_deg=float(middle.dec.deg),
        **where,  # type: ignore[arg-type]
    )
