"""Method cards: found by typing, with time and randomisation of the network that is there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import Qt

from galaxyscope.explain.cards import CARDS
from galaxyscope.explain.randomisation import MethodScore, Randomisation, write_scores
from galaxyscope.gui import chores
from galaxyscope.gui.method_text import NOT_COMPUTED, as_html, lines_of, randomisation_text
from galaxyscope.gui.panels.explain import ExplainPanel

SCORES = Randomisation(
    "0" * 64, "bar", (0.5, 1.0), 0,
    {"gradient": MethodScore((0.9, 0.12), 2), "input-x-gradient": MethodScore((1.0, 0.97), 2)},
    {"cam": "no feature map"},
)  # fmt: skip


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_card_says_what_it_must(card: Any) -> None:
    said = dict(lines_of(card))
    assert said["Paper"] == card.reference
    assert said["Cost"] == card.cost != ""
    assert said["Repeatable"].startswith("deterministic") == card.deterministic
    assert card.name in said["Preset"]
    assert said["Needs"]
    page = as_html(card, [("Randomised", "<b>")], "#888", "#f00")
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize(
    ("name", "scores", "words"),
    [
        ("gradient", {"a": SCORES}, "passes, similarity 0.12"),
        ("input-x-gradient", {"a": SCORES}, "fails, similarity 0.97"),
        ("cam", {"a": SCORES}, "does not fit"),
        ("lime", {"a": SCORES}, NOT_COMPUTED),
        ("lime", {"a": None}, NOT_COMPUTED),
        ("lime", {}, NOT_COMPUTED),
        ("gradient", {"e/a": SCORES, "e/b": None}, "a: passes, similarity 0.12; b: not computed"),
    ],
)
def test_randomisation_in_words(name: str, scores: Any, words: str) -> None:
    assert randomisation_text(name, scores, len(scores) == 1) == words


def test_scores_of_other_weights_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxyscope.classify import store

    monkeypatch.setattr(store, "model_folders", lambda: {"fake": tmp_path})
    write_scores(SCORES, tmp_path)
    assert chores.randomisation_scores([("fake", "0" * 64)])["fake"] == SCORES
    assert chores.randomisation_scores([("fake", "1" * 64)])["fake"] is None
    (tmp_path / "randomisation.json").write_text("{")
    assert chores.randomisation_scores([("fake", "0" * 64)])["fake"] is None


@pytest.mark.qt_log_ignore("This plugin does not support")  # popups, where there is no screen
def test_the_list_is_searched_and_chosen_by_keys(qtbot: Any) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.method.showPopup()
    assert panel.methods is not None
    entries = panel.methods.list
    assert entries.standing == panel.method.card().name
    qtbot.keyClicks(entries.edit, "petsiuk")
    assert entries.visible() == ["rise"], "papers are searched too"
    assert "RISE" in panel.methods.card.toPlainText()
    qtbot.keyClick(entries.edit, Qt.Key.Key_Return)
    assert panel.method.card().name == "rise"
    assert not panel.methods.isVisible()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_the_list_opens_without_its_old_search(qtbot: Any) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.method.showPopup()
    methods = panel.methods
    assert methods is not None
    qtbot.keyClicks(methods.list.edit, "rise")
    qtbot.keyClick(methods.list.edit, Qt.Key.Key_Return)
    panel.method.showPopup()
    assert methods.list.edit.text() == ""
    assert len(methods.list.visible()) == len(CARDS)
    qtbot.keyClicks(methods.list.edit, "riserise")
    assert methods.card.toPlainText() == "No method is called so."
    methods.refresh()
    assert methods.card.toPlainText() == "No method is called so.", "no card of another"
    for _ in "rise":
        qtbot.keyClick(methods.list.edit, Qt.Key.Key_Backspace)
    assert "RISE" in methods.card.toPlainText()


def test_the_panel_says_how_long_it_will_take(
    drive: Any, folder: Path, network: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []

    def predict(classifier: Any, image: Any, name: str, parameters: Any, watch: Any) -> float:
        asked.append((name, parameters))
        return 0.5 * parameters.get("samples", 1)

    monkeypatch.setattr(chores, "predict_time", predict)
    drive.open(folder, shows="a.fits")
    panel = drive.window.explain_panel
    drive.until(lambda: panel._time.text() == "≈ 2 min 10 s")
    panel._inputs["samples"].setValue(20)
    drive.until(lambda: panel._time.text() == "≈ 10 s")
    panel._inputs["samples"].setValue(256)
    assert panel._time.text() == "≈ 2 min 10 s", "known already"
    network.fit = SimpleNamespace(verdict="refused", reason="it has no feature map")
    panel.method.choose("grad-cam")
    drive.until(lambda: "no feature map" in panel._summary.text())
    assert panel._time.text() == ""
    assert {name for name, _ in asked} == {"smoothgrad/rotation-averaged"}
    about = dict(drive.window.explaining.foresight.about("grad-cam"))
    assert "no feature map" in about["Refused"]
    assert about["Randomised"] == NOT_COMPUTED


def test_adaptive_n_shows_how_far_it_is(qtbot: Any) -> None:
    panel = ExplainPanel()
    qtbot.addWidget(panel)
    panel.show_progress((64, 256))
    panel.show_agreement({"agreement": 0.95, "agreement_reached": 0.871})
    assert panel._steps.text() == "64/256  r 0.87 of 0.95"
    panel.show_progress((96, 256))
    assert panel._steps.text() == "96/256  r 0.87 of 0.95"
    panel.show_progress((0, 256))
    panel.show_agreement({"agreement": 0.0})
    assert panel._steps.text() == "0/256"
