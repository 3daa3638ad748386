"""What can be told of a map before it is made: how long it takes, what its method is worth."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from galaxyscope.gui import chores
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.classifying import Classifying
from galaxyscope.gui.compare.work import duration, settings_text
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.method_text import NOT_COMPUTED, randomisation_text
from galaxyscope.gui.panels.explain import ExplainPanel
from galaxyscope.work.lanes import IO

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier
    from galaxyscope.explain.preflight import Fit
    from galaxyscope.explain.randomisation import Randomisation

FORESEE = 4
SETTLE_MS = 250
Key = tuple[str, str, str, tuple[int, int]]


class Foresight(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    classifying : Classifying
        Has the network.
    panel : ExplainPanel
        Shows the time, and the cards of the methods.
    fit_of : callable
        How a method fits the network, as far as that is known.
    """

    def __init__(
        self,
        desk: Desk,
        classifying: Classifying,
        panel: ExplainPanel,
        fit_of: Callable[[str], Fit | None],
    ) -> None:
        super().__init__(desk.window)
        self._desk, self._classifying, self._panel, self._fit_of = desk, classifying, panel, fit_of
        self._seconds: dict[Key, float] = {}
        self._asked: Key | None = None
        self._scores: dict[str, Randomisation | None] = {}
        # Of a burst of changes to a setting only the last one counts.
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._foresee)
        panel.set_about(self.about)
        panel.settings_changed.connect(self.consider)
        panel.method_changed.connect(lambda _name: self.consider())
        panel.target.changed.connect(lambda _text: self.consider())
        classifying.model_changed.connect(self._read_scores)

    # -- time

    def _key(self) -> Key | None:
        classifier, galaxy = self._classifying.classifier, self._desk.workspace.current
        if classifier is None or galaxy is None or galaxy.image is None:
            return None
        settings = settings_text(self._panel.parameters())
        name = self._panel.method.card().name
        return classifier.card.sha256, name, settings, galaxy.image.shape

    def consider(self) -> None:
        """Show the time for what is chosen now, or have it found out."""
        key, fit = self._key(), self._fit_of(self._panel.method.card().name)
        refused = fit is not None and fit.verdict == "refused"
        known = None if key is None or refused else self._seconds.get(key)
        self._panel.show_time("" if known is None else f"≈ {duration(known)}")
        if key is None or refused or fit is None or known is not None or key == self._asked:
            return
        self._settle.start()

    def _foresee(self) -> None:
        key, classifier = self._key(), self._classifying.classifier
        galaxy = self._desk.workspace.current
        if key is None or classifier is None or galaxy is None or galaxy.image is None:
            return
        self._asked = key
        self._desk.bridge.run(
            Task(
                "Foresee",
                None,
                chores.NETWORK,
                functools.partial(
                    chores.predict_time,
                    classifier,
                    chores.worker_copy(galaxy.image),
                    key[1],
                    self._panel.parameters(),
                ),
                done=functools.partial(self._foreseen, key),
                failed=lambda _failure: None,  # the explanation itself will say what is wrong
                cancelled=self._interrupted,
                key="time",
                priority=FORESEE,
                quiet=True,
                gives_way=True,
            )
        )

    def _interrupted(self) -> None:
        """Ask again, since other work came first."""
        self._asked = None
        self._settle.start()

    def _foreseen(self, key: Key, seconds: float) -> None:
        self._seconds[key] = seconds
        self.consider()
        self._panel.show_about()

    # -- cards

    def _read_scores(self) -> None:
        classifier = self._classifying.classifier
        self._scores = {}
        if classifier is None:
            return
        members = tuple((m.card.name, m.card.sha256) for m in classifier.members)
        self._desk.bridge.run(
            Task(
                "Read scores",
                None,
                IO,
                functools.partial(chores.randomisation_scores, members),
                done=functools.partial(self._take_scores, classifier),
                failed=lambda _failure: None,
                key="scores",
                quiet=True,
            )
        )

    def _take_scores(self, classifier: Classifier, scores: dict[str, Randomisation | None]) -> None:
        if classifier is self._classifying.classifier:
            self._scores = scores
            self._panel.show_about()

    def about(self, name: str) -> list[tuple[str, str]]:
        """Lines of a method's card that depend on the network: pairs of what and how it is."""
        card = self._classifying.card
        if card is None:
            return []
        found, fit = [], self._fit_of(name)
        if fit is not None and fit.verdict == "refused":
            found.append(("Refused", f"Cannot be used with {card.name}: {one_line(fit.reason)}."))
        elif fit is not None and fit.verdict == "adapted":
            found.append(("Here", f"adapted: {one_line(fit.reason)}"))
        key = self._key()
        if key is not None and name == key[1] and key in self._seconds:
            found.append(("Time", f"about {duration(self._seconds[key])}, as it is set"))
        text = randomisation_text(name, self._scores, len(self._scores) == 1)
        found.append(("Randomised", text if self._scores else NOT_COMPUTED))
        return found
