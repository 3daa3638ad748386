"""The statistics of scripts that judge the measuring, on numbers whose answer is known."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(autouse=True)
def scripts_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))


def test_coverage_of_errors_that_are_right_too_small_and_biased() -> None:
    from error_coverage import RIGHT, Judged, part_of

    rng = np.random.default_rng(1)

    def share(error: float, scatter: float, bias: float = 1.0, part: float = 0.0) -> float:
        ratios = bias / (1 + scatter * rng.standard_normal(4000))
        return float(np.mean([Judged(r, (error,)).covered(part) for r in ratios]))

    assert share(0.05, 0.05) == pytest.approx(RIGHT, abs=0.03)
    assert share(0.02, 0.1) < 0.25
    assert share(0.05, 0.05, bias=0.7) < 0.05
    # What the errors leave of a scatter of 0.1 is √(0.1² − 0.06²) = 0.08.
    ratios = 1 / (1 + 0.1 * rng.standard_normal(4000))
    assert part_of([Judged(r, (0.06,)) for r in ratios]) == pytest.approx(0.08, abs=0.005)
    assert share(0.06, 0.1, part=0.08) == pytest.approx(RIGHT, abs=0.03)


def test_parts_of_an_error_are_added_in_quadrature() -> None:
    from error_coverage import Judged

    assert Judged(1.0, (0.03, 0.04)).error == pytest.approx(0.05)
    assert Judged(1.0, (0.0,)).needed == 0
    assert Judged(0.5, (0.0,)).needed == 1  # half as long as the truth: off by its own length


def test_no_network_has_seen_the_human_lengths_of_the_galaxies_that_it_is_asked_for(
    tmp_path: Path,
) -> None:
    """Neither as a picture of 424 px nor as a stamp."""
    from direct_lengths import PARTS, SETS, part_of, without

    from galaxyscope.train.recipe import read_recipe
    from galaxyscope.train.table import read_entries

    tables = {name: tmp_path / "bar_lengths" / f"{name}.csv" for name in SETS}
    (tmp_path / "bar_lengths").mkdir()
    for name, table in tables.items():
        galaxies = range(60) if name == "galaxyzoo_424" else range(200)
        rows = [f"{name}-{g}.jpg,{g},20.5,True" for g in galaxies]
        header = "image,sdss_dr7_objid,bar_full_length_px,fits_in_frame"
        table.write_text("\n".join([header, *rows]))
    recipe = read_recipe(SCRIPTS.parent / "recipes" / "bar-length.toml", tmp_path)
    assert {source.table for source in recipe.sources} >= set(tables.values())
    left = []
    for part in range(PARTS):
        mine = without(recipe, tables, part)
        for source in (one for one in mine.sources if one.table in tables.values()):
            names = {entry.name for entry in read_entries(mine, "all", source)}
            seen = {name.split("-")[1].removesuffix(".jpg") for name in names}
            assert seen
            assert part not in {part_of(galaxy) for galaxy in seen}
            left.append(200 - len(seen) if "sdss" in source.table.name else 0)
    assert sum(left) == 200, "each galaxy is held out once"
    assert len({part_of(str(galaxy)) for galaxy in range(60)}) == PARTS


def test_what_is_trained_once_for_all_has_seen_no_human_length() -> None:
    from direct_lengths import SETS, before_people

    from galaxyscope.train.recipe import Stage, read_recipe

    data = Path("data")
    tables = {name: data / "bar_lengths" / f"{name}.csv" for name in SETS}
    recipe = read_recipe(SCRIPTS.parent / "recipes" / "bar-length.toml", data)
    first = recipe.stages[0]
    assert first.sources > 0
    assert not {s.table for s in recipe.sources[: first.sources]} & set(tables.values())
    assert before_people(recipe, tables, None) == first.epochs
    assert before_people(recipe, tables, 1) == 1
    everything = dataclasses.replace(recipe, stages=(Stage(96, 5), first))
    assert before_people(everything, tables, None) == 0
    shown = dataclasses.replace(recipe, stages=(Stage(96, 5, sources=first.sources + 1),))
    assert before_people(shown, tables, None) == 0


def test_modules_of_scripts_hide_no_library() -> None:
    """`python scripts/x.py` puts this folder first on the path."""
    assert not {path.stem for path in SCRIPTS.glob("*.py")} & {"coverage", *sys.stdlib_module_names}
