"""The comparison in the window: one camera, streaming, cancel, refusals, way back, export."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from galaxyscope.explain.registry import METHODS, PRESETS
from galaxyscope.gui.compare.work import duration
from galaxyscope.gui.panels.overlay import OverlayStyle
from galaxyscope.gui.window import MainWindow

REFUSED = SimpleNamespace(verdict="refused", reason="it has no feature map")


def opened(drive: Any, folder: Path, methods: tuple[str, ...] = ("gradient", "lime")) -> Any:
    """Comparison of some methods on the first galaxy."""
    drive.open(folder, shows="a.fits")
    window: MainWindow = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled())
    drive.trigger("compare")
    window.comparing.page.methods.choose(methods)
    return window.comparing


def pane(comparing: Any, method: str) -> Any:
    return next(p for one, p in comparing._panes.items() if one.method == method)


def test_the_benchmark_is_offered_first_and_nothing_runs_unasked(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    drive.open(folder, shows="a.fits")
    window = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled())
    before = window.canvas.view_state()
    drive.trigger("compare")
    comparing = window.comparing
    assert window.middle.currentWidget() is comparing.page
    assert {one.method for one in comparing._panes} == set(PRESETS["benchmark"])
    assert all(p.canvas.image is window.canvas.image for p in comparing._all())
    drive.until(lambda: "to go" in comparing.page.summary)
    assert network.explainer.asked == []
    # Escape goes back, and everything is as it was.
    pane(comparing, "lime").canvas.zoom_by(3, (20, 20))
    comparing.page.setFocus()
    drive.qtbot.keyClick(comparing.page, Qt.Key.Key_Escape)
    assert window.middle.currentWidget() is window.canvas
    assert window.canvas.view_state() == before
    assert not window.actions_["compare"].isChecked()


def test_maps_come_in_and_are_kept(drive: Any, folder: Path, network: SimpleNamespace) -> None:
    comparing = opened(drive, folder)
    window = drive.window
    drive.trigger("explain")
    drive.until(lambda: comparing.page.summary.startswith("2 of 2"))
    assert len(network.explainer.asked) == 2
    assert not comparing.busy
    for one in comparing._panes.values():
        assert one.canvas.overlay is not None
    # Nothing is made twice; another method is made alone.
    comparing.page.methods.choose(("gradient", "lime", "occlusion"))
    assert pane(comparing, "lime").canvas.overlay is not None
    drive.trigger("explain")
    drive.until(lambda: comparing.page.summary.startswith("3 of 3"))
    assert len(network.explainer.asked) == 3
    # The value under the cursor is that of each map; the status bar has that of its own pane.
    canvas = pane(comparing, "lime").canvas
    canvas.pointer_moved(tuple(canvas.to_widget((60.0, 60.0)).tolist()))
    values = [p._value.text() for p in comparing._panes.values()]
    assert all(float(text) > 0.5 for text in values)
    assert comparing.value is not None
    assert pane(comparing, "gradient").canvas.marks.frozen is not None
    # The other galaxy has no maps yet; the first still has its own.
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits")
    assert comparing.page.large.image is window.canvas.image
    assert comparing.page.summary.startswith("0 of 3")
    drive.trigger("previous")
    drive.until(lambda: comparing.page.summary.startswith("3 of 3"))


def test_a_map_that_arrives_has_its_value_under_a_resting_pointer(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    comparing = opened(drive, folder)
    told: list[Any] = []
    comparing.pointed.connect(lambda _at: told.append(comparing.value))
    canvas = pane(comparing, "lime").canvas
    canvas.pointer_moved(tuple(canvas.to_widget((60.0, 60.0)).tolist()))
    assert told == [None]
    drive.trigger("explain")
    drive.until(lambda: comparing.page.summary.startswith("2 of 2"))
    values = [p._value.text() for p in comparing._panes.values()]
    assert all(text and float(text) > 0.5 for text in values)
    assert comparing.value is not None
    assert told[-1] == comparing.value, "the status bar has it too"
    canvas.pointer_moved(None)
    assert [p._value.text() for p in comparing._panes.values()] == ["", ""]


def test_what_does_not_fit_says_why_and_stops_nothing(
    drive: Any, folder: Path, network: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxyscope.gui import chores

    fits = {"lime": REFUSED}
    monkeypatch.setattr(chores, "preflight", lambda *given: fits.get(given[2], network.fit))
    comparing = opened(drive, folder)
    drive.trigger("explain")
    drive.until(
        lambda: comparing.page.summary == "1 of 1 maps · 1 does not fit" and not comparing.busy
    )
    assert pane(comparing, "lime").canvas.marks.message.text == "It has no feature map"
    assert pane(comparing, "lime").canvas.overlay is None
    assert pane(comparing, "gradient").canvas.overlay is not None
    assert drive.window.jobs.failed == []


def test_cancel_takes_effect_within_300_ms_and_finished_maps_stay(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    comparing = opened(drive, folder)
    drive.trigger("explain")
    drive.until(lambda: not comparing.busy and comparing.page.summary.startswith("2 of 2"))
    network.explainer.seconds, network.explainer.steps = 20.0, 1000
    comparing.page.methods.choose(("gradient", "lime", "occlusion", "rise"))
    drive.trigger("explain")
    drive.until(lambda: pane(comparing, "occlusion").canvas.overlay is not None
                or pane(comparing, "rise").canvas.overlay is not None)  # fmt: skip
    asked = time.monotonic()
    drive.trigger("cancel")
    drive.until(lambda: not comparing.busy)
    assert 0 < network.explainer.stopped_at - asked < 0.3
    assert len(network.explainer.asked) == 3, "the fourth never began"
    assert pane(comparing, "rise").canvas.overlay is None
    assert pane(comparing, "lime").canvas.overlay is not None
    # One alone: the other goes on.
    drive.trigger("explain")
    drive.until(lambda: len(network.explainer.asked) == 4)
    pane(comparing, "occlusion")._cancel.click()
    drive.until(lambda: len(comparing.runs._tasks) == 1)
    drive.trigger("compare")
    drive.until(lambda: not comparing.busy)


def test_a_failure_stays_in_its_pane(drive: Any, folder: Path, network: SimpleNamespace) -> None:
    network.explainer.error = ValueError("the gradients are not finite")
    comparing = opened(drive, folder, ("gradient",))
    drive.trigger("explain")
    drive.until(lambda: not comparing.busy)
    assert "not finite" in pane(comparing, "gradient").canvas.marks.message.text
    network.explainer.error = None
    drive.trigger("explain")
    drive.until(lambda: comparing.page.summary.startswith("1 of 1"))
    assert pane(comparing, "gradient").canvas.marks.message.text == ""


def test_two_answers_stand_in_line_and_blink(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    comparing = opened(drive, folder)
    comparing.page.targets.choose(("bar", "spiral"))
    assert len(comparing._panes) == 4
    assert {p.subtitle for p in comparing._panes.values()} == {"bar", "spiral"}
    drive.trigger("explain")
    drive.until(lambda: comparing.page.summary.startswith("4 of 4"))
    assert sorted(network.explainer.asked) == ["bar", "bar", "spiral", "spiral"]
    drive.trigger("blink")
    page = comparing.page
    assert page.stack.currentWidget() is page.single
    seen = [page._name.text()]
    for _ in range(3):
        drive.qtbot.keyClick(page, Qt.Key.Key_Right)
        seen.append(page._name.text())
    assert len(set(seen)) == 4
    assert drive.window.workspace.current.path.name == "a.fits", "the arrows stayed here"
    drive.trigger("blink")
    assert page.stack.currentWidget() is page.grid


def test_the_figure_shows_the_grid_and_says_how_it_was_made(
    drive: Any, folder: Path, tmp_path: Path, network: SimpleNamespace, monkeypatch: Any
) -> None:
    """How it is drawn: tests/records/test_grid_figure.py."""
    from galaxyscope.gui import chores
    from galaxyscope.records import grid_figure

    drawn: list[Any] = []
    monkeypatch.setattr(grid_figure, "draw_grid", lambda *given: drawn.append(given))
    fits = {"grad-cam": REFUSED}
    monkeypatch.setattr(chores, "preflight", lambda *given: fits.get(given[2], network.fit))
    comparing = opened(drive, folder, ())
    drive.window.explain_panel._kept["lime"] = {"samples": 17}
    comparing.page.methods.choose(("lime", "grad-cam", "gradient"))
    assert next(one for one in comparing._panes if one.method == "lime").parameters == {
        p.name: p.default for p in METHODS["lime"].card.parameters
    } | {"samples": 17}
    drive.trigger("explain")
    drive.until(lambda: comparing.page.summary.startswith("2 of 2"))
    pane(comparing, "lime").canvas.zoom(3)
    comparing.export(tmp_path / "figure.svg")
    drive.until(lambda: bool(drawn))
    ((path, image, panes, columns, box),) = drawn
    assert path == tmp_path / "figure.svg"
    assert image.name == "a.fits"
    assert [one.title for one in panes[:1]] == ["Galaxy"]
    titles = {"Grad-CAM", "Gradient", "LIME, as the package"}
    assert {one.title for one in panes[1:]} == titles
    refused = next(one for one in panes if one.title == "Grad-CAM")
    assert (refused.values, refused.reason) == (None, "it has no feature map")
    made = next(one for one in panes if one.title == "Gradient").provenance
    assert made["target"] == "bar"
    assert made["model_sha256"] == "0" * 64
    assert made["image_sha256"] == image.sha256
    assert made["parameters"]["seed"] == 0
    assert columns == comparing.page.grid.columns
    assert box is not None
    assert box[2] - box[0] < 120, "the part that is seen"


def test_the_figure_looks_as_the_screen_does(
    drive: Any, folder: Path, tmp_path: Path, network: SimpleNamespace, monkeypatch: Any
) -> None:
    from galaxyscope.gui.canvas.overlay import over_threshold
    from galaxyscope.gui.tasks import target_text
    from galaxyscope.records import grid_figure

    drawn: list[Any] = []
    monkeypatch.setattr(grid_figure, "draw_grid", lambda *given: drawn.append(given))
    comparing = opened(drive, folder, ("gradient",))
    drive.trigger("explain")
    drive.until(lambda: comparing.page.summary.startswith("1 of 1"))
    panel, galaxy = drive.window.overlay_panel, drive.window.workspace.current
    galaxy.threshold = 0.3
    style = OverlayStyle(opacity=0.4, colormap="RdBu", mask=True, contour=True)
    monkeypatch.setattr(panel, "overlay_style", lambda: style)
    comparing.export(tmp_path / "figure.png")
    drive.until(lambda: len(drawn) == 1)
    made = drawn[0][2][1]
    above = over_threshold(made.values, 0.3)
    assert above.any()
    assert set(np.unique(made.colours[above][:, 3])) == {102}, "evenly strong: 0.4 of 255"
    assert not made.colours[~above].any()
    red, _, blue = made.colours[above][:, :3].mean(0)
    assert red > blue, "it speaks for the answer"
    assert len(made.contour)
    # A target is called what the window calls it.
    assert made.target == "bar" == target_text("Class3.1")
    monkeypatch.setattr(panel, "overlay_style", lambda: OverlayStyle(contour=False))
    comparing.export(tmp_path / "figure.png")
    drive.until(lambda: len(drawn) == 2)
    assert drawn[1][2][1].contour is None


def test_a_map_opens_in_the_single_view(drive: Any, folder: Path) -> None:
    comparing = opened(drive, folder)
    drive.trigger("explain")
    drive.until(lambda: comparing.page.summary.startswith("2 of 2"))
    pane(comparing, "gradient").opened.emit()
    window = drive.window
    assert window.middle.currentWidget() is window.canvas
    assert window.canvas.overlay is not None
    assert window.workspace.current.map is not None


def test_a_line_is_drawn_in_the_single_view(drive: Any, folder: Path) -> None:
    comparing = opened(drive, folder)
    drive.trigger("tool_line")
    assert not comparing.is_open
    assert drive.window.canvas.tool == "line"


@pytest.mark.qt_log_ignore("This plugin does not support")  # popups, where there is no screen
def test_the_lists_are_searched_and_checked_by_keys(drive: Any, folder: Path) -> None:
    comparing = opened(drive, folder)
    methods = comparing.page.methods
    methods.open_list()
    assert methods.list is not None
    edit = methods.list.edit
    drive.qtbot.keyClicks(edit, "rollout")
    assert methods.list.visible() == ["attention-rollout"]
    drive.qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert methods.names == ("gradient", "lime", "attention-rollout")
    assert {one.method for one in comparing._panes} == set(methods.names)
    methods.list.check(())
    assert comparing.page.stack.currentWidget() is comparing.page._empty
    methods.popover.close()
    QApplication.processEvents()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (3.4, "3 s"), (42, "40 s"), (83, "85 s"), (130, "2 min 10 s"),
     (660, "11 min"), (9000, "2.5 h")],
)  # fmt: skip
def test_times_are_no_finer_than_they_are_known(seconds: float, words: str) -> None:
    assert duration(seconds) == words
