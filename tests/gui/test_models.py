"""Choosing a model: the list, the card, adding a folder, why one cannot be used, no mixing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import appdirs
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication

from galaxyscope import resources
from galaxyscope.classify import installed, store
from galaxyscope.classify.card import Metric, ModelCard, write_card
from galaxyscope.gui import chores, dialogs, shelf

# The offscreen platform says so of every dialog; there is no window manager to be told.
pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")

RGB = QImage.Format.Format_RGB888
ZOO = ModelCard(
    "zoo", "Zoo", "galaxyzoo", "none", {}, ("Class3.1", "Class3.2", "Class4.1"),
    {"bar": "Class3.1", "spiral": "Class4.1"}, 96, 3.0, "a" * 64,
    metrics=(Metric("rmse", 0.1234, "val", 7),), limits="not for mergers <b>",
)  # fmt: skip
RADIO = ModelCard(
    "radio", "Radio", "radio-fr", "none", {}, ("FRI", "FRII"), {"FRI": "FRI"}, 96, 0.0, "b" * 64,
    activation="softmax", frame="whole", stretch="radio",
)  # fmt: skip
BARS = ModelCard(
    "bars", "Bars", "bars", "none", {}, ("Bar", "NoBar"), {"bar": "Bar"}, 96, 3.0, "c" * 64,
    activation="softmax",
)  # fmt: skip


def write_folder(folder: Path, card: ModelCard) -> Path:
    folder.mkdir(parents=True)
    write_card(card, folder)
    (folder / "weights.safetensors").write_bytes(b"weights of " + card.name.encode())
    (folder / "history.csv").write_text("epoch,train_loss,val_rmse\n1,0.3,0.2\n2,0.2,0.1\n")
    return folder


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shipped models zoo and radio; the user's: bars, and one without a card."""
    shipped, data = tmp_path / "shipped", tmp_path / "own"
    monkeypatch.setattr(appdirs, "user_data_dir", lambda *_, **__: str(data))
    for module in (resources, store, installed):
        monkeypatch.setattr(module, "models_folder", lambda: shipped)
    monkeypatch.setattr(store, "DEFAULT_MODEL", "zoo")
    write_folder(shipped / "zoo", ZOO)
    write_folder(shipped / "radio", RADIO)
    write_folder(data / "models" / "bars", BARS)
    lost = data / "models" / "lost"
    lost.mkdir()
    (lost / "weights.safetensors").write_bytes(b"?")
    return data / "models"


@pytest.fixture
def network(network: SimpleNamespace, models: Path, monkeypatch: Any) -> SimpleNamespace:
    """Networks for all these cards; ``network.fails`` has names that cannot be loaded."""
    fake = type(network.classifier)
    network.fails, network.loaded = {}, []

    def load(name: str | None, running: chores.Running) -> Any:
        folder = store.model_folders().get(name or "zoo", Path(name or ""))
        card = dataclasses.replace(store.read_card(folder), name=folder.name)
        if card.name in network.fails:
            raise store.ModelError(card.name, network.fails[card.name])
        network.loaded.append(card.name)
        return _Network(card=card)

    class _Network(fake):  # type: ignore[misc, valid-type]  # the fake of conftest
        def predict(self, net_input: Any) -> Any:
            from galaxyscope.classify.classifier import Prediction

            value = {"zoo": 0.7, "radio": 0.9, "bars": 0.3}.get(self.card.name, 0.5)
            said = dict.fromkeys(self.card.classes, 0.1) | {self.card.classes[0]: value}
            return Prediction(said, said, self.card.name, self.card.sha256)

    monkeypatch.setattr(chores, "load_network", load)
    return network


def choose(drive: Any, name: str, title: str) -> None:
    drive.window.choosing.choose(name)
    drive.until(lambda: drive.window.classifying.card.title == title)


