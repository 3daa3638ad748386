"""Many maps of one galaxy as one figure, with captions and where each of them comes from."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope import __version__
from galaxyscope.records.tables import check_suffix, replacing
from galaxyscope.sky.image import SkyImage

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
Box = tuple[float, float, float, float]

_WIDTH, _GAP, _HEAD, _MARGIN = 2.1, 0.08, 0.46, 0.12  # inches
_LINE = 0.115
_BOLD = 27  # letters of a title in full size that a pane has room for
_LONG = 44  # letters of a reason on one line of a pane


@dataclass(frozen=True, eq=False)
class MapPane:
    """One pane of the figure.

    Parameters
    ----------
    title : str
    lines : tuple of str
        Below the title: target, network, what is odd.
    values : ndarray, shape (rows, columns), optional
        The map on the cutout's grid; None: the picture alone.
    reason : str
        Why there is no map; written on the picture.
    outline : ndarray, shape (lines, 2, 2), optional
        Borders of the map's segments in cutout pixels.
    provenance : mapping
        How the map was made: method with its preset, settings, seed, network and its hash.
    target : str
        What the caption calls the explained answer; empty: as the provenance has it.
    notes : tuple of str
        What is odd, in full; written in the caption.
    colours : ndarray, shape (rows, columns, 4), uint8, optional
        Red, green, blue and opacity to lay over the picture; None: the usual ones of `values`.
    contour : ndarray, shape (lines, 2, 2), optional
        Where the map crosses a threshold, in cutout pixels.
    """

    title: str
    lines: tuple[str, ...] = ()
    values: NDArray[np.float32] | None = None
    reason: str = ""
    outline: NDArray[np.float64] | None = None
    provenance: Mapping[str, Any] | None = None
    target: str = ""
    notes: tuple[str, ...] = ()
    colours: NDArray[np.uint8] | None = None
    contour: NDArray[np.float64] | None = None


def draw_grid(
    path: Path,
    image: SkyImage,
    panes: Sequence[MapPane],
    columns: int | None = None,
    box: Box | None = None,
) -> None:
    """Draw panes to a file.

    Parameters
    ----------
    path : Path
        ``.png``, ``.svg`` or ``.pdf``; replaced only when the new one is whole. Letters stay
        letters in the latter two. The same panes give the same bytes.
    image : SkyImage
    panes : sequence of MapPane
        At least one, row by row.
    columns : int, optional
        Default: as many as make the figure about as wide as high.
    box : (left, top, right, bottom), optional
        Part of the picture to show, in the units of ``SkyImage.to_screen``; default: all of it.

    Raises
    ------
    TableError
        If the suffix or the folder does not exist.
    ValueError
        Without panes.
    """
    check_suffix(path, FIGURE_SUFFIXES)
    if not panes:
        raise ValueError("there is no map to draw")
    import matplotlib  # heavy; only who asks for a figure waits for it
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows_px, columns_px = image.shape
    box = box or (0.0, 0.0, float(columns_px), float(rows_px))
    high = _WIDTH * min(max((box[3] - box[1]) / max(box[2] - box[0], 1e-9), 0.2), 5.0)
    columns = columns or _columns(len(panes), high + _HEAD)
    rows = -(-len(panes) // columns)
    width = 2 * _MARGIN + columns * _WIDTH + (columns - 1) * _GAP
    caption = _wrapped(caption_of(image, panes), int(width * 19))
    below = _MARGIN + _LINE * len(caption) + 0.1
    height = _MARGIN + rows * (high + _HEAD + _GAP) + below
    style: Any = {"svg.hashsalt": "galaxyscope", "svg.fonttype": "none", "pdf.fonttype": 42}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), facecolor="white")
        FigureCanvasAgg(figure)
        for number, pane in enumerate(panes):
            row, column = divmod(number, columns)
            left = _MARGIN + column * (_WIDTH + _GAP)
            bottom = height - _MARGIN - (row + 1) * (high + _HEAD + _GAP) + _GAP
            place = (left / width, bottom / height, _WIDTH / width, high / height)
            _draw_pane(figure.add_axes(place), image, pane, box)
        figure.text(
            _MARGIN / width, _MARGIN / height, "\n".join(caption), fontsize=6, va="bottom",
            linespacing=1.25, color="#333333", parse_math=False,
        )  # fmt: skip
        with replacing(path) as temporary:
            figure.savefig(
                temporary,
                format=path.suffix[1:].lower(),
                dpi=200,
                facecolor="white",
                metadata=_metadata(image, panes, path),
            )


def caption_of(image: SkyImage, panes: Sequence[MapPane]) -> str:
    """Say where the panes come from, in lines: picture, networks, settings of each method."""
    about = [f"{image.name}, sha256 {image.sha256}"]
    made = [pane.provenance for pane in panes if pane.provenance]
    networks = dict.fromkeys((str(one["model"]), str(one["model_sha256"])) for one in made)
    about += [f"Network {name}, sha256 {sha256}" for name, sha256 in networks]
    targets = dict.fromkeys(
        pane.target or str(pane.provenance["target"]) for pane in panes if pane.provenance
    )
    if targets:
        about.append(f"Explained: {', '.join(targets)}")
    said = dict.fromkeys(
        f"{one['method']} ({_settings(one['parameters'])})" if one["parameters"] else one["method"]
        for one in made
    )
    if said:
        about.append("Methods: " + "; ".join(said))
    odd: dict[str, dict[str, None]] = {}
    for pane in panes:
        for note in pane.notes:
            odd.setdefault(note, {})[pane.title] = None
    about += [f"{', '.join(titles)}: {note}" for note, titles in odd.items()]
    return "\n".join([*about, f"GalaxyScope {__version__}"])


def _settings(parameters: Mapping[str, Any]) -> str:
    def text(value: Any) -> str:
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    return ", ".join(f"{name} {text(value)}" for name, value in parameters.items())


def _wrapped(text: str, letters: int) -> list[str]:
    return [line for part in text.split("\n") for line in textwrap.wrap(part, letters)]


def _columns(count: int, high: float) -> int:
    return max(1, min(count, round(math.sqrt(count * high / _WIDTH))))


def _draw_pane(axes: Any, image: SkyImage, pane: MapPane, box: Box) -> None:
    from galaxyscope.records.figure import draw_figure  # Pillow, which the window's start lacks

    picture = draw_figure(image, pane.values if pane.colours is None else None)
    if pane.colours is not None:
        picture = _overlaid(picture, pane.colours[::-1] if image.y_up else pane.colours)
    rows, columns = image.shape
    axes.imshow(np.asarray(picture), extent=(0, columns, rows, 0), interpolation="antialiased")
    if pane.outline is not None:
        _draw_lines(axes, image, pane.outline, ("white", 0.25, 0.5))
    if pane.contour is not None:
        _draw_lines(axes, image, pane.contour, ("black", 1.0, 0.35), ("white", 0.45, 0.8))
    axes.set(xlim=(box[0], box[2]), ylim=(box[3], box[1]), xticks=[], yticks=[])
    axes.set_aspect("auto")
    for spine in axes.spines.values():
        spine.set_visible(False)
    text: dict[str, Any] = {"transform": axes.transAxes, "parse_math": False, "clip_on": False}
    inch = 1 / (axes.figure.get_figheight() * axes.get_position().height)
    first, *rest = pane.lines or ("",)
    size = 8 * min(1, _BOLD / max(len(pane.title), 1))  # a long one must not reach its neighbour
    axes.text(0, 1 + 0.27 * inch, pane.title, fontsize=size, weight="bold", **text)
    axes.text(0, 1 + 0.155 * inch, first, fontsize=6, color="#555555", **text)
    note = textwrap.shorten(" · ".join(rest), _LONG, placeholder=" …")
    axes.text(0, 1 + 0.05 * inch, note, fontsize=6, color="#555555", **text)
    if pane.reason:
        axes.text(
            0.5, 0.5, "\n".join(textwrap.wrap(pane.reason, _LONG)), fontsize=6.5, ha="center",
            va="center", color="white", bbox={"facecolor": "#111111", "alpha": 0.8, "pad": 4,
            "edgecolor": "none"}, **text,
        )  # fmt: skip


def _overlaid(picture: Picture, colours: NDArray[np.uint8]) -> Picture:
    from PIL import Image

    over = Image.fromarray(np.ascontiguousarray(colours))
    over = over.resize(picture.size, Image.Resampling.BILINEAR)
    return Image.alpha_composite(picture.convert("RGBA"), over).convert("RGB")


def _draw_lines(
    axes: Any, image: SkyImage, lines: NDArray[np.float64], *strokes: tuple[str, float, float]
) -> None:
    """Draw lines; a stroke is colour, width in points and opacity."""
    from matplotlib.collections import LineCollection

    places = list(image.to_screen(lines))
    for colour, width, opacity in strokes:
        axes.add_collection(LineCollection(places, colors=colour, linewidths=width, alpha=opacity))


def _metadata(image: SkyImage, panes: Sequence[MapPane], path: Path) -> dict[str, Any]:
    title = f"Where networks look: {image.name}"
    maker = f"GalaxyScope {__version__}"
    made = json.dumps(
        {
            "picture": image.name,
            "picture_sha256": image.sha256,
            "maps": [
                {"title": pane.title, **(pane.provenance or {}), "refused": pane.reason}
                for pane in panes
                if pane.provenance or pane.reason
            ],
        },
        ensure_ascii=False,
    )
    # No date: the same panes give the same bytes.
    by_suffix: dict[str, dict[str, Any]] = {
        ".png": {"Title": title, "Description": made, "Software": maker},
        ".svg": {"Title": title, "Description": made, "Creator": maker, "Date": None},
        ".pdf": {"Title": title, "Subject": made, "Creator": maker, "CreationDate": None},
    }
    return by_suffix[path.suffix.lower()]
