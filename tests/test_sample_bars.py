"""The whole way on the samples: how long their bars are, and how they lie."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from galaxyscope.classify.store import load_model
from galaxyscope.measure.lines import angle_difference
from galaxyscope.pipeline import MeasureSettings, explain_image, measure_attribution
from galaxyscope.resources import samples_folder
from galaxyscope.sky.readers import list_images, open_image


def test_bars_of_the_samples_lie_where_they_were_put() -> None:
    """One of them fills the network's field: its map shows the two flanks."""
    classifier = load_model("galaxyzoo", "cpu")
    with (samples_folder() / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["file"]: row for row in csv.DictReader(file) if row["barred"] == "1"}
    paths = [path for path in list_images(samples_folder()) if path.name in truth]
    assert len(paths) == len(truth) == 9
    off, ratio = {}, {}
    for path in paths:
        image, row = open_image(path), truth[path.name]
        made = explain_image(image, classifier, MeasureSettings(samples=32))
        bar = measure_attribution(image, made)
        assert bar.ends is not None, f"{path.name}: {bar.reason}"
        (x1, y1), (x2, y2) = bar.ends
        dx, dy = (float(row[f"{axis}2"]) - float(row[f"{axis}1"]) for axis in "xy")
        angles = (np.degrees(np.arctan2(*v)) for v in ((y2 - y1, x2 - x1), (dy, dx)))
        off[path.name] = abs(angle_difference(*angles))
        ratio[path.name] = bar.length_px / float(row["bar_full_length_px"])
        assert off[path.name] < 3 * bar.angle_err_deg
    assert max(off.values()) < 10, off
    assert np.median(list(off.values())) < 5
    assert list(ratio.values()) == pytest.approx([1.0] * 9, abs=0.15)
