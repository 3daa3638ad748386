"""Labels given by another model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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


def test_two_sources_of_one_table_have_labels_of_their_own(
    write: Callable[..., Path], data: Path, teacher: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(pupil(write, teacher), data)
    known = load_model(str(teacher), "cpu")
    values = {}
    for kind in ("bright", "faint"):
        source = replace(recipe.sources[1], where={"kind": [kind]})
        pictures = read_pictures(recipe, "train", source)
        values[kind] = taught(pictures, source, recipe, known, tmp_path / "run").values
        alone = taught(pictures, source, recipe, known, tmp_path / kind).values
        np.testing.assert_array_equal(values[kind], alone)
    assert values["bright"].mean() != values["faint"].mean()
    assert not list((tmp_path / "run").glob("*.part"))


def test_labels_that_were_cut_off_are_asked_for_again(
    write: Callable[..., Path],
    data: Path,
    teacher: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = read_recipe(pupil(write, teacher), data)
    known, source = load_model(str(teacher), "cpu"), recipe.sources[1]
    pictures = read_pictures(recipe, "train", source)
    save = np.save

    def cut(file: object, array: np.ndarray) -> None:
        save(file, array[:3])  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", cut)
    with pytest.raises(KeyboardInterrupt):
        taught(pictures, source, recipe, known, tmp_path / "run")
    monkeypatch.undo()
    assert len(taught(pictures, source, recipe, known, tmp_path / "run").values) == 15


def test_a_teacher_whose_field_is_not_scaled_to_the_galaxy(
    write: Callable[..., Path], data: Path, tmp_path: Path
) -> None:
    made = read_recipe(write(more='frame = "pixels"'), data)
    run, folder = tmp_path / "t", tmp_path / "teacher"
    publish(train(made, run, lambda _: None), made, run, folder)
    recipe = read_recipe(pupil(write, folder), data)
    with pytest.raises(DataError, match="the teacher tiny cannot be shown these pictures"):
        train(recipe, tmp_path / "run", lambda _: None)
