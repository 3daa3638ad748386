"""How a network runs best is measured only where enough work is to come."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from galaxyscope.classify import calibrate
from galaxyscope.launch import main


@pytest.fixture
def measured(light_model: None, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Networks that were measured."""
    found: list[object] = []
    monkeypatch.setattr(calibrate, "calibrate", lambda one, *_: found.append(one))
    return found


def copies(folder: Path, count: int) -> Path:
    (first, *_) = sorted(folder.glob("*.fits"))
    for number in range(count):
        shutil.copy(first, folder / f"copy {number}.fits")
    return folder


@pytest.mark.parametrize("command", ["predict", "measure"])
def test_a_few_pictures_do_not_wait(command, folder, tmp_path, measured) -> None:
    main([command, str(folder), "-o", str(tmp_path / "table.csv")])
    assert measured == []


@pytest.mark.parametrize(("count", "times"), [(20, 0), (40, 1)])
def test_a_folder_of_many_is_measured_after_it(count, times, folder, tmp_path, measured) -> None:
    cheap = ["--samples", "2", "--algorithm", "invariant"]
    main(["measure", str(copies(folder, count)), *cheap, "-o", str(tmp_path / "table.csv")])
    assert len(measured) == times


def test_all_methods_are_work_enough(folder, tmp_path, measured) -> None:
    (first, *_) = sorted(folder.glob("*.fits"))
    main(["explain", str(first), "--method", "gradient", "-o", str(tmp_path / "map.fits")])
    assert measured == []
    main(["explain", str(first), "--method", "all", "--estimate"])
    assert len(measured) == 1
