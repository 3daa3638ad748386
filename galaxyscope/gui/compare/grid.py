"""Where the panes stand: as large as they can be, in a grid that scrolls when it must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

SMALLEST = 138
"""Width of a pane below which the grid scrolls."""
CAPTION = 40
"""Height of a pane without its picture."""
SPACE = 6


@dataclass(frozen=True)
class Arrangement:
    """How many columns, and in which of them and in which row each pane stands.

    Parameters
    ----------
    columns, rows : int
    places : tuple of (row, column)
        One for each pane.
    """

    columns: int
    rows: int
    places: tuple[tuple[int, int], ...]

    def across(self, width: float) -> float:
        """Width of a pane."""
        return (width - SPACE * (self.columns + 1)) / self.columns

    def side(self, width: float, height: float) -> float:
        """Side of the pictures where nothing scrolls; 0 where the panes are too narrow."""
        across = self.across(width)
        down = (height - SPACE * (self.rows + 1)) / self.rows - CAPTION
        return min(across, down) if across >= SMALLEST else 0.0


def arranged(groups: Sequence[int], width: float, height: float) -> Arrangement:
    """Arrange panes.

    Parameters
    ----------
    groups : sequence of int
        How many panes each group has. One group wraps around. Several have a row each where
        there is room for that; else what belongs together (the first of every group, the
        second …) stands side by side, and that wraps around.
    width, height : float
        The room there is.

    Returns
    -------
    Arrangement
        That in which the panes are largest; if they would be too small, as many as fit beside
        each other, and the grid scrolls down.
    """
    count, across = max(groups, default=0), max(len(groups), 1)
    if not count:
        return Arrangement(1, 1, ())
    options = [_wrapped(groups, k) for k in range(1, count + 1)]
    if across > 1:
        below = tuple((g, i) for g, size in enumerate(groups) for i in range(size))
        options.append(Arrangement(count, across, below))
    best = max(options, key=lambda one: (one.side(width, height), -one.columns))
    if best.side(width, height) >= SMALLEST - CAPTION:
        return best
    fitting = [one for one in options if one.across(width) >= SMALLEST] or options[:1]
    return max(fitting, key=lambda one: one.columns)


def _wrapped(groups: Sequence[int], k: int) -> Arrangement:
    """Arrange panes so that `k` of each group stand in a row."""
    n = len(groups)
    places = tuple((i // k, (i % k) * n + g) for g, size in enumerate(groups) for i in range(size))
    return Arrangement(n * k, -(-max(groups) // k), places)


class Grid(QScrollArea):
    """Panes in an `Arrangement` that follows the size of the area."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._content = QWidget()
        self._layout = QGridLayout(self._content)
        self._layout.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        self._layout.setSpacing(SPACE)
        self.setWidget(self._content)
        self._groups: list[list[QWidget]] = []
        self._shown: Arrangement | None = None

    @property
    def columns(self) -> int:
        """Columns of the present arrangement."""
        return 1 if self._shown is None else self._shown.columns

    def show_panes(self, groups: Sequence[Sequence[QWidget]]) -> None:
        """Show these panes, group by group, and no others."""
        kept = {pane for group in groups for pane in group}
        for group in self._groups:
            for pane in group:
                if pane not in kept:
                    self._layout.removeWidget(pane)
                    pane.hide()
                    pane.deleteLater()
        self._groups = [list(group) for group in groups]
        self._shown = None
        self._arrange()

    def _arrange(self) -> None:
        room = self.viewport().size()
        found = arranged([len(group) for group in self._groups], room.width(), room.height())
        if found == self._shown:
            return
        panes = [pane for group in self._groups for pane in group]
        for pane in panes:
            self._layout.removeWidget(pane)
        for pane, (row, column) in zip(panes, found.places, strict=True):
            self._layout.addWidget(pane, row, column)
            pane.show()
        before = self._shown or Arrangement(0, 0, ())
        for column in range(max(self._layout.columnCount(), before.columns)):
            self._layout.setColumnStretch(column, int(column < found.columns))
        scrolls = found.side(room.width(), room.height()) < SMALLEST - CAPTION
        least = round(found.across(room.width())) + CAPTION if scrolls else 0
        for row in range(max(self._layout.rowCount(), before.rows)):
            self._layout.setRowStretch(row, int(row < found.rows))
            self._layout.setRowMinimumHeight(row, least if row < found.rows else 0)
        self._shown = found

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Find the best arrangement for the new size."""
        super().resizeEvent(event)
        self._arrange()
