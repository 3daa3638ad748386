"""Colours, type and icons: neutral chrome in light and dark, data colours that never change."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QGuiApplication,
    QIcon,
    QImage,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

Mode = Literal["system", "light", "dark"]

#: Colour has meaning: these stand for what was measured, by whom, and for trouble. They
#: are the same in light and dark, on screen and in figures.
DATA: Mapping[str, str] = MappingProxyType(
    {
        "automatic": "#F5A623",
        "drawn": "#35C8E6",
        "classical": "#9AA0A6",
        "warning": "#E5484D",
    }
)

#: The canvas is dark in both modes, so that the galaxy is the brightest thing on screen.
CANVAS = "#0E0E0F"

_LIGHT = {
    QPalette.ColorRole.Window: "#F2F2F2",
    QPalette.ColorRole.WindowText: "#1D1D1F",
    QPalette.ColorRole.Base: "#FBFBFB",
    QPalette.ColorRole.AlternateBase: "#F4F4F4",
    QPalette.ColorRole.Text: "#1D1D1F",
    QPalette.ColorRole.PlaceholderText: "#6F6F73",
    QPalette.ColorRole.Button: "#EDEDED",
    QPalette.ColorRole.ButtonText: "#1D1D1F",
    QPalette.ColorRole.BrightText: "#FFFFFF",
    QPalette.ColorRole.ToolTipBase: "#2B2B2D",
    QPalette.ColorRole.ToolTipText: "#F2F2F2",
    QPalette.ColorRole.Light: "#FFFFFF",
    QPalette.ColorRole.Midlight: "#E4E4E4",
    QPalette.ColorRole.Mid: "#CFCFCF",
    QPalette.ColorRole.Dark: "#B0B0B0",
    QPalette.ColorRole.Shadow: "#8A8A8A",
    QPalette.ColorRole.Highlight: "#4C6A92",
    QPalette.ColorRole.HighlightedText: "#FFFFFF",
    QPalette.ColorRole.Accent: "#4C6A92",
    QPalette.ColorRole.Link: "#2F5F9E",
    QPalette.ColorRole.LinkVisited: "#5A4E86",
}
_DARK = {
    QPalette.ColorRole.Window: "#202022",
    QPalette.ColorRole.WindowText: "#E4E4E6",
    QPalette.ColorRole.Base: "#18181A",
    QPalette.ColorRole.AlternateBase: "#1D1D1F",
    QPalette.ColorRole.Text: "#E4E4E6",
    QPalette.ColorRole.PlaceholderText: "#8C8C91",
    QPalette.ColorRole.Button: "#2A2A2D",
    QPalette.ColorRole.ButtonText: "#E4E4E6",
    QPalette.ColorRole.BrightText: "#FFFFFF",
    QPalette.ColorRole.ToolTipBase: "#38383B",
    QPalette.ColorRole.ToolTipText: "#F2F2F2",
    QPalette.ColorRole.Light: "#3A3A3D",
    QPalette.ColorRole.Midlight: "#303033",
    QPalette.ColorRole.Mid: "#3A3A3D",
    QPalette.ColorRole.Dark: "#121214",
    QPalette.ColorRole.Shadow: "#000000",
    QPalette.ColorRole.Highlight: "#4C6A92",
    QPalette.ColorRole.HighlightedText: "#FFFFFF",
    QPalette.ColorRole.Accent: "#6E8FBC",
    QPalette.ColorRole.Link: "#86ACE0",
    QPalette.ColorRole.LinkVisited: "#A99BD6",
}

# Fields and boxes that are filled in: lighter than the chrome in the dark, so that an empty
# check box is seen.
_FIELDS = ("QLineEdit", "QAbstractSpinBox", "QCheckBox", "QMenu")
_FIELD = {"light": "#FFFFFF", "dark": "#34343A"}

# No boxes inside boxes: docks, tables and bars have no frame of their own; space (8 px and
# its multiples) and one hairline part them.
_STYLE = """
QToolBar {{ border: none; border-bottom: 1px solid {line}; padding: 4px 8px; spacing: 4px; }}
QToolBar::separator {{ background: {line}; width: 1px; margin: 6px 8px; }}
QStatusBar {{ border-top: 1px solid {line}; }}
QStatusBar::item {{ border: none; }}
QMainWindow::separator {{ background: {line}; width: 1px; height: 1px; }}
QMainWindow::separator:hover {{ background: {accent}; }}
QSplitter::handle {{ background: {line}; }}
QDockWidget::title {{ padding: 8px 8px 4px 8px; text-align: left; }}
QAbstractScrollArea {{ border: none; }}
QHeaderView::section {{ border: none; border-bottom: 1px solid {line}; padding: 4px 8px;
    background: {window}; color: {quiet}; }}
