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

#: Seen from above, inclined, as smooth as the model of the light, and one that fills its field.
ASKED = ("GS-01", "GS-04", "GS-07", "GS-08")


def test_bars_of_the_samples_lie_where_they_were_put() -> None:
    """The map of the last shows the two flanks of its bar."""
    classifier = load_model("galaxyzoo", "cpu")
    with (samples_folder() / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["file"]: row for row in csv.DictReader(file)}
    paths = [path for path in list_images(samples_folder()) if path.name.startswith(ASKED)]
    assert len(paths) == len(ASKED)
    off, ratio = {}, {}
    for path in paths:
        image, row = open_image(path), truth[path.name]
        made = explain_image(image, classifier, MeasureSettings(samples=24))
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
    assert list(ratio.values()) == pytest.approx([1.0] * 4, abs=0.1)
