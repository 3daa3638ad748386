"""`SkyImage`: one picture of the sky with its geometry, and where it came from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.frame import Affine

if TYPE_CHECKING:
    from astropy.wcs import WCS

ScaleSource = Literal["WCS", "header", "catalogue", "user"]


class ImageError(ValueError):
    """A file that cannot be shown; ``str()`` is one sentence naming the file and the reason."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(f"{self.path.name}: {reason}")


@dataclass(frozen=True)
class PixelScale:
    """Angular size of one pixel, and who says so.

    Parameters
    ----------
    arcsec_per_px : float
        Positive and finite.
    source : {"WCS", "header", "catalogue", "user"}
    """

    arcsec_per_px: float
    source: ScaleSource

    def __post_init__(self) -> None:
        if not (np.isfinite(self.arcsec_per_px) and self.arcsec_per_px > 0):
            raise ValueError("a pixel scale is a positive number of arcsec per pixel")


@dataclass(frozen=True)
class Plane:
    """One 2-D picture that a file offers.

    Parameters
    ----------
    hdu : int
        FITS HDU index, or page index of a raster; 0 where there is only one.
    index : int or None
        Plane number inside a cube (leading axes flattened), None for a 2-D image.
    label : str
        What the chooser shows, e.g. ``"SCI 1 · 512×512"``.
    """

    hdu: int
    index: int | None
    label: str


@dataclass(frozen=True, eq=False)
class SkyImage:
    """One picture, copied out of its file.

    Parameters
    ----------
    data : ndarray, shape (channels, rows, columns), float32
        1 or 3 channels (red, green, blue), native byte order, read-only. NaN where the
        file has no value. Rows in file order.
    name : str
        File name, or a given name for an image that was made in memory.
    path : Path or None
    sha256 : str
        Hash of the file's bytes (of the data where there is no file).
    y_up : bool
        True where the first row is drawn at the bottom (FITS unless ROWORDER says TOP-DOWN).
    full_scale : float or None
        The value that stands for white (255, 65535) in an already stretched picture;
        None for linear flux.
    wcs : astropy.wcs.WCS or None
        Celestial 2-D WCS. Not thread-safe: copy it before using it in a worker.
    scale : PixelScale or None
        None means that lengths can be given in pixels only.
    redshift : float or None
    unit : str
        Unit of the values, empty where unknown.
    plane : Plane
        Which of the file's pictures this is.
    planes : tuple of Plane
        All that can be chosen.
    notes : tuple of str
        What a careful reader should know about this file, one sentence each.
    """

    data: NDArray[np.float32]
    name: str
    path: Path | None = None
    sha256: str = ""
    y_up: bool = False
    full_scale: float | None = None
    wcs: WCS | None = None
    scale: PixelScale | None = None
    redshift: float | None = None
    unit: str = ""
    plane: Plane = Plane(0, None, "")
    planes: tuple[Plane, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.data.shape[1], self.data.shape[2]

    @property
    def has_values(self) -> bool:
        """False where not one pixel has a value."""
        return any(bool(np.isfinite(plane).any()) for plane in self.data)

    @property
    def light(self) -> NDArray[np.float32]:
        """Mean over the channels, shape (rows, columns); NaN where no channel has a value."""
        if self.data.shape[0] == 1:
            return np.asarray(self.data[0])
        # Plane by plane and in float64: no copy of all channels, no sum beyond float32.
        total, count = np.zeros(self.shape), np.zeros(self.shape, np.uint8)
        for plane in self.data:
            finite = np.isfinite(plane)
            total += np.where(finite, plane, np.float32(0))
            count += finite
        mean = np.full(self.shape, np.nan, np.float32)
        np.divide(total, count, out=mean, where=count > 0, casting="same_kind")
        return mean

    @property
    def to_screen(self) -> Affine:
        """Cutout pixels → screen units (y down, pixel edges at integers)."""
        return Affine.to_screen(self.shape[0], self.y_up)

    def replace(self, **changes: object) -> SkyImage:
        """Return a copy with some fields changed (e.g. ``scale=``, ``redshift=``)."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]
