"""Questions to the user: scale, redshift, observer, file names; keys and about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from galaxyscope import __version__
from galaxyscope.gui.actions import key_table
from galaxyscope.gui.card_text import model_name, summary
from galaxyscope.gui.desk import one_line
from galaxyscope.gui.panels.common import GAP, QuietLabel
from galaxyscope.gui.shelf import Entry
from galaxyscope.records.store import SUFFIX, Session, SessionError
from galaxyscope.records.tables import RECORD_SUFFIXES
from galaxyscope.sky.image import PixelScale

TABLES = "CSV (*.csv);;ECSV (*.ecsv);;VOTable (*.vot *.xml);;DS9 regions (*.reg)"


@dataclass(frozen=True)
class Answer:
    """A number, or None for "as in the file"."""

    value: float | None


class NumberDialog(QDialog):
    """Asks for one number; an empty field means "as in the file"."""

    def __init__(
        self,
        parent: QWidget,
        title: str,
        text: str,
        value: float | None,
        limits: tuple[float, float],
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.edit = QLineEdit("" if value is None else f"{value:.8g}")
        self.edit.setAccessibleName(title)
        self.edit.setClearButtonEnabled(True)
        validator = QDoubleValidator(*limits, 10, self.edit)
        validator.setLocale(QLocale.c())
        self.edit.setValidator(validator)
        self.edit.textChanged.connect(self._check)
        self.edit.selectAll()
        explained = QuietLabel(text, wrap=True)
        explained.setMinimumWidth(320)
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(GAP)
        layout.addWidget(self.edit)
        layout.addWidget(explained)
        layout.addWidget(self._buttons)
        self._limits = limits

    def answer(self) -> Answer:
        """Return what was typed."""
        text = self.edit.text().strip()
        return Answer(float(text) if text else None)

    def _check(self) -> None:
        text = self.edit.text().strip()
        fine = not text or (self.edit.hasAcceptableInput() and float(text) >= self._limits[0])
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(fine)


def ask_scale(
    parent: QWidget, scale: PixelScale | None, of_file: PixelScale | None
) -> Answer | None:
    """Ask how large a pixel is; None if the user changed her mind."""
    known = (
        "The file gives none: without one, lengths are in pixels only."
        if of_file is None
        else f"Leave it empty for the file's own: {of_file.arcsec_per_px:.6g}″ ({of_file.source})."
    )
    own = scale.arcsec_per_px if scale is not None and scale.source == "user" else None
    dialog = NumberDialog(parent, "Pixel scale, ″ per pixel", known, own, (1e-6, 1e5))
    return dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None


def ask_redshift(parent: QWidget, redshift: float | None) -> Answer | None:
    """Ask for the redshift; None if the user changed her mind."""
    text = "Lengths in kpc need a redshift and a pixel scale. Leave it empty for the file's own."
    dialog = NumberDialog(parent, "Redshift", text, redshift, (1e-6, 20.0))
    return dialog.answer() if dialog.exec() == QDialog.DialogCode.Accepted else None


def ask_observer(parent: QWidget, name: str) -> str:
    """Ask who draws; empty if the user changed her mind."""
    answer, fine = QInputDialog.getText(
        parent, "Observer", "Name kept with every line you draw:", text=name
    )
    return answer.strip() if fine else ""


def ask_table_name(parent: QWidget, suggestion: Path) -> Path | None:
    """Ask where a table goes; the suffix says the format, CSV if there is none."""
    name, chosen = QFileDialog.getSaveFileName(
        parent, "Export measurements", str(suggestion), TABLES
    )
    if not name:
        return None
    path = Path(name)
    if path.suffix.lower() not in RECORD_SUFFIXES:
        kind = next((s for s in RECORD_SUFFIXES if f"*{s}" in chosen), ".csv")
        path = path.with_name(path.name + kind)
    return path


def ask_script_name(parent: QWidget, suggestion: Path) -> Path | None:
    """Ask where a script goes."""
    name, _ = QFileDialog.getSaveFileName(
        parent, "Export as script", str(suggestion), "Python (*.py)"
    )
    if not name:
        return None
    path = Path(name)
    return path if path.suffix.lower() == ".py" else path.with_name(path.name + ".py")


def ask_picture_name(parent: QWidget, suggestion: Path) -> Path | None:
    """Ask where a picture goes."""
    name, _ = QFileDialog.getSaveFileName(parent, "Save picture", str(suggestion), "PNG (*.png)")
    if not name:
        return None
    path = Path(name)
    return path if path.suffix.lower() == ".png" else path.with_name(path.name + ".png")


def ask_figure_name(parent: QWidget, suggestion: Path) -> Path | None:
    """Ask where a figure goes, and in which format."""
    kinds = {"PNG (*.png)": ".png", "SVG (*.svg)": ".svg", "PDF (*.pdf)": ".pdf"}
    name, kind = QFileDialog.getSaveFileName(
        parent, "Export figure", str(suggestion), ";;".join(kinds)
    )
    if not name:
        return None
    path = Path(name)
    known = path.suffix.lower() in kinds.values()
    return path if known else path.with_name(path.name + kinds.get(kind, ".png"))


def ask_install(parent: QWidget, entry: Entry) -> Literal["install", "open", ""]:
    """Ask whether to copy a model or to use it from where it lies; empty: neither."""
    assert entry.card is not None
    box = QMessageBox(parent)
    box.setWindowTitle("Add model")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(one_line(model_name(entry.card)))
    box.setInformativeText(
        f"{summary(entry.card)}\n\n"
        "Install a copy for good, or use it from its folder until the program is closed?"
    )
    install = box.addButton("Install a copy", QMessageBox.ButtonRole.AcceptRole)
    use = box.addButton("Use from its folder", QMessageBox.ButtonRole.ActionRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(install)
    box.exec()
    chosen = box.clickedButton()
    return "install" if chosen is install else "open" if chosen is use else ""


def settle(session: Session) -> None:
    """Ask, before the program ends, what shall become of changes that are not on disk."""
    while session.waiting and not session.flush():
        box = QMessageBox(QMessageBox.Icon.Warning, "GalaxyScope", "")
        box.setText(f"{session.waiting} changes could not be written to disk.")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(f"{one_line(session.trouble)}.")
        again = box.addButton("Try again", QMessageBox.ButtonRole.AcceptRole)
        elsewhere = box.addButton("Save elsewhere…", QMessageBox.ButtonRole.ActionRole)
        lose = box.addButton("Quit and lose them", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(again)
        box.setEscapeButton(again)
        box.exec()
        if box.clickedButton() is lose:
            return
        if box.clickedButton() is elsewhere:
            name, _ = QFileDialog.getSaveFileName(
                None, "Save session as", str(Path.home() / f"rescued{SUFFIX}")
            )
            try:
                if name:
                    session.save_as(Path(name))
                    return
            except SessionError as error:
                QMessageBox.warning(None, "GalaxyScope", one_line(str(error)))


class KeysDialog(QDialog):
    """All keys, from the table of actions."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        content = QWidget()
        grid = QGridLayout(content)
        grid.setHorizontalSpacing(3 * GAP)
        grid.setVerticalSpacing(2)
        row, heading = 0, ""
        for menu, does, keys in key_table():
            if menu != heading:
                title = QuietLabel(menu)
                title.setContentsMargins(0, GAP if row else 0, 0, 0)
                grid.addWidget(title, row, 0, 1, 2)
                row, heading = row + 1, menu
            grid.addWidget(QLabel(does), row, 0)
            label = QLabel(keys)
            label.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(label, row, 1)
            row += 1
        scroll = QScrollArea(widgetResizable=True)
        scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setMinimumWidth(
            content.sizeHint().width() + scroll.verticalScrollBar().sizeHint().width() + GAP
        )
        self.resize(self.sizeHint().width(), 560)


def show_about(parent: QWidget) -> None:
    """Say what this program is."""
    box = QMessageBox(parent)
    box.setWindowTitle("About GalaxyScope")
    box.setText(f"<b>GalaxyScope {__version__}</b>")
    box.setInformativeText(
        "See where networks look in galaxies, and measure bars you can trust.\n\n"
        "After Bhambra, Joachimi & Lahav 2022, MNRAS 511, 5032."
    )
    box.exec()
