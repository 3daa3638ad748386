"""Panels by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from galaxyscope.explain.cards import CARDS
from galaxyscope.gui.answers import Said, likely_path, rows
from galaxyscope.gui.panels.classify import ClassifyPanel
from galaxyscope.gui.panels.explain import ExplainPanel
from galaxyscope.gui.panels.histogram import EDGE, ThresholdHistogram
from galaxyscope.gui.panels.overlay import OverlayPanel
from galaxyscope.gui.settings import Settings

NO_SCREEN = pytest.mark.qt_log_ignore("This plugin does not support")  # sizes and popups
FRACTIONS = {
    "Class1.1": 0.1, "Class1.2": 0.9, "Class1.3": 0.0, "Class2.1": 0.1, "Class2.2": 0.8,
    "Class3.1": 0.7, "Class3.2": 0.1, "Class4.1": 0.2, "Class4.2": 0.6, "Class5.2": 0.5,
    "Class6.1": 0.1, "Class6.2": 0.9, "Class7.1": 0.05,
}  # fmt: skip
BARRED = Said(FRACTIONS, {}, {}, None)


def test_likely_path_follows_the_winning_answers() -> None:
    keys = [question.key for question, _ in likely_path(FRACTIONS)]
    assert keys == ["Class1", "Class2", "Class3", "Class4", "Class5", "Class6"]
    assert [winner for _, winner in likely_path(FRACTIONS)][2] == "Class3.1"


def test_rows_show_the_path_and_all_on_demand() -> None:
    short, full = rows(BARRED, False), rows(BARRED, True)
    assert [r.text for r in short if not r.class_name][2] == "Bar?"
    assert [r.class_name for r in short if r.likely][2] == "Class3.1"
    assert "Class7.1" not in [r.class_name for r in short]
    assert "Class7.1" in [r.class_name for r in full]
    depths = [r.depth for r in short if not r.class_name]
    assert depths == sorted(depths)


def test_other_tasks_are_listed_plainly() -> None:
    said = Said({"one": 0.2, "two": 0.8}, {}, {}, None)
    assert [(r.text, r.likely) for r in rows(said)] == [("one", False), ("two", True)]


def test_click_on_an_answer_makes_it_the_target(qtbot: Any) -> None:
    panel = ClassifyPanel()
    qtbot.addWidget(panel)
    panel.show_prediction(BARRED, "")
    model = panel.view.model()
    index = next(
        model.index(i) for i in range(model.rowCount()) if model.index(i).data() == "bar 0.70"
    )
    with qtbot.waitSignal(panel.target_chosen) as chosen:
        panel.view.clicked.emit(index)
    assert chosen.args == ["Class3.1"]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_method_can_be_set_up(qtbot: Any, card: Any) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    panel.method.choose(card.name)
    assert panel.method.card() is card
    assert panel.parameters() == {p.name: p.default for p in card.parameters}
    assert panel._summary.text() == card.summary
    assert card.reference in panel.method.toolTip()


def test_settings_of_a_method_come_back(qtbot: Any) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    first = panel.method.card().name
    panel._inputs["samples"].setValue(64)
    panel.method.choose("gradient")
    panel.method.choose(first)
    assert panel.parameters()["samples"] == 64


def test_what_is_typed_finds_a_method_or_goes_back(qtbot: Any) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    panel.method.setEditText("grad-cam")
    panel.method.lineEdit().editingFinished.emit()
    assert panel.method.card().name == "grad-cam"
    panel.method.setEditText("no such thing")
    panel.method.lineEdit().editingFinished.emit()
    assert panel.method.currentText() == "Grad-CAM"


@NO_SCREEN
def test_return_takes_the_first_completion(qtbot: Any) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    panel.show()
    line = panel.method.lineEdit()
    line.selectAll()
    qtbot.keyClicks(line, "layer-c")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert panel.method.card().name == "layer-cam"
    assert line.text() == "Layer-CAM"
    line.selectAll()
    qtbot.keyClicks(line, "no such")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert line.text() == "Layer-CAM"


@NO_SCREEN
@pytest.mark.parametrize("name", ["rise", "lime", "kernel-shap"])
@pytest.mark.parametrize("width", [300, 420])
def test_settings_wrap_and_do_not_widen_the_panel(qtbot: Any, name: str, width: int) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    panel.resize(width, 420)
    panel.show()
    least = panel.minimumSizeHint().width()
    run = panel._run.geometry()
    panel.method.choose(name)
    qtbot.waitUntil(lambda: panel._settings.height() == panel._settings.sizeHint().height())
    assert panel.minimumSizeHint().width() == least <= 300
    assert panel._run.geometry() == run, "the buttons stay under the pointer"
    for label, field in panel._settings._cells.cells:
        for part in (label, field):
            if part is not None:
                assert part is field or part.width() >= part.sizeHint().width(), "cut"
                assert part.geometry().right() < panel._settings.width()
                assert part.geometry().bottom() < panel._settings.height()


@NO_SCREEN
def test_the_wheel_over_settings_changes_none(qtbot: Any) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    panel.resize(300, 160)
    panel.method.choose("lime")
    panel.show()
    before, field = panel.parameters(), panel._inputs["samples"]
    at = QPointF(field.rect().center())
    none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    place, plain = QPointF(field.mapToGlobal(at)), Qt.KeyboardModifier.NoModifier
    turned = QWheelEvent(at, place, QPoint(), QPoint(0, -120), none, plain, phase, False)
    QApplication.sendEvent(field, turned)
    assert panel.parameters() == before
    assert not turned.isAccepted(), "it goes on to what scrolls"


@NO_SCREEN
def test_a_threshold_can_be_typed(qtbot: Any) -> None:
    panel = OverlayPanel()
    qtbot.addWidget(panel)
    panel.show_map(np.arange(10))
    panel.show_threshold(0.5, 10)
    panel.show()
    told: list[float] = []
    panel.threshold_changed.connect(told.append)
    # As the window does: what is told comes back.
    panel.threshold_changed.connect(lambda threshold: panel.show_threshold(threshold, 10))
    line = panel._threshold.lineEdit()
    line.selectAll()
    qtbot.keyClicks(line, "0.7")
    panel.show_threshold(0.3, 20)  # a map that grows meanwhile
    qtbot.keyClicks(line, "2")
    assert told == []
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert told == [0.72]
    assert line.text() == "Threshold 0.720"
    panel.show_threshold(0.4, 10)
    assert panel._threshold.value() == 0.4
    qtbot.keyClick(line, Qt.Key.Key_Up)
    assert told == [0.72, 0.41]


def test_targets_begin_with_the_cards_own_and_survive_a_change(qtbot: Any) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    short = {"bar": "Class3.1", "spiral": "Class4.1"}
    panel.target.offer(short, {"How round? in between": "Class7.2"})
    assert panel.target.answers.currentText() == "bar"
    assert panel.target.answers.findData("Class7.2") > 0
    panel.target.choose("Class4.1")
    panel.target.offer(short, {})
    assert panel.target.answers.currentData() == "Class4.1"


def test_threshold_by_mouse_and_keys(qtbot: Any) -> None:
    widget = ThresholdHistogram()
    qtbot.addWidget(widget)
    widget.set_counts(np.arange(10))
    widget.resize(2 * EDGE + 200, 50)
    found: list[float] = []
    widget.threshold_changed.connect(found.append)
    qtbot.mousePress(widget, Qt.MouseButton.LeftButton, pos=QPoint(EDGE + 50, 20))
    assert found[-1] == pytest.approx(0.25, abs=0.005)
    qtbot.keyClick(widget, Qt.Key.Key_Right)
    assert found[-1] == pytest.approx(0.26, abs=0.005)


def test_settings_survive_and_a_damaged_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    settings = Settings(path)
    settings.set("explain_automatically", True)
    settings.add_recent(Path("/a, b/c.fits"))
    settings.add_recent(Path("/d.fits"))
    settings.add_recent(Path("/a, b/c.fits"))
    settings.save()
    again = Settings(path)
    assert again.flag("explain_automatically")
    assert again.recent == [Path("/a, b/c.fits"), Path("/d.fits")]
    path.write_bytes(b"\x00\xff[[[")
    assert Settings(path).word("theme") == "system"
    assert not Settings(path).flag("explain_automatically")
