"""Completing and checking the settings of a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from galaxyscope.explain.protocol import MethodCard, Parameter


def settings(card: MethodCard, given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete and check the settings of a method.

    Parameters
    ----------
    card : MethodCard
    given : mapping
        Values by parameter name; missing ones take their default.

    Returns
    -------
    dict
        One value per parameter of the card, of the type of its default.

    Raises
    ------
    ValueError
        One sentence, for an unknown name or a value outside its limits.
    """
    known = {parameter.name: parameter for parameter in card.parameters}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(
            f"{card.name} has no setting {', '.join(unknown)}; it takes "
            f"{', '.join(known) or 'none'}"
        )
    return {name: _checked(card, p, given.get(name, p.default)) for name, p in known.items()}


def _checked(card: MethodCard, parameter: Parameter, value: Any) -> float | int | bool:
    kind = type(parameter.default)
    try:
        converted = kind(value)
        faithful = bool(converted == value)
    except (TypeError, ValueError, OverflowError):
        faithful = False
    if not faithful or not parameter.minimum <= converted <= parameter.maximum:
        limits = "true or false" if kind is bool else f"{parameter.minimum}–{parameter.maximum}"
        raise ValueError(f"{card.name}: {parameter.name} must be {limits}, not {value!r}")
    return converted
