"""Figures of training and evaluation, drawn without a display and written as PNG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from galaxyscope.train.state import History

DPI = 110


@contextmanager
def _figure(path: Path, width: float, height: float, **grid: Any) -> Iterator[Any]:
    """Axes of a figure that is saved when the block ends."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    yield figure.subplots(**grid)
    figure.savefig(path, dpi=DPI, metadata={"Software": None})


def learning_curve(history: History, title: str, path: Path) -> None:
    """Loss in training and the figure on the validation pictures, by epoch."""
    epochs = [line["epoch"] for line in history]
    names = [n for n in history[-1] if n not in ("epoch", "input_size", "seconds")]
    with _figure(path, 6, 3.6) as axes:
        for name in names:
            axes.plot(epochs, [line.get(name, np.nan) for line in history], label=name)
        axes.set(xlabel="epoch", title=title)
        axes.grid(alpha=0.3)
        axes.legend()


def confusion_figure(counts: NDArray[np.int64], names: Sequence[str], path: Path) -> None:
    """Confusion matrix: one row per true class, shares of it as shades."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2 + 0.8 * len(names)
    with _figure(path, side, side) as axes:
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(counts.shape):
            axes.text(
                column,
                row,
                f"{counts[row, column]}\n{share[row, column]:.0%}",
                ha="center",
                va="center",
                color="white" if share[row, column] > 0.6 else "black",
            )
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="network", ylabel="people")


def calibration_figure(
    said: NDArray[np.float64], seen: NDArray[np.float64], counts: NDArray[np.int64], path: Path
) -> None:
    """Reliability: how often (or by what share of people) it was so, by what was said."""
    with _figure(path, 4.5, 4.5) as axes:
        axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
        axes.plot(said[counts > 0], seen[counts > 0], marker="o")
        axes.set(xlabel="network", ylabel="people", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.grid(alpha=0.3)


def scatter_figure(
    people: NDArray[np.floating], network: NDArray[np.floating], name: str, path: Path
) -> None:
    """One output: what people said against what the network says."""
    low, high = min(people.min(), network.min()), max(people.max(), network.max())
    with _figure(path, 4.5, 4.5) as axes:
        axes.plot([low, high], [low, high], color="grey", linewidth=1)
        axes.scatter(people, network, s=6, alpha=0.5, linewidths=0)
        axes.set(xlabel="people", ylabel="network", title=name, aspect="equal")


def bars_figure(names: Sequence[str], values: Sequence[float], label: str, path: Path) -> None:
    """One horizontal bar for each of several figures."""
    with _figure(path, 6, 0.8 + 0.3 * len(names)) as axes:
        bars = axes.barh(range(len(names)), values)
        axes.bar_label(bars, fmt="%.3f", padding=3)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set(xlabel=label)
        axes.margins(x=0.15)


def contact_sheet(
    pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str], title: str, path: Path
) -> None:
    """Pictures (rows, columns, 3) side by side, six in a row, each with its caption."""
    columns = min(6, max(1, len(pictures)))
    rows = -(-len(pictures) // columns)
    with _figure(
        path, 1.9 * columns, 2.3 * rows + 0.4, nrows=rows, ncols=columns, squeeze=False
    ) as grid:
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, picture, caption in zip(grid.flat, pictures, captions, strict=False):
            axes.imshow(picture)
            axes.set_title(caption, fontsize=6)
        grid.flat[0].figure.suptitle(title, fontsize=9)
