"""Labels stand beside the ends of their lines and never on each other."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.gui.canvas.labels import Label, place_labels

angles = st.floats(0, 180)
lengths = st.floats(20, 160)


def line(angle, length, x=300.0, y=250.0):
    dx, dy = length * math.cos(math.radians(angle)), length * math.sin(math.radians(angle))
    return (x - dx, y - dy), (x + dx, y + dy)


@given(st.lists(st.tuples(angles, lengths), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_labels_never_overlap_and_stay_inside(lines):
    labels = [Label(line(angle, length), (110.0, 16.0)) for angle, length in lines]
    boxes = place_labels(labels, 600, 500)
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + w <= 600
        assert y + h <= 500
        for x2, y2, w2, h2 in boxes[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@given(angles, lengths)
@settings(max_examples=50, deadline=None)
def test_a_lone_label_stands_outside_its_line_near_an_end(angle, length):
    ends = line(angle, length)
    ((x, y, w, h),) = place_labels([Label(ends, (110.0, 16.0))], 600, 500)
    gaps = [math.hypot(max(x - px, 0, px - x - w), max(y - py, 0, py - y - h)) for px, py in ends]
    assert 4 < min(gaps) < 20
    for t in range(101):
        px = ends[0][0] + (ends[1][0] - ends[0][0]) * t / 100
        py = ends[0][1] + (ends[1][1] - ends[0][1]) * t / 100
        assert not (x < px < x + w and y < py < y + h)


def test_a_line_far_outside_keeps_its_label_on_the_canvas():
    ((x, y, w, h),) = place_labels([Label(((-900, 40), (-700, 40)), (80, 16))], 600, 500)
    assert 0 <= x <= 600 - w
    assert 0 <= y <= 500 - h


def test_labels_side_by_side_do_not_read_as_one():
    size = (150.0, 14.0)
    labels = [
        Label(((577.0, 325.0), (622.0, 380.0)), size),
        Label(((562.0, 290.0), (638.0, 383.0)), (70.0, 14.0)),
    ]
    (ax, ay, aw, ah), (bx, by, bw, bh) = place_labels(labels, 726, 520)
    apart = max(bx - ax - aw, ax - bx - bw)
    assert apart >= 6 or by >= ay + ah or ay >= by + bh
