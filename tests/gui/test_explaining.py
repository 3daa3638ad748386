"""The network at work in the window: prediction, explanation, cancel, failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QDockWidget

from galaxyscope.gui import chores
from galaxyscope.gui.app import Request, begin
from galaxyscope.gui.window import MainWindow
from galaxyscope.work.jobs import JobState


def test_prediction_comes_by_itself(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    current = drive.window.workspace.current
    drive.until(lambda: current.prediction is not None)
    assert current.bar_fraction == pytest.approx(0.7)
    texts = [
        drive.window.classify_panel.view.model().index(i, 0).data()
        for i in range(drive.window.classify_panel.view.model().rowCount())
    ]
    assert "bar 0.70" in texts
    # The gallery's other galaxies get their number while the network has nothing else to do.
    drive.until(lambda: all(g.bar_fraction for g in drive.window.workspace.galaxies))


def test_explain_measures_keeps_and_compares(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    drive.open(folder, shows="a.fits")
    window = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled())
    drive.draw(((40.0, 40.0), (80.0, 80.0)))
    drive.trigger("explain")
    drive.until(lambda: len(drive.rows()) == 2)
    assert network.explainer.asked == ["Class3.1"]
    drawn, automatic = drive.rows()
    assert automatic.kind == "automatic"
    assert automatic.length_px is not None
    assert automatic.length_px > 20
    assert automatic.target_probability == pytest.approx(0.7)
    assert drawn.difference_percent == pytest.approx(
        100 * (drawn.length_px - automatic.length_px) / automatic.length_px
    )
    assert drive.cell(1, "Who") == "automatic"
    assert "%" in drive.cell(0, "Δ to automatic")
    assert {line.role for line in window.canvas.lines.lines} == {"drawn", "automatic"}
    assert window.canvas.overlay is not None
    assert window.canvas.overlay.threshold == pytest.approx(0.5)
    assert not window.explaining.busy
    assert not window.explain_panel._progress.isVisibleTo(window.explain_panel)

    # Once more: the row made the same way is replaced, not doubled.
    drive.trigger("explain")
    drive.until(lambda: len(network.explainer.asked) == 2 and not window.explaining.busy)
    drive.until(lambda: not [t for t in window.bridge.running if t.lane == chores.SESSION])
    assert len(drive.rows()) == 2


def test_threshold_counts_pixels_as_the_canvas_draws_them(drive: Any, folder: Path) -> None:
    from galaxyscope.gui.canvas import over_threshold

    drive.open(folder, shows="a.fits")
    window = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled())
    drive.trigger("explain")
    drive.until(lambda: len(drive.rows()) == 1)
    before = 0.5  # `phase` sets none, so that the overlay has its default
    drive.trigger("higher")
    overlay = window.canvas.overlay
    assert overlay.threshold == pytest.approx(before + 0.01)
    count = int(over_threshold(overlay.values, overlay.threshold).sum())
    assert count == window.workspace.current.map.pixels_above(overlay.threshold)
    assert window.overlay_panel._pixels.text().startswith(str(count))
    drive.trigger("overlay")
    assert not window.canvas.overlay_visible


@pytest.mark.parametrize("how", ["cancel", "next galaxy", "close"])
def test_cancel_takes_effect_within_300_ms(
    drive: Any, folder: Path, network: SimpleNamespace, how: str
) -> None:
    network.explainer.seconds = 20.0
    network.explainer.steps = 1000
    drive.open(folder, shows="a.fits")
    window = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled())
    drive.trigger("explain")
    drive.until(lambda: window.canvas.overlay is not None)  # the map grows on screen
    drive.until(lambda: window.explain_panel._progress.isVisibleTo(window.explain_panel))
    asked = time.monotonic()
    {
        "cancel": lambda: drive.trigger("cancel"),
        "next galaxy": lambda: drive.trigger("next"),
        "close": window.close,
    }[how]()
    if how != "close":
        drive.until(lambda: network.explainer.stopped_at > 0)
        drive.until(lambda: not window.jobs.running)
        assert not window.explain_panel._progress.isVisibleTo(window.explain_panel)
        assert window.workspace.galaxies[0].shown_map is None
    assert 0 < network.explainer.stopped_at - asked < 0.3


def test_failed_explanation_says_what_where_and_can_be_retried(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    network.explainer.error = ValueError("the gradients are not finite.")
    drive.open(folder, shows="a.fits")
    window = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled())
    drive.trigger("explain")
    drive.until(lambda: bool(window.jobs.failed))
    [task] = window.jobs.failed
    assert task.state is JobState.FAILED
    assert "gradients are not finite. See Jobs" in window.workspace.current.note
    assert window.tables.tabs.tabText(window.tables.names.index("Jobs")) == "Jobs (1 failed)"
    window.jobs._lines[task]._copy.click()
    copied = QApplication.clipboard().text()
    assert all(word in copied for word in ("a.fits", "Traceback", "not finite"))

    network.explainer.error = None
    window.jobs._lines[task]._retry.click()
    drive.until(lambda: len(drive.rows()) == 1)
    assert not window.jobs.failed
    assert window.workspace.current.note == ""


def test_no_bar_says_why(drive: Any, folder: Path, network: SimpleNamespace) -> None:
    network.explainer.empty = True
    drive.open(folder, shows="a.fits")
    window = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled())
    drive.trigger("explain")
    drive.until(lambda: len(drive.rows()) == 1)
    record = drive.rows()[0]
    assert record.length_px is None
    assert record.reason
    assert window.workspace.current.note == f"No bar found: {record.reason}"
    assert drive.cell(0, "Status") == record.reason
    assert window.canvas.lines.lines == ()


def test_samples_lead_by_themselves_to_a_bar(
    make_window: Callable[[], MainWindow], network: SimpleNamespace, folder: Path, qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from galaxyscope.gui import app

    monkeypatch.setattr(app, "samples_folder", lambda: folder)
    window = make_window()
    begin(window, Request.of(["--samples"]))
    qtbot.waitUntil(lambda: len(window.measurements.table.records) == 1, timeout=5000)
    assert window.workspace.current.path.name == "a.fits"
    window.browsing.next()
    qtbot.waitUntil(
        lambda: window.canvas.image is not None and window.canvas.image.name == "b.fits"
    )
    qtbot.waitUntil(lambda: window.workspace.current.prediction is not None)
    assert network.explainer.asked == ["Class3.1"]  # the preference is off: only the first


def test_no_model_is_a_sentence_and_pictures_work_all_the_same(
    make_window: Callable[[], MainWindow], folder: Path, qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from galaxyscope.classify.card import ModelError

    def fail(name: str | None, running: chores.Running) -> None:
        raise ModelError("galaxyzoo", "there is no such model; there are: none")

    monkeypatch.setattr(chores, "load_network", fail)
    window = make_window()
    begin(window, Request.of([str(folder)]))
    qtbot.waitUntil(lambda: window.canvas.image is not None)
    qtbot.waitUntil(lambda: "no such model" in window.classify_panel._state.text())
    assert window.status.device.text() == "no network"
    assert not window.actions_["explain"].isEnabled()


def test_other_algorithm_measures_the_same_map_again(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    drive.open(folder, shows="a.fits")
    window = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled())
    drive.trigger("explain")
    drive.until(lambda: len(drive.rows()) == 1)
    drive.trigger("published")
    drive.until(lambda: len(drive.rows()) == 2)
    assert {r.algorithm for r in drive.rows()} == {"consensus", "published"}
    assert len(network.explainer.asked) == 1
    assert len(window.canvas.lines.lines) == 1


def test_map_of_another_answer_is_no_bar(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    window = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled())
    window.explain_panel.target.choose("Class4.1")
    drive.trigger("explain")
    drive.until(lambda: window.workspace.current.map is not None)
    drive.until(lambda: not window.explaining.busy)
    assert window.workspace.current.map.attribution.target in ("spiral", "Class4.1")
    assert drive.rows() == []


def test_no_panel_covers_another_in_the_smallest_window(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    window = drive.window
    window.resize(window.minimumSize())
    for name in ("rise", "lime"):
        window.explain_panel.method.choose(name)
        drive.qtbot.wait(50)
        least = window.layout().minimumSize()
        assert least.width() <= window.width()
        assert least.height() <= window.height()
        docks = window.findChildren(QDockWidget)
        shown = [dock.geometry() for dock in docks if dock.isVisible()]
        for i, one in enumerate(shown):
            assert window.rect().contains(one)
            assert not any(one.intersects(other) for other in shown[:i])
