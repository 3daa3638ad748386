"""What is explained: an answer of the network, and as what: logit, probability, against others."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QToolButton, QWidget

from galaxyscope.explain.target import Scale, Target, parse_target, siblings
from galaxyscope.gui.panels.common import GAP, tool_button
from galaxyscope.gui.tasks import NUMBER, answer_text

if TYPE_CHECKING:
    from galaxyscope.classify.card import ModelCard

SCALES: Mapping[Scale | None, str] = {
    None: "What the method was made to explain",
    "logit": "The network's answer before it is made a probability",
    "probability": "The answer as the panel Classify shows it",
}
NEGATED = "what speaks against it"
NO_SCALE = "This network answers with numbers: they have no logit and no probability"
NO_SIBLINGS = "Siblings are other answers to the same question, and this network has none"


class TargetBox(QWidget):
    """The answer that is explained, and beside it a menu of what is made of it.

    What the network or the answer cannot give is not offered, and comes back with one that can.

    Signals
    -------
    changed : str
        Text form of the target; empty without a network.
    answer_changed : str
        Its class.
    """

    changed = Signal(str)
    answer_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wished = ""
        self._manner = Target("")
        self._own: Scale = "logit"
        self._classes: tuple[str, ...] = ()
        self._activation = "sigmoid"
        self.answers = QComboBox()
        self.answers.setAccessibleName("Target")
        self.answers.setToolTip("The answer that is explained")
        self._button = tool_button(
            "settings",
            "Explain the target as",
            "Explain it as logit or probability, against other answers, or what speaks against it",
        )
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.menu.setAccessibleName("Explain the target as")
        self._button.setMenu(self.menu)
        self.scales = self._add_scales()
        self.menu.addSeparator()
        self.against = self._add_switch("against_siblings")
        self.negated = self._add_switch("negated")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addWidget(self.answers, 1)
        layout.addWidget(self._button)
        self.answers.currentIndexChanged.connect(lambda _index: self._follow())
        self._show()

    # -- what is chosen

    @property
    def answer(self) -> str:
        """Class of the chosen answer; empty without a network."""
        return self.answers.currentData() or ""

    def asked(self) -> Target:
        """Return what is to be explained; of the class ``""`` without a network."""
        return dataclasses.replace(
            self._manner,
            class_name=self.answer,
            scale=None if self._gives_numbers() else self._manner.scale,
            against_siblings=self._manner.against_siblings and bool(self._siblings()),
        )

    @property
    def text(self) -> str:
        """Text form of what is to be explained; empty without a network."""
        return str(self.asked()) if self.answer else ""

    @property
    def manner(self) -> str:
        """As what the answer is explained, in words; empty for the method's own value."""
        asked = self.asked()
        words: list[str] = [asked.scale] if asked.scale else []
        words += [self._opponents()] if asked.against_siblings else []
        words += [NEGATED] if asked.negated else []
        return ", ".join(words)

    # -- choosing

    def offer(
        self, short: Mapping[str, str], others: Mapping[str, str], card: ModelCard | None = None
    ) -> None:
        """Offer other answers.

        What was chosen stays chosen where the new ones have it, by its short name or else by
        its class; if not, the first one is.

        Parameters
        ----------
        short, others : mapping
            Class name by what is shown; the short names come first.
        card : ModelCard, optional
            Of the network: knows what can be made of its answers.
        """
        offered = {**others, **short}
        name, class_name = self.answers.currentText(), self.answers.currentData()
        if (wished := _read(self._wished, offered.values())) is not None:
            self._manner, self._wished = wished, ""
            name, class_name = "", wished.class_name
        if card is not None:
            self._classes, self._activation = tuple(card.classes), card.activation
        blocked = self.answers.blockSignals(True)
        self.answers.clear()
        for text, value in short.items():
            self.answers.addItem(text, value)
        if short and others:
            self.answers.insertSeparator(self.answers.count())
        for text, value in others.items():
            self.answers.addItem(text, value)
        found = self.answers.findText(name) if name in offered else -1
        if found < 0 and class_name in offered.values():
            found = self.answers.findData(class_name)
        self.answers.setCurrentIndex(max(found, 0))
        self.answers.blockSignals(blocked)
        self._follow()

    def choose(self, text: str) -> None:
        """Choose a target by its text form; one that is not offered is chosen once it is."""
        box = self.answers
        asked = _read(text, [box.itemData(i) for i in range(box.count()) if box.itemData(i)])
        self._wished = text if asked is None else ""
        if asked is not None:
            self._manner = asked
            self._choose_index(asked.class_name)

    def choose_answer(self, class_name: str) -> None:
        """Choose another answer, explained as the last one was."""
        if self.answers.findData(class_name) >= 0:
            self._wished = ""
            self._choose_index(class_name)

    def follow_method(self, own: Scale) -> None:
        """Say what a method's own value is."""
        self._own = own
        self._show()

    def _choose_index(self, class_name: str) -> None:
        blocked = self.answers.blockSignals(True)
        self.answers.setCurrentIndex(self.answers.findData(class_name))
        self.answers.blockSignals(blocked)
        self._follow()

    # -- the menu

    def _add_scales(self) -> dict[Scale | None, QAction]:
        group = QActionGroup(self)
        found: dict[Scale | None, QAction] = {}
        for scale in SCALES:
            found[scale] = action = group.addAction((scale or "").capitalize())
            action.setCheckable(True)
            action.triggered.connect(lambda _on, scale=scale: self._make(scale=scale))
            self.menu.addAction(action)
        return found

    def _add_switch(self, what: str) -> QAction:
        action = self.menu.addAction("")
        action.setCheckable(True)
        action.triggered.connect(lambda on: self._make(**{what: on}))
        return action

    def _make(self, **manner: object) -> None:
        self._manner = dataclasses.replace(self._manner, **manner)  # type: ignore[arg-type]
        self._follow()

    def _follow(self) -> None:
        self._show()
        self.changed.emit(self.text)
        self.answer_changed.emit(self.answer)

    def _show(self) -> None:
        """Bring the menu in line with what can be made of the answer."""
        asked, numbers = self.asked(), self._gives_numbers()
        own = "number" if numbers else self._own
        self.scales[None].setText(f"The method's own value ({own})")
        for scale, action in self.scales.items():
            action.setChecked(scale == asked.scale)
            action.setEnabled(scale is None or not numbers)
            action.setToolTip(NO_SCALE if scale and numbers else SCALES[scale])
        others = ", ".join(answer_text(name) for name in self._siblings())
        against = self._opponents()
        self.against.setText(against[:1].upper() + against[1:])
        self.against.setChecked(asked.against_siblings)
        self.against.setEnabled(bool(others))
        self.against.setToolTip(f"Compared with {others}" if others else NO_SIBLINGS)
        self.negated.setText(NEGATED[:1].upper() + NEGATED[1:])
        self.negated.setChecked(asked.negated)
        self.negated.setToolTip("The same value turned round; no bar is measured on its map")

    def _gives_numbers(self) -> bool:
        return self._activation == NUMBER

    def _siblings(self) -> tuple[str, ...]:
        return siblings(self.answer, self._classes, self._activation) if self.answer else ()

    def _opponents(self) -> str:
        names = self._siblings()
        return f"against “{answer_text(names[0])}”" if len(names) == 1 else "against its siblings"


def _read(text: str, classes: Collection[str]) -> Target | None:
    """Read a text form; None if it is about none of these classes."""
    try:
        return parse_target(text, {name: name for name in classes}.__getitem__)
    except KeyError:
        return None
