"""The comparison at work: which maps, making them one after the other, showing them together."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from galaxyscope.explain.cards import CARDS
from galaxyscope.explain.registry import PRESETS
from galaxyscope.gui import chores, dialogs
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.canvas import Canvas, Point, ViewState
from galaxyscope.gui.choosing import Choosing
from galaxyscope.gui.classifying import Classifying
from galaxyscope.gui.compare import work
from galaxyscope.gui.compare.figure import export, pane_of
from galaxyscope.gui.compare.linked import Linked
from galaxyscope.gui.compare.page import ComparePage
from galaxyscope.gui.compare.pane import Pane
from galaxyscope.gui.compare.work import Asked, Compared, Prospect, duration
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.explaining import EXPLAIN, PREFLIGHT, Explaining
from galaxyscope.gui.mapping import DEFAULT_THRESHOLD, Mapping, overlay_of
from galaxyscope.gui.model import Galaxy, ShownMap
from galaxyscope.gui.panels.methods import method_choices
from galaxyscope.gui.panels.search_tree import Choice
from galaxyscope.gui.tasks import target_choices
from galaxyscope.records.grid_figure import Box
from galaxyscope.work.jobs import Failure, JobState
from galaxyscope.work.lanes import IO

if TYPE_CHECKING:
    from galaxyscope.gui.panels.explain import ExplainPanel

TITLES = {card.name: card.title for card in CARDS}
BLINK_MS = 800
MOST = 64
KEPT_BYTES = 192 * 2**20
SETTING = "compare_methods"
Key = tuple[str, str, Asked, str]


class Comparing(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    canvas : Canvas
        The single view; it has the same camera while the comparison is open.
    classifying, choosing, explaining, mapping
        Have the network, the list of models, the single map, and how maps are shown.
    panel : ExplainPanel
        Has the settings of the methods.

    Signals
    -------
    opened : bool
    refreshed : what can be done may have changed
    pointed : cutout pixel under the pointer, or None
    """

    opened = Signal(bool)
    refreshed = Signal()
    pointed = Signal(object)

    def __init__(
        self,
        desk: Desk,
        canvas: Canvas,
        classifying: Classifying,
        choosing: Choosing,
        explaining: Explaining,
        mapping: Mapping,
        panel: ExplainPanel,
    ) -> None:
        super().__init__(desk.window)
        self._desk, self._canvas, self._panel = desk, canvas, panel
        self._classifying, self._choosing = classifying, choosing
        self._explaining, self._mapping = explaining, mapping
        self.page = ComparePage(desk.bridge.draw)
        self.is_open = False
        self.value: float | None = None
        self._linked = Linked(self)
        self._before: tuple[Galaxy | None, ViewState] | None = None
        self._panes: dict[Asked, Pane] = {}
        self._picture: Pane | None = None
        self._networks = work.Networks()
        self._found: OrderedDict[Key, Compared] = OrderedDict()
        self._prospects: dict[tuple[str, str, Asked], Prospect] = {}
        self._tasks: dict[Asked, Task] = {}
        self._run = 0
        self._foreseeing: Task | None = None
        self._growing: dict[Asked, ShownMap] = {}
        self._blink = QTimer(self)
        self._blink.setInterval(BLINK_MS)
        self._blink.timeout.connect(functools.partial(self._step, 1))
        self._blinking: list[Asked | None] = []
        page = self.page
        page.left.connect(functools.partial(self.set_open, False))
        page.run_requested.connect(self.run)
        page.cancel_requested.connect(self.cancel)
        page.export_requested.connect(self.ask_export)
        page.blink_requested.connect(self.set_blinking)
        page.stepped.connect(self._step)
        for choice in (page.methods, page.targets, page.models):
            choice.changed.connect(self._choose)
        page.large.files_dropped.connect(canvas.files_dropped)
        self._linked.cursor_moved.connect(self._point)
        self._offer_methods()
        classifying.leaving.connect(self._leave_network)
        classifying.model_changed.connect(self._follow_model)
        desk.workspace.current_changed.connect(self._follow)
        desk.workspace.changed.connect(self._changed)
        desk.bridge.task_changed.connect(self._watch)
        mapping.style_changed.connect(self._show_maps)
        mapping.visible_changed.connect(lambda _on: self._show_maps())
        canvas.tool_changed.connect(self._follow_tool)

    # -- open and closed

    def set_open(self, on: bool) -> None:
        """Show the comparison, or the single view as it was."""
        galaxy = self._desk.workspace.current
        if on and (galaxy is None or galaxy.image is None):
            on = False
        if on == self.is_open:
            self.opened.emit(on)
            return
        self.is_open = on
        if on:
            self._canvas.set_tool("pan")
            self._before = (galaxy, self._canvas.view_state())
            self._build()
        else:
            self.set_blinking(False)
            self.cancel()
            self._linked.link([])
            self._canvas.set_cross(None)
            if self._before is not None and self._before[0] is galaxy:
                self._canvas.set_view_state(self._before[1])
            self._mapping.style_also(False, False)
            self._networks.loaded.clear()
            self.value = None
        self.opened.emit(on)
        self.refreshed.emit()

    def _follow_tool(self, tool: str) -> None:
        """Lines are drawn in the single view."""
        if self.is_open and tool != "pan":
            self.set_open(False)

    # -- what is compared

    def _offer_methods(self) -> None:
        kept = [name for name in self._desk.settings.text(SETTING).split(",") if name in TITLES]
        presets = {"Benchmark": PRESETS["benchmark"], "All": PRESETS["all"], "None": ()}
        self.page.methods.offer(method_choices(), kept or PRESETS["benchmark"], presets)

    def _follow_model(self) -> None:
        card = self._classifying.card
        if card is None:
            return
        short, others = target_choices(card)
        # Short names are what networks share; a class is known by its name alone.
        groups = {
            "": [Choice(name, name) for name in short],
            "Other answers": [Choice(value, text, value) for text, value in others.items()],
        }
        groups = {heading: choices for heading, choices in groups.items() if choices}
        offered = [choice.name for choices in groups.values() for choice in choices]
        kept = [name for name in self.page.targets.names if name in offered]
        self.page.targets.offer(groups, kept or offered[:1])
        self._offer_models()
        if self.is_open:
            self._build()

    def _offer_models(self) -> None:
        usable = [e for e in self._choosing.entries if e.card is not None and not e.problem]
        choices = [Choice(e.name, e.title, e.name) for e in usable]
        mine = self._choosing.in_use
        if mine and all(choice.name != mine for choice in choices):
            card = self._classifying.card
            choices.insert(0, Choice(mine, mine if card is None else card.title))
        kept = [name for name in self.page.models.names if any(c.name == name for c in choices)]
        self.page.models.offer({"": choices}, kept if mine in kept else [mine])

    def _choose(self, _names: object) -> None:
        self._desk.settings.set(SETTING, ",".join(self.page.methods.names))
        self._build()

    def asked(self) -> list[list[Asked]]:
        """Return the maps of the comparison, group by group: one for each network and target."""
        page, left, groups = self.page, MOST, []
        for model in page.models.names:
            for target in page.targets.names:
                group = [
                    Asked(model, target, m, work.settings_text(self._panel.parameters_of(m)))
                    for m in page.methods.names
                ][:left]
                left -= len(group)
                if group:
                    groups.append(group)
        return groups

    # -- the panes

    def _build(self) -> None:
        """Make the panes for what is asked; those that stay keep their place in the run."""
        if not self.is_open:
            return
        self.set_blinking(False)
        self._offer_models()
        groups = self.asked()
        wanted = [one for group in groups for one in group]
        for one in set(self._tasks) - set(wanted):
            self._tasks[one].cancel()
        self._linked.link([])
        kept = self._panes
        self._panes = {one: kept.get(one) or self._make_pane(one) for one in wanted}
        for one, pane in self._panes.items():
            pane.subtitle = self._subtitle(one)
        shown: list[list[Pane]] = [[self._panes[one] for one in group] for group in groups]
        if len(groups) == 1:
            if self._picture is None:
                self._picture = Pane(
                    "Galaxy", "", "The picture without a map", self._desk.bridge.draw
                )
                self._picture.canvas.set_bare(False)
                self._picture.canvas.files_dropped.connect(self._canvas.files_dropped)
            shown[0].insert(0, self._picture)
        else:
            self._picture = None
        self.page.show_panes(shown)
        self._follow(self._desk.workspace.current)

    def _make_pane(self, one: Asked) -> Pane:
        card = next(card for card in CARDS if card.name == one.method)
        tip = f"{card.name}\n{card.summary}\n{card.reference}"
        pane = Pane(card.title, "", tip, self._desk.bridge.draw)
        pane.cancel_requested.connect(functools.partial(self._cancel_one, one))
        pane.opened.connect(functools.partial(self._open_single, one))
        pane.canvas.files_dropped.connect(self._canvas.files_dropped)
        return pane

    def _subtitle(self, one: Asked) -> str:
        """Return what tells a map from the others beside its method."""
        parts = []
        if len(self.page.targets.names) > 1:
            parts.append(one.target)
        if len(self.page.models.names) > 1:
            parts.append(one.model)
        return " · ".join(parts)

    def _all(self) -> list[Pane]:
        return [*([self._picture] if self._picture is not None else []), *self._panes.values()]

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if galaxy is self._desk.workspace.current and what == "image":
            self._follow(galaxy)
        elif galaxy is self._desk.workspace.current and what == "map":
            self._show_maps()

    def _follow(self, galaxy: Galaxy | None) -> None:
        """Show another galaxy in all panes, with the maps that were made of it before."""
        if not self.is_open:
            return
        image = None if galaxy is None else galaxy.image
        if galaxy is None:
            self.set_open(False)
            return
        if image is None:
            self._cancel_all()
            return  # it is being read
        self._linked.link([])
        canvases = [self.page.large, *(pane.canvas for pane in self._all())]
        other = self.page.large.image is None or self.page.large.image.sha256 != image.sha256
        if other:
            self._cancel_all()
            self.set_blinking(False)
        for canvas in canvases:
            if canvas.image is not image:
                canvas.set_image(image)
        self._linked.link([self._canvas, *canvases])
        self._show_maps()
        self._foresee()

    # -- maps and states

    def _key(self, one: Asked) -> Key | None:
        galaxy, image = self._desk.workspace.current, None
        image = None if galaxy is None else galaxy.image
        if galaxy is None or image is None:
            return None
        return (image.sha256, galaxy.plane_key, one, self._sha256(one.model))

    def _sha256(self, model: str) -> str:
        """Hash of a network by its name, as far as its card is known."""
        card = self._classifying.card
        if card is not None and model == self._choosing.in_use:
            return card.sha256
        entry = self._choosing.entry(model)
        return "" if entry is None or entry.card is None else entry.card.sha256

    def result(self, one: Asked) -> Compared | None:
        """Return what was found, None where it was not asked yet."""
        key = self._key(one)
        return None if key is None else self._found.get(key)

    def _prospect(self, one: Asked) -> Prospect | None:
        found = self.result(one)
        key = self._key(one)
        if found is not None:
            return found.prospect
        return None if key is None else self._prospects.get((key[0], key[3], one))

    def _show_maps(self) -> None:
        if not self.is_open:
            return
        for one, pane in self._panes.items():
            self._show(one, pane)
        if self._blinking:
            self._step(0)
        self._tell()

    def _overlay(self, canvas: Canvas, shown: ShownMap | None) -> None:
        galaxy = self._desk.workspace.current
        image = canvas.image
        if shown is None or galaxy is None or image is None or image.shape != shown.values.shape:
            canvas.set_overlay(None)
            return
        threshold = DEFAULT_THRESHOLD if galaxy.threshold is None else galaxy.threshold
        canvas.set_overlay(overlay_of(shown, self._mapping.style, threshold))
        canvas.set_overlay_visible(self._mapping.visible)

    def _show(self, one: Asked, pane: Pane) -> None:
        """Bring a pane in line with what is known of its map."""
        found, task, prospect = self.result(one), self._tasks.get(one), self._prospect(one)
        shown = self._growing.get(one) if found is None else found.map
        self._overlay(pane.canvas, shown)
        pane.warn(False)
        pane.show_progress(None if task is None else task.steps)
        message = ""
        if found is not None and found.map is not None:
            notes = found.map.attribution.notes
            adapted = "adapted" if found.prospect.verdict == "adapted" else ""
            odd = [note for note in notes if not note.startswith("Adapted")]
            took = f"{found.seconds:.1f} s"
            pane.show_state(" · ".join(part for part in (took, adapted) if part), "\n".join(notes))
            if odd:
                pane.show_state(f"{took} · {odd[0]}", "\n".join(notes))
        elif prospect is not None and prospect.verdict == "refused":
            pane.show_state("does not fit", one_line(prospect.reason))
            message = one_line(prospect.reason[:1].upper() + prospect.reason[1:])
        elif task is not None and task.state is JobState.BUSY:
            done, total = task.steps
            pane.show_state(f"{done}/{total}" if total else "running")
        elif task is not None:
            pane.show_state("waiting")
        elif prospect is not None and prospect.seconds is not None:
            pane.show_state(f"about {duration(prospect.seconds)}", one_line(prospect.reason))
        else:
            pane.show_state("")
        pane.canvas.set_message(text=message)

    def _fail(self, one: Asked, text: str) -> None:
        pane = self._panes.get(one)
        if pane is not None:
            pane.show_state("failed", text)
            pane.warn(True)
            pane.canvas.set_message(text=text)

    # -- what can be foreseen

    def _foresee(self) -> None:
        """Find out, when the network has time, what fits and how long it will take."""
        self._stop_foreseeing()
        image, open_ = self._image(), [one for one in self._panes if self._prospect(one) is None]
        if image is None or not open_ or self._tasks or not self._take_network():
            return
        self._foreseeing = task = Task(
            "Foresee",
            None,
            chores.NETWORK,
            functools.partial(work.foresee, self._networks, chores.worker_copy(image), open_),
            done=functools.partial(self._foreseen, image.sha256, True),
            partial=functools.partial(self._foreseen, image.sha256, False),
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

    def _foreseen(self, sha256: str, last: bool, found: dict[Asked, Prospect]) -> None:
        if last:
            self._foreseeing = None
        for one, prospect in found.items():
            self._prospects[(sha256, self._sha256(one.model), one)] = prospect
        self._show_maps()

    def _image(self):  # type: ignore[no-untyped-def]
        galaxy = self._desk.workspace.current
        return None if galaxy is None else galaxy.image

    def _take_network(self) -> bool:
        """Hand the loaded network to the comparison; False where there is none."""
        classifier, galaxy = self._classifying.classifier, self._desk.workspace.current
        if classifier is None or galaxy is None:
            return False
        self._networks.loaded[self._choosing.in_use] = classifier
        self._networks.insisted = galaxy.insisted
        return True

    def _leave_network(self) -> None:
        self._stop_foreseeing()
        self._cancel_all()
        self._networks = work.Networks()

    # -- running

    @property
    def busy(self) -> bool:
        """Whether maps are being made."""
        return bool(self._tasks)

    def left(self) -> list[Asked]:
        """Return maps that are not there yet and can be made, the quick ones first."""
        found = []
        for one in self._panes:
            prospect = self._prospect(one)
            if self.result(one) is None and (prospect is None or prospect.verdict != "refused"):
                seconds = None if prospect is None else prospect.seconds
                found.append((seconds is None, seconds or 0.0, len(found), one))
        return [one for *_, one in sorted(found)]

    def run(self) -> None:
        """Make the maps that are not there yet, one after the other."""
        image, galaxy = self._image(), self._desk.workspace.current
        if self.busy or image is None or galaxy is None or not self._take_network():
            return
        self._stop_foreseeing()
        todo = self.left()
        self._run = len(todo)
        for one in todo:
            key = self._key(one)
            self._tasks[one] = Task(
                f"Compare: {TITLES[one.method]}",
                galaxy.path,
                chores.NETWORK,
                functools.partial(work.explain, self._networks, chores.worker_copy(image), one),
                done=functools.partial(self._done, one, key),
                failed=functools.partial(self._failed, one),
                cancelled=functools.partial(self._ended, one),
                partial=functools.partial(self._grow, one),
                prepare=functools.partial(chores.make_shown, shape=image.shape),
                priority=EXPLAIN,
            )
        for task in list(self._tasks.values()):
            self._desk.bridge.run(task)
        self._show_maps()
        self.refreshed.emit()

    def cancel(self) -> None:
        """Stop all runs; finished maps stay."""
        self._stop_foreseeing()
        self._cancel_all()
        self._show_maps()

    def _cancel_all(self) -> None:
        # The last one first: one that waits must not begin when the one before it is stopped.
        for task in reversed(list(self._tasks.values())):
            task.cancel()

    def _cancel_one(self, one: Asked) -> None:
        if one in self._tasks:
            self._tasks[one].cancel()

    def _watch(self, task: Task) -> None:
        """Show the progress of a run."""
        for one, mine in self._tasks.items():
            pane = self._panes.get(one)
            if mine is task and pane is not None and not task.state.finished:
                self._show(one, pane)

    def _grow(self, one: Asked, shown: ShownMap) -> None:
        self._growing[one] = shown

    def _ended(self, one: Asked) -> None:
        self._tasks.pop(one, None)
        self._growing.pop(one, None)
        pane = self._panes.get(one)
        if self.is_open and pane is not None:
            self._show(one, pane)
            self._tell()
        self.refreshed.emit()

    def _done(self, one: Asked, key: Key, found: Compared) -> None:
        self._found[key] = found
        self._trim()
        self._ended(one)

    def _failed(self, one: Asked, failure: Failure) -> None:
        self._ended(one)
        self._fail(one, one_line(str(failure)))

    def _trim(self) -> None:
        def size(found: Compared) -> int:
            return 0 if found.map is None else 2 * found.map.values.nbytes

        total = sum(map(size, self._found.values()))
        while total > KEPT_BYTES and len(self._found) > len(self._panes):
            total -= size(self._found.popitem(last=False)[1])

    def _tell(self) -> None:
        """Say how many maps there are and how long the rest will take."""
        made = [one for one in self._panes if (r := self.result(one)) is not None and r.map]
        todo = self.left()
        seconds = [p.seconds for one in todo if (p := self._prospect(one)) is not None]
        known = [one for one in seconds if one is not None]
        parts = [f"{len(made)} of {len(self._panes)} maps"]
        if todo and len(known) == len(todo):
            parts.append(f"≈ {duration(sum(known))} to go")
        whole = len(self.page.models.names) * len(self.page.targets.names)
        if whole * len(self.page.methods.names) > MOST:
            parts.append(f"the first {MOST} alone are shown")
        self.page.say(" · ".join(parts))
        steps = (self._run - len(self._tasks), self._run) if self.busy else None
        self.page.show_run(steps, bool(todo) and self._classifying.classifier is not None)
        self.page.offer(len(made) > 0, len(made) > 0)
        maps = [found.map for one in made if (found := self.result(one)) is not None]
        self._mapping.style_also(
            bool(maps), any(shown is not None and shown.outline is not None for shown in maps)
        )
        self.refreshed.emit()

    # -- cursor

    def _point(self, canvas: Canvas, at: Point | None) -> None:
        self.value = None
        for one, pane in self._panes.items():
            found = self.result(one)
            shown = self._growing.get(one) if found is None else found.map
            value = None if shown is None or at is None else shown.at(*at)
            pane.show_value(value)
            if pane.canvas is canvas:
                self.value = value
        self.pointed.emit(at)

    def set_frozen(self, frozen: bool) -> None:
        """Keep the cursor where it is on all panes, or follow the pointer again."""
        for canvas in self._linked.canvases:
            canvas.set_frozen(frozen)

    # -- blinking

    def set_blinking(self, blinking: bool) -> None:
        """Show the maps (the marked ones, if any are) one after the other in one place."""
        blinking = blinking and self.is_open
        shown = [one for one in self._panes if (r := self.result(one)) is not None and r.map]
        marked: list[Asked | None] = [one for one in shown if self._panes[one].is_marked]
        if self._picture is not None and self._picture.is_marked:
            marked.insert(0, None)
        if blinking and not shown:
            blinking = False
        # One map alone blinks against the galaxy.
        sequence = marked or list(shown)
        self._blinking = ([None, *sequence] if len(sequence) == 1 else sequence) if blinking else []
        if blinking:
            self._blink.start()
            self._step(0)
        else:
            self._blink.stop()
            self.page.show_blinking(False)

    def _step(self, by: int) -> None:
        if not self._blinking:
            return
        if by < 0:
            self._blinking = [self._blinking[-1], *self._blinking[:-1]]
        elif by > 0:
            self._blinking = [*self._blinking[1:], self._blinking[0]]
        if self._blink.isActive() and by:
            self._blink.start()
        one = self._blinking[0]
        found = None if one is None else self.result(one)
        shown = None if found is None else found.map
        self._overlay(self.page.large, shown)
        name = "Galaxy"
        if one is not None:
            name = " · ".join(part for part in (TITLES[one.method], one.target, one.model) if part)
        self.page.show_blinking(True, name)

    def stop(self) -> None:
        """Stop blinking, before the window closes."""
        self._blink.stop()

    # -- out of here

    def _open_single(self, one: Asked) -> None:
        """Leave, with a map of the comparison in the single view."""
        found, galaxy = self.result(one), self._desk.workspace.current
        if found is None or found.map is None or galaxy is None:
            return
        self.set_open(False)
        self._explaining.show_map(galaxy, found.map)

    def ask_export(self) -> None:
        """Ask for a file and draw the grid to it."""
        galaxy = self._desk.workspace.current
        if galaxy is None or galaxy.image is None:
            return
        name = galaxy.path.with_name(f"{galaxy.path.stem}-compared.png")
        path = dialogs.ask_figure_name(self._desk.window, name)
        if path is not None:
            self.export(path)

    def export(self, path: Path) -> None:
        """Draw the grid, as it stands, to a file."""
        image = self._image()
        if image is None:
            return
        panes = [pane_of(None, None, "")] if self._picture is not None else []
        for one in self._panes:
            found = self.result(one)
            if found is None:
                prospect = self._prospect(one)
                if prospect is None or prospect.verdict != "refused":
                    continue
                found = Compared(prospect)
            panes.append(pane_of(one, found, self._subtitle(one), self._mapping.style.segments))
        self._desk.bridge.run(
            Task(
                "Export figure",
                path,
                IO,
                functools.partial(
                    export, path, chores.worker_copy(image), panes, self._columns(), self._box()
                ),
                done=lambda _: self._desk.say(f"Figure written to {path.name}"),
            )
        )

    def _columns(self) -> int | None:
        complete = all(self.result(one) is not None for one in self._panes)
        return self.page.grid.columns if complete else None

    def _box(self) -> Box | None:
        """Part of the picture that the panes show; None for all of it, or where it is turned."""
        panes: Sequence[Pane] = self._all()
        return panes[0].canvas.shown_box() if panes else None
