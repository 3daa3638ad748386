"""Explain › Concepts… in a window, with a small network that has a feature map."""

from __future__ import annotations

import argparse
import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog

from galaxyscope.classify.card import ModelCard
from galaxyscope.gui import chores, chores_concepts, concept_text
from galaxyscope.records.columns import CONCEPT_COLUMNS
from galaxyscope.records.tables import read_rows
from galaxyscope.sky.readers import list_images, open_image

SIDE = 16
# The offscreen platform says so of every dialog; there is no window manager to be told.
pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")
CARD = ModelCard(
    "colours", "Colours", "galaxyzoo", "none", {}, ("Class3.1", "Class3.2"),
    {"bar": "Class3.1", "no bar": "Class3.2"}, SIDE, 3.0, "c0" * 32,
)  # fmt: skip


def tiny_classifier() -> Any:
    """Its answer "bar" rises with red and falls with blue."""
    import torch

    from galaxyscope.classify.classifier import Classifier, NetworkInput
    from galaxyscope.sky.frame import Affine

    class Colours(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = torch.nn.Conv2d(3, 3, 1), torch.nn.Linear(3, 2)
            with torch.no_grad():
                self.conv.weight.copy_(torch.eye(3)[..., None, None])
                self.conv.bias.zero_()
                self.head.weight.copy_(torch.tensor([[5.0, 0.0, -5.0], [0.0, 0.0, 0.0]]))
                self.head.bias.zero_()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.tanh(self.conv(x).mean((2, 3))))

    class Whole(Classifier):
        """Sees the pixels as they are."""

        def prepare(self, image: Any) -> NetworkInput:
            pixels = np.broadcast_to(image.data, (3, *image.shape)) / 255
            return NetworkInput(np.ascontiguousarray(pixels, np.float32), Affine())

    torch.set_num_threads(1)
    return Whole(CARD, Colours(), torch.device("cpu"))


def pictures(folder: Path, count: int, channel: int | None, seed: int) -> Path:
    """Noise, with more of one colour."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 128, (SIDE, SIDE, 3), np.uint8)
        if channel is not None:
            pixels[..., channel] += 120
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> SimpleNamespace:
    """Two concepts, other galaxies, and those that are asked about."""
    return SimpleNamespace(
        red=pictures(tmp_path / "red", 8, 0, 1),
        blue=pictures(tmp_path / "blue", 8, 2, 2),
        others=pictures(tmp_path / "others", 20, None, 3),
        asked=pictures(tmp_path / "asked", 5, None, 4),
    )


@pytest.fixture
def network(network: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The fake network of all tests, replaced by one that can be asked."""
    network.classifier = tiny_classifier()
    monkeypatch.setattr(chores, "calibrate", lambda *_: None)
    return network


@pytest.fixture
def opened(drive: Any, folders: SimpleNamespace) -> Any:
    """The dialog, with galaxies to ask about and nothing chosen yet."""
    drive.open(folders.asked, shows="0.png")
    drive.until(lambda: drive.window.classifying.classifier is not None)
    drive.trigger("concepts")
    return drive


@pytest.fixture
def ready(opened: Any, folders: SimpleNamespace) -> Any:
    """The dialog with all that a run needs."""
    concepts = opened.window.concepts
    concepts.add([folders.red, folders.blue])
    concepts.tell_from(folders.others)
    opened.until(lambda: len(concepts.folders) == 2 and concepts.random is not None)
    concepts.dialog.counterparts.setValue(5)
    return opened


def score(drive: Any) -> tuple[Any, ...]:
    """Press Run and wait for the scores."""
    concepts = drive.window.concepts
    drive.qtbot.mouseClick(concepts.dialog.run, Qt.MouseButton.LeftButton)
    drive.until(lambda: bool(concepts.scores) and not concepts.busy)
    return concepts.scores


