"""The comparison as a figure: panes with captions and provenance; drawn on a worker thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyscope.explain.cards import CARDS
from galaxyscope.gui.compare.work import Asked, Compared
from galaxyscope.sky.image import SkyImage

if TYPE_CHECKING:
    from galaxyscope.records.grid_figure import Box, MapPane

TITLES = {card.name: card.title for card in CARDS}


@dataclass(frozen=True, eq=False)
class Shown:
    """One pane as it stands: what was asked, what came of it, what else tells it from others."""

    asked: Asked
    found: Compared
    subtitle: str = ""


def export(
    path: Path,
    image: SkyImage,
    shown: Sequence[Shown],
    columns: int | None,
    box: Box | None,
    galaxy: bool,
    segments: bool,
) -> None:
    """Draw panes to a file.

    Parameters
    ----------
    path, image, columns, box
        As for `galaxyscope.records.grid_figure.draw_grid`.
    shown : sequence of Shown
    galaxy : bool
        Whether the first pane is the galaxy without a map.
    segments : bool
        Whether to outline the segments of maps that have some.
    """
    from galaxyscope.records.grid_figure import MapPane, draw_grid

    panes = [MapPane("Galaxy")] if galaxy else []
    draw_grid(path, image, [*panes, *(_pane(one, segments) for one in shown)], columns, box)


def _pane(one: Shown, segments: bool) -> MapPane:
    from galaxyscope.explain.provenance import made_by
    from galaxyscope.records.grid_figure import MapPane

    title = TITLES[one.asked.method]
    about = " · ".join(part for part in (one.asked.method, one.subtitle) if part)
    if one.found.map is None:
        return MapPane(title, (about,), None, one.found.prospect.reason)
    attribution = one.found.map.attribution
    return MapPane(
        title,
        (about, *attribution.notes[:1]),
        one.found.map.values,
        outline=one.found.map.outline if segments else None,
        provenance=made_by(attribution),
    )
