"""What the window knows: the galaxies of a list, and the one that is shown.

Views listen to a :class:`Workspace`; only controllers change it, on the GUI thread.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal

from galaxyscope.measure.results import BarMeasurement
from galaxyscope.records.making import plane_key
from galaxyscope.records.record import Record
from galaxyscope.sky.image import Plane, SkyImage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from galaxyscope.classify.classifier import Prediction
    from galaxyscope.explain.protocol import Attribution
    from galaxyscope.sky.stretch import Display

What = Literal["image", "prediction", "map", "records", "selection", "scale", "state"]
# Pixels of galaxies that were left are kept up to this; the rest is read again when needed.
KEPT_BYTES = 384 * 2**20


@dataclass(frozen=True, eq=False)
class ShownMap:
    """An attribution made ready for the screen, away from the GUI thread.

    Parameters
    ----------
    values : ndarray, shape (rows, columns), float32
        On the cutout's own grid, divided by the map's maximum.
    sorted_values : ndarray, shape (rows * columns,), float32
        The same in ascending order: counting pixels above a threshold is one search.
    histogram : ndarray, shape (bins,)
        Pixel counts over [0, 1] of the positive values.
    attribution : Attribution
    outline : ndarray or None, shape (lines, 2, 2)
        Borders between the segments of the map, in cutout pixels.
    """

    values: NDArray[np.float32]
    sorted_values: NDArray[np.float32]
    histogram: NDArray[np.int64]
    attribution: Attribution
    outline: NDArray[np.float64] | None = None

    def at(self, x: float, y: float) -> float | None:
        """Value at a cutout pixel, None where there is none."""
        row, column = round(y), round(x)
        rows, columns = self.values.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return None
        value = float(self.values[row, column])
        return value if math.isfinite(value) else None

    def pixels_above(self, threshold: float) -> int:
        """How many cutout pixels lie above a threshold in [0, 1]."""
        return int(self.sorted_values.size - self.sorted_values.searchsorted(threshold, "right"))


@dataclass(eq=False)
class Galaxy:
    """One cutout of the list and everything that was found out about it.

    Parameters
    ----------
    path : Path
    file_image : SkyImage or None
        As it was read; `image` is the same with what the user said of scale and redshift.
    error : str
        One sentence if the file cannot be shown.
    plane : Plane or None
        Which of the file's pictures was chosen.
    suits, display : Display or None
        What suits the picture, and what the user chose for it.
    view : object
        Camera, kept while other galaxies are looked at.
    map, growing : ShownMap or None
        The finished map, and the one of an explanation that still runs.
    bar : BarMeasurement or None
        What was found on the finished map.
    records : tuple of Record
        Rows kept in the session for this picture.
    threshold : float or None
        Of the overlay, relative to the map's maximum; None until the user or a
        measurement has set one.
    note : str
        Why there is no map although one was asked for (cancelled, failed), one sentence.
    said : dict of str to Prediction
        What every network said that was asked, by the hash of its weights; `prediction` is
        that of the chosen one.
    unanswered : dict of str to str
        Why a network gave no answer, one sentence, by the hash of its weights.
    insisted : frozenset of str
        Hashes of networks that the user asked although they were not made for such pictures.
    bar_fraction : float or None
        What the network says of "bar", for the gallery.
    measured_by : frozenset of str
        Kinds of rows kept for this file.
    """

    path: Path
    image: SkyImage | None = None
    file_image: SkyImage | None = None
    error: str = ""
    plane: Plane | None = None
    suits: Display | None = None
    display: Display | None = None
    view: Any = None
    prediction: Prediction | None = None
    said: dict[str, Prediction] = field(default_factory=dict)
    unanswered: dict[str, str] = field(default_factory=dict)
    insisted: frozenset[str] = frozenset()
    map: ShownMap | None = None
    growing: ShownMap | None = None
    bar: BarMeasurement | None = None
    records: tuple[Record, ...] = ()
    selected: str | None = None
    threshold: float | None = None
    note: str = ""
    bar_fraction: float | None = None
    measured_by: frozenset[str] = frozenset()

    @property
    def automatic(self) -> Record | None:
        """The newest automatic row, None if there is none."""
        rows = [r for r in self.records if r.kind == "automatic" and not r.error]
        # Of those of the same second the one that came last.
        return max(reversed(rows), key=lambda r: r.created_at, default=None)

    @property
    def shown_map(self) -> ShownMap | None:
        """The map to lay over the picture."""
        return self.growing or self.map

    @property
    def plane_key(self) -> str:
        """Key of the picture inside its file, as records have it."""
        return "" if self.image is None else plane_key(self.image)

    @property
    def nbytes(self) -> int:
        """Memory held by pixels and map."""
        shown = 0 if self.image is None else self.image.data.nbytes
        return shown + (0 if self.map is None else 2 * self.map.values.nbytes)

    def forget_pixels(self) -> None:
        """Give the memory back; records, camera and limits stay."""
        self.image = self.file_image = self.map = self.growing = None

    def forget_picture(self) -> None:
        """Forget all that belongs to one plane of the file, because another was chosen."""
        self.forget_pixels()
        self.prediction = self.bar = self.suits = self.display = self.view = self.selected = None
        self.threshold, self.records, self.note, self.bar_fraction = None, (), "", None
        self.said, self.unanswered, self.insisted = {}, {}, frozenset()


class Workspace(QObject):
    """The list of galaxies, in a fixed order, and which one is shown."""

    listed = Signal()
    current_changed = Signal(object)
    changed = Signal(object, str)
    blind_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder: Path | None = None
        self.galaxies: list[Galaxy] = []
        self.current: Galaxy | None = None
        #: Id of the one line that may be seen while an observer draws blind, ``""`` before it is
        #: drawn; None: nothing is hidden.
        self.look: str | None = None
        self._by_path: dict[Path, Galaxy] = {}
        self._visited: OrderedDict[Path, Galaxy] = OrderedDict()

    def list(self, paths: Iterable[Path], folder: Path | None) -> None:
        """Show another list; galaxies that were known keep what was found out about them."""
        self.folder = folder
        known = self._by_path
        self.galaxies = [known.get(path) or Galaxy(path) for path in dict.fromkeys(paths)]
        self._by_path = {galaxy.path: galaxy for galaxy in self.galaxies}
        self._visited = OrderedDict(
            (path, galaxy) for path, galaxy in self._visited.items() if path in self._by_path
        )
        self.listed.emit()

    def forget(self) -> None:
        """Show nothing and forget everything (another session is opened)."""
        self.select(None)
        self._by_path.clear()
        self._visited.clear()
        self.list((), None)

    def find(self, path: Path) -> Galaxy | None:
        """Return the galaxy of a file, None if it is not on the list."""
        return self._by_path.get(path)

    def select(self, galaxy: Galaxy | None) -> None:
        """Show a galaxy."""
        if galaxy is self.current:
            return
        self.current = galaxy
        if galaxy is not None:
            self._visited[galaxy.path] = galaxy
            self._visited.move_to_end(galaxy.path)
            self._trim()
        self.current_changed.emit(galaxy)

    @property
    def blind(self) -> bool:
        """Whether automatic results and earlier lines are hidden now."""
        return self.look is not None

    def set_look(self, look: str | None) -> None:
        """Hide everything but one line, or (None) nothing any more."""
        if look != self.look:
            self.look = look
            self.blind_changed.emit()

    def seen(self, galaxy: Galaxy) -> tuple[Record, ...]:
        """Rows of a galaxy that may be seen now."""
        if self.look is None:
            return galaxy.records
        return tuple(record for record in galaxy.records if record.id == self.look)

    def tell(self, galaxy: Galaxy, what: What) -> None:
        """Announce that `what` of a galaxy has changed."""
        self.changed.emit(galaxy, what)

    def keep_records(self, galaxy: Galaxy, records: tuple[Record, ...]) -> None:
        """Take over the rows that are on disk for a galaxy."""
        galaxy.records = records
        galaxy.measured_by = frozenset(record.kind for record in records)
        self.changed.emit(galaxy, "records")

    def _trim(self) -> None:
        kept = sum(galaxy.nbytes for galaxy in self._visited.values())
        for galaxy in list(self._visited.values())[:-1]:
            if kept <= KEPT_BYTES:
                return
            kept -= galaxy.nbytes
            galaxy.forget_pixels()
