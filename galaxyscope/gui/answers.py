"""What a network says, as lines: the Galaxy Zoo tree along its likely path, or one question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galaxyscope.classify.card import ModelCard
from galaxyscope.classify.decision_tree import QUESTIONS, Question
from galaxyscope.gui.tasks import NUMBER, TREE, label_of, task_of

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Prediction

# Up to so many answers of an unknown question keep the card's order, so that nothing jumps
# between galaxies; of more the likely ones come first.
IN_ORDER = 12
CLICK = "Click to make it the target of an explanation."


@dataclass(frozen=True)
class Row:
    """One line of the panel.

    Parameters
    ----------
    text : str
    depth : int
        How many questions were asked before.
    class_name : str
        Empty for a question.
    value : float
        Fraction in [0, 1], or any number where `number` is set.
    likely : bool
        The winning answer of a question on the likely path.
    spread : float or None
        Standard deviation over the members of an ensemble; None for a single network.
    tip : str
    split : bool
        Of a question: the members of the ensemble do not give it the same answer.
    number : bool
        The value is a number and not a fraction.
    """

    text: str
    depth: int
    class_name: str = ""
    value: float = 0.0
    likely: bool = False
    spread: float | None = None
    tip: str = ""
    split: bool = False
    number: bool = False

    @property
    def figure(self) -> str:
        """The value as it is written."""
        return f"{self.value:.3g}" if self.number else f"{self.value:.2f}"

    def __str__(self) -> str:
        if not self.class_name:
            return f"{self.text} The members disagree." if self.split else self.text
        return f"{self.text} {self.figure}" + ("" if self.spread is None else f" ± {self._error}")

    @property
    def _error(self) -> str:
        return f"{self.spread:.2g}" if self.number else f"{self.spread:.2f}"


@dataclass(frozen=True)
class Said:
    """A prediction as rows need it, with the card of the network that made it."""

    values: Mapping[str, float]
    spread: Mapping[str, float]
    members: Mapping[str, Mapping[str, float]]
    card: ModelCard | None

    @classmethod
    def of(cls, prediction: Prediction, card: ModelCard | None) -> Said:
        """Take from a prediction what is shown of it."""
        return cls(prediction.probabilities, prediction.spread, prediction.members, card)


def likely_path(probabilities: Mapping[str, float]) -> list[tuple[Question, str]]:
    """Questions that most people would be asked, each with the class of its winning answer."""
    by_key = {question.key: question for question in QUESTIONS}
    path: list[tuple[Question, str]] = []
    key = QUESTIONS[0].key
    while key in by_key and all(key != question.key for question, _ in path):
        question = by_key[key]
        best = max(question.answers, key=lambda answer: probabilities.get(answer.class_name, 0.0))
        path.append((question, best.class_name))
        key = best.leads_to or ""
    return path


def rows(said: Said | None, everything: bool = False) -> list[Row]:
    """Return the lines for what a network says.

    Parameters
    ----------
    said : Said or None
    everything : bool
        Also questions of the tree that few people would be asked.
    """
    if said is None:
        return []
    if not set(TREE) & set(said.values):
        return _plain(said)
    found: list[Row] = []
    path = likely_path(said.values)
    for depth, (question, winner) in enumerate(path):
        found += _question(question, min(depth, 5), said, winner)
    if everything:
        asked = {question.key for question, _ in path}
        for question in QUESTIONS:
            if question.key not in asked:
                found += _question(question, 0, said, "")
    return found


def disagree(said: Said, names: list[str]) -> bool:
    """Whether the members of an ensemble would not all choose the same of some answers."""
    winners = {
        max(names, key=lambda name: values.get(name, 0.0)) for values in said.members.values()
    }
    return len(winners) > 1


def _plain(said: Said) -> list[Row]:
    names, card = list(said.values), said.card
    if card is not None and card.activation == NUMBER:
        return [_answer(name, label_of(name, card), 0, said, True) for name in names]
    best = max(names, key=lambda name: said.values[name], default="")
    split = len(names) > 1 and disagree(said, names)
    if len(names) > IN_ORDER:
        names.sort(key=lambda name: -said.values[name])
    question = "" if card is None else task_of(card).question
    head = [Row(question or "Answer", 0, split=split)] if question or split else []
    depth = 0
    found = [_answer(name, label_of(name, card), depth, said, name == best) for name in names]
    return head + found


def _question(question: Question, depth: int, said: Said, winner: str) -> list[Row]:
    there = [answer for answer in question.answers if answer.class_name in said.values]
    answers = [_answer(a.class_name, a.text, depth, said, a.class_name == winner) for a in there]
    split = disagree(said, [answer.class_name for answer in there])
    return [Row(question.text, depth, split=split), *answers] if answers else []


def _answer(name: str, text: str, depth: int, said: Said, likely: bool) -> Row:
    number = said.card is not None and said.card.activation == NUMBER
    row = Row(text, depth, name, said.values[name], likely, said.spread.get(name), number=number)
    return Row(**(vars(row) | {"tip": _tip(row, said)}))


def _tip(row: Row, said: Said) -> str:
    value = f"{row.value:.4g}" if row.number else f"{row.value:.3f}"
    spread = "" if row.spread is None else f" ± {row.spread:.2g}"
    what = "" if row.number else " of 1"
    meaning = ""
    if row.class_name in TREE:
        what = " of all people would answer this"
    elif said.card is not None:
        meaning = task_of(said.card).answers.get(row.class_name, ("", ""))[1]
        if said.card.activation == "softmax":
            what = " probability"
    name = row.text if row.text == row.class_name else f"{row.text} ({row.class_name})"
    lines = [f"{name}: {value}{spread}{what}."]
    lines += [f"{row.text} means {meaning}."] if meaning else []
    if row.spread is not None:
        lines.append(f"± is the standard deviation over {len(said.members)} networks:")
        lines += [
            f"    {member.rpartition('/')[2]}  {values[row.class_name]:.3f}"
            for member, values in said.members.items()
            if row.class_name in values
        ]
    return "\n".join([*lines, CLICK])