def shown(dialog: Any) -> list[list[str]]:
    """Cells of the table, as they stand there."""
    model = dialog.scores.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def drop(widget: Any, *paths: Path) -> None:
    """Drop files on a widget."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    widget.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, left, none))


def test_scores_are_those_of_the_function_and_of_the_command(
    ready: Any, folders: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxyscope.classify import store
    from galaxyscope.cli import concepts as command
    from galaxyscope.explain.concepts import concept_scores

    ready.window.concepts.dialog.seed.setValue(3)
    found = score(ready)
    classifier = tiny_classifier()

    def inputs(folder: Path) -> list[Any]:
        return [classifier.prepare(open_image(path)) for path in list_images(folder)]

    expected = concept_scores(
        classifier, {"red": inputs(folders.red), "blue": inputs(folders.blue)},
        inputs(folders.others), inputs(folders.asked), "bar", 5, 3,
    )  # fmt: skip
    assert list(found) == expected
    assert (found[0].score, found[1].score) == (1, 0)

    ready.window.concepts.export(tmp_path / "window.csv")
    ready.until((tmp_path / "window.csv").is_file)
    monkeypatch.setattr(store, "load_model", lambda *_, **__: classifier)
    classifier.modes = {"as": "it is"}
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    given = ["--concept", folders.red, "--concept", folders.blue, "--random", folders.others]
    more = ["--counterparts", 5, "--seed", 3, "-o", tmp_path / "command.csv"]
    args = parser.parse_args([str(word) for word in (folders.asked, *given, *more)])
    assert command.run(args) == 0
    assert (tmp_path / "window.csv").read_bytes() == (tmp_path / "command.csv").read_bytes()
    assert len(read_rows(tmp_path / "window.csv", CONCEPT_COLUMNS)) == 2


def test_the_table_is_sorted_and_copied(ready: Any) -> None:
    found = score(ready)
    dialog = ready.window.concepts.dialog
    view = dialog.scores
    names = [view.model().headerData(c, Qt.Orientation.Horizontal) for c in range(12)]
    assert [name.lower().replace(" ", "_") for name in names] == [c.name for c in CONCEPT_COLUMNS]
    assert [row[0] for row in shown(dialog)] == ["red", "blue"], "as they were asked for"
    view.sortByColumn(names.index("Score"), Qt.SortOrder.AscendingOrder)
    assert [row[0] for row in shown(dialog)] == ["blue", "red"]
    dialog.copy.click()
    rows = list(csv.reader(QGuiApplication.clipboard().text().splitlines(), delimiter="\t"))
    assert rows[0] == [column.name for column in CONCEPT_COLUMNS]
    assert [row[0] for row in rows[1:]] == ["blue", "red"]
    assert float(rows[1][6]) == found[1].p_value, "all digits"
    view.selectRow(1)
    view.setFocus()
    ready.qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert len(QGuiApplication.clipboard().text().splitlines()) == 2


def test_cancelling_leaves_no_result(ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    concepts = ready.window.concepts
    read: list[Path] = []

    def slowly(path: Path, plane: Any = None) -> Any:
        read.append(path)
        if len(read) == 3:
            ready.window.bridge._post(concepts.dialog.cancel.click)
        QApplication.instance().thread().msleep(5)
        return open_image(path, plane)

    monkeypatch.setattr("galaxyscope.sky.readers.open_image", slowly)
    concepts.dialog.run.click()
    assert concepts.dialog.cancel.isVisible()
    assert not concepts.dialog.run.isVisible()
    ready.until(lambda: not concepts.busy)
    assert len(read) < 41, "it was stopped on its way"
    assert concepts.scores == ()
    assert shown(concepts.dialog) == []
    assert concepts.dialog.said.whole == "Cancelled."
    assert not concepts.dialog.cancel.isVisible()
    monkeypatch.setattr("galaxyscope.sky.readers.open_image", open_image)
    first = score(ready)
    concepts.dialog.run.click()
    concepts.dialog.cancel.click()
    ready.until(lambda: not concepts.busy)
    assert concepts.scores == first, "those of the run before stay"


def test_it_runs_on_the_lane_of_the_network(ready: Any) -> None:
    lanes: list[tuple[str, str]] = []
    ready.window.bridge.task_changed.connect(lambda task: lanes.append((task.title, task.lane)))
    score(ready)
    assert ("Score concepts", chores.NETWORK) in lanes
    ready.window.concepts.run()
    ready.window.classifying.leaving.emit()
    ready.until(lambda: not ready.window.concepts.busy)
    assert ready.window.concepts.dialog.said.whole == "Cancelled.", "with the network it asks"


def test_what_cannot_be_used_is_refused_in_one_sentence(
    opened: Any, folders: SimpleNamespace, tmp_path: Path
) -> None:
    concepts, dialog = opened.window.concepts, opened.window.concepts.dialog
    empty, file = tmp_path / "empty", folders.red / "0.png"
    empty.mkdir()
    twin = pictures(tmp_path / "elsewhere", 1, 0, 5).parent / "more" / "red"
    twin.parent.mkdir()
    pictures(twin, 1, 0, 6)
    concepts.add([folders.red])
    opened.until(lambda: len(concepts.folders) == 1)
    for path, says in (
        (empty, "empty: there are no pictures in this folder"),
        (tmp_path / "gone", "gone: the folder cannot be read"),
        (file, "0.png: is a file"),
        (twin, "There is a concept red already"),
    ):
        concepts.add([path])
        opened.until(lambda says=says: says in dialog.said.whole)
        assert [folder.name for folder in concepts.folders] == ["red"], "nothing else is lost"
    concepts.tell_from(folders.others)
    opened.until(lambda: concepts.random is not None)
    concepts.tell_from(empty)
    opened.until(lambda: "empty: there" in dialog.said.whole)
    assert concepts.random.path == folders.others


def test_too_few_and_damaged_pictures_are_said(
    ready: Any, folders: SimpleNamespace, tmp_path: Path
) -> None:
    concepts, dialog = ready.window.concepts, ready.window.concepts.dialog
    few = pictures(tmp_path / "few", 3, 0, 7)
    concepts.add([few])
    ready.until(lambda: len(concepts.folders) == 3)
    dialog.run.click()
    ready.until(lambda: dialog.said.whole == "few: 3 pictures are too few, 6 are needed")
    concepts.remove(["few"])
    (folders.red / "0.png").write_bytes(b"no picture")
    found = score(ready)
    assert found[0].examples == 7
    assert dialog.said.whole.startswith("1 picture was left out: 0.png")
    for path in list_images(folders.red):
        path.write_bytes(b"no picture")
    dialog.run.click()
    ready.until(lambda: "red: 0 pictures are too few, 6 are needed (7.png" in dialog.said.whole)
    assert concepts.scores == found


def test_the_dialog_says_what_is_missing(drive: Any, folders: SimpleNamespace) -> None:
    drive.until(lambda: drive.window.classifying.classifier is not None)
    drive.trigger("concepts")
    concepts, dialog = drive.window.concepts, drive.window.concepts.dialog
    assert dialog.isVisible()
    assert not dialog.isModal()
    assert "Add a folder" in dialog.said.whole
    drop(dialog, folders.red, folders.blue)
    drive.until(lambda: "Choose a folder of other galaxies" in dialog.said.whole)
    drop(dialog.random, folders.others)
    drive.until(lambda: "Open the galaxies" in dialog.said.whole)
    assert dialog.pictures.whole == "Nothing is open"
    assert not dialog.run.isEnabled()
    drive.open(folders.asked, shows="0.png")
    assert dialog.pictures.whole == f"5 pictures of {folders.asked}"
    assert dialog.run.isEnabled()
    assert dialog.answer.whole == "bar – Colours"
    drive.window.explain_panel.target.choose("-Class3.2")
    assert dialog.answer.whole == "no bar, what speaks against it – Colours"
    assert [concepts.dialog.concepts.topLevelItem(i).text(1) for i in (0, 1)] == ["8", "8"]


def test_concepts_are_removed_and_the_keyboard_does_it_all(ready: Any) -> None:
    concepts, dialog = ready.window.concepts, ready.window.concepts.dialog
    dialog.concepts.setCurrentItem(dialog.concepts.topLevelItem(0))
    dialog.concepts.setFocus()
    ready.qtbot.keyClick(dialog.concepts, Qt.Key.Key_Delete)
    assert [folder.name for folder in concepts.folders] == ["blue"]
    ready.qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    ready.trigger("concepts")
    assert concepts.dialog is dialog
    reached, widget = set(), dialog.concepts
    for _ in range(60):
        reached.add(widget)
        widget = widget.nextInFocusChain()
    for wanted in (dialog.add, dialog.choose, dialog.random, dialog.counterparts, dialog.seed,
                   dialog.scores, dialog.copy, dialog.export, dialog.run):  # fmt: skip
        assert wanted in reached
        assert wanted.accessibleName() or wanted.text()


def test_folders_are_remembered_and_say_when_they_are_gone(
    ready: Any, folders: SimpleNamespace, make_window: Callable[[], Any]
) -> None:
    for path in folders.blue.iterdir():
        path.unlink()
    folders.blue.rmdir()
    again = make_window()
    again.start_work()
    again.open([folders.asked])
    again.actions_["concepts"].trigger()
    concepts = again.concepts
    ready.until(lambda: [f.pictures for f in concepts.folders] == [8, 0])
    assert concepts.random.path == folders.others
    ready.until(lambda: concepts.dialog.said.whole.startswith("blue: the folder cannot be read"))
    assert not concepts.dialog.run.isEnabled()
    concepts.remove(["blue"])
    ready.until(concepts.dialog.run.isEnabled)


def test_damaged_settings_are_passed_over(drive: Any) -> None:
    drive.window.settings.set("concepts", '{"no": ["list"')
    drive.trigger("concepts")
    assert drive.window.concepts.folders == []


def test_the_file_dialogs_are_asked(
    ready: Any, folders: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    concepts, dialog = ready.window.concepts, ready.window.concepts.dialog
    more = pictures(tmp_path / "green", 6, 1, 9)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(more))
    dialog.add.click()
    ready.until(lambda: len(concepts.folders) == 3)
    dialog.choose.click()
    ready.until(lambda: concepts.random.path == more)
    concepts.tell_from(folders.others)
    ready.until(lambda: concepts.random.path == folders.others)
    score(ready)
    out = tmp_path / "scores"
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_: (str(out), "VOTable (*.vot *.xml)")
    )
    dialog.export.click()
    ready.until(lambda: dialog.said.whole == "Written to scores.vot")
    assert (tmp_path / "scores.vot").is_file()
    concepts.export(tmp_path / "nowhere" / "t.csv")
    ready.until(lambda: "there is no folder" in dialog.said.whole)


def test_what_means_nothing_is_said(ready: Any) -> None:
    found = score(ready)[0]
    seen = dataclasses.replace(found, accuracy=0.9, p_value=0.001)
    chance = dataclasses.replace(seen, concept="dust", p_value=0.2)
    hidden = dataclasses.replace(seen, concept="rings", accuracy=0.52)
    assert concept_text.remarks([seen]) == []
    said = concept_text.remarks([seen, chance, hidden])
    assert said[0].startswith("“rings” cannot be told from the other galaxies")
    assert said[1].startswith("“dust”: the score is not significant")
    assert "not below 0.017 (0.05 for all 3 tests together)" in said[1]
    other = dataclasses.replace(chance, model="second")
    assert concept_text.remarks([chance, other])[0].startswith("“dust”:")
    well = dataclasses.replace(seen, concept="dust")
    assert "“dust” in second:" in concept_text.remarks([well, other])[0]
    dialog = ready.window.concepts.dialog
    dialog.show_scores((seen, hidden), concept_text.remarks([seen, hidden]))
    assert dialog.remarks.isVisible()
    assert "accuracy" in dialog.remarks.text()


def test_pictures_that_the_network_was_not_made_for_are_left_out(
    monkeypatch: pytest.MonkeyPatch, folders: SimpleNamespace
) -> None:
    from galaxyscope.work.watch import Watch

    question = chores_concepts.Question(
        {"red": folders.red},
        folders.others,
        tuple((path, None) for path in list_images(folders.asked)),
        "bar",
        3,
        0,
    )
    monkeypatch.setattr(chores_concepts, "unsuitable", lambda *_: "Colours was not made for this.")
    with pytest.raises(ValueError, match=r"red: 0 pictures .*Colours was not made for this\)"):
        chores_concepts.score_concepts(tiny_classifier(), question, Watch())
    anyway = dataclasses.replace(question, anyway=True)
    assert len(chores_concepts.score_concepts(tiny_classifier(), anyway, Watch()).scores) == 1


def test_progress_goes_on_to_its_end(folders: SimpleNamespace) -> None:
    from galaxyscope.work.watch import Watch

    seen: list[tuple[int, int]] = []
    (folders.red / "0.png").write_bytes(b"no picture")
    asked = tuple((path, None) for path in list_images(folders.asked))
    question = chores_concepts.Question({"red": folders.red}, folders.others, asked, "bar", 3, 0)
    watch = Watch(lambda done, total, _: seen.append((done, total)))
    chores_concepts.score_concepts(tiny_classifier(), question, watch)
    read, left = 8 + 20 + 5, 7 + 20 + 5
    assert seen[0] == (1, read + read + 4)
    assert seen[-1] == (read + left + 4, read + left + 4), "with each comparison a step"
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
