"""Scores of concepts in words: titles, cells, and what a careful reader should know."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from galaxyscope.explain.concept_score import NEAR_HALF, SIGNIFICANT, ConceptScore
from galaxyscope.gui.rows import UNKNOWN
from galaxyscope.gui.tasks import target_text
from galaxyscope.records.columns import Column
from galaxyscope.records.tables import plain_text


def title(column: Column) -> str:
    """Return a column's name as a heading."""
    words = column.name.replace("_", " ")
    return words[:1].upper() + words[1:]


def cell(column: Column, score: ConceptScore) -> str:
    """Return what a cell shows."""
    value: Any = getattr(score, column.name)
    if column.name == "target":
        return target_text(value)
    if column.type != "float":
        return plain_text(str(value))
    if not math.isfinite(value):
        return UNKNOWN
    if column.name == "p_value":
        return "< 0.001" if value < 0.001 else f"{value:.3f}"
    return f"{value:.2f}"


def remarks(scores: Sequence[ConceptScore]) -> list[str]:
    """Say which scores mean nothing, and why; one sentence for each reason."""
    hidden = [score for score in scores if not score.seen]
    chance = [s for s in scores if s.seen and not s.significant(len(scores))]
    said = []
    if hidden:
        said.append(
            f"{_names(hidden, scores)} cannot be told from the other galaxies (accuracy below "
            f"{NEAR_HALF:g}, and 0.5 is chance): the network does not see the concept in its last "
            "feature map, and the score means nothing."
        )
    if chance:
        tests, level = len(scores), f"{SIGNIFICANT / len(scores):.2g}"
        together = f" ({SIGNIFICANT:g} for all {tests} tests together)" if tests > 1 else ""
        said.append(
            f"{_names(chance, scores)}: the score is not significant, its p value is not below "
            f"{level}{together}; random pictures in place of the examples may give the same."
        )
    return said


def _names(some: Sequence[ConceptScore], scores: Sequence[ConceptScore]) -> str:
    """Name concepts, and networks where it is not so in all of them."""
    names = []
    for concept in dict.fromkeys(score.concept for score in some):
        here = [plain_text(score.model) for score in some if score.concept == concept]
        everywhere = sum(score.concept == concept for score in scores)
        where = "" if len(here) == everywhere else f" in {' and '.join(here)}"
        names.append(f"“{plain_text(concept)}”{where}")
    return ", ".join(names)
