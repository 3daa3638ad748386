"""Neutral chrome in light and dark, icons in the colour of the text."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPalette

from galaxyscope.gui import theme


@pytest.fixture
def app(qapp):
    palette, sheet, style = qapp.palette(), qapp.styleSheet(), qapp.style().objectName()
    yield qapp
    theme.apply_theme(qapp, "system")
    qapp.setStyleSheet(sheet)
    qapp.setStyle(style)
    qapp.setPalette(palette)


def _luminance(colour):
    def linear(v):
        return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4

    return (
        0.2126 * linear(colour.redF())
        + 0.7152 * linear(colour.greenF())
        + 0.0722 * linear(colour.blueF())
    )


def _contrast(a, b):
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("mode", "dark"), [("light", False), ("dark", True)])
def test_chrome_is_neutral_and_readable(app, mode, dark):
    data = dict(theme.DATA)
    theme.apply_theme(app, mode)
    assert theme.is_dark() == dark
    assert dict(theme.DATA) == data
    role, palette = QPalette.ColorRole, app.palette()
    for background in (role.Window, role.Base, role.Button):
        assert palette.color(background).hslSaturation() < 20
    for text, ground in (
        (role.WindowText, role.Window),
        (role.Text, role.Base),
        (role.PlaceholderText, role.Base),
        (role.ButtonText, role.Button),
        (role.HighlightedText, role.Highlight),
        (role.ToolTipText, role.ToolTipBase),
    ):
        assert _contrast(palette.color(text), palette.color(ground)) > 4.5


def test_unknown_mode_is_refused(app):
    with pytest.raises(ValueError, match="theme"):
        theme.apply_theme(app, "sepia")


def test_data_colours_read_on_the_canvas():
    for name in ("automatic", "drawn", "classical", "warning"):
        assert _contrast(QColor(theme.DATA[name]), QColor(theme.CANVAS)) > 4.5


def test_icons_take_the_colour_of_the_text(app, tmp_path, monkeypatch):
    square = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
    square += '<rect width="24" height="24" fill="currentColor"/></svg>'
    (tmp_path / "square.svg").write_text(square)
    (tmp_path / "broken.svg").write_text("not an icon")
    monkeypatch.setattr("galaxyscope.resources.icons_folder", lambda: tmp_path)
    for mode in ("light", "dark"):
        theme.apply_theme(app, mode)
        text = app.palette().color(QPalette.ColorRole.ButtonText)

        def middle(icon, kind=QIcon.Mode.Normal):
            return icon.pixmap(QSize(16, 16), kind).toImage().pixelColor(8, 8).name()

        assert middle(theme.icon("square")) == text.name()
        assert middle(theme.icon("square", "#ff0000")) == "#ff0000"
        assert middle(theme.icon("square"), QIcon.Mode.Disabled) != text.name()
    assert theme.icon("nothing").isNull()


def test_figures_are_tabular(app):
    from PySide6.QtGui import QFont

    assert theme.tabular_font().featureValue(QFont.Tag("tnum")) == 1
    assert theme.mono_font().fixedPitch() or theme.mono_font().family()
