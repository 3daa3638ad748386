"""What the user is told about each method, and which settings it takes; without torch.

Each family has a module here with `CARDS`, in the order of the list, and `ENTRIES`: where the
work of each method is done, as ``"module"`` of `galaxyscope.explain`, whose ``explain`` is
called, or ``"module:function"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from galaxyscope.explain.cards import cams, gradients, perturbation, transformers
from galaxyscope.explain.cards.settings import settings
from galaxyscope.explain.protocol import MethodCard

__all__ = ["CARDS", "ENTRIES", "settings"]

_FAMILIES = (gradients, cams, perturbation, transformers)

CARDS: tuple[MethodCard, ...] = tuple(card for family in _FAMILIES for card in family.CARDS)
"""Cards of all methods, the default first."""

ENTRIES: Mapping[str, str] = MappingProxyType(
    {name: entry for family in _FAMILIES for name, entry in family.ENTRIES.items()}
)
"""Where the work of each method is done, by its name."""
