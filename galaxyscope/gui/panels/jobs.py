"""Running and failed jobs: cancel, retry, copy details."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from galaxyscope.gui.bridge import Task
from galaxyscope.gui.desk import one_line
from galaxyscope.gui.panels.common import GAP, ElidedLabel, QuietLabel, tool_button
from galaxyscope.gui.panels.gallery import shown_name
from galaxyscope.gui.theme import DATA
from galaxyscope.work.jobs import JobState

FAILURES_KEPT = 50


def details(task: Task) -> str:
    """Return what *copy details* puts on the clipboard."""
    about = "" if task.path is None else f"\nFile: {task.path}"
    trace = "" if task.failure is None else f"\n\n{task.failure.traceback}"
    return f"{task.title}{about}\nError: {task.failure}{trace}"


class _Line(QWidget):
    def __init__(self, panel: JobsPanel, task: Task) -> None:
        super().__init__(panel)
        self.task = task
        name = "" if task.path is None else f"  {shown_name(task.path)}"
        self._title = QLabel(f"{task.title}{name}")
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._progress = QProgressBar(textVisible=False)
        self._progress.setFixedWidth(160)
        self._state = ElidedLabel()
        self._cancel = tool_button("cancel", "Cancel")
        self._cancel.clicked.connect(task.cancel)
        self._retry = tool_button("retry", "Retry")
        self._retry.clicked.connect(lambda: panel.retry_requested.emit(task))
        self._copy = tool_button("copy", "Copy details")
        self._copy.clicked.connect(lambda: QApplication.clipboard().setText(details(task)))
        self._close = tool_button("close", "Dismiss")
        self._close.clicked.connect(lambda: panel.remove(task))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, 2, GAP, 2)
        layout.setSpacing(GAP)
        layout.addWidget(self._title)
        layout.addWidget(self._progress)
        layout.addWidget(self._state, 1)
        for button in (self._cancel, self._retry, self._copy, self._close):
            layout.addWidget(button)

    def show_state(self) -> None:
        """Show how the task stands."""
        task = self.task
        failed = task.state is JobState.FAILED
        done, total = task.steps
        self._progress.setVisible(not failed)
        self._progress.setRange(0, total)
        self._progress.setValue(done)
        text = "waiting" if task.state is JobState.PENDING else ""
        if total and not failed:
            text = f"{done}/{total}"
        self._state.show_text(one_line(str(task.failure)) if failed else text)
        palette = self._state.palette()
        if failed:
            palette.setColor(QPalette.ColorRole.PlaceholderText, QColor(DATA["warning"]))
        self._state.setPalette(palette)
        self._cancel.setVisible(not failed)
        for button in (self._retry, self._copy, self._close):
            button.setVisible(failed)


class JobsPanel(QWidget):
    """One line for each job that runs or has failed; a line goes when its job is done."""

    retry_requested = Signal(object)
    count_changed = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: dict[Task, _Line] = {}
        content = QWidget()
        self._list = QVBoxLayout(content)
        self._list.setContentsMargins(0, GAP // 2, 0, 0)
        self._list.setSpacing(0)
        self._list.addStretch(1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setWidget(content)
        empty = QuietLabel("Nothing is running.")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(empty)
        self._stack.addWidget(scroll)

    @property
    def running(self) -> int:
        """How many shown jobs have not ended."""
        return sum(not task.state.finished for task in self._lines)

    @property
    def failed(self) -> list[Task]:
        """Jobs that failed and were not dismissed."""
        return [task for task in self._lines if task.state is JobState.FAILED]

    def show_task(self, task: Task) -> None:
        """Follow a task; the quiet ones appear only if they fail."""
        failed = task.state is JobState.FAILED
        handled = task.quiet and task.failed is not None
        if (task.state.finished and not failed) or (task.quiet and not failed) or handled:
            self.remove(task)
            return
        if task not in self._lines:
            line = self._lines[task] = _Line(self, task)
            self._list.insertWidget(self._list.count() - 1, line)
            for old in self.failed[:-FAILURES_KEPT]:
                self.remove(old)
        self._lines[task].show_state()
        self._tell()

    def remove(self, task: Task) -> None:
        """Take a line away."""
        line = self._lines.pop(task, None)
        if line is not None:
            self._list.removeWidget(line)
            line.hide()
            line.deleteLater()
            self._tell()

    def _tell(self) -> None:
        self._stack.setCurrentIndex(1 if self._lines else 0)
        self.count_changed.emit(self.running, len(self.failed))
