"""What was done, step by step, as command lines that do the same."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.panels.common import GAP, QuietLabel
from galaxyscope.records.steps import Step
from galaxyscope.records.tables import plain_text

EMPTY = "# Nothing was done yet in this session."


def script_of(steps: Sequence[Step]) -> str:
    """Lines of a shell script: each step's command behind a comment that says when."""
    lines = []
    for step in steps:
        said = " · ".join(part for part in (step.at, step.title) if part)
        lines.append(f"# {plain_text(said)}" + ("" if step.command else f"  {step.path}"))
        if step.command:
            lines.append(step.line)
    return "\n".join(plain_text(line) for line in lines)


class WorkflowDialog(QDialog):
    """Shows steps; all of it can be copied."""

    def __init__(self, parent: QWidget, steps: Sequence[Step]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Workflow")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.text = QPlainTextEdit(script_of(steps) or EMPTY)
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.text.setAccessibleName("Steps as command lines")
        told = QuietLabel(
            "Each step of this session as the command line that does the same. For a table with"
            " the same bytes use File › Export as script."
        )
        told.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy all", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QApplication.clipboard().setText(self.text.toPlainText()))
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(GAP)
        layout.addWidget(told)
        layout.addWidget(self.text, 1)
        layout.addWidget(buttons)
        self.resize(860, 480)
        # The newest step is what one looks for.
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())
