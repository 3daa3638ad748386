"""The comparison as a figure: panes with captions and provenance; drawn on a worker thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.explain.cards import CARDS
from galaxyscope.gui.canvas.overlay import colours, readable_contour
from galaxyscope.gui.compare.work import Asked, Compared
from galaxyscope.gui.desk import one_line
from galaxyscope.gui.mapping import overlay_of
from galaxyscope.gui.panels.overlay import OverlayStyle
from galaxyscope.gui.tasks import target_text
from galaxyscope.sky.image import SkyImage

if TYPE_CHECKING:
    from galaxyscope.records.grid_figure import Box, MapPane

TITLES = {card.name: card.title for card in CARDS}


@dataclass(frozen=True, eq=False)
class Shown:
    """One pane as it stands: what was asked, what came of it, what else tells it from others.

    Nothing came of it yet where `found` is None.
    """

    asked: Asked
    found: Compared | None
    subtitle: str = ""


def export(
    path: Path,
    image: SkyImage,
    shown: Sequence[Shown],
    columns: int | None,
    box: Box | None,
    galaxy: bool,
    style: OverlayStyle,
    threshold: float,
) -> None:
    """Draw panes to a file; those that nothing came of yet are left out.

    Parameters
    ----------
    path, image, box
        As for `galaxyscope.records.grid_figure.draw_grid`.
    shown : sequence of Shown
    columns : int, optional
        As there; where panes are left out, as many as suit the rest.
    galaxy : bool
        Whether the first pane is the galaxy without a map.
    style : OverlayStyle
        How maps lie over the galaxy on the screen, and so in the figure.
    threshold : float
        Of the mask and the contour, relative to a map's maximum.
    """
    from galaxyscope.records.grid_figure import MapPane, draw_grid

    panes = [MapPane("Galaxy")] if galaxy else []
    made = [(one, one.found) for one in shown if one.found is not None]
    panes += [_pane(one, found, style, threshold) for one, found in made]
    draw_grid(path, image, panes, columns if len(made) == len(shown) else None, box)


def _pane(one: Shown, found: Compared, style: OverlayStyle, threshold: float) -> MapPane:
    from galaxyscope.explain.provenance import made_by
    from galaxyscope.records.grid_figure import MapPane

    title = TITLES[one.asked.method]
    about = " · ".join(part for part in (one.asked.method, one.subtitle) if part)
    if found.map is None:
        return MapPane(title, (about,), None, found.prospect.reason)
    attribution = found.map.attribution
    notes = tuple(one_line(note) for note in attribution.notes)
    overlay = overlay_of(found.map, style, threshold)
    return MapPane(
        title,
        (about, *notes[:1]),
        found.map.values,
        outline=overlay.outline,
        provenance=made_by(attribution),
        target=target_text(attribution.target),
        notes=notes,
        colours=_straight(colours(overlay)),
        contour=readable_contour(overlay) if overlay.contour else None,
    )


def _straight(argb: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Colours of the screen, which are multiplied by their opacity, as any other program's."""
    alpha = argb >> 24
    parts = [(argb >> shift) & 255 for shift in (16, 8, 0)]
    # Both are whole numbers: a faint colour may come out a little above what there is.
    rgb = [np.minimum(255 * part // np.maximum(alpha, 1), 255) for part in parts]
    return np.stack([*rgb, alpha], axis=-1).astype(np.uint8)
