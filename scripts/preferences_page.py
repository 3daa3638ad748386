"""Write docs/preferences.md from the declarations of the preferences."""

from __future__ import annotations

from pathlib import Path

from galaxyscope.gui.preferences import GROUPS, OPTIONS, Option

PAGE = Path(__file__).resolve().parents[1] / "docs" / "preferences.md"
MOST_CHOICES = 8

HEAD = """\
# Preferences

*Edit › Preferences…* (Ctrl+,) shows them all. They are kept in one text file:

| system | file |
|---|---|
| Linux | `~/.config/galaxyscope/window.ini` (`$XDG_CONFIG_HOME`) |
| macOS | `~/Library/Application Support/galaxyscope/window.ini` |
| Windows | `%LOCALAPPDATA%\\galaxyscope\\window.ini` |

The name in front is that in the file, under `[General]`. A value that is damaged, unknown or
outside its limits counts as the default. `galaxyscope --safe-mode` starts with the defaults and
leaves the file alone.

This page is made by `scripts/preferences_page.py`.
"""


def values_of(option: Option) -> str:
    """Say which values there are, as they stand in the file."""
    if isinstance(option.default, bool):
        return "`true`, `false`"
    if isinstance(option.default, int):
        least, greatest = option.limits
        special = f" (`{least}`: {option.special})" if option.special else ""
        return f"{least} to {greatest}{special}"
    if not option.choices:
        return f"text; empty: {option.special}"
    if len(option.choices) > MOST_CHOICES:
        return "names of methods, `galaxyscope explain --help` lists them"
    return ", ".join(f"`{value}` ({shown})" for value, shown in option.choices.items())


def default_of(option: Option) -> str:
    """Say what the default is, as it stands in the file."""
    if isinstance(option.default, bool):
        return "`true`" if option.default else "`false`"
    return f"`{option.default}`" if option.default != "" else "empty"


def page() -> str:
    """Return the page as Markdown."""
    lines = [HEAD]
    for group in GROUPS:
        lines += [
            f"## {group}",
            "",
            "| name | what it is | values | default |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| `{option.name}` | **{option.label}.** {option.text} | {values_of(option)} "
            f"| {default_of(option)} |"
            for option in OPTIONS
            if option.group == group
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
