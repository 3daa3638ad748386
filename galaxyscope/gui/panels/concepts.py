"""The window of concepts: which folders show them, what is asked, and the scores."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.explain.concept_score import ConceptScore
from galaxyscope.gui.chores_concepts import Folder
from galaxyscope.gui.panels.common import GAP, ElidedLabel, QuietLabel
from galaxyscope.gui.panels.score_table import ScoreView
from galaxyscope.gui.panels.start import local_paths
from galaxyscope.gui.rows import UNKNOWN
from galaxyscope.gui.theme import DATA, tabular_font
from galaxyscope.records.tables import plain_text

SIZE = QSize(1000, 620)
NAME = Qt.ItemDataRole.UserRole
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
ABOUT = (
    "Does the answer of the network depend on a concept, such as rings, dust lanes or spiral arms? "
    "Show the concept by a folder of example pictures (TCAV, Kim et al. 2018). A score above that "
    "of random pictures: the concept speaks for the answer; below it: against the answer."
)
EMPTY = "Scores appear here, one row for each concept."


class ConceptsDialog(QDialog):
    """See the module; knows nothing of networks and jobs.

    Signals
    -------
    dropped : list of Path, folders that show concepts
    random_dropped : Path, the folder of other galaxies
    removed : list of str, names of concepts
    add_requested, random_requested, run_requested, cancel_requested, export_requested
    """

    dropped = Signal(object)
    random_dropped = Signal(object)
    removed = Signal(object)
    add_requested = Signal()
    random_requested = Signal()
    run_requested = Signal()
    cancel_requested = Signal()
    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Concepts")
        self.setAcceptDrops(True)
        self._listed: list[Folder] = []
        self._said = self._lack = ""
        self._make_folders()
        self._make_question()
        self._make_scores()
        self._make_buttons()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 2 * GAP)
        layout.setSpacing(2 * GAP)
        layout.addWidget(QuietLabel(ABOUT, wrap=True))
        layout.addLayout(self._folder_row(), 2)
        layout.addLayout(self._form)
        layout.addWidget(self._results, 3)
        layout.addWidget(self.remarks)
        layout.addLayout(self._button_row())
        self._order()
        self.resize(SIZE)
        self.show_scores((), ())
        self.show_progress(None)

    # -- parts

    def _make_folders(self) -> None:
        self.concepts = QTreeWidget(columnCount=3)
        self.concepts.setAccessibleName("Concepts")
        self.concepts.setHeaderLabels(["Concept", "Pictures", "Folder"])
        self.concepts.setRootIsDecorated(False)
        self.concepts.setUniformRowHeights(True)
        self.concepts.setAllColumnsShowFocus(True)
        self.concepts.setStyleSheet("QTreeView::item { padding: 3px 8px; }")
        self.concepts.headerItem().setTextAlignment(1, RIGHT)
        self.concepts.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.concepts.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.concepts.setMinimumHeight(96)
        header = self.concepts.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(96)
        self.concepts.itemSelectionChanged.connect(self._follow_selection)
        self.add = QPushButton("Add folder…")
        self.add.setToolTip("A folder of pictures that show one concept; it can also be dropped")
        self.add.clicked.connect(self.add_requested)
        self.remove = QPushButton("Remove")
        self.remove.setToolTip("Take the selected concepts off the list (Del)")
        self.remove.setEnabled(False)
        self.remove.clicked.connect(self._remove)

    def _folder_row(self) -> QHBoxLayout:
        buttons = QVBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addWidget(self.add)
        buttons.addWidget(self.remove)
        buttons.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.concepts, 1)
        row.addLayout(buttons)
        return row

    def _make_question(self) -> None:
        self.random = _FolderEdit()
        self.random.setAccessibleName("Folder of other galaxies")
        self.random.setPlaceholderText("A folder of other galaxies, of any kind")
        self.random.setToolTip(
            "Galaxies of any kind that concepts are told from; best twice as many as examples"
        )
        self.random.dropped.connect(self.random_dropped)
        self._random_count = QLabel()
        self.choose = QPushButton("Choose…")
        self.choose.setAccessibleName("Choose the folder of other galaxies")
        self.choose.clicked.connect(self.random_requested)
        told = QHBoxLayout()
        told.setSpacing(GAP)
        told.addWidget(self.random, 1)
        told.addWidget(self._random_count)
        told.addWidget(self.choose)
        self.pictures, self.answer = ElidedLabel(), ElidedLabel()
        for label in (self.pictures, self.answer):
            label.setForegroundRole(QPalette.ColorRole.WindowText)
        self.counterparts = QSpinBox(minimum=2, maximum=1000, value=20)
        self.counterparts.setToolTip("Random sets that the examples are compared with")
        self.seed = QSpinBox(maximum=2**31 - 1)
        self.seed.setToolTip("The same seed gives the same random sets, and the same scores")
        numbers = QHBoxLayout()
        numbers.setSpacing(GAP)
        seed = QLabel("Seed")
        seed.setBuddy(self.seed)
        numbers.addWidget(self.counterparts)
        numbers.addWidget(seed)
        numbers.addWidget(self.seed)
        self.counterparts.setAccessibleName("Random sets")
        self.seed.setAccessibleName("Seed")
        numbers.addStretch(1)
        form = self._form = QFormLayout()
        form.setHorizontalSpacing(2 * GAP)
        form.setVerticalSpacing(GAP)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Told from", told)
        form.addRow("Asked about", self.pictures)
        form.addRow("Answer", self.answer)
        form.addRow("Random sets", numbers)

    def _make_scores(self) -> None:
        self.scores = ScoreView()
        empty = QuietLabel(EMPTY, wrap=True)
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._results = QStackedWidget()
        self._results.addWidget(empty)
        self._results.addWidget(self.scores)
        self.remarks = QLabel()
        self.remarks.setWordWrap(True)
        self.remarks.setTextFormat(Qt.TextFormat.PlainText)

    def _make_buttons(self) -> None:
        self.copy = QPushButton("Copy")
        self.copy.setToolTip("Copy the selected rows, or all, for a spreadsheet (Ctrl+C)")
        self.copy.clicked.connect(self.scores.copy)
        self.export = QPushButton("Export…")
        self.export.setToolTip("Write the table as CSV, ECSV or VOTable")
        self.export.clicked.connect(self.export_requested)
        self.said = ElidedLabel()
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName("Progress")
        self._steps = QLabel()
        self._steps.setFont(tabular_font(self._steps.font()))
        self.cancel = QPushButton("Cancel")
        self.cancel.clicked.connect(self.cancel_requested)
        self.close_ = QPushButton("Close")
        self.close_.clicked.connect(self.reject)
        self.run = QPushButton("Run")
        self.run.setDefault(True)
        self.run.clicked.connect(self.run_requested)
        for button in (self.add, self.remove, self.choose, self.copy, self.export, self.cancel):
            button.setAutoDefault(False)
        self.close_.setAutoDefault(False)

    def _button_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.copy)
        row.addWidget(self.export)
        row.addWidget(self.said, 1)
        row.addWidget(self.progress, 1)
        for widget in (self._steps, self.cancel, self.close_, self.run):
            row.addWidget(widget)
        return row

    def _order(self) -> None:
        """Tab goes from the examples to the scores."""
        order = (
            *(self.concepts, self.add, self.remove, self.random, self.choose),
            *(self.counterparts, self.seed, self.scores, self.copy, self.export),
            *(self.cancel, self.close_, self.run),
        )
        for before, after in itertools.pairwise(order):
            QWidget.setTabOrder(before, after)

    # -- what is shown

    def show_concepts(self, folders: Sequence[Folder]) -> None:
        """List the folders that show concepts; the selection stays while they do."""
        if folders == self._listed:
            return
        self._listed = list(folders)
        self.concepts.clear()
        for folder in folders:
            count = "…" if folder.pictures is None else str(folder.pictures or UNKNOWN)
            item = QTreeWidgetItem([plain_text(folder.name), count, _shown(folder.path)])
            item.setData(0, NAME, folder.name)
            item.setTextAlignment(1, RIGHT)
            quiet = self.palette().color(QPalette.ColorRole.PlaceholderText)
            item.setForeground(2, quiet)
            for column in range(3):
                item.setToolTip(column, plain_text(folder.problem) or _shown(folder.path))
                if folder.problem:
                    item.setForeground(column, QColor(DATA["warning"]))
            self.concepts.addTopLevelItem(item)
        self._follow_selection()

    def show_random(self, folder: Folder | None) -> None:
        """Show the folder of other galaxies."""
        self.random.setText("" if folder is None else _shown(folder.path))
        count = None if folder is None else folder.pictures
        self._random_count.setText("" if count is None else _pictures(count))
        _colour(self._random_count, folder is not None and bool(folder.problem))

    def show_question(self, pictures: str, answer: str, tip: str) -> None:
        """Show whose answers are asked about, and which one; `tip` says where to choose it."""
        self.pictures.show_text(pictures, "The galaxies that the gallery lists")
        self.answer.show_text(answer, tip)

    def show_scores(self, scores: tuple[ConceptScore, ...], remarks: Sequence[str]) -> None:
        """Show scores, and below them what is to be known of some."""
        self.scores.show_scores(scores)
        self._results.setCurrentIndex(1 if scores else 0)
        self.remarks.setText("\n".join(remarks))
        self.remarks.setVisible(bool(remarks))
        for button in (self.copy, self.export):
            button.setEnabled(bool(scores))

    def show_progress(self, steps: tuple[int, int] | None, stopping: bool = False) -> None:
        """Show how far a run is; None takes the progress away."""
        running = steps is not None
        for widget in (self.progress, self._steps, self.cancel):
            widget.setVisible(running)
        for other in (self.said, self.run):
            other.setVisible(not running)
        if steps is not None:
            done, total = steps
            self.progress.setRange(0, total)
            self.progress.setValue(done)
            self._steps.setText("stopping …" if stopping else f"{done}/{total}" if total else "…")
            self.cancel.setEnabled(not stopping)

    def show_lack(self, text: str) -> None:
        """Say what is needed before there can be a run; empty where nothing is."""
        self._lack = text
        self.run.setEnabled(not text)
        self.run.setToolTip(text)
        if not self._said:
            self.said.show_text(text)

    def say(self, text: str, warning: bool = False, tip: str = "") -> None:
        """Say one sentence; empty takes it away."""
        self._said = text
        self.said.show_text(text or self._lack, tip)
        _colour(self.said, warning and bool(text))

    # -- what the user does

    def _follow_selection(self) -> None:
        self.remove.setEnabled(bool(self.concepts.selectedItems()))

    def _remove(self) -> None:
        names = [item.data(0, NAME) for item in self.concepts.selectedItems()]
        if names:
            self.removed.emit(names)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Del takes concepts off the list."""
        if event.matches(QKeySequence.StandardKey.Delete) and self.concepts.hasFocus():
            self._remove()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Folders are welcome."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand on what was dropped."""
        event.acceptProposedAction()
        self.dropped.emit(local_paths(event.mimeData()))


class _FolderEdit(QLineEdit):
    """Shows one folder, which can be dropped on it."""

    dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__(readOnly=True)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Folders are welcome."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand on what was dropped."""
        event.acceptProposedAction()
        self.dropped.emit(local_paths(event.mimeData())[0])


def _pictures(count: int) -> str:
    return f"{count} {'picture' if count == 1 else 'pictures'}"


def _shown(path: Path) -> str:
    """Return a path as the user reads it."""
    home = Path.home()
    short = Path("~") / path.relative_to(home) if path.is_relative_to(home) else path
    return plain_text(str(short))


def _colour(label: QLabel, warning: bool) -> None:
    palette = QPalette()
    if warning:
        for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.PlaceholderText):
            palette.setColor(role, QColor(DATA["warning"]))
    label.setPalette(palette)
