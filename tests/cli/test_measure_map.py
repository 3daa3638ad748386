"""`measure-map` reads maps the way round that they lie."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from galaxyscope.cli.main import main
from galaxyscope.records.maps import write_map
from galaxyscope.records.record import Record
from galaxyscope.sky.image import SkyImage


def angle(path: Path) -> float:
    """Position angle that the command finds on a map."""
    out = path.with_suffix(".csv")
    assert main(["measure-map", str(path), "-o", str(out)]) == 0
    with out.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["pa_frame"] == "image"
    return float(row["pa_deg"])


@pytest.mark.parametrize("y_up", [True, False])
def test_a_map_has_one_angle_in_every_format(tmp_path: Path, y_up: bool) -> None:
    """Found by review: of a FITS cutout the angle on the array was the mirrored one."""
    y, x = np.mgrid[:80, :80] - 39.5
    along, across = x * np.cos(0.5) + y * np.sin(0.5), y * np.cos(0.5) - x * np.sin(0.5)
    values = np.exp(-((along / 14) ** 4) - (across / 4) ** 2).astype(np.float32)
    cutout = SkyImage(data=values[None], name="g", sha256="f" * 64, y_up=y_up)
    for name in ("a.fits", "b.npy"):
        write_map(tmp_path / name, cutout, values, Record("g"))
    np.save(tmp_path / "c.npy", values)
    degrees = np.rad2deg(0.5)
    expected = 90 + degrees if y_up else 90 - degrees
    assert angle(tmp_path / "a.fits") == pytest.approx(expected, abs=2)
    assert angle(tmp_path / "b.npy") == pytest.approx(expected, abs=2)
    assert angle(tmp_path / "c.npy") == pytest.approx(90 - degrees, abs=2), "of somebody else's"
