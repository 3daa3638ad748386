"""One undoable change of what is kept: two functions that run on the session's lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtGui import QUndoCommand

Step = Callable[[], Any]


class Change(QUndoCommand):
    """Runs `forward` when done and redone, `backward` when undone.

    Parameters
    ----------
    text : str
        What the menu says after *Undo*.
    forward, backward : callable
        Called on the GUI thread; they queue the work on the session's lane.
    merge_key : str
        Changes in a row that share a key that is not empty are one change: moving an end of
        a line by five presses of a key is undone at once.

    Notes
    -----
    `forward` must bring back whatever `backward` took back, see :meth:`mergeWith`.
    """

    ID = 1

    def __init__(self, text: str, forward: Step, backward: Step, merge_key: str = "") -> None:
        super().__init__(text)
        self._forward, self._backward, self._key = forward, backward, merge_key

    def redo(self) -> None:
        """Do it."""
        self._forward()

    def undo(self) -> None:
        """Take it back."""
        self._backward()

    def id(self) -> int:
        """Name the kind of change; those without a key are never merged."""
        return self.ID if self._key else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Stand for `other` too.

        It has been done already, and this one's `backward` leads to before both of them; its
        `forward` is called only after that, and has to lead back to where that began.
        """
        return isinstance(other, Change) and other._key == self._key
