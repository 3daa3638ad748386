"""Lines and rows: drawing, changing and deleting them, scale and redshift; all undoable."""

from __future__ import annotations

import dataclasses
import functools
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from galaxyscope import __version__
from galaxyscope.gui import chores, chores_session, dialogs
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.canvas import Canvas, CanvasLine, Ends
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.keeping import Keeping
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.measurements import MeasurementsPanel
from galaxyscope.gui.panels.workflow import WorkflowDialog
from galaxyscope.gui.rows import length_of_ends, line_label, who, width_label
from galaxyscope.gui.saving import ask_where
from galaxyscope.gui.undo import Change
from galaxyscope.measure.results import LineMeasurement
from galaxyscope.records.commands import line_command
from galaxyscope.records.edits import Delete, DrawLine, SetWidth, Tell
from galaxyscope.records.record import Record, now, provenance_text
from galaxyscope.work.lanes import IO

# Key of a width line on the canvas: that of its row, and this.
WIDTH = "/width"
HINT = "Press M to measure the bar on its map, or L and drag along it."


class Measuring(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    keeping : Keeping
    canvas : Canvas
    panel : MeasurementsPanel
    """

    def __init__(
        self, desk: Desk, keeping: Keeping, canvas: Canvas, panel: MeasurementsPanel
    ) -> None:
        super().__init__(desk.window)
        self._desk, self._keeping, self._canvas, self._panel = desk, keeping, canvas, panel
        self._look: tuple[str, int] | None = None
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
        if self._desk.workspace.look and any(
            task.lane == chores.SESSION for task in self._desk.bridge.running
        ):
            return  # the line of this look is on its way to the disk
        record_id = uuid.uuid4().hex
        marks: dict[str, Any] = {}
        if self._look is not None:
            marks = {"blind_series": self._look[0], "blind_look": self._look[1]}
            self._desk.workspace.set_look(record_id)
        observer = self._desk.settings.observer
        self._keep_line(galaxy, "draw line", record_id, ends, observer, marks=marks)
        if self.asks_width:
            self._canvas.set_tool("width")

    @property
    def asks_width(self) -> bool:
        """Whether a line across the bar is asked for after each line along it."""
        if self._width_of_look is not None:
            return self._width_of_look
        return self._desk.settings.flag("width_lines")

    def set_asks_width(self, asks: bool) -> None:
        """Ask for a line across the bar after each line along it, or not."""
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
        assert galaxy.image is not None
        plain = None if ends is None else _plain(ends)
        text = "delete width" if ends is None else "draw width"
        edit = SetWidth(galaxy.image.sha256, galaxy.plane_key, record.id, plain)
        self._keeping.do(galaxy, text, edit, f"{record.id}{WIDTH}" if plain else "")

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
        self._keep_line(galaxy, "change line", record_id, ends, before.observer, record_id)

    def _keep_line(
        self,
        galaxy: Galaxy,
        text: str,
        key: str,
        ends: Ends,
        observer: str,
        merge_key: str = "",
        marks: Mapping[str, Any] | None = None,
    ) -> None:
        assert galaxy.image is not None
        galaxy.selected = key
        image, line = (
            chores.worker_copy(galaxy.image),
            LineMeasurement(_plain(ends), observer, now()),
        )
        command = line_command(image, line.ends, observer)
        self._keeping.do(galaxy, text, DrawLine(image, line, key, marks or {}), merge_key, command)

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
            self._keeping.do(galaxy, f"delete {who(record)}", Delete((record_id,)))

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

    def _set(self, text: str, **change: float | None) -> None:
        galaxy = self._desk.workspace.current
        if galaxy is not None and galaxy.file_image is not None:
            image = chores.worker_copy(galaxy.file_image)
            self._keeping.do(galaxy, text, Tell(image, galaxy.plane_key, change))

    # -- export

    def ask_export(self) -> None:
        """Let the user choose a file and write the measurements of the whole list."""
        folder = self._desk.workspace.folder or Path.home()
        path = ask_where(dialogs.ask_table_name, self._desk, folder / "measurements.csv")
        if path is not None:
            self.export(path)

    def ask_export_galaxy(self) -> None:
        """Let the user choose a file and write the measurements of the shown galaxy."""
        galaxy = self._desk.workspace.current
        if galaxy is not None:
            path = ask_where(dialogs.ask_table_name, self._desk, galaxy.path.with_suffix(".csv"))
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
                functools.partial(chores_session.export, self._desk.session, files, path),
                done=lambda rows: self._desk.say(
                    f"{rows} {'row' if rows == 1 else 'rows'} written to {path.name}"
                ),
                failed=lambda failure: self._desk.say(one_line(f"Export failed: {failure}")),
            )
        )

    def ask_script(self) -> None:
        """Let the user choose a file and write a script that makes the table of the list again."""
        folder = self._desk.workspace.folder or Path.home()
        path = ask_where(dialogs.ask_script_name, self._desk, folder / "measurements.py")
        if path is not None:
            self.export_script(path)

    def export_script(self, path: Path) -> None:
        """Write a script that makes the table of all rows on the list again."""
        files = [str(galaxy.path) for galaxy in self._desk.workspace.galaxies]
        self._desk.bridge.run(
            Task(
                "Export script",
                path,
                chores.SESSION,
                functools.partial(chores_session.export_script, self._desk.session, files, path),
                done=lambda rows: self._desk.say(
                    f"{path.name} makes {rows} {'row' if rows == 1 else 'rows'} again"
                ),
                failed=lambda failure: self._desk.say(one_line(f"Export failed: {failure}")),
            )
        )

    def show_workflow(self) -> None:
        """Show what was done, step by step."""
        self._keeping.queue(
            "Look up steps",
            self._desk.session.steps,
            done=lambda steps: WorkflowDialog(self._desk.window, steps).open(),
        )

    def ask_picture(self) -> None:
        """Save what the canvas shows as a PNG file."""
        galaxy = self._desk.workspace.current
        if galaxy is None or galaxy.image is None:
            return
        path = ask_where(dialogs.ask_picture_name, self._desk, galaxy.path.with_suffix(".png"))
        if path is not None:
            picture = self._canvas.grab_image()
            # PNG's own place for such things; programs that do not know it pass over it.
            picture.setText("Software", f"GalaxyScope {__version__}")
            picture.setText("Source", json.dumps([str(galaxy.path), galaxy.image.sha256]))
            made = "\n".join(map(provenance_text, galaxy.records))
            picture.setText("Provenance", made)
            self._desk.bridge.run(
                Task(
                    "Save picture",
                    path,
                    IO,
                    functools.partial(chores.save_picture, picture, path),
                    done=lambda _: self._desk.say(f"Picture written to {path.name}"),
                )
            )

    def _record(self, galaxy: Galaxy | None, record_id: str) -> Record | None:
        records = () if galaxy is None else galaxy.records
        return next((record for record in records if record.id == record_id), None)

    # -- showing

    def _changed(self, galaxy: Galaxy, what: str) -> None:
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
