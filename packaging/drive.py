"""Use an installed GalaxyScope as a person does, on a virtual screen, and look at what comes out.

Usage: python packaging/drive.py --home HOME [--root ROOT --user USER] FILE COMMAND [ARGUMENT ...]

Opens FILE (with the window that COMMAND starts), waits until it was predicted, explained and
measured, starts the program again (the window that is open must take the file), draws a line by
keys, exports the table, quits; then runs the commands without a window. Everything must end
with status 0 and an empty stderr. With ROOT all this happens inside a changed root; HOME and
FILE are paths inside it.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from screen import display, press, rows, wait_for, windows, write

TRUTH = Path(__file__).resolve().parents[1] / "resources" / "samples" / "truth.csv"
# Preferences that a user can set in the menu: explain what is opened, do not ask who draws.
INI = "[General]\nexplain_automatically=true\nobserver=Ada\n"
EXPORT = "export.csv"
CLASS = "galaxyscope"  # StartupWMClass of the desktop entry
TOLERANCE = 0.35  # of the true length: the network must have looked at the bar


@dataclass(frozen=True)
class Installed:
    """A program to use.

    Parameters
    ----------
    command : tuple of str
        Starts it; the arguments follow.
    home : str
        Home of the user, as the program sees it.
    root : Path
        Folder that the program sees as ``/``.
    user : str
        Who runs it inside `root`; empty: who runs this script.
    patience_s : float
        How long one step may take.
    """

    command: tuple[str, ...]
    home: str
    root: Path
    user: str
    patience_s: float

    def outside(self, path: str) -> Path:
        """Where a path of the program lies for this script."""
        return self.root / path.lstrip("/")

    def start(self, env: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
        """Start it in its home; of this script's environment it gets screen and threads."""
        passed = ("DISPLAY", "QT_QPA_PLATFORM", "OMP_NUM_THREADS")
        known = {name: env[name] for name in passed if name in env}
        known |= {
            "HOME": self.home,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": f"{self.home}/runtime",
        }
        clean = ["env", "-i", f"--chdir={self.home}", *(f"{k}={v}" for k, v in known.items())]
        inside = ["chroot", f"--userspec={self.user}", str(self.root)] if self.user else []
        return subprocess.Popen(
            [*inside, *clean, *self.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str], what: str) -> str:
        """Wait for the end; what it printed.

        Raises
        ------
        SystemExit
            If it did not end well, or said something on stderr.
        """
        try:
            printed, complaints = process.communicate(timeout=self.patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise SystemExit(f"drive: {what} did not end") from None
        if process.returncode or complaints.strip():
            raise SystemExit(f"drive: {what}: status {process.returncode}, stderr:\n{complaints}")
        return printed


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file below its comments."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def true_length(name: str) -> float:
    """Length in pixels of the bar of a bundled sample."""
    with TRUTH.open(encoding="utf-8", newline="") as file:
        [row] = [row for row in csv.DictReader(file) if row["file"] == name]
    return math.hypot(*(float(row[f"{axis}2"]) - float(row[f"{axis}1"]) for axis in "xy"))


def check_bar(row: dict[str, str], name: str, where: str) -> None:
    """See that a measured bar is that of the sample."""
    length, true = float(row["length_px"]), true_length(name)
    if not abs(length / true - 1) < TOLERANCE:
        raise SystemExit(f"drive: {where}: {length:.1f} px, the bar has {true:.1f}")
    if not 0 < float(row["target_probability"]) <= 1:
        raise SystemExit(f"drive: {where}: the network said nothing")
    print(f"drive: {where}: {length:.1f} px of {true:.1f}, p(bar) {row['target_probability']}")


def use_window(program: Installed, file: str) -> None:
    """Open, let it predict, explain and measure; draw, export, quit."""
    home = program.outside(program.home)
    session = home / ".local/share/galaxyscope/session.sqlite"
    with display(1280, 800, dict(os.environ)) as env:
        started = time.monotonic()

        def lap(what: str) -> None:
            print(f"drive: {time.monotonic() - started:6.1f} s  {what}", flush=True)

        process = program.start(env, file)

        def see(true: object, what: str) -> None:
            def happened() -> bool:
                if process.poll() is not None:
                    raise SystemExit(f"drive: it ended before {what}:\n{process.communicate()[1]}")
                return bool(true())  # type: ignore[operator]

            wait_for(happened, f"drive: {what}", program.patience_s, 0.1)
            lap(what)

        try:
            see(lambda: windows(env, "--class", f"^{CLASS}$"), "window")
            see(lambda: rows(session, "automatic") == 1, "predicted, explained, measured")
            program.finish(program.start(env, file), "a second start")
            if len(windows(env, "--class", f"^{CLASS}$")) != 1:
                raise SystemExit("drive: a second start opened a second window")
            lap("second start")
            press(env, "l", "Return", *["Right"] * 9, "Tab", *["Left"] * 9, "Return")
            see(lambda: rows(session, "drawn") == 1, "line drawn")
            press(env, "v", "ctrl+e")
            see(lambda: windows(env, "--name", "^Export measurements"), "asked for a name")
            write(env, f"{program.home}/{EXPORT}")
            press(env, "Return")
            exported = home / EXPORT
            see(lambda: exported.exists() and len(read_table(exported)) == 2, "exported")
            press(env, "ctrl+q")
            program.finish(process, "the window")
            lap("quit")
        finally:
            process.kill()
            process.wait()
    table = {row["kind"]: row for row in read_table(exported)}
    check_bar(table["automatic"], Path(file).name, "exported from the window")
    if table["drawn"]["observer"] != "Ada" or not float(table["drawn"]["length_px"]) > 0:
        raise SystemExit("drive: the drawn line is not in the export")


def use_commands(program: Installed, file: str) -> None:
    """Do the same without a window; weights, cards, samples and icons must be found."""
    no_screen = {name: value for name, value in os.environ.items() if name == "OMP_NUM_THREADS"}

    def run(*words: str) -> str:
        started = time.monotonic()
        printed = program.finish(program.start(no_screen, *words), words[0])
        print(f"drive: {time.monotonic() - started:6.1f} s  {' '.join(words)}", flush=True)
        return printed

    print(f"drive: {run('--version').strip()}")
    if "galaxyzoo" not in run("models"):
        raise SystemExit("drive: the shipped network is not found")
    run("predict", file, "-o", "votes.csv")
    run("explain", file, "-o", "map.fits", "--figure", "map.png")
    run("measure", file, "-o", "bars.csv")
    home = program.outside(program.home)
    [row] = read_table(home / "bars.csv")
    check_bar(row, Path(file).name, "measured by the command")
    for name in ("votes.csv", "map.fits", "map.png"):
        if not (home / name).stat().st_size:
            raise SystemExit(f"drive: {name} is empty")


def main() -> None:
    """Use a program as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--home", required=True)
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--user", default="")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds per step")
    parser.add_argument("file")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    program = Installed(tuple(args.command), args.home, args.root, args.user, args.patience)
    settings = program.outside(args.home) / ".config/galaxyscope/window.ini"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(INI, encoding="utf-8")
    runtime = program.outside(args.home) / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    if args.user:
        owner = ["chroot", str(args.root), "chown", "-R", f"{args.user}:", args.home]
        subprocess.run(owner, check=True)
    use_window(program, args.file)
    use_commands(program, args.file)
    print("drive: all is well")


if __name__ == "__main__":
    main()
