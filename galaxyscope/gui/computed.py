"""How was this computed? Formula, inputs, error and source of every number in the table."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from galaxyscope.explain.cards import CARDS
from galaxyscope.gui.desk import one_line
from galaxyscope.gui.rows import (
    DRAWN_ERROR_PX,
    angle_text,
    difference_text,
    length_text,
    remarks,
    who,
)
from galaxyscope.records.record import Record

Quantity = Literal["arcsec", "px", "kpc", "pa", "difference"]

PAPER = "Bhambra, Joachimi & Lahav 2022, MNRAS 511, 5032, Algorithm 1"
_TITLES = {
    "arcsec": "Length, arcsec",
    "px": "Length, pixels of the file",
    "kpc": "Length, kpc",
    "pa": "Position angle, degrees",
    "difference": "Drawn minus automatic",
}
_ERROR = (
    "± is one standard deviation, its parts added in quadrature: samples of the map, choice of "
    "networks, definition of the end, pixel grid, and what this algorithm is off by on simulated "
    "bars. It does not know whether there is a bar."
)
_ANGLE_ERROR = (
    "± is one standard deviation, its parts added in quadrature: samples of the map and choice of "
    "networks; where map and light give the direction together also {floor:g}°, and the angle "
    "between the bar and the map's own axis times the share that the map has in it."
)
_NO_ERROR = "No ±: the method has no independent samples to estimate one from."
_BY_HAND = f"No ±: a line drawn by hand is rounded to {DRAWN_ERROR_PX:g} px."


@dataclass(frozen=True)
class Computation:
    """Everything that a number was made from, in words.

    Parameters
    ----------
    title, value, formula : str
    inputs : tuple of (name, value)
    caution : str
        What the error means and does not mean.
    reference : str
    """

    title: str
    value: str
    formula: str
    inputs: tuple[tuple[str, str], ...]
    caution: str
    reference: str

    def __str__(self) -> str:
        lines = [f"{self.title}: {self.value}", self.formula]
        lines += [f"{name}: {value}" for name, value in self.inputs]
        return "\n".join(line for line in (*lines, self.caution, self.reference) if line)


def how_computed(record: Record, quantity: Quantity) -> Computation:
    """Say how a number of a row was computed."""
    return Computation(
        f"{_TITLES[quantity]} · {one_line(who(record))}",
        _value(record, quantity),
        _formula(record, quantity),
        tuple((name, one_line(value)) for name, value in _inputs(record, quantity) if value),
        _caution(record, quantity),
        _reference(record),
    )


def _caution(record: Record, quantity: Quantity) -> str:
    if record.kind == "drawn":
        return _BY_HAND
    if quantity == "pa" and record.pa_err_deg is not None:
        from galaxyscope.measure.uncertainty import AXIS_ERROR_DEG

        return _ANGLE_ERROR.format(floor=AXIS_ERROR_DEG)
    known = record.length_err_px is not None and quantity != "pa"
    return _ERROR if known else _NO_ERROR


def _value(record: Record, quantity: Quantity) -> str:
    if quantity == "pa":
        return angle_text(record)
    if quantity == "difference":
        return difference_text(record)
    return length_text(record, quantity)


def _formula(record: Record, quantity: Quantity) -> str:
    if quantity == "arcsec":
        return "L″ = L px × arcsec per px"
    if quantity == "kpc":
        return "L kpc = L″ × kpc per arcsec at this redshift (angular diameter distance)"
    if quantity == "difference":
        return "100 % × (L drawn − L automatic) / L automatic;  PA drawn − PA automatic"
    if quantity == "pa":
        said = (
            "Image angle, for the file has no sky coordinates: counter-clockwise from straight "
            "up as the picture is shown. It is not east of north."
        )
        if record.pa_frame == "sky":
            said = "From one end of the line to the other on the sky, from north through east."
        return f"{said} {_axis(record)}".strip()
    if record.kind == "drawn":
        return "L = √((x₂ − x₁)² + (y₂ − y₁)²)"
    return _searches().get(record.algorithm, "")


def _axis(record: Record) -> str:
    """Say where the direction of an automatic row comes from."""
    from galaxyscope.measure.consensus import LIGHT
    from galaxyscope.measure.phase import WITHIN

    low, high = WITHIN
    told = {
        "consensus": "Map and light together: second harmonic of the inner map, squared, plus "
        f"{LIGHT:g} times that of the light between {low:g} and {high:g} of the half length that "
        "the network bar-length answers; or that of the model's bar where the model decides.",
        "joint": "Second moments of the inner map, squared.",
        "phase": "Second moments of the inner map, squared.",
    }
    return told.get(record.algorithm, "") if record.kind == "automatic" else ""


def _searches() -> dict[str, str]:
    """How each algorithm finds a length."""
    # Only here: the first paint need not wait for the measuring.
    from galaxyscope.measure.consensus import WEIGHT
    from galaxyscope.measure.joint import FACTOR, SHARE, STRETCH
    from galaxyscope.measure.phase import AMPLITUDE, DEGREES

    return {
        "consensus": f"L = L_joint^{1 - WEIGHT:g} · L_said^{WEIGHT:g}. L_joint: from map and "
        f"light, {FACTOR:g} · √(L_light · L_map), see the algorithm joint. L_said: what the "
        "network bar-length answers when it is asked for the length (said px among the settings). "
        "Where a model of bulge, disc and bar leaves hardly anything of the light, "
        "L^{1 − w} · L_fitted^w with the length of its bar (fitted px) and w its weight (fitted "
        "weight).",
        "joint": f"L = {FACTOR:g} · √(L_light · L_map). L_light: twice the radius up to which the "
        f"second Fourier component of the light on circles keeps {AMPLITUDE:g} of its peak and "
        f"{DEGREES:g}° of the axis that the map shows. L_map = S · (ℓ / S)^{STRETCH:g}, ℓ the "
        f"length along that axis that holds {SHARE:.0%} of the map, S the side of the network's "
        "field.",
        "phase": "L = twice the radius up to which the second Fourier component of the light on "
        f"circles keeps {AMPLITUDE:g} of its peak and {DEGREES:g}° of the axis that the map shows.",
        "invariant": "L = extent, along its long axis, of the map above the first threshold where "
        "R = (λ₁ − λ₂) / (λ₁ + λ₂) of the pixels' covariance exceeds T_c.",
        "published": "L = farthest pair of pixel centres of the map above the first threshold "
        "(from 0.5 of the maximum, in steps of 0.0001) where |Pearson r| exceeds T_c.",
    }


def _inputs(record: Record, quantity: Quantity) -> list[tuple[str, str]]:
    plane = f", {record.plane}" if record.plane else ""
    inputs = [
        ("File", f"{Path(record.path).name}{plane}"),
        ("SHA-256 of the file", record.image_sha256[:16]),
    ]
    if record.kind == "automatic":
        inputs += [
            ("Network", f"{record.model}, SHA-256 {record.model_sha256[:16]}"),
            ("Map", f"{record.method} of {record.target}"),
            ("Settings", _settings(record)),
            ("Algorithm", record.algorithm),
            ("Threshold", "" if record.threshold is None else f"{record.threshold:.4f} of maximum"),
        ]
    else:
        inputs.append(("Drawn by", record.observer))
    inputs += [
        ("Parts of ±", "" if quantity == "pa" else _parts(record)),
        ("Ends", _ends(record)),
        ("Pixel scale", _scale(record)),
        ("Redshift", "" if record.redshift is None else f"{record.redshift:g}"),
        ("Cosmology", record.cosmology),
        ("Remarks", remarks(record)),
        ("Measured", f"{record.created_at}, GalaxyScope {record.version}"),
    ]
    return inputs


def _settings(record: Record) -> str:
    """Return all settings of explainer and algorithm; numbers to six digits, hashes to sixteen."""
    try:
        kept = json.loads(record.parameters or "{}")
    except ValueError:  # a row of another version
        return record.parameters
    return ", ".join(f"{name} {_brief(value)}" for name, value in _flat(kept))


def _brief(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text[:16] if re.fullmatch("[0-9a-f]{64}", text) else text  # a hash cannot wrap


def _flat(kept: object, before: str = "") -> list[tuple[str, object]]:
    if not isinstance(kept, dict):
        return [(before.strip(), kept)]
    return [pair for name, value in kept.items() for pair in _flat(value, f"{before} {name}")]


def _parts(record: Record) -> str:
    parts = {
        "samples": record.err_sampling_px,
        "networks": record.err_networks_px,
        "end": record.err_threshold_px,
        "grid": record.err_grid_px,
        "algorithm": record.err_method_px,
    }
    known = [f"{name} {value:.2f}" for name, value in parts.items() if value is not None]
    return f"{', '.join(known)} px" if known else ""


def _ends(record: Record) -> str:
    if record.ends is None:
        return ""
    (x1, y1), (x2, y2) = record.ends
    return f"({x1:.2f}, {y1:.2f}) to ({x2:.2f}, {y2:.2f})"


def _scale(record: Record) -> str:
    if record.scale_arcsec_per_px is None:
        return "unknown: lengths in pixels only"
    return f"{record.scale_arcsec_per_px:.6g}″ per px, from {record.scale_source}"


def _reference(record: Record) -> str:
    if record.kind == "drawn":
        return ""
    card = next((card for card in CARDS if card.name == record.method), None)
    paper = PAPER
    if record.algorithm in ("consensus", "joint", "phase"):
        paper = "Aguerri et al. 2009, A&A 495, 491 (amplitude and phase)"
    if record.algorithm == "consensus":
        paper += "; Bhambra, Joachimi & Lahav 2022, MNRAS 511, 5032 (a network that is asked)"
        paper += "; Gadotti 2008, MNRAS 384, 420 (decomposition)"
    if record.algorithm == "invariant":
        paper += ", with R instead of Pearson's r so that all angles measure alike"
    return paper if card is None else f"Bar: {paper}\nMap: {card.reference}"
