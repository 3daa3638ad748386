"""What is shown while nothing is open: what to drop here, samples, recent files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPalette
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.panels.common import GAP, QuietLabel
from galaxyscope.gui.panels.gallery import shown_name

SHOWN = 5


class StartPage(QWidget):
    """See the module."""

    open_requested = Signal()
    folder_requested = Signal()
    samples_requested = Signal()
    paths_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        title = QLabel("Drop galaxies here")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.8)
        title.setFont(font)
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        what = QuietLabel("FITS cutouts, JPEG, PNG or TIFF pictures, or a folder of them", True)
        what.setAlignment(Qt.AlignmentFlag.AlignCenter)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addStretch(1)
        for text, signal in (
            ("Open files…", self.open_requested),
            ("Open folder…", self.folder_requested),
            ("Open samples", self.samples_requested),
        ):
            button = QPushButton(text)
            button.clicked.connect(signal)
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        column = QVBoxLayout()
        column.setSpacing(2 * GAP)
        column.addWidget(title)
        column.addWidget(what)
        column.addLayout(buttons)
        column.addSpacing(GAP)
        column.addLayout(self._recent)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addLayout(column)
        layout.addStretch(3)

    def show_recent(self, paths: Sequence[Path]) -> None:
        """Offer the newest of the recent files and folders."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        if paths:
            heading = QuietLabel("Recent")
            heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self._recent.addWidget(heading)
        for path in paths[:SHOWN]:
            button = QPushButton(shown_name(path) or str(path))
            button.setFlat(True)
            button.setToolTip(str(path))
            button.clicked.connect(lambda _checked, path=path: self.paths_chosen.emit([path]))
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders are welcome."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.acceptProposedAction()
        self.paths_chosen.emit(local_paths(event.mimeData()))


def local_paths(mime: QMimeData) -> list[Path]:
    """Local files and folders of a drop."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
