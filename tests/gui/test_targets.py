"""What is made of an answer, in the window: logit, probability, against others, negated."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import Qt

from galaxyscope.classify.card import ModelCard
from galaxyscope.explain.target import siblings
from galaxyscope.gui import chores
from galaxyscope.gui.fits import Fits
from galaxyscope.gui.panels.explain import ExplainPanel
from galaxyscope.gui.tasks import target_choices

REFUSED = SimpleNamespace(verdict="refused", reason="nothing speaks for it")
FITS = SimpleNamespace(verdict="fits", reason="")
ZOO = ModelCard(
    "zoo", "Zoo", "galaxyzoo", "none", {}, ("Class3.1", "Class3.2", "Class4.1", "Class4.2"),
    {"bar": "Class3.1"}, 96, 3.0, "0" * 64,
)  # fmt: skip


def card(*classes: str, activation: str = "sigmoid") -> ModelCard:
    return dataclasses.replace(
        ZOO, task="other", classes=classes, targets={}, activation=activation
    )


@pytest.fixture
def panel(qtbot: Any) -> ExplainPanel:
    made = ExplainPanel()
    qtbot.addWidget(made)
    made.target.offer({"bar": "Class3.1", "spiral": "Class4.1"}, {"no bar": "Class3.2"}, ZOO)
    return made


def ready(drive: Any, folder: Path) -> Any:
    drive.open(folder, shows="a.fits")
    drive.until(lambda: drive.window.actions_["explain"].isEnabled())
    return drive.window


# -- the panel


def test_what_is_made_of_an_answer_is_folded_until_it_is_used(panel: ExplainPanel) -> None:
    target, told = panel.target, panel._manner
    assert target.text == "Class3.1"
    assert not told.isVisibleTo(panel)
    target.scales["probability"].trigger()
    target.against.trigger()
    assert target.text == "p(Class3.1-vs-siblings)"
    assert told.isVisibleTo(panel)
    assert told.whole == "probability, against “no bar”"
    assert target.text in told.toolTip()
    target.choose_answer("Class4.1")
    assert target.text == "p(Class4.1-vs-siblings)", "explained as the last one was"
    target.scales[None].trigger()
    target.against.trigger()
    target.negated.trigger()
    assert (target.text, told.whole) == ("-Class4.1", "what speaks against it")
    target.negated.trigger()
    assert not told.isVisibleTo(panel)


def test_the_methods_own_value_is_named(panel: ExplainPanel) -> None:
    panel.method.choose("gradient")
    assert panel.target.scales[None].text().endswith("(logit)")
    panel.method.choose("lime")
    assert panel.target.scales[None].text().endswith("(probability)")


def test_what_cannot_be_made_of_an_answer_says_why_and_comes_back(panel: ExplainPanel) -> None:
    target = panel.target
    target.choose("p(Class3.1-vs-siblings)")
    length = card("length", activation="identity")
    target.offer(*target_choices(length), length)
    assert target.text == "length"
    assert not any(target.scales[scale].isEnabled() for scale in ("logit", "probability"))
    assert "numbers" in target.scales["probability"].toolTip()
    assert not target.against.isEnabled()
    assert "this network has none" in target.against.toolTip()
    two = card("yes", "no", activation="softmax")
    target.offer(*target_choices(two), two)
    assert siblings("yes", two.classes, "softmax")
    assert target.text == "p(yes-vs-siblings)"
    assert target.against.text() == "Against “no”"


def test_a_target_that_is_not_offered_yet_is_chosen_once_it_is(panel: ExplainPanel) -> None:
    panel.target.choose("-logit(no)")
    assert panel.target.text == "Class3.1"
    two = card("yes", "no", activation="softmax")
    panel.target.offer(*target_choices(two), two)
    assert panel.target.text == "-logit(no)"


@pytest.mark.qt_log_ignore("does not support propagateSizeHints")
def test_keys_reach_the_menu(panel: ExplainPanel, qtbot: Any) -> None:
    panel.show()
    qtbot.waitExposed(panel)
    panel.target.answers.setFocus()
    qtbot.keyClick(panel.target.answers, Qt.Key.Key_Tab)
    button = panel.focusWidget()
    assert button is panel.target._button
    assert button.accessibleName() == panel.target.menu.accessibleName() != ""
    assert button.menu().actions()[0] is panel.target.scales[None]
    qtbot.keyClick(button, Qt.Key.Key_Tab)
    assert panel.focusWidget() in (panel.method, panel.method.lineEdit())


# -- the window


def test_a_low_window_has_room_for_it(drive: Any, folder: Path) -> None:
    window = ready(drive, folder)
    window.resize(1100, 700)
    panel = window.explain_panel
    panel.target.scales["probability"].trigger()
    boxes = (panel.target.answers, panel.method)
    drive.until(lambda: all(box.height() >= box.sizeHint().height() for box in boxes))
    assert (window.width(), window.height()) == (1100, 700)


def test_a_measurement_of_a_probability_says_so(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    window = ready(drive, folder)
    window.explain_panel.target.scales["probability"].trigger()
    assert window.classify_panel._model.target == "Class3.1", "the answer that is marked"
    drive.trigger("explain")
    drive.until(lambda: len(drive.rows()) == 1)
    assert network.explainer.asked == ["p(Class3.1)"]
    (record,) = drive.rows()
    assert record.target == "p(Class3.1)"
    assert record.target_probability == pytest.approx(0.7), "of the answer"
    assert drive.cell(0, "From").endswith(" · p(bar)")
    assert window.overlay_panel.source.whole.startswith("p(bar) · ")
    # The plain answer beside it: one does not take the other's place.
    window.explain_panel.target.scales[None].trigger()
    drive.trigger("explain")
    drive.until(lambda: len(drive.rows()) == 2)
    assert {row.target for row in drive.rows()} == {"p(Class3.1)", "Class3.1"}
    assert {row.target for row in window.session.records()} == {"p(Class3.1)", "Class3.1"}
    drive.trigger("undo")
    drive.until(lambda: [row.target for row in drive.rows()] == ["p(Class3.1)"])


def test_what_speaks_against_a_bar_is_not_measured(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    window = ready(drive, folder)
    window.explain_panel.target.choose("-p(Class3.1)")
    drive.trigger("explain")
    drive.until(lambda: window.workspace.current.map is not None and not window.explaining.busy)
    assert network.explainer.asked == ["-p(Class3.1)"]
    assert drive.rows() == []
    drive.trigger("measure_bar")
    drive.until(lambda: len(drive.rows()) == 1)
    assert network.explainer.asked[1:] == ["p(Class3.1)"], "what speaks for it, as it was asked"


def test_a_session_brings_it_back(drive: Any, folder: Path, tmp_path: Path) -> None:
    window, path = ready(drive, folder), tmp_path / "week.galaxyscope"
    target = window.explain_panel.target
    target.choose("-p(Class3.1-vs-siblings)")
    window.sessions.save(path)
    drive.until(lambda: window.sessions.shared == path and not window.bridge.running)
    window.sessions.close_shared()
    drive.until(lambda: window.sessions.shared is None and not window.bridge.running)
    target.choose("Class4.1")
    window.open([path])
    drive.until(lambda: window.sessions.shared == path and not window.bridge.running)
    assert target.text == "-p(Class3.1-vs-siblings)"
    assert window.explain_panel._manner.isVisibleTo(window.explain_panel)


def test_all_targets_of_a_comparison_are_explained_so(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    window = ready(drive, folder)
    target, comparing = window.explain_panel.target, window.comparing
    drive.trigger("compare")
    comparing.page.methods.choose(("gradient",))
    comparing.page.targets.choose(("bar", "spiral"))
    assert [one.target for one in comparing._panes] == ["bar", "spiral"]
    target.scales["probability"].trigger()
    assert [one.target for one in comparing._panes] == ["p(bar)", "p(spiral)"]
    drive.trigger("explain")
    drive.until(lambda: comparing.page.summary.startswith("2 of 2"))
    assert sorted(network.explainer.asked) == ["p(bar)", "p(spiral)"]
    spiral = next(one for one in comparing._panes if one.target == "p(spiral)")
    assert comparing.choices.subtitle(spiral) == "p(spiral)"
    target.scales[None].trigger()
    assert len(network.explainer.asked) == 2, "nothing runs unasked"


def test_a_comparison_says_what_a_network_cannot_give(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    window = ready(drive, folder)
    comparing = window.comparing
    window.explain_panel.target.against.trigger()
    drive.trigger("compare")
    comparing.page.methods.choose(("gradient",))
    network.classifier.card = dataclasses.replace(
        network.classifier.card, classes=("Class3.1",), targets={"bar": "Class3.1"}
    )
    drive.trigger("explain")
    drive.until(lambda: "1 does not fit" in comparing.page.summary and not comparing.busy)
    (pane,) = comparing._panes.values()
    assert "no other answers" in pane.canvas.marks.message.text
    assert window.jobs.failed == []


# -- trial runs


def test_methods_are_tried_on_the_picture_for_the_target(
    drive: Any, folder: Path, network: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[str, str, str]] = []

    def preflight(_classifier: Any, image: Any, method: str, target: str) -> Any:
        tried.append(("" if image is None else image.name, method, target))
        return network.fit

    monkeypatch.setattr(chores, "preflight", preflight)
    window = ready(drive, folder)
    panel = window.explain_panel
    panel.method.choose("gradient")
    drive.until(lambda: ("a.fits", "gradient", "Class3.1") in tried)
    panel.target.scales["probability"].trigger()
    drive.until(lambda: tried[-1] == ("a.fits", "gradient", "p(Class3.1)"))
    drive.until(lambda: window.explaining._fit() is not None)
    before = len(tried)
    drive.trigger("next")
    drive.until(lambda: drive.shown() == "b.fits" and not window.bridge.running)
    assert len(tried) == before, "what fits one picture is not tried on each"
    network.fit = REFUSED
    panel.target.negated.trigger()
    drive.until(lambda: REFUSED.reason in panel._summary.text())
    network.fit = FITS
    drive.trigger("next")
    drive.until(lambda: tried[-1] == ("c.fits", "gradient", "-p(Class3.1)"))
    drive.until(lambda: not panel._refused.isVisibleTo(panel))


def test_a_refusal_is_of_its_own_picture() -> None:
    fits, key = Fits(), ("net", "cam", "p(bar)")
    assert fits.get(key, "a") is fits.last(key) is None
    fits.keep(key, "", FITS)
    assert fits.get(key, "") is FITS
    assert fits.get(key, "a") is None, "a blank picture says little"
    fits.keep(key, "a", FITS)
    assert fits.get(key, "b") is FITS
    assert fits.get(key, "b", exactly=True) is None
    fits.keep(key, "b", REFUSED)
    assert fits.get(key, "b") is REFUSED
    assert fits.get(key, "a") is None
    assert fits.last(key) is REFUSED
    assert fits.get(("net", "cam", "bar"), "b") is None


def test_the_command_of_a_row_asks_for_the_same(drive: Any, folder: Path) -> None:
    window = ready(drive, folder)
    window.explain_panel.target.choose("logit(Class3.1-vs-siblings)")
    drive.trigger("explain")
    drive.until(lambda: len(drive.rows()) == 1)
    drive.until(lambda: bool(window.session.steps()))
    assert any("logit(Class3.1-vs-siblings)" in str(step) for step in window.session.steps())
