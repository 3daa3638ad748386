"""What is explained: a `Target` with its text form, and its value, a `Score` of the logits.

The text forms, where ``bar`` stands for any class or short name on the model card:

============================  ===================================================================
``bar``                       the answer on the method's own scale (see its card)
``logit(bar)``                the network's logit z
``p(bar)``                    the probability p
``bar-vs-siblings``           the answer against the others of the same question
``p(bar-vs-siblings)``        … on a given scale
``-bar``, ``-p(bar)`` …       what speaks against it
============================  ===================================================================

Against siblings s, the logit is z − mean z_s (linear in the logits, so every method takes it) and
the probability p / (p + Σ p_s): the share of the answer among those of its question. Siblings are
the other answers of the question in Galaxy Zoo's tree; of a softmax all other classes. Negated,
a logit is −z and a probability 1 − p. In a shell parentheses need quotes, and a leading minus
``--target=-bar``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from galaxyscope.classify.decision_tree import QUESTIONS

if TYPE_CHECKING:
    from torch import Tensor

    from galaxyscope.classify.classifier import Classifier

Scale = Literal["logit", "probability"]

_AGAINST = "-vs-siblings"
_SCALES: dict[str, Scale] = {"logit(": "logit", "p(": "probability"}
_OPENING = {scale: opening for opening, scale in _SCALES.items()}


@dataclass(frozen=True)
class Target:
    """One answer of a network, or what is made of it; ``str()`` is its text form.

    Parameters
    ----------
    class_name : str
    scale : {None, "logit", "probability"}
        None: that of the method.
    against_siblings : bool
        Compared with the other answers of the same question.
    negated : bool
        What speaks against it.
    """

    class_name: str
    scale: Scale | None = None
    against_siblings: bool = False
    negated: bool = False

    def __str__(self) -> str:
        """Text form, which :func:`parse_target` reads."""
        text = self.class_name + (_AGAINST if self.against_siblings else "")
        text = f"{_OPENING[self.scale]}{text})" if self.scale else text
        return f"-{text}" if self.negated else text


def parse_target(text: str, class_of: Callable[[str], str]) -> Target:
    """Read the text form of a target.

    Parameters
    ----------
    text : str
        A name is taken as it is before anything else: a class may be called ``-1`` or ``p(A)``.
    class_of : callable
        Class of a class name or short name, KeyError for others: `ModelCard.class_of`.

    Raises
    ------
    KeyError
        What `class_of` says of the name in it.
    """
    rest = text = text.strip()
    for negated in (False, True):
        if negated:
            if not text.startswith("-"):
                break
            rest = text[1:].strip()
        for scale, inner in _unwrapped(rest):
            for against in (False, True):
                name = inner.removesuffix(_AGAINST).strip() if against else inner
                try:
                    if name != inner or not against:
                        return Target(class_of(name), scale, against, negated)
                except KeyError:
                    continue
    return Target(class_of(_unwrapped(rest)[-1][1].removesuffix(_AGAINST).strip()))


def _unwrapped(text: str) -> list[tuple[Scale | None, str]]:
    """Ways to read a text: as it is, and as a value on a scale."""
    found: list[tuple[Scale | None, str]] = [(None, text)]
    for opening, scale in _SCALES.items():
        if text.startswith(opening) and text.endswith(")"):
            found.append((scale, text[len(opening) : -1].strip()))
    return found


def class_asked(text: str, classes: Iterable[str]) -> str:
    """Class that a target, with class names and no short ones, is about.

    Raises
    ------
    KeyError
        If it is none of these.
    """
    return parse_target(text, {name: name for name in classes}.__getitem__).class_name


def siblings(class_name: str, classes: tuple[str, ...], activation: str) -> tuple[str, ...]:
    """Return the other answers of the question that a class answers; empty if none is known.

    Parameters
    ----------
    class_name : str
    classes : tuple of str
        All that the network answers.
    activation : {"sigmoid", "softmax", "identity"}
    """
    if activation == "softmax":
        return tuple(name for name in classes if name != class_name)
    for question in QUESTIONS:
        names = [answer.class_name for answer in question.answers]
        if class_name in names:
            return tuple(name for name in names if name in classes and name != class_name)
    return ()


@dataclass(frozen=True)
class Score:
    """Value of a target: logits, (n, classes) → (n,); higher speaks for it.

    Parameters
    ----------
    index : int
        Of the class.
    scale : {"logit", "probability"}
    siblings : tuple of int
        Classes that it is compared with; empty: none.
    negated : bool
    activation : {"sigmoid", "softmax", "identity"}
        What makes probabilities of logits; with ``"identity"`` there are none.
    text : str
        Text form of the target, for people and records.
    """

    index: int
    scale: Scale = "logit"
    siblings: tuple[int, ...] = ()
    negated: bool = False
    activation: str = "sigmoid"
    text: str = ""

    @property
    def may_be_negative(self) -> bool:
        """Whether a value can be below zero: that of a logit or number, not a probability."""
        return self.scale == "logit" or self.activation == "identity"

    def __call__(self, logits: Tensor) -> Tensor:
        """Differentiable value for every picture."""
        if self.may_be_negative:
            value = logits[:, self.index]
            if self.siblings:
                value = value - logits[:, list(self.siblings)].mean(1)
            return -value if self.negated else value
        p = logits.softmax(-1) if self.activation == "softmax" else logits.sigmoid()
        value = p[:, self.index]
        if self.siblings:
            value = value / (value + p[:, list(self.siblings)].sum(1))
        return 1 - value if self.negated else value


def score_of(classifier: Classifier, target: str, scale: Scale = "logit") -> Score:
    """Return the value of a target for one network.

    Parameters
    ----------
    classifier : Classifier
    target : str
        Text form of a target.
    scale : {"logit", "probability"}
        The method's own, where the target names none. Of a network whose answers are numbers
        it is the number.

    Raises
    ------
    KeyError
        For an unknown class.
    ValueError
        If there is no such value: a probability of a number, or no siblings.
    """
    card = classifier.card
    classes = tuple(card.classes)
    asked = parse_target(target, lambda name: classes[classifier.class_index(name)])
    if asked.scale == "probability" and card.activation == "identity":
        raise ValueError(f"{card.name} answers with numbers: {asked.class_name} has no probability")
    against: tuple[int, ...] = ()
    if asked.against_siblings:
        names = siblings(asked.class_name, classes, card.activation)
        if not names:
            raise ValueError(
                f"{card.name} has no other answers to the question of {asked.class_name}"
            )
        against = tuple(classes.index(name) for name in names)
    return Score(
        classes.index(asked.class_name),
        asked.scale or scale,
        against,
        asked.negated,
        card.activation,
        str(asked),
    )
