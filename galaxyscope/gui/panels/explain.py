"""Ask where the network looked: target, method, its settings, run, cancel, progress."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.classify.decision_tree import QUESTIONS
from galaxyscope.explain.cards import CARDS
from galaxyscope.explain.protocol import MethodCard, Parameter
from galaxyscope.gui.panels.common import GAP, QuietLabel, tool_button

NAME = Qt.ItemDataRole.UserRole


class MethodBox(QComboBox):
    """Methods under the heading of their family; type to search in titles and sentences."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setAccessibleName("Method")
        items = QStandardItemModel(self)
        for family in dict.fromkeys(card.family for card in CARDS):
            heading = QStandardItem(family)
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            items.appendRow(heading)
            for card in CARDS:
                if card.family == family:
                    item = QStandardItem(card.title)
                    item.setData(card.name, NAME)
                    item.setToolTip(f"{card.summary}\n{card.reference}")
                    items.appendRow(item)
        self.setModel(items)
        completer = QCompleter([card.title for card in CARDS], self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setCompleter(completer)
        # What was typed but is no method goes back to the chosen one.
        self.lineEdit().editingFinished.connect(self._restore)
        self.setCurrentIndex(1)

    def card(self) -> MethodCard:
        """Return the chosen method."""
        name = self.currentData(NAME)
        return next((card for card in CARDS if card.name == name), CARDS[0])

    def choose(self, name: str) -> None:
        """Choose a method by its registry name; unknown names change nothing."""
        index = self.findData(name, NAME)
        if index >= 0:
            self.setCurrentIndex(index)

    def _restore(self) -> None:
        match = self.findText(self.currentText(), Qt.MatchFlag.MatchFixedString)
        if match >= 0 and self.itemData(match, NAME):
            self.setCurrentIndex(match)
        self.setEditText(self.itemText(self.currentIndex()))


class ExplainPanel(QWidget):
    """See the module."""

    run_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inputs: dict[str, QWidget] = {}
        self._kept: dict[str, dict[str, Any]] = {}
        self._shown_card: MethodCard | None = None
        self.target = QComboBox()
        self.target.setAccessibleName("Target")
        self.target.setToolTip("The answer that is explained")
        self.method = MethodBox()
        self._info = tool_button("info", "ⓘ", "About this method")
        self._info.clicked.connect(self._tell_method)
        self._summary = QuietLabel(wrap=True)
        self._settings = QGridLayout()
        self._settings.setHorizontalSpacing(GAP)
        self._settings.setVerticalSpacing(0)
        self._run = QPushButton("Explain")
        self._run.clicked.connect(self.run_requested)
        self._cancel = tool_button("cancel", "✕", "Cancel (Esc)")
        self._cancel.clicked.connect(self.cancel_requested)
        self._progress = QProgressBar(textVisible=False)
        self._steps = QLabel()
        self._note = QuietLabel(wrap=True)

        method = QHBoxLayout()
        method.setSpacing(GAP // 2)
        method.addWidget(self.method, 1)
        method.addWidget(self._info)
        form = QFormLayout()
        form.setSpacing(GAP // 2)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Target", self.target)
        form.addRow("Method", method)
        running = QHBoxLayout()
        running.setSpacing(GAP)
        running.addWidget(self._run)
        running.addWidget(self._progress, 1)
        running.addWidget(self._steps)
        running.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP, GAP)
        layout.setSpacing(GAP // 2)
        layout.addLayout(form)
        layout.addWidget(self._summary)
        layout.addLayout(self._settings)
        layout.addLayout(running)
        layout.addWidget(self._note)
        layout.addStretch(1)
        self.method.currentIndexChanged.connect(lambda _index: self._show_card())
        self._show_card()
        self.set_targets({})
        self.set_ready(False)
        self.show_progress(None)
        self.show_note("")

    def sizeHint(self) -> QSize:
        """Room for the settings of a method."""
        return QSize(300, 206)

    def parameters(self) -> dict[str, Any]:
        """Values of the shown settings, by parameter name."""
        return {name: _value(widget) for name, widget in self._inputs.items()}

    def set_targets(self, targets: dict[str, str]) -> None:
        """Offer targets: short names first, then every answer; the first one is chosen.

        Parameters
        ----------
        targets : dict
            Class name by short name, in the card's order.
        """
        chosen = self.target.currentData()
        self.target.clear()
        for short, class_name in targets.items():
            self.target.addItem(short, class_name)
        if any(name.startswith("Class") for name in targets.values()):
            self.target.insertSeparator(self.target.count())
            for question in QUESTIONS:
                for answer in question.answers:
                    if answer.class_name not in targets.values():
                        self.target.addItem(f"{question.text} {answer.text}", answer.class_name)
        self.choose_target(chosen or "")

    def choose_target(self, class_name: str) -> None:
        """Choose a target; one that is not offered changes nothing."""
        index = self.target.findData(class_name) if class_name else -1
        if index >= 0:
            self.target.setCurrentIndex(index)

    def set_ready(self, ready: bool) -> None:
        """Whether there is a picture and a network to explain it with."""
        self._run.setEnabled(ready)

    def show_progress(self, steps: tuple[int, int] | None) -> None:
        """Show how far a running job is; None takes the progress away."""
        running = steps is not None
        for widget in (self._progress, self._steps, self._cancel):
            widget.setVisible(running)
        self._run.setVisible(not running)
        if steps is not None:
            done, total = steps
            self._progress.setRange(0, total)
            self._progress.setValue(done)
            self._steps.setText(f"{done}/{total}" if total else "")

    def show_note(self, text: str) -> None:
        """Say in one sentence how the last run ended, if there is something to say."""
        self._note.setText(text)
        self._note.setVisible(bool(text))

    def _tell_method(self) -> None:
        QToolTip.showText(
            self._info.mapToGlobal(self._info.rect().bottomLeft()), self._info.toolTip()
        )

    def _show_card(self) -> None:
        if self._shown_card is not None:
            self._kept[self._shown_card.name] = self.parameters()
        card = self._shown_card = self.method.card()
        self._summary.setText(card.summary)
        self._info.setToolTip(f"{card.summary}\n\n{card.reference}")
        self.method.setToolTip(f"{card.summary}\n{card.reference}")
        while (item := self._settings.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._inputs.clear()
        kept = self._kept.get(card.name, {})
        for parameter in card.parameters:
            widget = _input(parameter, kept.get(parameter.name, parameter.default))
            self._inputs[parameter.name] = widget
            column = len(self._inputs) - 1
            if not isinstance(widget, QCheckBox):
                self._settings.addWidget(QuietLabel(parameter.label), 0, column)
            self._settings.addWidget(widget, 1, column)


def _input(parameter: Parameter, value: Any) -> QWidget:
    widget: QWidget
    if isinstance(parameter.default, bool):
        widget = QCheckBox("× picture" if parameter.name == "times_input" else parameter.label)
        widget.setChecked(bool(value))
    elif isinstance(parameter.default, int):
        box = widget = QSpinBox()
        box.setRange(int(parameter.minimum), int(parameter.maximum))
        box.setValue(int(value))
        box.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
    else:
        real = widget = QDoubleSpinBox()
        real.setRange(float(parameter.minimum), float(parameter.maximum))
        real.setDecimals(2)
        real.setSingleStep(0.01)
        real.setValue(float(value))
    if isinstance(widget, QSpinBox | QDoubleSpinBox):
        widget.setMinimumWidth(56)
    widget.setAccessibleName(parameter.label)
    widget.setToolTip(f"{parameter.label}: {parameter.help}")
    return widget


def _value(widget: QWidget) -> Any:
    if isinstance(widget, QCheckBox):
        return widget.isChecked()
    return widget.value() if isinstance(widget, QSpinBox | QDoubleSpinBox) else None
