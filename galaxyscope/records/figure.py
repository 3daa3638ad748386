"""A picture of image, attribution and bar, drawn with Pillow alone."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from galaxyscope.records.record import Record, provenance_text
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.stretch import default_display, display_buffer

_T = TypeVar("_T", bound=np.generic)
AMBER, CYAN, EDGE = (255, 179, 0), (0, 200, 230), (20, 20, 20)
# Magma (matplotlib, CC0; S. van der Walt and N. Smith) at 0, 1/8 … 1.
_MAGMA = np.array(
    [
        (0, 0, 4), (28, 16, 68), (79, 18, 123), (129, 37, 129), (181, 54, 122),
        (229, 80, 100), (251, 135, 97), (254, 194, 135), (252, 253, 191),
    ],
    float,
)  # fmt: skip
# Evidence against the target: black over blue to pale cyan.
_AGAINST = np.array([(0, 0, 4), (10, 50, 120), (30, 120, 200), (190, 240, 255)], float)
# Drawn at twice the size and shrunk: Pillow's lines are not smooth by themselves.
_FINE = 2
_SMALLEST, _LARGEST = 720, 1600


def save_figure(picture: Image.Image, path: Path, record: Record) -> None:
    """Save a figure; PNG, JPEG and TIFF carry how its map was made."""
    made = provenance_text(record)
    kind = path.suffix.lower()
    if kind == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_text("Software", f"GalaxyScope {record.version}")
        info.add_text("Provenance", made)
        picture.save(path, pnginfo=info)
    elif kind in (".jpg", ".jpeg"):
        picture.save(path, comment=made.encode("ascii"))
    else:
        picture.save(path, description=made)


def draw_figure(
    image: SkyImage,
    values: NDArray[np.float32] | None = None,
    record: Record | None = None,
    opacity: float = 0.7,
) -> Image.Image:
    """Draw the cutout, an attribution over it and the bar of a row.

    Parameters
    ----------
    image : SkyImage
    values : ndarray, shape (rows, columns), optional
        Attribution on the cutout's grid; the stronger, the more opaque. Negative values
        (evidence against the target) are blue.
    record : Record, optional
        Its line is drawn (automatic amber, drawn cyan) with its length.
    opacity : float
        Of the strongest value, 0 to 1.

    Returns
    -------
    PIL.Image.Image
        RGB, as the cutout stands on the screen, 720 to 1600 pixels on the long side.
    """
    rows, columns = image.shape
    longest = max(rows, columns)
    zoom = _FINE * min(max(_SMALLEST, longest), _LARGEST) / longest
    size = (max(1, round(columns * zoom)), max(1, round(rows * zoom)))
    picture = _upright(display_buffer(image, default_display(image)), image.y_up)
    canvas = Image.fromarray(picture).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    if values is not None:
        canvas = _overlaid(canvas, _upright(values, image.y_up), opacity)
    if record is not None and record.ends is not None:
        _line(canvas, image, record, zoom)
    finished = (max(1, size[0] // _FINE), max(1, size[1] // _FINE))
    return canvas.resize(finished, Image.Resampling.LANCZOS)


def _overlaid(canvas: Image.Image, values: NDArray[np.float32], opacity: float) -> Image.Image:
    values = np.where(np.isfinite(values), values, 0).astype(np.float32)
    peak = float(np.abs(values).max(initial=0))
    if peak == 0:
        return canvas
    smooth = Image.fromarray(values / peak).resize(canvas.size, Image.Resampling.BILINEAR)
    level = np.clip(np.asarray(smooth), -1, 1)
    strength = np.abs(level)
    # The ramps start above black, so that faint parts tint the galaxy instead of dimming it.
    shade = 0.35 + 0.65 * strength
    colour = np.where(level[..., None] >= 0, _ramp(_MAGMA, shade), _ramp(_AGAINST, shade))
    alpha = opacity * strength[..., None] ** 0.75
    return Image.fromarray((alpha * colour + (1 - alpha) * np.asarray(canvas)).astype(np.uint8))


def _ramp(anchors: NDArray[np.float64], level: NDArray[np.float32]) -> NDArray[np.float64]:
    at = np.linspace(0, 1, len(anchors))
    return np.stack([np.interp(level, at, channel) for channel in anchors.T], axis=-1)


def _line(canvas: Image.Image, image: SkyImage, record: Record, zoom: float) -> None:
    ends = np.array(record.ends)
    points = image.to_screen(ends) * zoom - 0.5
    (x1, y1), (x2, y2) = points
    across = np.array([-(y2 - y1), x2 - x1]) / (np.hypot(x2 - x1, y2 - y1) or 1) * 10 * _FINE
    strokes = [points] + [np.array([p - across, p + across]) for p in points]
    pen = ImageDraw.Draw(canvas)
    colour = AMBER if record.kind == "automatic" else CYAN
    for width, ink in ((5 * _FINE, EDGE), (2 * _FINE, colour)):
        for stroke in strokes:
            pen.line([(float(x), float(y)) for x, y in stroke], fill=ink, width=width)
    font = ImageFont.load_default(size=18 * _FINE)
    margin = 12 * _FINE
    pen.text(
        (margin, canvas.height - margin), label(record), fill=colour, font=font, anchor="ls",
        stroke_width=2 * _FINE, stroke_fill=EDGE,
    )  # fmt: skip


def label(record: Record) -> str:
    """Length, its error and the position angle in words, e.g. ``automatic 31.2 ± 1.4 arcsec``."""
    if record.length_px is None:
        return "no bar"
    length, error, unit = record.length_px, record.length_err_px, "px"
    if record.length_arcsec is not None:
        length, error, unit = record.length_arcsec, record.length_err_arcsec, "arcsec"
    text = f"{record.kind} {length:.1f}"
    if error is not None:
        text += f" ± {error:.1f}"
    text += f" {unit}"
    if record.pa_deg is not None:
        text += f"   {'PA' if record.pa_frame == 'sky' else 'angle'} {record.pa_deg:.1f}°"
    return text


def _upright(array: NDArray[_T], y_up: bool) -> NDArray[_T]:
    return np.ascontiguousarray(array[::-1] if y_up else array)
