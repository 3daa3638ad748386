"""The network: loading it, asking what it says, and saying why it is not asked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Signal

from galaxyscope.classify.suit import unsuitable
from galaxyscope.gui import chores
from galaxyscope.gui.answers import Said
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.card_text import model_name, summary
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.classify import ClassifyPanel
from galaxyscope.gui.panels.common import Offer
from galaxyscope.gui.suit import BAR
from galaxyscope.work.jobs import Failure

if TYPE_CHECKING:
    from galaxyscope.classify.card import ModelCard
    from galaxyscope.classify.classifier import Classifier, Prediction

PREDICT, BADGE, CALIBRATE = 20, -10, -20
Then = Callable[[], object]


class FindOffers(Protocol):
    """Returns a button, if any can be had, that changes to the first model whose card fits."""

    def __call__(
        self, fits: Callable[[ModelCard], bool], verb: str, then: Then | None = None
    ) -> Sequence[Offer]:
        """Look for a model; `verb` begins the button's text, `then` is done when it is there."""


class Classifying(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    panel : ClassifyPanel

    Signals
    -------
    leaving : another network is going to be loaded
    model_changed : it was loaded, or could not be
    answered : Galaxy, the shown one, of which the network has said what it has to say
    insisted : Galaxy, about which the network is to be asked whatever it was made for
    refreshed : something to be seen may have changed

    Attributes
    ----------
    offers : FindOffers
        Set by whoever knows which models there are.
    """

    leaving = Signal()
    model_changed = Signal()
    answered = Signal(object)
    insisted = Signal(object)
    refreshed = Signal()

    def __init__(self, desk: Desk, panel: ClassifyPanel) -> None:
        super().__init__(desk.window)
        self._desk, self._panel = desk, panel
        self.classifier: Classifier | None = None
        self.loading = False
        self.load_error = ""
        self.offers: FindOffers = lambda fits, verb, then=None: ()
        self._loading: Task | None = None
        desk.workspace.current_changed.connect(self._show)
        desk.workspace.changed.connect(self._changed)
        self.refresh()

    # -- the network

    def load(self, name: str | None = None, then: Then | None = None) -> None:
        """Load a network in the background.

        Parameters
        ----------
        name : str, optional
            As the model store takes it; default: the shipped one.
        then : callable, optional
            Called once it is there.
        """
        self.leaving.emit()
        self.loading, self.load_error = True, ""
        self._loading = task = Task(
            "Load network",
            None,
            chores.NETWORK,
            functools.partial(chores.load_network, name, self.running()),
            done=lambda classifier: self._loaded(task, classifier, then),
            failed=lambda failure: self._not_loaded(task, failure),
            cancelled=lambda: None,
            key="load",
        )
        self._desk.bridge.run(task)
        self.refresh()

    def running(self) -> chores.Running:
        """Return how networks are to be run, by the preferences."""
        settings = self._desk.settings
        return chores.Running(
            settings.word("device"), settings.word("precision"), settings.number("threads")
        )

    @property
    def card(self) -> ModelCard | None:
        """Card of the loaded network."""
        return None if self.classifier is None else self.classifier.card

    @property
    def device(self) -> str:
        """Where the network runs, for the status bar."""
        if self.classifier is None:
            return "loading network" if self.loading else "no network"
        kind = str(self.classifier.device)
        return {"cpu": "CPU", "mps": "GPU (MPS)"}.get(kind, kind.replace("cuda", "GPU"))

    def _loaded(self, task: Task, classifier: Classifier, then: Then | None) -> None:
        if task is not self._loading:
            return  # another one was chosen meanwhile
        self.classifier, self.loading = classifier, False
        card = classifier.card
        self._panel.show_model(model_name(card), f"{card.name}: {summary(card)}")
        for galaxy in self._desk.workspace.galaxies:
            before = galaxy.bar_fraction
            self._take(galaxy)
            if galaxy.bar_fraction != before:
                self._desk.workspace.tell(galaxy, "prediction")
        self.model_changed.emit()
        self.consider(self._desk.workspace.current)
        if then is not None:
            then()
        self._calibrate(classifier)

    def _calibrate(self, classifier: Classifier) -> None:
        """Once per network and machine, when the lane is idle: find its fastest way to run."""
        if classifier is not self.classifier or all(m.modes for m in classifier.members):
            return
        self._desk.bridge.run(
            Task(
                "Time network",
                None,
                chores.NETWORK,
                functools.partial(chores.calibrate, classifier),
                done=lambda _nothing: None,
                failed=lambda _failure: None,  # it goes on as it is
                cancelled=functools.partial(self._calibrate, classifier),
                priority=CALIBRATE,
                quiet=True,
                gives_way=True,
            )
        )

    def _not_loaded(self, task: Task, failure: Failure) -> None:
        if task is not self._loading:
            return
        self.loading, self.load_error = False, one_line(str(failure))
        if self.classifier is None:
            self._panel.show_model("No network")
        self.model_changed.emit()
        self.refresh()

    # -- what it says

    def consider(self, galaxy: Galaxy | None) -> None:
        """Ask for what is not known yet of the shown galaxy, if the network suits it."""
        if galaxy is not None and galaxy.image is not None and self.classifier is not None:
            self._take(galaxy)
            if galaxy.prediction is not None:
                self.answered.emit(galaxy)
            elif not self.problem(galaxy):
                self._predict(galaxy)
        self.refresh()

    def problem(self, galaxy: Galaxy) -> str:
        """Why the network is not asked about a galaxy that is shown; empty if it is."""
        card = self.card
        if card is None or galaxy.image is None or card.sha256 in galaxy.insisted:
            return ""
        return unsuitable(card, galaxy.image)

    def ways_out(self, galaxy: Galaxy) -> list[Offer]:
        """Return what the user can do where the network does not suit a galaxy."""
        image = galaxy.image
        assert image is not None
        others = self.offers(lambda card: not unsuitable(card, image), "Use")
        return [*others, Offer("Ask anyway", functools.partial(self.insist, galaxy))]

    def insist(self, galaxy: Galaxy) -> None:
        """Ask about a galaxy although the network was not made for such pictures."""
        if self.card is not None:
            galaxy.insisted |= {self.card.sha256}
            self.insisted.emit(galaxy)
            self.consider(galaxy)

    def _take(self, galaxy: Galaxy) -> None:
        """Show of a galaxy what the present network has said before, if it was asked."""
        card = self.card
        assert card is not None
        galaxy.prediction = prediction = galaxy.said.get(card.sha256)
        bar = card.targets.get(BAR, "")
        said = {} if prediction is None else prediction.probabilities
        galaxy.bar_fraction = said.get(bar)

    def _show(self, _galaxy: Galaxy | None) -> None:
        if self.classifier is not None:
            self.load_error = ""  # was read; the network that was there goes on
        self.refresh()

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if what == "image" and galaxy is self._desk.workspace.current:
            self.consider(galaxy)

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
                failed=functools.partial(
                    self._not_predicted, galaxy, galaxy.image.plane, self.classifier.card.sha256
                ),
                key="predict",
                priority=PREDICT,
                quiet=True,
            )
        )

    def _predicted(self, galaxy: Galaxy, plane: object, prediction: Prediction) -> None:
        if galaxy.plane != plane:
            return
        self._keep(galaxy, prediction)
        if galaxy is self._desk.workspace.current:
            self.consider(galaxy)

    def _keep(self, galaxy: Galaxy, prediction: Prediction) -> None:
        """Keep an answer under the network that gave it: that may no longer be the chosen one."""
        galaxy.said[prediction.model_sha256] = prediction
        self._take(galaxy)
        self._desk.workspace.tell(galaxy, "prediction")

    def _not_predicted(self, galaxy: Galaxy, plane: object, network: str, failure: Failure) -> None:
        if galaxy.plane == plane:
            galaxy.unanswered[network] = one_line(f"The network could not answer: {failure}")
            self.refresh()

    def fill_badge(self, galaxy: Galaxy) -> None:
        """Find out what the network says of a galaxy that the gallery shows, when it has time."""
        if self.classifier is None or galaxy.error or BAR not in self.classifier.card.targets:
            return
        self._take(galaxy)
        if galaxy.bar_fraction is not None:
            return
        self._desk.bridge.run(
            Task(
                "Classify",
                galaxy.path,
                chores.NETWORK,
                functools.partial(chores.predict_file, self.classifier, galaxy.path, galaxy.plane),
                done=functools.partial(self._keep_badge, galaxy, galaxy.plane),
                failed=lambda _failure: None,
                key=("badge", galaxy.path),
                priority=BADGE,
                quiet=True,
            )
        )

    def _keep_badge(self, galaxy: Galaxy, plane: object, prediction: Prediction) -> None:
        """Keep what was said of a file, unless another of its pictures was chosen meanwhile."""
        if galaxy.plane == plane:
            self._keep(galaxy, prediction)
        else:
            self.fill_badge(galaxy)

    # -- the panel

    def refresh(self) -> None:
        """Bring the panel in line with what is known."""
        galaxy, offers = self._desk.workspace.current, []
        prediction = None if galaxy is None else galaxy.prediction
        problem = "" if galaxy is None else self.problem(galaxy)
        if self.loading and self.classifier is None:
            state = "Loading the network …"
        elif self.loading:
            state = "Loading another network …"
        elif self.load_error:
            state, offers = self.load_error, list(self.offers(lambda card: True, "Use"))
        elif prediction is not None:
            state = ""
        elif galaxy is None:
            state = "Open a galaxy to see what the network says of it."
        elif galaxy.error:
            state = "There is no picture to classify."
        elif problem:
            state, offers = problem, self.ways_out(galaxy)
        elif self.card is not None and self.card.sha256 in galaxy.unanswered:
            state = galaxy.unanswered[self.card.sha256]
        else:
            state = "Asking the network …" if self.classifier is not None else ""
        self._panel.show_prediction(
            None if prediction is None else Said.of(prediction, self.card), state, offers
        )
        self.refreshed.emit()
