"""Resampling: where things are, and how bright."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.sky.frame import Affine
from galaxyscope.sky.resample import resample


def moments(picture):
    rows, columns = np.indices(picture.shape)
    total = picture.sum()
    x, y = (picture * columns).sum() / total, (picture * rows).sum() / total
    return np.array([x, y]), (picture * (columns - x) * (rows - y)).sum() / total


@pytest.mark.parametrize("shape", [(48, 40), (96, 80), (24, 20), (33, 29), (200, 170), (13, 11)])
def test_resized_f_stays_where_it_was(letter_f, shape):
    to_source = Affine.resize(letter_f.shape, shape)
    drawn = resample(letter_f, to_source, shape)
    before, lean_before = moments(letter_f)
    after, lean_after = moments(drawn)
    # Shrunk, the strokes are thinner than a new pixel: then 0.02 of those.
    assert to_source(after) == pytest.approx(before, abs=0.02 * max(1.0, to_source.pixel_size))
    assert np.sign(lean_after) == np.sign(lean_before)
    assert drawn.mean() == pytest.approx(letter_f.mean(), rel=0.01)  # surface brightness


@pytest.mark.parametrize("degrees", [0, 17, 90, 133, 180, 270])
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("mirror", [1, -1])
def test_turned_mirrored_shifted_f(letter_f, degrees, scale, mirror):
    turned = Affine.rotation(degrees, (19.5, 23.5)) @ Affine.scaling(scale, mirror * scale)
    to_source = (
        Affine.translation(0.3, -0.2) @ turned @ Affine.translation(-60, -60 if mirror > 0 else -75)
    )
    # Put the middle of the F in the middle of the new grid.
    middle = to_source.inverse([19.5, 23.5])
    to_source = to_source @ Affine.translation(*(middle - 75.0))
    drawn = resample(letter_f, to_source, (151, 151))
    before, _ = moments(letter_f)
    after, _ = moments(drawn)
    assert to_source(after) == pytest.approx(before, abs=0.02)


def test_whole_factors_average_blocks():
    values = np.random.default_rng(2).normal(size=(3, 12, 20)).astype(np.float32)
    drawn = resample(values, Affine.resize((12, 20), (3, 5)), (3, 5))
    expected = values.reshape(3, 3, 4, 5, 4).mean(axis=(2, 4))
    assert drawn == pytest.approx(expected, abs=1e-5)


def literal(values, to_source, shape):
    """Bilinear interpolation, pixel by pixel, edges held, zero outside."""
    out = np.zeros(shape)
    rows, columns = values.shape
    for row, column in np.ndindex(shape):
        x, y = to_source([column, row])
        if not (-0.5 <= x <= columns - 0.5 and -0.5 <= y <= rows - 0.5):
            continue
        x, y = min(max(x, 0), columns - 1), min(max(y, 0), rows - 1)
        x0, y0 = min(int(x), columns - 2), min(int(y), rows - 2)
        fx, fy = x - x0, y - y0
        out[row, column] = (1 - fy) * ((1 - fx) * values[y0, x0] + fx * values[y0, x0 + 1]) + fy * (
            (1 - fx) * values[y0 + 1, x0] + fx * values[y0 + 1, x0 + 1]
        )
    return out


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 360), st.floats(0.3, 1), st.floats(-4, 4), st.floats(-4, 4))
def test_agrees_with_literal_bilinear(angle, scale, dx, dy):
    values = np.random.default_rng(7).normal(size=(9, 11)).astype(np.float32)
    turned = Affine.rotation(angle, (5.01, 4.02)) @ Affine.scaling(scale)
    to_source = Affine.translation(dx + 1e-3, dy + 1e-3) @ turned
    assert resample(values, to_source, (8, 9)) == pytest.approx(
        literal(values, to_source, (8, 9)), abs=1e-5
    )


def test_identity_and_leading_axes(letter_f):
    stack = np.stack([letter_f, 2 * letter_f])
    assert np.array_equal(resample(stack, Affine(), letter_f.shape), stack)
    assert resample(stack[None], Affine(), (5, 6)).shape == (1, 2, 5, 6)


def test_outside_gets_fill_and_nan_no_weight():
    values = np.ones((6, 6), np.float32)
    values[2, 2] = np.nan
    shifted = resample(values, Affine.translation(-3, 0), (6, 9), fill=-7.0)
    assert (shifted[:, :3] == -7).all()
    assert (shifted[[0, 1, 3, 4, 5], 3:] == 1).all()
    assert shifted[2, 5] == -7  # sees the NaN alone
    halved = resample(values, Affine.resize((6, 6), (3, 3)), (3, 3))
    assert halved == pytest.approx(np.ones((3, 3)))
    assert (resample(np.full((4, 4), np.nan), Affine(), (4, 4), fill=5.0) == 5).all()


def test_strips_do_not_show(monkeypatch, letter_f):
    to_source = Affine.rotation(20, (10, 10)) @ Affine.scaling(2.3)
    whole = resample(letter_f, to_source, (19, 23))
    monkeypatch.setattr("galaxyscope.sky.resample._STRIP", 300)
    assert np.array_equal(resample(letter_f, to_source, (19, 23)), whole)


def test_no_pixels():
    with pytest.raises(ValueError, match="at least one"):
        resample(np.ones((3, 3), np.float32), Affine(), (0, 3))
