"""How rows come to be: of an automatic bar, of a drawn line, of none, of a file that failed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from galaxyscope.measure.results import BarMeasurement, LineMeasurement, Point
from galaxyscope.records.record import Kind, Provenance, Record, finite, now
from galaxyscope.sky.coordinates import (
    COSMOLOGY_NAME,
    image_angle,
    lengths,
    position_angle,
    sky_position,
)
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.locate import locate_galaxy

#: A bar that the network gives less than this is flagged ``unlikely``: every map has an axis.
UNLIKELY = 0.2


def plane_key(image: SkyImage) -> str:
    """Which picture of its file `image` is: ``"hdu"`` or ``"hdu:plane"``, empty if it is the only.

    Together with the file's hash it names a picture, wherever the file is moved to.
    """
    if len(image.planes) < 2:
        return ""
    plane = image.plane
    return str(plane.hdu) if plane.index is None else f"{plane.hdu}:{plane.index}"


def record_of_bar(
    image: SkyImage,
    bar: BarMeasurement,
    provenance: Provenance | None = None,
    created_at: str | None = None,
) -> Record:
    """Row for an automatic bar.

    Parameters
    ----------
    image : SkyImage
        The cutout the bar was measured on; its scale and redshift turn pixels into
        arcsec and kpc. Without a scale both stay empty.
    bar : BarMeasurement
    provenance : Provenance, optional
        How the map was made.
    created_at : str, optional
        UTC, ISO 8601; the present time if None.
    """
    source = provenance or Provenance()
    said = source.target_probability
    unlikely = bar.ends is not None and said is not None and said < UNLIKELY
    settings = {**source.parameters, **bar.parameters}
    return Record(
        kind="automatic",
        algorithm=bar.algorithm,
        length_err_px=finite(bar.length_err_px),
        err_sampling_px=finite(bar.errors.sampling),
        err_networks_px=finite(bar.errors.networks),
        err_threshold_px=finite(bar.errors.threshold),
        err_grid_px=finite(bar.errors.grid),
        err_method_px=finite(bar.errors.method),
        pa_err_deg=finite(bar.angle_err_deg),
        network_length_px=finite(bar.parameters.get("said_px")),
        fitted_length_px=finite(bar.parameters.get("fitted_px")),
        fitted_residual=finite(bar.parameters.get("fitted_residual")),
        threshold=finite(bar.threshold),
        flags=" ".join((*bar.flags, "unlikely") if unlikely else bar.flags),
        reason=bar.reason,
        model=source.model,
        model_sha256=source.model_sha256,
        target=source.target,
        target_probability=finite(source.target_probability),
        method=source.method,
        samples=source.samples,
        noise=finite(source.noise),
        seed=source.seed,
        parameters=json.dumps(settings, sort_keys=True) if settings else "",
        ran=json.dumps(source.ran, sort_keys=True) if source.ran else "",
        created_at=now() if created_at is None else created_at,
        **_of_image(image),
        **_of_ends(image, bar.ends, bar.length_px),
    )


def record_of_line(
    image: SkyImage, line: LineMeasurement, automatic: Record | None = None
) -> Record:
    """Row for a drawn line, with its difference to `automatic` where that is given.

    Parameters
    ----------
    image : SkyImage
    line : LineMeasurement
    automatic : Record, optional
        The automatic row of the same picture.
    """
    drawn = Record(
        kind="drawn",
        algorithm="line",
        observer=line.observer,
        created_at=line.drawn_at,
        **_of_image(image),
        **_of_ends(image, line.ends, line.length_px),
    )
    return drawn if automatic is None else compared(drawn, automatic)


def record_of_no_bar(image: SkyImage, observer: str, created_at: str) -> Record:
    """Row of an observer who looked and saw no bar."""
    return Record(
        kind="drawn",
        algorithm="line",
        flags="no-bar",
        reason="The observer saw no bar.",
        observer=observer,
        created_at=created_at,
        **_of_image(image),
        **_of_ends(image, None, None),
    )


def record_of_error(path: Path | str, error: str, kind: Kind = "automatic") -> Record:
    """Row for a file that could not be measured; `error` is one sentence."""
    return Record(path=str(path), kind=kind, error=error)


def compared(drawn: Record, automatic: Record | None) -> Record:
    """`drawn` with its difference to `automatic` (emptied if that has no bar, or is None)."""
    percent = degrees = None
    if automatic is not None and automatic.length_px and drawn.length_px is not None:
        percent = 100 * (drawn.length_px - automatic.length_px) / automatic.length_px
    if (
        automatic is not None
        and automatic.pa_frame == drawn.pa_frame
        and automatic.pa_deg is not None
        and drawn.pa_deg is not None
    ):
        degrees = 90 - (90 - (drawn.pa_deg - automatic.pa_deg)) % 180
    return dataclasses.replace(drawn, difference_percent=percent, difference_deg=degrees)


def _of_image(image: SkyImage) -> dict[str, Any]:
    """Columns that say which picture was measured and how large its pixels are."""
    scale = image.scale
    return {
        "path": image.name if image.path is None else str(image.path),
        "image_sha256": image.sha256,
        "plane": plane_key(image),
        "scale_arcsec_per_px": None if scale is None else scale.arcsec_per_px,
        "scale_source": "" if scale is None else scale.source,
        "redshift": finite(image.redshift),
        "light_r90_px": finite(locate_galaxy(image).r90_px),
    }


def _of_ends(
    image: SkyImage, ends: tuple[Point, Point] | None, length_px: float | None
) -> dict[str, Any]:
    """Columns for ends, lengths and position angle; empty where there is no line."""
    length_px = finite(length_px)
    if ends is None or length_px is None:
        rows, columns = image.shape
        return _of_place(image, (columns - 1) / 2, (rows - 1) / 2)
    size = lengths(image, length_px)
    (x1, y1), (x2, y2) = ends
    on_sky = position_angle(image, *ends)
    kpc = finite(size.kpc)
    return {
        "x1": float(x1),
        "y1": float(y1),
        "x2": float(x2),
        "y2": float(y2),
        "length_px": length_px,
        "length_arcsec": finite(size.arcsec),
        "length_kpc": kpc,
        "cosmology": "" if kpc is None else COSMOLOGY_NAME,
        "pa_deg": float(image_angle(image, *ends) if on_sky is None else on_sky),
        "pa_frame": "image" if on_sky is None else "sky",
        **_of_place(image, (x1 + x2) / 2, (y1 + y2) / 2),
    }


def _of_place(image: SkyImage, x: float, y: float) -> dict[str, Any]:
    """Columns for the place on the sky, by which rows of other tables find this galaxy."""
    place = sky_position(image, float(x), float(y))
    return {} if place is None else {"ra_deg": place[0], "dec_deg": place[1]}
