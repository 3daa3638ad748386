from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from galaxyscope.classify.preprocess import stretch
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.locate import GalaxyExtent
from galaxyscope.train.data import read_pictures
from galaxyscope.train.recipe import Recipe, Source, Stage, read_recipe
from galaxyscope.train.table import (
    ALL,
    SAME_OBJECT,
    DataError,
    Entry,
    apart,
    left_out,
    read_entries,
    unknown_labels,
)

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def table(path: Path, text: str, **source: object) -> tuple[Recipe, Source]:
    path.write_text(text, encoding="utf-8")
    made = Source(path.with_suffix(".zip"), path, "id", 8.0, **source)  # type: ignore[arg-type]
    recipe = Recipe("n", "t", ("a", "b"), (made,), (Stage(8, 1),), target="classes")
    return recipe, made


def entries(path: Path, text: str, **source: object) -> dict[str, tuple[float, ...]]:
    recipe, made = table(path, text, **source)
    return {entry.name: entry.values for entry in read_entries(recipe, ALL, made)}


def test_labels_are_translated_and_others_left_out(tmp_path: Path) -> None:
    found = entries(
        tmp_path / "t.csv",
        "id,kind\n1,a\n2,smooth\n3,strange\n",
        label="kind",
        classes={"smooth": "b"},
    )
    assert found == {"1": (1.0, 0.0), "2": (0.0, 1.0)}


def test_a_clear_majority_makes_a_class(tmp_path: Path) -> None:
    text = "id,x,y,z\n1,0.7,0.2,0.1\n2,0.5,0.3,0.2\n3,0.39,0.31,0.3\n4,0.1,0.5,0.4\n"
    columns = {"a": ["x"], "b": ["y", "z"]}
    found = entries(tmp_path / "t.csv", text, columns=columns, majority=0.6)
    assert found == {"1": (1.0, 0.0), "3": (0.0, 1.0), "4": (0.0, 1.0)}


def test_only_rows_that_are_wanted(tmp_path: Path) -> None:
    text = "id,kind,survey\n1,a,X\n2,b,Y\n3,b,Z\n"
    found = entries(tmp_path / "t.csv", text, label="kind", where={"survey": ["X", "Z"]})
    assert set(found) == {"1", "3"}


def test_rows_that_are_not_wanted(tmp_path: Path) -> None:
    text = "id,kind,votes\n1,a,1\n2,a,0.9\n3,b,0\n"
    found = entries(tmp_path / "t.csv", text, label="kind", unless={"votes": ["1"]})
    assert list(found) == ["2", "3"]


def test_drawn_splits_are_stable_apart_and_of_the_right_size(tmp_path: Path) -> None:
    rows = "\n".join(f"{i}.png,a" for i in range(2000))
    recipe, made = table(tmp_path / "t.csv", f"id,kind\n{rows}\n", label="kind")
    splits = {s: {e.name for e in read_entries(recipe, s, made)} for s in ("train", "val", "test")}
    assert sum(map(len, splits.values())) == 2000
    assert not splits["val"] & splits["test"]
    assert not splits["train"] & (splits["val"] | splits["test"])
    assert all(150 < len(splits[s]) < 250 for s in ("val", "test"))
    # Known answers: they stay the same for ever.
    assert "1.png" in splits["train"]
    assert sorted(splits["val"])[:2] == ["0.png", "1008.png"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,sort\n1,a\n", "no column kind"),
        ("id,kind\n1.png,a\n1.png,b\n", "two rows are called '1.png'"),
        ("", "no column id, kind"),
    ],
)
def test_bad_table_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=rf"^t\.csv: .*{says}") as caught:
        entries(tmp_path / "t.csv", text, label="kind")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["nan", "inf", "much", "", "1.4", "-0.2"])
def test_value_that_is_no_fraction(tmp_path: Path, value: str) -> None:
    with pytest.raises(DataError, match=r"^t\.csv: 2 has "):
        entries(tmp_path / "t.csv", f"id,a,b\n1,0.5,0.5\n2,{value},0\n", columns={"a": ["a"]})


def test_short_row_and_binary_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^t\.csv: 2 has '' in column b"):
        entries(tmp_path / "t.csv", "id,a,b\n1,0,1\n2,1\n", columns={"a": ["a"]})
    (tmp_path / "u.csv").write_bytes(b"\xff\xfe\x00id")
    recipe, made = table(tmp_path / "t.csv", "", label="kind")
    with pytest.raises(DataError, match=r"^u\.csv: the table cannot be read"):
        read_entries(recipe, ALL, replace(made, table=tmp_path / "u.csv"))


def test_what_is_set_aside_is_left_out_by_name_and_by_place() -> None:
    near, far = SAME_OBJECT / 3600 * 0.99, SAME_OBJECT / 3600 * 1.01
    aside = [Entry("x.png", "test", (), 1, (10.0, 60.0)), Entry("y.png", "val", (), 1, (0.0, 0.0))]
    offered = {
        "x.jpg": (200.0, 0.0),  # the same name
        "same place": (10.0, 60.0),
        "beside": (10.0 + near / 0.5, 60.0),  # cos 60° = 0.5
        "further": (10.0 + far / 0.5, 60.0),
        "across zero": (360.0 - near, 0.0),
        "beyond zero": (360.0 - far, 0.0),
        "nowhere": (),
    }
    kept = apart([Entry(name, "train", (), 1, sky) for name, sky in offered.items()], aside)
    assert [entry.name for entry in kept] == ["further", "beyond zero", "nowhere"]


