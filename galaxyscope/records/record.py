"""`Record`: one row that is kept, automatic or drawn, with everything it was made from."""

from __future__ import annotations

import dataclasses
import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from galaxyscope import __version__
from galaxyscope.measure.results import BarMeasurement, LineMeasurement, Point
from galaxyscope.sky.coordinates import (
    COSMOLOGY_NAME,
    image_angle,
    lengths,
    position_angle,
    sky_position,
)
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.locate import locate_galaxy

Kind = Literal["automatic", "drawn"]
AngleFrame = Literal["sky", "image", ""]

#: A bar that the network gives less than this is flagged ``unlikely``: every map has an axis.
UNLIKELY = 0.2


def now() -> str:
    """Time in UTC to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Provenance:
    """What an attribution and the answer it explains were made with.

    Parameters
    ----------
    model, model_sha256 : str
        Name of the network and hash of its weights.
    method, target : str
        Registry name of the explainer and class that was explained.
    target_probability : float or None
        What the network says of the target, 0 to 1.
    samples, noise, seed : int, float, int or None
        None where the method has no such setting.
    parameters : mapping
        All settings of the explainer, JSON types only.
    ran : mapping
        How the network ran when it explained and answered (device, threads, modes), JSON types
        only; empty where that is not known.
    """

    model: str = ""
    model_sha256: str = ""
    method: str = ""
    target: str = ""
    target_probability: float | None = None
    samples: int | None = None
    noise: float | None = None
    seed: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    ran: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One kept row.

    Unknown numbers are None (never NaN), unknown texts are empty. Lengths are full bar
    lengths. Units: ``_px`` pixels of the file, ``_arcsec``, ``_kpc``, ``_deg``.

    Parameters
    ----------
    path, image_sha256, plane : str
        File, hash of its bytes, and which of its pictures (empty where it has only one).
    kind : {"automatic", "drawn"}
    algorithm : str
        ``"consensus"``, ``"joint"``, ``"phase"``, ``"invariant"`` or ``"published"``;
        ``"line"`` for drawn ones.
    length_px, length_err_px, length_arcsec, length_err_arcsec, length_kpc : float or None
        The error in arcsec follows from that in pixels where both it and the scale are known;
        imported rows may know nothing else.
    length_err_kpc : float or None
        Of `length_kpc`, from `length_err_px` alone: the redshift is taken as exact.
    err_sampling_px, err_networks_px, err_threshold_px, err_grid_px, err_method_px
        The parts of `length_err_px`, see `galaxyscope.measure.results.LengthErrors`.
    pa_deg, pa_err_deg : float or None
        In [0, 180).
    pa_frame : {"sky", "image", ""}
        ``sky``: east of north. ``image`` (no celestial WCS): counter-clockwise from
        straight up as shown on screen.
    x1, y1, x2, y2 : float or None
        Ends, 0-based, integer at pixel centres, y in array-row direction.
    threshold : float or None
        Level of the map, relative to its maximum, at which the search stopped.
    flags, reason : str
        Words for the careful reader, separated by spaces; one sentence if no bar was found.
    scale_arcsec_per_px, scale_source : float or None, str
        ``WCS``, ``header``, ``catalogue`` or ``user``.
    redshift, cosmology : float or None, str
        What ``length_kpc`` was computed with.
    model, model_sha256, target, target_probability, method, samples, noise, seed
        See `Provenance`.
    parameters : str
        JSON object: all settings of explainer and algorithm.
    observer : str
        Who drew the line.
    created_at : str
        UTC: when the line was drawn or the bar was measured.
    difference_percent, difference_deg : float or None
        Drawn minus automatic: length in per cent of the automatic one, angle in
        (-90, 90].
    error : str
        Why there is no measurement: one sentence, empty if all went well.
    version : str
        Version of GalaxyScope.
    object_id : str
        Name of the galaxy in a catalogue.
    ra_deg, dec_deg : float or None
        ICRS: middle of the bar; of the picture where there is no bar.
    source : str
        Where an imported row stands: file, line, form.
    r90_arcsec, r25_arcsec : float or None
        Size of the galaxy, given or from a catalogue: petroR90 and the radius of the isophote
        of 25 mag/arcsec².
    length_per_2r90, length_per_2r25, length_err_per_2r90, length_err_per_2r25 : float or None
        Full length over the galaxy's diameter, which is taken as exact: relative lengths.
    length_kpc_h, length_err_kpc_h : float or None
        Full length in kpc/h, where it was asked for.
    inclination_deg, inclination_err_deg, disc_pa_deg, disc_pa_err_deg, disc_source
        Of the disc, the position angle in `pa_frame`; ``user`` or ``isophotes``.
    deprojected_px, deprojected_err_px, deprojected_arcsec, deprojected_kpc : float or None
        Full length in the plane of the disc, see `galaxyscope.measure.deproject`.
    deprojected_err_arcsec, deprojected_err_kpc : float or None
    isophote_ellipticity, isophote_pa_deg, isophote_length_px, isophote_turn_length_px
        Classical opinion, see `galaxyscope.measure.isophotes`: greatest ellipticity, direction
        (in `pa_frame`) and full length there, full length at the jump of the direction.
    fourier_amplitude, fourier_pa_deg, fourier_length_px
        Classical opinion, see `galaxyscope.measure.fourier`: greatest A2/A0, direction there,
        full length where it has fallen to half of that.
    network_length_px : float or None
        Full length that the network `bar-length` answers when it is asked, beside map and light.
    ran : str
        JSON object: how the network ran (device, threads, modes), on which the last digits
        depend.
    light_r90_px : float or None
        Radius of the circle with 90 % of the galaxy's light, measured on the picture itself
        (`galaxyscope.sky.locate`): the size where no catalogue gives one.
    blind_look : int or None
        Which time, from 1, the observer was shown this galaxy in a blind series; None: the line
        was not drawn blind.
    blind_series : str
        Which series: when it began, and the seed of its order.
    width_px : float or None
        Length of the line that the observer drew across the bar.
    width_x1, width_y1, width_x2, width_y2 : float or None
        Ends of that line.
    id : str
        Identity of the row in a session; takes no part in comparisons.
    """

    path: str
    kind: Kind = "automatic"
    algorithm: str = ""
    length_px: float | None = None
    length_err_px: float | None = None
    length_arcsec: float | None = None
    length_err_arcsec: float | None = None
    length_kpc: float | None = None
    pa_deg: float | None = None
    pa_frame: AngleFrame = ""
    x1: float | None = None
    y1: float | None = None
    x2: float | None = None
    y2: float | None = None
    threshold: float | None = None
    flags: str = ""
    reason: str = ""
    scale_arcsec_per_px: float | None = None
    scale_source: str = ""
    redshift: float | None = None
    cosmology: str = ""
    model: str = ""
    model_sha256: str = ""
    target: str = ""
    target_probability: float | None = None
    method: str = ""
    samples: int | None = None
    noise: float | None = None
    seed: int | None = None
    parameters: str = ""
    observer: str = ""
    created_at: str = ""
    difference_percent: float | None = None
    difference_deg: float | None = None
    image_sha256: str = ""
    plane: str = ""
    version: str = __version__
    error: str = ""
    object_id: str = ""
    ra_deg: float | None = None
    dec_deg: float | None = None
    source: str = ""
    r90_arcsec: float | None = None
    r25_arcsec: float | None = None
    length_per_2r90: float | None = None
    length_per_2r25: float | None = None
    length_kpc_h: float | None = None
    inclination_deg: float | None = None
    inclination_err_deg: float | None = None
    disc_pa_deg: float | None = None
    disc_pa_err_deg: float | None = None
    disc_source: str = ""
    deprojected_px: float | None = None
    deprojected_err_px: float | None = None
    deprojected_arcsec: float | None = None
    deprojected_kpc: float | None = None
    isophote_ellipticity: float | None = None
    isophote_pa_deg: float | None = None
    isophote_length_px: float | None = None
    isophote_turn_length_px: float | None = None
    fourier_amplitude: float | None = None
    fourier_pa_deg: float | None = None
    fourier_length_px: float | None = None
    network_length_px: float | None = None
    err_sampling_px: float | None = None
    err_networks_px: float | None = None
    err_threshold_px: float | None = None
    err_grid_px: float | None = None
    err_method_px: float | None = None
    pa_err_deg: float | None = None
    length_err_kpc: float | None = None
    length_err_per_2r90: float | None = None
    length_err_per_2r25: float | None = None
    length_err_kpc_h: float | None = None
    deprojected_err_arcsec: float | None = None
    deprojected_err_kpc: float | None = None
    ran: str = ""
    light_r90_px: float | None = None
    blind_look: int | None = None
    blind_series: str = ""
    width_px: float | None = None
    width_x1: float | None = None
    width_y1: float | None = None
    width_x2: float | None = None
    width_y2: float | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex, compare=False)

    def __post_init__(self) -> None:
        # Rows of older sessions and tables have no error in arcsec of their own.
        if self.length_err_arcsec is None and self.length_err_px is not None:
            error = self.length_err_px * (self.scale_arcsec_per_px or math.nan)
            object.__setattr__(self, "length_err_arcsec", _finite(error))
        if self.length_err_kpc is None and self.length_kpc is not None:
            object.__setattr__(self, "length_err_kpc", self.error_of(self.length_kpc))

    def error_of(self, length: float | None) -> float | None:
        """Error of the same length in another unit: the relative error stays.

        None where either is not known.
        """
        if length is None or not self.length_px or self.length_err_px is None:
            return None
        return length * self.length_err_px / self.length_px

    @property
    def ends(self) -> tuple[Point, Point] | None:
        """Both ends in cutout pixels, None where there is no bar."""
        if self.x1 is None or self.y1 is None or self.x2 is None or self.y2 is None:
            return None
        return (self.x1, self.y1), (self.x2, self.y2)

    @property
    def width_ends(self) -> tuple[Point, Point] | None:
        """Both ends of the line across the bar, None where there is none."""
        x1, y1, x2, y2 = self.width_x1, self.width_y1, self.width_x2, self.width_y2
        if x1 is None or y1 is None or x2 is None or y2 is None:
            return None
        return (x1, y1), (x2, y2)


