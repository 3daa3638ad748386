"""Labels given by another model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from galaxyscope.classify.store import load_model
from galaxyscope.train.data import read_pictures
from galaxyscope.train.loop import train
from galaxyscope.train.publish import publish
from galaxyscope.train.recipe import read_recipe
from galaxyscope.train.table import DataError
from galaxyscope.train.teacher import taught

SHARES = """label = "kind"
[sources.classes]
bright = "A"
faint = "B"
[[sources]]
pictures = "p.zip"
table = "p.csv"
identifier = "id"
field_px = 24
taught = true
[sources.columns]
A = ["{first}"]
B = ["Class3.2"]
"""


@pytest.fixture
def teacher(write: Callable[..., Path], data: Path, tmp_path: Path) -> Path:
    """Tiny network that answers Class3.1 and Class3.2 in fractions."""
    recipe = read_recipe(write(), data)
    folder = tmp_path / "teacher"
    publish(train(recipe, tmp_path / "t", lambda _: None), recipe, tmp_path / "t", folder, "")
    return folder


def pupil(write: Callable[..., Path], teacher: Path, first: str = "Class3.1") -> Path:
    more = f'target = "classes"\ntask = "tests"\nframe = "pixels"\nteacher = "{teacher}"'
    return write(more=more, source=SHARES.format(first=first))


def test_classes_get_the_teachers_shares(
    write: Callable[..., Path], data: Path, teacher: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(pupil(write, teacher), data)
    source = recipe.sources[1]
    pictures = read_pictures(recipe, "train", source)
    known = load_model(str(teacher), "cpu")
    values = taught(pictures, source, recipe, known, tmp_path / "run").values
    said = np.load(next((tmp_path / "run").glob("taught-*.npy")))
    columns = [known.card.classes.index(name) for name in ("Class3.1", "Class3.2")]
    wanted = said[:, columns] / said[:, columns].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(values, wanted, rtol=1e-6)
    np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-6)
    assert np.ptp(values[:, 0]) > 0


def test_a_pupil_is_trained_on_own_and_taught_labels(
    write: Callable[..., Path], data: Path, teacher: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    train(read_recipe(pupil(write, teacher), data), tmp_path / "run", said.append)
    assert said[0] == "15 + 15 pictures to train on, 9 to validate"


def test_what_the_teacher_does_not_answer_is_named(
    write: Callable[..., Path], data: Path, teacher: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(pupil(write, teacher, "Class1.1"), data)
    with pytest.raises(DataError, match=r"does not answer Class1\.1"):
        train(recipe, tmp_path / "run", lambda _: None)
