"""A process that does not end well leaves a log, and the next one shows it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from galaxyscope.gui import crashes, diagnostics
from galaxyscope.gui.crashes import Crash, is_running, take_crashes
from galaxyscope.gui.settings import Settings

BEGIN = """
import sys
from pathlib import Path
from galaxyscope.gui.crashes import CrashLog
log = CrashLog(Path(sys.argv[1]))
log.begin()
"""
ENDS = {
    "a segmentation fault": "import ctypes; ctypes.string_at(0)",
    "an abort": "import os; os.abort()",
    "a fatal word of Qt": "from PySide6.QtCore import qFatal; qFatal('no way on')",
}


def run(folder: Path, what: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEGIN + what, str(folder)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("what", list(ENDS))
def test_a_crash_leaves_a_log(tmp_path: Path, what: str) -> None:
    done = run(tmp_path, f"def culprit():\n    {ENDS[what]}\nculprit()")
    assert done.returncode < 0
    [crash] = take_crashes(tmp_path)
    assert crash.fatal
    assert "culprit" in crash.text
    assert crash.path.exists()
    assert take_crashes(tmp_path) == [], "it is shown once"


def test_an_error_that_nobody_caught_leaves_a_log(tmp_path: Path) -> None:
    done = run(tmp_path, "def culprit():\n    1 / 0\nculprit()")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr, "and is told as ever"
    [crash] = take_crashes(tmp_path)
    assert not crash.fatal
    assert "culprit" in crash.text
    assert "ZeroDivisionError" in crash.text


def test_an_error_in_a_thread_leaves_a_log(tmp_path: Path) -> None:
    code = (
        "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='T9')\n"
        "t.start(); t.join(); log.end()"
    )
    assert run(tmp_path, code).returncode == 0
    [crash] = take_crashes(tmp_path)
    assert "in T9" in crash.text
    assert "ZeroDivisionError" in crash.text


def test_a_good_end_leaves_nothing(tmp_path: Path) -> None:
    done = run(tmp_path / "log", "log.end()")
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / "log").iterdir()) == []


def test_a_killed_process_leaves_nothing_to_show(tmp_path: Path) -> None:
    run(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert len(list(tmp_path.iterdir())) == 1
    assert take_crashes(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_log_of_a_process_that_runs_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / f"running-{os.getpid()}.log"
    log.write_text("head\nan error so far\n")
    assert take_crashes(tmp_path) == []
    assert log.exists()


def test_errors_without_end_do_not_fill_the_disk(tmp_path: Path) -> None:
    code = (
        "import sys\nfor _ in range(5000):\n"
        "    try: 1 / 0\n    except Exception: sys.excepthook(*sys.exc_info())\n"
    )
    run(tmp_path, code)
    [crash] = take_crashes(tmp_path)
    assert crash.text.count("ZeroDivisionError") == crashes.MOST_ERRORS


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "log", "log.end(); print('fine')")
    assert (done.stdout, done.stderr) == ("fine\n", "")
    assert take_crashes(tmp_path / "file" / "log") == []


def test_old_logs_go(tmp_path: Path) -> None:
    for i in range(crashes.KEPT + 4):
        path = tmp_path / f"ended-{i}-x.log"
        path.write_text(f"head\nerror {i}\n")
        os.utime(path, (i, i))
    assert [crash.text[-2] for crash in take_crashes(tmp_path)] == list("012345678")
    left = sorted(path.read_text()[-2] for path in tmp_path.iterdir())
    assert left == list("45678")


def test_damaged_logs_are_read(tmp_path: Path) -> None:
    (tmp_path / "running-999999999999999999999.log").write_bytes(b"head\n\xff\xfe\0\n")
    (tmp_path / "running-x.log").write_bytes(b"head\n" + b"y\n" * crashes.LONGEST)
    found = take_crashes(tmp_path)
    assert len(found) == 2
    assert all(len(crash.text) <= crashes.LONGEST for crash in found)


def test_which_processes_run() -> None:
    assert is_running(os.getpid())
    assert not is_running(0)
    assert not is_running(-1)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not is_running(child.pid)


def test_hooks_are_put_back(tmp_path: Path) -> None:
    """In a process of its own: faulthandler belongs to the tests here."""
    code = (
        "import threading\nlog.end()\n"
        "print(sys.excepthook is sys.__excepthook__, sys.unraisablehook is sys.__unraisablehook__,"
        " threading.excepthook is threading.__excepthook__)"
    )
    assert run(tmp_path, code).stdout == "True True True\n"


# -- in the window

NO_SIZE_HINTS = pytest.mark.qt_log_ignore("does not support propagateSizeHints")


@NO_SIZE_HINTS
def test_the_next_start_shows_it(
    make_window: Callable[[], Any], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnostics, "graphics", lambda: "none")
    window = make_window()
    window.diagnosing.show_crashes([])
    assert window.diagnosing.dialog is None
    crash = Crash(Path("seen-1.log"), "head\nFatal Python error: Segmentation fault\n", True)
    window.diagnosing.show_crashes([crash])
    dialog = window.diagnosing.dialog
    assert not dialog.copy.isEnabled()
    qtbot.waitUntil(dialog.copy.isEnabled)
    dialog.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "Segmentation fault" in copied
    assert f"GalaxyScope {diagnostics.__version__}" in copied
    assert "torch" in copied
    assert "GPU: none" in copied
    assert "device = auto" in copied
    dialog.close()
    assert window.diagnosing.dialog is None


@pytest.mark.slow
def test_graphics_cards_are_looked_for() -> None:
    import torch

    assert torch.cuda.is_available() == diagnostics.graphics().startswith("CUDA")


@NO_SIZE_HINTS
def test_a_dialog_that_was_closed_at_once_is_not_written_to(
    make_window: Callable[[], Any], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(diagnostics, "graphics", lambda: str(gate.wait(20)))
    window = make_window()
    window.actions_["diagnostics"].trigger()
    window.diagnosing.dialog.close()
    qtbot.wait(20)  # it is deleted
    gate.set()
    qtbot.waitUntil(lambda: not window.bridge.running)


def test_diagnostics_hold_nothing_personal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(diagnostics, "graphics", lambda: "none")
    settings = Settings(tmp_path / "window.ini")
    settings.set("observer", "Ada Lovelace")
    settings.set("theme", "dark")
    settings.add_recent(tmp_path / "secret.fits")
    crash = Crash(tmp_path / "seen.log", f"head\nFile {tmp_path}/x.py\n", False)
    text = diagnostics.write(settings.preferences, {"Screen": "xcb"}, [crash])
    assert "Lovelace" not in text
    assert "secret" not in text
    assert str(tmp_path) not in text
    assert "observer = (set)" in text
    assert "theme = dark (default system)" in text
    assert "File ~/x.py" in text


PROGRAM = """
import ctypes, sys
from PySide6.QtCore import QTimer
from galaxyscope.gui import app, window
window.MainWindow.start_work = lambda self: None
def look(self):
    dialog = self.diagnosing.dialog
    if dialog is not None and dialog.copy.isEnabled():
        print("Segmentation fault" in dialog.view.toPlainText())
    self.close()
