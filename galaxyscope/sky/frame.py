"""The one geometry: affine maps between pixel grids.

Pixel coordinates everywhere are 0-based with integer pixel *centres*: ``x`` grows with
the column index and ``y`` with the row index of the numpy array, as numpy and astropy
have it. An :class:`Affine` maps points of one grid to another (network input → cutout,
attribution → cutout, cutout → screen); nobody else adds a half or multiplies by a size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Affine:
    """Map ``(x, y) -> (a x + b y + c, d x + e y + f)`` between two pixel grids.

    Parameters
    ----------
    a, b, c, d, e, f : float
        Coefficients, row by row. ``c`` and ``f`` are in pixels of the target grid.
    """

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

    @classmethod
    def translation(cls, dx: float, dy: float) -> Affine:
        """Shift by ``(dx, dy)`` pixels."""
        return cls(c=dx, f=dy)

    @classmethod
    def scaling(cls, sx: float, sy: float | None = None) -> Affine:
        """Multiply coordinates by ``sx`` and ``sy`` about pixel centre ``(0, 0)``."""
        return cls(a=sx, e=sx if sy is None else sy)

    @classmethod
    def rotation(cls, degrees: float, centre: tuple[float, float] = (0.0, 0.0)) -> Affine:
        """Rotate about `centre` from +x towards +y (counter-clockwise where y points up)."""
        angle = np.deg2rad(degrees)
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        about = cls(a=cos, b=-sin, d=sin, e=cos)
        return cls.translation(*centre) @ about @ cls.translation(-centre[0], -centre[1])

    @classmethod
    def resize(cls, source: tuple[int, int], target: tuple[int, int]) -> Affine:
        """Map pixels of a ``target`` grid onto a ``source`` grid that covers the same area.

        Parameters
        ----------
        source, target : (rows, columns)

        Returns
        -------
        Affine
            From target pixel to source pixel; the outer pixel *edges* coincide.
        """
        sy, sx = source[0] / target[0], source[1] / target[1]
        return cls(a=sx, c=0.5 * sx - 0.5, e=sy, f=0.5 * sy - 0.5)

    @classmethod
    def to_screen(cls, rows: int, y_up: bool) -> Affine:
        """Map cutout pixels to screen units: origin at the top-left pixel *edge*, y down.

        Parameters
        ----------
        rows : int
            Number of rows of the cutout.
        y_up : bool
            True where the first row is drawn at the bottom (FITS).
        """
        return cls(c=0.5, e=-1.0, f=rows - 0.5) if y_up else cls(c=0.5, f=0.5)

    def __matmul__(self, other: Affine) -> Affine:
        """Compose: ``(A @ B)(p) == A(B(p))``."""
        matrix = self.matrix @ other.matrix
        return Affine(*(float(v) for v in matrix[:2].ravel()))

    @property
    def matrix(self) -> Array:
        """The 3×3 homogeneous matrix."""
        return np.array([[self.a, self.b, self.c], [self.d, self.e, self.f], [0, 0, 1]], float)

    @property
    def inverse(self) -> Affine:
        """The map back.

        Raises
        ------
        ValueError
            If the map collapses the plane.
        """
        det = self.a * self.e - self.b * self.d
        if det == 0 or not np.isfinite(det):
            raise ValueError("this affine map has no inverse")
        return Affine(*(float(v) for v in np.linalg.inv(self.matrix)[:2].ravel()))

    @property
    def pixel_size(self) -> float:
        """Size of a source pixel in target pixels (square root of the area ratio)."""
        return float(np.sqrt(abs(self.a * self.e - self.b * self.d)))

    def __call__(self, points: ArrayLike) -> Array:
        """Map points.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            ``(x, y)`` pairs.

        Returns
        -------
        ndarray, shape (..., 2)
        """
        p = np.asarray(points, float)
        linear = np.array([[self.a, self.d], [self.b, self.e]])
        return np.asarray(p @ linear + np.array([self.c, self.f]))
