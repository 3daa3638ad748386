"""Write simulated galaxies and the table of what is true of them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.simulate.colour import lupton_colour
from galaxyscope.sky.simulate.survey import simulate_galaxy
from galaxyscope.sky.simulate.truth import BANDS, Band, GalaxyTruth

if TYPE_CHECKING:
    from astropy.io.fits import Header

Layout = Literal["cube", "extensions", "compressed"]

COLUMNS = (
    "file",
    "size_px",
    "barred",
    "bar_full_length_px",
    "bar_full_length_arcsec",
    "bar_pa_deg",
    "x1",
    "y1",
    "x2",
    "y2",
    "bar_intrinsic_length_arcsec",
    "bar_axis_ratio",
    "scale_arcsec_per_px",
    "redshift",
    "ra_deg",
    "dec_deg",
    "north_deg",
    "inclination_deg",
    "disc_pa_deg",
    "disc_scale_length_arcsec",
    "bulge_fraction",
    "bar_fraction",
    "arm_count",
    "arm_pitch_deg",
    "r_mag",
    "psf_fwhm_arcsec",
    "seed",
)


@dataclass(frozen=True)
class Sample:
    """A picture that was written, and what is true of it.

    Parameters
    ----------
    file : str
        File name.
    truth : GalaxyTruth
    size : int
        Rows and columns.
    y_up : bool
        True for FITS, whose first row is at the bottom; pixel coordinates in the table follow.
    """

    file: str
    truth: GalaxyTruth
    size: int
    y_up: bool


def write_fits(
    galaxy: GalaxyTruth | SkyImage,
    path: Path | str,
    band: Band | None = None,
    *,
    size: int = 424,
    layout: Layout = "cube",
) -> None:
    """Write a FITS file with a celestial WCS; the same input gives the same bytes.

    Parameters
    ----------
    galaxy : GalaxyTruth or SkyImage
        A truth is simulated first, with `size` and `band`.
    path : path-like
        A name that ends in ``.gz`` is compressed.
    band : {"g", "r", "i"}, optional
        The band of a single-band picture. By default all three.
    size : int
        Rows and columns where a truth is given.
    layout : {"cube", "extensions", "compressed"}
        Three bands as one cube from blue to red, or as three image extensions;
        ``compressed`` is tile compression (Rice, quantised to a sixteenth of the noise).
    """
    from astropy.io import fits

    image = simulate_galaxy(galaxy, size, band) if isinstance(galaxy, GalaxyTruth) else galaxy
    three = image.data.shape[0] == 3
    # Cubes go from blue to red, with the keyword BANDS, as those of the Legacy Surveys.
    cube = image.data[::-1] if three else image.data[0]
    header = _header(image, None if three else band)
    if three:
        header["BANDS"] = ("".join(BANDS[::-1]), "bands of the planes")
    hdus: list[Any]
    if layout == "extensions" and three:
        hdus = [fits.PrimaryHDU()]
        for plane, label in zip(image.data, BANDS, strict=True):
            hdus.append(fits.ImageHDU(plane, _header(image, label), name=f"SCI_{label.upper()}"))
    elif layout == "compressed":
        kind = {"compression_type": "RICE_1", "quantize_level": 16.0, "dither_seed": 1}
        hdus = [fits.PrimaryHDU(), fits.CompImageHDU(cube, header, **kind)]
    else:
        hdus = [fits.PrimaryHDU(cube, header)]
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer)
    content = buffer.getvalue()
    if Path(path).suffix == ".gz":
        content = gzip.compress(content, compresslevel=9, mtime=0)
    Path(path).write_bytes(content)


def write_jpeg(
    galaxy: GalaxyTruth | SkyImage,
    path: Path | str,
    *,
    size: int = 424,
    quality: int = 90,
    brightness: float = 1.0,
) -> None:
    """Write a colour JPEG that looks on the screen as the FITS file does.

    Parameters
    ----------
    galaxy : GalaxyTruth or SkyImage
        A truth is simulated first, with `size`; an image needs the three channels.
    path : path-like
    size : int
    quality : int
        JPEG quality, 1 to 95.
    brightness : float
        Multiplies the flux.
    """
    from PIL import Image

    image = simulate_galaxy(galaxy, size) if isinstance(galaxy, GalaxyTruth) else galaxy
    Image.fromarray(lupton_colour(image, brightness)).save(path, "JPEG", quality=quality)


def write_truth_table(
    samples: Iterable[Sample], path: Path | str, others: Iterable[Mapping[str, str]] = ()
) -> None:
    """Write one row per picture, :data:`COLUMNS`, behind those of `other_truths`.

    Lengths are full lengths as seen on the sky unless they are called intrinsic; position
    angles are degrees east of north; ``x1, y1, x2, y2`` are the bar's ends in the file's own
    pixel coordinates (0-based, centres at integers). Cells of an unbarred galaxy's bar are
    empty.
    """
    made = [_row(sample) for sample in samples]
    names = {row["file"] for row in made}
    with Path(path).open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for row in others if row["file"] not in names)
        writer.writerows(made)


def other_truths(path: Path) -> list[dict[str, str]]:
    """Rows that a table of truths has already, of pictures that still lie beside it.

    Raises
    ------
    ValueError
        If it is not such a table.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a table of truths ({error})") from error
    if not {"file", "size_px"} <= set(reader.fieldnames or ()):
        raise ValueError(f"{path} is not a table of truths")
    return [row for row in rows if row["file"] and (path.parent / row["file"]).is_file()]


