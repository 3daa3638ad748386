"""What a row can be told beyond the bar itself: sizes, the disc, classical opinions."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from galaxyscope.measure.deproject import Disc, deproject
from galaxyscope.measure.fourier import fourier_bar
from galaxyscope.measure.isophotes import Isophotes, disc_of, isophotes
from galaxyscope.measure.phase import light_on_map
from galaxyscope.measure.results import Point
from galaxyscope.records.record import Record
from galaxyscope.sky.coordinates import COSMOLOGY_NAME, image_angle, position_angle
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.locate import GalaxyExtent, locate_galaxy

#: h of `COSMOLOGY_NAME`.
H = 0.7
# Opinions look at a square of this many r90 to either side of the galaxy, with at most so many
# pixels along it: isophotes of a thousand pixels take minutes and say the same.
_REACH = 2.2
_LARGEST = 256
_BARRED = 0.8  # r90 within which a bar's amplitude is greatest
_SMALLEST = 24


def with_sizes(
    record: Record, r90_arcsec: float | None = None, r25_arcsec: float | None = None
) -> Record:
    """Add the galaxy's size and the full length over its diameter."""

    def per(radius: float | None, length: float | None = record.length_arcsec) -> float | None:
        return None if radius is None or length is None else length / (2 * radius)

    error = record.length_err_arcsec
    return dataclasses.replace(
        record,
        r90_arcsec=r90_arcsec,
        r25_arcsec=r25_arcsec,
        length_per_2r90=per(r90_arcsec),
        length_per_2r25=per(r25_arcsec),
        length_err_per_2r90=per(r90_arcsec, error),
        length_err_per_2r25=per(r25_arcsec, error),
    )


def with_kpc_h(record: Record) -> Record:
    """Add the length in kpc/h: that in kpc times the h of its cosmology."""
    if record.length_kpc is None or record.cosmology != COSMOLOGY_NAME:
        return record
    error = record.length_err_kpc
    return dataclasses.replace(
        record,
        length_kpc_h=record.length_kpc * H,
        length_err_kpc_h=None if error is None else error * H,
    )


def with_disc(record: Record, disc: Disc) -> Record:
    """Add the disc and the length in its plane; flags ``inclined`` above 60°.

    The error of the bar's own direction counts where it is known.

    Parameters
    ----------
    record : Record
    disc : Disc
        Its direction is counted as `record.pa_frame` says.
    """
    told = dataclasses.replace(
        record,
        inclination_deg=disc.inclination_deg,
        inclination_err_deg=disc.inclination_err_deg,
        disc_pa_deg=disc.pa_deg % 180,
        disc_pa_err_deg=disc.pa_err_deg,
        disc_source=disc.source,
    )
    if record.length_px is None or record.pa_deg is None:
        return told
    flat = deproject(
        record.length_px, record.pa_deg, disc, record.length_err_px, record.pa_err_deg or 0.0
    )

    def stretched(length: float | None) -> float | None:
        return None if length is None else length * flat.factor

    def error(length: float | None) -> float | None:
        if length is None or flat.error is None:
            return None
        return stretched(length) * flat.error / flat.length  # type: ignore[operator]

    flags = f"{record.flags} inclined".strip() if flat.steep else record.flags
    return dataclasses.replace(
        told,
        deprojected_px=flat.length,
        deprojected_err_px=flat.error,
        deprojected_arcsec=stretched(record.length_arcsec),
        deprojected_kpc=stretched(record.length_kpc),
        deprojected_err_arcsec=error(record.length_arcsec),
        deprojected_err_kpc=error(record.length_kpc),
        flags=flags,
    )


def with_opinions(record: Record, image: SkyImage) -> tuple[Record, Disc | None]:
    """Add what isophotes and the Fourier component say of the bar.

    Parameters
    ----------
    record : Record
    image : SkyImage
        The picture it was measured on.

    Returns
    -------
    Record
    Disc or None
        From the outer isophotes; its direction is in the frame of `record`.
    """
    extent = locate_galaxy(image)
    to_cutout, size = _window(extent, image.shape)
    if size < _SMALLEST:
        return record, None
    if not record.pa_frame:  # no bar, but directions all the same
        known = position_angle(image, (extent.x, extent.y), (extent.x, extent.y + 1))
        record = dataclasses.replace(record, pa_frame="image" if known is None else "sky")
    light = light_on_map(image, to_cutout, (size, size))
    step = to_cutout.pixel_size

    def angle(degrees: float) -> float:
        return _angle(image, record, to_cutout, size, degrees)

    changes: dict[str, float | None] = {}
    r90 = size / (2 * _REACH)
    # Farther out an inclined disc has the greatest amplitude.
    component = fourier_bar(light, smallest=max(2.0, 0.05 * r90), largest=_BARRED * r90)
    if component is not None:
        changes |= {
            "fourier_amplitude": component.amplitude,
            "fourier_pa_deg": angle(component.angle_deg),
            "fourier_length_px": _times(component.length, step),
        }
    ellipses: Isophotes | None = isophotes(light)
    disc = None
    if ellipses is not None:
        changes |= {
            "isophote_ellipticity": ellipses.ellipticity,
            "isophote_pa_deg": angle(ellipses.angle_deg),
            "isophote_length_px": _times(ellipses.length, step),
            "isophote_turn_length_px": _times(ellipses.turn_length, step),
        }
        if ellipses.disc_angle_deg is not None:
            disc = disc_of(ellipses, angle(ellipses.disc_angle_deg))
    return dataclasses.replace(record, **changes), disc  # type: ignore[arg-type]


def _window(extent: GalaxyExtent, shape: tuple[int, int]) -> tuple[Affine, int]:
    """Square grid around the galaxy, inside the frame: grid pixel → cutout pixel, its side."""
    rows, columns = shape
    x, y = extent.x, extent.y
    frame = 2 * min(x, y, columns - 1 - x, rows - 1 - y) + 1
    side = max(1.0, min(2 * _REACH * extent.r90_px, frame))
    step = max(1.0, side / _LARGEST)
    size = int(side / step)
    middle = (size - 1) / 2
    centred = Affine.scaling(step) @ Affine.translation(-middle, -middle)
    return Affine.translation(extent.x, extent.y) @ centred, size


def _angle(image: SkyImage, record: Record, to_cutout: Affine, size: int, degrees: float) -> float:
    """Turn a direction on the grid into one in the frame of the row."""
    middle, turn = (size - 1) / 2, math.radians(degrees)
    arm = np.array([math.cos(turn), math.sin(turn)])
    one, two = to_cutout(np.array([middle - 5 * arm, middle + 5 * arm])).tolist()
    ends: tuple[Point, Point] = ((one[0], one[1]), (two[0], two[1]))
    on_sky = position_angle(image, *ends) if record.pa_frame == "sky" else None
    return float(image_angle(image, *ends) if on_sky is None else on_sky)


def _times(length: float | None, step: float) -> float | None:
    return None if length is None else length * step
