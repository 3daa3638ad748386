"""The questions of Galaxy Zoo 2 (Willett et al. 2013, table 2) and how they follow each other.

Class names are those of the Kaggle challenge (``Class1.1`` … ``Class11.6``); a fraction of
a later answer is already multiplied by the fraction of people who got to that question.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One answer.

    Parameters
    ----------
    class_name : str
        Output of the network.
    text : str
    leads_to : str or None
        Key of the next question, None at the end.
    """

    class_name: str
    text: str
    leads_to: str | None = None


@dataclass(frozen=True)
class Question:
    """One question of the tree."""

    key: str
    text: str
    answers: tuple[Answer, ...]


def _question(key: int, text: str, *answers: tuple[str, int | None]) -> Question:
    made = (
        Answer(f"Class{key}.{i}", answer, None if then is None else f"Class{then}")
        for i, (answer, then) in enumerate(answers, start=1)
    )
    return Question(f"Class{key}", text, tuple(made))


QUESTIONS: tuple[Question, ...] = (
    _question(
        1,
        "Smooth, or features?",
        ("smooth", 7),
        ("features or disc", 2),
        ("star or artefact", None),
    ),
    _question(2, "Edge-on disc?", ("edge-on", 9), ("not edge-on", 3)),
    _question(3, "Bar?", ("bar", 4), ("no bar", 4)),
    _question(4, "Spiral arms?", ("spiral", 10), ("no spiral", 5)),
    _question(
        5,
        "How prominent is the bulge?",
        ("no bulge", 6),
        ("just noticeable", 6),
        ("obvious", 6),
        ("dominant", 6),
    ),
    _question(6, "Anything odd?", ("odd", 8), ("nothing odd", None)),
    _question(7, "How round?", ("completely round", 6), ("in between", 6), ("cigar-shaped", 6)),
    _question(
        8,
        "What is odd?",
        ("ring", None),
        ("lens or arc", None),
        ("disturbed", None),
        ("irregular", None),
        ("other", None),
        ("merger", None),
        ("dust lane", None),
    ),
    _question(9, "Shape of the bulge?", ("rounded", 6), ("boxy", 6), ("no bulge", 6)),
    _question(10, "How tight are the arms?", ("tight", 11), ("medium", 11), ("loose", 11)),
    _question(
        11,
        "How many arms?",
        ("1", 5),
        ("2", 5),
        ("3", 5),
        ("4", 5),
        ("more", 5),
        ("cannot tell", 5),
    ),
)

TARGETS: dict[str, str] = {
    "bar": "Class3.1",
    "spiral": "Class4.1",
    "smooth": "Class1.1",
    "features": "Class1.2",
    "edge-on": "Class2.1",
    "ring": "Class8.1",
    "merger": "Class8.6",
    "odd": "Class6.1",
}