def test_names_with_dots_or_folders_are_not_the_same(tmp_path: Path) -> None:
    text = "id,kind,split\ng.0,a,val\ng.1,a,train\ng.2,a,train\nA/3.png,a,val\nB/3.png,a,train\n"
    recipe, made = table(tmp_path / "t.csv", text, label="kind")
    found = [entry.name for entry in read_entries(recipe, "train", made)]
    assert found == ["g.1", "g.2", "B/3.png"]
    # Of other pictures nobody knows what their folders mean.
    other = replace(made, pictures=tmp_path / "other")
    both = replace(recipe, sources=(made, other))
    assert [entry.name for entry in read_entries(both, "train", other)] == ["g.1", "g.2"]


def test_usual_words_for_splits(tmp_path: Path) -> None:
    words = ["train", "Training", "valid", "validation", "VAL", "dev", " test", "Testing", "Other"]
    text = "id,kind,split\n" + "".join(f"{w.strip()},a,{w}\n" for w in words)
    recipe, made = table(tmp_path / "t.csv", text, label="kind")
    splits = {
        s: [entry.name for entry in read_entries(recipe, s, made)]
        for s in ("train", "val", "validation", "test", "other")
    }
    assert splits["train"] == ["train", "Training"]
    assert splits["val"] == splits["validation"] == ["valid", "validation", "VAL", "dev"]
    assert splits["test"] == ["test", "Testing"]
    assert splits["other"] == ["Other"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,kind,split\n1,a,train\n2,b,test\n", "was found, the splits are: test, train$"),
        (
            "id,kind,split\n1,strange,val\n2,odd,val\n",
            "was found, its labels are: strange, odd; those known are: a, b, smooth$",
        ),
        ("id,kind,split\n", "was found, no row is one that is wanted$"),
    ],
)
def test_why_there_is_no_picture(tmp_path: Path, text: str, says: str) -> None:
    recipe, _ = table(tmp_path / "t.csv", text, label="kind", classes={"smooth": "b"})
    with pytest.raises(DataError, match=rf"^t\.csv: no picture of 'val' {says}"):
        read_pictures(recipe, "val")


def test_all_pictures_to_train_on_are_set_aside(tmp_path: Path) -> None:
    text = "id,kind,split\n1.png,a,train\n1,a,val\n"
    recipe, _ = table(tmp_path / "t.csv", text, label="kind")
    with pytest.raises(
        DataError, match=r"the splits are: train, val; all of that is set aside too$"
    ):
        read_pictures(recipe, "train")


def test_rows_left_out_for_their_label_are_counted(tmp_path: Path) -> None:
    text = "id,kind\n1,a\n2,strange\n3,odd\n4,strange\n"
    recipe, made = table(tmp_path / "t.csv", text, label="kind")
    assert unknown_labels(recipe, made) == {"strange": 2, "odd": 1}
    wanted = replace(made, where={"id": ["1", "3"]})
    assert unknown_labels(recipe, wanted) == {"odd": 1}
    assert not unknown_labels(recipe, replace(made, taught=True))
    (line,) = left_out(replace(recipe, sources=(made,)))
    assert "3 rows are left out" in line
    assert line.endswith("strange, odd")


def test_weights_of_rows(tmp_path: Path) -> None:
    text = "id,kind,w,flag\n1,a,0,1\n2,a,0.5,0\n3,b,2,1\n"
    recipe, made = table(tmp_path / "t.csv", text, label="kind", weight="w")
    assert [entry.weight for entry in read_entries(recipe, ALL, made)] == [0, 0.5, 2]
    both = replace(made, double="flag")
    assert [entry.weight for entry in read_entries(recipe, ALL, both)] == [0, 0.5, 4]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("weight", "-1", "1 has a weight below 0"),
        ("weight", "inf", "1 has 'inf' in column n, which is not a number"),
        ("weight", "", "1 has '' in column n, which is not a number"),
        ("double", "-3", "1 has '-3' in column n, which is neither 0 nor 1"),
        ("double", "2", "1 has '2' in column n, which is neither 0 nor 1"),
        ("double", "true", "1 has 'true' in column n, which is not a number"),
    ],
)
def test_bad_weight_is_one_sentence(tmp_path: Path, column: str, value: str, says: str) -> None:
    with pytest.raises(DataError, match=rf"^t\.csv: {says}$"):
        entries(tmp_path / "t.csv", f"id,kind,n\n1,a,{value}\n", label="kind", **{column: "n"})
    with pytest.raises(DataError, match=r"^t\.csv: there is no column m$"):
        entries(tmp_path / "t.csv", "id,kind\n1,a\n", label="kind", **{column: "m"})


