"""Panels by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from galaxyscope.explain.cards import CARDS
from galaxyscope.gui.answers import Said, likely_path, rows
from galaxyscope.gui.panels.classify import ClassifyPanel
from galaxyscope.gui.panels.explain import ExplainPanel
from galaxyscope.gui.panels.histogram import EDGE, ThresholdHistogram
from galaxyscope.gui.settings import Settings

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
