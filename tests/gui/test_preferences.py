"""One declaration per preference: damage falls back, dialog and page are made from it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QLineEdit, QSpinBox

from galaxyscope.gui.action_table import ACTIONS
from galaxyscope.gui.panels.preferences import PreferencesDialog
from galaxyscope.gui.preferences import GROUPS, OPTION, OPTIONS, Option, Value
from galaxyscope.gui.preferring import kept_where
from galaxyscope.gui.settings import Settings
from galaxyscope.gui.theme import apply_theme, is_dark

ROOT = Path(__file__).resolve().parents[2]
NO_SIZE_HINTS = pytest.mark.qt_log_ignore("does not support propagateSizeHints")


def others(option: Option) -> list[Value]:
    """Values that are allowed and not the default."""
    if isinstance(option.default, bool):
        return [not option.default]
    if isinstance(option.default, int):
        return [value for value in option.limits if value != option.default]
    return [value for value in option.choices if value != option.default] or ["Ada"]


@pytest.fixture(params=OPTIONS, ids=lambda option: option.name)
def option(request: pytest.FixtureRequest) -> Option:
    return request.param


def test_a_declaration_is_sound(option: Option) -> None:
    assert option.read(option.default) == option.default
    assert option.text.endswith(".")
    assert option.label[0].isupper()
    assert (
        not isinstance(option.default, int)
        or isinstance(option.default, bool)
        or (option.limits[0] <= option.default <= option.limits[1])
    )
    assert [other.name for other in OPTIONS].count(option.name) == 1


def test_values_survive_the_file(option: Option, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "window.ini"
    for value in others(option):
        settings = Settings(path)
        settings.set(option.name, value)
        settings.save()
        assert Settings(path).preference(option.name) == value
        assert type(Settings(path).preference(option.name)) is type(option.default)


BAD = ("", "-1", "1e3", "99999999999999999999", "nan", "@Invalid()", "a, b", "\\xff", "None")


def test_damaged_values_are_the_default(option: Option, tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    allowed = {str(value).lower() for value in (*others(option), option.default)}
    for bad in BAD:
        if option.name == "observer" or bad in allowed:
            continue  # any short word is a name
        path.write_text(f"[General]\n{option.name}={bad}\n", encoding="utf-8")
        assert Settings(path).preference(option.name) == option.default, bad


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_a_damaged_file_gives_allowed_values(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "window.ini"
        path.write_bytes(b"[General]\ntheme=" + content)
        for name, value in Settings(path).preferences.items():
            assert OPTION[name].read(value) == value


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.text(), st.integers(), st.booleans(), st.floats(), st.none(), st.lists(st.text()),
        st.binary().map(QByteArray),
    )
)  # fmt: skip
def test_whatever_is_stored_reads_as_an_allowed_value(stored: object) -> None:
    for option in OPTIONS:
        value = option.read(stored)
        assert type(value) is type(option.default)
        assert option.read(value) == value


def test_numbers_outside_the_limits_are_the_default() -> None:
    threads = OPTION["threads"]
    assert threads.read("256") == 256
    assert threads.read("257") == threads.read("-1") == threads.read(True) == 0


def test_unprintable_and_long_names_are_refused() -> None:
    observer = OPTION["observer"]
    assert observer.read("  Ada ") == "Ada"
    assert observer.read("a\nb") == observer.read("x" * 81) == ""


def test_an_undeclared_preference_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        Settings(tmp_path / "i").preference("nonsense")


def test_the_menus_offer_what_is_declared() -> None:
    for name, group in (("theme", "theme"), ("algorithm", "algorithm")):
        offered = {spec.argument: spec for spec in ACTIONS if spec.group == group}
        assert set(offered) == set(OPTION[name].choices)
        [first] = [spec.argument for spec in offered.values() if spec.checked]
        assert first == OPTION[name].default
        for value, shown in OPTION[name].choices.items():
            assert offered[value].text == shown


def test_safe_mode_remembers_nothing(tmp_path: Path) -> None:
    settings = Settings(None)
    assert settings.preferences == {option.name: option.default for option in OPTIONS}
    settings.set("theme", "dark")
    settings.add_recent(tmp_path)
    settings.set_bytes("layout", QByteArray(b"x"))
    settings.save()
    assert settings.word("theme") == "dark"
    assert settings.recent == [tmp_path]
    settings.forget_recent()
    assert settings.recent == []
    assert Settings(None).word("theme") == "system"


def test_the_page_is_current() -> None:
    spec = importlib.util.spec_from_file_location(
        "preferences_page", ROOT / "scripts" / "preferences_page.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs" / "preferences.md").read_text(encoding="utf-8")
    assert text == module.page(), "run scripts/preferences_page.py"
    for option in OPTIONS:
        assert option.text in text


def test_where_they_are_kept() -> None:
    assert kept_where(Path.home() / "a" / "b.ini") == f"Kept in {Path('~/a/b.ini')}"
    assert kept_where(Path("/etc/b.ini")) == "Kept in /etc/b.ini"
    assert "forgotten" in kept_where(None)


# -- the dialog


@pytest.fixture
def dialog(qtbot: Any) -> PreferencesDialog:
    made = PreferencesDialog({option.name: option.default for option in OPTIONS}, "Kept in x")
    qtbot.addWidget(made)
    return made


def test_every_option_is_in_the_dialog(dialog: PreferencesDialog, option: Option) -> None:
    kinds = {bool: QCheckBox, int: QSpinBox, str: QComboBox if option.choices else QLineEdit}
    field = dialog.input(option.name)
    assert type(field) is kinds[type(option.default)]
    assert field.accessibleName() == option.label
    shown = {label.text() for label in dialog.findChildren(QLabel)}
    assert option.text in shown
    assert set(GROUPS) <= shown
    for value in (*others(option), option.default):
        dialog.show_values({option.name: value})
        assert dialog.values()[option.name] == value


def test_defaults_come_back_in_the_dialog(dialog: PreferencesDialog) -> None:
    dialog.show_values({option.name: others(option)[0] for option in OPTIONS})
    dialog.defaults.click()
    assert dialog.values() == {option.name: option.default for option in OPTIONS}


# -- in the window


@pytest.fixture(autouse=True)
def theme_of_before(qapp: QApplication) -> Iterator[None]:
    before = qapp.property("galaxyscope_theme")
    yield
    if qapp.property("galaxyscope_theme") != before:
        apply_theme(qapp, "system")


def open_dialog(window: Any, qtbot: Any) -> PreferencesDialog:
    qtbot.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)

    def shown() -> list[PreferencesDialog]:
        return [one for one in window.findChildren(PreferencesDialog) if one.isVisible()]

    qtbot.waitUntil(lambda: len(shown()) == 1)
    return shown()[0]


@NO_SIZE_HINTS
def test_what_is_chosen_is_obeyed_and_can_be_undone(window: Any, qtbot: Any) -> None:
    dialog = open_dialog(window, qtbot)
    dialog.show_values(
        {"theme": "dark", "algorithm": "published", "method": "rise", "samples": 77,
         "explain_automatically": True, "observer": "Grace"}
    )  # fmt: skip
    dialog.accept()
    assert is_dark()
    assert window.actions_["theme_dark"].isChecked()
    assert window.actions_["published"].isChecked()
    assert window.explaining.algorithm == "published"
    assert window.actions_["auto_explain"].isChecked()
    assert window.explaining.automatic
    assert window.explain_panel.method.card().name == "rise"
    assert window.explain_panel.parameters()["samples"] == 77
    assert window.settings.observer == "Grace"
    assert window.undo.undoText() == "change preferences"
    window.undo.undo()
    assert not is_dark()
    assert window.explaining.algorithm == OPTION["algorithm"].default
    assert not window.explaining.automatic
    assert window.explain_panel.method.card().name == OPTION["method"].default
    assert window.settings.observer == "Ada"
    window.undo.redo()
    assert is_dark()


@NO_SIZE_HINTS
def test_a_dialog_that_is_left_changes_nothing(window: Any, qtbot: Any) -> None:
    before = dict(window.settings.preferences)
    dialog = open_dialog(window, qtbot)
    dialog.show_values({"theme": "dark"})
    dialog.reject()
    assert window.settings.preferences == before
    assert not window.undo.canUndo()
    dialog = open_dialog(window, qtbot)
    dialog.accept()
    assert not window.undo.canUndo(), "nothing was changed"


def test_the_network_is_loaded_again_where_it_is_run_otherwise(
    make_window: Callable[[], Any], network: SimpleNamespace, qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from galaxyscope.gui import chores

    loaded: list[chores.Running] = []

    def load(name: str | None, running: chores.Running) -> Any:
        loaded.append(running)
        return network.classifier

    monkeypatch.setattr(chores, "load_network", load)
    window = make_window()
    window.settings.set("threads", 3)
    window.start_work()
    qtbot.waitUntil(lambda: loaded == [chores.Running("auto", "fp32", 3)])
    window.preferring.change({"precision": "auto", "device": "cpu"})
    qtbot.waitUntil(lambda: loaded[1:] == [chores.Running("cpu", "auto", 3)])
    qtbot.waitUntil(lambda: not window.classifying.loading)


@pytest.mark.parametrize("words", [(), ("a.fits",)])
@pytest.mark.parametrize("comes_back", [True, False])
def test_the_last_session_comes_back_if_that_is_preferred(
    make_window: Callable[[], Any], network: SimpleNamespace, folder: Path, qtbot: Any,
    monkeypatch: pytest.MonkeyPatch, comes_back: bool, words: tuple[str, ...],
) -> None:  # fmt: skip
    from galaxyscope.gui.app import Request, begin

    asked: list[str] = []
    window = make_window()
    monkeypatch.setattr(window.sessions, "restore", lambda: asked.append("restore"))
    monkeypatch.setattr(window, "open", lambda paths: asked.append("open"))
    begin(window, Request.of(words), comes_back=comes_back)
    qtbot.waitUntil(lambda: not window.bridge.running, timeout=30_000)
    assert asked == (["open"] if words else ["restore"] if comes_back else [])


def test_the_window_begins_with_the_preferred_method(
    make_window: Callable[[], Any], tmp_path: Path
) -> None:
    path = tmp_path / "config" / "window.ini"
    path.parent.mkdir()
    path.write_text("[General]\nmethod=lime\nsamples=12\nalgorithm=nonsense\n", encoding="utf-8")
    window = make_window()
    assert window.explain_panel.method.card().name == "lime"
    assert window.explain_panel.parameters()["samples"] == 12
    assert window.explaining.algorithm == OPTION["algorithm"].default
    window.explain_panel.method.choose("rise")
    assert window.explain_panel.parameters()["samples"] == 4000, "only the preferred method"
