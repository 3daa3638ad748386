from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galaxyscope.classify.classifier import Classifier
from galaxyscope.cli.main import main
from galaxyscope.measure.agreement import agree, pearson
from galaxyscope.pipeline import MeasureSettings, explain_image, measure_attribution
from galaxyscope.records.tables import TableError, read_rows
from galaxyscope.sky.image import ImageError
from galaxyscope.tune import maps as maps_module
from galaxyscope.tune.grid import AVERAGE_LENGTH, AVERAGE_MAP, Grid, Setting, combinations
from galaxyscope.tune.maps import MapCache
from galaxyscope.tune.search import METHOD, Trial, Tuning, best_of, tune
from galaxyscope.tune.subjects import Subject, opened, read_subjects
from galaxyscope.tune.table import TRIAL_COLUMNS, summary, trial_rows
from galaxyscope.work.watch import Cancelled, Watch

GRID = Grid((0.02,), ("no", "plain"), (0.7, 0.85), (5, 40))
ASKED = MeasureSettings(METHOD, samples=4)


@pytest.fixture
def found(data: Path, ensemble: Classifier, tmp_path: Path) -> Tuning:
    subjects = read_subjects(data / "lengths.csv")
    with opened(data / "pictures", subjects) as pictures:
        return tune(
            subjects, pictures.open, ensemble, MapCache(tmp_path), GRID, ASKED, folds=3, repeats=2
        )


def test_lengths_are_those_of_the_measuring_step(
    found: Tuning, data: Path, ensemble: Classifier
) -> None:
    """Every trial of one galaxy, measured by the ordinary way of the data."""
    subject = read_subjects(data / "lengths.csv")[3]
    with opened(data / "pictures.zip", [subject]) as pictures:
        image = pictures.open(subject)
    made = explain_image(image, ensemble, MeasureSettings(METHOD, samples=8, noise=0.02))
    assert len(found.trials) == 4 * 8
    for trial in found.trials:
        bar = GRID.bar(trial.setting)
        average = {AVERAGE_MAP: "scaled-maps", AVERAGE_LENGTH: "lengths"}.get(trial.networks)
        one = made
        if average is None:
            values = made.members[trial.networks]
            one = maps_module.Attribution(values, made.to_cutout, made.signed, "m", "t")
        else:
            bar = type(bar)(bar.algorithm, bar.correlation, bar.min_pixels,
                            average=average, x_input=bar.x_input)  # fmt: skip
        length = measure_attribution(image, one, bar).length_px
        expected = np.nan if length is None else length / subject.diameter_px
        assert trial.relative[3] == pytest.approx(expected, nan_ok=True), trial


def test_the_table_has_every_trial_and_the_text_every_baseline(found: Tuning) -> None:
    rows = list(trial_rows(found))
    assert len(rows) == 32
    assert set(rows[0]) <= {column.name for column in TRIAL_COLUMNS}
    judged = [row for row in rows if row.get("held_out_rho_relative") is not None]
    assert [row["networks"] for row in judged] == ["steep", "flat", AVERAGE_MAP, AVERAGE_LENGTH]
    assert all(row["constant_rho_paper"] is not None for row in rows if row["measured"] > 2)
    for networks in ("steep", "flat"):
        shares = [row["chosen"] for row in rows if row["networks"] == networks]
        assert sum(shares) == pytest.approx(1)
    text = summary(found)
    for word in ("steep", AVERAGE_MAP, "constant", "shuffled", "held out", "6 galaxies", "T_c"):
        assert word in text


def test_choosing_among_noise_is_worth_nothing_held_out() -> None:
    """The twin that cross-validation is for: the best of many random lengths looks good."""
    inside, outside = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        human = rng.random(40) + 0.5
        told = agree(human, human, resamples=1)  # plays no part in choosing
        trials = [
            Trial("n", Setting(0.1, "no", 0.8, k), r, told)
            for k, r in enumerate(rng.random((100, 40)) + 0.5, start=1)
        ]
        best = best_of(trials, human, None, repeats=1)
        inside.append(pearson(best.trial.relative, human))
        outside.append(best.held_out.rho_relative)
    assert np.mean(inside) > 0.3
    assert np.mean(outside) < 0.15
    true = Trial("n", Setting(0.1, "no", 0.8, 999), human * 1.1, told)
    best = best_of([*trials, true], human, None, repeats=1)
    assert best.trial is true
    assert best.held_out.rho_relative == pytest.approx(1)
    assert best.chosen == {true.setting: 1.0}


def test_a_bar_that_is_not_found_does_not_make_settings_better() -> None:
    human = np.arange(1.0, 13.0)
    rough = human + np.random.default_rng(0).normal(0, 1, 12)
    few = np.where(human > 9, human, np.nan)  # perfect where it measures at all
    trials = [
        Trial("n", Setting(0.1, "no", 0.8, k), r, agree(r, human, resamples=1))
        for k, r in enumerate((few, rough), start=1)
    ]
    assert best_of(trials, human, None, folds=3, repeats=1).trial is trials[1]


