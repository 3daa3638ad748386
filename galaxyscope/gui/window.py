"""The main window: wiring only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QUndoStack
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui import chores, dialogs
from galaxyscope.gui.actions import Actions
from galaxyscope.gui.agreeing import Agreeing
from galaxyscope.gui.blind import Blind
from galaxyscope.gui.bridge import Bridge, Task
from galaxyscope.gui.browsing import Browsing
from galaxyscope.gui.canvas import Canvas
from galaxyscope.gui.choosing import Choosing
from galaxyscope.gui.classifying import Classifying
from galaxyscope.gui.comparing import Comparing
from galaxyscope.gui.concepts import Concepts
from galaxyscope.gui.desk import Desk
from galaxyscope.gui.diagnosing import Diagnosing
from galaxyscope.gui.explaining import Explaining
from galaxyscope.gui.importing import Importing
from galaxyscope.gui.keeping import Keeping
from galaxyscope.gui.mapping import Mapping
from galaxyscope.gui.measuring import Measuring
from galaxyscope.gui.model import Galaxy, Workspace
from galaxyscope.gui.palette import Palette
from galaxyscope.gui.panels.agreement import AgreementPanel
from galaxyscope.gui.panels.blind import BlindBar
from galaxyscope.gui.panels.classify import ClassifyPanel
from galaxyscope.gui.panels.display import DisplayPanel
from galaxyscope.gui.panels.explain import ExplainPanel
from galaxyscope.gui.panels.gallery import Gallery
from galaxyscope.gui.panels.jobs import JobsPanel
from galaxyscope.gui.panels.measurements import MeasurementsPanel
from galaxyscope.gui.panels.overlay import OverlayPanel
from galaxyscope.gui.panels.profile import ProfilePanel
from galaxyscope.gui.panels.start import StartPage, local_paths
from galaxyscope.gui.panels.status import StatusBar
from galaxyscope.gui.preferring import Preferring
from galaxyscope.gui.profiling import Profiling
from galaxyscope.gui.sessions import Sessions
from galaxyscope.gui.settings import Settings
from galaxyscope.gui.shell import TopBar, add_dock, set_icons
from galaxyscope.gui.theme import apply_theme
from galaxyscope.records.store import Session
from galaxyscope.work.lanes import Lanes

MESSAGE_MS = 8000
# Room that the window manager's frame may take.
WINDOW_FRAME = QSize(8, 40)
LAYOUT_VERSION = 1


class MainWindow(QMainWindow):
    """Makes the parts and connects them.

    Parameters
    ----------
    session : Session
        Where measurements are kept; closed with the window.
    settings : Settings
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        super().__init__()
        self.setWindowTitle("GalaxyScope")
        self.setMinimumSize(960, 600)
        self.setAcceptDrops(True)
        self.session, self.settings = session, settings
        self.lanes = Lanes(io_threads=2)
        self.bridge = Bridge(self.lanes, self)
        self.workspace = Workspace(self)
        self.undo = QUndoStack(self)
        self.desk = Desk(self, self.bridge, self.workspace, session, settings, self.undo, self.say)
        self.actions_ = Actions(self)
        self.actions_.fill_menu_bar()
        self._make_parts()
        self._place_parts()
        self._connect_parts()
        self._restore()
        self._follow(None)

    # -- parts

    def _make_parts(self) -> None:
        self.canvas = Canvas(later=self.bridge.draw)
        self.start = StartPage()
        self.gallery = Gallery(self.workspace)
        self.classify_panel = ClassifyPanel()
        self.explain_panel = ExplainPanel()
        self.overlay_panel = OverlayPanel()
        self.display_panel = DisplayPanel()
        self.measurements = MeasurementsPanel()
        self.agreement = AgreementPanel()
        self.profile = ProfilePanel()
        self.blind_bar = BlindBar()
        self.jobs = JobsPanel()
        self.status = StatusBar()
        self.browsing = Browsing(self.desk, self.canvas, self.gallery)
        self.classifying = Classifying(self.desk, self.classify_panel)
        self.choosing = Choosing(self.desk, self.classifying)
        self.keeping = Keeping(self.desk)
        self.sessions = Sessions(self)
        self.explaining = Explaining(self.desk, self.keeping, self.classifying, self.explain_panel)
        self.mapping = Mapping(self.desk, self.canvas, self.overlay_panel)
        self.measuring = Measuring(self.desk, self.keeping, self.canvas, self.measurements)
        self.diagnosing = Diagnosing(
            self.desk, lambda: f"{self.choosing.in_use} {self.classifying.device}".strip()
        )
        self.preferring = Preferring(
            self.desk,
            {
                "theme": self._obey_theme,
                "method": self._obey_method,
                "samples": self._obey_method,
                "explain_automatically": self._obey_automatic,
                "width_lines": self._obey_width,
                "algorithm": self._obey_algorithm,
                **dict.fromkeys(("device", "precision", "threads"), self.choosing.load_again),
            },
        )
        self.comparing = Comparing(
            self.desk,
            self.canvas,
            self.classifying,
            self.choosing,
            self.explaining,
            self.mapping,
            self.explain_panel,
        )
        self.concepts = Concepts(self.desk, self.classifying, self.explain_panel.target)
        self.agreeing = Agreeing(self.desk, self.agreement)
        self.profiling = Profiling(self.desk, self.canvas, self.profile)
        self.importing = Importing(self.desk, self.agreeing.refresh)
        self.blind = Blind(self, self.blind_bar)
        self.palette_: Palette | None = None
        self._gave_way: tuple[QDockWidget, ...] = ()

    def _place_parts(self) -> None:
        self.top_bar = TopBar(self.actions_, self.browsing.choose_plane, self)
        self.addToolBar(self.top_bar)
        self.middle = QStackedWidget()
        self.middle.addWidget(self.start)
        self.middle.addWidget(self.canvas)
        self.middle.addWidget(self.comparing.page)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.blind_bar)
        column.addWidget(self.middle, 1)
        self.setCentralWidget(centre)
        self.setStatusBar(self.status)
        # The panels on the right get the full height: there is most to read.
        areas = Qt.DockWidgetArea
        self.setCorner(Qt.Corner.BottomRightCorner, areas.RightDockWidgetArea)
        self.setDockOptions(
            QMainWindow.DockOption.AllowTabbedDocks | QMainWindow.DockOption.AllowNestedDocks
        )
        gallery, _ = add_dock(self, areas.LeftDockWidgetArea, Gallery=self.gallery)
        right, bottom = areas.RightDockWidgetArea, areas.BottomDockWidgetArea
        classify, _ = add_dock(self, right, Classify=self.classify_panel)
        explain, _ = add_dock(self, right, Explain=self.explain_panel)
        overlay, _ = add_dock(self, right, Map=self.overlay_panel, Display=self.display_panel)
        tables, self.tables = add_dock(
            self,
            bottom,
            Measurements=self.measurements,
            Agreement=self.agreement,
            Profile=self.profile,
            Jobs=self.jobs,
        )
        self.tables.give_heights(Measurements=150, Agreement=0.42, Profile=0.34, Jobs=150)
        export = QToolButton(autoRaise=True)
        export.setText("Export")
        export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        names = ("export", "export_galaxy", "export_figure")
        export.addActions([self.actions_[name] for name in names])
        self.tables.corner.addWidget(export)
        # Tab goes through the panels from left to right, and at last to the jobs.
        QWidget.setTabOrder(export, self.status.jobs)
        self._give_way = (gallery, tables)  # to the comparison
        self.resizeDocks([tables], [150], Qt.Orientation.Vertical)
        self._right = (classify, explain, overlay)
        self.resizeDocks([classify], [312], Qt.Orientation.Horizontal)

    def _connect_parts(self) -> None:
        actions, workspace = self.actions_, self.workspace
        self.start.open_requested.connect(self.browsing.ask_files)
        self.start.folder_requested.connect(self.browsing.ask_folder)
        self.start.samples_requested.connect(self.browsing.open_samples)
        self.start.paths_chosen.connect(self.browsing.open)
        self.canvas.cursor_moved.connect(self._show_cursor)
        self.canvas.tool_changed.connect(lambda tool: actions.check(f"tool_{tool}"))
        self.canvas.display_changed.connect(self._show_display)
        self.display_panel.display_changed.connect(self.canvas.change_display)
        self.display_panel.default_requested.connect(self._default_display)
        self.mapping.visible_changed.connect(lambda on: actions.check("overlay", on))
        self.mapping.blinking_changed.connect(lambda on: actions.check("blink", on))
        self.explaining.refreshed.connect(self._follow_current)
        self.comparing.opened.connect(self._compare)
        self.comparing.refreshed.connect(self._follow_current)
        self.comparing.pointed.connect(self._show_cursor)
        self.classifying.model_changed.connect(self._model_changed)
        self.classify_panel.models_requested.connect(self.choosing.open_dialog)
        self.classify_panel.target_chosen.connect(self.explain_panel.target.choose_answer)
        self.explain_panel.target.answer_changed.connect(self.classify_panel.show_target)
        self.browsing.session_given.connect(self.sessions.open)
        self.browsing.models_given.connect(self.choosing.add)
        self.gallery.model.thumbnail_shown.connect(self.classifying.fill_badge)
        self.bridge.task_changed.connect(self.explaining.follow)
        self.bridge.task_changed.connect(self.jobs.show_task)
        self.jobs.count_changed.connect(self._count_jobs)
        self.jobs.retry_requested.connect(self._retry)
        self.status.jobs.clicked.connect(lambda: self.tables.show_panel("Jobs"))
        fronts = {"Agreement": self.agreeing.shown, "Profile": self.profiling.refresh}
        self.tables.shown.connect(lambda name: fronts.get(name, lambda: None)())
        self.profiling.wanted.connect(lambda: self.tables.show_panel("Profile"))
        self.agreement.import_requested.connect(self.importing.ask)
        self.agreeing.open_requested.connect(self.browsing.open)
        self.keeping.trouble_changed.connect(self.status.show_trouble)
        self.sessions.changed.connect(self._show_session)
        workspace.current_changed.connect(self._follow)
        workspace.changed.connect(self._changed)
        self.undo.undoTextChanged.connect(lambda text: _name(actions["undo"], "Undo", text))
        self.undo.redoTextChanged.connect(lambda text: _name(actions["redo"], "Redo", text))
        self.undo.canUndoChanged.connect(actions["undo"].setEnabled)
        self.undo.canRedoChanged.connect(actions["redo"].setEnabled)
        actions["close_session"].setEnabled(False)
        actions["undo"].setEnabled(False)
        actions["redo"].setEnabled(False)
        actions.menus["File/Open recent"].aboutToShow.connect(self._fill_recent)
        models = actions.menus["Models"]
        models.setToolTipsVisible(True)
        models.aboutToShow.connect(lambda: self.choosing.fill_menu(models))

    # -- what the window itself does

    def open(self, paths: Sequence[str | Path]) -> None:
        """Open files and folders, or a session."""
        self.browsing.open(paths)

    def start_work(self) -> None:
        """Begin what the first paint does not wait for."""
        self.choosing.start()
        self.sessions.start()
        self.keeping.look()

    def come_forward(self) -> None:
        """Show the window above others, as far as the desktop allows."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def say(self, text: str) -> None:
        """Show one sentence in the status bar for a while."""
        self.status.showMessage(text, MESSAGE_MS)

    def open_palette(self) -> None:
        """Find an action by a few letters."""
        if self.palette_ is not None:
            self.palette_.deleteLater()
        self.palette_ = Palette(self.actions_, self)
        self.palette_.open_over(self)

    def show_keys(self) -> None:
        """Show all keys."""
        dialog = dialogs.KeysDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_about(self) -> None:
        """Say what this program is."""
        dialogs.show_about(self)

    def explain(self) -> None:
        """Explain what is shown: one map, or all those of the comparison."""
        (self.comparing.run if self.comparing.is_open else self.explaining.explain)()

    def cancel(self) -> None:
        """Cancel the explanations that run."""
        self.explaining.cancel()
        self.comparing.cancel()

    def set_blinking(self, blinking: bool) -> None:
        """Blink the map, or between the maps of the comparison."""
        (self.comparing if self.comparing.is_open else self.mapping).set_blinking(blinking)

    def set_frozen(self, frozen: bool) -> None:
        """Freeze the coordinates, or follow the pointer."""
        (self.comparing if self.comparing.is_open else self.canvas).set_frozen(frozen)

    def set_theme(self, mode: str) -> None:
        """Dress in ``"system"``, ``"light"`` or ``"dark"`` and remember it."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, mode)  # type: ignore[arg-type]  # the table of actions holds the modes
        self.settings.set("theme", mode)
        self.actions_.check(f"theme_{mode}")

    # -- what preferences change at once

    def _obey_theme(self) -> None:
        self.set_theme(self.settings.word("theme"))

    def _obey_method(self) -> None:
        settings = self.settings
        self.explain_panel.begin_with(settings.word("method"), settings.number("samples"))

    def _obey_width(self) -> None:
        self.actions_.check("width_lines", self.measuring.asks_width)

    def _obey_automatic(self) -> None:
        automatic = self.settings.flag("explain_automatically")
        self.actions_.check("auto_explain", automatic)
        self.explaining.set_automatic(automatic)

    def _obey_algorithm(self) -> None:
        self.actions_.check(self.settings.word("algorithm"))
        self.explaining.set_algorithm(self.settings.word("algorithm"))

    def set_full_screen(self, full: bool) -> None:
        """Use the whole screen, or not."""
        self.showFullScreen() if full else self.showNormal()

    # -- keeping the parts in line

    def _follow_current(self) -> None:
        self._follow(self.workspace.current)

    def _follow(self, galaxy: Galaxy | None) -> None:
        image = None if galaxy is None else galaxy.image
        shown = self.comparing.page if self.comparing.is_open else self.canvas
        self.middle.setCurrentWidget(self.start if galaxy is None else shown)
        if galaxy is None:
            self.start.show_recent(self.settings.recent)
        self.top_bar.show_galaxy(galaxy)
        self.status.show_image(image)
        self.status.device.setText(self.classifying.device)
        self.actions_.enable(
            image=image is not None,
            map=self.comparing.is_open or (galaxy is not None and galaxy.shown_map is not None),
            line=galaxy is not None and galaxy.selected is not None,
            model=image is not None and self.classifying.classifier is not None,
            job=self.explaining.busy or self.comparing.busy,
        )
        self.blind.hold()

    def _compare(self, on: bool) -> None:
        """Make room for the comparison, or put everything back where it was."""
        self.actions_.check("compare", on)
        if on and not self._gave_way:
            self._gave_way = tuple(dock for dock in self._give_way if dock.isVisible())
            for dock in self._gave_way:
                dock.hide()
        elif not on:
            for dock in self._gave_way:
                dock.show()
            self._gave_way = ()
        self._follow_current()
        (self.comparing.page if on else self.canvas).setFocus()

    def _changed(self, galaxy: Galaxy, what: str) -> None:
        if galaxy is self.workspace.current:
            self._follow(galaxy)
            if what == "image":
                self._show_display()

    def _show_display(self, _display: object = None) -> None:
        galaxy = self.workspace.current
        image = None if galaxy is None else galaxy.image
        self.display_panel.show_display(None if image is None else self.canvas.display, image)

    def _default_display(self) -> None:
        galaxy = self.workspace.current
        if galaxy is not None and galaxy.suits is not None:
            self.canvas.change_display(galaxy.suits)

    def _show_cursor(self, at: tuple[float, float] | None) -> None:
        from galaxyscope.sky.coordinates import format_sky, sky_position

        galaxy = self.workspace.current
        image = None if galaxy is None else galaxy.image
        sky, value = "", None
        if image is not None and at is not None:
            place = sky_position(image, *at)
            sky = "" if place is None else format_sky(*place)
            single = not self.comparing.is_open
            value = self.mapping.value_at(*at) if single else self.comparing.value
        self.status.show_cursor(image, at, sky, value)

    def _show_session(self, shared: Path | None) -> None:
        self.setWindowTitle("GalaxyScope" if shared is None else f"{shared.stem} – GalaxyScope")
        self.actions_["close_session"].setEnabled(shared is not None)

    def _model_changed(self) -> None:
        for galaxy in self.gallery.model.with_thumbnails():
            self.classifying.fill_badge(galaxy)
        self._follow_current()

    def _count_jobs(self, running: int, failed: int) -> None:
        self.status.show_jobs(running, failed)
        parts = [str(running)] if running else []
        parts += [f"{failed} failed"] if failed else []
        self.tables.set_title("Jobs", f"Jobs ({', '.join(parts)})" if parts else "Jobs")

    def _retry(self, task: Task) -> None:
        self.jobs.remove(task)
        self.bridge.run(task)

    def _fill_recent(self) -> None:
        menu = self.actions_.menus["File/Open recent"]
        menu.clear()
        for path in self.settings.recent:
            menu.addAction(str(path), lambda path=path: self.browsing.open([path]))
        menu.addSeparator()
        menu.addAction("Forget these", self.settings.forget_recent)

    # -- beginning and end

    def _restore(self) -> None:
        set_icons(self.actions_, self)
        self._obey_method()
        self.actions_.check("auto_explain", self.explaining.automatic)
        self._obey_width()
        self.actions_.check(self.explaining.algorithm)
        self.actions_.check(f"theme_{self.settings.word('theme')}")
        screen = self.screen().availableGeometry().size() - WINDOW_FRAME
        self.resize((screen * 0.8).expandedTo(QSize(1360, 860)).boundedTo(screen))
        # On a large screen the answers get what the others do not need.
        spare = max(266, self.height() - 520)
        self.resizeDocks(self._right, (spare, 212, 190), Qt.Orientation.Vertical)
        if not self.settings.bytes("geometry").isEmpty():
            self.restoreGeometry(self.settings.bytes("geometry"))
            self.restoreState(self.settings.bytes("layout"), LAYOUT_VERSION)

    def changeEvent(self, event: QEvent) -> None:
        """Colour the icons again after a change of theme."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "top_bar"):
            set_icons(self.actions_, self)
        super().changeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows that nobody else needs go to the previous and the next galaxy."""
        if event.key() == Qt.Key.Key_Left:
            self.browsing.previous()
        elif event.key() == Qt.Key.Key_Right:
            self.browsing.next()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files, folders and model folders are welcome everywhere."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.acceptProposedAction()
        self.open(local_paths(event.mimeData()))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout, keep what is still to be kept, end all work."""
        self.blind.stop()
        self.comparing.set_open(False)
        self.settings.set_bytes("geometry", QByteArray(self.saveGeometry()))
        self.settings.set_bytes("layout", QByteArray(self.saveState(LAYOUT_VERSION)))
        self.settings.save()
        # What still runs may take a moment to stop; nobody should have to look at that.
        self.hide()
        self.mapping.stop()
        self.agreeing.stop()
        self.comparing.stop()
        self.concepts.stop()
        self.sessions.stop()
        self.keeping.stop()
        self.bridge.close(finish=chores.SESSION)
        dialogs.settle(self.session)
        self.session.close()
        super().closeEvent(event)


def _name(action: QAction, verb: str, text: str) -> None:
    action.setText(f"{verb} {text}".strip())
