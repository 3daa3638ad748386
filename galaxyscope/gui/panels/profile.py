"""Light and map along a line; the ends of the line can be dragged."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.axes import Axes, draw_axes, faint, room
from galaxyscope.gui.chores_lines import Profiles
from galaxyscope.gui.panels.common import GAP, AskLabel, QuietLabel, small_font
from galaxyscope.gui.theme import is_dark, tabular_font

HANDLE = 8.0
HINT = "Select a line, or press P and drag one: light and map along it stand here."


def map_colour() -> QColor:
    """Return the middle of magma, as readable on the ground of the theme."""
    return QColor("#E0567F" if is_dark() else "#B63679")


class ProfilePlot(QWidget):
    """Two curves and the ends of the line as handles.

    Signals
    -------
    end_dragged, end_moved : (end, pixels from the middle); while and after it is dragged
    """

    end_dragged = Signal(int, float)
    end_moved = Signal(int, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: Profiles | None = None
        self._per_px, self._unit = 1.0, "px"
        self._colour = QColor()
        self._editable = False
        self._ends = [0.0, 0.0]
        self._held: int | None = None
        self._end = 1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 90)
        self.setAccessibleName("Profile along the line")

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(600, 180)

    def show_profiles(
        self,
        found: Profiles | None,
        per_px: float = 1.0,
        unit: str = "px",
        colour: str = "#FFFFFF",
        editable: bool = False,
    ) -> None:
        """Show profiles.

        Parameters
        ----------
        found : Profiles or None
        per_px, unit : float, str
            What a pixel of the cutout is on the axis.
        colour : str
            Of the line.
        editable : bool
            Whether its ends can be dragged.
        """
        self._found, self._per_px, self._unit = found, per_px, unit
        self._colour, self._editable, self._held = QColor(colour), editable, None
        half = 0.0 if found is None else found.light.length_px / 2
        self._ends = [-half, half]
        self.update()

    @property
    def ends(self) -> tuple[float, float]:
        """Where the handles stand, in pixels from the middle of the line."""
        return self._ends[0], self._ends[1]

    def axes(self) -> Axes | None:
        """Axes of the light; the map has its own scale on the right."""
        if self._found is None:
            return None
        left, top, right, bottom = room(self)
        extra = 46 if self._found.map is not None else 0
        place = QRectF(self.rect()).adjusted(left + 12, top, -right - extra, -bottom)
        light = self._found.light
        known = light.values[np.isfinite(light.values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        edge = 0.06 * (high - low) or 1.0
        ends = (float(light.along[0]) * self._per_px, float(light.along[-1]) * self._per_px)
        return Axes(place, ends, (low - edge, high + edge))

    def handle_at(self, at: QPointF) -> int | None:
        """Which end lies under the pointer."""
        axes = self.axes()
        if axes is None or not self._editable:
            return None
        gaps = [abs(axes.point(e * self._per_px, axes.y[0]).x() - at.x()) for e in self._ends]
        nearest = int(np.argmin(gaps))
        return nearest if gaps[nearest] <= HANDLE else None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axes, the map as an area, the light as a line, the ends as handles."""
        painter = QPainter(self)
        axes = self.axes()
        if axes is not None and self._found is not None:
            self._paint(painter, axes, self._found)
        painter.end()

    def _paint(self, painter: QPainter, axes: Axes, found: Profiles) -> None:
        draw_axes(painter, self, axes, f"{self._unit} from the middle of the line", "light")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if found.map is not None:
            self._paint_map(painter, axes, found)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Text), 1.6))
        known = np.isfinite(found.light.values)
        # Gaps where the picture has no value stay gaps.
        for piece in np.split(np.arange(known.size), np.flatnonzero(~known)):
            piece = piece[known[piece]]
            if piece.size > 1:
                x, y = found.light.along[piece] * self._per_px, found.light.values[piece]
                painter.drawPolyline(axes.polyline(x, y))
        for number, end in enumerate(self._ends):
            top = axes.point(end * self._per_px, axes.y[1])
            bottom = axes.point(end * self._per_px, axes.y[0])
            strong = self._editable and self.hasFocus() and number == self._end
            painter.setPen(QPen(QColor(0, 0, 0, 90), 4 if strong else 3))
            painter.drawLine(top, bottom)
            painter.setPen(QPen(self._colour, 2.5 if strong else 1.75))
            painter.drawLine(top, bottom)
            if self._editable:
                painter.setPen(QPen(QColor(0, 0, 0, 140), 1))
                painter.setBrush(self._colour)
                painter.drawEllipse(top + QPointF(0, 5), 5, 5)
                painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_map(self, painter: QPainter, axes: Axes, found: Profiles) -> None:
        assert found.map is not None
        values = np.nan_to_num(found.map.values)
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        own = Axes(axes.place, axes.x, (low, (high - low) * 1.06 + low or 1.0))
        colour = map_colour()
        line = own.polyline(found.map.along * self._per_px, values)
        zero = own.point(0.0, 0.0).y()
        area = QPolygonF([QPointF(own.place.left(), zero), *line, QPointF(own.place.right(), zero)])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faint(colour, 0.22))
        painter.drawPolygon(area)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 1.4))
        painter.drawPolyline(line)
        painter.setFont(tabular_font(small_font(self.font())))
        box = QRectF(own.place.right() + 6, own.place.top(), 48, own.place.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignTop, "map")

    # -- hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of an end."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = self.handle_at(event.position())
            if self._held is not None:
                self._end = self._held

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the end, never past the other one."""
        if self._held is None:
            over = self.handle_at(event.position()) is not None
            shapes = Qt.CursorShape
            self.setCursor(shapes.SizeHorCursor if over else shapes.ArrowCursor)
            return
        axes = self.axes()
        if axes is not None:
            self._move(self._held, axes.x_at(event.position().x()) / self._per_px)
            self.end_dragged.emit(self._held, self._ends[self._held])

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the line have its new end."""
        held, self._held = self._held, None
        half = 0.0 if self._found is None else self._found.light.length_px / 2
        if held is not None and self._ends[held] != (-half, half)[held]:
            self.end_moved.emit(held, self._ends[held])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move an end by 1 px, Shift 10, Alt 0.1; Up and Down choose which."""
        keys, key = Qt.Key, event.key()
        if not self._editable or self._found is None:
            super().keyPressEvent(event)
            return
        if key in (keys.Key_Up, keys.Key_Down):
            self._end = 1 - self._end
            self.update()
        elif key in (keys.Key_Left, keys.Key_Right):
            step = 1.0
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                step = 10.0
            elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
                step = 0.1
            by = step if key == keys.Key_Right else -step
            self._move(self._end, self._ends[self._end] + by)
            self.end_moved.emit(self._end, self._ends[self._end])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QEvent) -> None:
        """Show which end the keys move."""
        self.update()

    def focusOutEvent(self, event: QEvent) -> None:
        """Show it no more."""
        self.update()

    def _move(self, end: int, along: float) -> None:
        light = self._found.light if self._found is not None else None
        if light is None:
            return
        low = float(light.along[0]) if end == 0 else self._ends[0] + 1.0
        high = self._ends[1] - 1.0 if end == 0 else float(light.along[-1])
        self._ends[end] = min(max(along, low), high)
        self.update()


class ProfilePanel(QWidget):
    """The plot with its width, or what to do for one.

    Signals
    -------
    width_changed : cutout pixels
    """

    width_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = ProfilePlot()
        self.name = QLabel()
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.readout = AskLabel()
        self.readout.setFont(tabular_font(self.readout.font()))
        self.width_px = QDoubleSpinBox(suffix=" px", decimals=1, singleStep=1.0)
        self.width_px.setRange(0.5, 99.0)
        self.width_px.setValue(3.0)
        self.width_px.setAccessibleName("Width of the profile")
        self.width_px.setToolTip("Width of the strip around the line that is averaged")
        self.width_px.valueChanged.connect(self.width_changed)
        top = QHBoxLayout()
        top.setSpacing(GAP)
        top.addWidget(self.name)
        top.addSpacing(GAP)
        top.addWidget(self.readout, 1)
        top.addWidget(QLabel("Averaged over"))
        top.addWidget(self.width_px)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(GAP, GAP // 2, GAP, GAP // 2)
        column.setSpacing(GAP // 2)
        column.addLayout(top)
        column.addWidget(self.plot, 1)
        self._empty = QuietLabel(wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(full)
        self.show_hint(HINT)

    def minimumSizeHint(self) -> QSize:
        """Low enough to share its dock with a table."""
        return QSize(400, 100)

    def show_hint(self, text: str) -> None:
        """Say what to do."""
        self._empty.setText(text)
        self._stack.setCurrentIndex(0)

    def show_plot(self, name: str, readout: str) -> None:
        """Bring the plot to the front, with the name of its line and what is read from it."""
        self.name.setText(name)
        self.readout.show_text(readout)
        self._stack.setCurrentIndex(1)
