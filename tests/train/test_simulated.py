"""Simulated galaxies as a source of lengths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.sky.simulate import GalaxyTruth, plain_bar
from galaxyscope.train import simulated
from galaxyscope.train.data import read_pictures
from galaxyscope.train.loop import train
from galaxyscope.train.recipe import Recipe, read_recipe
from galaxyscope.train.simulated import simulated_bars

Write = Callable[..., Path]
SIMULATED = """

[[sources]]
simulated = 6
field_px = 64.0
share = 0.5
"""


@pytest.fixture
def recipe(write: Write, data: Path) -> Recipe:
    """Recipe that learns from six simulated galaxies beside the pictures."""
    path = write(
        2,
        more='target = "length"\ntask = "tests"',
        source='[sources.columns]\n"Class3.1" = ["complete_sample"]' + SIMULATED,
    )
    path.write_text(path.read_text().replace('["Class3.1", "Class3.2"]', '["Class3.1"]'))
    return read_recipe(path, data)


def moments(picture: np.ndarray) -> tuple[float, float]:
    """Length of a uniform ellipse (4 σ along its axis) and its angle from up, towards left."""
    light = picture.mean(0).astype(float)
    light[light < light.max() / 2] = 0  # an ellipse of one brightness, whatever the stretch
    up, right = -np.indices(light.shape, float)[0], np.indices(light.shape, float)[1]
    spread = np.cov(np.stack([right.ravel(), up.ravel()]), aweights=(light > 0).ravel())
    values, vectors = np.linalg.eigh(spread)
    x, y = vectors[:, -1]
    return 4 * float(np.sqrt(values[-1])), float(np.rad2deg(np.arctan2(-x, y))) % 180


@settings(max_examples=8, deadline=None)
@given(length=st.floats(60, 90), angle=st.floats(1, 179))
def test_pictures_show_the_lengths(length: float, angle: float) -> None:
    """Both ways to show a picture, first row on top, at the scale that the length has."""

    def drawn(seed: int, index: int) -> GalaxyTruth:
        return plain_bar(length, angle, 0.3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated, "draw_varied", drawn)
        pixels, lengths = simulated_bars(4, 100.0)
    assert pixels.shape == (4, 3, 140, 140)
    assert lengths.tolist() == pytest.approx([length] * 4)
    for picture in pixels:
        found, turned = moments(picture)
        assert found == pytest.approx(length, abs=1.8)  # pixels at the edge count whole
        assert abs((turned - angle + 90) % 180 - 90) < 1.5


def test_both_ways_to_show_a_galaxy_occur() -> None:
    pixels, lengths = simulated_bars(8, 64.0)
    assert (pixels.max((1, 2, 3)) > 100).all()
    assert len(set(lengths.tolist())) == 8
    again, _ = simulated_bars(3, 64.0)
    np.testing.assert_array_equal(again, pixels[:3])


def test_pictures_are_drawn_once_for_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, lengths = simulated_bars(2, 48.0, tmp_path / "run")
    monkeypatch.delattr(simulated, "draw_varied")
    again = simulated_bars(2, 48.0, tmp_path / "run")
    np.testing.assert_array_equal(again[0], pixels)
    np.testing.assert_array_equal(again[1], lengths)
    with pytest.raises(NameError):
        simulated_bars(2, 64.0, tmp_path / "run")


def test_a_source_of_a_recipe(recipe: Recipe) -> None:
    pictures = read_pictures(recipe, "train", recipe.sources[1])
    _, lengths = simulated_bars(6, 64.0)
    np.testing.assert_allclose(np.exp(pictures.values.ravel()) * 64, lengths, rtol=1e-5)
    assert pictures.field == 64.0


def test_a_network_learns_from_it(recipe: Recipe, tmp_path: Path) -> None:
    said: list[str] = []
    train(recipe, tmp_path / "run", said.append, epochs=1)
    assert "+ 6 pictures to train on" in said[0]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('target = "length"', 'target = "fractions"', "a length and nothing else"),
        ("simulated = 6", 'simulated = 6\nidentifier = "x"', "or simulated galaxies"),
        ("field_px = 64.0\nshare", "share", "side of the field"),
    ],
)
def test_what_cannot_be_learnt_from(
    recipe: Recipe, write: Write, data: Path, tmp_path: Path, old: str, new: str, words: str
) -> None:
    (path,) = tmp_path.rglob("*.toml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=words):
        read_recipe(path, data)
