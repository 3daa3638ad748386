"""The recipes that ship: they can be read, their data are there, and one epoch of each runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from galaxyscope.train.recipe import Stage, read_recipe
from galaxyscope.train.table import read_entries

RECIPES = sorted((Path(__file__).resolve().parents[2] / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_can_be_read(path: Path) -> None:
    recipe = read_recipe(path, Path("DATA"))
    assert recipe.title


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_card_will_say_where_the_data_are_from(path: Path) -> None:
    recipe = read_recipe(path, Path("DATA"))
    assert recipe.source
    assert recipe.licence
    assert recipe.limits


@pytest.mark.parametrize("name", ["vgg16", "resnet50v2", "xception"])
def test_recipes_of_the_paper(name: str) -> None:
    recipe = read_recipe(RECIPES[0].parent / f"bhambra2022-{name}.toml", Path("DATA"))
    changes = recipe.augmentation
    assert recipe.architecture == name
    assert recipe.parameters["activation"] == "swish"
    assert len(recipe.outputs) == 37
    assert (recipe.schedule, recipe.patience, recipe.epochs) == ("plateau", 5, 100)
    assert (recipe.muon, recipe.decay, recipe.ema, recipe.smoothing) == (0, 0, 0, 0)
    assert recipe.precision == "fp32"
    assert changes.zoom == changes.gamma == (1, 1)
    assert changes.brightness == (0.7, 1.3)
    assert changes.shift == 0.05
    assert changes.grey == changes.tint == changes.noise == changes.blur == 0


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_tables_have_what_the_recipe_names(path: Path, shared_data: Path) -> None:
    recipe = read_recipe(path, shared_data)
    splits = {
        split: len(read_entries(recipe, split, recipe.sources[0]))
        for split in ("train", "val", recipe.judged)
    }
    assert min(splits.values()) >= (400 if recipe.name == "bars" else 5)
    for source in (one for one in recipe.sources[1:] if not one.simulated):
        least = 40 if source.table.parent.name == "bar_lengths" else 350
        assert len(read_entries(recipe, "train", source)) > least


@pytest.mark.slow
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_one_epoch_of_a_few_pictures(
    path: Path, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the recipe to a card with finite figures."""
    from galaxyscope.classify.card import read_card
    from galaxyscope.train import data, evaluate, loop
    from galaxyscope.train.publish import publish, write_metrics

    recipe = read_recipe(path, shared_data)
    # Full networks on small pictures: every layer is passed, in seconds.
    small = Stage(min(64, recipe.input_size), 1)
    width = {"width": 0.25} if path.stem.startswith("bhambra") else {}
    sources = tuple(
        dataclasses.replace(one, simulated=min(one.simulated, 8)) for one in recipe.sources
    )
    recipe = dataclasses.replace(
        recipe,
        stages=(small,),
        sources=sources,
        batch=4,
        parameters={**recipe.parameters, **width},
    )
    read = data.read_entries
    monkeypatch.setattr(data, "read_entries", lambda *args: read(*args)[:8])
    network = loop.train(recipe, tmp_path / "run", lambda _: None)
    publish(network, recipe, tmp_path / "run", tmp_path / "model", "")
    found = evaluate.evaluate(tmp_path / "model", recipe, tmp_path / "e", device="cpu", fast=True)
    write_metrics(tmp_path / "model", found)
    assert {m.count for m in read_card(tmp_path / "model").metrics} >= {8}
    assert (tmp_path / "e" / "metrics.json").exists()
