"""The comparison as a figure: panes with captions and provenance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxyscope.explain.cards import CARDS
from galaxyscope.explain.provenance import made_by
from galaxyscope.gui.compare.work import Asked, Compared
from galaxyscope.records.grid_figure import Box, MapPane, draw_grid
from galaxyscope.sky.image import SkyImage

TITLES = {card.name: card.title for card in CARDS}


def pane_of(
    one: Asked | None, found: Compared | None, subtitle: str, segments: bool = False
) -> MapPane:
    """Return the pane of a map; of None the galaxy's."""
    if one is None or found is None:
        return MapPane("Galaxy")
    title = TITLES[one.method]
    about = " · ".join(part for part in (one.method, subtitle) if part)
    if found.map is None:
        return MapPane(title, (about,), None, found.prospect.reason)
    attribution = found.map.attribution
    return MapPane(
        title,
        (about, *attribution.notes[:1]),
        found.map.values,
        outline=found.map.outline if segments else None,
        provenance=made_by(attribution),
    )


def export(
    path: Path, image: SkyImage, panes: Sequence[MapPane], columns: int | None, box: Box | None
) -> None:
    """Draw panes to a file; see `draw_grid`."""
    draw_grid(path, image, panes, columns, box)
