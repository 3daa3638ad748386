"""How was this computed? Lengths over thresholds, and profiles along lines."""

from __future__ import annotations

from galaxyscope.explain.protocol import Attribution
from galaxyscope.gui.chores_lines import Profiles
from galaxyscope.gui.computed import Computation
from galaxyscope.gui.desk import one_line
from galaxyscope.gui.rows import value_text
from galaxyscope.measure.curve import FLAT, WIDE, LengthCurve
from galaxyscope.measure.profile import FINE


def how_long(
    curve: LengthCurve, threshold: float, attribution: Attribution, value: str
) -> Computation:
    """Say how the length of a map at a threshold was computed."""
    plateau = curve.plateau
    where = (
        "none: the length changes everywhere"
        if plateau is None
        else f"{plateau.low:.2f} to {plateau.high:.2f} of the maximum, {plateau.length_px:.1f} px"
    )
    return Computation(
        "Length of the map at the threshold",
        value,
        "L = extent, along its long axis, of the area where the map exceeds the threshold; ends "
        "from the iso-contour, between the pixels",
        (
            ("Threshold", f"{threshold:.3f} of the maximum"),
            ("Map", one_line(f"{attribution.method} of {attribution.target}")),
            ("Network", one_line(f"{attribution.model}, SHA-256 {attribution.model_sha256[:16]}")),
            ("Plateau", where),
        ),
        f"The plateau is the widest range of thresholds, at least {WIDE:g}, over which the length "
        f"changes by less than {100 * FLAT:g} %. It is not the length of the bar: the algorithm "
        "that measures the bar has a criterion of its own (the ring, or the dotted line).",
        "",
    )


def how_profiled(found: Profiles, name: str, value: str) -> Computation:
    """Say how a profile was computed."""
    light = found.light
    inputs = [
        ("Line", one_line(name)),
        ("Length", f"{light.length_px:.2f} px"),
        ("Averaged over", f"{light.width_px:g} px across the line"),
        ("Samples", f"{len(light.along)} along, bilinear, about {FINE} per pixel each way"),
        ("Peak of the light", "" if light.peak is None else value_text(light.peak)),
    ]
    if found.map is not None and found.map.peak is not None:
        inputs.append(("Peak of the map", value_text(found.map.peak)))
    return Computation(
        "Profile along the line",
        value,
        "Mean across the line of the light (mean of the bands) and of the map, at even steps; "
        "pixels without a value have no weight",
        tuple((key, text) for key, text in inputs if text),
        "Shares are of the greatest value on the line itself, without taking the sky off.",
        "",
    )
