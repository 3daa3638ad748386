"""The console entry point: the window, or one of the commands.

``galaxyscope NAME`` runs the command NAME if there is one, even where a file of that name
exists; ``galaxyscope ./NAME`` or ``galaxyscope -- NAME`` opens the file.
"""

from __future__ import annotations

import gc
import sys

from galaxyscope import __version__

COMMANDS = (
    "predict",
    "explain",
    "measure",
    "measure-map",
    "line",
    "import",
    "compare",
    "tune",
    "simulate",
    "models",
    "train",
    "join",
    "evaluate",
    "concepts",
    "sanity",
)

WINDOW_OPTIONS = ("--samples", "--new-window", "--safe-mode")

HELP = f"""\
usage: galaxyscope [OPTION ...] [PATH ...]  open these files or folders in the window
       galaxyscope COMMAND [OPTION ...]     work without a window

There is one window: a second start hands its files to it.

commands:
  predict      what the network says of each image
  explain      where the network looked, as an image
  measure      bar lengths, one row per image
  measure-map  bar length on a saved map
  line         length and angle of a line that you drew
  import       lines of other programs, catalogues and volunteers as a table
  compare      how well two tables of bar lengths agree
  tune         settings of the measuring step, against human lengths
  simulate     galaxies of known truth
  models       which networks can be loaded
  train        a network from a recipe
  join         networks into an ensemble
  evaluate     what a network is worth
  concepts     whether a network minds a concept that you show it (TCAV)
  sanity       which methods notice when the network's weights are random

options:
  --samples     open the window on the simulated galaxies that ship with it
  --new-window  open another window though there is one
  --safe-mode   open another window with default settings and a session of its own
  --version     print the version and leave
  -h, --help    print this text and leave; 'galaxyscope COMMAND --help' tells more

A command wins over a file of the same name; open such a file as ./{COMMANDS[0]}
"""


def main(argv: list[str] | None = None) -> int:
    """Run GalaxyScope.

    Parameters
    ----------
    argv : list of str, optional
        Arguments without the program's name; those of the process if None.

    Returns
    -------
    int
        Exit status: 0 all went well, 1 something could not be done, 2 the command line
        makes no sense, 130 interrupted by Ctrl-C.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    first = words[0] if words else ""
    if first == "--version":
        sys.stdout.write(f"galaxyscope {__version__}\n")
        return 0
    if first in ("-h", "--help"):
        sys.stdout.write(HELP)
        return 0
    if first in COMMANDS:
        from galaxyscope.cli.main import main as run_command

        return run_command(words)
    if first == "--":
        words = words[1:]
    elif unknown := [w for w in words if w.startswith("-") and w not in WINDOW_OPTIONS]:
        sys.stderr.write(f"galaxyscope: no such option: {unknown[0]} (see galaxyscope --help)\n")
        return 2
    # What is made until the window stands is there to stay; to look through it again and again
    # takes a fifteenth of the time. The window has it done from its first paint on.
    gc.disable()
    try:
        return _window(words)
    finally:
        gc.enable()


def _window(paths: list[str]) -> int:
    try:
        from galaxyscope.gui.app import main as open_window
    except ImportError as error:
        # Qt's own libraries are the one thing an installation can lack.
        sys.stderr.write(f"galaxyscope: the window cannot open: {error}\n")
        return 1
    from galaxyscope.work.ending import end

    return end(open_window(paths))
