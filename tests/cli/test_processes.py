"""The commands as processes: streams, signals, what is not imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

COMMAND = [sys.executable, "-m", "galaxyscope"]


def run(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]  # options are mixed
        [*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=60, **options
    )


def test_streams_and_status(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.eye(64))
    done = run("measure-map", tmp_path / "m.npy")
    assert done.returncode == 0
    assert done.stderr == "", "no progress bar where there is no terminal"
    assert done.stdout.count("\n") == 2
    bad = run("measure-map", tmp_path / "none.npy")
    assert bad.returncode == 1
    assert bad.stderr.count("\n") == 1


def test_no_window_and_no_network_where_none_is_needed(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.eye(64))
    code = (
        "import sys; from galaxyscope.launch import main; status = main(sys.argv[1:]);"
        "print([m for m in ('torch', 'PySide6', 'captum', 'matplotlib') if m in sys.modules],"
        " file=sys.stderr); sys.exit(status)"
    )
    for words in (["measure-map", str(tmp_path / "m.npy")], ["measure", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == "[]\n"


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent in the way of POSIX")
def test_ctrl_c_of_a_real_process_leaves_the_truth_so_far(tmp_path: Path) -> None:
    out = tmp_path / "galaxies"
    words = [*COMMAND, "simulate", "-o", str(out), "--count", "100000", "--size", "64"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (out / "simulated_0_0002.fits").exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "galaxyscope: interrupted\n"
    truth = (out / "truth.csv").read_text().splitlines()[1:]
    assert len(truth) >= 2
    for line in truth:
        assert (out / line.split(",")[0]).exists()


@pytest.mark.skipif(os.name == "nt", reason="pipes break differently there")
def test_a_reader_who_has_seen_enough(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.eye(64))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "measure-map", str(tmp_path / "m.npy")],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 141


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
@pytest.mark.parametrize("width", [0, 80])
def test_a_terminal_sees_progress(tmp_path: Path, width: int) -> None:
    import fcntl
    import struct
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    words = ["simulate", "-o", str(tmp_path), "--count", "2", "--size", "64"]
    with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # Linux's way to say that the other end was closed
                break
            if not chunk:
                break
            said += chunk
        assert process.stdout is not None
        assert process.stdout.read() == b""
    os.close(ours)
    assert process.returncode == 0
    assert b"50%" in said
    assert b"simulated_0_0001" in said
