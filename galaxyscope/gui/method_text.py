"""A method card in words: what it shows, what it needs, and whether randomising spoils it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from galaxyscope.explain.protocol import MethodCard
from galaxyscope.gui.desk import one_line

if TYPE_CHECKING:
    from galaxyscope.explain.randomisation import Randomisation

PRESETS: Mapping[str, str] = {
    "smoothgrad/rotation-averaged": "signed gradient × picture, averaged over turned noisy copies",
    "smoothgrad/tf-keras-vis": "mean of |gradient|, as Bhambra et al. 2022 ran it",
    "smoothgrad/signed": "mean of the signed gradient, their equation 2",
    "lime": "superpixels as the lime package has them",
    "lime/fine": "superpixels of half the width",
}
"""What the preset of a name means that means different things elsewhere."""

NOT_COMPUTED = "not computed for this network"


def lines_of(card: MethodCard) -> list[tuple[str, str]]:
    """Lines of a card that hold for every network: pairs of what and how it is."""
    settings = ", ".join(
        f"{p.label.lower()} {p.default:g}" if not isinstance(p.default, bool) else p.label.lower()
        for p in card.parameters
        if p.name != "seed" and not (isinstance(p.default, bool) and not p.default)
    )
    named = [
        ("Paper", card.reference),
        ("Cost", card.cost),
        ("Repeatable", _repeatable(card)),
        ("Needs", card.needs or "nothing beyond gradients or answers"),
        ("Explains", "the probability" if card.scale == "probability" else "the logit"),
        ("Preset", f"{card.name}: {PRESETS[card.name]}" if card.name in PRESETS else card.name),
        ("Settings", settings),
    ]
    return [(what, how) for what, how in named if how]


def _repeatable(card: MethodCard) -> str:
    if card.deterministic:
        return "deterministic: the same map every time"
    return "draws random numbers; the same seed gives the same map"


def randomisation_text(
    name: str, scores: Mapping[str, Randomisation | None], single: bool = True
) -> str:
    """Say whether a method passes model randomisation on a network.

    Parameters
    ----------
    name : str
        Of the method.
    scores : mapping of network name to Randomisation or None
        Of the network or of its members; None where there are none for these weights.
    single : bool
        Whether there is one network, whose name need not be told.
    """
    if not any(scores.values()):
        return NOT_COMPUTED
    found = []
    for network, score in scores.items():
        own = "" if single else f"{network.rpartition('/')[2]}: "
        one = None if score is None else score.methods.get(name)
        if one is not None:
            verdict = "passes" if one.passes else "fails"
            found.append(f"{own}{verdict}, similarity {one.similarity[-1]:.2f}".replace("-", "−"))
        elif score is not None and name in score.refused:
            found.append(f"{own}does not fit")
        else:
            found.append(f"{own}not computed")
    if all(text.endswith("not computed") for text in found):
        return NOT_COMPUTED
    return "; ".join(found)


def as_html(card: MethodCard, about: Sequence[tuple[str, str]], quiet: str, warning: str) -> str:
    """Card as HTML; every word of it is text, never markup.

    Parameters
    ----------
    card : MethodCard
    about : sequence of (what, how)
        Lines that depend on the network. One called ``"Refused"`` is set apart.
    quiet, warning : str
        Colours of labels, and of the bar beside a refusal.
    """
    refused = "".join(
        f"<table style='margin-top:8px' cellspacing='0'><tr><td bgcolor='{warning}' width='3'></td>"
        f"<td style='padding-left:8px'>{_safe(how)}</td></tr></table>"
        for what, how in about
        if what == "Refused"
    )
    rows = "".join(
        f"<tr><td width='92' style='color:{quiet}; padding-right:10px'>{_safe(what)}</td>"
        f"<td>{_safe(how)}</td></tr>"
        for what, how in [*[(a, b) for a, b in about if a != "Refused"], *lines_of(card)]
    )
    return (
        f"<h3 style='margin:0'>{_safe(card.title)}</h3>"
        f"<p style='margin:4px 0 0 0'>{_safe(card.summary)}</p>{refused}"
        f"<table cellspacing='0' cellpadding='2' width='100%' style='margin-top:8px'>{rows}</table>"
    )


def _safe(text: str) -> str:
    return html.escape(one_line(text))
