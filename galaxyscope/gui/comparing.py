"""The comparison at work: which maps, and showing them together while they are made."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from galaxyscope.explain.cards import CARDS
from galaxyscope.gui import chores, dialogs
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.canvas import Canvas, Point, ViewState
from galaxyscope.gui.choosing import Choosing
from galaxyscope.gui.classifying import Classifying
from galaxyscope.gui.compare.blinking import Blinking
from galaxyscope.gui.compare.choices import MOST, Choices
from galaxyscope.gui.compare.figure import Shown, export
from galaxyscope.gui.compare.laying import lay, threshold_of
from galaxyscope.gui.compare.linked import Linked
from galaxyscope.gui.compare.page import ComparePage
from galaxyscope.gui.compare.pane import Pane
from galaxyscope.gui.compare.results import Results
from galaxyscope.gui.compare.runs import TITLES, Runs
from galaxyscope.gui.compare.telling import summary, told
from galaxyscope.gui.compare.work import Asked
from galaxyscope.gui.desk import Desk
from galaxyscope.gui.explaining import Explaining
from galaxyscope.gui.mapping import Mapping
from galaxyscope.gui.model import Galaxy, ShownMap
from galaxyscope.gui.saving import ask_where
from galaxyscope.work.lanes import IO

if TYPE_CHECKING:
    from galaxyscope.gui.panels.explain import ExplainPanel
    from galaxyscope.sky.image import SkyImage


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
        Has the settings of the methods, and as what targets are explained.

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
        self._desk, self._canvas = desk, canvas
        self._classifying, self._choosing = classifying, choosing
        self._explaining, self._mapping = explaining, mapping
        self.page = page = ComparePage(desk.bridge.draw)
        self.is_open = False
        self.value: float | None = None
        self.choices = Choices(page, choosing, desk.settings, panel, self)
        self.results = Results(self._sha256)
        self.runs = Runs(desk, classifying, choosing, self.results, self)
        self._linked = Linked(self)
        self._blinking = Blinking(self)
        self._before: tuple[Galaxy | None, ViewState] | None = None
        self._panes: dict[Asked, Pane] = {}
        self._picture: Pane | None = None
        page.left.connect(functools.partial(self.set_open, False))
        page.run_requested.connect(self.run)
        page.cancel_requested.connect(self.runs.cancel)
        page.export_requested.connect(self.ask_export)
        page.blink_requested.connect(self.set_blinking)
        page.stepped.connect(self._blinking.step)
        page.large.files_dropped.connect(canvas.files_dropped)
        self.choices.changed.connect(self._build)
        self._blinking.turned.connect(self._show_large)
        self._linked.cursor_moved.connect(self._point)
        classifying.leaving.connect(self.runs.leave_networks)
        classifying.model_changed.connect(self._follow_model)
        desk.workspace.current_changed.connect(self._follow)
        desk.workspace.changed.connect(self._changed)
        self.runs.went_on.connect(self._show_again)
        self.runs.ended.connect(self._ended)
        self.runs.foreseen.connect(self._show_maps)
        mapping.style_changed.connect(self._show_maps)
        mapping.visible_changed.connect(lambda _on: self._show_maps())
        canvas.tool_changed.connect(self._follow_tool)

    # -- open and closed

    def set_open(self, on: bool) -> None:
        """Show the comparison, or the single view as it was."""
        galaxy = self._desk.workspace.current
        on = on and galaxy is not None and galaxy.image is not None
        if on != self.is_open:
            self.is_open = on
            if on:
                self._canvas.set_tool("pan")
                self._before = (galaxy, self._canvas.view_state())
                self._build()
            else:
                self._leave(galaxy)
        self.opened.emit(on)
        self.refreshed.emit()

    def _leave(self, galaxy: Galaxy | None) -> None:
        self.set_blinking(False)
        self.runs.leave_networks()
        self._linked.link([])
        self._canvas.set_cross(None)
        if self._before is not None and self._before[0] is galaxy:
            self._canvas.set_view_state(self._before[1])
        self._mapping.style_also(False, False)
        self.value = None

    def _follow_tool(self, tool: str) -> None:
        """Lines are drawn in the single view."""
        if self.is_open and tool != "pan":
            self.set_open(False)

    # -- networks

    def _sha256(self, model: str) -> str:
        card = self._classifying.card
        if card is not None and model == self._choosing.in_use:
            return card.sha256
        entry = self._choosing.entry(model)
        return "" if entry is None or entry.card is None else entry.card.sha256

    def _follow_model(self) -> None:
        if self._classifying.card is not None:
            self.choices.follow(self._classifying.card)
            self._build()

    # -- the panes

    def _build(self) -> None:
        """Make the panes for what is asked; those that stay keep their place in the run."""
        card = self._classifying.card
        if not self.is_open or card is None:
            return
        self.set_blinking(False)
        self.choices.offer_models(card)
        groups = self.choices.asked()
        wanted = [one for group in groups for one in group]
        self.runs.keep_only(wanted)
        self._linked.link([])
        kept = self._panes
        self._panes = {one: kept.get(one) or self._make_pane(one) for one in wanted}
        for one, pane in self._panes.items():
            pane.subtitle = self.choices.subtitle(one)
        shown: list[list[Pane]] = [[self._panes[one] for one in group] for group in groups]
        if len(groups) == 1:
            if self._picture is None:
                self._picture = Pane("Galaxy", "", "Without a map", self._desk.bridge.draw)
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
        pane.cancel_requested.connect(functools.partial(self.runs.cancel_one, one))
        pane.opened.connect(functools.partial(self._open_single, one))
        pane.canvas.files_dropped.connect(self._canvas.files_dropped)
        return pane

    def _all(self) -> list[Pane]:
        return [*([self._picture] if self._picture is not None else []), *self._panes.values()]

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if galaxy is self._desk.workspace.current and what == "image":
            self._follow(galaxy)

    def _image(self) -> SkyImage | None:
        galaxy = self._desk.workspace.current
        return None if galaxy is None else galaxy.image

    def _follow(self, galaxy: Galaxy | None) -> None:
        """Show another galaxy in all panes, with the maps that were made of it before."""
        if not self.is_open:
            return
        if galaxy is None:
            self.set_open(False)
            return
        image = galaxy.image
        picture = None if image is None else (image.sha256, galaxy.plane_key)
        if picture != self.results.picture:
            self.runs.cancel()
            self.set_blinking(False)
            self.runs.forget_failures()
        self.results.picture = picture
        if image is None:
            return  # it is being read
        self._linked.link([])
        canvases = [self.page.large, *(pane.canvas for pane in self._all())]
        fresh = [canvas for canvas in canvases if canvas.image is not image]
        for canvas in fresh:
            canvas.set_image(image)
        if fresh:
            self._linked.link([self._canvas, *canvases])
        self._link()
        self._show_maps()
        self._foresee()

    # -- maps and states

    def made(self) -> list[Asked]:
        """Return those of which there is a finished map."""
        found = {one: self.results.found(one) for one in self._panes}
        return [one for one, made in found.items() if made is not None and made.map is not None]

    def _show_maps(self) -> None:
        if not self.is_open:
            return
        for one, pane in self._panes.items():
            self._show(one, pane)
        self._blinking.step(0)
        self._tell()

    def _lay(self, canvas: Canvas, shown: ShownMap | None) -> None:
        lay(canvas, self._desk.workspace.current, shown, self._mapping)

    def _show(self, one: Asked, pane: Pane) -> None:
        """Bring a pane in line with what is known of its map."""
        task = self.runs.task(one)
        self._lay(pane.canvas, self.runs.map(one))
        pane.show_progress(None if task is None else task.steps)
        failure = self.runs.failure(one)
        said = told(self.results.found(one), task, self.results.prospect(one), failure)
        pane.show_state(said.state, said.tip)
        pane.warn(said.failed)
        pane.canvas.set_message(text=said.message)
        self._show_value(one, pane)

    def _tell(self) -> None:
        """Say how many maps there are and how long the rest will take."""
        made, todo = self.made(), self.runs.left(self._panes)
        text = summary(
            len(made), *(list(map(self.results.prospect, some)) for some in (self._panes, todo))
        )
        self.page.say(f"{text} · the first {MOST} alone" if self.choices.too_many else text)
        self.page.show_run(self.runs.steps, bool(todo) and self._classifying.classifier is not None)
        self.page.offer(bool(made), bool(made))
        maps = [shown for one in made if (shown := self.runs.map(one)) is not None]
        self._mapping.style_also(bool(maps), any(one.outline is not None for one in maps))
        self.refreshed.emit()

    # -- running

    @property
    def busy(self) -> bool:
        """Whether maps are being made."""
        return self.runs.busy

    def run(self) -> None:
        """Make the maps that are not there yet, one after the other."""
        image, galaxy = self._image(), self._desk.workspace.current
        if image is not None and galaxy is not None:
            self.runs.start(image, galaxy, self._panes)
            self._show_maps()

    def cancel(self) -> None:
        """Stop all runs; finished maps stay."""
        self.runs.cancel()

    def _foresee(self) -> None:
        image = self._image()
        if image is not None:
            self.runs.foresee(image, self._panes)

    def _show_again(self, one: Asked) -> None:
        """Show the progress of a run."""
        if one in self._panes:
            self._show(one, self._panes[one])

    def _ended(self, one: Asked) -> None:
        if self.is_open and one in self._panes:
            self._show(one, self._panes[one])
            self._tell()
        self.refreshed.emit()
        if self.is_open and not self.busy:
            self._foresee()  # what is not known yet of the rest

    # -- cursor

    def _point(self, _canvas: Canvas, at: Point | None) -> None:
        self.value = None
        for one, pane in self._panes.items():
            self._show_value(one, pane)
        self.pointed.emit(at)

    def _show_value(self, one: Asked, pane: Pane) -> None:
        """Show the value of a map under the pointer; that of its own pane is the program's."""
        canvas, at = self._linked.pointer or (None, None)
        shown = self.runs.map(one)
        value = None if shown is None or at is None else shown.at(*at)
        pane.show_value(value)
        if pane.canvas is canvas and value != self.value:
            self.value = value
            self.pointed.emit(at)

    def set_frozen(self, frozen: bool) -> None:
        """Keep the cursor where it is on all panes, or follow the pointer again."""
        for canvas in self._linked.canvases:
            canvas.set_frozen(frozen)

    # -- blinking

    def set_blinking(self, blinking: bool) -> None:
        """Show the maps (the marked ones, if any are) one after the other in one place."""
        made = self.made() if blinking and self.is_open else []
        if not made:
            if self._blinking.on:
                self._blinking.stop()
                self._link()
            self.page.show_blinking(False)
            return
        if not self._blinking.on:
            self._enlarge()
        marked: list[Asked | None] = [one for one in made if self._panes[one].is_marked]
        if self._picture is not None and self._picture.is_marked:
            marked.insert(0, None)
        self._blinking.start(marked or made)

    def _enlarge(self) -> None:
        """Show the field of the panes in the large picture, which is then looked at alone."""
        pane, large, room = self._all()[0].canvas, self.page.large, self.page.stack
        state = pane.view_state()
        factor = min(room.width() / pane.width(), room.height() / pane.height())
        self._linked.link([])
        large.set_north_up(pane.north_up)
        large.set_view_state(dataclasses.replace(state, scale=state.scale * factor))
        self._linked.link([large, self._canvas])

    def _link(self) -> None:
        """Let all panes have one camera: that of the first of them."""
        panes = [pane.canvas for pane in self._all()]
        self._linked.link([*panes, self._canvas, self.page.large])

    def _show_large(self, one: Asked | None) -> None:
        self._lay(self.page.large, None if one is None else self.runs.map(one))
        parts = ["Galaxy"] if one is None else [TITLES[one.method], one.target, one.model]
        self.page.show_blinking(True, " · ".join(parts))

    def stop(self) -> None:
        """Stop blinking, before the window closes."""
        self._blinking.stop()

    # -- out of here

    def _open_single(self, one: Asked) -> None:
        """Leave, with a map of the comparison in the single view."""
        shown, galaxy = self.runs.map(one), self._desk.workspace.current
        if shown is not None and galaxy is not None and one in self.made():
            self.set_open(False)
            self._explaining.show_map(galaxy, shown)

    def ask_export(self) -> None:
        """Ask for a file and draw the grid to it."""
        galaxy = self._desk.workspace.current
        if galaxy is None or galaxy.image is None:
            return
        name = galaxy.path.with_name(f"{galaxy.path.stem}-compared.png")
        path = ask_where(dialogs.ask_figure_name, self._desk, name)
        if path is not None:
            self.export(path)

    def export(self, path: Path) -> None:
        """Draw the grid, as it stands, to a file; what was not made yet is left out."""
        galaxy, image = self._desk.workspace.current, self._image()
        if galaxy is None or image is None:
            return
        results, subtitle = self.results, self.choices.subtitle
        shown = [Shown(one, results.outcome(one), subtitle(one)) for one in self._panes]
        draw = functools.partial(
            export,
            path,
            chores.worker_copy(image),
            shown,
            self.page.grid.columns,
            self._all()[0].canvas.shown_box(),
            galaxy=self._picture is not None,
            style=self._mapping.style,
            threshold=threshold_of(galaxy),
        )
        self._desk.bridge.run(
            Task(
                "Export figure",
                path,
                IO,
                draw,
                done=lambda _: self._desk.say(f"Figure written to {path.name}"),
            )
        )