#: Columns that say how a row came to be.
PROVENANCE = (
    "path", "image_sha256", "plane", "kind", "algorithm", "model", "model_sha256", "method",
    "target", "seed", "parameters", "ran", "observer", "source", "created_at", "version",
)  # fmt: skip


def provenance_text(record: Record) -> str:
    """How a row came to be, as one line of JSON in ASCII, for formats without columns."""
    known = {name: getattr(record, name) for name in PROVENANCE}
    return json.dumps({k: v for k, v in known.items() if v is not None and v != ""})


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
        length_err_px=_finite(bar.length_err_px),
        err_sampling_px=_finite(bar.errors.sampling),
        err_networks_px=_finite(bar.errors.networks),
        err_threshold_px=_finite(bar.errors.threshold),
        err_grid_px=_finite(bar.errors.grid),
        err_method_px=_finite(bar.errors.method),
        pa_err_deg=_finite(bar.angle_err_deg),
        network_length_px=_finite(bar.parameters.get("said_px")),
        threshold=_finite(bar.threshold),
        flags=" ".join((*bar.flags, "unlikely") if unlikely else bar.flags),
        reason=bar.reason,
        model=source.model,
        model_sha256=source.model_sha256,
        target=source.target,
        target_probability=_finite(source.target_probability),
        method=source.method,
        samples=source.samples,
        noise=_finite(source.noise),
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
        "redshift": _finite(image.redshift),
        "light_r90_px": _finite(locate_galaxy(image).r90_px),
    }


def _of_ends(
    image: SkyImage, ends: tuple[Point, Point] | None, length_px: float | None
) -> dict[str, Any]:
    """Columns for ends, lengths and position angle; empty where there is no line."""
    length_px = _finite(length_px)
    if ends is None or length_px is None:
        rows, columns = image.shape
        return _of_place(image, (columns - 1) / 2, (rows - 1) / 2)
    size = lengths(image, length_px)
    (x1, y1), (x2, y2) = ends
    on_sky = position_angle(image, *ends)
    kpc = _finite(size.kpc)
    return {
        "x1": float(x1),
        "y1": float(y1),
        "x2": float(x2),
        "y2": float(y2),
        "length_px": length_px,
        "length_arcsec": _finite(size.arcsec),
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


def _finite(value: float | None) -> float | None:
    """Give a plain float, None for the unknown: no row ever holds a NaN."""
    return None if value is None or not math.isfinite(value) else float(value)
