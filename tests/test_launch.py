"""The entry point: quick to say its version, and knows a command from a file."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest

import galaxyscope
from galaxyscope import launch
from galaxyscope.resources import bundled, icons_folder, models_folder, samples_folder

WINDOW = "galaxyscope.gui.app"


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record what the window is asked to open, instead of opening one."""
    opened: list[list[str]] = []

    class App:
        @staticmethod
        def main(paths: list[str]) -> int:
            opened.append(paths)
            return 0

    monkeypatch.setitem(sys.modules, WINDOW, App)
    return opened


def best_seconds(*words: str) -> float:
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def test_the_version_costs_no_more_than_python() -> None:
    bare = best_seconds("-c", "pass")
    ours = best_seconds("-m", "galaxyscope", "--version")
    print(f"--version: {ours / bare:.2f} × bare Python, {ours * 1000:.0f} ms")
    assert ours < max(0.3, 3 * bare), "0.3 s, or a machine that is slow with Python itself"


def test_the_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from galaxyscope.launch import main; main(['--version']);"
        "print(sorted(m for m in sys.modules if '.' not in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.startswith(f"galaxyscope {galaxyscope.__version__}\n")
    loaded = done.stdout
    for heavy in ("numpy", "torch", "astropy", "PySide6", "argparse"):
        assert f"'{heavy}'" not in loaded


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    from galaxyscope.cli.main import COMMANDS

    assert launch.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert {module.NAME for module in COMMANDS} == set(launch.COMMANDS)
    for name in launch.COMMANDS:
        assert f"\n  {name} " in text


def test_garbage_waits_for_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    collects = []

    class App:
        @staticmethod
        def main(paths: list[str]) -> int:
            collects.append(gc.isenabled())
            return 0

    monkeypatch.setitem(sys.modules, WINDOW, App)
    assert launch.main([]) == 0
    assert collects == [False]
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ([], []),
        (["a.fits", "folder"], ["a.fits", "folder"]),
        (["--samples"], ["--samples"]),
        (["./measure"], ["./measure"]),
        (["--", "measure"], ["measure"]),
        (["--", "-odd.fits"], ["-odd.fits"]),
        (["a.fits", "measure"], ["a.fits", "measure"]),
    ],
)
def test_paths_open_the_window(window: list[list[str]], words: list[str], paths: list[str]) -> None:
    assert launch.main(words) == 0
    assert window == [paths]


def test_a_command_wins_over_a_file(
    window: list[list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "measure").write_text("")
    monkeypatch.chdir(tmp_path)
    assert launch.main(["measure", "--help"]) == 0
    assert "--algorithm" in capsys.readouterr().out
    assert window == []


def test_unknown_options_are_refused(
    window: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch.main(["--fullscrean", "a.fits"]) == 2
    assert "--fullscrean" in capsys.readouterr().err
    assert window == []


def test_a_missing_qt_gives_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, WINDOW, None)
    assert launch.main(["a.fits"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("galaxyscope: the window cannot open")
    assert error.count("\n") == 1


def test_resources_of_a_checkout_and_of_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(galaxyscope.__file__).resolve().parent.parent
    if not (root / "galaxyscope" / "_data").exists():
        assert samples_folder() == root / "resources" / "samples"
        assert models_folder() == root / "models"
    package = tmp_path / "galaxyscope"
    (package / "_data" / "resources" / "icons").mkdir(parents=True)
    monkeypatch.setattr("galaxyscope.resources._PACKAGE", package)
    assert icons_folder() == package / "_data" / "resources" / "icons"
    assert bundled("models") == tmp_path / "models", "what a wheel lacks is looked for beside it"
