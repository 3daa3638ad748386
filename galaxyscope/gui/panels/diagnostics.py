"""Diagnostics to read and to copy."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.panels.common import GAP
from galaxyscope.gui.theme import mono_font

SIZE = QSize(680, 520)


class DiagnosticsDialog(QDialog):
    """Shows a sentence and below it the diagnostics, once they are made.

    Parameters
    ----------
    title, text : str
    parent : QWidget
    """

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        said = QLabel(text)
        said.setWordWrap(True)
        self.view = QPlainTextEdit("Collecting …", readOnly=True)
        self.view.setAccessibleName("Diagnostics")
        self.view.setFont(mono_font())
        self.view.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.view.document().setDocumentMargin(GAP)
        self._copied = QLabel()
        self._copied.setAccessibleName("Copied")
        self.copy = QPushButton("Copy diagnostics")
        self.copy.setEnabled(False)
        self.copy.clicked.connect(self._copy)
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.reject)
        self.copy.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addWidget(self.copy)
        buttons.addWidget(self._copied)
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 2 * GAP)
        layout.setSpacing(2 * GAP)
        layout.addWidget(said)
        layout.addWidget(self.view, 1)
        layout.addLayout(buttons)
        self.resize(SIZE)

    def show_text(self, text: str) -> None:
        """Show the diagnostics; they can be copied from now on."""
        self.view.setPlainText(text)
        self.copy.setEnabled(True)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.view.toPlainText())
        self._copied.setText("Copied")
