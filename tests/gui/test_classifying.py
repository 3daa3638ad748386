"""What networks say of galaxies, and that they say nothing, in the panel and in the gallery."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from galaxyscope.classify.classifier import Prediction
from galaxyscope.gui import chores

BAR = {"first": 0.7, "second": 0.2}


@pytest.fixture
def network(network: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Two networks that disagree, by name; ``network.mute`` gives no answers."""
    network.mute = False

    class Says(type(network.classifier)):  # type: ignore[misc] # the fake of conftest
        def predict(self, net_input: Any) -> Prediction:
            if network.mute:
                raise ValueError("no pixel has a value.")
            card = self.card
            said = dict.fromkeys(card.classes, 0.1) | {"Class3.1": BAR[card.name]}
            return Prediction(said, said, card.name, card.sha256)

    def load(name: str | None, running: chores.Running) -> Any:
        name = name or "first"
        card = dataclasses.replace(network.classifier.card, name=name, sha256=name[0] * 64)
        return Says(card=card)

    monkeypatch.setattr(chores, "load_network", load)
    return network


def test_the_gallery_follows_the_network_back(drive: Any, folder: Path) -> None:
    drive.open(folder, shows="a.fits")
    window = drive.window
    galaxies, told = window.workspace.galaxies, []

    def all_say(value: float) -> bool:
        return all(galaxy.bar_fraction == value for galaxy in galaxies)

    drive.until(lambda: all_say(0.7))
    window.classifying.load("second")
    drive.until(lambda: all_say(0.2))
    window.workspace.changed.connect(lambda galaxy, what: told.append((galaxy.path.name, what)))
    window.classifying.load("first")
    drive.until(lambda: all_say(0.7))
    assert {name for name, what in told if what == "prediction"} == {"a.fits", "b.fits", "c.fits"}


def test_a_network_that_cannot_answer_says_so(
    drive: Any, folder: Path, network: SimpleNamespace
) -> None:
    network.mute = True
    drive.open(folder, shows="a.fits")
    window = drive.window
    galaxy = window.workspace.current
    drive.until(lambda: bool(galaxy.unanswered))
    assert window.classify_panel._state.text() == (
        "The network could not answer: no pixel has a value."
    )
    network.mute = False
    window.classifying.load("second")
    drive.until(lambda: galaxy.prediction is not None)
    assert "could not" not in window.classify_panel._state.text()
