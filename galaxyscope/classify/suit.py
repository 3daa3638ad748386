"""Does a network suit a picture or a wish? If not, why: one sentence that says so."""

from __future__ import annotations

from galaxyscope.classify.card import ModelCard
from galaxyscope.sky.image import SkyImage

BAR = "bar"
SAID = 6
# Units of calibrated optical and infrared pictures; radio maps have flux per beam.
_OPTICAL = ("maggy", "nmgy", "mag", "adu", "electron", "count", "dn", "e-", "mjy/sr", "photon")


def unsuitable(card: ModelCard, image: SkyImage) -> str:
    """Say why a network was not made for a picture; empty where nothing speaks against it.

    A file seldom says which part of the spectrum it shows: three colours and the unit of
    its values are taken as signs. Where there are none the network is asked.

    Parameters
    ----------
    card : ModelCard
    image : SkyImage
    """
    unit = image.unit.strip().lower()
    if card.stretch == "radio":
        seen = ""
        if image.data.shape[0] == 3:
            seen = "this is a colour picture"
        elif any(word in unit for word in _OPTICAL) and "beam" not in unit:
            seen = f"this picture has values in {image.unit}"
        if seen:
            return f"{card.title} was trained on radio maps, and {seen}."
    elif "beam" in unit:
        return (
            f"{card.title} was trained on pictures in visible light, and this is a radio map "
            f"(values in {image.unit})."
        )
    return ""


def without_bar(card: ModelCard) -> str:
    """Say why bars cannot be measured with a network; empty where they can."""
    if BAR in card.targets:
        return ""
    answers = ", ".join(list(card.targets)[:SAID] or list(card.classes)[:SAID])
    return f"{card.title} knows no bar; it answers {answers}."
