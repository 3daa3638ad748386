"""The agreement panel in a window."""

from __future__ import annotations

import dataclasses
import importlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from galaxyscope.gui import dialogs
from galaxyscope.gui.axes import tick_texts, ticks
from galaxyscope.gui.panels import scatter
from galaxyscope.gui.panels.computed import ComputedPopover
from galaxyscope.gui.panels.scatter import ScatterPlot
from galaxyscope.records.comparison_plots import Plot, Straight
from galaxyscope.records.record import Record


def opinions(names: list[Path], n: int = 12, seed: int = 0) -> list[Record]:
    """Automatic rows and lines of made-up galaxies; the first ones are those of real files."""
    from galaxyscope.gui.chores_lines import sha256_of

    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        path = str(names[i]) if i < len(names) else f"/nowhere/g{i}.fits"
        sha = sha256_of(names[i]) if i < len(names) else f"{i:064x}"
        size = float(rng.uniform(20, 60))
        common = {"image_sha256": sha, "scale_arcsec_per_px": 0.5, "light_r90_px": size}
        for kind, algorithm, who in (("automatic", "phase", ""), ("drawn", "line", "Ada")):
            px = size * float(rng.uniform(0.8, 1.2))
            rows.append(
                Record(path, kind, algorithm, length_px=px, length_arcsec=px / 2, observer=who,
                       pa_deg=float(rng.uniform(0, 180)), pa_frame="sky", **common)
            )  # fmt: skip
    return rows


