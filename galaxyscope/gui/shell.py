"""Tool bar and docks of the main window: what stands where."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QSizePolicy,
    QStackedWidget,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QTabBar,
    QToolBar,
    QToolButton,
    QWidget,
)

from galaxyscope.gui.actions import Actions
from galaxyscope.gui.desk import one_line
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.common import GAP, tool_button
from galaxyscope.gui.panels.gallery import shown_name
from galaxyscope.gui.theme import icon
from galaxyscope.sky.image import Plane

ICON = QSize(20, 20)
NAME_WIDTH = 200


class ElidedBox(QComboBox):
    """Ends in an ellipsis where its text has no room."""

    def shown_text(self) -> str:
        """Return the text as it is drawn."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style = QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(*style, self).width() - 2  # the style's own margins
        right = Qt.TextElideMode.ElideRight
        return self.fontMetrics().elidedText(self.currentText(), right, room)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw what a combo box draws, but with the cut text."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shown_text()
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class TopBar(QToolBar):
    """Previous and next, which galaxy, tools, view, command palette."""

    #: Whether the name of the galaxy, which may say too much, is kept from the observer.
    blind = False

    def __init__(
        self, actions: Actions, choose_plane: Callable[[Plane], None], parent: QMainWindow
    ) -> None:
        super().__init__("Tools", parent)
        self.setObjectName("tools")
        self.setMovable(False)
        self.setIconSize(ICON)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._choose_plane = choose_plane
        self._planes: tuple[Plane, ...] = ()
        self.addAction(actions["previous"])
        self.addAction(actions["next"])
        self._name = QLabel()
        font = self._name.font()
        font.setWeight(QFont.Weight.DemiBold)
        self._name.setFont(font)
        self._name.setContentsMargins(GAP, 0, GAP, 0)
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        self._name.setFixedWidth(NAME_WIDTH + 2 * GAP)  # the tools stay where they are
        self.addWidget(self._name)
        self._plane = ElidedBox()
        self._plane.setAccessibleName("Picture of the file")
        self._plane.setMaximumWidth(200)
        self._plane.currentTextChanged.connect(
            lambda text: self._plane.setToolTip(f"{text}\nHDU and plane of the file")
        )
        self._plane.activated.connect(self._choose)
        self._plane_action = self.addWidget(self._plane)
        self._plane_action.setVisible(False)
        self._space()
        for name in ("tool_pan", "tool_line", "tool_ruler", "tool_profile"):
            self._button(actions, name)
        self.addSeparator()
        for name in ("fit", "one", "north_up", "overlay"):
            self._button(actions, name)
        self._space()
        self._button(actions, "commands")

    def show_galaxy(self, galaxy: Galaxy | None) -> None:
        """Name the shown galaxy and offer the pictures of its file."""
        known = galaxy is not None and not self.blind
        name = shown_name(galaxy.path) if known and galaxy is not None else ""
        metrics = self._name.fontMetrics()
        self._name.setText(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, NAME_WIDTH))
        self._name.setToolTip(one_line(str(galaxy.path)) if known and galaxy is not None else "")
        image = None if galaxy is None else galaxy.image
        self._planes = () if image is None else image.planes
        self._plane_action.setVisible(len(self._planes) > 1)
        self._plane.clear()
        for plane in self._planes:
            self._plane.addItem(one_line(plane.label))
        names = self._plane.view()  # the list may be wider than the box
        names.setMinimumWidth(max(0, names.sizeHintForColumn(0)) + 2 * GAP)
        if image is not None and image.plane in self._planes:
            self._plane.setCurrentIndex(self._planes.index(image.plane))

    def _choose(self, index: int) -> None:
        self._choose_plane(self._planes[index])

    def _button(self, actions: Actions, name: str) -> None:
        action = actions[name]
        self.addAction(action)
        button = self.widgetForAction(action)
        if isinstance(button, QToolButton):
            worded = name.startswith("tool_") or name in ("commands", "overlay")
            style = Qt.ToolButtonStyle
            button.setToolButtonStyle(
                style.ToolButtonTextBesideIcon if worded else style.ToolButtonIconOnly
            )

    def _space(self) -> None:
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)