def ready(drive: Any, folder: Path, name: str = "a.fits") -> Any:
    drive.open(folder, shows=name)
    window = drive.window
    drive.until(lambda: window.actions_["explain"].isEnabled() and len(window.choosing.entries) > 3)
    drive.until(lambda: window.workspace.current.prediction is not None)
    return window


def colour_picture(path: Path) -> Path:
    QImage(np.random.default_rng(0).bytes(60 * 60 * 3), 60, 60, 180, RGB).save(str(path))
    return path


# -- what there is


def test_shelf_lists_models_and_what_is_wrong_with_broken_ones(models: Path) -> None:
    (models / "torn").mkdir()
    (models / "torn" / "card.json").write_text('{"name": ')
    write_folder(models / "radio", RADIO)
    found = {e.name if e.card else f"broken {e.title}": e for e in shelf.read_shelf()}
    assert [e.name for e in shelf.read_shelf()][:3] == ["zoo", "bars", "radio"]
    assert found["zoo"].origin == "shipped"
    assert found["bars"].origin == "installed"
    assert found["zoo"].curve["val_rmse"] == [0.2, 0.1]
    assert "there is no card.json" in found["broken lost"].problem
    assert "card.json is not a model card" in found["broken torn"].problem
    assert "another model has this name" in found["broken radio"].problem


def test_weights_that_are_missing_are_named(models: Path) -> None:
    (models / "bars" / "weights.safetensors").unlink()
    found = {entry.name: entry.problem for entry in shelf.read_shelf()}
    assert found["bars"] == "bars: its weights file is missing"


def test_install_copies_plain_files_only_and_finds_a_free_name(
    models: Path, tmp_path: Path
) -> None:
    source = write_folder(tmp_path / "elsewhere" / "bars", BARS)
    (source / "more").mkdir()
    (source / "link").symlink_to("/etc/hostname")
    name = installed.install_model(source)
    assert name == "bars-2"
    assert sorted(p.name for p in (models / name).iterdir()) == [
        "card.json", "history.csv", "weights.safetensors",
    ]  # fmt: skip
    aside = installed.put_aside(name)
    assert name not in store.model_folders()
    assert (aside / "card.json").is_file()
    installed.take_back(aside, name)
    assert name in store.model_folders()


def test_install_of_what_is_no_model_leaves_nothing(models: Path, tmp_path: Path) -> None:
    before = sorted(models.iterdir())
    with pytest.raises(store.ModelError, match=r"there is no card\.json"):
        installed.install_model(tmp_path)
    assert sorted(models.iterdir()) == before


# -- the dialog


def test_dialog_groups_shows_cards_and_copies(drive: Any, folder: Path) -> None:
    window = ready(drive, folder)
    drive.trigger("models")
    dialog = window.choosing.dialog
    drive.until(lambda: dialog.tree.topLevelItemCount() == 4)
    tree = dialog.tree
    titles = [tree.topLevelItem(i).text(0) for i in range(4)]
    assert titles == ["Galaxy Zoo", "Radio galaxies", "Bars", "Cannot be used"]
    assert dialog.entry.name == "zoo"
    assert dialog.use.text() == "In use"
    text = dialog.card.toPlainText()
    for words in ("0.1234", "val", "7", "not for mergers <b>", "a" * 64):
        assert words in text
    assert dialog.curve.isVisible()
    dialog.copy.click()
    copied = QApplication.clipboard().text()
    assert "rmse\t0.1234\tval\t7" in copied
    assert "<" not in copied.replace("<b>", "")
    broken = tree.topLevelItem(3).child(0)
    tree.setCurrentItem(broken)
    assert "there is no card.json" in dialog.card.toPlainText()
    assert not dialog.use.isEnabled()
    dialog.close()


