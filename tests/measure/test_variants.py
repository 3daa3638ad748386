"""Ensemble variants and X_input, beside the paper's program spelled out."""

from __future__ import annotations

import numpy as np
import pytest

from galaxyscope.measure.bars import BarSettings, measure_bar
from galaxyscope.measure.variants import mean_of_ends
from galaxyscope.sky.frame import Affine

IDENTITY = Affine()


@pytest.fixture
def maps(oracle):
    """Three networks that see the same bar at different scales, brightnesses and offsets."""
    rng = np.random.default_rng(4)
    shapes = [(10, 0.2, 40, 5.0), (13, 0.3, 47, 0.02), (16, 0.25, 43, 900.0)]
    return {
        name: gain
        * (oracle.gaussian_bar(s, q, a, (40, 41), (80, 80)) + 0.02 * rng.random((80, 80)))
        for name, (s, q, a, gain) in zip("rvx", shapes, strict=True)
    }


@pytest.fixture
def picture():
    y, x = np.mgrid[:80, :80]
    return np.exp(-np.hypot(x - 40, y - 40) / 25)


def papers_length(oracle, relative, correlation=0.85, min_pixels=40):
    mask, _, _ = oracle.barlength_mask(relative.astype(np.float32), correlation, min_pixels)
    return oracle.barlength(mask)


def measured(maps, settings, picture=None):
    mean = np.mean(list(maps.values()), axis=0)
    return measure_bar(mean, IDENTITY, None, settings, None, maps, picture)


def test_average_map_is_the_papers(maps, oracle):
    mean = np.mean([oracle.scaled_by_range(m) for m in maps.values()], axis=0)
    bar = measured(maps, BarSettings("published", average="scaled-maps"))
    assert bar.length_px == pytest.approx(papers_length(oracle, mean), rel=1e-12)
    # The brightest network decides alone where maps are not scaled first.
    alone = measure_bar(maps["x"], IDENTITY, settings=BarSettings("published"))
    assert measured(maps, BarSettings("published")).length_px == pytest.approx(
        alone.length_px, abs=1.5
    )
    assert abs(bar.length_px - alone.length_px) > 2


def test_average_length_is_the_papers(maps, oracle):
    lengths = [papers_length(oracle, oracle.scaled_by_range(m)) for m in maps.values()]
    bar = measured(maps, BarSettings("published", average="lengths"))
    assert bar.length_px == pytest.approx(np.mean(lengths), rel=1e-12)
    assert np.hypot(*np.subtract(*bar.ends)) == pytest.approx(bar.length_px)
    assert bar.errors.networks == pytest.approx(np.std(lengths, ddof=1) / np.sqrt(3))
    assert bar.parameters["average"] == "lengths"


@pytest.mark.parametrize("x_input", ["plain", "renormalised"])
@pytest.mark.parametrize("average", ["map", "scaled-maps", "lengths"])
def test_x_input_is_the_papers(maps, oracle, picture, average, x_input):
    def length(relative):
        shown = relative * picture
        if x_input == "renormalised":
            shown = oracle.scaled_by_range(shown)
        return papers_length(oracle, shown, 0.7, 12)

    scaled = [oracle.scaled_by_range(m) for m in maps.values()]
    expected = {
        "map": length(oracle.scaled_by_range(np.mean(list(maps.values()), axis=0))),
        "scaled-maps": length(np.mean(scaled, axis=0)),
        "lengths": np.mean([length(m) for m in scaled]),
    }[average]
    settings = BarSettings("published", 0.7, 12, average=average, x_input=x_input)
    assert measured(maps, settings, picture).length_px == pytest.approx(expected, rel=1e-9)


def test_a_faint_picture_leaves_nothing_above_half_unless_renormalised(maps, picture):
    """As in the paper's program, whose levels are those of the map before the product."""
    plain = measured(maps, BarSettings("published", x_input="plain"), 0.4 * picture)
    assert plain.flags == ("no-bar",)
    assert "Too few pixels" in plain.reason
    again = measured(maps, BarSettings("published", x_input="renormalised"), 0.4 * picture)
    bright = measured(maps, BarSettings("published", x_input="renormalised"), picture)
    assert again.length_px == pytest.approx(bright.length_px)


def test_one_network_is_the_same_whatever_the_average(maps):
    bars = {
        measure_bar(maps["r"], IDENTITY, settings=BarSettings("published", average=average)).ends
        for average in ("map", "scaled-maps", "lengths")
    }
    assert len(bars) == 1


def test_a_network_without_a_bar_is_told_and_left_out(maps):
    maps = {**maps, "x": np.zeros((80, 80))}
    bar = measured(maps, BarSettings(average="lengths"))
    assert "not-in-all-networks" in bar.flags
    both = [measure_bar(maps[k], IDENTITY).length_px for k in "rv"]
    assert bar.length_px == pytest.approx(np.mean(both))
    nothing = measured(dict.fromkeys("rvx", maps["x"]), BarSettings(average="lengths"))
    assert nothing.reason == "No network's map shows a bar."


def test_mean_of_axes_does_not_mind_which_end_comes_first():
    """One bar at 179°, one at 1°: their mean lies at 0°, not at 90°."""

    def bar(degrees, half, middle):
        arm = half * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        return tuple(map(tuple, (np.array(middle) - arm, np.array(middle) + arm)))

    (x1, y1), (x2, y2) = mean_of_ends([bar(179, 10, (5, 5)), bar(1, 10, (7, 5))])
    assert (x1, y1, x2, y2) == pytest.approx((-4, 5, 16, 5))
    ends = bar(33, 10, (5, 6))
    assert np.allclose(mean_of_ends([ends, ends[::-1]]), ends)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"settings": BarSettings(x_input="plain")}, "needs the picture"),
        ({"members": {"a": np.ones((3, 3))}}, r"map of a member.*\(3, 3\)"),
        (
            {"settings": BarSettings(x_input="plain"), "picture": np.ones((3, 3))},
            r"picture.*\(3, 3\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        measure_bar(np.eye(8), IDENTITY, **wrong)