def test_maps_are_made_once(
    data: Path, ensemble: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(
        maps_module, "explain_image", lambda *a: made.append(a) or explain_image(*a)
    )
    (subject, *_) = read_subjects(data / "lengths.csv")
    with opened(data / "pictures", [subject]) as pictures:
        image = pictures.open(subject)
    cache = MapCache(tmp_path / "maps")
    asked = MeasureSettings(METHOD, samples=16, noise=0.1)
    first = cache.explained(image, ensemble, asked)
    again = cache.explained(image, ensemble, asked)
    assert len(made) == 1
    for name in ("values", "blocks"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert list(again.members) == ["steep", "flat"]
    assert np.array_equal(again.members["flat"], first.members["flat"])
    same = ("to_cutout", "signed", "method", "target", "parameters", "model", "notes", "version")
    assert [getattr(first, n) for n in same] == [getattr(again, n) for n in same]
    cache.explained(image, ensemble, MeasureSettings(METHOD, samples=16, noise=0.1, seed=1))
    cache.explained(image.replace(sha256="0" * 64), ensemble, asked)
    assert len(made) == 3
    # A damaged file is made again, and is whole afterwards.
    path = cache.path(image, ensemble, asked)
    path.write_bytes(path.read_bytes()[:300])
    assert np.array_equal(cache.explained(image, ensemble, asked).values, first.values)
    assert len(made) == 4
    cache.explained(image, ensemble, asked)
    assert len(made) == 4


def test_an_interrupted_search_goes_on(data: Path, ensemble: Classifier, tmp_path: Path) -> None:
    subjects = read_subjects(data / "lengths.csv")
    watch = Watch(lambda done, *_: watch.cancel() if done == 2 else None)
    with opened(data / "pictures", subjects) as pictures, pytest.raises(Cancelled):
        tune(
            subjects, pictures.open, ensemble, MapCache(tmp_path), GRID, ASKED, watch=watch,
            folds=3,
        )  # fmt: skip
    kept = sorted(tmp_path.rglob("*.npz"))
    assert 1 <= len(kept) <= 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("picture,bar_full_length_px\na.jpg,3\n", "no column image, path"),
        ("image,length\na.jpg,3\n", "no column bar_full_length_px"),
        ("image,bar_full_length_px\na.jpg,\n", "row 2 lacks"),
        ("image,bar_full_length_px\na.jpg,-3\n", "row 2 lacks"),
        ("image,bar_full_length_px\na.jpg,long\n", "is not a number"),
        ("image,bar_full_length_px\n", "no galaxy"),
    ],
)
def test_tables_that_say_too_little(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(TableError, match=says):
        read_subjects(tmp_path / "t.csv")


def test_lengths_in_arcsec_and_bars_beyond_the_frame(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "path,length_arcsec,scale_arcsec_per_px,r90_arcsec,fits_in_frame\n"
        "a/b.jpg,10,0.5,5,True\nc.jpg,10,0.5,5,False\n"
    )
    (subject,) = read_subjects(tmp_path / "t.csv")
    assert (subject.name, subject.human_px, subject.diameter_px) == ("b.jpg", 20, 20)


def test_missing_pictures_are_named(data: Path, tmp_path: Path) -> None:
    subjects = read_subjects(data / "lengths.csv")
    shutil.copytree(data / "pictures", tmp_path / "some")
    (tmp_path / "some" / "3.jpg").unlink()
    with pytest.raises(ImageError, match=r"3\.jpg"), opened(tmp_path / "some", subjects):
        pass
    with pytest.raises(ImageError, match="neither a folder"), opened(tmp_path / "no", subjects):
        pass


def test_the_command(
    data: Path, ensemble: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from galaxyscope.classify import store

    monkeypatch.setattr(store, "load_model", lambda *_, **__: ensemble)
    out = tmp_path / "trials.csv"
    words = [
        "tune", data / "pictures.zip", data / "lengths.csv", "-o", out, "--samples", "4",
        "--noise", "0.02,0.1", "--correlation", "0.8", "--min-pixels", "5,9", "--folds", "2",
        "--x-input", "no,renormalised",
    ]  # fmt: skip
    assert main(list(map(str, words))) == 0
    assert "average length" in capsys.readouterr().out
    rows = read_rows(out, TRIAL_COLUMNS)
    assert len(rows) == 4 * 2 * 2 * 2
    assert {row["x_input"] for row in rows} == {"no", "renormalised"}
    assert len(list((tmp_path / "trials.maps").rglob("*.npz"))) == 12
    assert main([*map(str, words), "--limit", "1"]) == 2
    assert "too few" in capsys.readouterr().err


def test_combinations_are_the_papers_five() -> None:
    assert len(combinations(("a", "b", "c"))) == 5
    assert combinations(("a",)) == ["a"]
    assert len(list(Grid().settings())) == 5 * 2 * 25
    assert len(list(Grid(algorithm="phase").settings())) == 5 * 2
    with pytest.raises(ValueError, match="at least one"):
        Grid(noise=())


@pytest.mark.parametrize("word", ["False", "FALSE", " false", "0", "no"])
def test_a_spreadsheets_false_leaves_a_galaxy_out_too(tmp_path: Path, word: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"image, length_px,fits_in_frame\na.jpg,12,{word}\nb.jpg,14,TRUE\n")
    assert [one.name for one in read_subjects(table)] == ["b.jpg"]


def test_a_damaged_picture_in_a_zip_file_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as packed:
        packed.writestr("a.jpg", b"0123456789" * 20)
    whole = bytearray((tmp_path / "p.zip").read_bytes())
    whole[60] ^= 255
    (tmp_path / "p.zip").write_bytes(whole)
    one = Subject("a.jpg", 12.0)
    with (
        opened(tmp_path / "p.zip", [one]) as pictures,
        pytest.raises(ImageError, match="cannot be unpacked"),
    ):
        pictures.open(one)


def test_two_pictures_of_one_name_in_a_zip_file_are_not_taken_for_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as packed:
        for folder in ("north", "south"):
            packed.writestr(f"{folder}/a.jpg", folder)
        packed.writestr("north/b.jpg", "alone")
    with opened(tmp_path / "p.zip", [Subject("b.jpg", 12.0)]):
        pass
    asked = [Subject("b.jpg", 12.0), Subject("a.jpg", 9.0)]
    with (
        pytest.raises(ImageError, match=r"several pictures a\.jpg"),
        opened(tmp_path / "p.zip", asked),
    ):
        pass
