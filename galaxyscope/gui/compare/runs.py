"""Making the maps of a comparison, one after the other, and finding out what fits meanwhile."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from galaxyscope.explain.cards import CARDS
from galaxyscope.gui import chores
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.choosing import Choosing
from galaxyscope.gui.classifying import Classifying
from galaxyscope.gui.compare import work
from galaxyscope.gui.compare.results import Key, Results
from galaxyscope.gui.compare.work import Asked, Compared, Prospect
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.explaining import EXPLAIN, PREFLIGHT
from galaxyscope.gui.model import Galaxy, ShownMap
from galaxyscope.work.jobs import Failure

if TYPE_CHECKING:
    from galaxyscope.sky.image import SkyImage

TITLES = {card.name: card.title for card in CARDS}


class Runs(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    classifying, choosing
        Have the network, and the name it goes by.
    results : Results
        Keeps what comes of it.
    parent : QObject

    Signals
    -------
    went_on : Asked
        A map has grown, or its run has begun.
    ended : Asked
    foreseen
        More is known of maps that are not made yet.
    """

    went_on = Signal(object)
    ended = Signal(object)
    foreseen = Signal()

    def __init__(
        self,
        desk: Desk,
        classifying: Classifying,
        choosing: Choosing,
        results: Results,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._desk, self._classifying, self._choosing = desk, classifying, choosing
        self._results = results
        self._networks = work.Networks()
        self._tasks: dict[Asked, Task] = {}
        self._count = 0
        self._foreseeing: Task | None = None
        self._growing: dict[Asked, ShownMap] = {}
        self._failures: dict[Asked, str] = {}
        desk.bridge.task_changed.connect(self._watch)

    # -- what is known

    @property
    def busy(self) -> bool:
        """Whether maps are being made."""
        return bool(self._tasks)

    @property
    def steps(self) -> tuple[int, int] | None:
        """Maps of the present run that have ended, and all of it; None without one."""
        return (self._count - len(self._tasks), self._count) if self._tasks else None

    def task(self, one: Asked) -> Task | None:
        """Return the task that makes a map now or later in this run."""
        return self._tasks.get(one)

    def failure(self, one: Asked) -> str:
        """Return why a map could not be made, empty where nothing is known against it."""
        return self._failures.get(one, "")

    def map(self, one: Asked) -> ShownMap | None:
        """Return a map, or what there is of it so far."""
        found = self._results.found(one)
        return self._growing.get(one) if found is None else found.map

    def left(self, asked: Iterable[Asked]) -> list[Asked]:
        """Return maps that are not there yet and can be made, the quick ones first."""
        found = []
        for one in asked:
            prospect = self._results.prospect(one)
            refused = prospect is not None and prospect.verdict == "refused"
            if self._results.found(one) is None and not refused:
                seconds = None if prospect is None else prospect.seconds
                found.append((seconds is None, seconds or 0.0, len(found), one))
        return [one for *_, one in sorted(found, key=lambda entry: entry[:3])]

    # -- the networks

    def leave_networks(self) -> None:
        """Stop, and let those go that were loaded for the comparison."""
        self.cancel()
        self._networks = work.Networks()

    def _take_network(self) -> bool:
        """Hand the loaded network to the comparison; False where there is none."""
        classifier, galaxy = self._classifying.classifier, self._desk.workspace.current
        if classifier is None or galaxy is None:
            return False
        self._networks.loaded[self._choosing.in_use] = classifier
        self._networks.insisted = galaxy.insisted
        self._networks.running = self._classifying.running()
        return True

    # -- what can be foreseen

    def foresee(self, image: SkyImage, asked: Iterable[Asked]) -> None:
        """Find out, when the network has time, what fits and how long it will take."""
        self._stop_foreseeing()
        unknown = [one for one in asked if self._results.prospect(one) is None]
        if not unknown or self._tasks or not self._take_network():
            return
        keys = {one: self._results.key(one) for one in unknown}
        image = chores.worker_copy(image)
        self._foreseeing = task = Task(
            "Foresee",
            None,
            chores.NETWORK,
            functools.partial(work.foresee, self._networks, image, unknown),
            done=functools.partial(self._foreseen, keys, True),
            partial=functools.partial(self._foreseen, keys, False),
            failed=lambda _failure: None,
            key="foresee",
            priority=PREFLIGHT - 1,
            quiet=True,
        )
        self._desk.bridge.run(task)

    def _stop_foreseeing(self) -> None:
        if self._foreseeing is not None:
            self._foreseeing.cancel()
            self._foreseeing = None

    def _foreseen(self, keys: dict[Asked, Key], last: bool, known: dict[Asked, Prospect]) -> None:
        if last:
            self._foreseeing = None
        for one, prospect in known.items():
            self._results.foresee(keys[one], prospect)
        self.foreseen.emit()

    # -- running

    def start(self, image: SkyImage, galaxy: Galaxy, asked: Iterable[Asked]) -> None:
        """Make the maps that are not there yet, one after the other."""
        if self.busy or not self._take_network():
            return
        self._stop_foreseeing()
        self._failures.clear()
        asked = list(asked)
        todo = self.left(asked)
        self._count = len(todo)
        for one in todo:
            key = self._results.key(one)
            self._tasks[one] = Task(
                f"Compare: {TITLES[one.method]}",
                galaxy.path,
                chores.NETWORK,
                functools.partial(work.explain, self._networks, chores.worker_copy(image), one),
                done=functools.partial(self._done, one, key, len(asked)),
                failed=functools.partial(self._failed, one),
                cancelled=functools.partial(self._ended, one),
                partial=functools.partial(self._growing.__setitem__, one),
                prepare=functools.partial(chores.make_shown, shape=image.shape),
                priority=EXPLAIN,
            )
        for task in list(self._tasks.values()):
            self._desk.bridge.run(task)

    def cancel(self) -> None:
        """Stop all runs; finished maps stay."""
        self._stop_foreseeing()
        # The last one first: one that waits must not begin when the one before it is stopped.
        for task in reversed(list(self._tasks.values())):
            task.cancel()

    def cancel_one(self, one: Asked) -> None:
        """Stop one run."""
        if one in self._tasks:
            self._tasks[one].cancel()

    def keep_only(self, asked: Iterable[Asked]) -> None:
        """Stop the runs of all others."""
        for one in set(self._tasks) - set(asked):
            self._tasks[one].cancel()

    def forget_failures(self) -> None:
        """Begin anew, with another picture."""
        self._failures.clear()

    def _watch(self, task: Task) -> None:
        for one, mine in self._tasks.items():
            if mine is task and not task.state.finished:
                self.went_on.emit(one)

    def _ended(self, one: Asked) -> None:
        self._tasks.pop(one, None)
        self._growing.pop(one, None)
        self.ended.emit(one)

    def _done(self, one: Asked, key: Key, least: int, found: Compared) -> None:
        self._results.keep(key, found, least)
        self._ended(one)

    def _failed(self, one: Asked, failure: Failure) -> None:
        self._failures[one] = one_line(str(failure))
        self._ended(one)
