"""Blinking: maps one after the other in one place, by themselves or by the arrow keys."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from galaxyscope.gui.compare.work import Asked

BLINK_MS = 800


class Blinking(QObject):
    """Goes around in a sequence of maps; None is the galaxy without one.

    Signals
    -------
    turned : to the map that is shown now
    """

    turned = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sequence: list[Asked | None] = []
        self._timer = QTimer(self)
        self._timer.setInterval(BLINK_MS)
        self._timer.timeout.connect(functools.partial(self.step, 1))

    @property
    def on(self) -> bool:
        """Whether it blinks."""
        return bool(self._sequence)

    def start(self, sequence: Sequence[Asked | None]) -> None:
        """Blink between these; one alone blinks against the galaxy."""
        self._sequence = [None, *sequence] if len(sequence) == 1 else list(sequence)
        if self._sequence:
            self._timer.start()
            self.step(0)

    def stop(self) -> None:
        """Blink no longer."""
        self._timer.stop()
        self._sequence = []

    def step(self, by: int) -> None:
        """Go on, or back, by hand or by itself; 0 shows again what is shown."""
        if not self._sequence:
            return
        by %= len(self._sequence)
        self._sequence = [*self._sequence[by:], *self._sequence[:by]]
        if by:
            self._timer.start()  # a step by hand has its whole time
        self.turned.emit(self._sequence[0])
