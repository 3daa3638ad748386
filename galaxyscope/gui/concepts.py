"""Explain › Concepts…: folders of examples, and whether the network uses what they show (TCAV)."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from galaxyscope.gui import chores, concept_text
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.card_text import model_name
from galaxyscope.gui.chores_concepts import (
    Folder,
    Question,
    Scored,
    count_pictures,
    score_concepts,
    write_scores,
)
from galaxyscope.gui.classifying import Classifying
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.explaining import EXPLAIN
from galaxyscope.gui.panels.target import TargetBox
from galaxyscope.records.tables import TABLE_SUFFIXES
from galaxyscope.work.jobs import Failure, JobState
from galaxyscope.work.lanes import IO

if TYPE_CHECKING:
    from galaxyscope.explain.concept_score import ConceptScore
    from galaxyscope.gui.panels.concepts import ConceptsDialog

TITLE = "Score concepts"
CONCEPTS, RANDOM = "concepts", "concepts_told_from"
TABLES = "CSV (*.csv);;ECSV (*.ecsv);;VOTable (*.vot *.xml)"
SHOWN = 3  # of files that were left out; the tooltip has more
Counted = Callable[[list[Folder]], None]


class Concepts(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    classifying : Classifying
        Has the network.
    target : TargetBox
        Where the answer is chosen.
    """

    def __init__(self, desk: Desk, classifying: Classifying, target: TargetBox) -> None:
        super().__init__(desk.window)
        self._desk, self._classifying, self._target = desk, classifying, target
        self.dialog: ConceptsDialog | None = None
        self.folders: list[Folder] = []
        self.random: Folder | None = None
        self.scores: tuple[ConceptScore, ...] = ()
        self._task: Task | None = None
        self._cancelled = False
        classifying.leaving.connect(self.cancel)
        classifying.refreshed.connect(self._refresh)
        target.changed.connect(lambda _text: self._refresh())
        desk.workspace.listed.connect(self._refresh)
        desk.bridge.task_changed.connect(self._follow)

    def open_dialog(self) -> None:
        """Show the window of concepts, as it was left."""
        if self.dialog is None:
            self.dialog = self._make_dialog()
            self._restore()
        self._refresh()
        self.dialog.show()
        self.dialog.activateWindow()

    def _make_dialog(self) -> ConceptsDialog:
        from galaxyscope.gui.panels.concepts import ConceptsDialog

        dialog = ConceptsDialog(self._desk.window)
        dialog.add_requested.connect(self.ask_concept)
        dialog.random_requested.connect(self.ask_random)
        dialog.dropped.connect(self.add)
        dialog.random_dropped.connect(self.tell_from)
        dialog.removed.connect(self.remove)
        dialog.run_requested.connect(self.run)
        dialog.cancel_requested.connect(self.cancel)
        dialog.export_requested.connect(self.ask_export)
        return dialog

    # -- folders

    def ask_concept(self) -> None:
        """Let the user choose a folder that shows a concept."""
        near = self.folders[-1].path.parent if self.folders else self._desk.workspace.folder
        if path := self._ask_folder("Folder that shows a concept", near):
            self.add([path])

    def ask_random(self) -> None:
        """Let the user choose the folder of other galaxies."""
        near = self._desk.workspace.folder if self.random is None else self.random.path
        if path := self._ask_folder("Folder of other galaxies", near):
            self.tell_from(path)

    def _ask_folder(self, title: str, near: Path | None) -> Path | None:
        path = QFileDialog.getExistingDirectory(self.dialog, title, str(near or Path.home()))
        return Path(path) if path else None

    def add(self, paths: Sequence[Path]) -> None:
        """Add folders that show concepts; one without pictures is refused."""
        self._count(paths, self._added)

    def tell_from(self, path: Path) -> None:
        """Tell concepts from the galaxies of another folder."""
        self._count([path], self._told_from)

    def remove(self, names: Sequence[str]) -> None:
        """Take concepts off the list; nothing happens to their folders."""
        self._keep([folder for folder in self.folders if folder.name not in names])

    def _count(self, paths: Sequence[Path], done: Counted) -> None:
        self._desk.bridge.run(
            Task(
                "Count pictures",
                None,
                IO,
                functools.partial(count_pictures, [Path(os.path.abspath(path)) for path in paths]),
                done=done,
                failed=lambda failure: self._say(str(failure), warning=True),
                quiet=True,
            )
        )

    def _added(self, counted: list[Folder]) -> None:
        folders, refused = list(self.folders), ""
        for folder in counted:
            if any(other.name == folder.name for other in folders):
                refused = f"There is a concept {folder.name} already; concepts are named by folders"
            elif folder.problem:
                refused = folder.problem
            else:
                folders.append(folder)
        self._keep(folders)
        self._say(refused, warning=True)

    def _told_from(self, counted: list[Folder]) -> None:
        (folder,) = counted
        if not folder.problem:
            self.random = folder
            self._desk.settings.set(RANDOM, str(folder.path))
        self._say(folder.problem, warning=True)
        self._refresh()

    def _keep(self, folders: list[Folder]) -> None:
        self.folders = folders
        self._desk.settings.set(CONCEPTS, json.dumps([str(folder.path) for folder in folders]))
        self._refresh()

    def _restore(self) -> None:
        """Bring back the folders of the last time; those that are gone say so."""
        paths = _read(self._desk.settings.text(CONCEPTS))
        self.folders = [Folder(path, path.name) for path in paths]
        if paths:
            self._count(paths, self._counted_again)
        if name := self._desk.settings.text(RANDOM):
            self.random = Folder(Path(name), Path(name).name)
            self._count([self.random.path], self._counted_again)

    def _counted_again(self, counted: list[Folder]) -> None:
        known = {folder.path: folder for folder in counted}
        self.folders = [known.get(folder.path, folder) for folder in self.folders]
        if self.random is not None:
            self.random = known.get(self.random.path, self.random)
        self._refresh()

    # -- running

    @property
    def busy(self) -> bool:
        """Whether concepts are being scored, or are going to be."""
        return self._task is not None and not self._task.state.finished

    def run(self) -> None:
        """Score the concepts for the answer that is chosen, on the network's lane."""
        classifier = self._classifying.classifier
        if self.busy or self._lack() or classifier is None or self.random is None:
            return
        assert self.dialog is not None
        galaxies, sha256 = self._desk.workspace.galaxies, classifier.card.sha256
        question = Question(
            {folder.name: folder.path for folder in self.folders},
            self.random.path,
            tuple((galaxy.path, galaxy.plane) for galaxy in galaxies),
            self._target.text or classifier.card.classes[0],
            self.dialog.counterparts.value(),
            self.dialog.seed.value(),
            any(sha256 in galaxy.insisted for galaxy in galaxies),
        )
        self._say("")
        self._desk.bridge.run(
            Task(
                TITLE,
                None,
                chores.NETWORK,
                functools.partial(score_concepts, classifier, question),
                done=self._scored,
                failed=self._failed,
                cancelled=self._stopped,
                priority=EXPLAIN,
            )
        )

    def cancel(self) -> None:
        """Stop the run; the scores of the one before stay."""
        if self._task is not None and self.busy:
            self._cancelled = True
            self._task.cancel()
            self._refresh()

    def _follow(self, task: Task) -> None:
        if task.title == TITLE:  # the list of jobs may have started it again
            self._task = task
            self._cancelled &= task.state is not JobState.PENDING
            self._refresh()

    def _scored(self, scored: Scored) -> None:
        if self._cancelled:  # it was through before it heard of that
            self._stopped()
            return
        self.scores = scored.scores
        if self.dialog is not None:
            self.dialog.show_scores(self.scores, concept_text.remarks(self.scores))
        said, tip = _left_out(scored.left_out)
        self._say(said, tip=tip)
        if self.dialog is None or not self.dialog.isVisible():
            self._desk.say("The concepts are scored: Explain › Concepts… shows the table")

    def _failed(self, failure: Failure) -> None:
        self._say(str(failure), warning=True)

    def _stopped(self) -> None:
        self._say("Cancelled.")

    def stop(self) -> None:
        """Close the dialog, before the window closes."""
        if self.dialog is not None:
            self.dialog.close()

    # -- the table

    def ask_export(self) -> None:
        """Let the user choose a file and write the scores to it."""
        folder = self._desk.workspace.folder or Path.home()
        name, kind = QFileDialog.getSaveFileName(
            self.dialog, "Export scores", str(folder / "concepts.csv"), TABLES
        )
        if name:
            path = Path(name)
            if path.suffix.lower() not in TABLE_SUFFIXES:
                suffix = next((s for s in TABLE_SUFFIXES if f"*{s}" in kind), ".csv")
                path = path.with_name(path.name + suffix)
            self.export(path)

    def export(self, path: Path) -> None:
        """Write the scores to a file."""
        self._desk.bridge.run(
            Task(
                "Export scores",
                path,
                IO,
                functools.partial(write_scores, path, self.scores),
                done=lambda _nothing: self._say(f"Written to {path.name}"),
                failed=lambda failure: self._say(str(failure), warning=True),
            )
        )

    # -- the dialog

    def _say(self, text: str, warning: bool = False, tip: str = "") -> None:
        if self.dialog is not None:
            self.dialog.say(one_line(text), warning, tip)

    def _refresh(self) -> None:
        """Bring the dialog in line with what is known."""
        dialog = self.dialog
        if dialog is None:
            return
        dialog.show_concepts(self.folders)
        dialog.show_random(self.random)
        dialog.show_question(self._asked_about(), *self._answer())
        dialog.show_lack(self._lack())
        steps = self._task.steps if self.busy and self._task is not None else None
        dialog.show_progress(steps, stopping=self._cancelled)

    def _asked_about(self) -> str:
        workspace = self._desk.workspace
        count = len(workspace.galaxies)
        where = f" of {workspace.folder}" if workspace.folder is not None else " of the gallery"
        pictures = "picture" if count == 1 else "pictures"
        return one_line(f"{count} {pictures}{where}") if count else "Nothing is open"

    def _answer(self) -> tuple[str, str]:
        card, target = self._classifying.card, self._target
        if card is None:
            return "No network", ""
        words = [target.answers.currentText(), target.manner]
        answer = ", ".join(word for word in words if word)
        tip = f"{target.text}, as the command line has it; another one: Target in the panel Explain"
        return one_line(f"{answer} – {model_name(card)}"), one_line(tip)

    def _lack(self) -> str:
        """Return what is needed before concepts can be scored; empty if it is all there."""
        if self._classifying.classifier is None:
            return "There is no network yet"
        if not self.folders:
            return "Add a folder of pictures that show a concept, or drop it here"
        if self.random is None:
            return "Choose a folder of other galaxies that concepts are told from"
        if not self._desk.workspace.galaxies:
            return "Open the galaxies that the network is asked about"
        return next((f.problem for f in (*self.folders, self.random) if f.problem), "")


def _read(text: str) -> list[Path]:
    """Read the folders of the settings; none where these are damaged."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    names = found if isinstance(found, list) else []
    return [Path(name) for name in names if isinstance(name, str) and name]


def _left_out(reasons: Sequence[str]) -> tuple[str, str]:
    """Say that pictures were left out, in a sentence and in full."""
    if not reasons:
        return "", ""
    count = f"{len(reasons)} {'picture was' if len(reasons) == 1 else 'pictures were'} left out"
    more = [f"and {len(reasons) - SHOWN} more"] if len(reasons) > SHOWN else []
    return f"{count}: {reasons[0]}", "\n".join(map(one_line, [*reasons[:SHOWN], *more]))
