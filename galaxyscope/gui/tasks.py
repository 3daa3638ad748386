"""What the tasks of networks are called, what they ask, and what their answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from galaxyscope.classify.card import ModelCard
from galaxyscope.classify.decision_tree import QUESTIONS
from galaxyscope.explain.target import Target, parse_target
from galaxyscope.gui.suit import BAR

NUMBER = "identity"
"""Activation of networks whose answers are numbers and not fractions."""

#: What every Galaxy Zoo answer reads like outside the tree: ``"Bar? bar"``.
TREE: Mapping[str, str] = {
    answer.class_name: f"{question.text} {answer.text}"
    for question in QUESTIONS
    for answer in question.answers
}


@dataclass(frozen=True)
class TaskWords:
    """One kind of question that networks answer.

    Parameters
    ----------
    title, purpose : str
        Heading in the list of models, and what these models are for.
    question : str
        Above the answers.
    answers : mapping of class name to (label, meaning)
        For classes whose names do not speak for themselves.
    """

    title: str
    purpose: str
    question: str = ""
    answers: Mapping[str, tuple[str, str]] = field(default_factory=dict)


TASKS: Mapping[str, TaskWords] = {
    "galaxyzoo": TaskWords(
        "Galaxy Zoo",
        "Answers the questions of Galaxy Zoo 2: disc, bar, spiral arms, bulge …",
    ),
    "radio-fr": TaskWords(
        "Radio galaxies",
        "Sorts radio galaxies by their shape (Fanaroff & Riley 1974)",
        "Shape of the radio source?",
        {
            "FRI": ("FR I", "brightest near the core, fading outwards"),
            "FRII": ("FR II", "brightest at the outer edges of the lobes"),
            "Compact": ("compact", "not resolved into lobes"),
            "Bent": ("bent", "jets or lobes swept to one side"),
        },
    ),
    "elliptical": TaskWords(
        "Ellipticals", "Tells ellipticals from all other galaxies", "Elliptical?"
    ),
    "bars": TaskWords(
        "Bars",
        "Tells whether a galaxy has a bar",
        "Bar?",
        {"Bar": ("bar", ""), "NoBar": ("no bar", "")},
    ),
    "bar-length": TaskWords(
        "Bar lengths",
        "Answers how long a bar is: what the algorithm “consensus” asks beside map and light",
        "Length of the bar?",
        {
            "ln(bar length / field)": (
                "ln(length / field)",
                "natural logarithm of the full length over the side of the field that is seen",
            )
        },
    ),
}


ANSWERS: Mapping[str, str] = {
    answer.class_name: answer.text for question in QUESTIONS for answer in question.answers
} | {name: words[0] for task in TASKS.values() for name, words in task.answers.items()}
"""Known answers in a few words, by class."""


def task_of(card: ModelCard) -> TaskWords:
    """Words for a card's task; those of an unknown one are made from its name."""
    if card.task in TASKS:
        return TASKS[card.task]
    return TaskWords(card.task.replace("-", " ").capitalize() or "Other", "")


def label_of(class_name: str, card: ModelCard | None) -> str:
    """Return what an answer is called by itself."""
    if card is None:
        return class_name
    return task_of(card).answers.get(class_name, (class_name, ""))[0]


def answer_text(class_name: str) -> str:
    """Return an answer in a few words, where its card is not at hand."""
    return ANSWERS.get(class_name, class_name)


def target_text(target: str) -> str:
    """Return the text form of a target with its answer in a few words: ``"p(bar)"``."""
    asked = _known(target)
    if asked is None:
        return target
    return str(replace(asked, class_name=answer_text(asked.class_name)))


def made_text(target: str) -> str:
    """Return `target_text` where something is made of an answer; empty for the plain answer."""
    asked = _known(target)
    return "" if asked is None or asked == Target(asked.class_name) else target_text(target)


def _known(target: str) -> Target | None:
    """Read the text form of a target; None if its class speaks for itself."""
    try:
        return parse_target(target, {name: name for name in ANSWERS}.__getitem__)
    except KeyError:
        return None


def target_choices(card: ModelCard) -> tuple[dict[str, str], dict[str, str]]:
    """Offer what can be explained: the card's short names, then its other answers.

    Returns
    -------
    short, others : dict
        Class name by what is shown.
    """
    named = set(card.targets.values())
    others = {
        TREE.get(name, label_of(name, card)): name for name in card.classes if name not in named
    }
    return dict(card.targets), others


def shows_bar(card: ModelCard, target: str) -> bool:
    """Whether a target speaks for the bar, so that one can be measured on its map."""
    asked = parse_target(target, card.class_of)
    return asked.class_name == card.targets.get(BAR) and not asked.negated
