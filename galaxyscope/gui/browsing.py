"""Opening files and folders, and going from one galaxy to the next."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from galaxyscope.gui import chores, chores_session
from galaxyscope.gui.bridge import Task
from galaxyscope.gui.canvas import Canvas
from galaxyscope.gui.desk import Desk, one_line
from galaxyscope.gui.listing import Listed, list_pictures
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.gallery import Gallery, shown_name
from galaxyscope.gui.panels.thumbnail_delegate import SIDE
from galaxyscope.records.store import is_session_name
from galaxyscope.resources import samples_folder
from galaxyscope.sky.image import Plane
from galaxyscope.work.jobs import Failure
from galaxyscope.work.lanes import IO

OPEN_PRIORITY = 10
CHIPS = 3
# In remarks of the readers that say where a value was found.
FOUND = "from header keyword"
FILTER = (
    "Pictures of galaxies (*.fits *.fit *.fts *.fz *.gz *.bz2 *.jpg *.jpeg *.png *.tif *.tiff)"
    ";;All files (*)"
)


class Browsing(QObject):
    """See the module.

    Parameters
    ----------
    desk : Desk
    canvas : Canvas
    gallery : Gallery

    Signals
    -------
    models_given : tuple of Path, model folders that were opened or dropped among pictures
    session_given : Path, a session that was
    """

    models_given = Signal(object)
    session_given = Signal(object)

    def __init__(self, desk: Desk, canvas: Canvas, gallery: Gallery) -> None:
        super().__init__(desk.window)
        self._desk, self._canvas, self._gallery = desk, canvas, gallery
        self._shown: Galaxy | None = None
        self._reading: Task | None = None
        gallery.chosen.connect(desk.workspace.select)
        gallery.model.thumbnail_wanted.connect(self._want_thumbnail)
        canvas.files_dropped.connect(self.open)
        canvas.display_changed.connect(self._keep_display)
        desk.workspace.current_changed.connect(self._show)
        desk.workspace.changed.connect(self._changed)

    # -- what is on the list

    def open(self, paths: Sequence[Path | str]) -> None:
        """Open files and folders: one file shows its folder in the gallery."""
        given = [Path(path) for path in paths if not is_session_name(path)]
        if found := [Path(path) for path in paths if is_session_name(path)]:
            self.session_given.emit(found[0])
        if not given:
            return
        if self._desk.workspace.blind:
            self._desk.say("End the blind series before opening other files")
            return
        self._desk.bridge.run(
            Task(
                "Open",
                given[0],
                IO,
                functools.partial(list_pictures, given),
                done=functools.partial(self._list, given),
                failed=functools.partial(self._could_not_list, given[0]),
                key="list",
                priority=OPEN_PRIORITY,
                quiet=True,
            )
        )

    def ask_files(self) -> None:
        """Let the user choose files."""
        paths, _ = QFileDialog.getOpenFileNames(
            self._desk.window, "Open files", self._start_folder(), FILTER
        )
        self.open(paths)

    def ask_folder(self) -> None:
        """Let the user choose a folder."""
        path = QFileDialog.getExistingDirectory(
            self._desk.window, "Open folder", self._start_folder()
        )
        if path:
            self.open([path])

    def open_samples(self) -> None:
        """Open the simulated galaxies that ship with the program."""
        self.open([samples_folder()])

    def previous(self) -> None:
        """Show the galaxy before this one in the gallery."""
        self._step(-1)

    def next(self) -> None:
        """Show the galaxy after this one in the gallery."""
        self._step(1)

    def choose_plane(self, plane: Plane) -> None:
        """Show another picture of the same file."""
        galaxy = self._desk.workspace.current
        if galaxy is not None and galaxy.image is not None and galaxy.image.plane != plane:
            galaxy.forget_picture()
            galaxy.plane = plane
            self._show(galaxy)

    def read_again(self) -> None:
        """Read the shown file once more."""
        galaxy = self._desk.workspace.current
        if galaxy is not None:
            galaxy.forget_pixels()
            galaxy.error = ""
            self._show(galaxy)

    def _start_folder(self) -> str:
        folder = self._desk.workspace.folder
        return str(folder) if folder is not None else ""

    def _step(self, by: int) -> None:
        galaxy = None if self._desk.workspace.blind else self._gallery.step(by)
        if galaxy is not None:
            self._desk.workspace.select(galaxy)

    def _list(self, given: list[Path], found: Listed) -> None:
        if found.models:
            self.models_given.emit(found.models)
        paths, folder, first = found.paths, found.folder, found.first
        if not paths:
            if found.models:
                return
            name = shown_name(given[0]) or str(given[0])
            self._desk.say(f"{name}: there are no pictures in this folder")
            if self._desk.workspace.current is None:
                self._canvas.set_message("No pictures here", f"{name} holds none", "empty")
            return
        pictures = [p for p in given if not {p.absolute(), p.absolute().parent} & {*found.models}]
        for path in pictures[:3]:
            self._desk.settings.add_recent(path.absolute())
        workspace = self._desk.workspace
        workspace.list(paths, folder)
        self.look_up_measured()
        workspace.select(workspace.find(first) if first is not None else None)

    def look_up_measured(self) -> None:
        """Find out for the gallery which of the listed files have measurements."""
        self._desk.bridge.run(
            Task(
                "Look up measurements",
                None,
                chores.SESSION,
                functools.partial(chores_session.measured_files, self._desk.session),
                done=self._mark_measured,
                quiet=True,
            )
        )

    def _could_not_list(self, path: Path, failure: Failure) -> None:
        self._desk.say(one_line(f"{shown_name(path)}: {failure}"))

    def _mark_measured(self, files: dict[str, frozenset[str]]) -> None:
        for galaxy in self._desk.workspace.galaxies:
            kinds = files.get(str(galaxy.path))
            if kinds and not galaxy.measured_by:
                galaxy.measured_by = kinds
                self._desk.workspace.tell(galaxy, "state")

    # -- the one that is shown

    def _show(self, galaxy: Galaxy | None) -> None:
        self._leave()
        self._shown = galaxy
        if galaxy is None:
            self._canvas.set_image(None)
        elif galaxy.image is not None:
            self._paint(galaxy)
        elif galaxy.error:
            self._paint_error(galaxy)
        else:
            # In a blind series a name may say too much.
            name = "" if self._desk.workspace.blind else f" {shown_name(galaxy.path)}"
            self._canvas.set_message("", f"Reading{name} …", "loading")
            self._reading = self._desk.bridge.run(
                Task(
                    "Open",
                    galaxy.path,
                    IO,
                    functools.partial(
                        chores.read_picture, galaxy.path, galaxy.plane, self._desk.session
                    ),
                    done=functools.partial(self._read, galaxy),
                    failed=functools.partial(self._could_not_read, galaxy),
                    key="picture",
                    priority=OPEN_PRIORITY,
                    quiet=True,
                )
            )

    def _leave(self) -> None:
        if self._shown is not None and self._canvas.image is not None:
            self._shown.view = self._canvas.view_state()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _read(self, galaxy: Galaxy, picture: chores.Picture) -> None:
        galaxy.file_image, galaxy.image = picture.file_image, picture.image
        galaxy.suits, galaxy.records = picture.display, picture.records
        galaxy.plane = picture.image.plane
        galaxy.measured_by = frozenset(record.kind for record in picture.records)
        if galaxy is self._shown:
            self._paint(galaxy)

    def _paint(self, galaxy: Galaxy) -> None:
        before = self._canvas.image
        assert galaxy.image is not None
        now = self._canvas.display
        self._canvas.set_image(galaxy.image, keep_view=True)
        if galaxy.view is not None and (before is None or before.shape != galaxy.image.shape):
            self._canvas.set_view_state(galaxy.view)
        # A stretch goes on to the next picture of the same kind; values set by hand belong
        # to the picture they were set for.
        alike = before is not None and before.full_scale == galaxy.image.full_scale
        if galaxy.display is not None:
            self._canvas.set_display(galaxy.display)
        elif galaxy.suits is not None and not (alike and now and now.limits != "manual"):
            self._canvas.set_display(galaxy.suits)
        self._show_chips(galaxy)
        self._desk.workspace.tell(galaxy, "image")

    def _show_chips(self, galaxy: Galaxy) -> None:
        """Say on the canvas what a careful reader should know about the file."""
        if galaxy.image is not None:
            # Where a value was found is for the status bar; chips are for what may mislead.
            notes = [note for note in galaxy.image.notes if FOUND not in note]
            if galaxy.image.scale is None:
                notes.insert(0, "no pixel scale: pixels only")
            self._canvas.set_chips([one_line(note) for note in notes[:CHIPS]])

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if what == "scale" and galaxy is self._shown:
            self._canvas.set_image(galaxy.image)
            self._show_chips(galaxy)

    def _could_not_read(self, galaxy: Galaxy, failure: Failure) -> None:
        galaxy.error = one_line(str(failure))
        if galaxy is self._shown:
            self._paint_error(galaxy)

    def _paint_error(self, galaxy: Galaxy) -> None:
        self._canvas.set_image(None)
        self._canvas.set_chips([])
        self._canvas.set_message("This file cannot be shown", galaxy.error, "failed")
        self._desk.workspace.tell(galaxy, "image")

    def _keep_display(self, display: object) -> None:
        if self._shown is not None:
            self._shown.display = self._canvas.display

    # -- thumbnails

    def _want_thumbnail(self, galaxy: Galaxy) -> None:
        """Decode what the gallery is painting."""
        self._desk.bridge.run(
            Task(
                "Thumbnail",
                galaxy.path,
                IO,
                functools.partial(chores.make_thumbnail, galaxy.path, 2 * SIDE),
                done=functools.partial(self._show_thumbnail, galaxy),
                failed=functools.partial(self._no_thumbnail, galaxy),
                quiet=True,
            )
        )

    def _show_thumbnail(self, galaxy: Galaxy, image: QImage) -> None:
        self._gallery.model.set_thumbnail(galaxy.path, image)

    def _no_thumbnail(self, galaxy: Galaxy, failure: Failure) -> None:
        galaxy.error = galaxy.error or one_line(str(failure))
        self._desk.workspace.tell(galaxy, "state")
