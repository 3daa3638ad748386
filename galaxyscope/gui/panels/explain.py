"""Ask where the network looked: target, method, its settings, run, cancel, progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.explain.cards import CARDS
from galaxyscope.explain.protocol import MethodCard, Parameter
from galaxyscope.gui.panels.common import GAP, ElidedLabel, Notice, Offer, QuietLabel, tool_button
from galaxyscope.gui.panels.methods import MethodList
from galaxyscope.gui.panels.parameters import ParameterRows, changed_signal, make_field, value_of
from galaxyscope.gui.panels.target import TargetBox
from galaxyscope.gui.theme import DATA, icon, tabular_font

NAME = Qt.ItemDataRole.UserRole
LONGEST_REASON = 140


class MethodBox(QComboBox):
    """Methods under the heading of their family; type to find one, or open the list of cards."""

    list_requested = Signal()

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
        # Return takes the first of the completions shown; else what is typed but is no method
        # goes back to the chosen one.
        self.lineEdit().returnPressed.connect(self._complete)
        self.lineEdit().editingFinished.connect(self._restore)
        # A name that is too long shows its beginning.
        self.currentIndexChanged.connect(lambda _index: self.lineEdit().setCursorPosition(0))
        self.setCurrentIndex(1)
        self.lineEdit().setCursorPosition(0)

    def showPopup(self) -> None:
        """Ask for the list with the cards instead of a plain one."""
        self.list_requested.emit()

    def card(self) -> MethodCard:
        """Return the chosen method."""
        name = self.currentData(NAME)
        return next((card for card in CARDS if card.name == name), CARDS[0])

    def choose(self, name: str) -> None:
        """Choose a method by its registry name; unknown names change nothing."""
        index = self.findData(name, NAME)
        if index >= 0:
            self.setCurrentIndex(index)

    def _complete(self) -> None:
        typed = self.currentText()
        if not typed or self.findText(typed, Qt.MatchFlag.MatchFixedString) >= 0:
            return
        completer = self.completer()
        completer.setCompletionPrefix(typed)
        if first := completer.currentCompletion():
            self.setEditText(first)

    def _restore(self) -> None:
        match = self.findText(self.currentText(), Qt.MatchFlag.MatchFixedString)
        if match >= 0 and self.itemData(match, NAME):
            self.setCurrentIndex(match)
        if self.currentText() != self.itemText(self.currentIndex()):
            self.setEditText(self.itemText(self.currentIndex()))
        self.lineEdit().setCursorPosition(0)


class ExplainPanel(QWidget):
    """See the module."""

    run_requested = Signal()
    measure_requested = Signal()
    cancel_requested = Signal()
    method_changed = Signal(str)
    settings_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inputs: dict[str, QWidget] = {}
        self._kept: dict[str, dict[str, Any]] = {}
        self._shown_card: MethodCard | None = None
        self._first: tuple[str, int] = ("", 0)
        self.target = TargetBox()
        self._manner = ElidedLabel()
        self.method = MethodBox()
        self._info = tool_button("info", "ⓘ", "About this method")
        self._info.clicked.connect(self.open_methods)
        self.method.list_requested.connect(self.open_methods)
        self.methods: MethodList | None = None
        self._about: Callable[[str], list[tuple[str, str]]] = lambda _name: []
        self._summary = QuietLabel(wrap=True)
        self._refused = QLabel()
        self._refused.setAccessibleName("This method cannot be used with this network")
        self._refused.setVisible(False)
        self._settings = ParameterRows()
        self._run = QPushButton("Explain")
        self._run.clicked.connect(self.run_requested)
        self._measure = QPushButton("Measure bar")
        self._measure.setToolTip("Explain the answer “bar” and measure the bar on its map (M)")
        self._measure.clicked.connect(self.measure_requested)
        self._cancel = tool_button("cancel", "✕", "Cancel (Esc)")
        self._cancel.clicked.connect(self.cancel_requested)
        self._time = QuietLabel()
        self._time.setFont(tabular_font(self._time.font()))
        self._time.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._progress = QProgressBar(textVisible=False)
        self._steps = QLabel()
        self._note = Notice()

        method = QHBoxLayout()
        method.setSpacing(GAP // 2)
        method.addWidget(self.method, 1)
        method.addWidget(self._info)
        form = self._form = QFormLayout()
        form.setSpacing(GAP // 2)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Target", self.target)
        form.addRow("As", self._manner)
        form.addRow("Method", method)
        running = QHBoxLayout()
        running.setSpacing(GAP)
        running.addWidget(self._run, 1)
        running.addWidget(self._measure, 1)
        running.addWidget(self._time)
        running.addWidget(self._progress, 1)
        running.addWidget(self._steps)
        running.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP, GAP)
        layout.setSpacing(GAP // 2)
        layout.addLayout(form)
        told = QHBoxLayout()
        told.setSpacing(GAP)
        told.addWidget(self._refused, 0, Qt.AlignmentFlag.AlignTop)
        told.addWidget(self._summary, 1)
        layout.addLayout(told)
        layout.addWidget(self._settings)
        layout.addWidget(self._note)
        # The buttons stay where they are, however many lines there are above them.
        layout.addStretch(1)
        layout.addLayout(running)
        self.method.currentIndexChanged.connect(self._choose_method)
        self.target.changed.connect(self._show_manner)
        self._show_card()
        self.target.offer({}, {})
        self.set_ready(False)
        self.show_progress(None)
        self.show_note("")

    def sizeHint(self) -> QSize:
        """Room for two rows of settings."""
        return QSize(300, 240)

    def minimumSizeHint(self) -> QSize:
        """Room for all lines of the summary: in a low window other panels give way."""
        least, layout = super().minimumSizeHint(), self.layout()
        height = 0 if layout is None else layout.totalMinimumHeightForWidth(self.width())
        return least.expandedTo(QSize(0, height))

    def begin_with(self, method: str, samples: int = 0) -> None:
        """Choose a method, and with how many samples it begins (0: as it suggests itself)."""
        self._first = (method, samples)
        self._kept.pop(method, None)
        if self.method.card().name == method:
            self._shown_card = None  # what it shows is not to be kept
            self._show_card()
        self.method.choose(method)

    def parameters(self) -> dict[str, Any]:
        """Values of the shown settings, by parameter name."""
        return {name: value_of(widget) for name, widget in self._inputs.items()}

    def parameters_of(self, name: str) -> dict[str, Any]:
        """Return settings of a method: as they were last set here, else its defaults."""
        if name == self.method.card().name:
            return self.parameters()
        card = next(card for card in CARDS if card.name == name)
        return {p.name: self._begins_with(p) for p in card.parameters} | self._kept.get(name, {})

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Show other values of the shown settings; what is no such setting is passed over."""
        for name, value in values.items():
            widget = self._inputs.get(name)
            if isinstance(widget, QCheckBox) and isinstance(value, bool):
                widget.setChecked(value)
            elif isinstance(value, bool) or not isinstance(value, int | float):
                continue
            elif isinstance(widget, QSpinBox) and abs(value) < 2**31:
                widget.setValue(int(value))
            elif isinstance(widget, QDoubleSpinBox) and math.isfinite(value):
                widget.setValue(float(value))

    def set_ready(self, ready: bool) -> None:
        """Whether there is a picture and a network to explain it with."""
        self._run.setEnabled(ready)
        self._measure.setEnabled(ready)

    def show_progress(self, steps: tuple[int, int] | None) -> None:
        """Show how far a running job is; None takes the progress away."""
        running = steps is not None
        bar = (self._progress, self._steps, self._cancel)
        buttons = (self._run, self._measure, self._time)
        # First away, then in: all of them at once would be wider than the panel.
        for widget in buttons if running else bar:
            widget.hide()
        for widget in bar if running else buttons:
            widget.show()
        if steps is not None:
            done, total = steps
            self._progress.setRange(0, total)
            self._progress.setValue(done)
            agreement = self._steps.text().partition("  ")[2] if done else ""
            steps_text = f"{done}/{total}" if total else ""
            self._steps.setText(f"{steps_text}  {agreement}".rstrip())

    def show_agreement(self, parameters: Mapping[str, Any]) -> None:
        """Say how far a running SmoothGrad is from the agreement at which it may stop.

        Parameters
        ----------
        parameters : mapping
            Of the growing map: ``agreement``, what was asked for (0: nothing), and
            ``agreement_reached``, once there are two halves to compare.
        """
        asked, reached = parameters.get("agreement"), parameters.get("agreement_reached")
        if not asked:
            return
        told = "–" if reached is None else f"{reached:.2f}"
        self._steps.setText(f"{self._steps.text().partition('  ')[0]}  r {told} of {asked:.2f}")
        self._steps.setToolTip("Agreement of two halves of the samples, and the one that is enough")

    def show_note(self, text: str, offers: Sequence[Offer] = ()) -> None:
        """Say in one sentence how the last run ended, if there is something to say."""
        self._note.tell(text, offers)
        self._summary.setVisible(not offers)  # there is no room for both

    def show_fit(self, verdict: str, reason: str) -> None:
        """Say how the chosen method fits the network; its summary stays where it simply does.

        Parameters
        ----------
        verdict : {"fits", "adapted", "refused"}
        reason : str
        """
        refused = verdict == "refused"
        said = {"refused": f"Cannot be used here: {reason}.", "adapted": f"Adapted: {reason}."}
        text = said.get(verdict, self.method.card().summary)
        self._refused.setVisible(refused)
        if refused:
            side = self.fontMetrics().height()
            self._refused.setPixmap(icon("warning", DATA["warning"]).pixmap(side, side))
        # Beside the buttons there is room for a few lines; the tooltip has them all.
        self._summary.setText(text if len(text) <= LONGEST_REASON else text[:LONGEST_REASON] + " …")
        self._summary.setToolTip(text if len(text) > LONGEST_REASON else "")

    def _show_manner(self, text: str) -> None:
        """Say as what the target is explained, where that is not the method's own value."""
        manner = self.target.manner
        self._form.setRowVisible(self._manner, bool(manner))
        self._manner.show_text(manner, f"{text}, as records and the command line have it")

    def _choose_method(self) -> None:
        self._show_card()
        self.method_changed.emit(self.method.card().name)

    def open_methods(self) -> None:
        """Open the list of methods with their cards."""
        if self.methods is None:
            self.methods = MethodList(lambda name: self._about(name), self)
            self.methods.chosen.connect(self.method.choose)
        self.methods.open_at(self._info, self.method.card().name)

    def set_about(self, about: Callable[[str], list[tuple[str, str]]]) -> None:
        """Set who knows the lines of a method's card that depend on the network."""
        self._about = about

    def show_about(self) -> None:
        """Show a card that is open again, because more is known of it."""
        if self.methods is not None and self.methods.isVisible():
            self.methods.refresh()

    def show_time(self, text: str) -> None:
        """Say how long a map will take; empty where that is not known."""
        self._time.setText(text)
        self._time.setToolTip(
            "Predicted from the speed of this network on this machine" * bool(text)
        )

    def _show_card(self) -> None:
        if self._shown_card is not None:
            self._kept[self._shown_card.name] = self.parameters()
        card = self._shown_card = self.method.card()
        self.target.follow_method(card.scale)
        self.show_fit("fits", "")
        self._info.setToolTip(f"{card.summary}\n\n{card.reference}")
        self.method.setToolTip(f"{card.summary}\n{card.reference}")
        kept = self._kept.get(card.name, {})
        self._inputs = {
            p.name: make_field(p, kept.get(p.name, self._begins_with(p))) for p in card.parameters
        }
        for field in self._inputs.values():
            changed_signal(field).connect(lambda *_: self.settings_changed.emit())
        self._settings.show_fields(list(self._inputs.values()))

    def _begins_with(self, parameter: Parameter) -> Any:
        method, samples = self._first
        first = parameter.name == "samples" and self.method.card().name == method
        return samples if first and samples else parameter.default
