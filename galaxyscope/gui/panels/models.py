"""The models dialog: all models by task on the left, the card of one on the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPalette, QTextOption
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.card_text import as_html, as_text
from galaxyscope.gui.panels.common import GAP, QuietLabel
from galaxyscope.gui.panels.curve import LearningCurve
from galaxyscope.gui.panels.model_delegate import ENTRY, REMARK, SHOWN, ModelDelegate
from galaxyscope.gui.panels.start import local_paths
from galaxyscope.gui.shelf import Entry
from galaxyscope.gui.tasks import TASKS, task_of
from galaxyscope.gui.theme import DATA

Index = QModelIndex | QPersistentModelIndex
SIZE = QSize(920, 600)
LIST_WIDTH = 316
BROKEN = "Cannot be used"


class ModelsDialog(QDialog):
    """Lists models, shows their cards, and lets the user choose one or add a folder.

    Parameters
    ----------
    remark : callable
        Why an entry does not suit the shown picture, empty if it does.
    """

    chosen = Signal(str)
    add_requested = Signal()
    dropped = Signal(object)

    def __init__(self, remark: Callable[[Entry], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self.setAcceptDrops(True)
        self._remark = remark
        self._in_use = ""
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Models")
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(12)
        self.tree.setRootIsDecorated(False)
        self.tree.setItemsExpandable(False)
        self.tree.setStyleSheet("QTreeView::branch { image: none; background: none; }")
        self.tree.setItemDelegate(ModelDelegate(self.tree))
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.setMinimumWidth(LIST_WIDTH)
        self.tree.currentItemChanged.connect(lambda item, _before: self._show(item))
        self.tree.itemActivated.connect(lambda _item: self._use())
        self.card = QTextBrowser(openLinks=False)
        self.card.setAccessibleName("Card of the model")
        self.card.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.card.document().setDocumentMargin(2 * GAP)
        self.curve = LearningCurve()
        self.use = QPushButton("Use this model")
        self.use.setDefault(True)
        self.use.clicked.connect(self._use)
        self.copy = QPushButton("Copy card")
        self.copy.setToolTip("Copy everything on this card as text")
        self.copy.clicked.connect(self._copy)
        add = QPushButton("Add model folder…")
        add.setToolTip("A folder with a card.json and weights; it can also be dropped here")
        add.clicked.connect(self.add_requested)
        close = QPushButton("Close")
        close.clicked.connect(self.reject)
        for button in (add, close, self.copy):
            button.setAutoDefault(False)
        self._said = QuietLabel(wrap=True)
        self._said.setVisible(False)

        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.card, 1)
        curve = QHBoxLayout()
        curve.setContentsMargins(2 * GAP, 0, 2 * GAP, 0)
        curve.addWidget(self.curve)
        column.addLayout(curve)
        right.setAutoFillBackground(True)
        right.setBackgroundRole(QPalette.ColorRole.Base)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.tree)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setSizes([LIST_WIDTH, SIZE.width() - LIST_WIDTH])
        buttons = QHBoxLayout()
        buttons.setContentsMargins(2 * GAP, GAP, 2 * GAP, 2 * GAP)
        buttons.setSpacing(GAP)
        buttons.addWidget(add)
        buttons.addStretch(1)
        for button in (self.copy, close, self.use):
            buttons.addWidget(button)
        self._said.setContentsMargins(2 * GAP, GAP, 2 * GAP, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(split, 1)
        layout.addWidget(self._said)
        layout.addLayout(buttons)
        self.resize(SIZE)
        self._show(None)

    @property
    def entry(self) -> Entry | None:
        """The model whose card is shown."""
        item = self.tree.currentItem()
        return None if item is None else item.data(0, ENTRY)

    def show_models(self, entries: Sequence[Entry], in_use: str, shown: str = "") -> None:
        """List models.

        Parameters
        ----------
        entries : sequence of Entry
        in_use : str
            Name of the one that is loaded.
        shown : str
            Name of the one whose card to show; default: the one that was shown before, else
            the one in use.
        """
        before = self.entry
        wanted = shown or (before.name if before is not None else in_use)
        self._in_use = in_use
        self.tree.clear()
        items: dict[str, QTreeWidgetItem] = {}
        for title, group in _groups(entries):
            heading = QTreeWidgetItem([title])
            heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.tree.addTopLevelItem(heading)
            for entry in group:
                item = QTreeWidgetItem([entry.title])
                item.setData(0, ENTRY, entry)
                item.setData(0, SHOWN, entry.name == in_use)
                item.setData(0, REMARK, self._remark(entry))
                item.setData(0, Qt.ItemDataRole.ToolTipRole, entry.problem or entry.title)
                items.get(entry.parent, heading).addChild(item)
                items[entry.name] = item
        self.tree.expandAll()
        current = items.get(wanted) or items.get(in_use) or next(iter(items.values()), None)
        if current is not None:
            self.tree.setCurrentItem(current)
            self.tree.scrollToItem(current)
        else:
            self._show(None)

    def say(self, text: str) -> None:
        """Show one sentence above the buttons; empty takes it away."""
        self._said.setText(text)
        self._said.setVisible(bool(text))

    def _show(self, item: QTreeWidgetItem | None) -> None:
        entry: Entry | None = None if item is None else item.data(0, ENTRY)
        in_use = entry is not None and entry.name == self._in_use
        again = entry is not None and bool(entry.problem)
        self.use.setEnabled(entry is not None and entry.card is not None and not in_use)
        self.use.setText("In use" if in_use else "Try again" if again else "Use this model")
        self.copy.setEnabled(entry is not None)
        if entry is None:
            self.card.clear()
            self.curve.show_curve({})
            return
        quiet = self.palette().color(QPalette.ColorRole.PlaceholderText).name()
        self.card.setHtml(as_html(entry, self._why(entry), quiet, DATA["warning"]))
        self.curve.show_curve(entry.curve)

    def _why(self, entry: Entry) -> str:
        return entry.problem or self._remark(entry)

    def _use(self) -> None:
        entry = self.entry
        if entry is not None and entry.card is not None:
            self.accept()
            if entry.name != self._in_use:
                self.chosen.emit(entry.name)

    def _copy(self) -> None:
        if self.entry is not None:
            QApplication.clipboard().setText(as_text(self.entry, self._why(self.entry)))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Folders are welcome."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand on what was dropped."""
        event.acceptProposedAction()
        paths: list[Path] = local_paths(event.mimeData())
        self.dropped.emit(paths)


def _groups(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Entries under the title of their task, known tasks first, broken ones last."""
    titles = [words.title for words in TASKS.values()]
    found: dict[str, list[Entry]] = {title: [] for title in titles}
    broken = []
    for entry in entries:
        if entry.card is None or (entry.problem and not entry.parent):
            broken.append(entry)
        else:
            found.setdefault(task_of(entry.card).title, []).append(entry)
    groups = [(title, group) for title, group in found.items() if group]
    return [*groups, (BROKEN, broken)] if broken else groups
