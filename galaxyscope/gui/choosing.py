"""Which models there are, choosing one, and adding a model folder; all undoable."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu

from galaxyscope.classify.suit import unsuitable
from galaxyscope.gui import dialogs, shelf
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.classifying import Classifying, Then
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.panels.common import Offer
from galaxyscope.gui.panels.models import ModelsDialog
from galaxyscope.gui.shelf import Entry
from galaxyscope.gui.undo import Change
from galaxyscope.work.jobs import Failure
from galaxyscope.work.lanes import IO

if TYPE_CHECKING:
    from galaxyscope.classify.card import ModelCard

NONE = "No network is installed"


class Choosing(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    classifying : Classifying
        Loads what is chosen.
    """

    def __init__(self, desk: Desk, classifying: Classifying) -> None:
        super().__init__(desk.window)
        self._desk, self._classifying = desk, classifying
        self.entries: tuple[Entry, ...] = ()
        self._opened: list[Path] = []
        self._wanted = ""  # by a session that was opened before the list was read
        self._asked = ""  # the model that was asked for last, as the store takes it
        self._damaged: dict[str, str] = {}
        self.dialog: ModelsDialog | None = None
        self._menu_actions: list[QAction] = []
        classifying.offers = self.offers
        classifying.model_changed.connect(self._follow)

    # -- what there is

    def look(self, shown: str = "") -> None:
        """Read the list again; `shown` is the model whose card the dialog shows then."""
        self._desk.bridge.run(
            Task(
                "List models",
                None,
                IO,
                functools.partial(shelf.read_shelf, tuple(self._opened)),
                done=functools.partial(self._list, shown),
                failed=lambda failure: self._desk.say(one_line(str(failure))),
                key="models",
                quiet=True,
            )
        )

    @property
    def in_use(self) -> str:
        """Name of the loaded model, as the store takes it; empty if there is none."""
        card = self._classifying.card
        if card is None:
            return ""
        same = [entry for entry in self.entries if _sha256(entry) == card.sha256]
        named = [entry.name for entry in same if entry.name in (self._asked, card.name)]
        return (named or [entry.name for entry in same] or [card.name])[0]

    def entry(self, name: str) -> Entry | None:
        """Return a model of the list by its name."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def offers(
        self, fits: Callable[[ModelCard], bool], verb: str, then: Then | None = None
    ) -> Sequence[Offer]:
        """Offer to change to the first model whose card fits; see `FindOffers`."""
        for entry in self.entries:
            usable = entry.card is not None and not entry.problem and not entry.parent
            if usable and entry.name != self.in_use and fits(entry.card):
                choose = functools.partial(self.choose, entry.name, then)
                return [Offer(f"{verb} {entry.title.partition(' · ')[0]}", choose)]
        return []

    def _list(self, shown: str, entries: tuple[Entry, ...]) -> None:
        self.entries = tuple(
            dataclasses.replace(entry, problem=entry.problem or self._damaged.get(entry.name, ""))
            for entry in entries
        )
        self._show(shown)
        self._load_wanted()
        self._classifying.refresh()  # there may be something to offer now

    def _show(self, shown: str = "") -> None:
        if self.dialog is not None:
            self.dialog.show_models(self.entries, self.in_use, shown)

    def _remark(self, entry: Entry) -> str:
        """Why a model does not suit the picture that is shown."""
        galaxy = self._desk.workspace.current
        if galaxy is None or galaxy.image is None or entry.card is None:
            return ""
        return unsuitable(entry.card, galaxy.image)

    # -- choosing

    def start(self) -> None:
        """Load the model of the last time, or the shipped one."""
        self._load(self._desk.settings.text("model"))
        self.look()

    def load_again(self) -> None:
        """Load the same model, because how it is run has changed."""
        self._load(self._asked)

    def prefer(self, name: str) -> None:
        """Use a model that a session names, if it is there and another one is in use."""
        self._wanted = name
        self._load_wanted()

    def _load_wanted(self) -> None:
        name = self._wanted
        if name and self.entry(name) is not None:
            self._wanted = ""
            if name not in (self.in_use, self._asked):
                self._load(name)

    def open_dialog(self) -> None:
        """Show all models and their cards."""
        if self.dialog is None:
            self.dialog = ModelsDialog(self._remark, self._desk.window)
            self.dialog.chosen.connect(self.choose)
            self.dialog.add_requested.connect(self.ask_folder)
            self.dialog.dropped.connect(lambda paths: self.add(_model_folders(paths)))
        self.dialog.say("")
        self._show()
        self.dialog.open()
        self.look()

    def choose(self, name: str, then: Then | None = None) -> None:
        """Use another model from now on.

        Parameters
        ----------
        name : str
            As the model store takes it.
        then : callable, optional
            Called once it is loaded, the first time.
        """
        before = self.in_use
        if name == before:
            return
        first = [then]  # undone and redone, only the model changes
        self._desk.undo.push(
            Change(
                "choose model",
                lambda: self._load(name, first.pop() if first else None),
                functools.partial(self._load, before),
            )
        )

    def _load(self, name: str, then: Then | None = None) -> None:
        self._asked = name
        self._classifying.load(name or None, then)

    def _follow(self) -> None:
        """Remember what works, and of what does not why."""
        error = self._classifying.load_error
        if error and self._asked:
            self._damaged[self._asked] = error
        elif not error:
            self._damaged.pop(self._asked, None)
            if Path(self._asked) not in self._opened:
                self._desk.settings.set("model", self._asked)
        self._list("", self.entries)

    # -- adding

    def ask_folder(self) -> None:
        """Let the user choose a model folder."""
        path = QFileDialog.getExistingDirectory(self._desk.window, "Add model folder")
        if path:
            self.add([Path(path)])

    def add(self, folders: Sequence[Path]) -> None:
        """Read a model folder and ask what to do with it: install a copy, or use it in place."""
        for folder in folders[:1]:
            self._desk.bridge.run(
                Task(
                    "Read model",
                    folder,
                    IO,
                    functools.partial(shelf.open_in_place, folder),
                    done=self._ask,
                    quiet=True,
                )
            )

    def _ask(self, entry: Entry) -> None:
        if entry.problem:
            self._say(entry.problem)
            return
        parent = self.dialog if self.dialog is not None and self.dialog.isVisible() else None
        answer = dialogs.ask_install(parent or self._desk.window, entry)
        if answer == "install":
            self.install(entry.folder)
        elif answer == "open":
            self.open_in_place(entry.folder)

    def open_in_place(self, folder: Path) -> None:
        """Use a model from where it lies, until the program is closed."""
        if folder not in self._opened:
            self._opened.append(folder)
        self.choose(str(folder))
        self.look(str(folder))

    def install(self, folder: Path) -> None:
        """Copy a model folder to the user's own models and use it."""
        from galaxyscope.classify.installed import install_model

        self._desk.bridge.run(
            Task(
                "Install model",
                folder,
                IO,
                functools.partial(install_model, folder),
                done=self._installed,
                failed=lambda failure: self._say(one_line(str(failure))),
            )
        )

    def _installed(self, name: str) -> None:
        aside: list[Path] = []
        self._desk.undo.push(
            Change(
                "install model",
                functools.partial(self._take_back, name, aside),
                functools.partial(self._put_aside, name, aside),
            )
        )
        self._desk.say(f"Model {name} is installed")
        self.look(name)
        self.choose(name)

    def _put_aside(self, name: str, aside: list[Path]) -> None:
        """Undo an installation; nothing is deleted."""
        from galaxyscope.classify.installed import put_aside

        self._move("Put model aside", functools.partial(put_aside, name), aside.append)

    def _take_back(self, name: str, aside: list[Path]) -> None:
        from galaxyscope.classify.installed import take_back

        if aside:  # not the first time: then it is there already
            self._move(
                "Install model", functools.partial(take_back, aside.pop(), name), lambda _: None
            )

    def _move(self, title: str, work: Callable[[], object], done: Callable[..., None]) -> None:
        def moved(result: object) -> None:
            done(result)
            self.look()

        def failed(failure: Failure) -> None:
            self._say(one_line(f"{title} failed: {failure}"))
            self.look()

        self._desk.bridge.run(Task(title, None, IO, work, done=moved, failed=failed, quiet=True))

    def _say(self, text: str) -> None:
        """Say one sentence where the user looks: in the dialog if it is open."""
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.say(text)
        else:
            self._desk.say(text)

    # -- the menu

    def fill_menu(self, menu: QMenu) -> None:
        """Put the models that can be used behind the fixed entries of the menu."""
        for action in self._menu_actions:
            menu.removeAction(action)
            action.deleteLater()
        self._menu_actions = [menu.addSeparator()]
        for entry in self.entries:
            if entry.card is not None and not entry.problem and not entry.parent:
                action = menu.addAction(entry.title.replace("&", "&&"))
                action.triggered.connect(lambda _checked, name=entry.name: self.choose(name))
                action.setCheckable(True)
                action.setChecked(entry.name == self.in_use)
                action.setToolTip(self._remark(entry))
                self._menu_actions.append(action)
        if not self.entries:
            none = menu.addAction(NONE)
            none.setEnabled(False)
            self._menu_actions.append(none)


def _sha256(entry: Entry) -> str:
    return "" if entry.card is None else entry.card.sha256


def _model_folders(paths: Sequence[Path]) -> list[Path]:
    """Folders of what was dropped on the list of models: a card stands for its folder."""
    return [path.parent if path.name == "card.json" else path for path in paths]
