"""One window: a second start hands over its files, and nothing can keep it from opening."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QDir, QLockFile, QObject
from PySide6.QtNetwork import QLocalSocket

from galaxyscope.gui import door, instance
from galaxyscope.gui.door import Door, call
from galaxyscope.gui.instance import LIMIT, Message, MessageError, Place, claim, decode, encode

posix = pytest.mark.skipif(os.name == "nt", reason="sockets with paths")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return instance.place_of(tmp_path / "session.sqlite")


@pytest.fixture
def owner(place: Place, qapp: Any) -> Iterator[QObject]:
    """The window that is there, as far as the door is concerned."""
    lock = claim(place)
    assert lock is not None
    parent = QObject()
    yield parent
    for one in parent.findChildren(Door):
        one.close()
    parent.deleteLater()
    qapp.processEvents()
    lock.unlock()


def send(place: Place, data: bytes) -> QLocalSocket:
    caller = QLocalSocket()
    caller.connectToServer(place.socket)
    assert caller.waitForConnected(2000)
    caller.write(data)
    return caller


def answer(qtbot: Any, place: Place, data: bytes) -> bytes:
    """Call, and run the loop of the window that is called."""
    caller = send(place, data)
    qtbot.waitUntil(caller.canReadLine, timeout=20_000)
    return bytes(caller.readLine().data())


def called(qtbot: Any, place: Place, message: Message) -> bool:
    return answer(qtbot, place, encode(message)) == door.DONE


texts = st.text(st.characters(exclude_characters="\0"), max_size=20)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(texts), st.booleans(), texts)
def test_a_message_comes_out_as_it_went_in(names: list[str], samples: bool, token: str) -> None:
    message = Message(tuple(f"/{name}" for name in names), samples, token)
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_a_name_that_is_no_unicode_goes_through() -> None:
    name = os.fsdecode(b"/tmp/ngc\xff\xfe.fits")
    assert decode(encode(Message((name,)))).paths == (name,)


GOOD = {"galaxyscope": 1, "paths": ["/a"], "samples": False, "token": ""}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"{}",
        *(
            json.dumps({**GOOD, **change}).encode()
            for change in (
                {"galaxyscope": 2},
                {"galaxyscope": "1"},
                {"paths": "/a"},
                {"paths": ["relative"]},
                {"paths": [1]},
                {"paths": ["/a\0b"]},
                {"samples": 1},
                {"token": None},
                {"token": "a\0b"},
            )
        ),
    ],
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    assert decode(json.dumps(GOOD).encode()).paths == ("/a",)
    with pytest.raises(MessageError):
        decode(line)


def test_only_one_can_claim(place: Place) -> None:
    first = claim(place)
    assert first is not None
    assert claim(place) is None
    first.unlock()
    again = claim(place)
    assert again is not None
    again.unlock()


def test_sessions_and_screens_have_places_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":1")
    here = instance.place_of(tmp_path / "a")
    assert instance.place_of(tmp_path / "a") == here
    assert instance.place_of(tmp_path / "b") != here
    monkeypatch.setenv("DISPLAY", ":2")
    assert instance.place_of(tmp_path / "a") != here


@posix
def test_a_long_path_still_makes_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    place = instance.place_of(tmp_path / "s")
    parent = QObject()
    one = Door(place, parent)
    assert one.is_open
    assert called(qtbot, place, Message())
    one.close()


def test_files_are_handed_over(owner: QObject, place: Place, qtbot: Any) -> None:
    heard: list[Message] = []
    Door(place, owner).called.connect(heard.append)
    message = Message(("/a b.fits", "/ç.fits"), token="t")
    assert called(qtbot, place, message)
    assert called(qtbot, place, Message(samples=True))
    assert heard == [message, Message(samples=True)]


def test_a_command_line_of_the_greatest_length_goes_through(
    owner: QObject, place: Place, qtbot: Any
) -> None:
    heard: list[Message] = []
    Door(place, owner).called.connect(heard.append)
    message = Message(tuple(f"/{'x' * 100}{i}" for i in range(20_000)))
    assert LIMIT / 4 < len(encode(message)) < LIMIT
    assert called(qtbot, place, message)
    assert heard == [message]


CALLS = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from galaxyscope.gui.door import call
from galaxyscope.gui.instance import Message, place_of
app = QCoreApplication([])
print(call(place_of(Path(sys.argv[1])), Message(("/a",)), 60.0))
"""


def test_who_calls_before_the_door_is_open_waits(
    owner: QObject, place: Place, qtbot: Any, tmp_path: Path
) -> None:
    heard: list[Message] = []
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLS, str(tmp_path / "session.sqlite")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    qtbot.wait(1500)
    assert caller.poll() is None
    Door(place, owner).called.connect(heard.append)
    qtbot.waitUntil(lambda: caller.poll() is not None, timeout=60_000)
    assert caller.communicate()[0] == "True\n"
    assert heard == [Message(("/a",))]


