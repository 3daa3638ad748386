"""What the window does, as command lines that do the same (the workflow log)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from galaxyscope.measure.algorithms import DEFAULT_ALGORITHM
from galaxyscope.measure.results import Point
from galaxyscope.records.making import plane_key
from galaxyscope.records.record import Provenance
from galaxyscope.sky.image import SkyImage

# Settings of explainers that have an option of their own; all others go through --set.
OPTIONS = ("samples", "noise", "agreement", "seed")


def line_command(image: SkyImage, ends: tuple[Point, Point], observer: str) -> tuple[str, ...]:
    """``galaxyscope line`` for a line that was drawn."""
    numbers = [repr(float(value)) for end in ends for value in end]
    words = ("galaxyscope", "line", _path(image), *numbers, f"--observer={observer}")
    return (*words, *_of_image(image), "-o", _out(image, "lines"))


def measure_command(image: SkyImage, source: Provenance, bar: Mapping[str, Any]) -> tuple[str, ...]:
    """``galaxyscope measure`` for an automatic bar.

    Parameters
    ----------
    image : SkyImage
    source : Provenance
        How the map was made.
    bar : mapping
        Parameters of the measuring step, as `BarMeasurement` has them.
    """
    words = ["galaxyscope", "measure", _path(image), *_explainer(source)]
    words.append(f"--algorithm={bar.get('algorithm', DEFAULT_ALGORITHM)}")
    for name in ("correlation", "min_pixels", "average", "x_input"):
        if name in bar:
            words.append(f"--{name.replace('_', '-')}={bar[name]}")
    return (*words, *_of_image(image), "-o", _out(image, "bar"))


def explain_command(image: SkyImage, source: Provenance) -> tuple[str, ...]:
    """``galaxyscope explain`` for a map."""
    words = ("galaxyscope", "explain", _path(image), *_explainer(source))
    return (*words, *_of_image(image), "-o", _out(image, "map", ".fits"))


def predict_command(image: SkyImage, model: str) -> tuple[str, ...]:
    """``galaxyscope predict`` for an answer."""
    words = ("galaxyscope", "predict", _path(image), f"--model={model}", *_plane(image))
    return (*words, "-o", _out(image, "answers"))


def _explainer(source: Provenance) -> list[str]:
    words = [f"--model={source.model}", f"--target={source.target}", f"--method={source.method}"]
    for name, value in source.parameters.items():
        if name in OPTIONS:
            words.append(f"--{name}={value!r}")
        else:
            words.append(f"--set={name}={json.dumps(value)}")
    return words


def _of_image(image: SkyImage) -> list[str]:
    """Options for what the user said of the picture, and for which one it is."""
    words = _plane(image)
    if image.scale is not None and image.scale.source == "user":
        words.append(f"--scale={image.scale.arcsec_per_px!r}")
    if image.redshift is not None:
        words.append(f"--redshift={image.redshift!r}")
    return words


def _plane(image: SkyImage) -> list[str]:
    return [f"--plane={key}"] if (key := plane_key(image)) else []


def _path(image: SkyImage) -> str:
    return image.name if image.path is None else str(image.path)


def _out(image: SkyImage, what: str, suffix: str = ".csv") -> str:
    return f"{Path(image.name).stem}-{what}{suffix}"
