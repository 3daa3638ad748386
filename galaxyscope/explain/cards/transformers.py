"""Where the attention of a transformer leads."""

from __future__ import annotations

from collections.abc import Mapping

from galaxyscope.explain.protocol import MethodCard

_FAMILY = "Transformers"
_NEEDS = "Attention between the patches of the picture, and nothing else by which they meet."

CARDS: tuple[MethodCard, ...] = (
    MethodCard(
        name="attention-relevance",
        title="Attention relevance",
        family=_FAMILY,
        summary="Which patches the attention carries into the answer, where that speaks for it.",
        reference="Chefer, Gur & Wolf 2021, ICCV, arXiv:2103.15679, equations 5 and 6",
        cost="one pass there and back",
        needs=_NEEDS,
    ),
    MethodCard(
        name="attention-rollout",
        title="Attention rollout",
        family=_FAMILY,
        summary="Which patches the attention carries into the last layer; the same map for every "
        "answer.",
        reference="Abnar & Zuidema 2020, ACL, arXiv:2005.00928",
        cost="one pass there and back",
        needs=_NEEDS,
    ),
)

ENTRIES: Mapping[str, str] = {card.name: "attention" for card in CARDS}
