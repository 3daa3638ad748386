"""The table of actions, and what is made from it."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence

from galaxyscope.gui.action_table import ACTIONS, MENUS
from galaxyscope.gui.actions import key_table
from galaxyscope.gui.palette import Palette, score
from galaxyscope.resources import icons_folder


def test_every_action_is_there_once_and_can_be_done(drive: Any) -> None:
    for spec in ACTIONS:
        assert callable(attrgetter(spec.does)(drive.window)), spec.id
        assert spec.menu.lstrip("-").partition("/")[0] in MENUS
    assert max(Counter(spec.id for spec in ACTIONS).values()) == 1


def test_no_key_is_given_twice_and_all_are_keys() -> None:
    keys = [QKeySequence(key).toString() for spec in ACTIONS for key in spec.keys]
    assert all(keys)
    assert max(Counter(keys).values()) == 1


def test_keys_are_those_astronomers_know() -> None:
    keys = {key: spec.id for spec in ACTIONS for key in spec.keys}
    wanted = {
        "`": "fit", "C": "centre", "J": "next", "K": "previous", "E": "explain", "Esc": "cancel",
        "[": "lower", "]": "higher", "O": "overlay", "B": "blink", "L": "tool_line",
        "R": "tool_ruler", "F": "freeze", "Del": "delete", "Ctrl+Z": "undo",
        "Ctrl+Shift+Z": "redo", "Ctrl+Shift+P": "commands", "F1": "keys",
        **{str(n): "one" if n == 1 else f"zoom{n}" for n in range(1, 10)},
    }  # fmt: skip
    assert {key: keys.get(key) for key in wanted} == wanted


def test_icons_exist() -> None:
    missing = [
        s.icon for s in ACTIONS if s.icon and not (icons_folder() / f"{s.icon}.svg").is_file()
    ]
    assert missing == []


def test_f1_shows_every_key() -> None:
    shown = " ".join(keys for _, _, keys in key_table())
    for spec in ACTIONS:
        for key in spec.keys:
            assert QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) in shown


def test_actions_wait_for_what_they_need(drive: Any, folder: Path) -> None:
    actions = drive.window.actions_
    assert not actions["fit"].isEnabled()
    assert not actions["delete"].isEnabled()
    assert not actions["undo"].isEnabled()
    drive.open(folder, shows="a.fits")
    assert actions["fit"].isEnabled()
    assert not actions["blink"].isEnabled()


def test_tools_are_one_of_three(drive: Any, folder: Path, qtbot: Any) -> None:
    drive.open(folder, shows="a.fits")
    drive.window.canvas.setFocus()
    qtbot.keyClick(drive.window, Qt.Key.Key_L)
    assert drive.window.canvas.tool == "line"
    assert drive.window.actions_["tool_line"].isChecked()
    drive.window.canvas.set_tool("pan")
    assert drive.window.actions_["tool_pan"].isChecked()
    assert not drive.window.actions_["tool_line"].isChecked()


@pytest.mark.parametrize(
    ("wish", "better", "worse"),
    [
        ("thr", "Lower threshold", "Theme Dark"),
        ("ex", "Explain", "Next galaxy"),
        ("of", "Open folder", "Show map off"),
    ],
)
def test_palette_finds_beginnings_of_words_first(wish: str, better: str, worse: str) -> None:
    assert score(wish, better) > score(wish, worse)


def test_palette_refuses_what_does_not_fit() -> None:
    assert score("xyz", "Explain") == 0
    assert score("nialpxe", "Explain") == 0


# The offscreen platform says so of every dialog; there is no window manager to be told.
NO_SIZE_HINTS = pytest.mark.qt_log_ignore("does not support propagateSizeHints")


@NO_SIZE_HINTS
def test_palette_is_as_high_as_what_it_found(drive: Any, qtbot: Any) -> None:
    drive.trigger("commands")
    palette = drive.window.palette_
    qtbot.waitUntil(lambda: palette.height() > 250)
    qtbot.keyClicks(palette.edit, "pixel scale")
    qtbot.waitUntil(lambda: palette.height() < 150)
    below = palette.list.visualItemRect(palette.list.topLevelItem(0)).bottom()
    assert 0 <= palette.list.viewport().height() - 1 - below < 3
    palette.edit.clear()
    qtbot.waitUntil(lambda: palette.height() > 250)
    palette.close()


@NO_SIZE_HINTS
def test_palette_with_nothing_found_says_so_and_does_nothing(drive: Any, qtbot: Any) -> None:
    drive.trigger("commands")
    palette = drive.window.palette_
    qtbot.keyClicks(palette.edit, "zzzz")
    (item,) = (palette.list.topLevelItem(i) for i in range(palette.list.topLevelItemCount()))
    assert (item.text(0), item.isDisabled()) == ("No command is called that", True)
    qtbot.keyClick(palette.edit, Qt.Key.Key_Down)
    qtbot.keyClick(palette.edit, Qt.Key.Key_Return)
    assert palette.isVisible()
    palette.close()


@NO_SIZE_HINTS
def test_palette_runs_an_action(drive: Any, folder: Path, qtbot: Any) -> None:
    drive.open(folder, shows="a.fits")
    drive.trigger("commands")
    palette = drive.window.palette_
    assert isinstance(palette, Palette)
    qtbot.keyClicks(palette.edit, "ruler")
    qtbot.keyClick(palette.edit, Qt.Key.Key_Return)
    assert drive.window.canvas.tool == "ruler"
    assert not palette.isVisible()


@NO_SIZE_HINTS
def test_key_window_opens_and_closes(drive: Any, qtbot: Any) -> None:
    from galaxyscope.gui.dialogs import KeysDialog

    drive.trigger("keys")
    [dialog] = drive.window.findChildren(KeysDialog)
    assert dialog.isVisible()
    dialog.close()


def test_theme_is_remembered(drive: Any) -> None:
    from galaxyscope.gui.theme import is_dark

    drive.trigger("theme_dark")
    assert is_dark()
    assert drive.window.settings.text("theme") == "dark"
    drive.trigger("theme_light")
    assert not is_dark()