def test_model_is_chosen_by_keys_and_undone(drive: Any, folder: Path, qtbot: Any) -> None:
    window = ready(drive, folder)
    window.classify_panel.model_button.click()
    dialog = window.choosing.dialog
    drive.until(lambda: dialog.entry is not None and dialog.entry.name == "zoo")
    qtbot.keyClick(dialog.tree, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.tree, Qt.Key.Key_Down)
    while dialog.entry is None or dialog.entry.name != "bars":
        qtbot.keyClick(dialog.tree, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.tree, Qt.Key.Key_Return)
    drive.until(lambda: window.classifying.card.title == "Bars")
    assert not dialog.isVisible()
    assert window.classify_panel.model_button.whole == "Bars"
    assert window.settings.text("model") == "bars"
    assert window.actions_["undo"].text() == "Undo choose model"
    drive.trigger("undo")
    drive.until(lambda: window.classifying.card.title == "Zoo")
    drive.trigger("redo")
    drive.until(lambda: window.classifying.card.title == "Bars")


def test_menu_lists_what_can_be_used(drive: Any, folder: Path) -> None:
    window = ready(drive, folder)
    menu = window.actions_.menus["Models"]
    menu.aboutToShow.emit()
    menu.aboutToShow.emit()  # twice: nothing is doubled
    texts = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert texts == ["Choose model…", "Add model folder…", "Zoo", "Bars", "Radio"]
    assert [a.text() for a in menu.actions() if a.isChecked()] == ["Zoo"]


def test_model_that_cannot_be_loaded_says_why_and_the_old_one_goes_on(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    window = ready(drive, folder)
    network.fails["bars"] = "the weights are not those the card was written for"
    window.choosing.choose("bars")
    drive.until(lambda: "not those the card" in window.classify_panel._state.text())
    assert window.classifying.card.title == "Zoo"
    entry = window.choosing.entry("bars")
    assert "not those the card" in entry.problem
    assert window.settings.text("model") != "bars"


# -- adding a folder


def drop(widget: Any, path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    args = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0))
    enter = QDragEnterEvent(QPoint(5, 5), *args)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(widget, QDropEvent(QPointF(5, 5), *args))


@pytest.mark.parametrize("answer", ["install", "open"])
def test_dropped_model_folder_is_asked_about_and_used(
    drive: Any, folder: Path, tmp_path: Path, models: Path, monkeypatch: Any, answer: str
) -> None:
    card = dataclasses.replace(BARS, name="mine", title="Mine", sha256="d" * 64)
    source = write_folder(tmp_path / "mine", card)
    asked: list[str] = []
    monkeypatch.setattr(
        dialogs, "ask_install", lambda _parent, entry: asked.append(entry.title) or answer
    )
    window = ready(drive, folder)
    drop(window, source)
    drive.until(lambda: window.classifying.card.title == "Mine")
    assert asked == ["Mine"]
    assert drive.shown() == "a.fits"  # the pictures stay
    drive.until(lambda: window.choosing.in_use in {e.name for e in window.choosing.entries})
    if answer == "open":
        assert window.choosing.in_use == str(source)
        assert not (models / "mine").exists()
        assert window.settings.text("model") != str(source)
        return
    assert (models / "mine" / "weights.safetensors").is_file()
    drive.trigger("undo")
    drive.until(lambda: window.classifying.card.title == "Zoo")
    assert window.actions_["undo"].text() == "Undo install model"
    drive.trigger("undo")
    drive.until(lambda: not (models / "mine").exists())
    drive.until(lambda: all(e.name != "mine" for e in window.choosing.entries))
    drive.trigger("redo")
    drive.until(lambda: (models / "mine" / "card.json").is_file())


def test_dropped_folder_with_a_wrong_card_is_one_sentence(
    drive: Any, folder: Path, tmp_path: Path
) -> None:
    window = ready(drive, folder)
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "card.json").write_text("[]")
    drop(window, bad)
    drive.until(lambda: "bad: card.json is not a model card" in window.status.currentMessage())
    assert window.classifying.card.title == "Zoo"


# -- why it cannot be used here