@posix
def test_a_stale_socket_is_survived(owner: QObject, place: Place, qtbot: Any) -> None:
    # Qt puts a bare name into the folder for temporary files.
    at = Path(QDir.tempPath()) / place.socket
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(at))
    assert at.exists()
    one = Door(place, owner)
    assert one.is_open
    assert called(qtbot, place, Message())


DIES = """
import os, sys
from pathlib import Path
from galaxyscope.gui.instance import claim, place_of
lock = claim(place_of(Path(sys.argv[1])))
print(lock is not None, flush=True)
os.kill(os.getpid(), 9)
"""


@posix
def test_the_lock_of_a_killed_process_is_free(place: Place, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DIES, str(tmp_path / "session.sqlite")],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "True\n", done.stderr
    assert place.lock.exists()
    lock = claim(place)
    assert lock is not None
    lock.unlock()


def test_a_window_that_does_not_answer_is_left_alone(place: Place, owner: QObject) -> None:
    Door(place, owner)  # nobody runs its loop
    started = time.monotonic()
    assert not call(place, Message(), 0.3)
    assert time.monotonic() - started < 3


def test_a_window_that_has_no_door_is_left_alone(place: Place, owner: QObject) -> None:
    started = time.monotonic()
    assert not call(place, Message(), 0.3)
    assert time.monotonic() - started < 3


def test_another_version_is_refused(owner: QObject, place: Place, qtbot: Any) -> None:
    heard: list[Message] = []
    Door(place, owner).called.connect(heard.append)
    other = json.dumps({**GOOD, "galaxyscope": 99}).encode() + b"\n"
    assert answer(qtbot, place, other) == door.REFUSED
    assert heard == []


def test_endless_talk_is_cut_off(owner: QObject, place: Place, qtbot: Any) -> None:
    Door(place, owner)
    caller = send(place, b"x" * (LIMIT + 4096))
    qtbot.waitUntil(lambda: caller.state() == caller.LocalSocketState.UnconnectedState)
    assert called(qtbot, place, Message()), "others are heard afterwards"


def test_silence_is_not_waited_for(
    owner: QObject, place: Place, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HEARING_MS", 100)
    Door(place, owner)
    silent = [send(place, b"{") for _ in range(door.MOST_CALLERS + 3)]
    qtbot.waitUntil(lambda: all(s.state() == s.LocalSocketState.UnconnectedState for s in silent))
    assert called(qtbot, place, Message())


def test_others_of_the_computer_cannot_call(owner: QObject, place: Place) -> None:
    if os.name == "nt":
        pytest.skip("pipes have no mode")
    Door(place, owner)
    socket = Path(tempfile.gettempdir()) / place.socket  # a bare name lies there
    assert socket.stat().st_mode & 0o077 == 0


# -- the program itself

WATCH = """
import json, os, sys
from PySide6.QtCore import QTimer
from galaxyscope.gui import app, window
window.MainWindow.start_work = lambda self: None  # no network
opened = []
def note(self, paths):
    opened.append([str(path) for path in paths])
    print(json.dumps(opened[-1]), flush=True)
    if any(str(path).endswith("enough.fits") for path in paths):
        QTimer.singleShot(0, self.close)
window.MainWindow.open = note
sys.exit(app.main(sys.argv[1:]))
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the program with a home of its own."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    homes = {f"XDG_{k}_HOME": str(tmp_path / k.lower()) for k in ("DATA", "CONFIG", "CACHE")}
    environment = os.environ | homes | {"XDG_RUNTIME_DIR": str(runtime)}
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WATCH, *words],
            env=environment, cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_a_second_start_hands_its_files_to_the_window(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    first = start("one.fits")
    assert first.stdout is not None
    assert json.loads(first.stdout.readline()) == [str(tmp_path / "one.fits")]
    second = start("two.fits", "enough.fits")
    printed, complaints = second.communicate(timeout=60)
    assert (second.returncode, printed, complaints) == (0, "", "")
    assert json.loads(first.stdout.readline()) == [
        str(tmp_path / name) for name in ("two.fits", "enough.fits")
    ]
    printed, complaints = first.communicate(timeout=60)
    assert first.returncode == 0
    assert complaints in ("", "This plugin does not support raise()\n")
    third = start("enough.fits")
    printed, _ = third.communicate(timeout=60)
    assert json.loads(printed) == [str(tmp_path / "enough.fits")], "the first one has gone"


def test_another_window_all_the_same(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    first = start("one.fits")
    assert first.stdout is not None
    first.stdout.readline()
    others = [start(option, "enough.fits") for option in ("--new-window", "--safe-mode")]
    for other in others:
        printed, complaints = other.communicate(timeout=60)
        assert json.loads(printed) == [str(tmp_path / "enough.fits")]
        assert (other.returncode, complaints) == (0, "")
    assert (tmp_path / "data" / "galaxyscope" / "safe-mode.sqlite").exists()


def test_lock_files_are_qts(place: Place) -> None:
    """Whoever cleans up by hand can ask the lock who holds it."""
    lock = claim(place)
    assert lock is not None
    assert os.getpid() in QLockFile(str(place.lock)).getLockInfo()
    lock.unlock()