class TabbedTitle(QWidget):
    """Title bar of a dock that holds several panels: their tabs, and a corner for a button.

    Signals
    -------
    shown : name of the panel that has come to the front
    """

    shown = Signal(str)

    def __init__(self, dock: QDockWidget, pages: QStackedWidget, names: Sequence[str]) -> None:
        super().__init__(dock)
        self._dock, self.names = dock, tuple(names)
        self._heights: dict[str, int | float] = {}
        self._front = 0
        self.tabs = QTabBar(drawBase=False, expanding=False)
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName(" and ".join(names))
        for name in names:
            self.tabs.addTab(name)
        self.tabs.currentChanged.connect(pages.setCurrentIndex)
        self.tabs.currentChanged.connect(self._turn)
        heading = QLabel(names[0])
        heading.setContentsMargins(GAP, GAP, 0, GAP // 2)
        self.tabs.setVisible(len(names) > 1)
        heading.setVisible(len(names) == 1)
        self.corner = QHBoxLayout()
        apart = tool_button("undock", f"Undock {names[0]}", "Undock, or bring back")
        apart.setIcon(self.style().standardIcon(QStyle.StandardPixmap.SP_TitleBarNormalButton))
        apart.clicked.connect(lambda: dock.setFloating(not dock.isFloating()))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, GAP, 0)
        layout.setSpacing(GAP // 2)
        layout.addWidget(heading)
        layout.addWidget(self.tabs)
        layout.addStretch(1)
        layout.addLayout(self.corner)
        layout.addWidget(apart)

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front."""
        self.tabs.setCurrentIndex(self.names.index(name))

    def set_title(self, name: str, title: str) -> None:
        """Write something else on the tab of a panel."""
        self.tabs.setTabText(self.names.index(name), title)

    def give_heights(self, **heights: int | float) -> None:
        """Let each panel have a height of its own, by name: a plot needs more than a table.

        Whole numbers are pixels, fractions shares of the window's height.

        Whatever height the user gives the dock becomes that of the panel in front.
        """
        self._heights = heights

    def _turn(self, index: int) -> None:
        before, name = self.names[self._front], self.names[index]
        self._front = index
        window = self._dock.parentWidget()
        if self._heights and isinstance(window, QMainWindow) and not self._dock.isFloating():
            if self._dock.isVisible():
                self._heights[before] = self._dock.height()
            height = self._heights[name]
            pixels = height if height > 1 else round(height * window.height())
            window.resizeDocks([self._dock], [int(pixels)], Qt.Orientation.Vertical)
        self.shown.emit(name)


def add_dock(
    window: QMainWindow, area: Qt.DockWidgetArea, **panels: QWidget
) -> tuple[QDockWidget, TabbedTitle]:
    """Put panels into a dock that can float and come back; several of them get tabs.

    Parameters
    ----------
    window : QMainWindow
    area : Qt.DockWidgetArea
    **panels : QWidget
        By the name on the tab.
    """
    first = next(iter(panels))
    dock = QDockWidget(first, window)
    dock.setObjectName(first.lower())
    dock.setFeatures(
        QDockWidget.DockWidgetFeature.DockWidgetMovable
        | QDockWidget.DockWidgetFeature.DockWidgetFloatable
    )
    pages = QStackedWidget()
    for panel in panels.values():
        pages.addWidget(panel)
    title = TabbedTitle(dock, pages, list(panels))
    dock.setTitleBarWidget(title)
    dock.setWidget(pages)
    window.addDockWidget(area, dock)
    return dock, title


def set_icons(actions: Actions, window: QWidget) -> None:
    """Make icons in the colours of the present theme."""
    for spec, action in actions.items():
        if spec.icon:
            action.setIcon(icon(spec.icon))
    for button in window.findChildren(QToolButton):
        name = button.property("icon_name")
        if name and not icon(name).isNull():
            button.setIcon(icon(name))
