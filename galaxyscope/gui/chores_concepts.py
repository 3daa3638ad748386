"""What the window of concepts has done on lanes: counting pictures, scoring, writing the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from galaxyscope.classify.suit import unsuitable
from galaxyscope.sky.image import ImageError, Plane
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, NetworkInput
    from galaxyscope.explain.concept_score import ConceptScore

Picture = tuple[Path, Plane | None]


@dataclass(frozen=True)
class Folder:
    """A folder of pictures.

    Parameters
    ----------
    path : Path
    name : str
        What its concept is called, as the command line calls it.
    pictures : int or None
        How many it has; None until they are counted.
    problem : str
        One sentence if it cannot be used.
    """

    path: Path
    name: str
    pictures: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Question:
    """What is asked of a network; see `galaxyscope.explain.concepts.concept_scores`.

    Parameters
    ----------
    concepts : mapping of name to folder
    random : Path
    pictures : tuple of (Path, Plane or None)
        Galaxies whose answers are asked about.
    target : str
    counterparts, seed : int
    anyway : bool
        Whether pictures are used that the network was not made for.
    """

    concepts: Mapping[str, Path]
    random: Path
    pictures: tuple[Picture, ...]
    target: str
    counterparts: int
    seed: int
    anyway: bool = False


@dataclass(frozen=True)
class Scored:
    """The scores, and of every picture that was left out one sentence why."""

    scores: tuple[ConceptScore, ...]
    left_out: tuple[str, ...]


def count_pictures(folders: Sequence[Path]) -> list[Folder]:
    """Count the pictures of some folders; what cannot be used says why."""
    from galaxyscope.sky.readers import list_images

    counted = []
    for path in folders:
        name = path.resolve().name
        try:
            if path.is_file():
                raise ImageError(path, "is a file; a concept is shown by a folder of pictures")
            count = len(list_images(path))
            problem = "" if count else f"{name}: there are no pictures in this folder"
        except ImageError as error:
            count, problem = 0, str(error)
        counted.append(Folder(path, name, count, problem))
    return counted


def score_concepts(classifier: Classifier, question: Question, watch: Watch) -> Scored:
    """Read all pictures and score the concepts; on the network's lane.

    Raises
    ------
    ValueError, RuntimeError
        One sentence, if there are too few pictures or the network cannot be asked.
    Cancelled
        Soon after ``watch.cancel()``.
    """
    from galaxyscope.explain.concepts import concept_scores

    groups = _groups(question)
    files = sum(len(group.pictures) for group in groups)
    networks, sets = len(classifier.members), len(question.concepts) * (1 + question.counterparts)
    reading = _Reading(classifier, question.anyway, watch, files + networks * (files + sets))
    *shown, random, asked = (reading.read(group) for group in groups)
    read = files - len(reading.left_out)
    scores = concept_scores(
        classifier,
        dict(zip(question.concepts, shown, strict=True)),
        random,
        asked,
        question.target,
        question.counterparts,
        question.seed,
        _Checks(watch, files, files + networks * (read + sets)),
    )
    return Scored(tuple(scores), tuple(reading.left_out))


def write_scores(path: Path, scores: Sequence[ConceptScore]) -> None:
    """Write the table that the command line writes.

    Raises
    ------
    TableError, OSError
        If it cannot be written.
    """
    from galaxyscope.records.columns import CONCEPT_COLUMNS
    from galaxyscope.records.tables import write_rows

    write_rows(path, CONCEPT_COLUMNS, [dataclasses.asdict(score) for score in scores])


@dataclass(frozen=True)
class _Group:
    """Pictures of one kind, how they are called, and how many are needed."""

    name: str
    pictures: Sequence[Picture]
    needed: int

    def check(self, given: int, left_out: Sequence[str] = ()) -> None:
        """Refuse too few."""
        if given < self.needed:
            why = f" ({left_out[-1].rstrip('.')})" if left_out else ""
            raise ValueError(
                f"{self.name}: {given} pictures are too few, {self.needed} are needed{why}"
            )


def _groups(question: Question) -> list[_Group]:
    """List the pictures of the concepts, the others, and those that are asked about."""
    from galaxyscope.explain.concepts import FEWEST
    from galaxyscope.sky.readers import list_images

    def inside(name: str, folder: Path, needed: int) -> _Group:
        return _Group(name, [(path, None) for path in list_images(folder)], needed)

    groups = [inside(name, folder, FEWEST) for name, folder in question.concepts.items()]
    groups.append(inside(question.random.name, question.random, 2 * FEWEST))
    groups.append(_Group("the galaxies that are asked about", question.pictures, 1))
    for group in groups:
        group.check(len(group.pictures))
    return groups


class _Reading:
    """Reads pictures as the network sees them, and says how far it is."""

    def __init__(self, classifier: Classifier, anyway: bool, watch: Watch, steps: int) -> None:
        self._classifier, self._anyway, self._watch = classifier, anyway, watch
        self._done, self._steps = 0, steps
        self.left_out: list[str] = []

    def read(self, group: _Group) -> list[NetworkInput]:
        """Read a group; a picture that cannot be used is left out."""
        found, before = [], len(self.left_out)
        for path, plane in group.pictures:
            try:
                found.append(self._one(path, plane))
            except Exception as error:  # one bad file never stops the others
                known = isinstance(error, ImageError)
                self.left_out.append(str(error) if known else f"{path.name}: {error!r}")
            self._done += 1
            self._watch.report(self._done, self._steps)
        group.check(len(found), self.left_out[before:])
        return found

    def _one(self, path: Path, plane: Plane | None) -> NetworkInput:
        from galaxyscope.sky.readers import open_image

        image = open_image(path, plane)
        why = "" if self._anyway else unsuitable(self._classifier.card, image)
        if why:
            raise ImageError(path, why)
        return self._classifier.prepare(image)


class _Checks(Watch):
    """Counts checks as steps: comparing with random sets takes long, and reports nothing else."""

    def __init__(self, watch: Watch, done: int, total: int) -> None:
        super().__init__()
        self._watch, self._done, self._total = watch, done, total

    @property
    def cancelled(self) -> bool:
        """True once the whole work was cancelled."""
        return self._watch.cancelled

    def check(self) -> None:
        """Say that one more step is done; raises as the watch of the whole work does."""
        self._done = min(self._done + 1, self._total)
        self._watch.report(self._done, self._total)
