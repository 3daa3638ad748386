"""Does a network suit a picture? If not, why: one sentence that says so."""

from __future__ import annotations

from galaxyscope.classify.card import ModelCard
from galaxyscope.sky.image import SkyImage

# Of a smaller picture nothing can be said.
_FEWEST_PIXELS = 8
# Units of calibrated optical and infrared pictures; radio maps have flux per beam.
_OPTICAL = ("maggy", "nmgy", "mag", "adu", "electron", "count", "dn", "e-", "mjy/sr", "photon")


def unsuitable(card: ModelCard, image: SkyImage) -> str:
    """Say why a network was not made for a picture; empty where nothing speaks against it.

    A file seldom says which part of the spectrum it shows: three colours and the unit of
    its values are taken as signs. Where there are none the network is asked. A picture is too
    small if it has less than half of the field that the network sees at one scale.

    Parameters
    ----------
    card : ModelCard
    image : SkyImage
    """
    needed = max(_FEWEST_PIXELS, card.field_px // 2 if card.frame == "pixels" else 0)
    if min(image.shape) < needed:
        rows, columns = image.shape
        trained = f"fields of {card.field_px} px" if card.field_px else "galaxies"
        return f"{card.title} was trained on {trained}, and this picture has {columns}×{rows} px."
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