@pytest.fixture(autouse=True)
def no_tooltips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform of the tests warns when one is raised."""
    monkeypatch.setattr(scatter.QToolTip, "showText", lambda *_: None)


@pytest.fixture
def agreement(drive: Any, folder: Path) -> Any:
    """The panel in front, with twelve galaxies of which two are on the list."""
    for heavy in ("contourpy", "scipy.spatial", "scipy.stats"):
        importlib.import_module(heavy)
    drive.open(folder, shows="a.fits")
    drive.window.session.add(*opinions([folder / "a.fits", folder / "b.fits"]))
    drive.window.tables.show_panel("Agreement")
    panel = drive.window.agreement
    drive.until(lambda: panel.shown is not None and panel.shown.found is not None)
    return panel


def cells(panel: Any) -> dict[str, list[str]]:
    table = panel.figures.table
    rows = ([table.index(r, c).data() for c in range(5)] for r in range(table.rowCount()))
    return {row[0]: row[1:] for row in rows}


def test_an_empty_session_says_what_to_do(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    drive.window.tables.show_panel("Agreement")
    panel = drive.window.agreement
    drive.until(lambda: panel.shown is not None)
    assert panel.shown.found is None
    assert "3 galaxies" in panel.notice.text()
    assert "L draws" in panel.notice.text()
    assert panel.bring.isVisible()
    assert not panel.export.isEnabled()
    drive.draw(((20.0, 30.0), (60.0, 30.0)))
    drive.until(lambda: "1" in panel._b.currentText())


def test_every_correlation_has_its_baselines_beside_it(agreement: Any) -> None:
    shown = cells(agreement)
    found = agreement.shown.found.agreement
    value, spread, constant, shuffled = shown["Pearson ρ, lengths"]
    assert value == f"{found.rho_paper:.2f}"
    assert constant == f"{found.constant_rho_paper:.2f}"
    assert shuffled == f"{found.shuffled_rho_paper:.2f}".replace("-", "−")
    assert " … " in spread
    assert shown["Pearson ρ, relative"][2] == "–"  # a constant has none
    assert shown["Pearson ρ, relative"][3] != "–"
    header = [agreement.figures.table.headerData(c, Qt.Orientation.Horizontal) for c in range(5)]
    assert header[3:] == ["Constant", "Shuffled"]


def test_every_number_can_be_asked(agreement: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ComputedPopover, "open_above", lambda *_: None)
    table = agreement.figures.table
    asked = 0
    for row in range(table.rowCount()):
        for column in range(1, 5):
            popover = agreement.figures.ask(table.index(row, column))
            if table.index(row, column).data() not in ("", "–"):
                assert popover is not None
                text = str(popover.computation)
                assert popover.computation.formula
                assert "Automatic" in text
                asked += 1
                popover.close()
    assert asked > 20


def test_units_and_views(drive: Any, agreement: Any, qtbot: Any) -> None:
    before = agreement.plot.plot
    assert before.x_title == "B / 2 r90"
    qtbot.mouseClick(agreement._buttons["px"], Qt.MouseButton.LeftButton)
    drive.until(lambda: agreement.shown.unit == "px")
    assert agreement.plot.plot.x_title == "B [px]"
    agreement.choose_view("bland-altman")
    assert agreement.plot.plot.y_title == "ln(A / B)"
    qtbot.mouseClick(agreement._buttons["arcsec"], Qt.MouseButton.LeftButton)
    drive.until(lambda: agreement.shown.unit == "arcsec")
    assert agreement.plot.plot.key == "bland-altman", "the view stays"
    views = [agreement._view.itemData(i) for i in range(agreement._view.count())]
    assert "residual: position angle [deg]" in views
    assert "residual: r90 [arcsec]" in views


def test_a_click_on_a_point_opens_its_galaxy(drive: Any, agreement: Any, qtbot: Any) -> None:
    pairs = agreement.shown.found.pairs
    index = next(i for i, p in enumerate(pairs) if p.name == "b.fits")
    agreement.grab()
    place = agreement.plot.point_of(index).toPoint()
    qtbot.mouseMove(agreement.plot, place + QPoint(30, 0))
    qtbot.mouseClick(agreement.plot, Qt.MouseButton.LeftButton, pos=place)
    drive.until(lambda: drive.shown() == "b.fits")
    assert agreement.plot._current == index
    drive.trigger("previous")
    drive.until(lambda: drive.shown() == "a.fits")
    assert pairs[agreement.plot._current].name == "a.fits"


def test_new_rows_are_compared(drive: Any, agreement: Any) -> None:
    lines = next(side.rows for side in agreement.shown.sides if side.key == "drawn")
    drive.window.canvas.line_drawn.emit(((20.0, 30.0), (60.0, 30.0)))
    drive.until(
        lambda: next(s.rows for s in agreement.shown.sides if s.key == "drawn") == lines + 1
    )
    drive.trigger("undo")
    drive.until(lambda: next(s.rows for s in agreement.shown.sides if s.key == "drawn") == lines)


def test_the_figure_is_written(
    drive: Any, agreement: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        dialogs.QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "f"), "SVG (*.svg)")
    )
    importlib.import_module("matplotlib.font_manager")  # lists the fonts of the machine, once
    drive.trigger("export_figure")
    drive.until(lambda: (tmp_path / "f.svg").exists())
    text = (tmp_path / "f.svg").read_text(encoding="utf-8")
    assert "one relative length for all gives" in " ".join(text.split())
    assert "session.sqlite" in text


def test_ten_thousand_points_stay_quick(qtbot: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.lognormal(3, 0.5, 10_000)
    line = Straight("origin", 1.0, 0.0, "through the origin")
    plot = ScatterPlot()
    qtbot.addWidget(plot)
    plot.resize(500, 300)
    y = x * rng.lognormal(0, 0.2, x.size)
    plot.show_plot(Plot("lengths", "t", x, y, "B", "A", (line,), x * 0.1, y * 0.1, square=True))
    with qtbot.waitExposed(plot):
        plot.show()
    plot.repaint()
    drawn = plot._drawn
    started = time.process_time()
    for i in range(50):
        assert plot.nearest(plot.point_of(i)) is not None
        plot._hover(i)
        plot.repaint()
    assert plot._drawn is drawn, "drawn once, then only rings"
    assert (time.process_time() - started) / 50 < 0.02
    picture = plot.grab().toImage()
    ground = picture.pixelColor(plot.width() - 2, 2)
    place = plot.axes().place
    dots = [
        picture.pixelColor(int(place.left()) + 2 * i, int(place.bottom()) - 2 * i)
        for i in range(60)
    ]
    assert sum(dot != ground for dot in dots) > 30, "the points are to be seen"


@pytest.mark.parametrize(
    ("low", "high", "most", "texts"),
    [
        (0, 1, 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-0.13, 0.13, 3, ["−0.1", "0.0", "0.1"]),
        (0, 730, 4, ["0", "200", "400", "600"]),
        (1, 1, 5, []),
    ],
)
def test_ticks_are_round(low: float, high: float, most: int, texts: list[str]) -> None:
    assert tick_texts(ticks(low, high, most)) == texts


def test_pairs_without_a_place_are_left_out(qtbot: Any) -> None:
    plot = ScatterPlot()
    qtbot.addWidget(plot)
    values = np.array([1.0, np.nan, 3.0])
    plot.show_plot(Plot("residual: x", "t", values, values, "x", "y"))
    plot.resize(400, 200)
    plot.grab()
    assert plot.point_of(1) is None
    assert plot.nearest(plot.point_of(2)) == 2
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    with qtbot.waitSignal(plot.chosen) as chosen:
        qtbot.keyClick(plot, Qt.Key.Key_Return)
    assert chosen.args == [0]
    empty = dataclasses.replace(plot.plot, x=np.full(3, np.nan), y=np.full(3, np.nan))
    plot.show_plot(empty)
    plot.grab()
    qtbot.keyClick(plot, Qt.Key.Key_Right)
