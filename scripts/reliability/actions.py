"""A thousand random things that a user can do, one after the other, on a real window.

Keys, mouse, wheel, menu entries, files dropped (good and hostile ones), dialogs answered at
random, the window resized, all at random moments, with a real network at work. The same seed
does the same things; what the network and the disk do meanwhile is a matter of time.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import tempfile
import threading
from pathlib import Path
from typing import Any

from scripts.reliability import stage

MODEL = "bars"
# Entries that end the run, or speak to the desktop.
NOT_CHOSEN = {"quit", "full_screen"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--count", type=int, default=1000, help="actions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default=MODEL, help="network at work")
    parser.add_argument("--trace", action="store_true", help="print every action")


def run(args: argparse.Namespace) -> int:
    """Do them; 1 if there was an exception, a warning of Qt or a thread left."""
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as folder:
        stage.homes(Path(folder) / "home")
        before = set(threading.enumerate())
        with stage.listening() as complaints:
            user = User(Path(folder), random.Random(args.seed), complaints, args)
            user.work(args.count)
            user.leave()
            left = stage.left_over(before)
        faults = [*complaints.heard, *(f"thread left: {name}" for name in left)]
    kinds = ", ".join(f"{name} {n}" for name, n in sorted(user.done.items()))
    print(f"seed {args.seed}: {sum(user.done.values())} actions ({kinds});", end=" ")
    print(f"{user.rows} rows kept at the end; {len(faults)} faults")
    for fault in faults:
        print("  ", fault)
    return 1 if faults else 0


class User:
    """Does things at random."""

    def __init__(self, folder: Path, chance: random.Random, complaints: Any, args: Any) -> None:
        from PySide6.QtCore import QTimer

        self.folder, self.chance, self.complaints = folder, chance, complaints
        self.trace = args.trace
        self.done: dict[str, int] = {}
        self.rows = 0
        self.pictures = stage.galaxies(folder / "pictures", 5)
        self.files = [*sorted(self.pictures.iterdir()), *_odd_files(folder / "odd")]
        self._answer_dialogs()
        self.window = stage.make_window(folder / "own" / "s.sqlite", folder / "window.ini")
        self.window.settings.set("model", args.model)
        self.window.open([self.pictures])
        self.window.start_work()
        self.closer = QTimer(interval=15)
        self.closer.timeout.connect(self._close_dialogs)
        self.closer.start()
        stage.until(lambda: self.window.canvas.image is not None)
        stage.until(lambda: self.window.classifying.classifier is not None, 60)

    def work(self, count: int) -> None:
        """Do `count` things."""
        kinds = {
            self.key: 30, self.drag: 20, self.wheel: 8, self.menu: 22, self.gallery: 8,
            self.panel: 12, self.drop: 6, self.resize: 3, self.session: 4, self.disk: 2,
        }  # fmt: skip
        for number in range(count):
            (action,) = self.chance.choices(list(kinds), list(kinds.values()))
            heard = len(self.complaints.heard)
            try:
                said = action()
            except Exception as error:  # one of ours: say where
                import traceback

                said = ""
                self.complaints.add("".join(traceback.format_exception(error)))
            self.done[action.__name__] = self.done.get(action.__name__, 0) + 1
            if self.trace:
                print(number, action.__name__, said, flush=True)
            stage.process(stage.spread(self.chance, 0.12))
            for i in range(heard, len(self.complaints.heard)):
                before = self.complaints.heard[i]
                self.complaints.heard[i] = (
                    f"after action {number}, {action.__name__} {said}: {before}"
                )

    def leave(self) -> None:
        """Close the window."""
        stage.process(0.3)
        self.closer.stop()
        self.rows = len(self.window.session.records())
        self.window.close()
        stage.process(0.1)

    # -- what can be done

    def key(self) -> str:
        """Press a key, on the canvas or wherever the keys go."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QApplication

        keys = [
            *"JKEOBLRFVCNM123456789[]`", *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up),
            *(Qt.Key.Key_Tab, Qt.Key.Key_Escape, Qt.Key.Key_Delete, Qt.Key.Key_Return),
            *(Qt.Key.Key_Space, Qt.Key.Key_Down, Qt.Key.Key_Backspace),
        ]  # fmt: skip
        key = self.chance.choice(keys)
        modifier = self.chance.choice(
            [Qt.KeyboardModifier.NoModifier] * 6
            + [Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier]
        )
        if self.chance.random() < 0.12:
            key, modifier = self.chance.choice("ZY"), Qt.KeyboardModifier.ControlModifier
        focus = QApplication.focusWidget()
        target = self.window.canvas.viewport() if self.chance.random() < 0.6 else focus
        QTest.keyClick(target or self.window, key, modifier)
        return f"{key} {modifier}"

    def drag(self) -> str:
        """Drag, or click, with any button on the canvas."""
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        buttons = Qt.MouseButton
        canvas = self.window.canvas.viewport()
        button = self.chance.choice(
            [buttons.LeftButton] * 4 + [buttons.RightButton, buttons.MiddleButton]
        )

        def place() -> QPoint:
            width, height = max(1, canvas.width()), max(1, canvas.height())
            return QPoint(self.chance.randint(-5, width + 5), self.chance.randint(-5, height + 5))

        if self.chance.random() < 0.5:
            self.window.canvas.set_tool(self.chance.choice(("line", "line", "ruler", "pan")))
        at = place()
        QTest.mousePress(canvas, button, Qt.KeyboardModifier.NoModifier, at)
        for _ in range(self.chance.randint(0, 4)):
            QTest.mouseMove(canvas, at := place())
            stage.process(0)
        if self.chance.random() < 0.05:
            self.window.browsing.next()  # with the button held
        QTest.mouseRelease(canvas, button, Qt.KeyboardModifier.NoModifier, at)
        if self.chance.random() < 0.1:
            QTest.mouseDClick(canvas, button, Qt.KeyboardModifier.NoModifier, at)
        return str(button)

    def wheel(self) -> str:
        """Turn the wheel over the canvas."""
        from PySide6.QtCore import QPoint, QPointF, Qt
        from PySide6.QtGui import QWheelEvent
        from PySide6.QtWidgets import QApplication

        canvas = self.window.canvas.viewport()
        at = QPointF(
            self.chance.uniform(0, canvas.width()), self.chance.uniform(0, canvas.height())
        )
        turn = QPoint(0, self.chance.choice((-960, -120, -7, 7, 120, 960)))
        event = QWheelEvent(
            at, canvas.mapToGlobal(at), QPoint(), turn, Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(canvas, event)
        return str(turn.y())

    def menu(self) -> str:
        """Choose any entry of the menus that is enabled."""
        entries = [
            (spec.id, action)
            for spec, action in self.window.actions_.items()
            if action.isEnabled() and spec.id not in NOT_CHOSEN
        ]
        name, action = self.chance.choice(entries)
        action.trigger()
        return name

    def gallery(self) -> str:
        """Choose a galaxy in the gallery."""
        galaxies = self.window.workspace.galaxies
        if galaxies:
            self.window.workspace.select(self.chance.choice(galaxies))
        return ""

    def panel(self) -> str:
        """Change any control of any panel."""
        from PySide6.QtWidgets import (
            QAbstractButton,
            QAbstractSpinBox,
            QComboBox,
            QDoubleSpinBox,
            QSlider,
            QSpinBox,
        )

        kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QSlider)
        found = [
            widget
            for kind in kinds
            for widget in self.window.findChildren(kind)
            if widget.isVisible() and widget.isEnabled()
        ]
        if not found:
            return ""
        widget = self.chance.choice(found)
        if isinstance(widget, QComboBox):
            widget.setCurrentIndex(self.chance.randrange(-1, widget.count()))
            widget.activated.emit(widget.currentIndex())
        elif isinstance(widget, QSpinBox):
            # Not so many samples that a run takes a day.
            widget.setValue(self.chance.randint(widget.minimum(), min(widget.maximum(), 40)))
        elif isinstance(widget, QDoubleSpinBox | QSlider):
            low, high = widget.minimum(), widget.maximum()
            value = low + self.chance.random() * (high - low)
            widget.setValue(int(value) if isinstance(widget, QSlider) else value)
        elif isinstance(widget, QAbstractButton):
            widget.click()
        return f"{type(widget).__name__} {widget.accessibleName()}"

    def drop(self) -> str:
        """Drop files on the window: pictures, folders, and what is none."""
        from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
        from PySide6.QtGui import QDropEvent
        from PySide6.QtWidgets import QApplication

        some = self.chance.sample(self.files, self.chance.randint(1, 3))
        if self.chance.random() < 0.5:
            some = [self.pictures]
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in some])
        event = QDropEvent(
            QPointF(QPoint(50, 50)), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(self.window, event)
        return ", ".join(path.name for path in some)

    def resize(self) -> str:
        """Change the size of the window."""
        size = self.chance.randint(900, 1700), self.chance.randint(600, 1100)
        self.window.resize(*size)
        return str(size)

    def session(self) -> str:
        """Save the session, open another one, or go back to the own one."""
        saved = sorted(self.folder.glob("*.galaxyscope"))
        kind = self.chance.choice(("save", "open", "close"))
        if kind == "save":
            self.window.sessions.save(self.folder / f"{self.chance.randrange(5)}.galaxyscope")
        elif kind == "open" and saved:
            self.window.open([self.chance.choice(saved)])
        else:
            self.window.sessions.close_shared()
        return kind

    def disk(self) -> str:
        """Change a picture while it is open, take it away, or bring it back."""
        path = self.pictures / f"g{self.chance.randrange(5)}.fits"
        away = path.with_suffix(".away")
        kind = self.chance.choice(("vanish", "come back", "cut", "touch"))
        if kind == "vanish" and path.exists():
            path.rename(away)
        elif kind == "cut" and path.exists():
            path.write_bytes(path.read_bytes()[: self.chance.randrange(20_000)])
        elif kind == "touch" and path.exists():
            path.touch()
        elif kind == "come back":
            if away.exists():
                away.rename(path)
            stage.galaxies(self.pictures, 5)
        self.window.browsing.read_again()
        return f"{kind} {path.name}"

    # -- dialogs

    def _close_dialogs(self) -> None:
        """Answer whatever dialog is open, yes or no."""
        from PySide6.QtWidgets import QApplication, QDialog, QMenu, QPushButton

        popup = QApplication.activePopupWidget()
        if isinstance(popup, QMenu):
            popup.close()
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, QDialog) and widget.isVisible() and self.chance.random() < 0.2:
                buttons = [b for b in widget.findChildren(QPushButton) if b.isEnabled()]
                if buttons and self.chance.random() < 0.5:
                    self.chance.choice(buttons).click()
                else:
                    widget.reject()

    def _answer_dialogs(self) -> None:
        """Let the system's own dialogs give one of the files here, or nothing."""
        from PySide6.QtWidgets import QFileDialog, QInputDialog

        def name(suffixes: tuple[str, ...]) -> str:
            out = self.folder / f"out{self.chance.randrange(6)}{self.chance.choice(suffixes)}"
            return self.chance.choice((str(out), str(self.folder / "no" / "folder.csv"), ""))

        def a_file() -> str:
            return str(self.chance.choice(self.files)) if self.chance.random() < 0.8 else ""

        tables = (".csv", ".ecsv", ".vot", ".reg", ".png", ".py", ".galaxyscope", ".odd", "")
        QFileDialog.getSaveFileName = lambda *_, **__: (name(tables), "CSV (*.csv)")
        QFileDialog.getOpenFileName = lambda *_, **__: (a_file(), "")
        QFileDialog.getOpenFileNames = lambda *_, **__: ([p for p in (a_file(),) if p], "")
        QFileDialog.getExistingDirectory = lambda *_, **__: str(
            self.chance.choice((self.pictures, self.folder / "odd", ""))
        )
        QInputDialog.getText = lambda *_, **__: (self.chance.choice(("Ada", "", "<b>Bob")), True)


def _odd_files(folder: Path) -> list[Path]:
    """Files that are no pictures, or hostile ones."""
    import os

    folder.mkdir(parents=True)
    (folder / "empty.fits").touch()
    (folder / "text.fits").write_text("no picture")
    (folder / "cut.fits").write_bytes(b"SIMPLE  =                    T".ljust(80))
    (folder / "x.galaxyscope").write_text("no session")
    (folder / "<b>bold<img src=x>.fits").write_bytes(b"\xff\xd8\xff\xe0 no JPEG")
    (folder / "loop.fits").symlink_to(folder / "loop.fits")
    os.mkfifo(folder / "pipe.fits")
    (folder / "model").mkdir()
    (folder / "model" / "card.json").write_text('{"name": "evil"}')
    return [*sorted(folder.iterdir()), folder, folder / "absent.fits"]
