"""All preferences: one declaration each, from which dialog, documentation and checks are made.

To add one, add an `Option`; whoever obeys it asks `galaxyscope.gui.settings.Settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from galaxyscope.explain.cards import CARDS
from galaxyscope.measure.algorithms import DEFAULT_ALGORITHM

Value = bool | int | str
LONGEST_TEXT = 80


@dataclass(frozen=True)
class Option:
    """One preference.

    Parameters
    ----------
    name : str
        Key in the settings file.
    group : str
        Heading in the dialog.
    label : str
        Name for the user.
    default : bool, int or str
        Its type is that of the preference.
    text : str
        What it does, one or two sentences.
    choices : mapping of str to str
        What the user reads, by value; empty for free text, numbers and switches.
    limits : tuple of int
        Least and greatest number.
    special : str
        What the user reads in the place of the least number, or of an empty text.
    personal : bool
        True for what does not belong into a report about the program.
    """

    name: str
    group: str
    label: str
    default: Value
    text: str
    choices: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[int, int] = (0, 0)
    special: str = ""
    personal: bool = False

    def read(self, stored: object) -> Value:
        """Return a stored value; the default if it is damaged, unknown or outside the limits.

        Parameters
        ----------
        stored : object
            As the settings file gives it: text, or what was set in this process.
        """
        if not isinstance(stored, bool | int | str):
            return self.default
        if isinstance(self.default, bool):
            known = {"true": True, "1": True, "false": False, "0": False}
            return known.get(str(stored).lower(), self.default)
        if isinstance(self.default, int):
            return self._number(stored)
        text = str(stored)
        if self.choices:
            return text if text in self.choices else self.default
        plain = text.strip()
        return plain if len(plain) <= LONGEST_TEXT and plain.isprintable() else self.default

    def _number(self, stored: bool | int | str) -> Value:
        try:
            number = int(stored)
        except ValueError:
            return self.default
        least, greatest = self.limits
        fits = least <= number <= greatest and not isinstance(stored, bool)
        return number if fits else self.default

    def shown(self, value: Value) -> str:
        """Return a value as the user reads it."""
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, int):
            return self.special if self.special and value == self.limits[0] else str(value)
        return self.choices.get(value, value) or self.special


def _choices(**values: str) -> Mapping[str, str]:
    return MappingProxyType(values)


OPTIONS: tuple[Option, ...] = (
    Option(
        "theme",
        "Window",
        "Appearance",
        "system",
        "Light or dark. As the system: it changes when the system does.",
        _choices(system="As the system", light="Light", dark="Dark"),
    ),
    Option(
        "restore_session",
        "Window",
        "Open what was open last time",
        True,
        "Begin where the program was closed, if it is not given files to open.",
    ),
    Option(
        "method",
        "Explaining",
        "Method",
        CARDS[0].name,
        "The method that is chosen when the window opens.",
        MappingProxyType({card.name: card.title for card in CARDS}),
    ),
    Option(
        "samples",
        "Explaining",
        "Samples",
        0,
        "How many it begins with, if it takes samples; more are smoother and slower.",
        limits=(0, 16384),
        special="as the method suggests",
    ),
    Option(
        "explain_automatically",
        "Explaining",
        "Explain every galaxy that is opened",
        False,
        "The map is made and the bar measured at once, without asking for it.",
    ),
    Option(
        "algorithm",
        "Measuring",
        "Bar algorithm",
        DEFAULT_ALGORITHM,
        "How a bar is found on its map. A map that is there is measured again.",
        _choices(
            consensus="Map, light and a network's answer together",
            joint="Map and light together",
            phase="Axis from the map, ends from the light",
            invariant="Map alone, rotation-invariant",
            published="Map alone, as published",
        ),
    ),
    Option(
        "observer",
        "Measuring",
        "Observer",
        "",
        "Name that is kept with every line that is drawn from now on.",
        special="login name",
        personal=True,
    ),
    Option(
        "width_lines",
        "Measuring",
        "Ask for the width of each bar too",
        False,
        "After each line along the bar a second one across it, as in Galaxy Zoo.",
    ),
    Option(
        "device",
        "Network",
        "Runs on",
        "auto",
        "What is not there counts as automatic: a graphics card, else the processor.",
        _choices(auto="Automatic", cpu="Processor", cuda="NVIDIA GPU (CUDA)", mps="Apple GPU"),
    ),
    Option(
        "precision",
        "Network",
        "Number format",
        "fp32",
        "Full precision, or the fastest format that was found to agree with it on this computer.",
        _choices(fp32="Full precision", auto="Fastest that agrees"),
    ),
    Option(
        "threads",
        "Network",
        "Processor threads",
        0,
        "How many threads a network may use on the processor.",
        limits=(0, 256),
        special="all but one",
    ),
)

OPTION: Mapping[str, Option] = MappingProxyType({option.name: option for option in OPTIONS})
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(option.group for option in OPTIONS))
