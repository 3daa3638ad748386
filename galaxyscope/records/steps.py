"""`Step`: one thing that was done, as the command line that does the same."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass

from galaxyscope.records.tables import plain_text


@dataclass(frozen=True)
class Step:
    """One step of the work.

    Parameters
    ----------
    title : str
        What was done, as the menu says it: ``"measure bar"``.
    path : str
        File that it was done to, empty for none.
    command : tuple of str
        Words of the command line that does the same; empty where there is none.
    at : str
        When, UTC.
    """

    title: str
    path: str = ""
    command: tuple[str, ...] = ()
    at: str = ""

    @property
    def line(self) -> str:
        """The command line, quoted for a shell; a comment where there is no such command."""
        if not self.command:
            return f"# {plain_text(self.title)}" + (f" ({plain_text(self.path)})" * bool(self.path))
        return shlex.join(self.command)

    def to_json(self) -> str:
        """Give it as JSON in ASCII, which holds any file name."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Step:
        """Read it back.

        Raises
        ------
        ValueError, TypeError
            If it is no step.
        """
        values = json.loads(text)
        values["command"] = tuple(map(str, values.get("command", ())))
        return cls(**values)