QTableView {{ gridline-color: {line}; }}
QToolTip {{ border: none; padding: 4px 8px; background: {tip}; color: {tiptext}; }}
QProgressBar {{ border: none; border-radius: 2px; max-height: 4px; background: {line};
    color: transparent; }}
QProgressBar::chunk {{ border-radius: 2px; background: {accent}; }}
"""


def apply_theme(app: QApplication, mode: Mode = "system") -> None:
    """Dress the application.

    Parameters
    ----------
    app : QApplication
    mode : {"system", "light", "dark"}
        ``"system"`` follows the desktop, also when it changes later.

    Raises
    ------
    ValueError
        If `mode` is none of the three.
    """
    schemes = {
        "system": Qt.ColorScheme.Unknown,
        "light": Qt.ColorScheme.Light,
        "dark": Qt.ColorScheme.Dark,
    }
    if mode not in schemes:
        raise ValueError(f"a theme is one of {', '.join(schemes)}, not {mode!r}")
    first = app.property("galaxyscope_theme") is None
    app.setProperty("galaxyscope_theme", mode)
    if app.style().objectName().lower() != "fusion":
        app.setStyle("Fusion")
    hints = app.styleHints()
    hints.setColorScheme(schemes[mode])
    if first:
        hints.colorSchemeChanged.connect(lambda _scheme: _follow_system(app))
    _dress(app, _wants_dark(app, mode))


def _follow_system(app: QApplication) -> None:
    if app.property("galaxyscope_theme") == "system":
        _dress(app, _wants_dark(app, "system"))


def _wants_dark(app: QApplication, mode: Mode) -> bool:
    if mode == "system":
        return app.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return mode == "dark"


def _dress(app: QApplication, dark: bool) -> None:
    colours = _DARK if dark else _LIGHT
    palette = QPalette()
    for role, value in colours.items():
        palette.setColor(role, QColor(value))
    for role in (
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
    ):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(_disabled(dark)))
    palette.setColor(
        QPalette.ColorGroup.Disabled,
        QPalette.ColorRole.Highlight,
        QColor(colours[QPalette.ColorRole.Mid]),
    )
    app.setPalette(palette)
    fields = QPalette(palette)
    fields.setColor(QPalette.ColorRole.Base, QColor(_FIELD["dark" if dark else "light"]))
    for name in _FIELDS:
        app.setPalette(fields, name)
    app.setStyleSheet(
        _STYLE.format(
            line="#2E2E31" if dark else "#DADADA",
            accent=colours[QPalette.ColorRole.Accent],
            window=colours[QPalette.ColorRole.Window],
            quiet=colours[QPalette.ColorRole.PlaceholderText],
            tip=colours[QPalette.ColorRole.ToolTipBase],
            tiptext=colours[QPalette.ColorRole.ToolTipText],
        )
    )


def _disabled(dark: bool) -> str:
    return "#66666B" if dark else "#A3A3A6"


def is_dark() -> bool:
    """Whether the chrome is dark now."""
    return QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128


def tabular_font(base: QFont | None = None) -> QFont:
    """Font whose figures all have one width, for numbers in columns and in the status bar.

    Parameters
    ----------
    base : QFont or None
        The font to start from; the application's where None.
    """
    font = QFont(QGuiApplication.font() if base is None else base)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def mono_font(base: QFont | None = None) -> QFont:
    """Fixed-width font in the size of `base`, for paths, headers and details of failures."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    size = (QGuiApplication.font() if base is None else base).pointSizeF()
    if size > 0:
        font.setPointSizeF(size)
    return font


def icon(name: str, color: str | None = None) -> QIcon:
    """Icon of the program's own family in the colour of the text.

    Parameters
    ----------
    name : str
        File name in the icons folder, without ``.svg``.
    color : str or None
        Any colour name; the palette's text colour where None. An icon keeps the colour it
        was made with: ask again after a change of theme.

    Returns
    -------
    QIcon
        Empty where there is no such icon.
    """
    from galaxyscope.resources import icons_folder

    try:
        svg = (icons_folder() / f"{name}.svg").read_text(encoding="utf-8")
    except OSError:
        return QIcon()
    palette = QGuiApplication.palette()
    text = QPalette.ColorRole.ButtonText
    result = QIcon()
    for group, icon_mode in (
        (QPalette.ColorGroup.Active, QIcon.Mode.Normal),
        (QPalette.ColorGroup.Disabled, QIcon.Mode.Disabled),
    ):
        normal = icon_mode is QIcon.Mode.Normal
        colour = QColor(color) if color and normal else palette.color(group, text)
        source = QByteArray(svg.replace("currentColor", colour.name()).encode())
        renderer = QSvgRenderer(source)
        if not renderer.isValid():
            return QIcon()
        for size in (16, 20, 24, 32, 40, 48, 64):
            result.addPixmap(_render(renderer, size), icon_mode)
    return result


def _render(renderer: QSvgRenderer, size: int) -> QPixmap:
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return QPixmap.fromImage(image)
