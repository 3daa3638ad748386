"""What the window needs of Qt's binding itself."""

from __future__ import annotations

import sys
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

CALLS = 1000


def test_calls_into_qt_keep_the_reference_to_none(qtbot: Any) -> None:
    """PySide6 6.12.0 on Python 3.11 loses one per call, until the interpreter aborts."""
    widget, point = QWidget(), QPoint()
    qtbot.addWidget(widget)
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        point.setX(1)
        widget.parent()
    assert sys.getrefcount(None) > before - CALLS // 2
