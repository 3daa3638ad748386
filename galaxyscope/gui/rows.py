"""Numbers as the window writes them: rounded to what their error allows, units apart."""

from __future__ import annotations

import math

from galaxyscope.gui.tasks import made_text
from galaxyscope.measure.results import Point
from galaxyscope.records.record import Record
from galaxyscope.sky.image import SkyImage

# A hand does not place an end better than this; drawn lengths are rounded to it.
DRAWN_ERROR_PX = 0.2
MINUS = "−"
UNKNOWN = "–"


def decimals(error: float | None) -> int:
    """Decimals worth writing beside an error: two digits of it below 2, else one."""
    if error is None or not math.isfinite(error) or error <= 0:
        return 1
    lead = math.floor(math.log10(error))
    digits = 1 if error / 10**lead < 2 else 0
    return max(0, digits - lead)


def number(value: float | None, error: float | None = None, show_error: bool = False) -> str:
    """``"31.2"`` or ``"31.2 ± 1.4"``; a dash where nothing is known."""
    if value is None:
        return UNKNOWN
    places = min(decimals(error), 6)
    text = f"{value:.{places}f}".replace("-", MINUS)
    return f"{text} ± {error:.{places}f}" if show_error and error else text


def length_error_px(record: Record) -> float:
    """Return what a length is rounded by, in pixels."""
    if record.kind == "drawn":
        return DRAWN_ERROR_PX
    return record.length_err_px or 0.1 * (record.length_px or 1.0)


def length_text(record: Record, unit: str) -> str:
    """Return a length in ``"px"``, ``"arcsec"`` or ``"kpc"``, with its error if it has one."""
    value: float | None = getattr(record, f"length_{unit}")
    if value is None or not record.length_px:
        return UNKNOWN
    per_px = value / record.length_px
    return number(value, length_error_px(record) * per_px, record.length_err_px is not None)


def angle_text(record: Record) -> str:
    """Position angle in degrees with its error; without one rounded as a line drawn by hand.

    An angle that is not east of north says so.
    """
    if record.pa_deg is None or not record.length_px:
        return UNKNOWN
    by_hand = math.degrees(2 * DRAWN_ERROR_PX / record.length_px)
    text = number(record.pa_deg, record.pa_err_deg or by_hand, bool(record.pa_err_deg))
    return f"image {text}" if record.pa_frame == "image" else text


def difference_text(record: Record) -> str:
    """``"−4.5 %  −1.2°"``: drawn minus automatic."""
    if record.difference_percent is None:
        return UNKNOWN
    text = f"{record.difference_percent:+.1f} %"
    if record.difference_deg is not None:
        text += f"  {record.difference_deg:+.1f}°"
    return text.replace("-", MINUS)


def remarks(record: Record) -> str:
    """Put the flags of a row in words, a comma between two."""
    return record.flags.replace(" ", ", ").replace("-", " ")


def status_text(record: Record) -> str:
    """``"ok"``, or in words what a reader should know."""
    return record.error or record.reason or remarks(record) or "ok"


def who(record: Record) -> str:
    """Who measured."""
    return "automatic" if record.kind == "automatic" else record.observer or "drawn"


def source_text(record: Record) -> str:
    """Return what a row comes from: the algorithm and map, or the line.

    Of the target there is a word only where something was made of it.
    """
    if record.kind == "drawn":
        words = ["line"]
        if record.blind_look:
            words.append("blind" if record.blind_look == 1 else "blind, again")
        if record.width_px is not None:
            words.append(width_label(record))
        if record.source:
            words.append("imported")
        return " · ".join(words)
    method = record.method.rpartition("/")[2]
    words = (record.algorithm, method, made_text(record.target))
    return " · ".join(word for word in words if word)


def line_label(record: Record) -> str:
    """Return the one label of a line: who, and the length in the best unit there is."""
    unit, sign = ("arcsec", "″") if record.length_arcsec is not None else ("px", " px")
    text = length_text(record, unit)
    return f"{who(record)} {text.replace(' ±', f'{sign} ±')}{sign}"


def width_label(record: Record) -> str:
    """Return the label of the line across a bar."""
    if record.width_px is None:
        return ""
    if record.length_arcsec is None or not record.length_px:
        return f"width {number(record.width_px, DRAWN_ERROR_PX)} px"
    per_px = record.length_arcsec / record.length_px
    return f"width {number(record.width_px * per_px, DRAWN_ERROR_PX * per_px)}″"


def length_of_ends(image: SkyImage, ends: tuple[Point, Point]) -> str:
    """Label of a line while it is drawn: arcsec where the image has a scale, else pixels."""
    (x1, y1), (x2, y2) = ends
    return length_of(image, math.hypot(x2 - x1, y2 - y1))


def length_of(image: SkyImage, length: float) -> str:
    """Write a length in pixels of an image: arcsec where it has a scale, else pixels."""
    if image.scale is None:
        return f"{length:.1f} px"
    scale = image.scale.arcsec_per_px
    return f"{number(length * scale, DRAWN_ERROR_PX * scale)}″"


def value_text(value: float) -> str:
    """Return a pixel value: four significant digits."""
    if not math.isfinite(value):
        return "no value"
    return f"{value:.4g}".replace("-", MINUS)