def test_radio_model_on_a_colour_picture_says_why_and_offers(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    colour_picture(folder / "d.png")
    window = ready(drive, folder / "d.png", "d.png")
    choose(drive, "radio", "Radio")
    state = window.classify_panel._state
    drive.until(lambda: "trained on radio maps" in state.text())
    assert "colour picture" in state.text()
    assert window.workspace.current.prediction is None
    assert [button.text() for button in state.buttons] == ["Use Zoo", "Ask anyway"]
    drive.trigger("explain")
    assert "trained on radio maps" in window.explain_panel._note.text()
    assert network.explainer.asked == []
    state.buttons[1].click()
    drive.until(lambda: window.workspace.current.prediction is not None)
    assert window.explain_panel._note.text() == ""
    assert state.text() == ""


def test_offer_changes_to_a_model_that_suits(drive: Any, folder: Path) -> None:
    colour_picture(folder / "d.png")
    window = ready(drive, folder / "d.png", "d.png")
    choose(drive, "radio", "Radio")
    drive.until(lambda: len(window.classify_panel._state.buttons) == 2)
    window.classify_panel._state.buttons[0].click()
    drive.until(lambda: window.classifying.card.title == "Zoo")
    drive.until(lambda: window.workspace.current.prediction is not None)


def test_measuring_without_a_bar_explains_and_offers(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    window = ready(drive, folder)
    choose(drive, "radio", "Radio")
    drive.trigger("measure_bar")
    note = window.explain_panel._note
    assert note.text() == "Radio knows no bar; it answers FRI."
    assert [button.text() for button in note.buttons] == ["Measure with Zoo"]
    note.buttons[0].click()
    drive.until(lambda: len(drive.rows()) == 1)
    assert drive.cell(0, "Model") == "zoo"
    assert network.explainer.asked == ["Class3.1"]
    assert note.text() == ""


def test_measure_bar_takes_the_bar_whatever_is_explained(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    window = ready(drive, folder)
    window.explain_panel.target.choose("Class4.1")
    drive.trigger("measure_bar")
    drive.until(lambda: len(drive.rows()) == 1)
    assert network.explainer.asked == ["Class3.1"]


def test_refused_method_says_so_beside_itself(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    window = ready(drive, folder)
    panel = window.explain_panel
    drive.until(lambda: window.explaining._fit() is not None)
    network.fit = SimpleNamespace(verdict="refused", reason="it has no feature map")
    panel.method.choose("grad-cam")
    drive.until(lambda: "it has no feature map" in panel._summary.text())
    assert panel._refused.isVisibleTo(panel)
    drive.trigger("explain")
    assert panel._note.text() == "Grad-CAM cannot explain this network; choose another."
    assert network.explainer.asked == []
    assert window.jobs.failed == []
    network.fit = SimpleNamespace(verdict="adapted", reason="in another way")
    panel.method.choose("gradient")
    drive.until(lambda: panel._summary.text() == "Adapted: in another way.")
    assert not panel._refused.isVisibleTo(panel)


# -- no mixing


def test_target_follows_by_name_or_falls_to_the_first(drive: Any, folder: Path) -> None:
    window = ready(drive, folder)
    target = window.explain_panel.target.answers
    assert target.currentText() == "bar"
    choose(drive, "bars", "Bars")
    assert (target.currentText(), target.currentData()) == ("bar", "Bar")
    choose(drive, "zoo", "Zoo")
    window.explain_panel.target.choose("Class4.1")
    choose(drive, "radio", "Radio")
    assert (target.currentText(), target.currentData()) == ("FRI", "FRI")
    assert target.findData("FRII") > 0
    assert target.findData("Class7.1") < 0


def test_results_stay_with_the_model_that_made_them(drive: Any, folder: Path) -> None:
    window = ready(drive, folder)
    drive.trigger("measure_bar")
    drive.until(lambda: len(drive.rows()) == 1)
    shown = window.workspace.current
    assert shown.automatic.target_probability == pytest.approx(0.7)
    assert window.overlay_panel.source.whole.endswith("· zoo")
    choose(drive, "bars", "Bars")
    drive.until(lambda: shown.prediction is not None)
    assert shown.bar_fraction == pytest.approx(0.3)
    assert shown.map.attribution.model == "zoo"
    # Measured again, the old map keeps its network and what that one said.
    drive.trigger("published")
    drive.until(lambda: len(drive.rows()) == 2)
    assert {r.model for r in drive.rows()} == {"zoo"}
    assert [r.target_probability for r in drive.rows()] == [pytest.approx(0.7)] * 2
    drive.trigger("measure_bar")
    drive.until(lambda: len(drive.rows()) == 3)
    newest = shown.automatic
    assert (newest.model, newest.target_probability) == ("bars", pytest.approx(0.3))
    # Back again: what was said before is there at once.
    choose(drive, "zoo", "Zoo")
    assert shown.prediction.model == "zoo"
    assert shown.bar_fraction == pytest.approx(0.7)


def test_answer_that_comes_late_is_not_taken_for_the_new_models(drive: Any, folder: Path) -> None:
    from galaxyscope.classify.classifier import Prediction

    window = ready(drive, folder)
    shown = window.workspace.current
    choose(drive, "radio", "Radio")
    drive.until(lambda: shown.prediction is not None and shown.prediction.model == "radio")
    late = Prediction({"Class3.1": 0.9}, {}, "zoo", ZOO.sha256)
    window.classifying._predicted(shown, shown.plane, late)
    assert shown.prediction.model == "radio"
    assert shown.bar_fraction is None
    assert shown.said[ZOO.sha256] is late


def test_only_the_model_chosen_last_counts(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    window = ready(drive, folder)
    for name in ("radio", "bars", "radio", "bars"):
        window.choosing.choose(name)
    drive.until(lambda: not window.classifying.loading)
    assert window.classifying.card.title == "Bars"
    window.choosing.look()
    drive.until(lambda: window.choosing.in_use == "bars")


def test_last_model_is_there_at_the_next_start(
    make_window: Callable[[], Any], network: SimpleNamespace, qtbot: Any
) -> None:
    window = make_window()
    window.settings.set("model", "bars")
    window.start_work()
    qtbot.waitUntil(lambda: window.classifying.card is not None, timeout=20_000)
    assert window.classifying.card.title == "Bars"


def test_panels_keep_their_width_whatever_is_said(drive: Any, folder: Path, qtbot: Any) -> None:
    window = drive.window
    window.resize(1280, 800)
    ready(drive, folder)
    before = window.classify_panel.width()
    choose(drive, "radio", "Radio")
    drive.until(lambda: window.workspace.current.prediction is not None)
    drive.trigger("measure_bar")
    qtbot.wait(50)
    assert window.classify_panel.width() == before
    drive.trigger("explain")
    drive.until(lambda: window.workspace.current.map is not None)
    qtbot.wait(50)
    assert window.classify_panel.width() == before
    note = window.explain_panel._note
    assert note.label.height() >= note.label.heightForWidth(note.label.width()) or note.isHidden()


def test_new_network_is_timed_once_while_nobody_waits(
    drive: Any, folder: Path, monkeypatch: Any
) -> None:
    timed: list[str] = []

    def calibrate(classifier: Any, watch: Any) -> None:
        watch.check()
        timed.append(classifier.card.name)
        classifier.modes = {"forward": "best"}

    monkeypatch.setattr(chores, "calibrate", calibrate)
    load = chores.load_network

    def untimed(name: str | None, running: chores.Running) -> Any:
        classifier = load(name, running)
        classifier.modes = {}
        return classifier

    monkeypatch.setattr(chores, "load_network", untimed)
    ready(drive, folder)
    assert timed == [], "this one was timed before"
    choose(drive, "bars", "Bars")
    drive.until(lambda: timed == ["bars"])
    drive.until(lambda: drive.window.workspace.current.prediction is not None)
    drive.until(lambda: not any(t.gives_way for t in drive.window.desk.bridge.running))
    assert timed == ["bars"]
