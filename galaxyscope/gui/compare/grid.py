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


def arranged(groups: Sequence[int], width: float, height: float) -> Arrangement:
    """Arrange panes.

    Parameters
    ----------
    groups : sequence of int
        How many panes each group has. One group wraps around; several, of one size each, stand
        beside each other or below each other, so that what belongs together is in line.
    width, height : float
        The room there is.

    Returns
    -------
    Arrangement
        That in which the panes are largest.
    """
    count = sum(groups)
    if not count:
        return Arrangement(1, 1, ())
    if len(groups) == 1:
        columns = max(
            range(1, count + 1), key=lambda c: (_side(c, -(-count // c), width, height), -c)
        )
        places = tuple(divmod(i, columns) for i in range(count))
        return Arrangement(columns, -(-count // columns), places)
    longest = max(groups)
    pairs = [(g, i) for g, size in enumerate(groups) for i in range(size)]
    below = _side(longest, len(groups), width, height)
    beside = _side(len(groups), longest, width, height)
    if below >= beside:
        return Arrangement(longest, len(groups), tuple(pairs))
    return Arrangement(len(groups), longest, tuple((i, g) for g, i in pairs))


def _side(columns: int, rows: int, width: float, height: float) -> float:
    """Side of the pictures; where they would be too small the grid grows and scrolls down."""
    across = (width - SPACE * (columns + 1)) / columns
    down = (height - SPACE * (rows + 1)) / rows - CAPTION
    if across < SMALLEST:
        return across - SMALLEST  # wider than the room: worse than any that fits
    return max(min(across, down), SMALLEST - CAPTION)


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
        for row in range(max(self._layout.rowCount(), before.rows)):
            self._layout.setRowStretch(row, int(row < found.rows))
        self._shown = found

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Find the best arrangement for the new size."""
        super().resizeEvent(event)
        self._arrange()
