"""Cards and registry: readable without torch, settings checked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from galaxyscope.explain.cards import CARDS, ENTRIES, settings
from galaxyscope.explain.registry import DEFAULT_METHOD, METHODS, method


def test_every_card_has_its_method() -> None:
    assert list(METHODS) == [card.name for card in CARDS]
    assert set(ENTRIES) == set(METHODS)
    assert len(CARDS) == len(METHODS), "two methods have one name"
    assert next(iter(METHODS)) == DEFAULT_METHOD
    for name, explainer in METHODS.items():
        assert method(name).card is explainer.card
        assert explainer.card.summary.count(".") == 1, "one sentence"
        assert explainer.card.summary.endswith(".")
        assert all((explainer.card.title, explainer.card.family, explainer.card.reference))
        random = any(p.name == "seed" for p in explainer.card.parameters)
        assert explainer.card.deterministic is not random


def test_unknown_methods_are_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"crystal ball.*grad-cam"):
        method("crystal ball")


def test_cards_are_read_without_torch() -> None:
    code = (
        "import sys; from galaxyscope.explain.registry import METHODS\n"
        "assert len([m.card.title for m in METHODS.values()]) > 4\n"
        "alien = {'torch', 'captum', 'matplotlib', 'scipy', 'PySide6'} & set(sys.modules)\n"
        "sys.exit(str(alien) if alien else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_settings_are_completed() -> None:
    card = method("smoothgrad/tf-keras-vis").card
    assert settings(card, {}) == {
        "samples": 256,
        "noise": 0.25,
        "times_input": False,
        "agreement": 0.0,
        "seed": 0,
    }
    chosen = settings(card, {"samples": 64.0, "noise": 0, "times_input": True})
    assert chosen == {"samples": 64, "noise": 0.0, "times_input": True, "agreement": 0.0, "seed": 0}
    assert [type(value) for value in chosen.values()] == [int, float, bool, float, int]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"samples": 0}, "samples must be 1–16384, not 0"),
        ({"samples": 2.5}, "samples must be"),
        ({"samples": "many"}, "samples must be"),
        ({"noise": -0.1}, "noise must be"),
        ({"noise": float("nan")}, "noise must be"),
        ({"noise": None}, "noise must be"),
        ({"seed": float("inf")}, "seed must be"),
        ({"times_input": 2}, "times_input must be true or false"),
        ({"sigma": 1}, "has no setting sigma; it takes samples, noise"),
    ],
)
def test_bad_settings_get_one_sentence(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(method("smoothgrad/tf-keras-vis").card, given)


def test_a_method_without_settings_takes_none() -> None:
    with pytest.raises(ValueError, match="takes none"):
        settings(method("gradient").card, {"seed": 1})