def separation(one: dict[str, str], other: dict[str, str]) -> float:
    """Arcsec, by astropy: another way than the code's."""
    from astropy.coordinates import angular_separation

    angles = np.radians([float(row[k]) for row in (one, other) for k in ("ra", "dec")])
    return float(np.degrees(angular_separation(*angles)) * 3600)


def test_radio_galaxies_set_aside_by_first_are_not_trained_on(shared_data: Path) -> None:
    """MiraBest shows some galaxies of FIRST's test split again."""
    recipe = read_recipe(RECIPES / "radio-fr.toml", shared_data)
    with (shared_data / "radio/first_300.csv").open() as file:
        held = [row for row in csv.DictReader(file) if row["split"] != "train"]
    with (shared_data / "radio/mirabest_150.csv").open() as file:
        again = {
            row["image"]
            for row in csv.DictReader(file)
            if min(separation(row, one) for one in held) < 60
        }
    assert len(again) > 80
    trained = {entry.name for entry in read_entries(recipe, "train", recipe.sources[1])}
    assert not trained & again
    assert len(trained) > 450


def test_pictures_are_found_with_or_without_suffix_and_in_folders(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        for name, grey in (("deep/010.5_+2.25.png", 10), ("b.jpg", 200), ("__MACOSX/._b.jpg", 0)):
            path = tmp_path / "one.png"
            Image.new("L", (8, 8), grey).save(path, "PNG")
            archive.write(path, name)
    text = "id,kind,split\n010.5_+2.25,a,train\nsomewhere/b.jpg,b,train\n"
    recipe, made = table(tmp_path / "t.csv", text, label="kind")
    pictures = read_pictures(recipe, "train")
    assert dict(zip(pictures.names, pictures.pixels[:, 0, 0, 0], strict=True)) == {
        "b": 200,
        "010.5_+2.25": 10,
    }
    with zipfile.ZipFile(tmp_path / "t.zip") as archive:
        archive.extractall(tmp_path / "unzipped")
    folder = replace(made, pictures=tmp_path / "unzipped")
    same = read_pictures(replace(recipe, sources=(folder,)), "train")
    assert same.names == pictures.names
    assert np.array_equal(same.pixels, pictures.pixels)


def test_radio_pictures_are_stretched_as_in_use(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        Image.fromarray(pixels).save(tmp_path / "one.png")
        archive.write(tmp_path / "one.png", "one.png")
    recipe, _ = table(tmp_path / "t.csv", "id,kind,split\none,a,train\n", label="kind")
    pictures = read_pictures(replace(recipe, stretch="radio"), "train")
    image = SkyImage(data=pixels[None].astype(np.float32), name="one", full_scale=255.0)
    used = stretch(image, GalaxyExtent(3.5, 3.5, 2.0), "radio")
    assert np.abs(pictures.pixels[0, :1] / 255 - used).max() <= 0.5 / 255 + 1e-6


def test_bad_pictures_are_one_sentence(
    data: Path, recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    def fails(says: str, *pictures: tuple[str, bytes]) -> None:
        with zipfile.ZipFile(data / "p.zip", "w") as archive:
            for name, raw in pictures:
                archive.writestr(name, raw)
        with pytest.raises(DataError, match=rf"^p\.zip: .*{says}") as caught:
            read_pictures(recipe(), "train")
        assert "\n" not in str(caught.value)

    def encoded(mode: str, size: tuple[int, int]) -> bytes:
        Image.new(mode, size).save(tmp_path / "x.png")
        return (tmp_path / "x.png").read_bytes()

    good = encoded("L", (32, 32))
    names = [f"{i}.png" for i in range(24)]
    most = [(name, good) for name in names if name != "1.png"]
    fails("1 of the pictures that p.csv names are not there .*: 1\\)", *most)
    twice = [*names[:1], *names[2:], "here/1.png", "there/1.png"]
    fails("two pictures are called '1'", *((n, good) for n in twice))
    for raw, says in (
        (b"not a picture", "is not a picture that can be read"),
        (good[:50], "is not a picture that can be read"),
        (encoded("I;16", (32, 32)), "does not have 8 bits a channel"),
        (encoded("L", (32, 30)), "has 32×30 px"),
        (encoded("L", (16, 16)), "has 16×16 px, not 32×32 px"),
    ):
        fails(says, *((n, raw if n == "2.png" else good) for n in names))
    (data / "p.zip").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(DataError, match=r"^p\.zip: the pictures cannot be read"):
        read_pictures(recipe(), "train")
    with pytest.raises(DataError, match=r"^p\.csv: no picture of 'other'"):
        read_pictures(recipe(), "other")


def test_how_many_agreed_is_known_where_the_table_says_it(tmp_path: Path) -> None:
    text = "id,x,y\n1,0.7,0.3\n2,0.1,0.9\n"
    recipe, made = table(tmp_path / "t.csv", text, columns={"a": ["x"], "b": ["y"]})
    assert [entry.agreed for entry in read_entries(recipe, ALL, made)] == [0.7, 0.9]
    recipe, made = table(tmp_path / "t.csv", "id,kind\n1,a\n", label="kind")
    assert [entry.agreed for entry in read_entries(recipe, ALL, made)] == [1.0]
