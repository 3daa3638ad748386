"""How was this computed? Words, and the popover that shows them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from galaxyscope.gui.computed import how_computed
from galaxyscope.gui.panels.measurements import COLUMNS, MeasurementsPanel
from galaxyscope.gui.rows import angle_text
from galaxyscope.records.record import Record

# Popups on the offscreen platform.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

AUTOMATIC = Record(
    "/data/NGC 4643.fits", algorithm="invariant", length_px=52.0, length_err_px=2.3,
    length_arcsec=31.2, length_kpc=12.1, pa_deg=133.1, pa_frame="sky", x1=10.0, y1=20.0,
    x2=50.0, y2=53.2, threshold=0.6213, scale_arcsec_per_px=0.6, scale_source="WCS",
    redshift=0.02, cosmology="flat ΛCDM, H0 = 70", model="galaxyzoo", model_sha256="ab" * 32,
    target="Class3.1", method="smoothgrad/rotation-averaged", samples=256, noise=0.1, seed=0,
    parameters='{"explainer": {"samples": 256, "noise": 0.1}, "bar": {"correlation": 0.85}}',
    image_sha256="cd" * 32, created_at="2026-01-01T00:00:00Z", version="0.1.0", id="a",
    err_sampling_px=1.9, err_networks_px=1.2, err_grid_px=0.15,
)  # fmt: skip
DRAWN = dataclasses.replace(
    AUTOMATIC, kind="drawn", algorithm="line", observer="Ada", length_err_px=None,
    pa_frame="image", scale_arcsec_per_px=None, scale_source="", length_arcsec=None,
    length_kpc=None, threshold=None, id="b",
)  # fmt: skip


def test_an_automatic_length_tells_everything_it_was_made_from() -> None:
    said = str(how_computed(AUTOMATIC, "px"))
    for word in (
        "λ", "NGC 4643.fits", "cdcdcdcdcdcdcdcd", "galaxyzoo", "abababababababab",
        "smoothgrad/rotation-averaged", "samples 256", "noise 0.1", "correlation 0.85", "0.6213",
        "0.6″ per px, from WCS", "H0 = 70", "0.02", "(10.00, 20.00)", "MNRAS 511, 5032",
    ):  # fmt: skip
        assert word in said
    assert "one standard deviation, its parts added in quadrature" in said
    assert "Parts of ±: samples 1.90, networks 1.20, grid 0.15 px" in said


def test_settings_are_short_where_nothing_is_lost() -> None:
    """A hash of 64 characters cannot wrap; a name of thirty is read whole."""
    method = "smoothgrad/rotation-averaged"
    kept = {"bar": {"network": "ef" * 32, "fitted_px": 64.123456789, "of": method}}
    said = str(how_computed(dataclasses.replace(AUTOMATIC, parameters=json.dumps(kept)), "px"))
    assert f"bar network {'ef' * 8}, bar fitted_px 64.1235, bar of {method}" in said
    assert "ef" * 9 not in said


def test_the_two_algorithms_say_different_things() -> None:
    published = dataclasses.replace(AUTOMATIC, algorithm="published")
    assert "Pearson" in how_computed(published, "px").formula
    assert "Pearson" not in how_computed(AUTOMATIC, "px").formula


def test_a_direction_says_who_gave_it() -> None:
    said = {
        name: how_computed(dataclasses.replace(AUTOMATIC, algorithm=name), "pa").formula
        for name in ("consensus", "joint", "published")
    }
    assert "Map and light together" in said["consensus"]
    assert "Second moments" in said["joint"]
    assert said["published"].endswith("from north through east."), "the ends say it"


def test_a_drawn_line_claims_no_error_and_no_sky_angle() -> None:
    said = how_computed(DRAWN, "pa")
    assert "Image angle" in said.formula
    assert "by hand" in said.caution
    assert not said.reference
    assert "unknown" in dict(said.inputs)["Pixel scale"]


def test_an_image_angle_says_so_in_its_cell() -> None:
    assert angle_text(AUTOMATIC) == "133.1"
    assert angle_text(DRAWN) == "image 133.1"


def test_an_angle_carries_its_own_error() -> None:
    known = dataclasses.replace(AUTOMATIC, pa_err_deg=3.4)
    assert angle_text(known) == "133 ± 3"
    said = how_computed(known, "pa")
    assert "the share that the map has" in said.caution
    assert "Parts of ±" not in dict(said.inputs)
    assert "No ±" in how_computed(AUTOMATIC, "pa").caution


@pytest.fixture
def panel(qtbot: Any) -> MeasurementsPanel:
    made = MeasurementsPanel()
    qtbot.addWidget(made)
    made.resize(900, 200)
    made.show()
    made.show_records((AUTOMATIC, DRAWN), "")
    return made


def place(panel: MeasurementsPanel, row: int, title: str) -> QPoint:
    column = [column.title for column in COLUMNS].index(title)
    return panel.view.visualRect(panel.table.index(row, column)).center()


def popover(panel: MeasurementsPanel) -> Any:
    found = QApplication.activePopupWidget()
    assert found is not None
    return found


def test_a_click_on_a_number_asks_and_copy_takes_it_all(
    qtbot: Any, panel: MeasurementsPanel
) -> None:
    viewport = panel.view.viewport()
    at = place(panel, 0, "px")
    qtbot.mouseMove(viewport, at)
    qtbot.waitUntil(lambda: viewport.cursor().shape() == Qt.CursorShape.PointingHandCursor)
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=at)
    shown = popover(panel)
    assert shown.computation == how_computed(AUTOMATIC, "px")
    shown._copy()
    assert QApplication.clipboard().text() == str(how_computed(AUTOMATIC, "px"))
    assert QApplication.activePopupWidget() is None


@pytest.mark.parametrize(("row", "title"), [(0, "Who"), (0, "Status"), (1, "kpc")])
def test_words_and_dashes_do_not_ask(
    qtbot: Any, panel: MeasurementsPanel, row: int, title: str
) -> None:
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=place(panel, row, title))
    assert QApplication.activePopupWidget() is None


def test_return_asks_and_escape_closes(qtbot: Any, panel: MeasurementsPanel) -> None:
    panel.select("a")
    qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    shown = popover(panel)
    assert shown.computation.title.startswith("Length, arcsec")
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    assert QApplication.activePopupWidget() is None


def test_a_long_name_keeps_the_popover_on_the_screen(panel: MeasurementsPanel) -> None:
    long = dataclasses.replace(AUTOMATIC, path=f"/{Path('x' * 200)}.fits", id="c")
    panel.show_records((long,), "")
    shown = panel.ask(panel.table.index(0, 2))
    assert shown is not None
    assert shown.screen().availableGeometry().contains(shown.geometry())
    shown.close()
