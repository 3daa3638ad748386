"""What is to be seen, as plain values that a session keeps, and back again.

What comes from a session file may be anything: what does not fit is passed over.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from galaxyscope.gui.canvas import Canvas, ViewState
from galaxyscope.gui.model import Galaxy
from galaxyscope.gui.panels.overlay import OverlayStyle
from galaxyscope.sky.image import Plane

if TYPE_CHECKING:
    from galaxyscope.gui.window import MainWindow


def of_window(window: MainWindow) -> dict[str, Any]:
    """Return which galaxy is shown, and how: model, method, its settings, overlay, north."""
    workspace, explain = window.workspace, window.explain_panel
    return {
        "folder": "" if workspace.folder is None else str(workspace.folder),
        "current": "" if workspace.current is None else str(workspace.current.path),
        "model": window.choosing.in_use,
        "method": explain.method.card().name,
        "parameters": explain.parameters(),
        "target": explain.target.currentData() or "",
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
        window.explain_panel.choose_target(target)
    if (algorithm := state.get("algorithm")) in ("phase", "invariant", "published"):
        window.explaining.set_algorithm(algorithm)
        window.actions_.check(algorithm)
    style = _made(OverlayStyle, state.get("overlay"))
    if style is not None and 0 <= style.opacity <= 1:
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

    plane = _made(Plane, look.get("plane"))
    if plane is not None and isinstance(plane.hdu, int):
        galaxy.plane = plane
    view = _made(ViewState, look.get("view"))
    if view is not None and _is_view(view):
        x, y = view.centre
        galaxy.view = dataclasses.replace(view, centre=(float(x), float(y)))
    galaxy.display = _made(Display, look.get("display"))
    threshold = look.get("threshold")
    if isinstance(threshold, float | int) and 0 <= threshold <= 1:
        galaxy.threshold = float(threshold)
    if isinstance(selected := look.get("selected"), str):
        galaxy.selected = selected


def _made(kind: Any, values: object) -> Any:
    """Make a dataclass of plain values; None where they are not its own."""
    if not isinstance(values, dict):
        return None
    names = {field.name: field for field in dataclasses.fields(kind)}
    with suppress(TypeError, ValueError):
        if values.keys() <= names.keys() and all(map(_is_plain, values.values())):
            return kind(**values)
    return None


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, float | int) and math.isfinite(one) for one in value)
    if isinstance(value, float | int):
        return math.isfinite(value)
    return value is None or isinstance(value, str)


def _is_view(view: ViewState) -> bool:
    centre = view.centre
    numbers = isinstance(centre, list | tuple) and len(centre) == 2
    return numbers and isinstance(view.scale, float | int) and 1e-3 < view.scale < 1e3
