"""What is compared: methods, answers and networks, as the user has checked them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from galaxyscope.explain.cards import CARDS
from galaxyscope.explain.registry import PRESETS
from galaxyscope.gui.choosing import Choosing
from galaxyscope.gui.compare.page import ComparePage
from galaxyscope.gui.compare.work import Asked, settings_text
from galaxyscope.gui.panels.methods import method_choices
from galaxyscope.gui.panels.search_tree import Choice
from galaxyscope.gui.settings import Settings
from galaxyscope.gui.tasks import target_choices

if TYPE_CHECKING:
    from galaxyscope.classify.card import ModelCard
    from galaxyscope.gui.panels.explain import ExplainPanel

MOST = 64
SETTING = "compare_methods"


class Choices(QObject):
    """See the module.

    Parameters
    ----------
    page : ComparePage
        Has the three lists.
    choosing : Choosing
        Knows which networks there are.
    settings : Settings
        Remember the methods.
    panel : ExplainPanel
        Has the settings of the methods, and as what targets are explained: all of them alike.

    Signals
    -------
    changed : something else is to be compared
    """

    changed = Signal()

    def __init__(
        self,
        page: ComparePage,
        choosing: Choosing,
        settings: Settings,
        panel: ExplainPanel,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._page, self._choosing, self._settings = page, choosing, settings
        self._panel, self._manner = panel, panel.target.manner
        names = {card.name for card in CARDS}
        kept = [name for name in settings.text(SETTING).split(",") if name in names]
        presets = {"Benchmark": PRESETS["benchmark"], "All": PRESETS["all"], "None": ()}
        page.methods.offer(method_choices(), kept or PRESETS["benchmark"], presets)
        for choice in (page.methods, page.targets, page.models):
            choice.changed.connect(self._tell)
        panel.target.changed.connect(lambda _text: self._follow_manner())

    def _tell(self, _names: object) -> None:
        self._settings.set(SETTING, ",".join(self._page.methods.names))
        self.changed.emit()

    def _follow_manner(self) -> None:
        if self._panel.target.manner != self._manner:
            self._manner = self._panel.target.manner
            self.changed.emit()

    def follow(self, card: ModelCard) -> None:
        """Offer the answers of another network; those that it has too stay checked."""
        short, others = target_choices(card)
        # Short names are what networks share; a class is known by its name alone.
        groups = {
            "": [Choice(name, name) for name in short],
            "Other answers": [Choice(value, text, value) for text, value in others.items()],
        }
        groups = {heading: choices for heading, choices in groups.items() if choices}
        offered = [choice.name for choices in groups.values() for choice in choices]
        kept = [name for name in self._page.targets.names if name in offered]
        self._page.targets.offer(groups, kept or offered[:1])
        self.offer_models(card)

    def offer_models(self, card: ModelCard) -> None:
        """Offer the networks there are, beside the loaded one, of which this is the card."""
        usable = [e for e in self._choosing.entries if e.card is not None and not e.problem]
        choices = [Choice(entry.name, entry.title, entry.name) for entry in usable]
        mine = self._choosing.in_use
        if all(choice.name != mine for choice in choices):
            choices.insert(0, Choice(mine, card.title))
        kept = [name for name in self._page.models.names if any(c.name == name for c in choices)]
        self._page.models.offer({"": choices}, kept if mine in kept else [mine])

    def asked(self) -> list[list[Asked]]:
        """Return the maps, group by group: one for each network and answer; `MOST` in all."""
        page, left, groups = self._page, MOST, []
        for model in page.models.names:
            for target in page.targets.names:
                group = [
                    Asked(model, self._text(target), name, self._settings_of(name))
                    for name in page.methods.names
                ][:left]
                left -= len(group)
                if group:
                    groups.append(group)
        return groups

    def _text(self, target: str) -> str:
        """Text form of a target, explained as the Explain panel says."""
        return str(dataclasses.replace(self._panel.target.asked(), class_name=target))

    def _settings_of(self, method: str) -> str:
        return settings_text(self._panel.parameters_of(method))

    @property
    def too_many(self) -> bool:
        """Whether more is checked than is shown."""
        page = self._page
        return len(page.models.names) * len(page.targets.names) * len(page.methods.names) > MOST

    def subtitle(self, one: Asked) -> str:
        """Return what tells a map from the others beside its method."""
        parts = [one.target] if len(self._page.targets.names) > 1 else []
        parts += [one.model] if len(self._page.models.names) > 1 else []
        return " · ".join(parts)
