"""What the window says of a model in words."""

from __future__ import annotations

from galaxyscope.classify.card import read_card
from galaxyscope.classify.store import model_folders
from galaxyscope.gui.card_text import key_metric


def test_the_figure_in_the_list_is_the_networks_own() -> None:
    """Not that of a guess, nor that of pictures shown in another way."""
    for name, folder in model_folders().items():
        card = read_card(folder)
        metric = key_metric(card)
        assert metric is not None, name
        wanted = "rmse" if card.activation in ("sigmoid", "identity") else "accuracy"
        assert metric.name == wanted, name
