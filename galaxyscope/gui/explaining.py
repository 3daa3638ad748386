"""The network at work: loading it, asking what it says and where it looked."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from galaxyscope.classify.suit import unsuitable
from galaxyscope.gui import chores
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.classifying import Classifying
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.fits import Fits, Key
from galaxyscope.gui.foresight import Foresight
from galaxyscope.gui.keeping import Keeping
from galaxyscope.gui.model import Galaxy, ShownMap
from galaxyscope.gui.panels.common import Offer
from galaxyscope.gui.panels.explain import ExplainPanel
from galaxyscope.gui.suit import BAR, without_bar
from galaxyscope.gui.tasks import target_choices
from galaxyscope.records.commands import measure_command
from galaxyscope.records.edits import KeepBar
from galaxyscope.work.jobs import Failure
from galaxyscope.work.lanes import IO

if TYPE_CHECKING:
    from galaxyscope.classify.card import ModelCard
    from galaxyscope.explain.preflight import Fit
    from galaxyscope.explain.protocol import Attribution
    from galaxyscope.measure.results import BarMeasurement
    from galaxyscope.sky.image import SkyImage

EXPLAIN, PREFLIGHT = 10, 5


class Explaining(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    keeping : Keeping
    classifying : Classifying
        Has the network.
    panel : ExplainPanel
    """

    refreshed = Signal()

    def __init__(
        self, desk: Desk, keeping: Keeping, classifying: Classifying, panel: ExplainPanel
    ) -> None:
        super().__init__(desk.window)
        self._desk, self._keeping = desk, keeping
        self._classifying, self._panel = classifying, panel
        self.automatic = desk.settings.flag("explain_automatically")
        self.algorithm = desk.settings.word("algorithm")
        self._explaining: Task | None = None
        self._automatic_once = False
        # Why this network was not used on a galaxy when it was asked for, and what leads on.
        self._refused: dict[Galaxy, tuple[str, Sequence[Offer]]] = {}
        self._fits = Fits()
        panel.run_requested.connect(self.explain)
        panel.measure_requested.connect(self.measure_bar)
        panel.cancel_requested.connect(self.cancel)
        panel.method_changed.connect(lambda _name: self._check_method())
        panel.target.changed.connect(lambda _text: self._check_method())
        self.foresight = Foresight(desk, classifying, panel, self._fit_of)
        self.refreshed.connect(self.foresight.consider)
        classifying.leaving.connect(self.cancel)
        classifying.model_changed.connect(self._follow_model)
        classifying.answered.connect(self._answered)
        classifying.insisted.connect(lambda galaxy: self._refused.pop(galaxy, None))
        classifying.refreshed.connect(self.refresh)
        desk.workspace.current_changed.connect(self._leave)
        desk.workspace.changed.connect(self._arrived)
        self.refresh()

    # -- the network

    def _follow_model(self) -> None:
        self._refused.clear()
        card = self._classifying.card
        if card is not None:
            self._panel.target.offer(*target_choices(card), card)

    def _check_method(self) -> None:
        """Find out, when the network has time, whether it can be explained so."""
        classifier, galaxy = self._classifying.classifier, self._desk.workspace.current
        reading = galaxy is not None and galaxy.image is None and not galaxy.error
        if classifier is None or reading:
            return
        self._show_fit()
        key, image = self._key(self._panel.method.card().name), self._trial()
        picture = "" if image is None else image.sha256
        if self._fits.get(key, picture) is not None:
            return
        self._desk.bridge.run(
            Task(
                "Check method",
                None,
                chores.NETWORK,
                functools.partial(
                    chores.preflight, classifier, image and chores.worker_copy(image), *key[1:]
                ),
                done=functools.partial(self._checked, key, picture),
                failed=lambda _failure: None,  # the explanation itself will say what is wrong
                key="preflight",
                priority=PREFLIGHT,
                quiet=True,
            )
        )

    def _trial(self) -> SkyImage | None:
        """Return the picture that methods are tried on: the shown one, if the network suits it."""
        galaxy = self._desk.workspace.current
        return None if galaxy is None or self._classifying.problem(galaxy) else galaxy.image

    def _key(self, method: str) -> Key:
        card = self._classifying.card
        return "" if card is None else card.sha256, method, self._panel.target.text

    def _checked(self, key: Key, picture: str, fit: Fit) -> None:
        self._fits.keep(key, picture, fit)
        self.foresight.consider()
        self._show_fit()

    def _fit(self) -> Fit | None:
        return self._fit_of(self._panel.method.card().name)

    def _fit_of(self, method: str) -> Fit | None:
        image = self._trial()
        return self._fits.get(self._key(method), "" if image is None else image.sha256)

    def _show_fit(self) -> None:
        fit = self._fits.last(self._key(self._panel.method.card().name))
        self._panel.show_fit(*("fits", "") if fit is None else (fit.verdict, one_line(fit.reason)))

    def _answered(self, galaxy: Galaxy) -> None:
        """Explain by itself, where that is wanted and this network has not done so yet."""
        if self._desk.workspace.blind:
            return
        if not (self.automatic or self._automatic_once) or self.busy:
            return
        card = self._classifying.card
        done = galaxy.map is not None and card is not None
        if not done or galaxy.map.attribution.model_sha256 != card.sha256:
            self.explain()

    # -- where it looked

    def set_automatic(self, automatic: bool) -> None:
        """Explain every galaxy that is opened, or only when asked."""
        self.automatic = automatic
        self._desk.settings.set("explain_automatically", automatic)
        self._classifying.consider(self._desk.workspace.current)

    @property
    def busy(self) -> bool:
        """Whether an explanation runs."""
        return self._explaining is not None

    def explain_first(self) -> None:
        """Explain the galaxy that is shown first, whatever the preference (for the samples)."""
        self._automatic_once = True

    def set_algorithm(self, algorithm: str) -> None:
        """Measure with another algorithm; a map that is there is measured again."""
        self.algorithm = algorithm
        self._desk.settings.set("algorithm", algorithm)
        galaxy = self._desk.workspace.current
        if galaxy is not None and galaxy.map and galaxy.bar and galaxy.image:
            attribution = galaxy.map.attribution
            image = chores.worker_copy(galaxy.image)
            self._desk.bridge.run(
                Task(
                    "Measure",
                    galaxy.path,
                    IO,
                    functools.partial(chores.measure, image, attribution, algorithm),
                    done=functools.partial(self._measured_again, galaxy, galaxy.map),
                )
            )

    def measure_bar(self) -> None:
        """Explain *bar* and measure it; where the network knows no bar, say so and offer one."""
        galaxy, card = self._desk.workspace.current, self._classifying.card
        if galaxy is None or galaxy.image is None or card is None:
            return
        if why := without_bar(card):
            self._refuse(galaxy, why, self._measuring_models(galaxy))
            return
        asked = self._panel.target.asked()
        bar = dataclasses.replace(asked, class_name=card.targets[BAR], negated=False)
        self._panel.target.choose(str(bar))
        self.explain()

    def _measuring_models(self, galaxy: Galaxy) -> Sequence[Offer]:
        image = galaxy.image
        assert image is not None

        def fits(card: ModelCard) -> bool:
            return not without_bar(card) and not unsuitable(card, image)

        return self._classifying.offers(fits, "Measure with", self.measure_bar)

    def _refuse(self, galaxy: Galaxy, why: str, offers: Sequence[Offer] = ()) -> None:
        """Say why not, and what would lead on."""
        self.cancel()
        self._refused[galaxy] = (why, offers)
        self.refresh()

    def explain(self) -> None:
        """Explain the chosen target of the shown galaxy; on the map of *bar*, measure it."""
        galaxy, classifier = self._desk.workspace.current, self._classifying.classifier
        if classifier is None or galaxy is None or galaxy.image is None:
            return
        self.cancel()
        self._automatic_once = False
        self._refused.pop(galaxy, None)
        fit, method = self._fit(), self._panel.method.card()
        if why := self._classifying.problem(galaxy):
            self._refuse(galaxy, why, self._classifying.ways_out(galaxy))
            return
        if fit is not None and fit.verdict == "refused":
            self._refuse(galaxy, f"{method.title} cannot explain this network; choose another.")
            return
        request = chores.Request(
            method.name,
            self._panel.target.text or classifier.card.classes[0],
            self._panel.parameters(),
            self.algorithm,
        )
        image = chores.worker_copy(galaxy.image)
        galaxy.note = ""
        self._explaining = task = Task(
            "Explain",
            galaxy.path,
            chores.NETWORK,
            functools.partial(chores.explain, classifier, image, request),
            done=functools.partial(self._explained, galaxy),
            failed=functools.partial(self._not_explained, galaxy),
            cancelled=functools.partial(self._cancelled, galaxy),
            partial=functools.partial(self._grow, galaxy),
            prepare=functools.partial(chores.make_shown, shape=image.shape),
            priority=EXPLAIN,
        )
        self._desk.bridge.run(task)
        self.refresh()

    def show_map(self, galaxy: Galaxy, shown: ShownMap) -> None:
        """Show a map of a galaxy that was made elsewhere; no bar is measured on it."""
        self.cancel()
        galaxy.map, galaxy.bar, galaxy.note = shown, None, ""
        self._panel.method.choose(shown.attribution.method)
        self._panel.target.choose(shown.attribution.target)
        self._desk.workspace.tell(galaxy, "map")
        self.refresh()

    def cancel(self) -> None:
        """Cancel the explanation that runs."""
        if self._explaining is not None:
            task, self._explaining = self._explaining, None
            task.cancel()
            self.refresh()

    def follow(self, task: Task) -> None:
        """Show the progress of the explanation that runs."""
        if task is self._explaining:
            self._panel.show_progress(None if task.state.finished else task.steps)

    def _leave(self, galaxy: Galaxy | None) -> None:
        self.cancel()
        self.refresh()
        self._check_method()

    def _arrived(self, galaxy: Galaxy, what: str) -> None:
        if what == "image" and galaxy is self._desk.workspace.current:
            self._check_method()

    def _grow(self, galaxy: Galaxy, shown: ShownMap) -> None:
        self._panel.show_agreement(shown.attribution.parameters)
        if galaxy is self._desk.workspace.current and galaxy.image is not None:
            galaxy.growing = shown
            self._desk.workspace.tell(galaxy, "map")

    def _explained(self, galaxy: Galaxy, explained: chores.Explained) -> None:
        self._explaining = None
        galaxy.map, galaxy.growing = explained.map, None
        self._measured(galaxy, explained)

    def _measured_again(self, galaxy: Galaxy, shown: ShownMap, bar: BarMeasurement) -> None:
        if galaxy.map is shown:
            self._measured(galaxy, chores.Explained(shown, bar))

    def _measured(self, galaxy: Galaxy, explained: chores.Explained) -> None:
        bar = galaxy.bar = explained.bar
        galaxy.note = ""
        if bar is not None and bar.threshold is not None:
            galaxy.threshold = bar.threshold
        if bar is not None and bar.ends is None:
            galaxy.note = f"No bar found: {bar.reason}"
        self._desk.workspace.tell(galaxy, "map")
        if bar is not None and galaxy.image is not None:
            self._keep(galaxy, explained.map.attribution, bar)
        self.refresh()

    def _keep(self, galaxy: Galaxy, attribution: Attribution, bar: BarMeasurement) -> None:
        assert galaxy.image is not None
        from galaxyscope.pipeline import provenance

        # What this network said, not what the chosen one says by now.
        source = provenance(attribution, galaxy.said.get(attribution.model_sha256))
        image = chores.worker_copy(galaxy.image)
        command = measure_command(image, source, bar.parameters)
        self._keeping.do(galaxy, "measure bar", KeepBar(image, bar, source), command=command)

    def _not_explained(self, galaxy: Galaxy, failure: Failure) -> None:
        self._explaining = None
        self._drop_growing(galaxy)
        why = str(failure).rstrip(".")
        galaxy.note = one_line(f"The explanation failed: {why}. See Jobs to try again.")
        self.refresh()

    def _cancelled(self, galaxy: Galaxy) -> None:
        self._drop_growing(galaxy)
        galaxy.note = "Cancelled."
        self.refresh()

    def _drop_growing(self, galaxy: Galaxy) -> None:
        """Drop a half-grown map: only finished maps are measured, so only these stay."""
        galaxy.growing = None
        self._desk.workspace.tell(galaxy, "map")

    # -- the panel

    def refresh(self) -> None:
        """Bring the panel in line with what is known."""
        galaxy = self._desk.workspace.current
        ready = galaxy is not None and galaxy.image is not None
        self._panel.set_ready(ready and self._classifying.classifier is not None)
        if self._explaining is None:
            self._panel.show_progress(None)
        note: tuple[str, Sequence[Offer]] = ("", ())
        if galaxy is not None:
            note = self._refused.get(galaxy, (galaxy.note, ()))
        self._panel.show_note(*note)
        self.refreshed.emit()
