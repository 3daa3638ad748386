"""Numbers as the window writes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyscope.gui import rows
from galaxyscope.records.record import Record
from galaxyscope.sky.image import PixelScale, SkyImage

AUTOMATIC = Record(
    "x.fits",
    length_px=52.04,
    length_err_px=2.34,
    length_arcsec=31.224,
    length_kpc=12.1,
    pa_deg=133.08,
)
DRAWN = replace(AUTOMATIC, kind="drawn", observer="Ada", length_err_px=None)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (31.224, 1.4, "31.2 ± 1.4"),
        (31.224, 0.14, "31.22 ± 0.14"),
        (31.224, 3.0, "31 ± 3"),
        (31.224, 0.03, "31.22 ± 0.03"),
        (131.0, 25.0, "131 ± 25"),
        (-4.0, 0.5, "−4.0 ± 0.5"),
    ],
)
def test_rounded_to_what_the_error_allows(value: float, error: float, text: str) -> None:
    assert rows.number(value, error, show_error=True) == text


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_rounding_changes_less_than_the_error(value: float, error: float) -> None:
    assert abs(float(rows.number(value, error)) - value) <= 0.51 * error


def test_unknown_is_a_dash() -> None:
    empty = Record("x.fits", reason="nothing stands out", flags="no-bar")
    assert rows.length_text(empty, "px") == rows.angle_text(empty) == "–"
    assert rows.difference_text(empty) == "–"
    assert rows.status_text(empty) == "nothing stands out"
    flagged = replace(AUTOMATIC, flags="round-map off-axis")
    assert rows.status_text(flagged) == "round map, off axis"


def test_lengths_carry_the_error_in_their_own_unit() -> None:
    assert rows.length_text(AUTOMATIC, "px") == "52 ± 2"
    assert rows.length_text(AUTOMATIC, "arcsec") == "31.2 ± 1.4"
    assert rows.length_text(DRAWN, "px") == "52.0"


def test_labels() -> None:
    assert rows.line_label(AUTOMATIC) == "automatic 31.2″ ± 1.4″"
    assert rows.line_label(replace(DRAWN, length_arcsec=None)) == "Ada 52.0 px"


def test_difference() -> None:
    compared = replace(DRAWN, difference_percent=-4.512, difference_deg=-1.19)
    assert rows.difference_text(compared) == "−4.5 %  −1.2°"


def test_label_while_drawing() -> None:
    image = SkyImage(np.zeros((1, 5, 5), np.float32), "x")
    ends = ((0.0, 0.0), (3.0, 4.0))
    assert rows.length_of_ends(image, ends) == "5.0 px"
    scaled = image.replace(scale=PixelScale(0.5, "WCS"))
    assert rows.length_of_ends(scaled, ends) == "2.50″"
