"""The one geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyscope.sky.frame import Affine

SIZE = st.integers(1, 5000)
NUMBER = st.floats(-500, 500)


@given(SIZE, SIZE, SIZE, SIZE)
def test_resize_keeps_outer_edges(r1, c1, r2, c2):
    there = Affine.resize((r1, c1), (r2, c2))
    assert there([-0.5, -0.5]) == pytest.approx([-0.5, -0.5], abs=1e-9)
    assert there([c2 - 0.5, r2 - 0.5]) == pytest.approx([c1 - 0.5, r1 - 0.5], rel=1e-12)


@given(NUMBER, NUMBER, NUMBER, st.floats(0.01, 50))
def test_composition_and_inverse(x, y, angle, scale):
    there = Affine.rotation(angle, (x, y)) @ Affine.scaling(scale) @ Affine.translation(y, x)
    points = np.array([[0.0, 0.0], [17.5, -3.0], [x, y]])
    assert there.inverse(there(points)) == pytest.approx(points, abs=1e-6)
    step = Affine.rotation(angle, (x, y))(scale * (points + np.array([y, x])))
    assert there(points) == pytest.approx(step, abs=1e-6)
    assert there.pixel_size == pytest.approx(scale)


def test_screen():
    assert Affine.to_screen(10, y_up=True)([[0, 0], [3, 9]]).tolist() == [[0.5, 9.5], [3.5, 0.5]]
    assert Affine.to_screen(10, y_up=False)([[0, 0], [3, 9]]).tolist() == [[0.5, 0.5], [3.5, 9.5]]


def test_collapsed_plane_has_no_inverse():
    with pytest.raises(ValueError, match="no inverse"):
        _ = Affine.scaling(0.0).inverse
