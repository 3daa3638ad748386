"""Scripts that make a table again: the same bytes, or a sentence that says what is missing."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from galaxyscope.gui import chores, chores_session
from galaxyscope.measure.results import LineMeasurement
from galaxyscope.records.edits import DrawLine, KeepBar, Tell, compare_again
from galaxyscope.records.record import Record
from galaxyscope.records.script import recipe_of, write_script
from galaxyscope.records.store import Session
from galaxyscope.resources import samples_folder
from galaxyscope.sky.readers import open_image
from galaxyscope.work.watch import Watch

ROOT = Path(__file__).resolve().parents[1]
ENDS = (((20.25, 30.0), (60.5, 31.125)), ((1 / 3, 2.0), (99.9, 70.7)))
HOSTILE = '"""\nraise SystemExit("run")\n\\" {name} =cmd() \x1b[31m'


def run(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=script.parent,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two simulated galaxies."""
    return [
        Path(shutil.copy(path, tmp_path)) for path in sorted(samples_folder().glob("*.fits"))[:2]
    ]


@pytest.fixture
def session(tmp_path: Path) -> Any:
    with Session(tmp_path / "s.sqlite") as made:
        yield made


def exported(session: Session, pictures: list[Path], folder: Path) -> tuple[Path, Path]:
    names = [str(path) for path in pictures]
    chores_session.export(session, names, folder / "table.csv")
    chores_session.export_script(session, names, folder / "table.py")
    shutil.move(folder / "table.csv", folder / "exported.csv")
    return folder / "exported.csv", folder / "table.py"


def test_lines_come_again_byte_for_byte(session: Session, pictures: Any, tmp_path: Path) -> None:
    """With what the user said of the picture, other rows, and text made to break out."""
    for n, path in enumerate(pictures):
        image = open_image(path)
        Tell(image, "", {"redshift": 0.02 + n / 7, "scale_arcsec_per_px": 0.3}).apply(session)
        image = chores.read_picture(path, None, session).image
        for ends in ENDS:
            line = LineMeasurement(ends, HOSTILE, "2026-01-02T03:04:05Z")
            DrawLine(image, line, f"{len(session.records())}").apply(session)
        compare_again(session, image.sha256, "")
    session.add(Record(str(pictures[0]), source="catalogue, line 7", length_arcsec=1 / 3))
    table, script = exported(session, pictures, tmp_path)
    done = run(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 rows, the same bytes as the export" in done.stdout
    assert (tmp_path / "table.csv").read_bytes() == table.read_bytes()


def test_a_changed_picture_is_noticed(session: Session, pictures: Any, tmp_path: Path) -> None:
    image = open_image(pictures[0])
    DrawLine(image, LineMeasurement(ENDS[0], "Ada", "2026-01-02"), "1").apply(session)
    _, script = exported(session, pictures, tmp_path)
    with pictures[0].open("ab") as file:
        file.write(b" ")
    done = run(script)
    assert done.returncode == 2
    assert "not the file that was measured" in done.stderr
    assert not (tmp_path / "table.csv").exists()
    pictures[0].unlink()
    done = run(script)
    assert "there is no such file" in done.stderr


def test_a_row_that_comes_out_differently_is_said(
    session: Session, pictures: Any, tmp_path: Path
) -> None:
    image = open_image(pictures[0])
    DrawLine(image, LineMeasurement(ENDS[0], "Ada", "2026-01-02"), "1").apply(session)
    recipe = recipe_of(session.records(), session.settings, "table.csv")
    recipe["rows"][0]["ends"] = ((20.25 + 1e-9, 30.0), ENDS[0][1])
    write_script(tmp_path / "table.py", recipe)
    done = run(tmp_path / "table.py")
    assert done.returncode == 1
    assert "not the bytes of the export" in done.stderr


def test_what_belongs_to_a_line_comes_again(session: Session, pictures: Any) -> None:
    """The line across the bar and the look of a blind series are data, too."""
    from galaxyscope.records.drawn import with_width
    from galaxyscope.records.making import record_of_line
    from galaxyscope.replay import replay

    row = record_of_line(open_image(pictures[0]), LineMeasurement(ENDS[0], "Ada", "2026-01-02"))
    row = with_width(row, ((40.0, 25.0), (1 / 3, 35.0)))
    row = dataclasses.replace(row, blind_look=2, blind_series="2026-01-02 seed 1")
    recipe = json.loads(json.dumps(recipe_of([row], session.settings, "t.csv")))
    assert recipe["rows"][0]["make"] == "line"
    assert replay(recipe) == [row]
    del recipe["rows"][0]["kept"]  # scripts of older versions have none
    assert replay(recipe)[0].ends == row.ends


@pytest.mark.slow
def test_bars_come_again_byte_for_byte(session: Session, pictures: Any, tmp_path: Path) -> None:
    """The window's way: loaded for the window, explained, measured, kept, exported."""
    classifier = chores.load_network(None, chores.Running())
    request = {"samples": 6, "noise": 0.1, "seed": 3, "agreement": 0.0}
    for path in pictures:
        image = chores.read_picture(path, None, session).image
        said = chores.predict(classifier, image)
        for method, parameters, algorithm in (
            ("smoothgrad/rotation-averaged", request, "consensus"),
            ("occlusion", {"window": 40, "stride": 20, "blur": 0.0}, "phase"),
        ):
            asked = chores.Request(method, "bar", parameters, algorithm)
            found = chores.explain(classifier, image, asked, Watch())
            from galaxyscope.pipeline import provenance

            source = provenance(found.map.attribution, said)
            assert found.bar is not None
            KeepBar(image, found.bar, source).apply(session)
        DrawLine(image, LineMeasurement(ENDS[0], "Ada", "2026-01-02"), path.name).apply(session)
        compare_again(session, image.sha256, "")
    table, script = exported(session, pictures, tmp_path)
    done = run(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "table.csv").read_bytes() == table.read_bytes()
    assert len(table.read_text().splitlines()) == 7


def test_another_network_for_lengths_is_refused(
    session: Session, pictures: Any, monkeypatch: Any
) -> None:
    from galaxyscope import pipeline, replay
    from galaxyscope.classify.store import load_model

    classifier = load_model("galaxyzoo/resnet", "cpu")
    settings = pipeline.MeasureSettings(samples=1)
    row = pipeline.measure_image(open_image(pictures[0]), classifier, settings, None, "now").record
    row = dataclasses.replace(row, path=str(pictures[0]))
    recipe = recipe_of([row], session.settings, "t.csv")
    assert replay.replay(recipe)
    card = dataclasses.replace(pipeline._length_network().card, sha256="0" * 64)
    monkeypatch.setattr(pipeline._length_network(), "card", card)
    with pytest.raises(replay.ReplayError, match="bar-length is not the one that was asked"):
        replay.replay(recipe)


def test_the_network_is_compared_with_its_hash(
    session: Session, pictures: Any, tmp_path: Path
) -> None:
    from galaxyscope.replay import ReplayError, replay

    row = Record(str(pictures[0]), algorithm="phase", image_sha256=open_image(pictures[0]).sha256)
    row = dataclasses.replace(row, model="bars", model_sha256="0" * 64, method="saliency")
    recipe = recipe_of([row], session.settings, "t.csv")
    assert recipe["rows"][0]["make"] == "measure"
    with pytest.raises(ReplayError, match="not the network that was used"):
        replay(recipe)
