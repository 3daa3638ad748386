"""`Record`: one row that is kept, automatic or drawn, with everything it was made from."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from galaxyscope import __version__
from galaxyscope.measure.results import Point

Kind = Literal["automatic", "drawn"]
AngleFrame = Literal["sky", "image", ""]


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
        Of `length_kpc`, from `length_err_px` alone: the redshift is taken as exact. Imported
        rows may know nothing else.
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
    fitted_length_px, fitted_residual : float or None
        Full length of the bar in a model of bulge, disc and bar, and what that model leaves of the
        bar's light, see `galaxyscope.measure.decompose`.
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
    fitted_length_px: float | None = None
    fitted_residual: float | None = None
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
            object.__setattr__(self, "length_err_arcsec", finite(error))
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


def provenance(record: Record) -> dict[str, Any]:
    """How a row came to be, by column; only what is known."""
    known = {name: getattr(record, name) for name in PROVENANCE}
    return {k: v for k, v in known.items() if v is not None and v != ""}


def provenance_text(record: Record) -> str:
    """How a row came to be, as one line of JSON in ASCII, for formats without columns."""
    return json.dumps(provenance(record))


def finite(value: float | None) -> float | None:
    """Give a plain float, None for the unknown: no row ever holds a NaN."""
    return None if value is None or not math.isfinite(value) else float(value)
