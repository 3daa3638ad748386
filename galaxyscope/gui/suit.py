"""Does a network suit a wish? If not, why: one sentence that says so."""

from __future__ import annotations

from galaxyscope.classify.card import ModelCard

BAR = "bar"
_SAID = 6


def without_bar(card: ModelCard) -> str:
    """Say why bars cannot be measured with a network; empty where they can."""
    if BAR in card.targets:
        return ""
    answers = ", ".join(list(card.targets)[:_SAID] or list(card.classes)[:_SAID])
    return f"{card.title} knows no bar; it answers {answers}."
