"""The network at work: loading it, asking what it says and where it looked."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from galaxyscope.gui import chores
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.model import Galaxy, ShownMap
from galaxyscope.gui.panels.classify import ClassifyPanel
from galaxyscope.gui.panels.explain import ExplainPanel
from galaxyscope.work.jobs import Failure
from galaxyscope.work.lanes import IO

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, Prediction
    from galaxyscope.explain.protocol import Attribution
    from galaxyscope.measure.results import BarMeasurement
    from galaxyscope.records.record import Record

BAR = "bar"
PREDICT, EXPLAIN, BADGE = 20, 10, -10


class Explaining(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    classify, panel
        The two panels that this serves.
    """

    refreshed = Signal()
    model_changed = Signal()

    def __init__(self, desk: Desk, classify: ClassifyPanel, panel: ExplainPanel) -> None:
        super().__init__(desk.window)
        self._desk, self._classify, self._panel = desk, classify, panel
        self.classifier: Classifier | None = None
        self.loading = False
        self.load_error = ""
        self.automatic = desk.settings.flag("explain_automatically")
        self.algorithm = desk.settings.text("algorithm", "phase")
        self._explaining: Task | None = None
        self._automatic_once = False
        panel.run_requested.connect(self.explain)
        panel.cancel_requested.connect(self.cancel)
        classify.target_chosen.connect(panel.choose_target)
        desk.workspace.current_changed.connect(self._leave)
        desk.workspace.changed.connect(self._changed)
        self._refresh()

    # -- the network

    def load(self, name: str | None = None) -> None:
        """Load a network in the background; None loads the shipped one."""
        self.cancel()
        self.loading, self.load_error = True, ""
        self._desk.bridge.run(
            Task(
                "Load network",
                None,
                chores.NETWORK,
                functools.partial(chores.load_network, name),
                done=self._loaded,
                failed=self._not_loaded,
                key="load",
            )
        )
        self._refresh()

    @property
    def busy(self) -> bool:
        """Whether an explanation runs."""
        return self._explaining is not None

    @property
    def device(self) -> str:
        """Where the network runs, for the status bar."""
        if self.classifier is None:
            return "loading network" if self.loading else "no network"
        kind = str(self.classifier.device)
        return {"cpu": "CPU", "mps": "GPU (MPS)"}.get(kind, kind.replace("cuda", "GPU"))

    def _loaded(self, classifier: Classifier) -> None:
        self.classifier, self.loading = classifier, False
        card = classifier.card
        self._classify.show_model(card.title, _card_text(classifier))
        self._panel.set_targets(dict(card.targets) or {name: name for name in card.classes})
        for galaxy in self._desk.workspace.galaxies:
            galaxy.prediction, galaxy.bar_fraction = None, None
        self.model_changed.emit()
        self._consider(self._desk.workspace.current)

    def _not_loaded(self, failure: Failure) -> None:
        self.loading, self.load_error = False, one_line(str(failure))
        self._classify.show_model("No network")
        self.model_changed.emit()
        self._refresh()

    # -- what it says

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if what == "image" and galaxy is self._desk.workspace.current:
            self._consider(galaxy)

    def _consider(self, galaxy: Galaxy | None) -> None:
        """Ask for whatever is not known yet of the shown galaxy."""
        if galaxy is not None and galaxy.image is not None and self.classifier is not None:
            if galaxy.prediction is None:
                self._predict(galaxy)
            elif (self.automatic or self._automatic_once) and galaxy.map is None:
                self.explain()
        self._refresh()

    def _predict(self, galaxy: Galaxy) -> None:
        assert self.classifier is not None
        assert galaxy.image is not None
        self._desk.bridge.run(
            Task(
                "Classify",
                galaxy.path,
                chores.NETWORK,
                functools.partial(
                    chores.predict, self.classifier, chores.worker_copy(galaxy.image)
                ),
                done=functools.partial(self._predicted, galaxy, galaxy.image.plane),
                failed=functools.partial(self._not_predicted, galaxy),
                key="predict",
                priority=PREDICT,
                quiet=True,
            )
        )

    def _predicted(self, galaxy: Galaxy, plane: object, prediction: Prediction) -> None:
        if galaxy.plane != plane:
            return
        galaxy.prediction = prediction
        self._keep_fraction(galaxy, prediction)
        if galaxy is self._desk.workspace.current:
            self._consider(galaxy)

    def _keep_fraction(self, galaxy: Galaxy, prediction: Prediction) -> None:
        if self.classifier is not None and BAR in self.classifier.card.targets:
            bar = self.classifier.card.targets[BAR]
            galaxy.bar_fraction = prediction.probabilities.get(bar)
        self._desk.workspace.tell(galaxy, "prediction")

    def _not_predicted(self, galaxy: Galaxy, failure: Failure) -> None:
        galaxy.note = one_line(f"The network could not answer: {failure}")
        self._refresh()

    def fill_badge(self, galaxy: Galaxy) -> None:
        """Find out what the network says of a galaxy that the gallery shows, when it has time."""
        if self.classifier is None or galaxy.bar_fraction is not None or galaxy.error:
            return
        self._desk.bridge.run(
            Task(
                "Classify",
                galaxy.path,
                chores.NETWORK,
                functools.partial(chores.predict_file, self.classifier, galaxy.path),
                done=functools.partial(self._keep_fraction, galaxy),
                failed=lambda _failure: None,
                key=("badge", galaxy.path),
                priority=BADGE,
                quiet=True,
            )
        )

    # -- where it looked

    def set_automatic(self, automatic: bool) -> None:
        """Explain every galaxy that is opened, or only when asked."""
        self.automatic = automatic
        self._desk.settings.set("explain_automatically", automatic)
        self._consider(self._desk.workspace.current)

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

    def explain(self) -> None:
        """Explain the chosen target of the shown galaxy; on the map of *bar*, measure it."""
        galaxy = self._desk.workspace.current
        if self.classifier is None or galaxy is None or galaxy.image is None:
            return
        self.cancel()
        self._automatic_once = False
        request = chores.Request(
            self._panel.method.card().name,
            self._panel.target.currentData() or self.classifier.card.classes[0],
            self._panel.parameters(),
            self.algorithm,
        )
        image = chores.worker_copy(galaxy.image)
        galaxy.note = ""
        self._explaining = task = Task(
            "Explain",
            galaxy.path,
            chores.NETWORK,
            functools.partial(chores.explain, self.classifier, image, request),
            done=functools.partial(self._explained, galaxy),
            failed=functools.partial(self._not_explained, galaxy),
            cancelled=functools.partial(self._cancelled, galaxy),
            partial=functools.partial(self._grow, galaxy),
            prepare=functools.partial(chores.make_shown, shape=image.shape),
            priority=EXPLAIN,
        )
        self._desk.bridge.run(task)
        self._refresh()

    def cancel(self) -> None:
        """Cancel the explanation that runs."""
        if self._explaining is not None:
            task, self._explaining = self._explaining, None
            task.cancel()
            self._refresh()

    def follow(self, task: Task) -> None:
        """Show the progress of the explanation that runs."""
        if task is self._explaining:
            self._panel.show_progress(None if task.state.finished else task.steps)

    def _leave(self, galaxy: Galaxy | None) -> None:
        self.cancel()
        self._refresh()

    def _grow(self, galaxy: Galaxy, shown: ShownMap) -> None:
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
        self._refresh()

    def _keep(self, galaxy: Galaxy, attribution: Attribution, bar: BarMeasurement) -> None:
        assert galaxy.image is not None
        image = galaxy.image
        self._desk.bridge.run(
            Task(
                "Keep measurement",
                galaxy.path,
                chores.SESSION,
                functools.partial(
                    chores.keep_bar,
                    self._desk.session,
                    chores.worker_copy(image),
                    bar,
                    attribution,
                    galaxy.prediction,
                ),
                done=functools.partial(self._kept, galaxy, image.sha256),
                quiet=True,
            )
        )

    def _kept(self, galaxy: Galaxy, sha256: str, records: tuple[Record, ...]) -> None:
        if galaxy.image is None or galaxy.image.sha256 == sha256:
            self._desk.workspace.keep_records(galaxy, records)

    def _not_explained(self, galaxy: Galaxy, failure: Failure) -> None:
        self._explaining = None
        self._drop_growing(galaxy)
        galaxy.note = one_line(f"The explanation failed: {failure}. See Jobs to try again.")
        self._refresh()

    def _cancelled(self, galaxy: Galaxy) -> None:
        self._drop_growing(galaxy)
        galaxy.note = "Cancelled."
        self._refresh()

    def _drop_growing(self, galaxy: Galaxy) -> None:
        """Drop a half-grown map: only finished maps are measured, so only these stay."""
        galaxy.growing = None
        self._desk.workspace.tell(galaxy, "map")

    # -- the panels

    def _refresh(self) -> None:
        """Bring both panels in line with what is known."""
        galaxy = self._desk.workspace.current
        prediction = None if galaxy is None else galaxy.prediction
        if prediction is not None:
            state = ""
        elif self.loading:
            state = "Loading the network …"
        elif self.load_error:
            state = self.load_error
        elif galaxy is None:
            state = "Open a galaxy to see what the network says of it."
        elif galaxy.error:
            state = "There is no picture to classify."
        else:
            state = "Asking the network …" if self.classifier is not None else ""
        self._classify.show_prediction(
            None if prediction is None else prediction.probabilities, state
        )
        ready = galaxy is not None and galaxy.image is not None and self.classifier is not None
        self._panel.set_ready(ready)
        if self._explaining is None:
            self._panel.show_progress(None)
        self._panel.show_note("" if galaxy is None else galaxy.note)
        self.refreshed.emit()


def _card_text(classifier: Classifier) -> str:
    card = classifier.card
    lines = [card.name, f"{card.architecture}, {card.input_size} px, {card.sha256[:12]}"]
    lines += [f"{m.name} {m.value:.3f} ({m.split}, {m.count})" for m in card.metrics]
    return "\n".join([*lines, card.limits])
