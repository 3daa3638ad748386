from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyscope.measure.lines import angle_difference, draw_line, line_difference, pixel_angle
from galaxyscope.measure.results import BarMeasurement

NOON = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)


def automatic(ends, length):
    return BarMeasurement("invariant", ends, length, None, 0.5, 0.9, 100)


def test_a_line_keeps_its_ends_observer_and_time():
    line = draw_line((1, 2), (4, 6), " Ada ", NOON.astimezone(timezone(timedelta(hours=2))))
    assert line.ends == ((1.0, 2.0), (4.0, 6.0))
    assert line.length_px == 5
    assert line.observer == "Ada"
    assert line.drawn_at == "2024-05-17T12:00:00+00:00"


def test_the_time_is_now_unless_given():
    before = datetime.now(UTC).replace(microsecond=0)
    drawn_at = datetime.fromisoformat(draw_line((0, 0), (1, 0), "Ada").drawn_at)
    assert before <= drawn_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("p1", "p2", "observer", "now", "word"),
    [
        ((1, 2), (1, 2), "Ada", NOON, "two different"),
        ((1, 2), (float("nan"), 2), "Ada", NOON, "finite"),
        ((1, 2), (3, 4), "  ", NOON, "observer"),
        ((1, 2), (3, 4), "Ada", NOON.replace(tzinfo=None), "time zone"),
    ],
)
def test_bad_lines_are_refused(p1, p2, observer, now, word):
    with pytest.raises(ValueError, match=word):
        draw_line(p1, p2, observer, now)


def test_the_difference_is_drawn_minus_automatic():
    """The example of the window: 31.2 and 29.8 differ by −4.5 %."""
    bar = automatic(((0, 0), (31.2, 0)), 31.2)
    line = draw_line((0, 0), (0, 29.8), "Ada", NOON)
    difference = line_difference(bar, line)
    assert difference.length_percent == pytest.approx(-4.487, abs=1e-3)
    assert difference.angle_deg == -90


def test_the_caller_chooses_the_angle():
    bar = automatic(((0, 0), (10, 0)), 10.0)
    line = draw_line((0, 0), (10, 10), "Ada", NOON)
    assert line_difference(bar, line).angle_deg == pytest.approx(45)
    assert line_difference(bar, line, lambda p, q: -pixel_angle(p, q)).angle_deg == (
        pytest.approx(-45)
    )


def test_there_is_no_difference_to_no_bar():
    assert line_difference(automatic(None, None), draw_line((0, 0), (1, 0), "Ada", NOON)) is None


@given(a=st.floats(-720, 720), b=st.floats(-720, 720))
def test_angle_differences_lie_in_a_half_turn(a, b):
    difference = angle_difference(a, b)
    assert -90 <= difference < 90
    off = (difference - (a - b)) / 180
    assert off == pytest.approx(round(off), abs=1e-9)


@given(angle=st.floats(0, 179.999), swap=st.booleans())
def test_a_line_has_no_head(angle, swap):
    from math import cos, radians, sin

    ends = ((0.0, 0.0), (10 * cos(radians(angle)), 10 * sin(radians(angle))))
    measured = pixel_angle(*ends[::-1]) if swap else pixel_angle(*ends)
    assert 0 <= measured < 180
    assert angle_difference(measured, angle) == pytest.approx(0, abs=1e-9)
