"""Commands that make the figures of docs/reliability.md."""

from __future__ import annotations

import argparse
import importlib

COMMANDS = ("fuzz", "kill", "actions", "quitting")


def main() -> int:
    """Run one of them."""
    parser = argparse.ArgumentParser(prog="python -m scripts.reliability", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    modules = {name: importlib.import_module(f"scripts.reliability.{name}") for name in COMMANDS}
    for name, module in modules.items():
        said = (module.__doc__ or "").partition("\n")[0]
        module.add_arguments(commands.add_parser(name, help=said, description=said))
    args = parser.parse_args()
    return int(modules[args.command].run(args))


raise SystemExit(main())
