"""What a file of lines does not say of itself: columns and scale."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Signal
from PySide6.QtGui import QColor, QDoubleValidator, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.desk import one_line
from galaxyscope.gui.panels.common import GAP, QuietLabel
from galaxyscope.gui.theme import DATA

HELP = (
    "Say which column means what, as in  length_arcsec=bar_len  or, with a unit,  "
    "length_kpc=L:kpc/h, separated by commas; image, object_id, ra_deg and dec_deg name the "
    "galaxy. tool=LABEL chooses the line tool of a Zooniverse export."
)


class ImportDialog(QDialog):
    """Says why a file could not be read and lets the user say what it does not.

    Signals
    -------
    read_requested : (columns, scale) as `galaxyscope.records.importing.read_any` takes them
    """

    read_requested = Signal(object, object)

    def __init__(self, parent: QWidget, problem: str) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import lines")
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setMinimumWidth(440)
        palette = self.problem.palette()
        palette.setColor(QPalette.ColorRole.WindowText, QColor(DATA["warning"]))
        self.problem.setPalette(palette)
        self.columns = QLineEdit(placeholderText="length_arcsec=column, image=column …")
        self.columns.setAccessibleName("Columns")
        self.scale = QLineEdit(placeholderText="″ per pixel")
        self.scale.setAccessibleName("Pixel scale")
        validator = QDoubleValidator(1e-6, 1e5, 10, self.scale)
        validator.setLocale(QLocale.c())
        self.scale.setValidator(validator)
        form = QFormLayout()
        form.setHorizontalSpacing(2 * GAP)
        form.addRow("Columns", self.columns)
        form.addRow("Pixel scale", self.scale)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.again = buttons.addButton("Read again", QDialogButtonBox.ButtonRole.ActionRole)
        self.again.setDefault(True)
        self.again.clicked.connect(self._read)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(2 * GAP)
        layout.addWidget(self.problem)
        layout.addLayout(form)
        layout.addWidget(QuietLabel(HELP, wrap=True))
        layout.addWidget(buttons)
        self.show_problem(problem)

    def show_problem(self, text: str) -> None:
        """Say what is wrong."""
        self.problem.setText(text)
        self.again.setEnabled(True)
        self.adjustSize()

    def _read(self) -> None:
        pairs = [part.partition("=") for part in self.columns.text().split(",") if part.strip()]
        wrong = next((f"{a}{b}{c}" for a, b, c in pairs if not (a.strip() and c.strip())), "")
        if wrong:
            self.show_problem(f"“{one_line(wrong.strip())}” is not MEANING=COLUMN")
            return
        text = self.scale.text().strip()
        if text and not self.scale.hasAcceptableInput():
            self.show_problem("A pixel scale is a positive number of arcsec per pixel")
            return
        self.again.setEnabled(False)
        columns = {meaning.strip(): column.strip() for meaning, _, column in pairs}
        self.read_requested.emit(columns, float(text) if text else None)
