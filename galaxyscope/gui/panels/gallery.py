"""The gallery: thumbnails of a folder, what the network says of each, what is measured."""

from __future__ import annotations

import re
import unicodedata
from collections import OrderedDict
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.desk import one_line
from galaxyscope.gui.model import Galaxy, Workspace
from galaxyscope.gui.panels.common import GAP, ElidedLabel
from galaxyscope.gui.panels.thumbnail_delegate import CELL, ThumbnailDelegate

Index = QModelIndex | QPersistentModelIndex
GALAXY = Qt.ItemDataRole.UserRole
THUMBNAIL = Qt.ItemDataRole.UserRole + 1
# Left out below a thumbnail, where room is short; the tooltip has the whole name.
SUFFIX = re.compile(r"(?i)\.(fits?|fts|jpe?g|png|tiff?)(\.(fz|gz|bz2|xz))?$")
# Newest thumbnails that stay in memory, some 100 kB each; others are decoded again.
THUMBNAILS_KEPT = 1000
SORTS = {"name": "Name", "bar": "Bar", "measured": "Measured"}


def shown_name(path: Path) -> str:
    """Return a file name that can be drawn: control and direction characters made visible."""
    return "".join(
        "�" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in path.name
    )


class GalleryModel(QAbstractListModel):
    """The workspace's list as Qt wants it; asks for a thumbnail when one is painted."""

    thumbnail_wanted = Signal(object)
    thumbnail_shown = Signal(object)

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._words: list[str] = []
        self._by = "name"
        self._order: tuple[Galaxy, ...] | None = None
        self._shown: list[Galaxy] = []
        self._rows: dict[Path, int] = {}
        self._thumbnails: OrderedDict[Path, QImage] = OrderedDict()
        self._asked: set[Path] = set()
        workspace.listed.connect(self._list)
        workspace.changed.connect(self._changed)
        self._list()

    def arrange(self, words: list[str], by: str) -> None:
        """Show the galaxies whose name has all these words, in the order of `by`.

        It stays so while badges come in: nothing moves under the cursor.
        """
        self._words, self._by = words, by
        self.beginResetModel()
        self._shown = [
            galaxy
            for galaxy in self._workspace.galaxies
            if all(word in galaxy.path.name.casefold() for word in words)
        ]
        if by == "bar":
            self._shown.sort(key=lambda galaxy: -(galaxy.bar_fraction or -1.0))
        elif by == "measured":
            self._shown.sort(key=lambda galaxy: -len(galaxy.measured_by))
        if self._order is not None:
            self._shown = list(self._order)
        self._rows = {galaxy.path: row for row, galaxy in enumerate(self._shown)}
        self.endResetModel()

    def set_order(self, order: tuple[Galaxy, ...] | None) -> None:
        """Show these galaxies in this order, whatever was typed or chosen; None ends that."""
        self._order = order
        self.arrange(self._words, self._by)

    def shown(self) -> tuple[Galaxy, ...]:
        """Return what is shown, in order."""
        return tuple(self._shown)

    def galaxy(self, row: int) -> Galaxy:
        """Return what stands in a row."""
        return self._shown[row]

    def rowCount(self, parent: Index | None = None) -> int:
        """Galaxies that are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, tooltip, galaxy or thumbnail of a row."""
        if not index.isValid():
            return None
        galaxy = self._shown[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return SUFFIX.sub("", shown_name(galaxy.path))
        if role == Qt.ItemDataRole.ToolTipRole:
            if self._order is not None:  # a name may say too much
                return ""
            return galaxy.error or shown_name(galaxy.path)
        if role == GALAXY:
            return galaxy
        if role == THUMBNAIL:
            if galaxy.path not in self._asked:
                self._asked.add(galaxy.path)
                self.thumbnail_wanted.emit(galaxy)
            return self._thumbnails.get(galaxy.path)
        return None

    def set_thumbnail(self, path: Path, image: QImage | None) -> None:
        """Show a thumbnail; None allows to ask for it again."""
        if image is None:
            self._asked.discard(path)
        else:
            self._thumbnails[path] = image
            if len(self._thumbnails) > THUMBNAILS_KEPT:
                gone, _ = self._thumbnails.popitem(last=False)
                self._asked.discard(gone)
            galaxy = self._workspace.find(path)
            if galaxy is not None:
                self.thumbnail_shown.emit(galaxy)
        self._touch(path)

    def with_thumbnails(self) -> list[Galaxy]:
        """Galaxies that the user has seen in the gallery."""
        return [galaxy for galaxy in self._workspace.galaxies if galaxy.path in self._thumbnails]

    def row_of(self, galaxy: Galaxy) -> int:
        """Row of a galaxy, -1 if it is not shown."""
        return self._rows.get(galaxy.path, -1)

    def _list(self) -> None:
        there = {galaxy.path for galaxy in self._workspace.galaxies}
        kept = [(path, image) for path, image in self._thumbnails.items() if path in there]
        self._thumbnails = OrderedDict(kept)
        self._asked &= set(self._thumbnails)
        self.arrange(self._words, self._by)

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if what == "image":
            self._compare(galaxy)
        self._touch(galaxy.path)

    def _compare(self, galaxy: Galaxy) -> None:
        """Ask for the thumbnail again if the file was replaced since it was made."""
        shown, image = self._thumbnails.get(galaxy.path), galaxy.image
        if shown is not None and image is not None and shown.text("sha256") != image.sha256:
            self._asked.discard(galaxy.path)

    def _touch(self, path: Path) -> None:
        row = self._rows.get(path)
        if row is not None:
            index = self.index(row)
            self.dataChanged.emit(index, index)


class Gallery(QWidget):
    """Folder, filter, order and thumbnails."""

    chosen = Signal(object)

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self.model = GalleryModel(workspace, self)

        self._folder = ElidedLabel()
        self._filter = QLineEdit(placeholderText="Filter names", clearButtonEnabled=True)
        self._filter.setAccessibleName("Filter the gallery by name")
        self._filter.textChanged.connect(lambda _text: self._arrange())
        self._sort = QComboBox()
        self._sort.setAccessibleName("Order of the gallery")
        self._sort.setToolTip("Order")
        for key, text in SORTS.items():
            self._sort.addItem(text, key)
        self._sort.activated.connect(lambda _index: self._arrange())

        self.view = QListView()
        self.view.setAccessibleName("Galaxies")
        self.view.setModel(self.model)
        self.delegate = ThumbnailDelegate(self.view)
        self.view.setItemDelegate(self.delegate)
        self.view.setViewMode(QListView.ViewMode.IconMode)
        self.view.setMovement(QListView.Movement.Static)
        self.view.setResizeMode(QListView.ResizeMode.Adjust)
        self.view.setLayoutMode(QListView.LayoutMode.Batched)
        self.view.setUniformItemSizes(True)
        self.view.setGridSize(CELL)
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.selectionModel().currentChanged.connect(self._pick)

        top = QHBoxLayout()
        top.setSpacing(GAP // 2)
        top.addWidget(self._filter, 1)
        top.addWidget(self._sort)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addWidget(self._folder)
        layout.addLayout(top)
        layout.addWidget(self.view, 1)
        workspace.listed.connect(self._count)
        workspace.current_changed.connect(self._show_current)
        self._count()

    def sizeHint(self) -> QSize:
        """Two thumbnails wide."""
        return QSize(2 * CELL.width() + 24, 400)

    def set_blind(self, order: tuple[Galaxy, ...] | None) -> None:
        """Show only pictures, in this order, and nothing to choose; None ends that."""
        blind = order is not None
        self.delegate.blind = blind
        self.view.setSelectionMode(
            QAbstractItemView.SelectionMode.NoSelection
            if blind
            else QAbstractItemView.SelectionMode.SingleSelection
        )
        self.view.setEnabled(not blind)
        # A field that takes no letters leaves them to the canvas, where they are commands.
        for widget in (self._filter, self._sort):
            widget.setVisible(not blind)
        self.model.set_order(order)
        self._show_current(self._workspace.current)
        self._count()

    def step(self, by: int) -> Galaxy | None:
        """Return the galaxy `by` places further in the shown order, the first if none is shown."""
        current = self._workspace.current
        row = -1 if current is None else self.model.row_of(current)
        row = 0 if row < 0 else row + by
        return self.model.galaxy(row) if 0 <= row < self.model.rowCount() else None

    def _arrange(self) -> None:
        self.model.arrange(self._filter.text().casefold().split(), self._sort.currentData())
        self._show_current(self._workspace.current)
        self._count()

    def _count(self) -> None:
        folder, all_ = self._workspace.folder, len(self._workspace.galaxies)
        shown = self.model.rowCount()
        name = "" if folder is None else shown_name(folder) or str(folder)
        many = f"{all_}" if shown == all_ else f"{shown} of {all_}"
        parts = [name, f"{many} {'galaxy' if all_ == 1 else 'galaxies'}"] if all_ else [name]
        where = "" if folder is None else one_line(str(folder))
        self._folder.show_text("  ·  ".join(part for part in parts if part), where)

    def _pick(self, index: QModelIndex, _previous: QModelIndex) -> None:
        if index.isValid() and not self._workspace.blind:
            self.chosen.emit(index.data(GALAXY))

    def _show_current(self, galaxy: Galaxy | None) -> None:
        if galaxy is None:
            self.view.selectionModel().clear()
            return
        index = self.model.index(self.model.row_of(galaxy))
        if index.isValid() and index != self.view.currentIndex():
            self.view.selectionModel().setCurrentIndex(
                index, QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
            self.view.scrollTo(index)