def _header(image: SkyImage, band: Band | None) -> Header:
    from astropy.io import fits

    header = image.wcs.to_header() if image.wcs is not None else fits.Header()
    header["OBJECT"] = image.name
    header["ORIGIN"] = ("GalaxyScope", "a simulation, not an observation")
    header["BUNIT"] = (image.unit, "flux per pixel, zero point 22.5 mag AB")
    if band is not None:
        header["FILTER"] = band
    if image.redshift is not None:
        header["REDSHIFT"] = image.redshift
    return header


def _row(sample: Sample) -> dict[str, object]:
    truth, size = sample.truth, sample.size
    row: dict[str, object] = {
        "file": sample.file,
        "size_px": size,
        "barred": int(truth.barred),
        "scale_arcsec_per_px": f"{truth.arcsec_per_px:.6g}",
        "redshift": f"{truth.redshift:.5f}",
        "ra_deg": f"{truth.ra_deg:.6f}",
        "dec_deg": f"{truth.dec_deg:.6f}",
        "north_deg": f"{truth.north_deg:.3f}",
        "inclination_deg": f"{truth.inclination_deg:.3f}",
        "disc_pa_deg": f"{truth.disc_pa_deg:.3f}",
        "disc_scale_length_arcsec": f"{truth.disc_h_arcsec:.4f}",
        "bulge_fraction": f"{truth.bulge_fraction:.4f}",
        "bar_fraction": f"{truth.bar_fraction:.4f}",
        "arm_count": truth.arm_count,
        "arm_pitch_deg": f"{truth.arm_pitch_deg:.3f}",
        "r_mag": f"{truth.r_mag:.4f}",
        "psf_fwhm_arcsec": f"{truth.psf_fwhm_arcsec:.4f}",
        "seed": truth.seed,
    }
    if truth.barred:
        ends = np.array(truth.bar_ends(size, sample.y_up)).ravel()
        row |= {
            key: f"{value:.3f}" for key, value in zip(("x1", "y1", "x2", "y2"), ends, strict=True)
        }
        row |= {
            "bar_full_length_px": f"{truth.bar_length_px:.4f}",
            "bar_full_length_arcsec": f"{truth.bar_length_arcsec:.4f}",
            "bar_pa_deg": f"{truth.bar_pa_deg:.3f}",
            "bar_intrinsic_length_arcsec": f"{truth.bar_intrinsic_arcsec:.4f}",
            "bar_axis_ratio": f"{truth.bar_axis_ratio:.4f}",
        }
    return row