show = window.MainWindow.come_forward
begin = app.begin
def begun(self, *rest):
    begin(self, *rest)
    if "crash" in sys.argv:
        QTimer.singleShot(0, lambda: ctypes.string_at(0))
    elif "error" in sys.argv:
        def fail():
            QTimer.singleShot(200, lambda: (print(self.status.currentMessage()), self.close()))
            raise ValueError("on purpose")
        QTimer.singleShot(0, fail)
    else:
        from galaxyscope.gui import diagnostics
        diagnostics.graphics = lambda: "none"
        def wait():
            dialog = self.diagnosing.dialog
            if dialog is not None and not dialog.copy.isEnabled():
                QTimer.singleShot(50, wait)
            else:
                print("none" if dialog is None else dialog.view.toPlainText())
                self.close()
        QTimer.singleShot(50, wait)
app.begin = begun
sys.exit(app.main(["--new-window"]))
"""


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    homes = {f"XDG_{k}_HOME": str(tmp_path / k.lower()) for k in ("DATA", "CONFIG", "CACHE")}

    def start(what: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, what],
            env=os.environ | homes, capture_output=True, text=True, timeout=100,
        )  # fmt: skip

    return start


def test_the_program_crashes_and_tells_of_it_when_it_starts_again(
    program: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    assert program("crash").returncode < 0
    told = program("look")
    assert told.returncode == 0, told.stderr
    assert "Segmentation fault" in told.stdout
    assert "string_at" in told.stdout
    again = program("look")
    assert (again.returncode, again.stdout) == (0, "none\n")


def test_an_error_is_told_at_once_and_at_the_next_start(
    program: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    failed = program("error")
    assert failed.returncode == 0
    assert "on purpose" in failed.stderr
    assert failed.stdout.startswith("Something went wrong")
    assert "ValueError: on purpose" in program("look").stdout
