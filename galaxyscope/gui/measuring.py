"""Lines and rows: drawing, changing and deleting them, scale and redshift; all undoable."""

from __future__ import annotations

import dataclasses
import functools
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from galaxyscope.gui import chores, dialogs
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.canvas import Canvas, CanvasLine, Ends
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.measurements import MeasurementsPanel
from galaxyscope.gui.rows import length_of_ends, line_label, who, width_label
from galaxyscope.gui.undo import Change
from galaxyscope.measure.results import LineMeasurement
from galaxyscope.records.drawn import redrawn, with_width
from galaxyscope.records.record import Record, now, record_of_line
from galaxyscope.records.store import ImageSettings
from galaxyscope.work.lanes import IO

# Key of a width line on the canvas: that of its row, and this.
WIDTH = "/width"
HINT = "Press E to measure the bar on the map, or L and drag along it."


class Measuring(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    canvas : Canvas
    panel : MeasurementsPanel
    """

    def __init__(self, desk: Desk, canvas: Canvas, panel: MeasurementsPanel) -> None:
        super().__init__(desk.window)
        self._desk, self._canvas, self._panel = desk, canvas, panel
        self._late: set[Galaxy] = set()
        self._look: tuple[str, int] | None = None
        self._ask_width = desk.settings.flag("width_lines")
        self._width_of_look: bool | None = None
        canvas.line_drawn.connect(self.draw)
        canvas.line_changed.connect(self.change)
        canvas.line_delete_requested.connect(self.delete)
        canvas.line_selected.connect(self._select)
        panel.record_selected.connect(self._select)
        desk.workspace.changed.connect(self._changed)
        desk.workspace.current_changed.connect(lambda _galaxy: self._show())
        desk.workspace.blind_changed.connect(self._show)
        self._show()

    @property
    def selected(self) -> str | None:
        """Id of the selected row of the shown galaxy."""
        galaxy = self._desk.workspace.current
        return None if galaxy is None else galaxy.selected

    # -- lines

    def draw(self, ends: Ends) -> None:
        """Keep a line that was drawn on the canvas."""
        galaxy = self._desk.workspace.current
        if galaxy is None or galaxy.image is None:
            return
        if self._canvas.tool == "width":
            self._draw_width(galaxy, ends)
            return
        if self._desk.workspace.look and self._desk.workspace.seen(galaxy):
            # One look, one line: another takes its place.
            self.change(self._desk.workspace.look, ends)
            return
        if self._look is not None and any(
            task.lane == chores.SESSION for task in self._desk.bridge.running
        ):
            return  # the line of this look is on its way to the disk
        session, observer = self._desk.session, self._desk.settings.observer
        image, record_id = chores.worker_copy(galaxy.image), uuid.uuid4().hex
        line = LineMeasurement(_plain(ends), observer, now())
        galaxy.selected = record_id
        marks: dict[str, Any] = {"id": record_id}
        if self._look is not None:
            marks |= {"blind_series": self._look[0], "blind_look": self._look[1]}
            self._desk.workspace.set_look(record_id)

        def add() -> None:
            try:
                session.restore(record_id)
            except KeyError:  # the first time
                session.add(dataclasses.replace(record_of_line(image, line), **marks))

        self.push(galaxy, "draw line", add, functools.partial(session.delete, record_id))
        if self.asks_width:
            self._canvas.set_tool("width")

    @property
    def asks_width(self) -> bool:
        """Whether a line across the bar is asked for after each line along it."""
        return self._ask_width if self._width_of_look is None else self._width_of_look

    def set_asks_width(self, asks: bool) -> None:
        """Ask for a line across the bar after each line along it, or not."""
        self._ask_width = asks
        self._desk.settings.set("width_lines", asks)

    def begin_look(self, look: tuple[str, int] | None, width: bool | None = None) -> None:
        """Mark the lines that are drawn from now on as those of a look of a blind series.

        Parameters
        ----------
        look : (str, int) or None
            Name of the series and which look at the galaxy it is; None ends that.
        width : bool, optional
            Whether the series asks for widths.
        """
        self._look, self._width_of_look = look, width

    def _draw_width(self, galaxy: Galaxy, ends: Ends) -> None:
        """Keep a line across the bar with the selected line along it, or the last one drawn."""
        rows = [r for r in self._desk.workspace.seen(galaxy) if r.kind == "drawn" and r.ends]
        chosen = [r for r in rows if r.id == galaxy.selected] or rows[-1:]
        if not chosen:
            self._desk.say("Draw the line along the bar first; its width belongs to it")
            return
        self._set_width(galaxy, chosen[0], ends)
        if self.asks_width:
            self._canvas.set_tool("line")

    def _set_width(self, galaxy: Galaxy, record: Record, ends: Ends | None) -> None:
        session = self._desk.session
        plain = None if ends is None else _plain(ends)

        def replace() -> None:
            current = next(r for r in session.records(record.image_sha256) if r.id == record.id)
            session.replace(with_width(current, plain))

        back = functools.partial(session.replace, record)
        text = "delete width" if ends is None else "draw width"
        self.push(galaxy, text, replace, back, merge_key=f"{record.id}{WIDTH}" if plain else "")

    def change(self, record_id: str, ends: Ends) -> None:
        """Keep the new ends of a drawn line."""
        galaxy = self._desk.workspace.current
        if record_id.endswith(WIDTH):
            row = self._record(galaxy, record_id.removesuffix(WIDTH))
            if galaxy is not None and row is not None:
                self._set_width(galaxy, row, ends)
            return
        before = self._record(galaxy, record_id)
        if galaxy is None or galaxy.image is None or before is None or before.kind != "drawn":
            return
        session, image = self._desk.session, chores.worker_copy(galaxy.image)
        line = LineMeasurement(_plain(ends), before.observer, now())

        def replace() -> None:
            session.replace(redrawn(before, image, line))

        back = functools.partial(session.replace, before)
        self.push(galaxy, "change line", replace, back, merge_key=record_id)

    def delete(self, record_id: str) -> None:
        """Delete a row, or the width line of one."""
        galaxy = self._desk.workspace.current
        if record_id.endswith(WIDTH):
            row = self._record(galaxy, record_id.removesuffix(WIDTH))
            if galaxy is not None and row is not None:
                self._set_width(galaxy, row, None)
            return
        record = self._record(galaxy, record_id)
        if galaxy is not None and record is not None:
            session = self._desk.session
            self.push(
                galaxy,
                f"delete {who(record)}",
                functools.partial(session.delete, record_id),
                functools.partial(session.restore, record_id),
            )

    def delete_selected(self) -> None:
        """Delete the selected row."""
        if self.selected is not None:
            self.delete(self.selected)

    # -- what the user knows of a galaxy

    def ask_scale(self) -> None:
        """Let the user say how large a pixel is."""
        galaxy = self._desk.workspace.current
        if galaxy is not None and galaxy.image is not None and galaxy.file_image is not None:
            now_, of_file = galaxy.image.scale, galaxy.file_image.scale
            answer = dialogs.ask_scale(self._desk.window, now_, of_file)
            if answer is not None:
                self.set_scale(answer.value)

    def ask_redshift(self) -> None:
        """Let the user say how far the galaxy is."""
        galaxy = self._desk.workspace.current
        if galaxy is not None and galaxy.image is not None:
            answer = dialogs.ask_redshift(self._desk.window, galaxy.image.redshift)
            if answer is not None:
                self.set_redshift(answer.value)

    def set_scale(self, arcsec_per_px: float | None) -> None:
        """Set the pixel scale of the shown galaxy; None goes back to that of the file."""
        self._set("set pixel scale", scale_arcsec_per_px=arcsec_per_px)

    def set_redshift(self, redshift: float | None) -> None:
        """Set the redshift of the shown galaxy; None goes back to that of the file."""
        self._set("set redshift", redshift=redshift)

    def ask_observer(self) -> None:
        """Let the user say who draws."""
        answer = dialogs.ask_observer(self._desk.window, self._desk.settings.observer)
        if answer:
            self.set_observer(answer)

    def set_observer(self, name: str) -> None:
        """Set who draws from now on."""
        settings = self._desk.settings
        before = settings.observer
        if name != before:
            say = functools.partial(settings.set, "observer")
            self._desk.undo.push(
                Change("set observer", functools.partial(say, name), functools.partial(say, before))
            )

    def _set(self, text: str, **change: Any) -> None:
        galaxy = self._desk.workspace.current
        if galaxy is None or galaxy.file_image is None:
            return
        session, file_image = self._desk.session, chores.worker_copy(galaxy.file_image)
        sha256 = file_image.sha256
        kept: list[tuple[ImageSettings, list[Record]]] = []

        def forward() -> None:
            old = session.settings(sha256)
            kept.append((old, session.records(sha256)))
            new = dataclasses.replace(old, **change)
            session.set_settings(sha256, new)
            image = chores.with_settings(file_image, new)
            for record in session.records(sha256, galaxy.plane_key):
                session.replace(chores.rescaled(record, image))

        def backward() -> None:
            old, rows = kept.pop()
            session.set_settings(sha256, old)
            for record in rows:
                session.replace(record)

        self.push(galaxy, text, forward, backward)

    # -- export

    def ask_export(self) -> None:
        """Let the user choose a file and write the measurements of the whole list."""
        folder = self._desk.workspace.folder or Path.home()
        path = dialogs.ask_table_name(self._desk.window, folder / "measurements.csv")
        if path is not None:
            self.export(path)

    def ask_export_galaxy(self) -> None:
        """Let the user choose a file and write the measurements of the shown galaxy."""
        galaxy = self._desk.workspace.current
        if galaxy is not None:
            path = dialogs.ask_table_name(self._desk.window, galaxy.path.with_suffix(".csv"))
            if path is not None:
                self.export(path, [galaxy])

    def export(self, path: Path, galaxies: list[Galaxy] | None = None) -> None:
        """Write rows as the suffix says: CSV, ECSV, VOTable or DS9 regions.

        Parameters
        ----------
        path : Path
        galaxies : list of Galaxy, optional
            Whose rows; default: all on the list.
        """
        wanted = self._desk.workspace.galaxies if galaxies is None else galaxies
        files = [str(galaxy.path) for galaxy in wanted]
        self._desk.bridge.run(
            Task(
                "Export",
                path,
                # Behind everything that is still to be kept.
                chores.SESSION,
                functools.partial(chores.export, self._desk.session, files, path),
                done=lambda rows: self._desk.say(
                    f"{rows} {'row' if rows == 1 else 'rows'} written to {path.name}"
                ),
                failed=lambda failure: self._desk.say(one_line(f"Export failed: {failure}")),
            )
        )

    def ask_picture(self) -> None:
        """Save what the canvas shows as a PNG file."""
        galaxy = self._desk.workspace.current
        if galaxy is None:
            return
        path = dialogs.ask_picture_name(self._desk.window, galaxy.path.with_suffix(".png"))
        if path is not None:
            picture = self._canvas.grab_image()
            self._desk.bridge.run(
                Task(
                    "Save picture",
                    path,
                    IO,
                    functools.partial(chores.save_picture, picture, path),
                    done=lambda _: self._desk.say(f"Picture written to {path.name}"),
                )
            )

    # -- keeping

    def push(
        self,
        galaxy: Galaxy,
        text: str,
        forward: Callable[[], Any],
        backward: Callable[[], Any],
        merge_key: str = "",
    ) -> None:
        """Make an undoable change of what is kept for a galaxy, whose picture is there.

        Parameters
        ----------
        galaxy : Galaxy
        text : str
            What the menu says after *Undo*.
        forward, backward : callable
            Run on the session's lane.
        merge_key : str
            As in `Change`.
        """
        image = galaxy.image
        assert image is not None
        picture = (image.sha256, galaxy.plane_key)
        self._desk.undo.push(
            Change(
                text,
                functools.partial(self._run, galaxy, picture, text, forward),
                functools.partial(self._run, galaxy, picture, f"undo {text}", backward),
                merge_key,
            )
        )

    def _run(
        self, galaxy: Galaxy, picture: tuple[str, str], text: str, step: Callable[[], Any]
    ) -> None:
        """Queue a step behind the others and show what is on disk after it."""
        workspace = self._desk.workspace
        # Undoing something on another galaxy shows that galaxy, so that it is seen.
        if galaxy is not workspace.current and workspace.find(galaxy.path) is galaxy:
            workspace.select(galaxy)
        self._desk.bridge.run(
            Task(
                text.capitalize(),
                galaxy.path,
                chores.SESSION,
                functools.partial(chores.keep, self._desk.session, *picture, step),
                done=functools.partial(self._kept, galaxy, picture),
                quiet=True,
            )
        )

    def _kept(self, galaxy: Galaxy, picture: tuple[str, str], kept: chores.Kept) -> None:
        if galaxy.image is None:
            # Its pixels are being read again, perhaps with rows from before this change.
            self._late.add(galaxy)
            return
        if (galaxy.image.sha256, galaxy.plane_key) != picture:
            return
        if galaxy.file_image is not None:
            image = chores.with_settings(galaxy.file_image, kept.settings)
            if (image.scale, image.redshift) != (galaxy.image.scale, galaxy.image.redshift):
                galaxy.image = image
                self._desk.workspace.tell(galaxy, "scale")
        self._desk.workspace.keep_records(galaxy, kept.records)

    def _record(self, galaxy: Galaxy | None, record_id: str) -> Record | None:
        records = () if galaxy is None else galaxy.records
        return next((record for record in records if record.id == record_id), None)

    # -- showing

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if galaxy in self._late and galaxy.image is not None:
            self._late.discard(galaxy)
            picture = (galaxy.image.sha256, galaxy.plane_key)
            self._run(galaxy, picture, "look up measurements", lambda: None)
        if galaxy is self._desk.workspace.current and what in ("image", "records"):
            self._show()

    def _show(self) -> None:
        """Bring table and canvas in line with the rows of the shown galaxy."""
        galaxy = self._desk.workspace.current
        if galaxy is None or galaxy.image is None:
            self._panel.show_records((), "" if galaxy is None else galaxy.error)
            self._canvas.set_lines([])
            return
        image, records = galaxy.image, self._desk.workspace.seen(galaxy)
        self._panel.show_records(records, HINT)
        blind = self._desk.workspace.blind
        # Who reads a number draws it again at the second look.
        self._canvas.set_length_formatter(
            (lambda _ends: "") if blind else functools.partial(length_of_ends, image)
        )
        automatic = galaxy.automatic
        shown = [r for r in records if r.kind == "drawn" or r is automatic]
        lines = [_canvas_line(r) for r in shown if r.ends is not None]
        lines += [_width_line(r) for r in shown if r.width_ends is not None]
        if blind:
            lines = [dataclasses.replace(line, label="") for line in lines]
        self._canvas.set_lines(lines)
        if galaxy.selected not in {record.id for record in records}:
            galaxy.selected = None
        self._select(galaxy.selected)

    def _select(self, record_id: str | None) -> None:
        galaxy = self._desk.workspace.current
        if galaxy is None:
            return
        row = None if record_id is None else record_id.removesuffix(WIDTH)
        galaxy.selected = row
        self._panel.select(row)
        if record_id != self._canvas.selected_line:
            try:
                self._canvas.select_line(record_id)
            except KeyError:  # a row without a line: no bar, or an older automatic one
                self._canvas.select_line(None)
                galaxy.selected = record_id
                self._panel.select(record_id)
        self._desk.workspace.tell(galaxy, "selection")


def _canvas_line(record: Record) -> CanvasLine:
    assert record.ends is not None
    return CanvasLine(
        record.id,
        record.ends,
        role=record.kind,
        label=line_label(record),
        editable=record.kind == "drawn",
        error_px=record.length_err_px,
    )


def _width_line(record: Record) -> CanvasLine:
    assert record.width_ends is not None
    return CanvasLine(
        f"{record.id}{WIDTH}", record.width_ends, label=width_label(record), editable=True
    )


def _plain(ends: Ends) -> Ends:
    (x1, y1), (x2, y2) = ends
    return (float(x1), float(y1)), (float(x2), float(y2))
