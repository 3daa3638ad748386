"""What is to be seen, as plain values that a session keeps, and back again.

What comes from a session file may be anything: what does not fit is passed over.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from galaxyscope.gui.canvas import Canvas, ViewState
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.overlay import OverlayStyle
from galaxyscope.measure.algorithms import ALGORITHMS
from galaxyscope.sky.image import Plane

if TYPE_CHECKING:
    from galaxyscope.gui.window import MainWindow
    from galaxyscope.sky.stretch import Display

_T = TypeVar("_T", bound=Any)


def of_window(window: MainWindow) -> dict[str, Any]:
    """Return which galaxy is shown, and how: model, method, its settings, overlay, north."""
    workspace, explain = window.workspace, window.explain_panel
    return {
        "folder": "" if workspace.folder is None else str(workspace.folder),
        "current": "" if workspace.current is None else str(workspace.current.path),
        "model": window.choosing.in_use,
        "method": explain.method.card().name,
        "parameters": explain.parameters(),
        "target": explain.target.text,
        "algorithm": window.explaining.algorithm,
        "overlay": dataclasses.asdict(window.overlay_panel.overlay_style()),
        "map_visible": window.mapping.visible,
        "north_up": window.actions_["north_up"].isChecked(),
        "observer": window.settings.observer,
    }


def set_window(window: MainWindow, state: Mapping[str, Any]) -> None:
    """Show it again; the model only if it is another one."""
    if isinstance(model := state.get("model"), str) and model:
        window.choosing.prefer(model)
    if isinstance(method := state.get("method"), str):
        window.explain_panel.method.choose(method)
    if isinstance(parameters := state.get("parameters"), dict):
        window.explain_panel.set_parameters(parameters)
    if isinstance(target := state.get("target"), str):
        window.explain_panel.target.choose(target)
    if (algorithm := state.get("algorithm")) in ALGORITHMS:
        window.explaining.set_algorithm(algorithm)
        window.actions_.check(algorithm)
    style = _made(OverlayStyle(), state.get("overlay"))
    if style is not None and 0 <= (style.opacity or 0) <= 1:
        window.overlay_panel.set_overlay_style(style)
    if isinstance(visible := state.get("map_visible"), bool):
        window.mapping.set_visible(visible)
    if isinstance(north := state.get("north_up"), bool):
        window.actions_.check("north_up", north)
        window.canvas.set_north_up(north)


def of_galaxy(galaxy: Galaxy, canvas: Canvas) -> dict[str, Any]:
    """Return plane, camera, display, threshold and selected row of a galaxy that is shown."""
    shown = canvas.image is not None and canvas.image is galaxy.image
    view = canvas.view_state() if shown else galaxy.view
    display = canvas.display if shown else galaxy.display
    return {
        "plane": None if galaxy.plane is None else dataclasses.asdict(galaxy.plane),
        "view": None if view is None else dataclasses.asdict(view),
        "display": None if display is None else dataclasses.asdict(display),
        "threshold": galaxy.threshold,
        "selected": galaxy.selected,
    }


def set_galaxy(galaxy: Galaxy, look: Mapping[str, Any]) -> None:
    """Let a galaxy be shown so when its turn comes."""
    from galaxyscope.sky.stretch import Display

    plane = _made(Plane(0, 0, ""), look.get("plane"))
    if plane is not None:
        galaxy.plane = plane
    view = _made(ViewState((0.0, 0.0), 1.0, True), look.get("view"))
    if view is not None and len(view.centre) == 2 and 1e-3 < (view.scale or 0) < 1e3:
        x, y = view.centre
        galaxy.view = dataclasses.replace(view, centre=(float(x), float(y)))
    display = _made(Display(vmin=0.0, vmax=1.0), look.get("display"))
    if display is not None and _is_display(display):
        galaxy.display = display
    threshold = look.get("threshold")
    if isinstance(threshold, float | int) and 0 <= threshold <= 1:
        galaxy.threshold = float(threshold)
    if isinstance(selected := look.get("selected"), str):
        galaxy.selected = selected


def _made(model: _T, values: object) -> _T | None:
    """Return `model` with other values; None where they are not of the same kinds."""
    if not isinstance(values, dict):
        return None
    names = {field.name for field in dataclasses.fields(model)}
    if not values.keys() <= names:
        return None
    if not all(_alike(getattr(model, name), value) for name, value in values.items()):
        return None
    return dataclasses.replace(model, **values)


def _alike(model: object, value: object) -> bool:
    if isinstance(model, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(model, bool)
    if isinstance(model, tuple):
        return isinstance(value, list) and all(isinstance(one, float | int) for one in value)
    if isinstance(model, float | int):
        # Where there may be a number, there may be none; a whole one stays whole.
        kinds = int if isinstance(model, int) else float | int
        return value is None or (isinstance(value, kinds) and math.isfinite(value))
    return isinstance(value, str)


def _is_display(display: Display) -> bool:
    from galaxyscope.sky.stretch import Limits, Stretch

    numbers = (display.percentile, display.contrast, display.bias)
    return (
        display.limits in get_args(Limits)
        and display.stretch in get_args(Stretch)
        and None not in numbers
        and 0 < display.percentile <= 100
        and 0 < display.contrast < 1e4
        and abs(display.bias) < 1e4
    )
