"""Lengths that grow and shrink with the zoom at which a picture is shown."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from galaxyscope.classify.store import load_model
from galaxyscope.train import predictions
from galaxyscope.train.augment import changed
from galaxyscope.train.data import DataError, read_pictures
from galaxyscope.train.evaluate import evaluate
from galaxyscope.train.loop import _batch, train
from galaxyscope.train.publish import publish
from galaxyscope.train.recipe import Augmentation, Recipe, read_recipe

Write = Callable[..., Path]
LENGTH = {
    "more": 'target = "length"\ntask = "tests"',
    "source": '[sources.columns]\n"Class3.1" = ["complete_sample"]',
}


@pytest.fixture
def lengths(write: Write, data: Path) -> Recipe:
    """Recipe whose table says that everything is 1 px long."""
    path = write(2, **LENGTH)
    path.write_text(path.read_text().replace('["Class3.1", "Class3.2"]', '["Class3.1"]'))
    return read_recipe(path, data)


def bars(length: float) -> np.ndarray:
    """Eight pictures of a bright bar."""
    y, x = np.indices((64, 64)) - 31.5
    bar = 250 * ((abs(x) < length / 2) & (abs(y) < 2))
    return np.repeat(bar.astype(np.uint8)[None, None], 3, 1).repeat(8, 0)


def shown_length(picture: torch.Tensor) -> float:
    """Length of a bar over the side of its picture, from second moments: L = √12 σ."""
    light = picture.mean(0).numpy().astype(float)
    y, x = np.indices(light.shape)
    spread = np.cov(np.stack([x.ravel(), y.ravel()]), aweights=light.clip(0).ravel())
    return math.sqrt(12 * np.linalg.eigvalsh(spread)[-1]) / light.shape[0]


def test_what_is_wanted_is_what_is_shown(lengths: Recipe) -> None:
    """The logarithm of the length in units of the field that a zoom leaves."""
    still = Augmentation((0.6, 1.6), 0.02, (1, 1), (1, 1), 0, 0, 0, 0)
    recipe = replace(lengths, augmentation=still)
    pictures = replace(
        read_pictures(recipe, "val"),
        pixels=bars(20.0),
        values=np.full((8, 1), math.log(20 / 40), np.float32),
        field=40.0,
    )
    picked = (np.arange(8),)
    x, wanted, _ = _batch([pictures], picked, 96, recipe, torch.Generator().manual_seed(3))
    found = [math.log(shown_length(one)) for one in x]
    assert wanted.ravel().tolist() == pytest.approx(found, abs=0.04)
    assert np.ptp(found) > 0.3, "zooms differ"


def test_zooms_are_those_of_the_fields() -> None:
    settings = Augmentation(zoom=(0.5, 2.0))
    pixels = torch.zeros(50, 3, 8, 8, dtype=torch.uint8)
    _, zooms = changed(pixels, 8, 8.0, settings, torch.Generator().manual_seed(0))
    assert zooms.shape == (50,)
    assert 0.5 <= float(zooms.min()) < 0.7 < 1.5 < float(zooms.max()) <= 2.0


def test_values_are_logarithms_in_units_of_the_field(lengths: Recipe) -> None:
    assert read_pictures(lengths, "val").values.ravel() == pytest.approx([-math.log(24)] * 9)
    (source,) = lengths.sources
    unknown = replace(lengths, sources=(replace(source, field_px=0.0),))
    found = read_pictures(unknown, "val", whole=True).values.ravel()
    assert found == pytest.approx([-math.log(32)] * 9), "the whole picture"


def test_a_length_is_above_zero(lengths: Recipe) -> None:
    (source,) = lengths.sources
    table = source.table.read_text().replace(",1,1,0,bright", ",-1,1,0,bright")
    source.table.write_text(table)
    with pytest.raises(DataError, match="a length that is not above 0"):
        read_pictures(lengths, "train")


def test_a_length_cannot_be_taught(lengths: Recipe) -> None:
    with pytest.raises(ValueError, match="a teacher answers fractions, not lengths"):
        replace(lengths, teacher="galaxyzoo")


def test_answers_are_given_in_one_unit_whatever_the_view(lengths: Recipe, tmp_path: Path) -> None:
    """What the network says of the field it sees, brought to the field of the table."""
    network = train(lengths, tmp_path / "run", lambda _: None)
    publish(network, lengths, tmp_path / "run", tmp_path / "m")
    metrics = {m.name: m.value for m in evaluate(tmp_path / "m", lengths, tmp_path / "e")}
    assert {"rmse", "rmse at zoom 0.7", "rmse as opened at 2× the pixels"} <= set(metrics)
    classifier = load_model(tmp_path / "m", "cpu")
    pictures = read_pictures(lengths, "val", whole=True)
    for view in predictions.views_of(classifier.card, pictures, 24.0):
        with (tmp_path / "e" / predictions.table_name(view)).open() as file:
            told = [float(row["Class3.1"]) for row in csv.DictReader(file)]
        seen = predictions.network_input(pictures.pixels[0], 24.0, view, classifier)
        said = classifier.predict(seen).probabilities["Class3.1"]
        side = 24.0 * view.zoom
        if view.scale is not None:  # located, in pixels of the resampled picture
            side = seen.to_cutout.pixel_size * classifier.card.input_size / view.scale
        assert told[0] == pytest.approx(said + math.log(side / 24), abs=2e-5)


def test_a_table_beside_the_recipe_goes_before_one_of_the_data(
    lengths: Recipe, write: Write, data: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipes" / "r.toml"
    recipe.parent.mkdir()
    recipe.write_text(write(1).read_text())
    assert read_recipe(recipe, data).sources[0].table == data / "p.csv"
    beside = recipe.with_name("p.csv")
    beside.write_text("id\n")
    (source,) = read_recipe(recipe, data).sources
    assert (source.table, source.pictures) == (beside, data / "p.zip")
