"""Fields of a recipe that are not of their kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from galaxyscope.train.recipe import Recipe, Stage, read_recipe


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("batch = 4", "batch = 4.5"), "batch must be a whole number, not 4.5"),
        (("batch = 4", "batch = true"), "batch must be a whole number, not True"),
        (("rate = 5e-3", "rate = '5e-3'"), "rate must be a number, not '5e-3'"),
        (("rate = 5e-3", "rate = inf"), "rate must be a number, not inf"),
        (('title = "Tiny"', "title = 3"), "title must be text, not 3"),
        (('title = "Tiny"', 'title = "Tiny"\nseed = "1"'), "seed must be a whole number, not '1'"),
        (
            ('outputs = ["Class3.1", "Class3.2"]', 'outputs = "AB"'),
            "outputs must be a list, not 'AB'",
        ),
        (('"Class3.2"]', "3.2]"), "each of outputs must be text, not 3.2"),
        (('title = "Tiny"', 'title = "Tiny"\npair = "AB"'), "pair must be a list, not 'AB'"),
        (("field_px = 24", "field_px = '24'"), "field_px must be a number, not '24'"),
        (("field_px = 24", "field_px = -24"), "field_px must not be below 0"),
        (("field_px = 24", "field_px = 24\nr90_px = 0"), "r90_px must be above 0"),
        (
            ("field_px = 24", "field_px = 24\nwhere = {fits = 'True'}"),
            "where.fits must be a list, not 'True'",
        ),
        (
            ("field_px = 24", "field_px = 24\nunless = {votes = [1]}"),
            "each of unless.votes must be text, not 1",
        ),
        (
            ("field_px = 24", "field_px = 24\ncolumns = {'Class3.1' = 'x'}"),
            "columns.Class3.1 must be a list, not 'x'",
        ),
        (("field_px = 24", "field_px = 24\nclasses = 'A'"), "classes must be a table, not 'A'"),
        (("field_px = 24", "field_px = 24\nsky = 'ra'"), "sky must be a list, not 'ra'"),
        (("field_px = 24", "field_px = 24\ntaught = 1"), "taught must be true or false, not 1"),
        (("input_size = 16", "input_size = 16.0"), "input_size must be a whole number, not 16.0"),
        (
            ("[[stages]]", "[augmentation]\nzoom = [1, 1, 1]\n[[stages]]"),
            "zoom must have 2 values, not 3",
        ),
        (
            ("[[stages]]", "[augmentation]\nblur = [0.1]\n[[stages]]"),
            r"blur must be a number, not \(0.1,\)",
        ),
    ],
)
def test_fields_have_their_kind(
    write: Callable[..., Path], change: tuple[str, str], says: str
) -> None:
    path = write()
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    with pytest.raises(ValueError, match=rf"^r\.toml: not a usable recipe \({says}\)$"):
        read_recipe(path, path.parent)


def test_whole_numbers_are_numbers(recipe: Callable[..., Recipe]) -> None:
    assert replace(recipe(), rate=1, stages=(Stage(16, 1),)).rate == 1


def test_a_teacher_needs_to_know_the_field(recipe: Callable[..., Recipe]) -> None:
    made = recipe()
    unknown = (replace(made.sources[0], field_px=0.0),)
    assert replace(made, sources=unknown), "enough to evaluate"
    with pytest.raises(ValueError, match="a teacher needs the field of the first source"):
        replace(made, sources=unknown, teacher="galaxyzoo")
