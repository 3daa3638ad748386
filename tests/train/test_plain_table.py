"""Tables with pictures beside them, without a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from galaxyscope.classify.card import ModelCard
from galaxyscope.train.plain_table import table_recipe
from galaxyscope.train.table import DataError, read_entries

CARD = ModelCard(
    name="m",
    title="M",
    task="tests",
    architecture="vit",
    parameters={},
    classes=("A", "B"),
    targets={},
    input_size=16,
    field_r90=3.0,
    sha256="0" * 64,
    activation="softmax",
)


def test_folder_with_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data.v1"
    folder.mkdir()
    inside, beside = folder / "t.csv", tmp_path / "data.v1.csv"
    for table in (inside, beside):  # the one beside it goes first
        table.write_text("name,class\n1,A\n")
        source = table_recipe(folder, CARD).sources[0]
        assert (source.table, source.pictures) == (table, folder)
    beside.unlink()
    monkeypatch.chdir(folder)
    assert table_recipe(Path("."), CARD).sources[0].table == inside
    (folder / "u.csv").write_text("name,class\n")
    with pytest.raises(
        DataError, match=r"a folder of pictures needs a table, data\.v1\.csv beside"
    ):
        table_recipe(Path(), CARD)


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("name\tclass\n")
    with pytest.raises(DataError, match=r"^t\.tsv: expected a table \(\.csv\)"):
        table_recipe(tmp_path / "t.tsv", CARD)
    with pytest.raises(DataError, match=r"one \.csv file in it, where there are 0"):
        table_recipe(tmp_path, CARD)


def test_number_in_the_unit_of_the_model(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("name,light\n1,100\n")
    card = replace(CARD, classes=("light",), activation="identity", training={"scale": 50.0})
    recipe = table_recipe(table, card)
    assert [entry.values for entry in read_entries(recipe, "all", recipe.sources[0])] == [(2.0,)]
    with pytest.raises(ValueError, match="scale must be a number, not 'fifty'"):
        table_recipe(table, replace(card, training={"scale": "fifty"}))
